"""What moves while the camera looks: asteroids, and near-Earth objects that leave trails.

Both belong to a block: they are drawn with its own chance, and each row to the block it lies in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.sky import healpix
from skyquarry.sky.frames import to_frame
from skyquarry.sky.vectors import to_radec, to_xyz
from skyquarry.synthetic import chance
from skyquarry.synthetic.blocks import BLOCK_ORDER, Block
from skyquarry.synthetic.observe.light import fluxes
from skyquarry.synthetic.observe.measuring import Measured
from skyquarry.synthetic.observe.noise import flux_error
from skyquarry.synthetic.observe.places import shifted
from skyquarry.synthetic.observe.surveys.sdss import INSTRUMENT
from skyquarry.synthetic.sdss.codes import Mode, PhotoType
from skyquarry.synthetic.sdss.objects import Objects
from skyquarry.synthetic.sdss.scans import ScanDates, first_scan, great_circle, inclination_of
from skyquarry.synthetic.sources import Sources

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.synthetic.sdss.scans import Spots
    from skyquarry.synthetic.sdss.settings import Archive

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_ASTEROIDS: Final = 7_001
_FAST: Final = 7_002
_BELT_DEG: Final = 8.0
"""scatter of asteroids' ecliptic latitudes"""
_KINKS: Final = (14.5, 18.0, 21.5)
_SLOPES: Final = (0.61, 0.25)
"""of log N against r, bright and faint: Ivezic et al. 2001, section 5"""
_COLOURS: Final = (np.array([1.35, 0.50, 0.11, 0.04]), np.array([1.65, 0.66, 0.21, -0.04]))
"""u-g, g-r, r-i, i-z of C and S types: Ivezic et al. 2001, figure 4, from memory"""
_ORBITS: Final = ((2.7, 0.25), (2.35, 0.2))
"""mean and scatter of their semi-major axes, au"""
_TILT_DEG: Final = 7.0
_EARTH_DEG_DAY: Final = 0.9856
EXPOSURE_S: Final = 53.9
"""York et al. 2000"""
R_TO_G_S: Final = 286.8
"""four columns of chips, 71.7 s apart"""
_BAND: Final = {"u": 0, "g": 1, "r": 2, "i": 3, "z": 4}


def moving(blocks: Ints, archive: Archive, seed: int) -> Objects:
    """Asteroids and fast movers that were drawn for blocks (m,), wherever they lie."""
    parts = [nothing(seed)]
    for pixel in blocks:
        block = Block(int(pixel), seed, np.empty(0, np.float32))
        parts += [_asteroids(block, archive), _fast(block, archive)]
    return Objects.concatenated(parts)


def measured_of(
    flux: Floats,
    ra_deg: Floats,
    dec_deg: Floats,
    owner: Ints,
    seed: int,
    random: np.random.Generator,
) -> Measured:
    """Measurements of points of true flux (n, 5), with noise of these numbers."""
    channels = INSTRUMENT.channels
    errors = np.stack([flux_error(flux[:, k], each) for k, each in enumerate(channels)], axis=1)
    seen = flux + errors * random.standard_normal(flux.shape)
    dates = ScanDates(INSTRUMENT.dates.first_jyear, INSTRUMENT.dates.last_jyear)
    jyear = dates.jyears(dates.fields(ra_deg, dec_deg), INSTRUMENT.name, seed)
    snr = np.maximum((seen / errors).max(axis=1), 1.0)
    fwhm = channels[2].fwhm_arcsec
    return Measured(
        source=np.full(len(flux), -1, np.int64), owner=owner, ra_deg=ra_deg, dec_deg=dec_deg,
        jyear=jyear, error_mas=INSTRUMENT.centroids.errors_mas(0.0 * snr, fwhm / snr),
        flux=seen, flux_error=errors, total=seen.copy(), total_error=errors.copy(),
        saturated=np.zeros(flux.shape, np.bool_), neighbour=np.zeros(len(flux)),
    )  # fmt: skip


def nothing(seed: int) -> Objects:
    """No objects."""
    none = np.empty(0)
    random = chance.generator(seed, 0)
    made = measured_of(np.empty((0, 5)), none, none, np.empty(0, np.int64), seed, random)
    return Objects.of(made, Sources.of(0), first_scan(none, none), Mode.PRIMARY)


def owners(pixel: int, kind: int, n: int) -> Ints:
    """(n,) what things of a block that are no sources are told by: of populations there are not."""
    return (np.int64(pixel) << 38) | (np.int64(kind) << 32) | np.arange(n, dtype=np.int64)


def _asteroids(block: Block, archive: Archive) -> Objects:
    random = chance.generator(block.seed, _ASTEROIDS, block.pixel)
    ra, dec = block.uniform(int(random.poisson(archive.asteroids * block.area_deg2)), random)
    ecliptic = to_radec(to_frame(to_xyz(ra, dec), "ecliptic"))
    kept = random.random(len(ra)) < np.exp(-0.5 * (ecliptic[1] / _BELT_DEG) ** 2)
    ra, dec, lon = ra[kept], dec[kept], ecliptic[0][kept]
    n = len(ra)
    stony = random.random(n) < 0.5
    mags = _mags(random, n, stony)
    spots = first_scan(ra, dec)
    made = measured_of(fluxes(mags), ra, dec, owners(block.pixel, 60, n), block.seed, random)
    rates = _rates(lon, made.jyear, stony, random)
    rowv, colv = _along(ra, dec, rates, spots)
    points = np.full(n, int(PhotoType.STAR), np.int64)
    return Objects.of(
        made, Sources.of(n), spots, Mode.PRIMARY, rowv=rowv, colv=colv, given_type=points
    )


