"""Main-sequence stars, A0 to the end of M, single and in unresolved pairs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.synthetic.bands import BAND
from skyquarry.synthetic.milkyway import binaries, counting, locus, metallicity, ultracool
from skyquarry.synthetic.milkyway.discs import (
    LOCAL,
    THIN,
    THIN_AT_SUN,
    YOUNG,
    Component,
    young_share,
)
from skyquarry.synthetic.milkyway.observed import seen
from skyquarry.synthetic.milkyway.tables import dwarfs
from skyquarry.synthetic.sources import Kind, Sources

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.synthetic.blocks import Block

    Floats = NDArray[np.float64]

_LUMINOSITY_FUNCTION: Final = (
    (-1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0,
     16.0, 17.0, 18.0, 19.0, 20.0, 21.0),
    (1, 4, 14, 24, 43, 78, 108, 121, 102, 132, 159, 245, 341, 512, 597, 427, 427, 299, 299, 160,
     100, 80, 60),
)  # fmt: skip
"""M_V, and stars a magnitude within 20 pc: Jahreiss & Wielen 1997 (ESA SP-402, 675), from memory"""
_LATE_PC3: Final = 4.9e-3
"""M7 to the end of M, a cubic parsec about the Sun: Cruz et al. 2007, AJ 133, 439, abstract, with
which Bardalez Gagliuffi et al. 2019, ApJ 883, 205, agree; by M_V there would be 7.5e-3"""
_VOLUME_PC3: Final = 4.0 / 3.0 * np.pi * 20.0**3
_SPARE, _SPARE_LATE = 1.3, 1.8
"""magnitudes that a star may be brighter than its knot: a companion, heavy elements, scatter; the
second from M6 on, where stars scatter more"""
_SCATTER: Final = 0.15
"""in luminosity at given g-i and metallicity, magnitudes: age and rotation"""
_COLOUR_SCATTER: Final = ((0.5, 0.8, 3.0, 4.3), (0.003, 0.007, 0.008, 0.040))
"""in each band, magnitudes, by g-i: bluer stars of SDSS are as near to their locus as it measures;
from M6 on it gives way to the scatter of `ultracool.py`"""
_STRAGGLERS: Final = 0.012
"""about as many blue stragglers as stars of the horizontal branch: Deason, Belokurov & Evans 2011,
MNRAS 416, 2903"""
_G_SUN: Final = 4.438
_END: Final = 20.0
"""L0"""
_LAST_TYPE: Final = float(np.nextafter(np.float32(_END), np.float32(0.0)))
"""the latest type of a star, as the truth keeps it"""


@dataclass(frozen=True, slots=True)
class Knots:
    """The sequence of solar neighbours at E. Mamajek's spectral types: (k,) each, hot to cold."""

    g_i: Floats
    mags: Floats
    """(k, 24) absolute AB magnitudes"""
    numbers: Floats
    """(k-1,) stars of the thin disc and the young a cubic parsec, between the knots"""
    young: Floats
    """(k-1,) how many of them are of the young disc"""
    teff_k: Floats
    logg: Floats
    mass_msun: Floats
    spectral_type: Floats


@cache
def knots() -> Knots:
    """Mamajek's A0 to L0, where the brown dwarfs begin, with colours of the locus to M6.

    From M7 on they are those of `ultracool.py`; see there, and `locus.py`.
    """
    m = dwarfs()
    which = (m["spectral_type"] >= -30) & (m["spectral_type"] <= _END)
    m = {name: values[which] for name, values in m.items()}
    g_i = _g_i(m)
    mags = locus.colours(g_i)
    mags += (_absolute_r(m, g_i, mags))[:, None]
    late = m["spectral_type"] >= ultracool.FIRST
    mags[late] = ultracool.absolute(m["spectral_type"][late])
    _between(mags, m)
    young = young_share(0.5 * (m["Mv"][1:] + m["Mv"][:-1]))
    return Knots(
        g_i,
        mags,
        _numbers(m),
        young,
        m["Teff"],
        _logg(m),
        np.minimum.accumulate(m["Msun"]),
        m["spectral_type"],
    )


def _between(mags: Floats, m: dict[str, Floats]) -> None:
    """Colours between M6 and M7, where the locus and SIMPLE meet, are their means, in place."""
    kind, j = m["spectral_type"], BAND["twomass_j"]
    ends = [int(np.flatnonzero(kind == each)[0]) for each in (ultracool.FIRST - 1, ultracool.FIRST)]
    for knot in range(ends[0] + 1, ends[1]):
        part = ultracool.share(kind[knot : knot + 1])
        first, last = (mags[end] - mags[end, j] for end in ends)
        mags[knot] = mags[knot, j] + first * (1.0 - part) + last * part


def _g_i(m: dict[str, Floats]) -> Floats:
    """By G_BP - G_RP to K9, by i-z from M2, by the mean of both between."""
    late = m["spectral_type"] > 15
    i_z = np.where(late, locus.late_i_z(m["spectral_type"]), m["i-z"])
    blue, red = locus.g_i_of_bp_rp(m["Bp-Rp"]), locus.g_i_of_i_z(i_z)
    share = np.select([m["spectral_type"] < 10, m["spectral_type"] < 12], [0.0, 0.5], 1.0)
    g_i = np.where(share > 0, share * np.nan_to_num(red), 0.0) + (1 - share) * np.nan_to_num(blue)
    return np.maximum.accumulate(g_i + 1e-4 * np.arange(len(g_i)))


