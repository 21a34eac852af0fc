"""Rows, groups and priors made on the spot: what a test of evidence needs, and no more."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq

from skyquarry.catalog.arrow import from_numpy, to_numpy
from skyquarry.match.given.rows import Motions, Rows
from skyquarry.match.resolution.groups import Groups

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from numpy.typing import ArrayLike, NDArray

    from skyquarry.testing.naive.evidence import Source

    Floats = NDArray[np.float64]


def _sigmas() -> Floats:
    return np.array([0.0, 8.0, 80.0])


def _base() -> Floats:
    return np.array([0.2, 0.75, 0.05])


@dataclass(frozen=True)
class Mixture:
    """A prior of motions. Without a table all rows weigh the same; with one, `mag` is the line."""

    sigmas_masyr: Floats = field(default_factory=_sigmas)
    base: Floats = field(default_factory=_base)
    table: Floats | None = None
    lost: float = 0.0027

    def weights(self, rows: Rows) -> Floats:
        """(n, k)."""
        if self.table is None:
            return np.tile(self.base, (len(rows), 1))
        told: Floats = self.table[rows.mag.astype(int)]
        return told

    def together(self, rows: Rows) -> Floats:
        """(n, k): every row tells something else."""
        return self.weights(rows)


def one_motion(sigma_masyr: float) -> Mixture:
    """A prior of a single component."""
    return Mixture(np.array([float(sigma_masyr)]), np.array([1.0]))


def rows(
    ra_deg: ArrayLike, dec_deg: ArrayLike, covariance: ArrayLike, epoch: ArrayLike = 2000.0,
    motions: Motions | None = None, **more: Any,
) -> Rows:  # fmt: skip
    """Rows at places; more: wide (probability), wide_arcsec, mag."""
    ra = np.asarray(ra_deg, np.float64)
    n = len(ra)
    numbers = np.arange(n, dtype=np.int64)
    nan = np.full(n, np.nan)
    return Rows(
        ra, np.asarray(dec_deg, np.float64), numbers, from_numpy(numbers), numbers, numbers,
        np.asarray(covariance, np.float64).reshape(n, 3), _full(epoch, n), motions,
        _full(more.get("mag", 0.0), n), nan, nan, _full(more.get("wide", 0.0), n),
        float(more.get("wide_arcsec", 0.0)), np.zeros(n, np.int32),
    )  # fmt: skip


def motions(pm: ArrayLike, covariance: ArrayLike, cross: ArrayLike = 0.0, **more: float) -> Motions:
    """Motions (n, 2) with covariances (n, 3); more: parallax, parallax_error, rv, rv_error."""
    both = np.asarray(pm, np.float64).reshape(-1, 2)
    n = len(both)
    rest = (
        _full(more.get(name, np.nan), n)
        for name in ("parallax", "parallax_error", "rv", "rv_error")
    )
    return Motions(both, _full(covariance, n, 3), _full(cross, n, 4), *rest)


def groups(sizes: list[int] | NDArray[np.int64], members: ArrayLike | None = None) -> Groups:
    """Groups of the given sizes; members: 0, 1, 2, ... unless given."""
    start = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    g = len(sizes)
    nodes = np.arange(start[-1]) if members is None else np.asarray(members)
    island = np.arange(g, dtype=np.int64)
    return Groups(start, nodes.astype(np.int64), np.zeros(g, np.uint32), island, np.zeros(g, bool))


def round_errors(sigma_arcsec: ArrayLike) -> Floats:
    """(n, 3) covariances of circular errors (n,)."""
    sigma = np.asarray(sigma_arcsec, np.float64)
    return np.stack([sigma**2, sigma**2, 0.0 * sigma], axis=-1)


def columns(path: Path) -> dict[str, NDArray[Any]]:
    """The columns of a small Parquet file as arrays."""
    table = pq.read_table(path)
    return {name: to_numpy(table[name].combine_chunks()) for name in table.column_names}


def of_sources(sources: list[Source], wide_arcsec: float = 0.0) -> list[Rows]:
    """Each naive source as the one row of a catalogue; its weights are line k of the prior's."""
    return [_of_source(s, k, wide_arcsec) for k, s in enumerate(sources)]


def _of_source(s: Source, number: int, wide_arcsec: float) -> Rows:
    moving = None
    if s.pm is not None:
        moving = motions(
            [s.pm], [s.pm_covariance], [s.cross], parallax=s.parallax,
            parallax_error=s.parallax_error, rv=np.nan if s.rv is None else s.rv,
            rv_error=s.rv_error,
        )  # fmt: skip
    return rows(
        [s.ra_deg], [s.dec_deg], [s.covariance], s.epoch, moving,
        wide=max(s.wide, 0.0), wide_arcsec=wide_arcsec if s.wide >= 0.0 else 0.0, mag=number,
    )  # fmt: skip


def _full(value: ArrayLike, *shape: int) -> Floats:
    return np.broadcast_to(np.asarray(value, np.float64), shape).copy()