def _mags(random: np.random.Generator, n: int, stony: NDArray[np.bool_]) -> Floats:
    """(n, 5) ugriz, r by a broken power law."""
    low, kink, high = _KINKS
    bright, faint = _SLOPES
    whole = (10 ** (bright * (low - kink)), 10 ** (faint * (high - kink)))
    share = random.random(n)
    below = (1 - whole[0]) / bright / ((1 - whole[0]) / bright + (whole[1] - 1) / faint)
    first = kink + np.log10(whole[0] + (1 - whole[0]) * np.minimum(share / below, 1.0)) / bright
    part = np.maximum(share - below, 0.0) / (1 - below)
    r = np.where(share < below, first, kink + np.log10(1 + (whole[1] - 1) * part) / faint)
    ug, gr, ri, iz = (
        np.where(stony, stone, coal) + 0.05 * random.standard_normal(n)
        for coal, stone in zip(*_COLOURS, strict=True)
    )
    return np.stack([r + gr + ug, r + gr, r, r - ri, r - ri - iz], axis=1)


def _rates(
    longitude_deg: Floats, jyear: Floats, stony: NDArray[np.bool_], random: np.random.Generator
) -> Floats:
    """(n, 2) arcsec/hour along ecliptic longitude and latitude, of circular orbits."""
    n = len(longitude_deg)
    mean, scatter = (np.where(stony, *(each[k] for each in reversed(_ORBITS))) for k in (0, 1))
    a = np.clip(mean + scatter * random.standard_normal(n), 1.8, 3.6)
    sun = 280.46 + 360.0 * (jyear - np.floor(jyear))
    angle = np.radians(longitude_deg - sun - 180.0)
    distance = -np.cos(angle) + np.sqrt(a**2 - np.sin(angle) ** 2)
    x, y = 1.0 + distance * np.cos(angle), distance * np.sin(angle)
    vx, vy = -y * a**-1.5, x * a**-1.5 - 1.0
    along = (-vx * np.sin(angle) + vy * np.cos(angle)) / distance
    tilt = np.radians(_TILT_DEG) * random.rayleigh(1.0, n)
    across = a**-0.5 * np.sin(tilt) * np.cos(2 * np.pi * random.random(n)) / distance
    return np.stack([along, across], axis=1) * _EARTH_DEG_DAY * 3600.0 / 24.0


def _along(ra: Floats, dec: Floats, rates: Floats, spots: Spots) -> tuple[Floats, Floats]:
    """Motions (n, 2) on the ecliptic's axes, along the rows and the columns of the camera."""
    here = to_xyz(ra, dec)
    pole = to_xyz(np.array([270.0]), np.array([66.5607]))
    east = np.cross(pole, here)
    east /= np.linalg.norm(east, axis=1)[:, None]
    north = np.cross(here, east)
    step = here + np.radians(10.0 / 3600.0) * (
        (rates[:, :1] * east + rates[:, 1:] * north)
        / np.maximum(np.linalg.norm(rates, axis=1), 1e-9)[:, None]
    )
    tilt = inclination_of(spots.stripe)
    mu, nu = great_circle(ra, dec, tilt)
    mu2, nu2 = great_circle(*to_radec(step / np.linalg.norm(step, axis=1)[:, None]), tilt)
    row, col = (mu2 - mu) * np.cos(np.radians(nu)), nu2 - nu
    speed = np.linalg.norm(rates, axis=1) / np.maximum(np.hypot(row, col), 1e-12)
    return row * speed, col * speed


def _fast(block: Block, archive: Archive) -> Objects:
    """Objects so fast that their images in r and g are catalogued apart, as trails."""
    random = chance.generator(block.seed, _FAST, block.pixel)
    n = int(random.poisson(archive.fast * block.area_deg2))
    ra, dec = block.uniform(n, random)
    speed = 10 ** random.uniform(np.log10(0.06), np.log10(0.6), n)  # arcsec/s, even in log
    pa = 360.0 * random.random(n)
    way = np.stack([np.sin(np.radians(pa)), np.cos(np.radians(pa))], axis=1)
    later = shifted(ra, dec, R_TO_G_S * speed[:, None] * way)
    mag = random.uniform(14.5, 18.5, n)
    nothing = np.zeros((n, 5))
    parts = []
    for kind, band, place, colour in ((61, "r", (ra, dec), 0.0), (62, "g", later, 0.6)):
        flux = nothing.copy()
        flux[:, _BAND[band]] = fluxes(mag + colour)
        owner = owners(block.pixel, kind, n)
        made = measured_of(flux, *place, owner, block.seed, random)
        length = EXPOSURE_S * speed
        parts.append(
            Objects.of(
                made,
                Sources.of(n),
                first_scan(*place),
                Mode.PRIMARY,
                trail_arcsec=length,
                trail_pa=pa,
                given_type=np.full(n, int(PhotoType.GALAXY), np.int64),
            )
        )
    return Objects.concatenated(parts)


def around(blocks: Ints) -> Ints:
    """Blocks, and those beside them, whose moving things and trails may reach in."""
    beside = healpix.neighbours(blocks, BLOCK_ORDER).ravel()
    return np.unique(np.append(beside[beside >= 0], blocks))
