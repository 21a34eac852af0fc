"""Subgiants, the red-giant branch, the red clump and the horizontal branch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.synthetic.bands import BAND
from skyquarry.synthetic.milkyway import counting, locus, mainsequence, metallicity
from skyquarry.synthetic.milkyway.discs import HALO, THIN, Component
from skyquarry.synthetic.milkyway.observed import seen
from skyquarry.synthetic.milkyway.tables import dwarfs, table
from skyquarry.synthetic.sources import Kind, Sources

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.synthetic.blocks import Block

    Floats = NDArray[np.float64]

_FEH: Final = (-2.0, -1.5, -1.0, -0.5, 0.0)
_KNOTS: Final = 16
_THIN_FIRST: Final = 4
"""hotter subgiants of the thin disc are counted in the luminosity function of its dwarfs"""
_VARIABLE: Final = 0.09
"""of the halo's stars that burn helium, RR Lyrae: a population of its own, 7 of 75 a cubic kpc"""
_CLUMP: Final = {
    "thin disc": 0.018,
    "thick disc": 0.0114,
    "halo": 0.0104 * (1.0 - _VARIABLE),
}
"""stars that burn helium over dwarfs of 4.5 < M_bol < 6: MIST, as in data/giants.csv"""
_CLUMP_M_BOL: Final = 0.38
"""at 4750 K this is M_Ks = -1.61 (Hawkins et al. 2017, MNRAS 471, 722)"""
_CLUMP_SCATTER: Final = (0.15, 90.0)
"""magnitudes, kelvins"""
_BLUE_M_V: Final = 0.60
"""of the horizontal branch of the halo"""
_BLUE_TEFF: Final = ((5300.0, 6100.0, 7400.0, 10500.0), (0.0, 0.84, 0.84, 1.0))
"""temperatures of the halo's horizontal branch, and the share of stars that are cooler: none in the
instability strip. Blue ones are twice as many as RR Lyrae of type ab (Kinman & Brown 2011,
arXiv:1103.1375, abstract: at least twice, as near the Sun)"""
_BALMER_JUMP: Final = 0.12
"""u-g of horizontal-branch stars less that of dwarfs as hot: Sirko et al. 2004, AJ 127, 899"""
_BRANCH_SCATTER: Final = 0.05
_COLOUR_SCATTER: Final = 0.004
_SPARE: Final = 0.8
_G_PER_DEX: Final = 0.08
"""magnitudes in g at given Teff and V-K: Gonzalez Hernandez & Bonifacio 2009, A&A 497, 497,
table 5 (B-V of giants is 0.10 bluer at -1.5 than at 0, V-K the same)"""
_SUN_LOGG_TEFF: Final = (4.438, 5772.0, 4.74)


@cache
def _branch() -> dict[str, Floats]:
    """Columns (5 metallicities, 16 knots) of data/giants.csv, metallicities rising."""
    columns = table("giants.csv")
    return {name: values.reshape(5, _KNOTS)[::-1] for name, values in columns.items()}


def _of_branch(name: str, place: Floats, feh: Floats) -> Floats:
    level = np.interp(feh, _FEH, np.arange(5.0))
    low = np.minimum(level.astype(np.int64), 3)
    knot = np.minimum(place.astype(np.int64), _KNOTS - 2)
    s, t, values = level - low, place - knot, _branch()[name]
    below = values[low, knot] * (1 - t) + values[low, knot + 1] * t
    above = values[low + 1, knot] * (1 - t) + values[low + 1, knot + 1] * t
    return np.asarray(below * (1 - s) + above * s)


def light(teff_k: Floats, m_bol: Floats, feh: Floats) -> Floats:
    """(n, 24) absolute AB magnitudes of giants.

    Bolometric corrections in V and most colours of dwarfs of the same temperature (Mamajek), which
    giants share to some 0.05 mag down to 4000 K; g and u by metallicity; J - H of giants (Bessell &
    Brett 1988, PASP 100, 1134, table 3); W1 - W2 bluer by carbon monoxide, from memory.
    """
    known, m = mainsequence.knots(), dwarfs()
    place = np.interp(-teff_k, -known.teff_k, np.arange(len(known.teff_k)))
    colours = counting.between(known.mags - known.mags[:, [BAND["sdss_r"]]], place)
    g_i = counting.between(known.g_i, place)
    u_g, _ = metallicity.shifts(g_i, feh)
    g = _G_PER_DEX * np.clip(feh, -2.5, 0.3)
    colours[:, BAND["sdss_u"]] += u_g + g
    for band, part in (("sdss_g", 1.0), ("ps1_g", 1.0), ("gaia_bp", 0.5), ("gaia_g", 0.3)):
        colours[:, BAND[band]] += part * g
    j = np.interp(g_i, (0.6, 1.1, 1.4, 1.7, 2.2), (0.0, 0.05, 0.09, 0.14, 0.22))
    for band in ("twomass_j", "ukidss_j", "ukidss_y"):
        colours[:, BAND[band]] += j
    _bluer_w2(colours, teff_k)
    g_r = colours[:, BAND["sdss_g"]] - g
    order = np.argsort(m["Teff"])
    m_v = m_bol - np.interp(teff_k, m["Teff"][order], np.nan_to_num(m["BCv"])[order])
    return colours + (m_v - 0.41 * g_r + 0.01)[:, None]


def _bluer_w2(colours: Floats, teff_k: Floats) -> None:
    """W2, W3, W4 together, so that W1 - W2 is that of giants."""
    of_giants = np.interp(teff_k, (3600.0, 4000.0, 4500.0, 5000.0), (-0.15, -0.10, -0.08, -0.055))
    zeros = locus.vega(np.zeros((1, colours.shape[1])))[0]
    w1, w2 = (colours[:, BAND[name]] + zeros[BAND[name]] for name in ("wise_w1", "wise_w2"))
    shift = np.where(teff_k < 5200.0, (w1 - w2) - of_giants, 0.0)
    for name in ("wise_w2", "wise_w3", "wise_w4"):
        colours[:, BAND[name]] += shift


