"""`sq.pairs`: arguments of any kind become the sides of a plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa

from skyquarry.engine import given
from skyquarry.engine.plan import Plan
from skyquarry.errors import PositionError, UserError, one_of
from skyquarry.match.geometry.joins import HOWS, KEEPS, How, Keep, Rule
from skyquarry.match.geometry.pairs import PairsNode
from skyquarry.match.geometry.radii import Radius, radius_of
from skyquarry.match.given.catalogsides import CatalogSide
from skyquarry.pipeline.inputs import side_of, with_radii

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from skyquarry.engine.catalog import Catalog
    from skyquarry.engine.executors import Where
    from skyquarry.match.given.sides import Side


def pairs(  # noqa: PLR0913  each keyword is said by its name
    a: Any,
    b: Any = None,
    *,
    radius_arcsec: Any = None,
    keep: Keep = "all",
    how: How = "inner",
    k: int | None = None,
    columns: Literal["ids", "all"] | Sequence[str] = "ids",
    both: bool | None = None,
    force: bool = False,
) -> Plan:
    """Pairs of rows of two tables that lie within a radius of each other: a plan.

    Parameters
    ----------
    a, b
        A Catalog with its cuts, the path of a catalogue or of a file of any readable format, or a
        pyarrow, pandas or astropy table. `(table, "survey name")`, `(table, {"ra": ..., "dec":
        ..., "id": ...})` or `(table, Roles)` says what its columns are; otherwise they are
        guessed by their usual names, and a table without an id has its rows numbered from 0. `b`
        left out: pairs within `a`, no row with itself.
    radius_arcsec
        A pair is as far apart, or nearer. A number; the name of a column of `a`; an array of a
        radius for each row of `a`; or a tuple of two of these, one for each side: their sum. A row
        without a number has no pair.
    keep
        "all", "best" (the nearest of each row of `a`) or "mutual" (rows that are each other's
        nearest). Of two as near, the one with the lower id.
    how
        "inner": pairs; "left": and rows of `a` without one; "outer": and those of `b`; "anti": the
        rows of `a` without a pair, alone. Rows without a usable position have none.
    k
        With keep="all": the k nearest of each row of `a`.
    columns
        "ids"; "all" adds every column of both, its name behind that of its table; or a list of
        such names. They are null where there is no partner.
    both
        Within one table: whether each pair is given from both its rows, and not once from the
        first along the sky. By default where each row is asked for: with best, k, left or anti.
    force
        Run although more than a thousand million pairs are predicted.

    Returns
    -------
    Plan
        `explain()`, `run(executor)`, `to_table()`, `stream()`, `to_catalog(path)`. Columns begin
        `left_id, right_id, sep_arcsec`. Rows lie along the sky by the left row, then by
        separation, then by the right id; the same for any tiling and executor.

    Raises PositionError, ColumnError, NotFoundError, UserError.

    >>> pairs("archive/gaia", "archive/allwise", radius_arcsec=1).to_table()  # doctest: +SKIP
    """
    left, right, same = _sides(a, b)
    rule = _rule(keep, how, k, same=same, both=both)
    left, right, radii = _radii(left, right, radius_arcsec, same=same)
    chosen = (
        columns if isinstance(columns, str) else given.texts(columns, "columns", ["g"], least=0)
    )
    node = PairsNode(left, right, *radii, rule=rule, columns=chosen, force=force)
    _ = node.schema  # a column that is missing shows at once
    return PairsPlan(node)


@dataclass(frozen=True, repr=False)
class PairsPlan(Plan):
    """A plan whose rows can become a catalogue, at the positions of their left rows."""

    def to_catalog(
        self,
        path: str | os.PathLike[str],
        executor: Where = None,
        *,
        overwrite: bool = False,
        **options: Any,
    ) -> Catalog:
        """The pairs as a catalogue at `path`: ra and dec are those of the left row, else the right.

        options: what `sq.build` takes. Rows without a position are set aside there, and counted.
        """
        from skyquarry.pipeline.build import build

        node: Any = self.root
        placed = Plan(node.at_positions())
        stream = placed.run(executor).stream()
        reader = pa.RecordBatchReader.from_batches(placed.schema, stream)
        settings = {"ra": "ra", "dec": "dec", "progress": False, "properties": node.provenance()}
        if node.rule.how != "outer":
            settings["id"] = "left_id"
        return build(reader, path, executor=executor, overwrite=overwrite, **settings | options)


def _sides(a: Any, b: Any) -> tuple[Side, Side, bool]:
    """Both sides, and whether they are the same rows."""
    left = side_of(a, "left" if b is not None else "table")
    if b is None or b is a:
        return left, left, True
    right = side_of(b, "right")
    if (
        isinstance(left, CatalogSide)
        and isinstance(right, CatalogSide)
        and left.fingerprint == right.fingerprint
    ):
        return left, left, True
    return left, right, False


def _rule(keep: Any, how: Any, k: Any, *, same: bool, both: bool | None) -> Rule:
    for word, value, known in (("keep", keep, KEEPS), ("how", how, HOWS)):
        one_of(word, value, known)
    if k is not None and (isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1):
        raise UserError(
            f"k is {k!r}, but a whole number of neighbours, 1 or more, is needed: try k=2, or "
            "leave it out for all"
        )
    if k is not None and keep != "all":
        raise UserError(f'k is {k} with keep="{keep}", which keeps one: leave one of the two out')
    every = how != "inner" or keep == "best" or k is not None
    if same and every and both is False:
        raise UserError(
            "both is False, but a row of each table is asked for its neighbours "
            f'(keep="{keep}", how="{how}"): leave both out'
        )
    if not same and both is not None:
        raise UserError(
            f"both is {both}, but two tables were given, and it is for pairs within one: leave it "
            "out"
        )
    return Rule(keep, how, None if k is None else int(k), same, not same or both or every)


def _radii(
    left: Side, right: Side, given: Any, *, same: bool
) -> tuple[Side, Side, tuple[Radius, Radius]]:
    if given is None:
        raise PositionError(
            "radius_arcsec is missing, but pairs need to know how far apart they may be: try "
            "radius_arcsec=1"
        )
    ours, theirs = given if isinstance(given, tuple) and len(given) == 2 else (given, 0.0)
    left, first = _radius(left, ours, "radius_arcsec")
    if same:
        right = left
    right, second = _radius(right, theirs, "radius_arcsec of the second table")
    if same and right is not left:
        left = right
    return left, right, (first, second)


def _radius(side: Side, given: Any, what: str) -> tuple[Side, Radius]:
    if not isinstance(given, str) and np.ndim(given) > 0:
        side, given = with_radii(side, given)
    return side, radius_of(given, side, what)
