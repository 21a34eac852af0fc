"""What a query will do, in words for one who knows neither the engine nor its SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skyquarry.adql.joins.ordering import told as joins_told
from skyquarry.adql.reads import StoredRead
from skyquarry.adql.running.calibrating import noted
from skyquarry.adql.running.dividing import Division
from skyquarry.catalog.relations import named_rows
from skyquarry.engine.cost import in_bytes, in_time
from skyquarry.engine.executors import cpu_count
from skyquarry.engine.explain import matters

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skyquarry.adql.reads import Read
    from skyquarry.adql.running.costs import Costs
    from skyquarry.adql.running.deciding import Pieces

_WIDTH = 9
_FIRST = "first row as tiles are read"


def lines_of(costs: Costs) -> list[str]:
    """What is read and what is spared, what it costs, how it runs, and the SQL."""
    pieces = costs.pieces
    names = list(dict.fromkeys(str(each.table.name) for each in pieces.reads))
    lines = [f"query over {' and '.join(names) or 'no table'}"]
    for number, each in enumerate(pieces.reads):
        lines += [f"  {line}" for line in _table(each, needed=number not in costs.spared)]
    lines += ["expected", *(f"  {line}" for line in _expected(costs))]
    lines += ["course", *(f"  {line}" for line in _course(pieces))]
    return [*lines, *_texts(pieces)]


def _line(word: str, text: str) -> str:
    return f"{word:<{_WIDTH}}{text}"


# ------------------------------------------------------------ tables
def _table(read: Read, *, needed: bool) -> Iterator[str]:
    if not isinstance(read, StoredRead):
        yield from read.explain()
        return
    stored = read.source.stored
    version = f" ({stored.version})" if stored.version else ""
    if not needed:
        yield f"{read.table.name}{version}: not read, unless few rows of the others are left"
        return
    few, every = len(read.numbers), len(read.source.tiles)
    yield f"{read.table.name}{version}: {few:,} of {every:,} tiles are read"
    yield from (f"  {word:<{_WIDTH}}{text}" for word, text in matters(read.scan))
    if read.tag is not None:
        within = f", and {read.rows:,} rows" if read.tag.limits else ""
        yield _line(
            "  files", f"  of {read.tag.stored.name}, a tag of it with these columns{within}"
        )
    if read.instead_of is not None:
        yield _line(
            "  files", f"  of {stored.name}, a tag of the {stored.n_rows:,} rows {_why(read)}"
        )
    if read.narrow.bounds:
        names = ", ".join(sorted(read.narrow.bounds))
        spared = len(read.scan) - few
        yield _line("  limits", f"  of {names}: {spared:,} more tiles left out, and in others")
        yield _line("", "  row groups whose lowest and highest values rule them out")


def _why(read: StoredRead) -> str:
    """What rows a tag of named rows has."""
    told = named_rows(read.source.stored.properties)
    assert told is not None
    return f"that {told.by} names by {told.column}"


# ------------------------------------------------------------ costs
def _expected(costs: Costs) -> Iterator[str]:
    cost, estimate = costs.cost, costs.estimate
    tiles = "1 tile" if cost.tiles == 1 else f"{cost.tiles:,} tiles"
    yield _line("reads", f"about {cost.rows:,} rows, {in_bytes(cost.bytes)}, of {tiles}")
    if estimate is None:
        yield _line("gives", f"at most about {cost.rows_out:,} rows: no sample tells of its joins")
    elif estimate.exact:
        yield _line("gives", f"{cost.rows_out:,} rows, as all that it reads were looked at")
    else:
        sampled = f"by a look at {estimate.sampled:,}"
        yield _line("gives", f"about {cost.rows_out:,} rows, {sampled}")
    runs = len(noted())
    learnt = f"learnt from {runs:,} that ran here" if runs else "none has run here to learn from"
    workers = cpu_count()
    on = f"{workers} worker{'s' if workers > 1 else ''}"
    yield _line("takes", f"about {in_time(cost.seconds)} on {on}; {learnt}")


# ------------------------------------------------------------ course
def _course(pieces: Pieces) -> Iterator[str]:
    course = pieces.here
    if course.divisions:
        yield from _divided(course.divisions[0])
    else:
        yield f"whole, in one database: {course.why}"
    yield from joins_told(course.joins, pieces.reads)
    root = pieces.root
    if not course.divisions and isinstance(root, Division) and len(root.groups) > 1:
        yield f"on an executor in {len(root.groups):,} parts: {root.merge.told}"
    if isinstance(root, str):
        yield f"on an executor not all of it runs in parts: {root}"
    blocked = pieces.compiled.blocked
    yield f"first row after all rows are read, for {blocked}" if blocked else _FIRST
    if pieces.limit is not None:
        yield f"at most {pieces.limit:,} rows"


def _divided(division: Division) -> Iterator[str]:
    parts = len(division.groups)
    name = division.lead.table.name
    yield f"in {parts:,} parts, each of some tiles of {name}" if parts > 1 else "in one part"
    for each in division.along:
        yield f"{each.table.name} is read beside its rows, where its key says that they lie"
    for other in division.beside:
        yield f"{other.table.name} is small, and read with every part"
    yield f"merged: {division.merge.told}"


def _texts(pieces: Pieces) -> Iterator[str]:
    course = pieces.here
    if not course.divisions:
        yield f"SQL: {pieces.whole}"
        return
    merge = course.divisions[0].merge
    if merge.held:
        yield f"SQL of the rows that each part holds: {merge.held}"
    yield f"SQL of each part: {merge.part}"
    if not course.streams:
        yield f"SQL of the merge: {course.sql}"
