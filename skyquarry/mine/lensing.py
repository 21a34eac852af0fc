"""Candidates for gravitational lenses: near each other, of one colour, of different brightness."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skyquarry.catalog.arrow import from_numpy
from skyquarry.engine import given
from skyquarry.engine.catalog import catalog_of
from skyquarry.engine.plan import Plan, Told
from skyquarry.mine.near import Agreement, Near, pairs_node, tasks_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from skyquarry.engine.catalog import CatalogLike
    from skyquarry.engine.cost import Cost
    from skyquarry.engine.run import Task
    from skyquarry.match.geometry.pairing import Pairing
    from skyquarry.match.geometry.pairs import PairsNode
    from skyquarry.match.given.sides import Fetch
    from skyquarry.sky.ranges import Ranges


def lenses(
    catalog: CatalogLike,
    radius_arcsec: float = 10.0,
    *,
    colours: Sequence[str],
    within: float = 0.05,
    brightness: str,
    differ: float = 0.0,
) -> Plan:
    """Pairs of the same colours and different brightness: images of one quasar, maybe. A plan.

    The search of Szalay et al. 2000 (section 6; query 18 with a radius of its own): rows within
    `radius_arcsec` whose `colours` (texts of arithmetic) differ by at most `within` each, and whose
    `brightness` (a text as well) differs by more than `differ`. A row without one of these numbers
    is in no pair.

    Returns `left_id, right_id, sep_arcsec`, `d_brightness` (right less left) and `d_colour_1` ...
    (the same), each pair once, along the sky. Raises ColumnError, PredicateError, UserError.

    >>> lenses(sky["sdss"], 10.0, colours=["u - g", "g - r"], brightness="r")  # doctest: +SKIP
    """
    catalog = catalog_of(catalog)
    schema = catalog.source.schema
    alike = dict.fromkeys(given.texts(colours, "colours", ["u - g", "g - r"]), within)
    agreement = Agreement.of(alike, schema)
    (light,) = given.texts([brightness], "brightness", ["r"])
    bright = Agreement.of({light: given.at_least(differ, "differ", 0.1)}, schema)
    columns = dict.fromkeys([*agreement.columns, *bright.columns])
    node = pairs_node(catalog, radius_arcsec, columns=columns)
    return Plan(LensesNode(node, agreement, bright))


@dataclass(frozen=True)
class LensesNode:
    """Pairs, in what they agree, and in what they differ."""

    pairs: PairsNode
    colours: Agreement
    brightness: Agreement

    @cached_property
    def schema(self) -> pa.Schema:
        """Ids, the separation, and differences."""
        names = [(f"d_colour_{n + 1}", each) for n, each in enumerate(self.colours.numbers)]
        names = [("d_brightness", self.brightness.numbers[0]), *names]
        told = [
            pa.field(name, pa.float64(), metadata={"description": f"right less left: {each.text}"})
            for name, each in names
        ]
        return pa.schema([*(self.pairs.schema.field(n) for n in range(3)), *told])

    def __len__(self) -> int:
        return len(self.pairs)

    def tasks(self) -> Iterator[Task]:
        """One a part of the sky."""
        return tasks_of(self.pairs, lenses_of, self.colours, self.brightness, self.schema)

    def weight(self, key: Any) -> int:
        """That of the pairs."""
        return self.pairs.weight(key)

    def cost(self, workers: int | None = None) -> Cost:
        """That of the pairs."""
        return self.pairs.cost(workers)

    def explain(self, workers: int | None = None) -> list[str]:
        """What pairs have to be, and the pairs below."""
        same = ", ".join(each.text for each in self.colours.numbers)
        most, least = self.colours.within[0], self.brightness.within[0]
        told = (
            f"pairs whose {same} differ by at most {most:g}, and "
            f"{self.brightness.numbers[0].text} by more than {least:g}, of"
        )
        return [told, *(f"  {line}" for line in self.pairs.explain(workers))]

    def report(self, counts: dict[str, int]) -> dict[str, Any]:
        """Pairs by place alone."""
        return dict(counts)


def lenses_of(
    pairing: Pairing,
    left: Fetch,
    right: Fetch,
    core: Ranges,
    colours: Agreement,
    brightness: Agreement,
    schema: pa.Schema,
) -> Told:
    """The task: the pairs of one part of the sky."""
    near = Near.of(pairing, left, right, core)
    rows = near.lefts.sorted()
    numbers = [*brightness.values(rows), *colours.values(rows)]
    ids, parts, met = rows[pairing.left.id], [schema.empty_table()], 0
    for block in near.blocks():
        met += len(block)
        with np.errstate(invalid="ignore"):  # infinite ones have no difference, and are no pair
            differences = [each[block.right] - each[block.left] for each in numbers]
        keep = np.abs(differences[0]) > brightness.within[0]
        for each, most in zip(differences[1:], colours.within, strict=True):
            keep &= np.abs(each) <= most
        columns = [ids.take(from_numpy(side[keep])) for side in (block.left, block.right)]
        columns += [from_numpy(each[keep]) for each in (block.sep_arcsec, *differences)]
        parts.append(pa.table(columns, schema=schema))
    return Told(pa.concat_tables(parts), {"pairs within the radius": met})
