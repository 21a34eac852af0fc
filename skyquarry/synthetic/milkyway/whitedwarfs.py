"""White dwarfs with atmospheres of hydrogen and of helium, some of them beside an M dwarf."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.synthetic.bands import BAND, BANDS
from skyquarry.synthetic.milkyway import binaries, counting, mainsequence
from skyquarry.synthetic.milkyway.discs import HALO, THICK, THIN, YOUNG, Component
from skyquarry.synthetic.milkyway.observed import seen
from skyquarry.synthetic.milkyway.tables import file_of
from skyquarry.synthetic.sources import Kind, Sources

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.synthetic.blocks import Block

    Floats = NDArray[np.float64]

_COLUMNS: Final = (
    "sdss_u", "sdss_g", "sdss_r", "sdss_i", "sdss_z", "ps1_g", "ps1_r", "ps1_i", "ps1_z", "ps1_y",
    "gaia_g", "gaia_bp", "gaia_rp", "twomass_j", "twomass_h", "twomass_ks", "wise_w1", "wise_w2",
    "wise_w3", "wise_w4", "ukidss_y", "ukidss_j", "ukidss_h", "ukidss_k",
)  # fmt: skip
_PLACES: Final = (
    25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 38, 39, 40, 10, 11, 12, 17, 18, 19, 20, 13, 14, 15, 16,
)  # fmt: skip
"""of these bands in a row of the tables; AB for SDSS and Pan-STARRS1, Vega for the others"""
_SDSS_LESS_AB: Final = {"sdss_u": 0.015, "sdss_g": -0.025, "sdss_i": -0.015, "sdss_z": -0.030}
"""Magnitudes as SDSS tells them, less AB: Eisenstein et al. 2006, ApJS 167, 40, section 2, but u
and g brighter by 0.025, as in 2,888 DA of Gentile Fusillo et al. 2021, whose Teff and log g are of
Gaia. Behind the E(B-V) of 0.015 that BP-RP tells g-r is bluer than the grid's by 0.032 below 12,000
K, 0.02 to 20,000 K and 0.01 beyond; r-i, i-z and the mean of u-g are as the grid's within 0.006"""
_TEFF, _LOGG, _MASS, _AGE = 0, 1, 2, -1
_MASSES: Final = np.arange(0.45, 1.21, 0.05)
_AGES_YR: Final = 10.0 ** np.linspace(5.8, 10.08, 34)
_HELIUM_SHARE: Final = 0.25
"""DA : DB : DC of 75 : 10 : 15 in a magnitude-limited sample; a helium atmosphere is a DB above
11,000 K and a DC below"""
_LOCAL_PC3: Final = 4.5e-3
"""of all components: Jimenez-Esteban et al. 2018, MNRAS 480, 4505 (4.9 +- 0.4)"""
_AGE_YR: Final = {YOUNG.name: 9e9, THIN.name: 9e9, THICK.name: 10.5e9, HALO.name: 12e9}
_OLD_MASS: Final = (0.55, 0.03)
"""of white dwarfs that come from stars of 0.9 to 1 solar masses"""
_MORE: Final = {THIN.name: 1.0, THICK.name: 1.3, HALO.name: 3.3}
"""how many more white dwarfs a dwarf an old component has: from memory of Torres et al. 2021,
MNRAS 506, 4524 (74 : 25 : 1 in all; the shares of dwarfs bear 88 : 12 : 0.2)"""
_PAIRED: Final = 0.08
"""beside an M dwarf, unresolved: Rebassa-Mansergas et al. 2021, MNRAS 506, 5201, 5 to 10 %"""
_BESIDE_MSUN: Final = (0.085, 0.45)
"""masses of such M dwarfs"""
_G: Final = BAND["gaia_g"]
_SCATTER: Final = 0.04
"""in luminosity: half a step of masses"""


@dataclass(frozen=True, slots=True)
class Tracks:
    """Cooling tracks end to end: (k,) knots, masses and atmospheres one after the other."""

    mags: Floats
    """(k, 24) absolute AB magnitudes"""
    teff_k: Floats
    logg: Floats
    mass_msun: Floats
    age_yr: Floats
    """of cooling"""
    helium: NDArray[np.bool_]


@cache
def tracks() -> Tracks:
    """Bergeron's grids of January 2021, http://www.astro.umontreal.ca/~bergeron/CoolingModels.

    Holberg & Bergeron 2006, AJ 132, 1221; Kowalski & Saumon 2006; Tremblay et al. 2011; Bedard et
    al. 2020, ApJ 901, 93; Bergeron et al. 2011: the data of the package WDPhotTools.
    """
    parts = [_track(_grid(kind), mass) for kind in ("DA", "DB") for mass in _MASSES]
    rows = np.concatenate(parts)
    mags = rows[:, list(_PLACES)]
    offset = {band.name: band.vega_to_ab for band in BANDS}
    mags = mags + np.array([offset[name] for name in _COLUMNS])
    for name, shift in _SDSS_LESS_AB.items():
        mags[:, _COLUMNS.index(name)] += shift
    order = [_COLUMNS.index(band.name) for band in BANDS]
    each = len(_AGES_YR)
    return Tracks(
        mags[:, order],
        rows[:, _TEFF],
        rows[:, _LOGG],
        np.tile(np.repeat(_MASSES, each), 2),
        np.tile(_AGES_YR, 2 * len(_MASSES)),
        np.repeat([False, True], each * len(_MASSES)),
    )


@cache
def _grid(kind: str) -> Floats:
    """(log g, Teff, column) of a table."""
    path = file_of("WDPhotTools", "wd_photometry", f"Table_{kind}_13012021.txt")
    lines = path.read_text().splitlines()[2:]
    rows = np.array([[float(word) for word in line.split()] for line in lines if line.strip()])
    return np.array([rows[rows[:, _LOGG] == logg] for logg in np.unique(rows[:, _LOGG])])


