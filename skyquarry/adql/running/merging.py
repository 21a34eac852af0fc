"""What each part of a table gives for a SELECT, and how the whole is made of what they gave.

Counts are summed, sums too, an average is a sum and a count; of the first n of an order each part
gives its first n; what is given once only is given once by each part. What cannot be taken apart is
worked out from the rows of all parts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from skyquarry.adql.running.holding import held
from skyquarry.adql.running.texts import columns_in, replaced

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from skyquarry.adql.blocks import Aggregate, Block

Way = Literal["one after another", "ordered", "grouped", "once", "rows"]
MERGED: Final = "merged"
"""What the table of all that the parts gave is called, until it gets a number."""


@dataclass(frozen=True, slots=True)
class Merge:
    """How a SELECT is made of parts."""

    way: Way
    part: str
    """The SQL that each part runs."""
    sql: str
    """The SQL that makes the whole, from the table `merged`."""
    told: str
    """The same in words."""
    held: str = ""
    """The SQL of the rows that each part holds before it runs its own; empty where of none."""


def merge_of(
    block: Block,
    aggregates: Mapping[str, Aggregate],
    most: int | None,
    called: Collection[str] = (),
) -> Merge:
    """How a SELECT is taken apart; `most`: how many of its rows are wanted at most.

    `called` names the functions of Python that it calls.
    """
    found = held(block, aggregates, called)
    return replace(_merge_of(found.block, found.aggregates, most), held=found.sql)


def _merge_of(block: Block, aggregates: Mapping[str, Aggregate], most: int | None) -> Merge:
    if block.grouped:
        return _grouped(block, aggregates)
    wanted = min((each for each in (block.top, most) if each is not None), default=None)
    first = None if wanted is None else wanted + block.offset
    if block.distinct or (block.once and first is None and not block.offset):
        return _once(block, first)
    return _ordered(block, first) if block.orders else _along(block, first)


# ------------------------------------------------------------ rows
def _along(block: Block, first: int | None) -> Merge:
    part = f"SELECT {_listed(block)}{_from(block)}{_limit(first)}"
    told = "the rows of each part follow those of the part before it"
    if first is not None:
        told += f"; no part is read once there are {first:,}"
    return Merge("one after another", part, f"SELECT * FROM {MERGED}{_end(block)}", told)


def _ordered(block: Block, first: int | None) -> Merge:
    extra, orders = [], []
    for number, each in enumerate(block.orders):
        value, direction = _parted(each)
        name = f'"~o{number}"'
        if value.isdecimal():
            name = block.outputs[int(value) - 1][1]
        else:
            extra.append(f"{value} AS {name}")
        orders.append(f"{name} {direction}")
    listed = ", ".join([_listed(block), *extra])
    ordered = f" ORDER BY {', '.join(orders)}"
    cut = f"{ordered} LIMIT {first}" if first is not None else ""
    names = ", ".join(name for _, name in block.outputs)
    told = "the rows of all parts are sorted"
    if first is not None:
        told = f"each part gives its first {first:,} in order; of these the first"
    return Merge(
        "ordered",
        f"SELECT {listed}{_from(block)}{cut}",
        f"SELECT {names} FROM {MERGED}{ordered}{_end(block)}",
        told,
    )


def _once(block: Block, first: int | None) -> Merge:
    orders = f" ORDER BY {', '.join(block.orders)}" if block.orders else ""
    part = f"SELECT DISTINCT {_listed(block)}{_from(block)}"
    part += f"{orders}{_limit(first)}" if first is not None else ""
    whole = f"SELECT DISTINCT * FROM {MERGED}{orders}{_end(block)}"
    return Merge("once", part, whole, "each part gives each row once; of these each once")


def _parted(order: str) -> tuple[str, str]:
    """What is sorted by, and the direction."""
    for direction in ("ASC NULLS LAST", "DESC NULLS LAST"):
        if order.endswith(f" {direction}"):
            return order[: -len(direction) - 1], direction
    return order, ""


# ------------------------------------------------------------ groups
_PARTS: Final = {
    "COUNT": (("count({of})",), "CAST(coalesce(sum({0}), 0) AS BIGINT)"),
    "SUM": (("sum({of})",), "sum({0})"),
    "AVG": (("sum({of})", "count({of})"), "(CAST(sum({0}) AS DOUBLE) / nullif(sum({1}), 0))"),
    "MIN": (("min({of})",), "min({0})"),
    "MAX": (("max({of})",), "max({0})"),
}
"""Of each aggregate what a part gives, and how the whole is made of it."""
_WORDS: Final = {
    "COUNT": "counts are summed", "SUM": "sums are summed",
    "AVG": "an average is the sum of sums over the sum of counts",
    "MIN": "the least of the least is taken", "MAX": "the most of the most is taken",
}  # fmt: skip


def _grouped(block: Block, aggregates: Mapping[str, Aggregate]) -> Merge:
    used = _used(block, aggregates)
    if all(each.key in _PARTS for each in used.values()):
        found = _summed(block, used)
        if not columns_in(found.sql):
            return found
    return _of_columns(block, used)


def _used(block: Block, aggregates: Mapping[str, Aggregate]) -> dict[str, Aggregate]:
    """The aggregates that stand in what it gives, its condition on groups, and its order."""
    there = " ".join([*(sql for sql, _ in block.outputs), block.having, *block.orders])
    return {sql: each for sql, each in aggregates.items() if replaced(there, {sql: ""}) != there}


def _summed(block: Block, used: Mapping[str, Aggregate]) -> Merge:
    """Each part gives its groups, told apart by what is to be told apart in them as well."""
    groups, names = _groups(block)
    apart = _apart(used)
    given: dict[str, str] = {}
    others: dict[str, str] = {}
    for sql, each in used.items():
        if each.of in apart and each.distinct:
            others[sql] = replaced(sql, {each.of: apart[each.of]})
            continue
        parts, whole = _PARTS[each.key]
        of = [part.format(of=each.of) for part in parts]
        made = whole.format(*(given.setdefault(each, f'"~p{len(given)}"') for each in of))
        others[sql] = f"CAST({made} AS BIGINT)" if sql.startswith("CAST(") else made
    columns = [*groups, *(f"{sql} AS {name}" for sql, name in {**apart, **given}.items())]
    columns = columns or ["count(*) AS one"]  # a group of all
    by = ", ".join([*block.groups, *apart])
    return Merge(
        "grouped",
        f"SELECT {', '.join(columns)}{_from(block)}" + (f" GROUP BY {by}" if by else ""),
        _regrouped(block, {**names, **others}),
        f"each part gives its groups; {_how(used)}",
    )


def _apart(used: Mapping[str, Aggregate]) -> dict[str, str]:
    """What is to be told apart, and its name; the least and the most are so without."""
    of = (each.of for each in used.values() if each.distinct and each.key not in ("MIN", "MAX"))
    return {sql: f'"~a{number}"' for number, sql in enumerate(dict.fromkeys(of))}


def _how(used: Mapping[str, Aggregate]) -> str:
    """What becomes of the aggregates, in words."""
    words = [
        "what is to be told apart is given once by each part"
        if each.distinct and each.key not in ("MIN", "MAX")
        else _WORDS[each.key]
        for each in used.values()
    ]
    return ", ".join(dict.fromkeys(words)) or "of these each once"


def _of_columns(block: Block, used: Mapping[str, Aggregate]) -> Merge:
    """The rows of all parts, for what cannot be taken apart."""
    groups, names = _groups(block)
    texts = [sql for sql, _ in block.outputs] + [block.having, *block.orders]
    rest = columns_in(replaced(" ".join(texts), names))
    given = {sql: f'"~c{number}"' for number, sql in enumerate(rest)}
    columns = [*groups, *(f"{sql} AS {name}" for sql, name in given.items())]
    others = {sql: replaced(sql, {**given, **names}) for sql in used}
    whys = [sql.partition("(")[0] for sql, each in used.items() if each.key not in _PARTS]
    why = f"{' and '.join(dict.fromkeys(whys)) or 'what it gives'} cannot be taken apart"
    return Merge(
        "rows",
        f"SELECT {', '.join(columns) or '1 AS one'}{_from(block)}",
        _regrouped(block, {**names, **given, **others}),
        f"groups are made of the rows of all parts, as {why}",
    )


def _groups(block: Block) -> tuple[list[str], dict[str, str]]:
    """The groups as columns of a part, and the name of each."""
    found = {sql: f'"~g{number}"' for number, sql in enumerate(dict.fromkeys(block.groups))}
    return [f"{sql} AS {name}" for sql, name in found.items()], found


def _regrouped(block: Block, others: Mapping[str, str]) -> str:
    _, names = _groups(block)
    outputs = ", ".join(f"{replaced(sql, others)} AS {name}" for sql, name in block.outputs)
    found = f"SELECT {'DISTINCT ' if block.distinct else ''}{outputs} FROM {MERGED}"
    found += f" GROUP BY {', '.join(names.values())}" if names else ""
    found += f" HAVING {replaced(block.having, others)}" if block.having else ""
    orders = [replaced(each, others) for each in block.orders]
    found += f" ORDER BY {', '.join(orders)}" if orders else ""
    return found + _end(block)


# ------------------------------------------------------------ pieces of text
def _listed(block: Block) -> str:
    return ", ".join(f"{sql} AS {name}" for sql, name in block.outputs)


def _from(block: Block) -> str:
    return f" FROM {block.source.sql}" + (f" WHERE {block.where}" if block.where else "")


def _limit(first: int | None) -> str:
    return "" if first is None else f" LIMIT {first}"


def _end(block: Block) -> str:
    return _limit(block.top) + (f" OFFSET {block.offset}" if block.offset else "")
