"""How many pairs lie at which separation, and what that says of clustering; no pair is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skyquarry.catalog.arrow import from_numpy
from skyquarry.engine import given
from skyquarry.engine.catalog import catalog_of
from skyquarry.engine.plan import MEMORY_BYTES
from skyquarry.engine.run import run_tasks
from skyquarry.match.geometry.searching import HALF_TURN_ARCSEC
from skyquarry.mine.near import Near, pairs_node, tasks_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from skyquarry.engine.catalog import Catalog, CatalogLike
    from skyquarry.engine.executors import Where
    from skyquarry.match.geometry.joins import Placed
    from skyquarry.match.geometry.pairing import Pairing
    from skyquarry.match.geometry.search import Points
    from skyquarry.match.given.sides import Fetch
    from skyquarry.sky.ranges import Ranges

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

LEAF = 32
"""rows of a leaf of the trees, at most: from 16 to 96 the same speed"""
_ARCSEC = {"unit": "arcsec", "ucd": "pos.angDistance"}


def pair_counts(
    catalog: CatalogLike,
    other: CatalogLike | None = None,
    *,
    edges_arcsec: Sequence[float] | NDArray[np.float64],
    executor: Where = None,
) -> pa.Table:
    """How many pairs lie between each two separations: `low_arcsec, high_arcsec, pairs`.

    Pairs within `catalog`, each once, or of its rows with those of `other`. Lower edges belong to
    their bin, of the upper ones the last alone. Trees over the rows are gone down together: cells
    all of whose pairs lie in one bin are counted at once, so that memory does not grow with the
    pairs, and time less than they. Counts are exact: those of the pairs that `sq.pairs` tells.

    Raises PositionError and UserError for edges that do not rise, ColumnError without positions.

    >>> pair_counts(sky["sdss"], edges_arcsec=[0, 10, 30, 60])  # doctest: +SKIP
    """
    edges = given.rising(edges_arcsec, "edges_arcsec", [1, 10, 100])
    sides = catalog_of(catalog), None if other is None else catalog_of(other)
    node = replace(pairs_node(sides[0], float(edges[-1]), sides[1]), are_kept=False)
    total = np.zeros(len(edges) - 1, np.int64)
    tasks = tasks_of(node, counted, edges)
    for _, counts in run_tasks(tasks, executor, memory_bytes=MEMORY_BYTES, weigh=node.weight):
        total += counts
    return _table(edges, {"pairs": total})


def counted(pairing: Pairing, left: Fetch, right: Fetch, core: Ranges, edges: Floats) -> Ints:
    """The task: pairs in each bin of which a part of the sky has the left row, or the first."""
    from skyquarry.mine.kernels import counting

    near = Near.of(pairing, left, right, core)
    chords = 2.0 * np.sin(np.radians(np.minimum(edges, HALF_TURN_ARCSEC) / 7200.0))
    chords[edges == 0.0] = -np.inf
    total = np.zeros(len(edges) - 1, np.int64)
    rows = _places(near.left)
    own = grown(near.left.points, (rows >= near.left.core.start) & (rows < near.left.core.stop))
    if pairing.rule.same:
        counting.count(own, own, True, edges, chords, total)
        others = grown(near.left.points, rows >= near.left.core.stop)
    else:
        others = grown(near.right.points, np.ones(len(near.right.points), np.bool_))
    counting.count(own, others, False, edges, chords, total)
    return total


def _places(placed: Placed) -> Ints:
    """(points,) where each stands among the rows along the sky."""
    return placed.places(np.arange(len(placed.points)))


def grown(points: Points, which: NDArray[np.bool_]) -> Any:
    """A tree over some of the points, as the kernel takes it."""
    from skyquarry.match.kernels.separation import cosines
    from skyquarry.mine.kernels import counting

    ra, dec, spatial = (each[which] for each in (points.ra_deg, points.dec_deg, points.spatial))
    cosine = np.empty(len(dec))
    cosines(dec, cosine)
    along, up = np.radians(ra), np.radians(dec)
    xyz = np.stack([cosine * np.cos(along), cosine * np.sin(along), np.sin(up)])
    nodes = int(counting.grow(spatial, LEAF, *(np.empty(0, np.int64) for _ in range(3))))
    start, stop, child = (np.empty(nodes, np.int64) for _ in range(3))
    counting.grow(spatial, LEAF, start, stop, child)
    ball = np.empty((nodes, 4))
    counting.bound(xyz, start, stop, ball)
    return counting.Tree(xyz, np.stack([ra, dec, cosine]), start, stop, child, ball)


def correlation(
    catalog: CatalogLike,
    randoms: CatalogLike,
    *,
    edges_arcsec: Sequence[float] | NDArray[np.float64],
    executor: Where = None,
) -> pa.Table:
    """The angular two-point correlation of a catalogue: w = (DD - 2 DR + RR) / RR.

    The estimator of Landy & Szalay (1993, ApJ 412, 64), each count over the number of its pairs.
    `randoms`: a catalogue without clustering in the same footprint, best with several times the
    rows. `w_error` is Poisson's, (1 + w) / sqrt(DD): too small where w is not small.

    Returns `low_arcsec, high_arcsec, dd, dr, rr, w, w_error`; w is null in a bin without RR,
    w_error also in one without DD. Raises what `pair_counts` raises.

    >>> correlation(sky["sdss"], sky["randoms"], edges_arcsec=[10, 100, 1000])  # doctest: +SKIP
    """
    edges = given.rising(edges_arcsec, "edges_arcsec", [1, 10, 100])
    catalog, randoms = catalog_of(catalog), catalog_of(randoms)
    sides = ((catalog, None), (catalog, randoms), (randoms, None))
    dd, dr, rr = (
        pair_counts(a, b, edges_arcsec=edges, executor=executor)["pairs"].to_numpy()
        for a, b in sides
    )
    n, m = (float(_placed_rows(each, executor)) for each in (catalog, randoms))
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = dd / (n * (n - 1.0) / 2.0), dr / (n * m), rr / (m * (m - 1.0) / 2.0)
        w = (shares[0] - 2.0 * shares[1] + shares[2]) / shares[2]
        error = (1.0 + w) / np.sqrt(dd)
    told = {"dd": dd, "dr": dr, "rr": rr}
    return _table(edges, told | {"w": _known(w), "w_error": _known(error)})


def _placed_rows(catalog: Catalog, executor: Where) -> int:
    """How many rows have a position: in trees of other writers some may have none."""
    if catalog.properties.get("hats_builder", "").startswith("skyquarry"):
        return catalog.count(executor)
    ra, dec = catalog.roles.ra, catalog.roles.dec
    return catalog.where(f'"{ra}" IS NOT NULL AND "{dec}" IS NOT NULL').count(executor)


def _known(values: Floats) -> pa.Array:
    return pa.array(values, mask=~np.isfinite(values))


def _table(edges: Floats, columns: dict[str, Any]) -> pa.Table:
    fields = [
        pa.field(f"{side}_arcsec", pa.float64(), metadata=_ARCSEC) for side in ("low", "high")
    ]
    arrays = [from_numpy(edges[:-1].copy()), from_numpy(edges[1:].copy())]
    for name, values in columns.items():
        arrays.append(values if isinstance(values, pa.Array) else from_numpy(values))
        fields.append(pa.field(name, arrays[-1].type))
    return pa.table(arrays, schema=pa.schema(fields))
