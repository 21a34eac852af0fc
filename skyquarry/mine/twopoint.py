"""How many pairs lie at which separation, and what that says of clustering; no pair is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skyquarry.catalog.arrow import from_numpy
from skyquarry.engine.plan import MEMORY_BYTES
from skyquarry.engine.run import run_tasks
from skyquarry.errors import UserError
from skyquarry.mine.near import Near, pairs_node, tasks_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from skyquarry.engine.catalog import Catalog
    from skyquarry.engine.executors import Where
    from skyquarry.match.geometry.pairing import Pairing
    from skyquarry.match.given.sides import Fetch
    from skyquarry.sky.ranges import Ranges

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_ARCSEC = {"unit": "arcsec", "ucd": "pos.angDistance"}


def pair_counts(
    catalog: Catalog,
    other: Catalog | None = None,
    *,
    edges_arcsec: Sequence[float] | NDArray[np.float64],
    executor: Where = None,
) -> pa.Table:
    """How many pairs lie between each two separations: `low_arcsec, high_arcsec, pairs`.

    Pairs within `catalog`, each once, or of its rows with those of `other`. Lower edges belong to
    their bin, of the upper ones the last alone. Pairs are counted where they are found, so that
    memory does not grow with their number.

    Raises PositionError and UserError for edges that do not rise, ColumnError without positions.

    >>> pair_counts(sky["sdss"], edges_arcsec=[0, 10, 30, 60])  # doctest: +SKIP
    """
    edges = _edges(edges_arcsec)
    node = pairs_node(catalog, float(edges[-1]), other)
    total = np.zeros(len(edges) - 1, np.int64)
    tasks = tasks_of(node, counted, edges)
    for _, counts in run_tasks(tasks, executor, memory_bytes=MEMORY_BYTES, weigh=node.weight):
        total += counts
    return _table(edges, {"pairs": total})


def counted(pairing: Pairing, left: Fetch, right: Fetch, core: Ranges, edges: Floats) -> Ints:
    """The task: pairs in each bin."""
    from skyquarry.mine.kernels import binned

    near = Near.of(pairing, left, right, core)
    total = np.zeros(len(edges) - 1, np.int64)
    for block in near.blocks():
        binned(np.asarray(block.sep_arcsec, np.float64), edges, total)
    return total


def correlation(
    catalog: Catalog,
    randoms: Catalog,
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
    edges = _edges(edges_arcsec)
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


def _edges(given: Any) -> Floats:
    edges = np.asarray(given, np.float64)
    rising = edges.ndim == 1 and len(edges) >= 2 and bool((np.diff(edges) > 0.0).all())
    if not rising or not edges[0] >= 0.0:
        raise UserError(
            f"edges_arcsec is {given!r}, but two or more rising numbers, 0 or above, are needed: "
            "try [1, 10, 100]"
        )
    return edges


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
