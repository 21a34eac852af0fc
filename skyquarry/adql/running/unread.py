"""Tables that are named in a query and need not be read, as far as sizes tell before it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skyquarry.adql.joins.everypair import every_pair
from skyquarry.adql.joins.ordering import planned
from skyquarry.adql.reads import StoredRead

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skyquarry.adql.joins.flat import JoinText
    from skyquarry.adql.reads import Read


def unread(joins: Sequence[JoinText], reads: Sequence[Read]) -> frozenset[int]:
    """Which reads are of tables of neighbours in whose place pairs that are found will stand.

    They will where the tables have more rows than the two of which these are pairs; what the
    conditions leave of each is looked into when it runs, and may tell otherwise.
    """
    found = set()
    for plan in planned(joins, reads):
        if plan.keyed is None:
            continue
        scans = {part.alias: part.scan for part in plan.join.flat.parts}
        for each in every_pair(plan.join.flat, reads, plan.keyed):
            ends = sum(_rows(reads[scans[alias]]) for alias in set(each.ends))
            if ends < _rows(reads[scans[each.alias]]):
                found.add(scans[each.alias])
    return frozenset(found)


def _rows(read: Read) -> int:
    return read.rows if isinstance(read, StoredRead) else 0
