"""What remains between mutual nearest rows of two catalogues: the sample that a calibration is of.

The sample is additive and bounded. Pairs carry a key, a hash of the order-29 pixels of their two
rows; a sample keeps the pairs with the lowest keys. Which pairs these are depends on the pairs
alone, so parts may be joined in any order, from any tiling, by any number of workers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.errors import UserError
from skyquarry.match.geometry.search import Points, find_pairs, sorted_points
from skyquarry.match.kernels import tangent as kernels
from skyquarry.match.likelihood.epochs import has_motion, meeting_epoch, moved_pairs
from skyquarry.sky.vectors import ARCSEC_PER_RADIAN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from skyquarry.match.given.rows import Rows

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

CAP: Final = 200_000  # pairs of a sample: 30 MB; the zero point of 1e9 pairs needs no more
_CROWD: Final = 10_000  # pairs whose rivals are counted: the crowding is their mean
RADIUS_ARCSEC: Final = 5.0
_USUAL_MOTION: Final = 10.0  # mas/yr: what a row of unknown motion may have moved (1.2)
_MOVED: Final = 0.3  # of its error: a pair that may have moved farther says little of the error


@dataclass(frozen=True, slots=True)
class Residuals:
    """Mutual nearest pairs of a reference row and a row of the catalogue that is calibrated."""

    key: NDArray[np.uint64]
    """(m,) ascending; ties are in the order of all that follows"""
    spatial: Ints
    """(m,) order-29 pixel of the reference row"""
    at: Floats
    """(m, 3) unit vectors: where the pair is, and whose east and north the offset is in"""
    offset: Floats
    """(m, 2) arcsec, east and north, from the reference row to the other"""
    covariance: Floats
    """(m, 3) arcsec^2 of the offset, as the catalogues state it: as in Rows"""
    own: Floats
    """(m, 3) the part of it that belongs to the calibrated row"""
    mag: Floats
    """(m,) of the calibrated row; NaN where missing"""
    rivals: Ints
    """(m,) other rows of each catalogue within the radius of the pair's row of the other; counted
    for the 10,000 of lowest key, -1 for those beyond"""
    sure: Mask
    """(m,) motion between the epochs is known, or too small to matter"""
    seen: int
    """pairs offered, of which the sample keeps at most `cap`"""
    radius_arcsec: float
    """how far apart a pair could be"""
    cap: int

    def __len__(self) -> int:
        return len(self.key)

    def __add__(self, other: Residuals) -> Residuals:
        """The sample of both parts; the order of adding never matters."""
        return joined([self, other])

    def take(self, index: Any) -> Residuals:
        """These pairs."""
        return replace(self, **{name: getattr(self, name)[index] for name in _ARRAYS})


_ARRAYS: Final = (
    "key",
    "spatial",
    "at",
    "offset",
    "covariance",
    "own",
    "mag",
    "rivals",
    "sure",
)


def gather(  # noqa: PLR0913 - the arrays of a pair are what they are
    reference: Rows,
    rows: Rows,
    i: Ints,
    j: Ints,
    *,
    offset: Floats,
    covariance: Floats,
    at: Floats | None = None,
    rivals: Ints | None = None,
    radius_arcsec: float = RADIUS_ARCSEC,
    cap: int = CAP,
) -> Residuals:
    """The sample of the pairs (reference row i, row j), which are mutual nearest neighbours.

    `offset` (m, 2) and `covariance` (m, 3) are arcsec and arcsec^2, as `evidence.pair_evidence`
    (reference, rows, i, j) gives them: in the axes of the reference row where it was at the pair's
    epoch; `at` (m, 3) tells of other axes. `rivals` (m,) are counted if not given.
    Each pair must be offered once in a run: by the patch that owns its reference row.
    """
    epoch = meeting_epoch(reference, rows, i, j)
    here = moved_pairs(reference, i, epoch).xyz if at is None else at
    there = moved_pairs(rows, j, epoch)
    found = Residuals(
        key=_key(reference.spatial[i], rows.spatial[j]),
        spatial=reference.spatial[i],
        at=here,
        offset=np.asarray(offset, np.float64),
        covariance=np.asarray(covariance, np.float64),
        own=turned(there.covariance, there.xyz, here),
        mag=rows.mag[j],
        rivals=np.zeros(len(i), np.int64) if rivals is None else rivals,
        sure=_sure(reference, rows, i, j, covariance),
        seen=len(i),
        radius_arcsec=float(radius_arcsec),
        cap=cap,
    )
    order = _lowest(found)
    kept = found.take(order)
    if rivals is None:
        some = order[:_CROWD]
        kept.rivals[:_CROWD] = _counted(reference, rows, i[some], j[some], radius_arcsec)
    kept.rivals[_CROWD:] = -1
    return kept


def _counted(reference: Rows, rows: Rows, i: Ints, j: Ints, radius_arcsec: float) -> Ints:
    """Rivals (m,) from a search about the rows of each pair, as catalogued."""
    about_a = _neighbours(reference, i, rows, radius_arcsec)
    about_b = _neighbours(rows, j, reference, radius_arcsec)
    # a star may have moved out of the radius: then not even its own counterpart counts
    return np.asarray(np.maximum(about_a + about_b - 2, 0))


def _neighbours(rows: Rows, index: Ints, others: Rows, radius_arcsec: float) -> Ints:
    """How many other rows lie within the radius of each row `index` (m,)."""
    some, order = sorted_points(rows.ra_deg[index], rows.dec_deg[index])
    all_ = Points(others.ra_deg, others.dec_deg, others.spatial, others.rank)
    count = np.zeros(len(index), np.int64)
    count[order] = np.bincount(find_pairs(some, all_, radius_arcsec).left, minlength=len(index))
    return count


def crowding(sample: Residuals) -> float:
    """Rows per arcsec^2, of both catalogues, that compete for a pair; 0 where none do.

    A mutual pair of separation d has none within d: its rivals lie between d and the radius.
    """
    known = sample.rivals >= 0
    free = sample.radius_arcsec**2 - (sample.offset[known] ** 2).sum(axis=1)
    area = np.pi * float(np.maximum(free, 0.0).sum())
    return float(sample.rivals[known].sum()) / area if area > 0.0 else 0.0


def joined(parts: Sequence[Residuals]) -> Residuals:
    """One sample of several, whatever their order."""
    radii = {each.radius_arcsec for each in parts}
    if len(radii) != 1:
        raise UserError(
            f"the samples have radii of {sorted(radii)} arcsec, but a calibration needs one; "
            "try to gather all of them with the same radius_arcsec"
        )
    if len(parts) == 1:
        return parts[0]
    whole: dict[str, Any] = {
        name: np.concatenate([getattr(each, name) for each in parts]) for name in _ARRAYS
    }
    first = parts[0]
    found = replace(first, seen=sum(each.seen for each in parts), **whole)
    kept = found.take(_lowest(found))
    kept.rivals[_CROWD:] = -1  # each part has counted those of its own that are lowest
    return kept


def empty(radius_arcsec: float = RADIUS_ARCSEC, cap: int = CAP) -> Residuals:
    """A sample without pairs: what adding begins with."""
    shapes: dict[str, Any] = {"at": (0, 3), "offset": (0, 2), "covariance": (0, 3)}
    arrays = {name: np.empty(shapes.get(name, (0,))) for name in _ARRAYS}
    arrays |= {"own": np.empty((0, 3)), "sure": np.empty(0, bool)}
    arrays |= {"rivals": np.empty(0, np.int64)}
    arrays |= {"key": np.empty(0, np.uint64), "spatial": np.empty(0, np.int64)}
    return Residuals(seen=0, radius_arcsec=radius_arcsec, cap=cap, **arrays)


def tangent(xyz: Floats) -> tuple[Floats, Floats]:
    """East and north (n, 3) at unit vectors (n, 3); at a pole itself as for RA 0."""
    east, north = np.empty((2, len(xyz), 3))
    kernels.axes(xyz, east, north)
    return east, north


def displaced(xyz: Floats, offset_arcsec: Floats) -> Floats:
    """Unit vectors (n, 3) moved by small offsets (n, 2) arcsec, east and north."""
    moved = np.empty((len(xyz), 3))
    kernels.displaced(xyz, offset_arcsec / ARCSEC_PER_RADIAN, moved)
    return moved


def turned(covariance: Floats, here: Floats, there: Floats) -> Floats:
    """Covariances (n, 3) of the frames at `here` in the frames at `there`: J C J^T of 1.1."""
    found = np.empty((len(covariance), 3))
    kernels.turned(covariance, here, there, found)
    return found


def _sure(reference: Rows, rows: Rows, i: Ints, j: Ints, covariance: Floats) -> Mask:
    years = np.abs(np.nan_to_num(rows.epoch[j] - reference.epoch[i]))
    known = has_motion(reference)[i] | has_motion(rows)[j]
    drift = 1e-3 * _USUAL_MOTION * years
    error = np.sqrt(0.5 * (covariance[:, 0] + covariance[:, 1]))
    return np.asarray(known | (drift <= _MOVED * error))


def _lowest(found: Residuals) -> Ints:
    """Which pairs have the lowest keys, in an order that depends on nothing but the pairs."""
    some = np.arange(len(found))
    if len(found) > 2 * found.cap:  # cheap first: nothing above the cap's key can stay
        limit = np.partition(found.key, found.cap - 1)[found.cap - 1]
        some = np.flatnonzero(found.key <= limit)
    key = found.key[some]
    order = np.argsort(key)
    if (key[order[1:]] == key[order[:-1]]).any():  # rows at one pixel
        part = found.take(some)
        later = [part.mag, part.offset[:, 1], part.offset[:, 0], part.spatial, part.key]
        order = np.lexsort(later)
    return np.asarray(some[order[: found.cap]])


def _key(a: Ints, b: Ints) -> NDArray[np.uint64]:
    """A hash of two order-29 pixels: SplitMix64 (Steele, Lea & Flood 2014), one after the other."""
    return mixed(mixed(a.astype(np.uint64)) ^ b.astype(np.uint64))


def mixed(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A hash (n,) of numbers, each bit of which depends on every bit: a step of SplitMix64."""
    with np.errstate(over="ignore"):
        value = value + np.uint64(0x9E3779B97F4A7C15)
        value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))
