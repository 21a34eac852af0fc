"""Small tables of a join first: large ones are read where their rows lie, and nowhere else.

Of a join by keys that tell where rows lie (`ties`) the tables that have few rows left, after the
conditions on each alone, are read first. Their rows that meet each other tell pixels of order 29;
a child of their catalogue is then read at these pixels, neighbours about them, and so on along the
keys. Row groups are spared so, or, where more than a tenth of a table's would be read, tiles.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.adql.joins.joinplan import Sized, local
from skyquarry.adql.joins.ties import apart
from skyquarry.adql.kinds import quoted
from skyquarry.adql.reads import StoredRead
from skyquarry.engine.executors import cpu_count
from skyquarry.engine.scan import width_of
from skyquarry.sky.ranges import Ranges

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from skyquarry.adql.joins.flat import Flat
    from skyquarry.adql.reads import Read

    Ints = NDArray[np.int64]

_FEW: Final = 50_000
"""Rows of a small table at most."""
_SMALL: Final = 0.2
"""Of all rows of the largest table those that a small one may have before its conditions."""
_LED: Final = 1_000_000
"""Rows that the others have at least: fewer are read sooner than it is found out where to read."""
_SHARE: Final = 0.1
"""Of the row groups of a table: where more would be read, the database reads the tiles whole."""


@dataclass(frozen=True, slots=True)
class Leads:
    """Small tables of a join, and the others whose rows lie where theirs do."""

    small: tuple[str, ...]
    led: dict[str, tuple[str, float]]
    """By alias: the small table that tells, and how many arc seconds away rows may lie."""


def leads(flat: Flat, order: Sequence[Sized], reads: Sequence[Read]) -> Leads | None:
    """The tables that are worth being read first: of a join in this order its first ones."""
    largest = max((each.whole for each in order), default=0.0)
    small: list[str] = []
    for each in order:
        if each.rows > _FEW or each.whole > _SMALL * largest:
            break
        small.append(each.alias)
    led = _led(flat, small, reads)
    rows = sum(each.whole for each in order if each.alias in led)
    return Leads(tuple(small), led) if led and rows >= _LED else None


def tied(flat: Flat, reads: Sequence[Read]) -> bool:
    """Whether some key of a join tells where rows lie."""
    pairs = (pair for truth in flat.truths for pair in truth.equal)
    return any(apart(reads[a[0]], a[1], reads[b[0]], b[1]) is not None for a, b in pairs)


def _led(flat: Flat, small: Sequence[str], reads: Sequence[Read]) -> dict[str, tuple[str, float]]:
    """The nearest of the ways along keys from small tables to each other table."""
    aliases = {part.scan: part.alias for part in flat.parts}
    found = {alias: (alias, 0.0) for alias in small if _placed(reads[_scan(flat, alias)])}
    pairs = [pair for truth in flat.truths for pair in truth.equal]
    grown = True
    while grown:
        grown = False
        for one, other in (*pairs, *((other, one) for one, other in pairs)):
            from_, to = aliases.get(one[0], ""), aliases.get(other[0], "")
            if from_ not in found or not to or to in small:
                continue
            far = apart(reads[one[0]], one[1], reads[other[0]], other[1])
            lead, so_far = found[from_]
            if far is not None and so_far + far < found.get(to, ("", np.inf))[1]:
                found[to] = (lead, so_far + far)
                grown = True
    return {alias: each for alias, each in found.items() if alias not in small}


def _placed(read: Read) -> bool:
    """Whether the pixels of its rows are stored, and the engine's values are the database's."""
    stored = isinstance(read, StoredRead) and read.has_places and bool(read.numbers)
    return stored and read.source.stored.nan_is_null  # type: ignore[union-attr]


def _scan(flat: Flat, alias: str) -> int:
    return next(part.scan for part in flat.parts if part.alias == alias)


# ---------------------------------------------------------------- reading
def narrowed(
    leads: Leads,
    flat: Flat,
    sized: Sequence[Sized],
    reads: Sequence[Read],
    connection: Any,
    room_bytes: float,
) -> list[Sized]:
    """The tables of a join: small ones held by the database, of others what lies at their rows.

    `room_bytes` is what rows may take that are held here.
    """
    by_alias = {each.alias: each for each in sized}
    for alias in leads.small:
        by_alias[alias] = _held(flat, by_alias[alias], reads[_scan(flat, alias)], connection)
    pixels = {}
    for lead in {lead for lead, _ in leads.led.values()}:
        read: Any = reads[_scan(flat, lead)]
        pixels[lead] = _pixels(f"{lead}.{quoted(read.spatial)}", leads, flat, connection)
    for alias, (lead, radius_arcsec) in leads.led.items():
        read = reads[_scan(flat, alias)]
        there = _around(pixels[lead], radius_arcsec)
        if _placed(read):
            room = room_bytes / len(leads.led)
            by_alias[alias] = _near(by_alias[alias], read, there, connection, room)
    return [by_alias[each.alias] for each in sized]


def _held(flat: Flat, sized: Sized, read: Any, connection: Any) -> Sized:
    """A small table's rows that fulfil the conditions on it, with their pixels."""
    alias, name = sized.alias, f"small_{sized.alias}"
    columns = dict.fromkeys(read.columns if isinstance(read, StoredRead) else ())
    listed = ", ".join(f"{alias}.{quoted(each)}" for each in columns) or f"{alias}.*"
    source = read.name
    if _placed(read) and read.spatial not in columns:
        wider = replace(read, named=(*read.columns, read.spatial))
        source = f"({wider.select(wider.files())})"
        listed += f", {alias}.{quoted(read.spatial)}"
    tests = " AND ".join(local(flat, alias))
    where = f" WHERE {tests}" if tests else ""
    connection.execute(
        f"CREATE TEMP TABLE {name} AS SELECT {listed} FROM {source} AS {alias}{where}"
    )
    count = float(connection.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0])
    return replace(sized, sql=f"{name} AS {alias}", rows=count)


