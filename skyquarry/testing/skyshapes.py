"""Made-up regions and points for tests: poles, 0h, seams, slivers, hemispheres, every frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from skyquarry.sky import healpix
from skyquarry.sky.frames import FRAMES, from_frame, lonlat_from_frame
from skyquarry.sky.manycones import Cones
from skyquarry.sky.mocs import MocRegion
from skyquarry.sky.ranges import Ranges
from skyquarry.sky.regions import Box, Cone, Convex, Ellipse, Polygon, Region, Zone
from skyquarry.sky.vectors import to_xyz

if TYPE_CHECKING:
    from collections.abc import Callable

Floats = NDArray[np.float64]
Place = tuple[float, float]

SPECIAL: tuple[Place, ...] = (
    (0.0, 90.0),
    (0.0, -90.0),
    (0.0, 0.0),
    (359.9999999, 10.0),
    (45.0, 41.810314895778596),  # three base cells meet here
    (90.0, 66.44),  # a seam of the polar cap
    (180.0, -41.810314895778596),
)


def random_place(rng: np.random.Generator) -> Place:
    """A position in degrees: one in three is a pole, 0h or a seam of HEALPix."""
    if rng.random() < 1 / 3:
        return SPECIAL[rng.integers(len(SPECIAL))]
    return float(rng.uniform(0, 360)), float(np.degrees(np.arcsin(rng.uniform(-1, 1))))


def random_size(rng: np.random.Generator, most_deg: float = 180.0) -> float:
    """Degrees from 1 mas up, every power of ten as likely."""
    return float(min(10 ** rng.uniform(-6.6, 2.3), most_deg))


def random_shape(rng: np.random.Generator) -> Region:
    """One shape of any kind, place, size and frame."""
    makers: tuple[Callable[[np.random.Generator, str], Region], ...] = (
        _cone,
        _zone,
        _box,
        _ellipse,
        _polygon,
        _convex,
        _cones,
        _moc,
    )
    frame = str(rng.choice(FRAMES))
    return makers[rng.integers(len(makers))](rng, frame)


def random_region(rng: np.random.Generator) -> Region:
    """A shape, its complement, or a combination of two."""
    a, choice = random_shape(rng), rng.integers(6)
    if choice < 3:
        return a
    if choice == 3:
        return ~a
    b = random_shape(rng)
    return a | b if choice == 4 else a - b


def _cone(rng: np.random.Generator, frame: str) -> Region:
    return Cone(*random_place(rng), random_size(rng) * 3600, frame)


def _zone(rng: np.random.Generator, frame: str) -> Region:
    low = float(rng.choice([-90.0, 0.0, rng.uniform(-90, 90)]))
    return Zone(low, min(low + random_size(rng), 90.0), frame)


def _box(rng: np.random.Generator, frame: str) -> Region:
    ra, dec = random_place(rng)
    return Box(ra, ra + 2 * random_size(rng), dec, min(dec + random_size(rng), 90.0), frame)


def _ellipse(rng: np.random.Generator, frame: str) -> Region:
    major = random_size(rng, 80.0) * 3600
    minor = major * float(10 ** rng.uniform(-3, 0))
    return Ellipse(*random_place(rng), major, minor, float(rng.uniform(0, 360)), frame)


def _convex(rng: np.random.Generator, frame: str) -> Region:
    n = int(rng.integers(1, 5))
    return Convex([(rng.normal(size=3), float(rng.uniform(-1.05, 0.7))) for _ in range(n)], frame)


def _cones(rng: np.random.Generator, _: str) -> Region:
    places = [random_place(rng) for _ in range(rng.integers(1, 30))]
    scale = random_size(rng, 60.0)
    radii = [scale * float(10 ** rng.uniform(-2, 0.1)) * 3600 for _ in places]
    ra, dec = np.transpose(places)
    return Cones(ra, dec, radii)


def _moc(rng: np.random.Generator, _: str) -> Region:
    order = int(rng.integers(0, 30))
    ra, dec = np.transpose([random_place(rng) for _ in range(rng.integers(1, 9))])
    pixel = np.unique(healpix.index(ra, dec, order))
    around = healpix.neighbours(pixel, order)
    cells = np.concatenate([pixel, around[around >= 0]])
    return MocRegion(Ranges.from_cells(order, cells), order)


def _polygon(rng: np.random.Generator, frame: str) -> Region:
    return Polygon(star_vertices(rng), frame, interior="left" if rng.random() < 0.5 else "smaller")


def star_vertices(rng: np.random.Generator, most_deg: float = 80.0) -> list[Place]:
    """A star-shaped walk round a place, most often not convex, in either sense."""
    from skyquarry.testing.naive.regions import offset

    place, size, n = random_place(rng), random_size(rng, most_deg), int(rng.integers(3, 12))
    steps = (np.arange(n) + rng.uniform(-0.3, 0.3, n)) * 360.0 / n * rng.choice([-1, 1])
    return [offset(place, pa, size * rng.uniform(0.2, 1.0)) for pa in steps.tolist()]


def anchors(region: Region) -> Floats:
    """ICRS unit vectors (n, 3) at or near which a region lies: centres, corners, edges' ends."""
    found = [_anchor(shape) for shape in _shapes(region)]
    return np.concatenate([*found, to_xyz(*np.transpose(SPECIAL))])


def _shapes(region: Region) -> list[Region]:
    for name in ("parts", "region"):
        inner = getattr(region, name, None)
        if inner is not None:
            several = inner if isinstance(inner, tuple) else (inner,)
            return [shape for part in several for shape in _shapes(part)]
    return [region]


def _anchor(shape: Region) -> Floats:  # noqa: PLR0911 - one return a kind of shape
    if isinstance(shape, Cone | Ellipse):
        return to_xyz(*lonlat_from_frame(shape.ra_deg, shape.dec_deg, shape.frame))
    if isinstance(shape, Box | Zone):
        west, east = (shape.ra_min, shape.ra_max) if isinstance(shape, Box) else (0.0, 123.0)
        ra = np.array([west, east, (west + east) / 2] * 2)
        dec = np.repeat([shape.dec_min, shape.dec_max], 3)
        return to_xyz(*lonlat_from_frame(ra, dec, shape.frame))
    if isinstance(shape, Polygon):
        lon, lat = np.transpose(shape.vertices)
        return to_xyz(*lonlat_from_frame(lon, lat, shape.frame))
    if isinstance(shape, Convex):
        return from_frame(np.array([n for n, _ in shape.half_spaces]), shape.frame)
    if isinstance(shape, Cones):
        return shape.centers
    if isinstance(shape, MocRegion):
        order, pixel = shape.ranges.cells()
        return to_xyz(*healpix.center(pixel, order))
    return np.empty((0, 3))


def points_near(rng: np.random.Generator, region: Region, n: int = 2000) -> Floats:
    """Unit vectors (n, 3) scattered round a region's anchors at every scale, and over the sky."""
    at = anchors(region)
    start = at[rng.integers(len(at), size=n)]
    away = rng.normal(size=(n, 3)) * 10 ** rng.uniform(-9, 0.5, size=(n, 1))
    away[: len(at)] = 0.0
    moved = np.where(np.arange(n)[:, None] < len(at), np.resize(at, (n, 3)), start + away)
    return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True))
