"""The objects of a frozen simulated sky: stars of three populations, fast ones, galaxies.

Part of `crossfields.py`, version 1: frozen, see there.

Star counts: log10 N(<G) per square degree is a parabola through N(G<10) as Gaia DR3 counts it at
|b| = 60, 30 and 10 (5.6, 9.7, 18.9) and an N(G<21) of the orders that Bahcall & Soneira (1980,
ApJS 44, 73) and Robin et al. (2003, A&A 409, 523) give for these latitudes; Gaia's own mean over
the sky is 44,000. Galaxies: 10**4 a square degree to i = 22 with a slope of 0.38 a magnitude
(orders of Yasuda et al. 2001, AJ 122, 1104), less extinction. Fast stars: some four times the 3 a
square degree above 0.15"/yr of Lepine & Shara (2005, AJ 129, 1483), so that a small field has some.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Random = np.random.Generator

KINDS: Final = ("thin disk", "thick disk", "halo", "fast", "brown dwarf", "galaxy")
THIN, THICK, HALO, FAST, BROWN, GALAXY = range(6)
BANDS: Final = ("G", "BP", "RP", "J", "H", "Ks", "W1", "W2", "g", "i")

_G_BRIGHT, _G_FAINT = 6.0, 23.5
_I_BRIGHT, _I_FAINT = 15.0, 23.2
_FAST_PER_DEG2, _BROWN_PER_DEG2 = 12.0, 2.0
_FAST_MASYR = (150.0, 10_500.0)
_COMPANIONS = 0.06


@dataclass(frozen=True, slots=True)
class Latitude:
    """What the sky holds at one galactic latitude."""

    log_n10: float
    log_n21: float
    slope21: float
    extinction_i: float
    thick: float
    halo: float
    """log10 of stars a square degree to G = 10 and 21, d log N / dm at 21; `thick`, `halo`:
    shares of the stars at G = 20"""


LATITUDES: Final = {
    60: Latitude(0.75, 3.54, 0.12, 0.05, 0.40, 0.35),
    30: Latitude(0.99, 4.00, 0.16, 0.15, 0.40, 0.20),
    10: Latitude(1.28, 4.78, 0.22, 0.60, 0.20, 0.05),
}


@dataclass(frozen=True, slots=True)
class Objects:
    """Every object of the field at 2016.0, in the frame of the field (x east, y north)."""

    x_deg: Floats
    y_deg: Floats
    pm: Floats
    """(n, 2) mas/yr towards x and y"""
    kind: NDArray[np.int8]
    size_arcsec: Floats
    """(n,) 0 for stars"""
    mags: dict[str, Floats]
    """by band: G, BP, RP, J, H, Ks, W1, W2 in Vega; g, i in AB"""

    def __len__(self) -> int:
        return len(self.x_deg)


def make_objects(sky: Latitude, area_deg2: float, random: Random) -> Objects:
    """All objects of a square field, in random order."""
    stars = _with_companions(_stars(sky, area_deg2, random), random)
    parts = [stars, _brown(area_deg2, random), _galaxies(sky, area_deg2, random)]
    order = random.permutation(sum(map(len, parts)))
    return Objects(
        np.concatenate([p.x_deg for p in parts])[order],
        np.concatenate([p.y_deg for p in parts])[order],
        np.concatenate([p.pm for p in parts])[order],
        np.concatenate([p.kind for p in parts])[order],
        np.concatenate([p.size_arcsec for p in parts])[order],
        {band: np.concatenate([p.mags[band] for p in parts])[order] for band in BANDS},
    )


def strewn(n: int, area_deg2: float, random: Random) -> tuple[Floats, Floats]:
    """(x, y) of `n` places, even over a square around (0, 0) of nearly that area."""
    half = np.sqrt(area_deg2) / 2.0
    x = random.uniform(-half, half, n)
    top = np.sin(np.radians(half))
    return x, np.degrees(np.arcsin(random.uniform(-top, top, n)))


# ---------------------------------------------------------------- stars
def _stars(sky: Latitude, area_deg2: float, random: Random) -> Objects:
    g_mag = _drawn_g(sky, area_deg2, random)
    n = len(g_mag)
    kind = _population(sky, g_mag, random)
    fast = random.random(n) < _FAST_PER_DEG2 * area_deg2 / max(n, 1)
    kind[fast] = FAST
    pm = _motions(kind, g_mag, random)
    x, y = strewn(n, area_deg2, random)
    return Objects(x, y, pm, kind, np.zeros(n), _star_mags(g_mag, sky.extinction_i, random))


def _drawn_g(sky: Latitude, area_deg2: float, random: Random) -> Floats:
    """G of all stars, from cumulative counts that are a parabola in the logarithm."""
    grid = np.linspace(_G_BRIGHT, _G_FAINT, 1751)
    back = grid - 21.0
    bend = (sky.log_n21 - sky.log_n10 - 11.0 * sky.slope21) / 121.0
    counts = 10.0 ** (sky.log_n21 + sky.slope21 * back - bend * back**2)
    n = random.poisson(counts[-1] * area_deg2)
    return np.asarray(np.interp(random.random(n) * counts[-1], counts, grid))


def _population(sky: Latitude, g_mag: Floats, random: Random) -> NDArray[np.int8]:
    """Thin disk where bright; thick disk and halo reach their shares at G = 20."""
    grown = np.clip((g_mag - 11.0) / 9.0, 0.03, 1.2)
    drawn = random.random(len(g_mag))
    halo, thick = sky.halo * grown**2, sky.thick * grown
    return np.where(drawn < halo, HALO, np.where(drawn < halo + thick, THICK, THIN)).astype(np.int8)


def _motions(kind: NDArray[np.int8], g_mag: Floats, random: Random) -> Floats:
    """Proper motions (n, 2): a velocity ellipsoid and the Sun's reflex over a distance.

    Dispersions and lags in km/s of the three populations; distances log-normal around a median
    that grows with G; the fast ones have N(> mu) going as mu**-2 up to 10.5"/yr.
    """
    n = len(kind)
    spread = np.array([32.0, 62.0, 150.0, 60.0])[kind]
    lag = np.array([[-8.0, -14.0], [-20.0, -45.0], [-90.0, -190.0], [0.0, 0.0]])[kind]
    median_kpc = np.array([0.35, 0.7, 1.6, 1.0])[kind] * 10.0 ** (0.11 * (g_mag - 12.0))
    kpc = median_kpc * np.exp(0.6 * random.standard_normal(n))
    velocity = lag + spread[:, None] * random.standard_normal((n, 2))
    pm = velocity / (4.740470464 * kpc[:, None])
    fast = kind == FAST
    return np.where(fast[:, None], _fast_motions(n, random), pm)


def _fast_motions(n: int, random: Random) -> Floats:
    low, high = _FAST_MASYR
    drawn = random.random(n)
    speed = (low**-2.0 + drawn * (high**-2.0 - low**-2.0)) ** -0.5
    angle = random.uniform(0.0, 2.0 * np.pi, n)
    return np.column_stack([speed * np.cos(angle), speed * np.sin(angle)])


def _star_mags(g_mag: Floats, extinction_i: float, random: Random) -> dict[str, Floats]:
    """Every band from G and one colour, G - J, with a scatter of its own in each."""
    n = len(g_mag)
    mean = 1.0 + 0.09 * (g_mag - 12.0) + 0.6 * extinction_i
    colour = np.clip(mean + 0.55 * random.standard_normal(n), 0.1, 5.5)

    def scatter(size: float) -> Floats:
        return np.asarray(size * random.standard_normal(n))

    j_mag = g_mag - colour
    h_mag = j_mag - 0.2 - 0.17 * colour + scatter(0.05)
    k_mag = h_mag - 0.02 - 0.05 * colour + scatter(0.04)
    w1_mag = k_mag - 0.03 - 0.04 * colour + scatter(0.04)
    return {
        "G": g_mag,
        "BP": g_mag + 0.45 * colour - 0.15 + scatter(0.06),
        "RP": g_mag - 0.35 * colour - 0.2 + scatter(0.04),
        "J": j_mag,
        "H": h_mag,
        "Ks": k_mag,
        "W1": w1_mag,
        "W2": w1_mag + 0.03 - 0.03 * colour + scatter(0.03),
        "g": g_mag + 0.75 * colour - 0.5 + scatter(0.08),
        "i": g_mag - 0.28 * colour + 0.15 + scatter(0.06),
    }


def _with_companions(stars: Objects, random: Random) -> Objects:
    """The stars, and after them the fainter, redder companions of a few of them."""
    n = len(stars)
    of = np.flatnonzero(random.random(n) < _COMPANIONS)
    m = len(of)
    apart = 0.15 * (8.0 / 0.15) ** random.random(m) / 3600.0
    angle = random.uniform(0.0, 2.0 * np.pi, m)
    fainter = np.minimum(random.exponential(1.8, m), 6.0)
    redder = np.array([1.0, 1.4, 0.75, 0.6, 0.55, 0.52, 0.5, 0.48, 1.6, 0.8])
    mags = {
        band: np.concatenate([stars.mags[band], stars.mags[band][of] + fainter * factor])
        for band, factor in zip(BANDS, redder, strict=True)
    }
    pm = stars.pm[of] + 2.0 * random.standard_normal((m, 2))
    lower = np.cos(np.radians(stars.y_deg[of]))
    return Objects(
        np.concatenate([stars.x_deg, stars.x_deg[of] + apart * np.cos(angle) / lower]),
        np.concatenate([stars.y_deg, stars.y_deg[of] + apart * np.sin(angle)]),
        np.concatenate([stars.pm, pm]),
        np.concatenate([stars.kind, stars.kind[of]]),
        np.zeros(n + m),
        mags,
    )


def _brown(area_deg2: float, random: Random) -> Objects:
    """Cool dwarfs: fast, bright in W2, faint in i, below Gaia's limit."""
    n = random.poisson(_BROWN_PER_DEG2 * area_deg2)
    w1_mag = random.uniform(13.0, 16.8, n)
    offsets = [9.0, 11.0, 7.0, 2.4, 2.2, 1.7, 0.0, -1.2, 10.5, 6.0]
    mags = {
        band: w1_mag + offset + (0.4 * random.standard_normal(n) if offset else 0.0)
        for band, offset in zip(BANDS, offsets, strict=True)
    }
    x, y = strewn(n, area_deg2, random)
    kind = np.full(n, BROWN, np.int8)
    return Objects(x, y, _fast_motions(n, random), kind, np.zeros(n), mags)


