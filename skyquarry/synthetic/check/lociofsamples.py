"""Which colours of which samples are compared, along what."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.synthetic.check.loci import Locus, compared
from skyquarry.synthetic.check.matched import matched
from skyquarry.synthetic.check.samples import SAMPLES
from skyquarry.synthetic.milkyway.ultracool import TYPE_ERROR

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from skyquarry.synthetic.check.realdata import Real, RealData

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_UGRIZ: Final = (("u", "g"), ("g", "r"), ("r", "i"), ("i", "z"))
_STARS: Final = (("u", "g"), ("r", "i"), ("i", "z"))
_G_I: Final = (0.2, 0.4, 0.6, 0.8, 1.0, 1.3, 1.7, 2.1, 2.5, 2.9)
_DR5: Final = (0.25, 0.35, 0.5, 0.7, 0.9, 1.1, 1.3, 1.5, 1.7, 1.9, 2.1, 2.3, 2.6)
_COOL: Final = (
    ("G", "RP"), ("ps_z", "ps_y"), ("ps_y", "J"), ("J", "H"), ("H", "K"), ("K", "W1"),
    ("W1", "W2"),
)  # fmt: skip
_MATCHED: Final = "simulated stars have the magnitudes r of the real ones"
_LOST: Final = "u is lost in noise"
_STEEP: Final = "SDSS DR5 quasars beyond z 2.6"
"""g-r changes by 0.6 mag within a bin, and what is chosen by colour lies unevenly in it"""

LOCI: Final = (
    Locus("SDSS DR14 galaxies", "galaxies", "redshift", (0.03, 0.05, 0.07, 0.09, 0.12), _UGRIZ),
    Locus("SDSS DR17 main galaxies", "galaxies", "redshift", (0.04, 0.08, 0.11, 0.14, 0.22),
          _UGRIZ),
    Locus("SDSS DR17 LOWZ galaxies", "galaxies", "redshift",
          (0.10, 0.15, 0.20, 0.25, 0.30, 0.35, 0.40), _UGRIZ),
    Locus("SDSS DR17 CMASS galaxies", "galaxies", "redshift", (0.45, 0.50, 0.55, 0.60), _UGRIZ,
          _LOST),
    Locus("GST galaxies with 2MASS", "galaxies", "redshift", (0.03, 0.06, 0.09, 0.12, 0.16, 0.22),
          (*_UGRIZ, ("z", "J"), ("J", "H"), ("H", "K")),
          "J, H and K are totals: of simulated galaxies the truth's, with the errors of real ones"),
    Locus("SDSS DR5 quasars", "quasars", "redshift", _DR5, _UGRIZ),
    Locus(_STEEP, "quasars", "redshift", (2.7, 3.1, 3.6), _UGRIZ,
          "chosen by SDSS's box in u-g and g-r; both have the same redshifts"),
    Locus("SDSS DR14 quasars", "quasars", "redshift", (0.4, 0.7, 1.0, 1.3, 1.6, 2.0), _UGRIZ),
    Locus("SDSS DR17 quasars", "quasars", "redshift", (0.5, 0.9, 1.3, 1.7, 2.1, 2.6), _UGRIZ),
    Locus("SDSS DR14 stars", "stars", "g-i", _G_I, _STARS, _MATCHED),
    Locus("SDSS DR17 stars", "stars", "g-i", _G_I, _STARS, _MATCHED),
    Locus("SDSS point-source stars", "stars", "g-i", _G_I, _STARS,
          "the real ones have no magnitudes"),
    Locus("LAMOST stars", "stars", "g-i", _G_I, (*_STARS, ("z", "J"), ("J", "H")), _MATCHED),
    Locus("Gaia white dwarfs", "white dwarfs", "BP-RP", (-0.5, -0.3, -0.1, 0.1, 0.3, 0.5, 0.8),
          (*_UGRIZ, ("G", "r"))),
    Locus("SDSS point-source white dwarfs", "white dwarfs", "g-r",
          (-0.5, -0.35, -0.2, -0.05, 0.1, 0.25), (("u", "g"), ("r", "i"), ("i", "z")),
          "the real ones have no magnitudes"),
    Locus("SIMPLE L and T dwarfs", "brown dwarfs", "spectral type (L0 = 20)",
          (20, 22, 24, 26, 28, 30, 33, 36, 39), _COOL,
          "the truth with the errors of real ones of the type, types half a subtype off"),
)  # fmt: skip

_TRUE: Final = {
    "SIMPLE L and T dwarfs": {
        "G": "gaia_g", "RP": "gaia_rp", "ps_z": "ps1_z", "ps_y": "ps1_y", "J": "twomass_j",
        "H": "twomass_h", "K": "twomass_ks", "W1": "wise_w1", "W2": "wise_w2",
    },
    "GST galaxies with 2MASS": {"J": "twomass_j", "H": "twomass_h", "K": "twomass_ks"},
}  # fmt: skip
"""where the truth stands for what a survey measures, and why is said in the note"""


def measured(
    data: RealData, made: Mapping[str, Real], random: np.random.Generator
) -> dict[str, dict[str, Any] | str]:
    """{real set: what `loci.compared` tells, or why it is not measured}."""
    told: dict[str, dict[str, Any] | str] = {}
    for locus in LOCI:
        sample = SAMPLES[locus.name]
        ours = made.get(sample.kind)
        if ours is None or not len(ours):
            told[locus.name] = f"the synthetic sky has no {locus.kind}"
            continue
        real = sample.real(data)
        if real is None:
            told[locus.name] = "no real data were given"
            continue
        real, twin = sample.both(real, _noisy(named(ours, locus.name), real, random))
        if locus.note == _MATCHED:
            real, twin = _same_magnitudes(real, twin, random)
        if locus.name == _STEEP:
            some, twins = matched(real.redshift[:, None], twin.redshift[:, None], (0.05,), random)
            real, twin = _some(real, some), _some(twin, twins)
        told[locus.name] = compared(locus, _set(real, locus), _set(twin, locus))
    return told


def named(made: Real, name: str) -> Real:
    """The simulated magnitudes under the names of the real ones."""
    mags = dict(made.mags)
    for band, true in _TRUE.get(name, {}).items():
        mags[band] = mags[f"true_{true}"]
    if "quasars" in name and "DR5" in name:
        mags |= {band: mags[f"psf_{band}"] for band in "ugriz"}
    return replace(made, mags=mags)


def _noisy(made: Real, real: Real, random: np.random.Generator) -> Real:
    """With the errors that real objects have, where no survey made noise.

    A simulated object takes the error of a real one: by chance one within half a spectral type, or
    the nearest in magnitude where there are no types. Types have the errors of those that spectra
    tell. Before any are chosen: real ones were by what
    was measured.
    """
    mags = dict(made.mags)
    shared = real.together_mag * random.standard_normal(len(made))
    typed = bool(np.isfinite(real.kind).any())
    if typed:
        told = made.kind + TYPE_ERROR * random.standard_normal(len(made))
        made = replace(made, kind=told)
    reach = 0.5 if typed else 0.0
    for band, errors in real.errors.items():
        if band not in mags:
            continue
        theirs, ours = (real.kind, made.kind) if typed else (real.mags[band], mags[band])
        known = np.flatnonzero(np.isfinite(errors) & np.isfinite(theirs))
        if not len(known):
            continue
        order = known[np.argsort(theirs[known], kind="stable")]
        low = np.searchsorted(theirs[order], np.nan_to_num(ours) - reach)
        high = np.searchsorted(theirs[order], np.nan_to_num(ours) + reach, "right")
        near = low + (random.random(len(low)) * (high - low)).astype(np.int64)
        error = errors[order][np.clip(near, 0, len(order) - 1)]
        mags[band] = mags[band] + shared + error * random.standard_normal(len(error))
    return replace(made, mags=mags)


def _same_magnitudes(real: Real, made: Real, random: np.random.Generator) -> tuple[Real, Real]:
    """Both with one distribution of r in each bin of g-i: u-g of halo and disc differ."""
    (real, theirs), (made, ours) = _known(real), _known(made)
    some, twins = matched(theirs, ours, (0.5, 0.1), random)
    return _some(real, some), _some(made, twins)


def _known(each: Real) -> tuple[Real, Floats]:
    """Those with r and g-i, and these (n, 2)."""
    values = np.stack([each.mags["r"], each.mags["g"] - each.mags["i"]], axis=1)
    good = np.asarray(np.isfinite(values).all(axis=1), np.bool_)
    return each.taken(good), values[good]


def _some(each: Real, places: Ints) -> Real:
    mask = np.zeros(len(each), np.bool_)
    mask[places] = True
    return each.taken(mask)


def _set(each: Real, locus: Locus) -> tuple[Floats, Floats]:
    """Colours, and what bins are of."""
    if locus.along == "redshift":
        along = each.redshift
    elif locus.along.startswith("spectral"):
        along = each.kind
    else:
        a, b = locus.along.split("-")
        along = each.mags[a] - each.mags[b]
    return each.colours(locus.pairs), along