def _absolute_r(m: dict[str, Floats], g_i: Floats, colours: Floats) -> Floats:
    """By M_G where the sequence is blue, by M_J where it is red."""
    of_g = m["M_G"] - locus.vega(colours)[:, BAND["gaia_g"]]
    of_j = m["M_J"] - locus.vega(colours)[:, BAND["twomass_j"]]
    share = np.clip((g_i - 1.8) / 0.6, 0.0, 1.0)
    return np.asarray((1.0 - share) * of_g + share * of_j)


def _numbers(m: dict[str, Floats]) -> Floats:
    """By M_V; from M7 on as many as were counted by type, by M_V among themselves."""
    known, counts = (np.array(column) for column in _LUMINOSITY_FUNCTION)
    middle = 0.5 * (m["Mv"][1:] + m["Mv"][:-1])
    total = np.interp(middle, known, counts) / _VOLUME_PC3 * np.diff(m["Mv"]) / LOCAL
    late = m["spectral_type"][:-1] >= ultracool.FIRST
    total[late] *= THIN_AT_SUN * _LATE_PC3 / total[late].sum()
    return np.asarray(total)


def _logg(m: dict[str, Floats]) -> Floats:
    return np.asarray(_G_SUN + np.log10(m["Msun"]) - 2.0 * np.log10(m["R_Rsun"]))


@dataclass(frozen=True, slots=True)
class MainSequence:
    """Dwarfs of one component of our Galaxy, with their unresolved companions.

    Luminosities: Mamajek's by colour, fainter by metallicity (Ivezić et al. 2008). Numbers: the
    luminosity function of the solar neighbourhood, as many a unit of colour in every component
    (Juric et al. 2008 measured their shares so), without what is bluer than its turnoff.
    """

    component: Component
    number: int
    binary_share: float = 1.0
    """of the share of pairs that `binaries.py` gives"""

    @property
    def name(self) -> str:
        """As `simulate check` tells it."""
        return f"main sequence, {self.component.name}"

    def drawn(self, block: Block, random: np.random.Generator) -> Sources:
        """The dwarfs of a block that some survey could see."""
        known, component = knots(), self.component
        numbers = known.numbers * share_of(component)
        usual = known.mags + metallicity.fainter(np.array(component.feh))
        spare = np.where(known.spectral_type[1:] > 16.0, _SPARE_LATE, _SPARE)
        place, distance = counting.drawn_places(block, component, numbers, usual, spare, random)
        return seen(block, component, distance, random, _Dwarfs(place, self.binary_share))


def share_of(component: Component) -> Floats:
    """(k-1,) how many of the dwarfs of `knots` a component has, over its share of all stars.

    An old one has none that is bluer than its turnoff, but `_STRAGGLERS`.
    """
    known = knots()
    if component == YOUNG:
        return known.young
    if component == THIN:
        return 1.0 - known.young
    first, last = component.turnoff_g_i
    middle = 0.5 * (known.g_i[1:] + known.g_i[:-1])
    return np.clip((middle - first) / (last - first), _STRAGGLERS, 1.0)


@dataclass(frozen=True, slots=True)
class _Dwarfs:
    """Stars at places of the sequence: what they are, once their metallicities are known."""

    place: Floats
    binary_share: float

    def light(self, feh: Floats, random: np.random.Generator) -> tuple[Floats, dict[str, object]]:
        """(n, 24) absolute AB magnitudes, and the columns of `Sources` that are known here."""
        known, n = knots(), len(self.place)
        kind = counting.between(known.spectral_type, self.place)
        mags = magnitudes(self.place, feh)
        mass = counting.between(known.mass_msun, self.place)
        paired = random.random(n) < self.binary_share * binaries.share(mass)
        other = binaries.companions(mass[paired], random)
        where = np.interp(-other, -known.mass_msun, np.arange(len(known.mass_msun)))
        mags[paired] = binaries.joined(mags[paired], magnitudes(where, feh[paired]))
        late = np.flatnonzero(kind > ultracool.FIRST - 1.0)
        usual = 1.0 - ultracool.share(kind)[:, None]
        mags += usual * _SCATTER * random.standard_normal((n, 1))
        scatter = np.interp(counting.between(known.g_i, self.place), *_COLOUR_SCATTER)
        mags += usual * scatter[:, None] * random.standard_normal(mags.shape)
        mags[late] += (1.0 - usual[late]) * ultracool.scatter(kind[late], random)
        return mags, {
            "kind": Kind.MAIN_SEQUENCE,
            "teff_k": counting.between(known.teff_k, self.place),
            "logg": counting.between(known.logg, self.place),
            "mass_msun": mass,
            "spectral_type": np.minimum(kind, _LAST_TYPE),
            "companion": paired,
        }


def magnitudes(place: Floats, feh: Floats) -> Floats:
    """(n, 24) absolute AB magnitudes of dwarfs at places (n,) of the sequence.

    What metallicity does is known of earlier stars; it fades from M6 on, so that none of it is left
    at L0, where the next sequence begins.
    """
    known = knots()
    mags = counting.between(known.mags, place)
    kind = counting.between(known.spectral_type, place)
    known_to = np.clip((_END - kind) / (_END - ultracool.FIRST + 1.0), 0.0, 1.0)
    mags += (known_to * metallicity.fainter(feh))[:, None]
    g_i = counting.between(known.g_i, place)
    u_g, g_r = (known_to * each for each in metallicity.shifts(g_i, feh))
    fainter = metallicity.r_fainter(g_i, u_g)
    mags[:, BAND["sdss_u"]] += u_g + 0.5 * g_r
    for blue in ("sdss_g", "ps1_g", "gaia_bp"):
        mags[:, BAND[blue]] += 0.5 * g_r
    for red in ("sdss_r", "ps1_r"):
        mags[:, BAND[red]] += fainter - 0.5 * g_r
    return mags
