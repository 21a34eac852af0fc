"""Buckets on the sky itself: rows within a separation meet, tile by tile, with no shuffle."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skyquarry.engine.asked import real_number
from skyquarry.engine.plan import Plan, Told
from skyquarry.errors import UserError
from skyquarry.mine.near import Near, pairs_node, tasks_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skyquarry.engine.catalog import Catalog
    from skyquarry.engine.cost import Cost
    from skyquarry.engine.run import Task
    from skyquarry.match.geometry.pairing import Pairing
    from skyquarry.match.geometry.pairs import PairsNode
    from skyquarry.match.given.sides import Fetch
    from skyquarry.mine.comparing import Comparison
    from skyquarry.sky.ranges import Ranges


@dataclass(frozen=True)
class Space:
    """Rows that lie within a separation of each other on the sky meet: Space(arcmin=1)."""

    arcsec: float | None = None
    arcmin: float | None = None

    def __post_init__(self) -> None:
        given = [each for each in (self.arcsec, self.arcmin) if each is not None]
        size = real_number(given[0]) if len(given) == 1 else None
        if size is None or not 0.0 < size < np.inf:
            raise UserError(
                f"Space was given arcsec={self.arcsec!r} and arcmin={self.arcmin!r}, but one of "
                "them, above 0, is needed: try Space(arcmin=1)"
            )

    @property
    def radius_arcsec(self) -> float:
        """The greatest separation."""
        return float(self.arcsec) if self.arcsec is not None else 60.0 * float(self.arcmin or 0.0)

    def plan(self, catalog: Catalog, comparison: Comparison, rows: tuple[str, ...]) -> Plan:
        """The pairs of a catalogue; `rows`: columns that `compare` gets."""
        node = pairs_node(catalog, self.radius_arcsec, columns=rows)
        fields = pa.schema([catalog.source.schema.field(name) for name in rows])
        return Plan(SpaceNode(node, comparison, fields))


@dataclass(frozen=True)
class SpaceNode:
    """Pairs on the sky, and what is asked of them."""

    pairs: PairsNode
    comparison: Comparison
    rows: pa.Schema

    @cached_property
    def schema(self) -> pa.Schema:
        """left_ and right_ columns."""
        return self.comparison.schema(self.rows)

    def __len__(self) -> int:
        return len(self.pairs)

    def tasks(self) -> Iterator[Task]:
        """One a part of the sky."""
        return tasks_of(self.pairs, space_pairs, self.comparison, self.rows)

    def weight(self, key: Any) -> int:
        """That of the pairs."""
        return self.pairs.weight(key)

    def cost(self, workers: int | None = None) -> Cost:
        """That of the pairs."""
        return self.pairs.cost(workers)

    def explain(self, workers: int | None = None) -> list[str]:
        """What is asked of pairs, and the pairs below."""
        asked = self.comparison.compare
        name = getattr(asked, "__name__", type(asked).__name__)
        told = "all pairs" if asked is None else f"pairs that {name} keeps"
        return [f"{told} of", *(f"  {line}" for line in self.pairs.explain(workers))]

    def report(self, counts: dict[str, int]) -> dict[str, Any]:
        """Pairs by place alone, and those kept."""
        return dict(counts)


def space_pairs(
    pairing: Pairing,
    left: Fetch,
    right: Fetch,
    core: Ranges,
    comparison: Comparison,
    fields: pa.Schema,
) -> Told:
    """The task: the pairs of one part of the sky."""
    near = Near.of(pairing, left, right, core)
    rows, met = near.lefts.sorted().select(fields.names), 0
    parts = [comparison.schema(fields).empty_table()]
    for block in near.blocks():
        met += len(block)
        parts.append(comparison.kept(rows, block.left, block.right))
    found = pa.concat_tables(parts)
    return Told(found, {"pairs within the separation": met, "kept": found.num_rows})
