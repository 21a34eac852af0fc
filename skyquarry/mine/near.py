"""Rows that lie near each other on the sky, gone over block by block: no pair has to be kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from skyquarry.engine import given
from skyquarry.engine.plainterms import Plain
from skyquarry.engine.predicate import Number, parse_number
from skyquarry.match.geometry.joins import Joined, Placed, Rule, cuts_of, joined, search_of
from skyquarry.match.geometry.pairing import PART_PAIRS, Pairing
from skyquarry.match.geometry.pairs import PairsNode
from skyquarry.match.geometry.pairscolumns import prefixes
from skyquarry.match.geometry.radii import radius_of
from skyquarry.match.given.catalogsides import CatalogSide

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import pyarrow as pa
    from numpy.typing import NDArray

    from skyquarry.engine.catalog import Catalog
    from skyquarry.engine.run import Task
    from skyquarry.match.given.sides import Fetch, Fetched
    from skyquarry.sky.ranges import Ranges

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Numbers in which two rows have to agree, and by how much they may differ."""

    numbers: tuple[Number, ...]
    within: tuple[float, ...]

    @classmethod
    def of(cls, within: Mapping[str, float] | None, schema: pa.Schema) -> Agreement:
        """Texts of arithmetic and the greatest differences.

        Raises PredicateError, ColumnError, and UserError for a difference below 0.
        """
        named = {} if within is None else given.by_text(within, "within", {"g - r": 0.1})
        numbers = tuple(parse_number(text, schema) for text in named)
        most = (given.at_least(most, f"within of {text!r}", 0.1) for text, most in named.items())
        return cls(numbers, tuple(most))

    @property
    def columns(self) -> tuple[str, ...]:
        """What has to be read."""
        return tuple(dict.fromkeys(name for each in self.numbers for name in each.columns))

    def values(self, rows: pa.Table) -> list[Floats]:
        """(n,) each number; NaN, which agrees with nothing, where it is null."""
        plain = Plain(rows)
        return [each.values(plain) for each in self.numbers]


def pairs_node(
    catalog: Catalog,
    radius_arcsec: float,
    other: Catalog | None = None,
    *,
    columns: Iterable[str] = (),
) -> PairsNode:
    """Pairs of rows of one catalogue, each once, or of two; `columns` of both sides are at hand."""
    left = CatalogSide(catalog)
    right = left if other is None else CatalogSide(other)
    if right.fingerprint == left.fingerprint:
        right = left
    names = tuple(columns)
    wanted: Any = tuple(f"{begin}{n}" for begin in prefixes(left, right) for n in names) or "ids"
    radius = radius_of(radius_arcsec, left)
    rule = Rule(same=right is left, both=right is not left)
    return PairsNode(left, right, radius, rule=rule, columns=wanted)


def tasks_of(node: PairsNode, function: Callable[..., Any], *more: Any) -> Iterator[Task]:
    """The tasks of a node with another function: (pairing, left, right, core, *more)."""
    for key, _, args in node.tasks():
        yield key, function, (*args, *more)


@dataclass(frozen=True, slots=True)
class Near:
    """The rows of one part of the sky and of its surroundings, ready for their pairs."""

    pairing: Pairing
    core: Ranges
    lefts: Fetched
    rights: Fetched
    left: Placed
    right: Placed

    @classmethod
    def of(cls, pairing: Pairing, left: Fetch, right: Fetch, core: Ranges) -> Near:
        """Read what a task needs."""
        lefts = left.rows()
        rights = lefts if pairing.rule.same else right.rows()
        placed = pairing.left.placed(lefts, core)
        if pairing.rule.same:
            others = replace(placed, radius=pairing.right.radius.arcsec)
        else:
            others = pairing.right.placed(rights, core)
        return cls(pairing, core, lefts, rights, placed, others)

    def blocks(self) -> Iterator[Joined]:
        """Pairs, as places along the sky, about a million at once."""
        rule = self.pairing.rule
        search = search_of(rule, self.left, self.right)
        cuts = cuts_of(rule, self.left, search, PART_PAIRS).tolist()
        if not cuts:
            yield joined(rule, self.left, self.right, search)
            return
        ends = [int(self.core.starts[0]), *cuts, int(self.core.stops[0])]
        expected = search.expected // (len(ends) - 1)
        for part in pairwise(ends):
            own = slice(*np.searchsorted(self.left.pixels, part).tolist())
            placed = replace(self.left, core=own)
            some = search_of(rule, placed, self.right, expected)
            yield joined(rule, placed, self.right, some)

    def agreeing(self, agreement: Agreement) -> Iterator[Joined]:
        """The pairs of rows that agree."""
        mine = agreement.values(self.lefts.sorted()) if agreement.numbers else []
        theirs = mine
        if mine and not self.pairing.rule.same:
            theirs = agreement.values(self.rights.sorted())
        for block in self.blocks():
            keep = np.ones(len(block), bool)
            for a, b, most in zip(mine, theirs, agreement.within, strict=True):
                keep &= np.abs(a[block.left] - b[block.right]) <= most
            if keep.all():
                yield block
            else:
                yield Joined(block.left[keep], block.right[keep], block.sep_arcsec[keep])