def _track(grid: Floats, mass: float) -> Floats:
    """(ages, column) of one mass, at the ages of `_AGES_YR`: linear in mass, then in log age."""
    at = np.empty((grid.shape[1], grid.shape[2]))
    for row in range(grid.shape[1]):
        column = grid[:, row]
        step = int(np.clip(np.searchsorted(column[:, _MASS], mass), 1, len(column) - 1))
        low, high = column[step - 1], column[step]
        at[row] = low + (high - low) * (mass - low[_MASS]) / (high[_MASS] - low[_MASS])
    order = np.argsort(at[:, _AGE])
    known = np.log10(np.maximum(at[order, _AGE], 1.0))
    wanted = np.log10(_AGES_YR)
    return np.array([np.interp(wanted, known, at[order, j]) for j in range(at.shape[1])]).T


@cache
def _numbers(name: str) -> Floats:
    """(k-1,) white dwarfs a cubic parsec of a component, between the knots of the tracks.

    A constant rate of births for the thin disc, whose white dwarfs of a mass cannot be older than
    the disc less the life of their progenitor; and for the old components, of `_OLD_MASS` alone.
    """
    known = tracks()
    life = np.interp(known.mass_msun, (0.50, 0.56, 0.60, 0.65, 0.75), (9e9, 6e9, 2.5e9, 1e9, 3e8))
    if name == THIN.name:
        weight, oldest = _masses(known.mass_msun), _AGE_YR[name] - life
    else:
        weight = _bell(known.mass_msun, *_OLD_MASS)
        oldest = np.full(len(life), _AGE_YR[name] - 1e9)
    weight = weight * np.where(known.helium, _HELIUM_SHARE, 1.0 - _HELIUM_SHARE)
    age = np.minimum(known.age_yr, oldest)
    numbers = np.maximum(np.diff(age), 0.0) * weight[:-1]
    numbers[known.mass_msun[1:] != known.mass_msun[:-1]] = 0.0
    shares = {each.name: each.share * _MORE[each.name] for each in (THIN, THICK, HALO)}
    local = _LOCAL_PC3 * shares[name] / sum(shares.values())
    return np.asarray(local * numbers / numbers.sum())


def _masses(mass: Floats) -> Floats:
    """Kepler et al. 2007, MNRAS 375, 1315: a peak at 0.6, low-mass and massive ones beside it."""
    return np.asarray(
        0.75 * _bell(mass, 0.59, 0.05)
        + 0.18 * _bell(mass, 0.80, 0.13)
        + 0.07 * _bell(mass, 0.45, 0.05)
    )


def _bell(mass: Floats, mean: float, sigma: float) -> Floats:
    return np.asarray(np.exp(-0.5 * ((mass - mean) / sigma) ** 2) / sigma)


@dataclass(frozen=True, slots=True)
class WhiteDwarfs:
    """White dwarfs of one component of our Galaxy."""

    component: Component
    number: int

    @property
    def name(self) -> str:
        """As `simulate check` tells it."""
        return f"white dwarfs, {self.component.name}"

    def drawn(self, block: Block, random: np.random.Generator) -> Sources:
        """The white dwarfs of a block that some survey could see."""
        numbers, mags = _numbers(self.component.name), tracks().mags
        place, distance = counting.drawn_places(
            block, self.component, numbers, mags, 4 * _SCATTER, random
        )
        return seen(block, self.component, distance, random, _Remnants(place))


@dataclass(frozen=True, slots=True)
class _Remnants:
    """White dwarfs at places along the tracks."""

    place: Floats

    def light(self, feh: Floats, random: np.random.Generator) -> tuple[Floats, dict[str, object]]:
        """(n, 24) absolute AB magnitudes, and the columns of `Sources` that are known here."""
        known, n = tracks(), len(self.place)
        mags = counting.between(known.mags, self.place) + _SCATTER * random.standard_normal((n, 1))
        told: dict[str, Any] = {
            "kind": np.full(n, Kind.WHITE_DWARF, np.int8),
            "teff_k": counting.between(known.teff_k, self.place),
            "logg": counting.between(known.logg, self.place),
            "mass_msun": counting.between(known.mass_msun, self.place),
            "spectral_type": np.full(n, np.nan),
            "companion": random.random(n) < _PAIRED,
        }
        paired = np.flatnonzero(told["companion"])
        beside, of_beside = _companions(feh[paired], random)
        brighter = beside[:, _G] < mags[paired, _G]
        mags[paired] = binaries.joined(mags[paired], beside)
        for name, values in of_beside.items():
            told[name][paired[brighter]] = values[brighter]
        return mags, told


def _companions(feh: Floats, random: np.random.Generator) -> tuple[Floats, dict[str, Any]]:
    """(n, 24) absolute AB magnitudes of M dwarfs, and what they are.

    A pair is what the brighter of its stars in G is: of ten pairs within 100 pc nine are told for M
    dwarfs (Rebassa-Mansergas et al. 2021).
    """
    known = mainsequence.knots()
    mass = random.uniform(*_BESIDE_MSUN, len(feh))
    place = np.interp(-mass, -known.mass_msun, np.arange(len(known.mass_msun)))
    return mainsequence.magnitudes(place, feh), {
        "kind": np.full(len(feh), Kind.MAIN_SEQUENCE, np.int8),
        "teff_k": counting.between(known.teff_k, place),
        "logg": counting.between(known.logg, place),
        "mass_msun": mass,
        "spectral_type": counting.between(known.spectral_type, place),
    }