def _pixels(pixel: str, leads: Leads, flat: Flat, connection: Any) -> Ints:
    """Where a small table's rows lie that meet those of the other small ones, by its pixels."""
    tests = [
        truth.sql
        for truth in flat.truths
        if len(own := flat.owners(truth) or ()) > 1 and own <= set(leads.small)  # type: ignore[operator]
    ]
    tables = ", ".join(f"small_{alias} AS {alias}" for alias in leads.small)
    where = f" WHERE {' AND '.join(tests)}" if tests else ""
    sql = f"SELECT DISTINCT {pixel} FROM {tables}{where}"
    found = connection.sql(sql).to_arrow_table().column(0)
    return np.sort(np.asarray(found.to_numpy(), np.int64))


def _around(pixels: Ints, radius_arcsec: float) -> Ranges:
    if not radius_arcsec:
        return Ranges.from_cells(29, pixels)
    from skyquarry.sky.dilation import around

    return around(pixels, radius_arcsec)


def _near(
    sized: Sized, read: StoredRead, there: Ranges, connection: Any, room_bytes: float
) -> Sized:
    """A table at these places: some row groups by the engine, or some tiles by the database."""
    touched = set(read.source.tiles.overlapping(there).tolist())
    tiles = [tile for tile in read.numbers if tile in touched and read.files([tile])]
    alias = sized.alias
    share = _share(read, there, tiles)
    width = sum(width_of(field.type) for field in read.scan.schema)
    if share <= _SHARE and share * width * read.source.rows[read.numbers].sum() <= room_bytes:
        table = _rows(read, there, tiles)
        connection.register(f"led_{alias}", table)
        count = float(table.num_rows)
        return replace(sized, sql=f"led_{alias} AS {alias}", rows=count, whole=count)
    whole = float(read.rows_in(tiles))
    sql = f"({read.select(read.files(tiles))}) AS {alias}"
    return replace(sized, sql=sql, rows=sized.rows * whole / max(sized.whole, 1.0), whole=whole)


def _share(read: StoredRead, there: Ranges, tiles: Sequence[int]) -> float:
    """The share of a table's row groups that hold such places."""
    groups = [read.source.groups(tile) for tile in tiles]
    hit = sum(int(there.overlaps(low, high + 1).sum()) for low, high in groups)
    rows = read.source.rows
    touched = sum(len(low) for low, _ in groups) / max(float(rows[list(tiles)].sum()), 1.0)
    return hit / max(touched * float(rows[read.numbers].sum()), 1.0)


def _rows(read: StoredRead, there: Ranges, tiles: Sequence[int]) -> pa.Table:
    """The rows of a table that lie there."""
    import pyarrow as pa

    bounds = read.narrow.bounds or None

    def rows(tile: int) -> pa.Table:
        return read.source.stored.read(tile, read.columns, ranges=there, bounds=bounds)

    with ThreadPoolExecutor(cpu_count()) as pool:
        parts = list(pool.map(rows, tiles))
    return pa.concat_tables(parts) if parts else read.scan.schema.empty_table()