# ---------------------------------------------------------------- galaxies
def _galaxies(sky: Latitude, area_deg2: float, random: Random) -> Objects:
    slope, at_22 = 0.38, 10.0 ** (4.0 - 0.38 * sky.extinction_i)
    low, high = 10.0 ** (slope * (_I_BRIGHT - 22.0)), 10.0 ** (slope * (_I_FAINT - 22.0))
    n = random.poisson(at_22 * (high - low) * area_deg2)
    i_mag = 22.0 + np.log10(random.uniform(low, high, n)) / slope
    red = random.standard_normal(n)

    def scatter(size: float) -> Floats:
        return np.asarray(size * random.standard_normal(n))

    w1_mag = i_mag - 4.2 - 0.7 * red + scatter(0.6)
    j_mag = w1_mag + 1.6 + scatter(0.2)
    g_mag = i_mag + 2.2 + 0.3 * red + scatter(0.3)  # of the core, all that Gaia sees
    mags = {
        "G": g_mag,
        "BP": g_mag + 0.4 + scatter(0.3),
        "RP": g_mag - 0.9 + scatter(0.3),
        "J": j_mag,
        "H": j_mag - 0.7 + scatter(0.1),
        "Ks": j_mag - 1.2 + scatter(0.1),
        "W1": w1_mag,
        "W2": w1_mag - 0.3 + scatter(0.3),
        "g": i_mag + 1.1 + 0.4 * red + scatter(0.2),
        "i": i_mag,
    }
    x, y = strewn(n, area_deg2, random)
    size = 0.6 * 10.0 ** (-0.1 * (i_mag - 20.0) + 0.2 * random.standard_normal(n))
    return Objects(x, y, np.zeros((n, 2)), np.full(n, GALAXY, np.int8), size, mags)
