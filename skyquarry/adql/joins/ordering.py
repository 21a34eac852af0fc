"""The order in which the tables of a query are joined, by what a look into each tells of its size.

The database guesses from footers: a fifth of the rows for each condition. Ten conditions on
magnitudes make a table of millions a small one in its eyes, which it then joins with another row by
row. Here a few rows of each table are asked its conditions, every order is costed, and the joins
are written so that the smaller side of each is the one that is hashed. A condition on the distance
of two tables is met first, by the matcher (`meeting`).
"""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import TYPE_CHECKING, Any, Final

from skyquarry.adql.database.room import NoRoomError
from skyquarry.adql.joins.everypair import every_pair, given, limited
from skyquarry.adql.joins.flat import Flat, owners
from skyquarry.adql.joins.joinplan import Arranged, Plan, Sized, local, owner
from skyquarry.adql.joins.keyed import asked_for, keyed, with_places, worth
from skyquarry.adql.joins.leading import leads, narrowed, tied
from skyquarry.adql.joins.postponing import postponed
from skyquarry.adql.joins.seeking import seeking
from skyquarry.adql.reads import GivenRead
from skyquarry.adql.recall import Recall

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from skyquarry.adql.joins.flat import JoinText, Part
    from skyquarry.adql.joins.seeking import Seeking
    from skyquarry.adql.reads import Read
    from skyquarry.adql.terms import Near, Truth

_WORTH: Final = 200_000
"""Rows in all tables together: smaller ones are joined in any order sooner than looked into."""
_WORTH_MATCHING: Final = 20_000
_LOOK: Final = 20_000
"""Rows of a table that are looked into."""
_MOST: Final = 6
"""Tables whose orders are all tried."""
_WIDEST: Final = 2.0
"""Degrees: beyond it a join on position is no search, but all with all."""
_HASHED, _PROBED, _GIVEN = 3.0, 0.3, 1.0
"""What a row costs that is hashed, one that is looked for, and one that is found."""

_LOOKS: Final[Recall[tuple[int, int]]] = Recall(lambda *_: (0, 0), most=64)


def planned(joins: Sequence[JoinText], reads: Sequence[Read]) -> list[Plan]:
    """The SELECTs that are worth another order, or the matcher."""
    found = []
    for join in joins:
        rows = sum(_rows(reads[part.scan]) for part in join.flat.parts)
        nears = list(_nears(join.flat))
        if len(nears) == 1 and rows >= _WORTH_MATCHING:
            found.append(Plan(join, nears[0]))
        elif not nears and rows >= _WORTH and 1 < len(join.flat.parts) <= _MOST:
            found.append(Plan(join, None, keyed=keyed(join.flat, reads)))
    return found


def told(joins: Sequence[JoinText], reads: Sequence[Read]) -> list[str]:
    """What is done about the joins, for `explain`."""
    lines = []
    for plan in planned(joins, reads):
        names = {part.alias: reads[part.scan].table.name for part in plan.join.flat.parts}
        if plan.near is not None:
            one, other = (names[alias] for alias in plan.aliases)
            arcsec = plan.near.radius_deg * 3600.0
            lines.append(f"pairs of {one} and {other} within {arcsec:g} arcsec by the matcher")
        if plan.near is None or len(names) > 2:
            listed = ", ".join(names.values())
            lines.append(f"joins of {listed} in an order chosen after a look into each")
        if plan.keyed is not None:
            one, other = (names[alias] for alias in replace(plan, near=plan.keyed).aliases)
            lines.append(f"where many are left, pairs of {one} and {other} that are alike first")
            for each in every_pair(plan.join.flat, reads, plan.keyed):
                arcsec, table = each.promise.arcsec, names[each.alias]
                lines.append(f"these in place of {table}, which has all within {arcsec:g} arcsec")
        if plan.near is None and tied(plan.join.flat, reads):
            lines.append("where few rows of one are left, others are read only where these lie")
    return lines


def arranged(sql: str, plans: Sequence[Plan], reads: Sequence[Read], connection: Any) -> Arranged:
    """The SQL with its joins in the best order; makes tables of its own where rows are matched."""
    first: list[Seeking] = []
    for plan in plans:
        if sql.count(plan.join.text) == 1:
            made = _text(plan, reads, connection)
            sql = sql.replace(plan.join.text, made.sql)
            first += made.first
    return Arranged(sql, tuple(first))


def _text(plan: Plan, reads: Sequence[Read], connection: Any) -> Arranged:
    flat, first = plan.join.flat, None
    sized = [_sized(part, flat, reads[part.scan], connection) for part in flat.parts]
    order = _best(sized, flat)
    found = None if plan.near is not None else leads(flat, order, reads)
    if found is not None:
        near = narrowed(found, flat, sized, reads, connection, plan.room_bytes)
        order = _best(near, flat)
    elif plan.near is not None or (plan.keyed is not None and worth(plan.keyed, sized)):
        sized, flat = _matched(plan, sized, reads, connection)
        order = _best(sized, flat)
    else:
        first = seeking(flat, sized, reads)
        flat = postponed(flat, order)
    text, where = _joined(order, flat)
    sql = f"FROM {text} WHERE {' AND '.join(where)}" if where else f"FROM {text}"
    return Arranged(sql, () if first is None else (first,))


def _matched(
    plan: Plan, sized: list[Sized], reads: Sequence[Read], connection: Any
) -> tuple[list[Sized], Flat]:
    """The tables with the pairs that the matcher found of two of them."""
    from skyquarry.adql.joins.meeting import met

    if plan.near is None:
        return _matched_by_keys(plan, sized, reads, connection)
    flat = plan.join.flat
    found = met(plan, sized, reads, connection)
    return found.tables, Flat(flat.parts, (*flat.truths, *found.joined))


