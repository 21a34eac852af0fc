"""How many rows a query gives, guessed by running it on a sample of what it reads."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from skyquarry.adql.database.duck import rows_of
from skyquarry.adql.database.kept import Limits
from skyquarry.adql.kinds import quoted
from skyquarry.adql.reads import GivenRead
from skyquarry.adql.running.sampling import UNIT, sample_of
from skyquarry.adql.running.texts import replaced
from skyquarry.adql.tables import Given

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skyquarry.adql.blocks import Aggregate, Block
    from skyquarry.adql.reads import PartRead
    from skyquarry.adql.running.dividing import Division
    from skyquarry.adql.running.sampling import Sample

_FEW: Final = 40
"""Rows of a sample that tell how many there are to a sixth."""
_MORE: Final = 4
"""Times as many row groups where fewer matched."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is expected of a query."""

    read: int
    """Rows of its first table that are read."""
    matched: float
    """Rows that meet its conditions, before they are grouped or cut."""
    given: float
    """Rows that it gives, were there no limit."""
    sampled: int
    """Rows that were looked at for this."""
    exact: bool
    """Whether that was all of them."""


def estimated(
    division: Division, aggregates: Mapping[str, Aggregate], called: set[str]
) -> Estimate:
    """What is expected of a SELECT, by some of the row groups that it reads.

    Where few rows of these matched, chance decided how many, and more are looked at.
    """
    sample = sample_of(division.lead)
    if not sample.taken:
        none = 0.0 if division.block.groups or not division.block.grouped else 1.0
        return Estimate(sample.rows, 0.0, none, 0, exact=sample.every_tile)
    found = _counted(division, aggregates, called, sample)
    if sample.taken < sample.rows and sum(rows for rows, *_ in found) < _FEW:
        sample = sample_of(division.lead, _MORE)
        found = _counted(division, aggregates, called, sample)
    scaled = _scaled(division.block, sample, found)
    return replace(scaled, given=min(scaled.given, _possible(division)))


def _counted(
    division: Division, aggregates: Mapping[str, Aggregate], called: set[str], sample: Sample
) -> list[tuple[float, ...]]:
    """How many groups there are of so many rows that came in so many row groups of a sample."""
    reads: list[PartRead] = [_held(division.lead.name, sample.read(division.lead))]
    reads += [_held(each.name, sample.read_along(each)) for each in division.along]
    reads += division.beside
    return _asked(_counting(division, aggregates, sample), reads, called)


def _held(name: str, table: pa.Table) -> GivenRead:
    return GivenRead(name, Given(name, table), tuple(table.schema.names))


def _asked(sql: str, reads: list[PartRead], called: set[str]) -> list[tuple[float, ...]]:
    with rows_of(sql, reads, called, Limits(seconds=60.0)) as reader:
        return [tuple(map(float, row.values())) for row in reader.read_all().to_pylist()]


def _counting(division: Division, aggregates: Mapping[str, Aggregate], sample: Sample) -> str:
    """SQL of how many groups there are of so many rows that came in so many row groups."""
    block = division.block
    source = f"FROM {block.source.sql}" + (f" WHERE {block.where}" if block.where else "")
    keys = _keys(block)
    if not keys:
        return f"SELECT count(*) AS rows, 1 AS units, 1 AS groups, 1 AS meant, 1 AS most {source}"
    units = _units(division)
    meant = _at_scale(block, aggregates, sample, units) if block.having else "TRUE"
    inner = (
        f"SELECT count(*) AS n, {units} AS u, CAST({meant} AS BIGINT) AS h {source} GROUP BY {keys}"
    )
    told = "sum(n), u, count(*), sum(coalesce(h, 0)), quantile_cont(n, 0.9)"
    return f"SELECT {told} FROM ({inner}) AS q GROUP BY u"


def _keys(block: Block) -> str:
    """What groups are made by; empty where rows are counted."""
    if block.grouped:
        return ", ".join(block.groups)
    return ", ".join(sql for sql, _ in block.outputs) if block.distinct else ""


def _possible(division: Division) -> float:
    """How many groups whole numbers between their lowest and highest values can make at most."""
    block, schema = division.block, division.lead.source.schema
    keys = block.groups if block.grouped else tuple(sql for sql, _ in block.outputs)
    if not (keys if block.grouped else block.distinct):
        return math.inf
    found = 1.0
    for key in keys:
        column = re.fullmatch(r't\d+\."([^"]+)"', key)
        if column is None or column[1] not in schema.names:
            return math.inf
        told = division.lead.source.told_limits(column[1])
        if told is None or not pa.types.is_integer(schema.field(column[1]).type):
            return math.inf
        low, high = (each[division.lead.numbers] for each in told)
        if not len(low) or np.isnan(low).any() or np.isnan(high).any():
            return math.inf
        found *= float(high.max() - low.min()) + 2.0  # NULL is one as well
    return found


def _units(division: Division) -> str:
    """In how many row groups a group was met; its rows, where rows do not tell theirs."""
    named = re.search(rf"\b{division.lead.name} AS (t\d+)", division.block.source.sql)
    here = {each.alias for each in division.block.source.relations}
    if named is None or named[1] not in here:
        return "count(*)"
    return f"count(DISTINCT {named[1]}.{quoted(UNIT)})"


def _at_scale(block: Block, aggregates: Mapping[str, Aggregate], sample: Sample, units: str) -> str:
    """The condition on groups, where counts and sums stand for those of all rows.

    A group with many rows in one row group alone lies there: it has no more than about as many
    again beside it.
    """
    scale = f"(CASE WHEN {units} = 1 AND count(*) > 2 THEN 2 ELSE {1 / sample.share!r} END)"
    others = {
        sql: f"({sql} * {scale})"
        for sql, each in aggregates.items()
        if each.key in ("COUNT", "SUM") and not each.distinct
    }
    return replaced(block.having, others)


def _scaled(block: Block, sample: Sample, found: list[tuple[float, ...]]) -> Estimate:
    """The sample's counts as those of all."""
    matched = sum(rows for rows, *_ in found) / sample.share
    given = matched
    if _keys(block):
        there = sum(groups for _, _, groups, _, _ in found)
        meant = sum(kept for _, _, _, kept, _ in found) / max(there, 1.0)
        met = {units: groups for _, units, groups, _, _ in found}
        alone = next((most for _, units, _, _, most in found if units == 1.0), 1.0)
        room = max(sum(rows for rows, *_ in found) / len(sample.ranges), 1.0)
        wide = (1.0 + (alone / room) ** 0.5) ** 2 if alone > 2 else 1.0
        given = min(meant * _in_all(met, sample.share, wide), matched)
    elif block.grouped:
        given = 1.0
    whole = sample.every_tile and sample.taken >= sample.rows
    return Estimate(sample.rows, matched, given, sample.taken, exact=whole)


def _in_all(met: Mapping[float, float], share: float, wide: float) -> float:
    """How many groups there are, by how many were met how often in a share of all (Shlosser 1981).

    A group that lies in one place is met in one row group, one that lies everywhere in each. One
    that lies across `wide` row groups is so many times likelier to be met.
    """
    seen = sum(met.values())
    if share >= 1.0 or not seen:
        return seen
    missed = sum((1.0 - share) ** times * groups for times, groups in met.items())
    rate = sum(
        times * share * (1.0 - share) ** (times - 1) * groups for times, groups in met.items()
    )
    return seen + met.get(1.0, 0.0) * (missed / rate / wide if rate else 0.0)
