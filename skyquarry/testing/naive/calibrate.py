"""The slow and obvious twins of the calibration: mutual nearest pairs, and the likelihood."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from skyquarry.match.calibration.residuals import tangent
from skyquarry.match.given.rows import Motions, Rows
from skyquarry.sky import healpix
from skyquarry.sky.vectors import ARCSEC_PER_RADIAN, normalised, to_xyz

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_MAS = 1e-3 / ARCSEC_PER_RADIAN


def plain_rows(  # noqa: PLR0913 - the columns of a catalogue
    ra_deg: Floats,
    dec_deg: Floats,
    covariance: Floats,
    *,
    ids: Ints | None = None,
    mag: Floats | None = None,
    epoch: Floats | None = None,
    pm: Floats | None = None,
    pm_error: Floats | None = None,
) -> Rows:
    """Rows from a few arrays, sorted as the matcher has them."""
    import pyarrow as pa

    count = len(ra_deg)
    number = np.arange(count) if ids is None else np.asarray(ids)
    spatial = healpix.index(ra_deg, dec_deg)
    nothing = np.full(count, np.nan)
    rows = Rows(
        ra_deg=np.asarray(ra_deg, np.float64),
        dec_deg=np.asarray(dec_deg, np.float64),
        spatial=spatial,
        ids=pa.array(number),
        rank=np.argsort(np.argsort(number, kind="stable"), kind="stable"),
        row=np.arange(count),
        covariance=np.asarray(covariance, np.float64),
        epoch=nothing if epoch is None else np.asarray(epoch, np.float64),
        motions=None if pm is None else _motions(pm, pm_error),
        mag=nothing if mag is None else np.asarray(mag, np.float64),
        cool=nothing,
        extended=nothing,
        wide=np.zeros(count),
        wide_arcsec=0.0,
        flags=np.zeros(count, np.int32),
    )
    return rows.take(np.lexsort((rows.rank, spatial)))


def _motions(pm: Floats, pm_error: Floats | None) -> Motions:
    count = len(pm)
    nothing = np.full(count, np.nan)
    size = np.zeros(count) if pm_error is None else np.asarray(pm_error, np.float64)
    covariance = np.stack([size**2, size**2, 0.0 * size], axis=1)
    return Motions(pm, covariance, np.zeros((count, 4)), nothing, nothing, nothing, nothing)


def mutual_pairs(
    a: Rows, b: Rows, radius_arcsec: float, usual_motion: float = 10.0
) -> dict[str, Any]:
    """Mutual nearest pairs at the epoch of the row of `b`, as `residuals.gather` takes them.

    `i`, `j`, `offset`, `covariance`, `at`, `rivals`; rows of unknown motion may have moved by
    `usual_motion` mas/yr in each axis.
    """
    xyz_b = to_xyz(b.ra_deg, b.dec_deg)
    near_a, near_b = np.zeros(len(a), np.int64), np.zeros(len(b), np.int64)
    best = np.full((len(b), 2), [-1.0, np.inf])
    taken = np.full((len(a), 2), [-1.0, np.inf])
    frame = _frame(a)
    for j in range(len(b)):
        there = _moved(a, frame, b.epoch[j])
        apart = np.sqrt(((there - xyz_b[j]) ** 2).sum(axis=1)) * ARCSEC_PER_RADIAN
        near_a += apart <= radius_arcsec
        near_b[j] = (apart <= radius_arcsec).sum()
        near = int(np.argmin(apart))
        best[j] = near, apart[near]
        closer = apart < taken[:, 1]
        taken[closer, 0], taken[closer, 1] = j, apart[closer]
    nearest = best[:, 0].astype(np.int64)
    kept = (taken[nearest, 0] == np.arange(len(b))) & (best[:, 1] <= radius_arcsec)
    i, other = nearest[kept], np.flatnonzero(kept)
    return _measured(a, b, i, other, usual_motion) | {"rivals": near_a[i] + near_b[other] - 2}


def _frame(a: Rows, index: Any = slice(None)) -> tuple[Floats, Floats, Floats]:
    """Unit vectors, and east and north there."""
    xyz = to_xyz(a.ra_deg[index], a.dec_deg[index])
    return xyz, *tangent(xyz)


def _moved(
    a: Rows, frame: tuple[Floats, Floats, Floats], epoch: Any, index: Any = slice(None)
) -> Floats:
    xyz, east, north = frame
    if a.motions is None:
        return xyz
    years = np.nan_to_num(epoch - a.epoch[index])
    move = np.nan_to_num(a.motions.pm[index]) * (_MAS * years)[:, None]
    return normalised(xyz + move[:, :1] * east + move[:, 1:] * north)


def _measured(a: Rows, b: Rows, i: Ints, j: Ints, usual_motion: float) -> dict[str, Any]:
    here, there = _moved(a, _frame(a, i), b.epoch[j], i), to_xyz(b.ra_deg[j], b.dec_deg[j])
    middle = normalised(here + there)
    east, north = tangent(middle)
    apart = (there - here) * ARCSEC_PER_RADIAN
    offset = np.stack([(apart * east).sum(axis=1), (apart * north).sum(axis=1)], axis=1)
    years = np.nan_to_num(b.epoch[j] - a.epoch[i])
    drift = np.full((len(i), 2), usual_motion**2)
    if a.motions is not None:
        known = np.isfinite(a.motions.pm[i]).all(axis=1, keepdims=True)
        drift = np.where(known, np.nan_to_num(a.motions.covariance[i, :2]), drift)
    covariance = _rotated(a.covariance[i], here, middle) + _rotated(b.covariance[j], there, middle)
    covariance[:, :2] += drift * (1e-3 * years[:, None]) ** 2
    return {"i": i, "j": j, "offset": offset, "covariance": covariance, "at": middle}


def _rotated(covariance: Floats, here: Floats, there: Floats) -> Floats:
    """One matrix product a row."""
    found = np.empty_like(covariance)
    (p, q), (e, n) = tangent(here), tangent(there)
    for row, (xx, yy, xy) in enumerate(covariance):
        turn = np.array([[e[row] @ p[row], e[row] @ q[row]], [n[row] @ p[row], n[row] @ q[row]]])
        new = turn @ np.array([[xx, xy], [xy, yy]]) @ turn.T
        found[row] = new[0, 0], new[1, 1], new[0, 1]
    return found


def ln_likelihood(theta: Floats, offset: Floats, rest: Floats, own: Floats, radius: float) -> float:
    """Ln L of `errorscale`, one offset after the other; no crowding."""
    k2, s2, f, b2, c, _ = theta
    total = 0.0
    for d, (axx, ayy, axy), (cxx, cyy, cxy) in zip(offset, rest, own, strict=True):
        size = np.array([[axx, axy], [axy, ayy]]) + k2 * np.array([[cxx, cxy], [cxy, cyy]])
        narrow, wide = (_normal(d, size + extra * np.eye(2)) for extra in (s2, s2 + b2))
        real = (1 - f) * narrow + f * wide
        total += float(np.log((1 - c) * real + c / (np.pi * radius**2)))
    return total


def _normal(d: Floats, covariance: Floats) -> float:
    chi2 = d @ np.linalg.solve(covariance, d)
    return float(np.exp(-0.5 * chi2) / (2.0 * np.pi * np.sqrt(np.linalg.det(covariance))))