def _matched_by_keys(
    plan: Plan, sized: list[Sized], reads: Sequence[Read], connection: Any
) -> tuple[list[Sized], Flat]:
    """The same of two tables that keys bring near each other, and what is left of the others."""
    from skyquarry.adql.joins.meeting import met

    near = plan.keyed
    assert near is not None
    every = every_pair(plan.join.flat, reads, near)
    flat, wider = limited(every, plan.join.flat, with_places(near, plan.join.flat, reads))
    whole = replace(plan, near=near, join=replace(plan.join, flat=flat))
    try:
        found = met(whole, sized, wider, connection)
    except NoRoomError:
        return sized, plan.join.flat  # the database joins them by their keys, and may spill
    made = {each.alias: each for each in given(every, found, near, connection)}
    tables = [made.get(each.alias, each) for each in found.tables]
    tables = asked_for(tables, flat, wider, (*whole.aliases, *made))
    return tables, Flat(flat.parts, (*flat.truths, *found.joined))


# ---------------------------------------------------------------- sizes
def _rows(read: Read) -> int:
    if isinstance(read, GivenRead):
        return int(read.table.table.num_rows)
    if read.is_small:
        return 0
    return read.rows


def _sized(part: Part, flat: Flat, read: Read, connection: Any) -> Sized:
    whole = float(_rows(read))
    tests = local(flat, part.alias)
    if not tests or not whole:
        return Sized(part.alias, part.sql, whole, whole)
    test = " AND ".join(tests)

    def looked(source: str) -> tuple[int, int]:
        few = f"(SELECT * FROM {source} LIMIT {_LOOK}) AS {part.alias}"
        sql = f"SELECT count(*), count(*) FILTER (WHERE {test}) FROM {few}"
        found: tuple[int, int] = connection.execute(sql).fetchall()[0]
        return found

    if isinstance(read, GivenRead) or read.by_engine:
        seen, kept = looked(read.name)
    else:  # the same of a version, which does not change, whenever it is asked
        files = read.files()
        middle = f"({read.select(files[len(files) // 2 :][:1])})"
        more = (middle, part.alias, test)
        seen, kept = _LOOKS.asked(read.source, more, lambda: looked(middle))
    return Sized(part.alias, part.sql, whole * (kept + 0.5) / (seen + 1.0), whole)


def _nears(flat: Flat) -> Iterator[Near]:
    """The conditions on the distance of two tables."""
    for truth in flat.truths:
        for near in truth.near:
            pair = {owner(near.one), owner(near.other)}
            if len(pair) == 2 and "" not in pair and near.radius_deg <= _WIDEST:
                yield near


def _best(parts: list[Sized], flat: Flat) -> list[Sized]:
    """The tables in the order that costs least."""
    if len(parts) > _MOST:
        return parts
    edges = [truth.sides for truth in flat.truths if truth.sides is not None]
    pairs = [(owners(one), owners(other)) for one, other in edges]
    tries = permutations(sorted(parts, key=lambda each: (each.rows, each.alias)))
    return list(min(tries, key=lambda order: _cost(tuple(order), pairs)))


def _cost(order: Sequence[Sized], pairs: list[tuple[frozenset[str], frozenset[str]]]) -> float:
    rows, cost = order[0].rows, 0.0
    seen = {order[0].alias: order[0]}
    for part in order[1:]:
        found = rows * part.rows
        for one, other in pairs:
            ends = [(a, b) for a, b in ((one, other), (other, one)) if a == {part.alias}]
            for _, b in ends:
                if len(b) == 1 and min(b) in seen:
                    found /= max(min(part.whole, seen[min(b)].whole), 1.0)
        cost += _HASHED * min(rows, part.rows) + _PROBED * max(rows, part.rows) + _GIVEN * found
        rows, seen[part.alias] = max(found, 1.0), part
    return cost


def _joined(order: list[Sized], flat: Flat) -> tuple[str, list[str]]:
    """The joins, the right side of each the smaller one, and the conditions that are left."""
    left: list[Truth] = [truth for truth in flat.truths if len(flat.owners(truth) or ()) > 1]
    where = [truth.sql for truth in flat.truths if len(flat.owners(truth) or ()) <= 1]
    text, rows, seen = order[0].sql, order[0].rows, {order[0].alias}
    for part in order[1:]:
        seen.add(part.alias)
        here = [truth for truth in left if flat.owners(truth) <= seen]  # type: ignore[operator]
        left = [truth for truth in left if truth not in here]
        tests = " AND ".join(truth.sql for truth in here) or "TRUE"
        group = f"({text})" if " JOIN " in text else text
        if part.rows >= rows:
            text = f"{part.sql} INNER JOIN {group} ON {tests}"
        else:
            text = f"{group} INNER JOIN {part.sql} ON {tests}"
        rows = _after(rows, part, here, order)
    return text, where


def _after(rows: float, part: Sized, here: list[Truth], order: list[Sized]) -> float:
    """How many rows a join gives, about."""
    found, whole = rows * part.rows, {each.alias: each.whole for each in order}
    for truth in here:
        if truth.sides is None:
            continue
        ends = [owners(side) for side in truth.sides]
        others = [min(end) for end in ends if end != {part.alias} and len(end) == 1]
        for other in others:
            found /= max(min(part.whole, whole.get(other, part.whole)), 1.0)
    return max(found, 1.0)
