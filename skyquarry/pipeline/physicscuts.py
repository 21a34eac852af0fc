"""Published cuts in colour, shape and motion: what a classifier has to beat at their own purity.

Each is a formula on features of any survey that has them; where a table lacks one, or a model the
class, the cut is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from skyquarry.learn.scores import Cut

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

_SURE: Final = 5.0
"""parallax over error"""


@dataclass(frozen=True, slots=True)
class PhysicsCut:
    """A cut and what it is made of."""

    name: str
    label: str
    """of the eight classes"""
    needs: tuple[str, ...]
    """features without the survey's name: W1-W2; * for another survey's, or for a band"""
    rule: Callable[..., Mask]
    """from their values (n,) each; NaN where not measured"""
    source: str


def _magnitude(luminosity: Floats) -> Floats:
    """Absolute, of a = 10^(0.2 M); infinitely bright where the parallax is not positive."""
    return np.asarray(5.0 * np.log10(np.maximum(luminosity, 1e-30)))


def _r90(w1w2: Floats, w2: Floats) -> Mask:
    faint = np.maximum(w2 - 13.86, 0.0)
    return np.asarray(w1w2 > 0.650 * np.exp(0.153 * faint**2))


def _r75(w1w2: Floats, w2: Floats) -> Mask:
    faint = np.maximum(w2 - 13.07, 0.0)
    return np.asarray(w1w2 > 0.486 * np.exp(0.092 * faint**2))


def _m_giant(jh: Floats, hk: Floats) -> Mask:
    jk = jh + hk
    off = jh - 0.561 * jk
    return np.asarray((jk > 0.85) & (off > 0.22) & (off < 0.36))


def _white(luminosity: Floats, colour: Floats, sure: Floats, pm: Floats) -> Mask:
    m = _magnitude(luminosity)
    line = 6.0 * colour**3 - 21.77 * colour**2 + 27.91 * colour + 0.897
    below = (m > 5.0) & (m > 5.93 + 5.047 * colour) & (m > line)
    return np.asarray(below & (colour < 1.7) & (sure > 1.0) & (pm > 2.0))


def _giant(luminosity: Floats, colour: Floats, sure: Floats) -> Mask:
    return np.asarray((sure > _SURE) & (colour > 0.95) & (_magnitude(luminosity) < 3.9))


def _dwarf(luminosity: Floats, colour: Floats, sure: Floats, pm: Floats) -> Mask:
    white = _white(luminosity, colour, sure, pm)
    giant = _giant(luminosity, colour, sure)
    return np.asarray((sure > _SURE) & ~white & ~giant)


_GAIA: Final = ("luminosity", "BP-RP", "parallax_over_error")
CUTS: Final = (
    PhysicsCut("W1-W2 >= 0.8, W2 < 15.05", "quasar", ("W1-W2", "W2"),
               lambda c, w2: (c >= 0.8) & (w2 < 15.05), "Stern et al. 2012, ApJ 753, 30"),
    PhysicsCut("R90 in W1-W2 and W2", "quasar", ("W1-W2", "W2"), _r90,
               "Assef et al. 2018, ApJS 234, 23"),
    PhysicsCut("R75 in W1-W2 and W2", "quasar", ("W1-W2", "W2"), _r75,
               "Assef et al. 2018, ApJS 234, 23"),
    PhysicsCut("W1-W2 > 0.71", "quasar", ("W1-W2",), lambda c: c > 0.71,
               "C75 of Assef et al. 2018, ApJS 234, 23"),
    PhysicsCut("no motion, no parallax", "quasar", ("chi2_pm", "parallax_over_error"),
               lambda chi2, sure: (chi2 < 9.0) & (np.abs(sure) < 3.0), "Gaia, 3 sigma each"),
    PhysicsCut("u-g < 0.6", "quasar", ("u-g",), lambda c: c < 0.6, "ultraviolet excess"),
    PhysicsCut("PSF - model > 0.145 in r", "galaxy", ("r_psf-total",), lambda d: d > 0.145,
               "Strauss et al. 2002, AJ 124, 1810; SDSS' own star-galaxy separation"),
    PhysicsCut("C* > 3 sigma", "galaxy", ("c_star_sigma",), lambda c: c > 3.0,
               "Riello et al. 2021, A&A 649, A3: flux in BP and RP beyond what a point would give"),
    PhysicsCut("below the main sequence", "white_dwarf", (*_GAIA, "pm"), _white,
               "Gentile Fusillo et al. 2019, MNRAS 482, 4570, as DESI has it"),
    PhysicsCut("i-z > 1.7", "brown_dwarf", ("i-z",), lambda c: c > 1.7, "L dwarfs in SDSS"),
    PhysicsCut("z-J > 2.5", "brown_dwarf", ("z-*_J",), lambda c: c > 2.5,
               "L dwarfs in SDSS (AB) and 2MASS (Vega)"),
    PhysicsCut("G-RP > 1.3, G-J > 4.5", "brown_dwarf", ("G-RP", "G-*_J"),
               lambda near, far: (near > 1.3) & (far > 4.5), "medians of L0 to L2 in SIMPLE"),
    PhysicsCut("W1-W2 > 0.4", "brown_dwarf", ("W1-W2",), lambda c: c > 0.4,
               "Kirkpatrick et al. 2011, ApJS 197, 19: late L and T"),
    PhysicsCut("W1-W2 > 1.5", "brown_dwarf", ("W1-W2",), lambda c: c > 1.5,
               "Kirkpatrick et al. 2011, ApJS 197, 19: T5 and later"),
    PhysicsCut("M_G < 3.9, BP-RP > 0.95", "giant", _GAIA, _giant, "parallax / error > 5"),
    PhysicsCut("J-H above dwarfs at J-K > 0.85", "giant", ("J-H_0", "H-Ks_0"), _m_giant,
               "Majewski et al. 2003, ApJ 599, 1082: M giants"),
    PhysicsCut("neither white dwarf nor giant", "main_sequence", (*_GAIA, "pm"), _dwarf,
               "parallax / error > 5"),
    PhysicsCut("chi2 / dof > 3 of the light curve", "transient", ("*_chi2_dof",), lambda c: c > 3.0,
               "as of stars in Pan-STARRS"),
    PhysicsCut("amplitude >= 0.3 mag of the light curve", "transient",
               ("*_amplitude", "*_chi2_dof"), lambda a, c: (a >= 0.3) & (c > 3.0),
               "the definition of the class"),
)  # fmt: skip
_ALSO: Final = {"quasar": ("qso",), "galaxy": ("gal",), "white_dwarf": ("wd", "white dwarf")}


def cuts_of(table: pa.Table, survey: Any, classes: Sequence[str]) -> list[Cut]:
    """The cuts that the columns of a table and the classes of a model allow, over its rows."""
    from skyquarry.errors import UserError
    from skyquarry.features.making import features_of
    from skyquarry.learn.scores import Cut

    try:
        made = features_of(table, survey)
    except UserError:  # no survey known: no column has a meaning
        return []
    told = []
    for each in CUTS:
        label = _named(each.label, classes)
        names = [_name(need, made.names) for need in each.needs]
        if label is None or "" in names:
            continue
        values = made.columns(names).values.T.astype(np.float64)
        known = np.asarray(np.isfinite(values).all(axis=0), np.bool_)
        chosen = known & each.rule(*(np.where(known, value, 0.0) for value in values))
        told.append(Cut(each.name, label, chosen, known, each.source))
    return told


def _named(label: str, classes: Sequence[str]) -> str | None:
    """The class of a model that is meant: quasar is QSO too."""
    wanted = {label, *_ALSO.get(label, ())}
    return next((name for name in classes if name.lower() in wanted), None)


def _name(need: str, names: Sequence[str]) -> str:
    """The feature that is meant: the first of any survey; empty where there is none."""
    return next((name for name in names if fnmatchcase(name.partition("_")[2], need)), "")