def _dwarfs_beside(component: Component) -> float:
    """Dwarfs of a component with 4.5 < M_bol < 6 a cubic parsec at the Sun, over its share."""
    known = mainsequence.knots()
    r = known.mags[:, BAND["sdss_r"]] + metallicity.fainter(np.array(component.feh))
    numbers = known.numbers * mainsequence.share_of(component)
    return float(numbers[(r[:-1] > 4.4) & (r[:-1] < 5.8)].sum())


@dataclass(frozen=True, slots=True)
class Giants:
    """Stars beyond the main sequence of one component of our Galaxy.

    Numbers: the times that a star spends there, by MIST, relative to the dwarfs beside them.
    """

    component: Component
    number: int

    @property
    def name(self) -> str:
        """As `simulate check` tells it."""
        return f"giants, {self.component.name}"

    def drawn(self, block: Block, random: np.random.Generator) -> Sources:
        """The giants of a block that some survey could see."""
        beside, feh = _dwarfs_beside(self.component), np.array([self.component.feh])
        knots = np.arange(float(_KNOTS))
        usual = _of_branch("m_bol", knots, np.repeat(feh, _KNOTS))
        teff = _of_branch("teff_k", knots, np.repeat(feh, _KNOTS))
        numbers = beside * _of_branch("number", knots[:-1], np.repeat(feh, _KNOTS - 1))
        if self.component == THIN:
            numbers[:_THIN_FIRST] = 0.0
        clump = np.array([beside * _CLUMP[self.component.name]])
        ends = light(np.array([4750.0, 7300.0]), np.full(2, _CLUMP_M_BOL), np.repeat(feh, 2))
        stars = _HorizontalBranch if self.component == HALO else _Clump
        parts = [
            self._seen(block, random, numbers, light(teff, usual, np.repeat(feh, _KNOTS)), _Branch),
            self._seen(block, random, clump, ends, stars),
        ]
        return Sources.concatenated(parts)

    def _seen(
        self,
        block: Block,
        random: np.random.Generator,
        numbers: Floats,
        mags: Floats,
        stars: type[_Branch | _Clump | _HorizontalBranch],
    ) -> Sources:
        place, distance = counting.drawn_places(
            block, self.component, numbers, mags, _SPARE, random
        )
        return seen(block, self.component, distance, random, stars(place))


@dataclass(frozen=True, slots=True)
class _Branch:
    """Stars from the end of the main sequence to the tip of the red-giant branch."""

    place: Floats

    def light(self, feh: Floats, random: np.random.Generator) -> tuple[Floats, dict[str, object]]:
        """(n, 24) absolute AB magnitudes, and the columns of `Sources` that are known here."""
        teff, m_bol = (_of_branch(name, self.place, feh) for name in ("teff_k", "m_bol"))
        m_bol += _BRANCH_SCATTER * random.standard_normal(len(teff))
        mass = _of_branch("mass_msun", self.place, feh)
        return _told(teff, m_bol, feh, mass, random)


@dataclass(frozen=True, slots=True)
class _Clump:
    """Red-clump stars of the discs: hotter where metal-poor."""

    place: Floats

    def light(self, feh: Floats, random: np.random.Generator) -> tuple[Floats, dict[str, object]]:
        """(n, 24) absolute AB magnitudes, and the columns of `Sources` that are known here."""
        n = len(self.place)
        teff = 4750.0 - 490.0 * np.clip(feh, -1.5, 0.3)
        teff += _CLUMP_SCATTER[1] * random.standard_normal(n)
        m_bol = _CLUMP_M_BOL + _CLUMP_SCATTER[0] * random.standard_normal(n)
        return _told(teff, m_bol, feh, np.full(n, 1.1), random)


@dataclass(frozen=True, slots=True)
class _HorizontalBranch:
    """The halo's: red and blue; what is between them varies (`changing/rrlyrae.py`)."""

    place: Floats

    def light(self, feh: Floats, random: np.random.Generator) -> tuple[Floats, dict[str, object]]:
        """(n, 24) absolute AB magnitudes, and the columns of `Sources` that are known here."""
        n, m = len(self.place), dwarfs()
        temperatures, shares = _BLUE_TEFF
        teff = np.interp(random.random(n), shares, temperatures)
        order = np.argsort(m["Teff"])
        correction = np.interp(teff, m["Teff"][order], np.nan_to_num(m["BCv"])[order])
        m_v = _BLUE_M_V + 0.2 * (feh + 1.5) + np.maximum(teff - 9000.0, 0.0) * 2e-4
        m_bol = m_v + correction + 0.08 * random.standard_normal(n)
        mags, known = _told(teff, m_bol, feh, np.full(n, 0.65), random)
        mags[:, BAND["sdss_u"]] += np.where(teff > 6500.0, _BALMER_JUMP, 0.0)
        return mags, known


def _told(
    teff: Floats, m_bol: Floats, feh: Floats, mass: Floats, random: np.random.Generator
) -> tuple[Floats, dict[str, object]]:
    mags = light(teff, m_bol, feh)
    mags += _COLOUR_SCATTER * random.standard_normal(mags.shape)
    sun_logg, sun_teff, sun_bol = _SUN_LOGG_TEFF
    logg = sun_logg + np.log10(mass) + 4.0 * np.log10(teff / sun_teff) + 0.4 * (m_bol - sun_bol)
    return mags, {"kind": Kind.GIANT, "teff_k": teff, "logg": logg, "mass_msun": mass}
