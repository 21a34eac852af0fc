"""Whether rows lie where a catalogue's properties say: a child's with its parent's, others near.

Queries that join by such a key read other places of neither table: a row that lies elsewhere would
be lost to them. Memory is bounded by a tile of either catalogue.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skyquarry.catalog.beside import beside
from skyquarry.catalog.columns import SPATIAL
from skyquarry.catalog.faults import Fault, examples
from skyquarry.catalog.relations import KEY, NEAR_KEYS, ON, PARENT, is_unique, near_keys
from skyquarry.sky.ranges import Ranges
from skyquarry.sky.vectors import to_xyz

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from skyquarry.catalog.stored import Stored

_SLACK_ARCSEC = 1e-3


@dataclass(frozen=True, slots=True)
class _Promise:
    """That a row with this key lies within a distance of each row that names it."""

    column: str
    there: Stored
    key: str
    arcsec: float | None
    """None: in the same pixel of order 29."""


def check_keys(stored: Stored) -> Iterator[Fault]:
    """A fault of each key whose rows lie farther away than the properties say."""
    file = stored.folder.path("hats.properties")
    try:
        promises = [*_of_parent(stored), *_of_near(stored)]
    except ValueError as error:
        yield Fault(file, f"{NEAR_KEYS} cannot be read ({error}): build the table again")
        return
    for promise in promises:
        if not is_unique(promise.there, promise.key):
            if promise.arcsec is not None:
                yield Fault(file, _repeated(promise))
            continue  # a child lies with the first row of its key, and queries trust no such key
        broken, shown = _broken(stored, promise)
        if broken:
            yield Fault(stored.folder.path("dataset"), _said(promise, broken), shown)


def _said(promise: _Promise, broken: int) -> str:
    there = f"the row of {promise.there.name} whose {promise.key} is their {promise.column}"
    where = (
        f"do not lie where {there} lies"
        if promise.arcsec is None
        else f"lie more than {promise.arcsec:g} arcsec, which {NEAR_KEYS} promises, from {there}"
    )
    return f"{broken} rows {where}: build the table again"


def _repeated(promise: _Promise) -> str:
    key, name = promise.key, promise.there.name
    return (
        f"{NEAR_KEYS} promises that a row of {name} lies near by its {key}, but that is no unique "
        f"id of {name}: build the table again"
    )


def _of_parent(stored: Stored) -> Iterator[_Promise]:
    parent, on, key = (stored.properties.get(word, "").strip() for word in (PARENT, ON, KEY))
    there = beside(stored, parent.rstrip("/").rpartition("/")[2])
    if there is not None and on and key:
        yield from _checkable(stored, _Promise(on, there, key, None))


def _of_near(stored: Stored) -> Iterator[_Promise]:
    for each in near_keys(stored.properties):
        there = beside(stored, each.catalog)
        if there is not None and there.version == each.version:  # of others nothing is promised
            yield from _checkable(stored, _Promise(each.column, there, each.key, each.arcsec))


def _checkable(stored: Stored, promise: _Promise) -> Iterator[_Promise]:
    """A promise that can be looked after: of an indexed key, both with positions."""
    placed = all(each.roles.ra and each.roles.dec for each in (stored, promise.there))
    if placed and promise.key in promise.there.indexes and promise.column in stored.schema.names:
        yield promise


def _broken(stored: Stored, promise: _Promise) -> tuple[int, tuple[dict[str, Any], ...]]:
    """How many rows break a promise, and some of them."""
    count, shown = 0, list[dict[str, Any]]()
    for tile in range(len(stored.tiles)):
        table = stored.read(tile, _columns(stored, promise.column))
        keys = table.column(promise.column)
        left = keys.is_valid().to_numpy()
        away = np.zeros(table.num_rows, bool)
        for number in _tiles(stored, tile, promise, keys, left):
            there = promise.there.read(number, _columns(promise.there, promise.key))
            met, apart = _met(stored, table, there, promise)
            left[met] = False
            away[met[apart]] = True
        count += int(away.sum())
        shown += examples(stored, table, away)
    return count, tuple(shown[:5])


def _tiles(
    stored: Stored, tile: int, promise: _Promise, keys: pa.ChunkedArray, left: NDArray[np.bool_]
) -> Iterator[int]:
    """Tiles that may hold the rows with these keys.

    First those at the same place, where most are; then, by the index, those of keys still `left`.
    """
    cell = Ranges(stored.tiles.starts[[tile]], stored.tiles.stops[[tile]])
    near = promise.there.tiles.overlapping(cell).tolist()
    yield from near
    if left.any():
        some = pc.unique(keys.filter(pa.array(left)))
        yield from set(promise.there.lookup(promise.key, some).tolist()) - set(near)


def _columns(stored: Stored, key: str) -> list[str]:
    return list(dict.fromkeys([key, str(stored.roles.ra), str(stored.roles.dec), SPATIAL]))


def _met(
    stored: Stored, table: pa.Table, there: pa.Table, promise: _Promise
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The rows whose key is among those there (m,), and which of them lie elsewhere (m,)."""
    keys = there.column(promise.key).combine_chunks()
    place = pc.index_in(
        table.column(promise.column).cast(keys.type), value_set=keys, skip_nulls=True
    )
    row = np.flatnonzero(place.is_valid().to_numpy())
    other = place.drop_null().to_numpy()
    if promise.arcsec is None:
        pixels = [each.column(SPATIAL).to_numpy() for each in (table, there)]
        return row, np.asarray(pixels[0][row] != pixels[1][other])
    here, far = _xyz(stored, table)[row], _xyz(promise.there, there)[other]
    chord = np.linalg.norm(here - far, axis=1)
    arcsec = np.degrees(2.0 * np.arcsin(np.minimum(0.5 * chord, 1.0))) * 3600.0
    return row, np.asarray(arcsec > promise.arcsec + _SLACK_ARCSEC)


def _xyz(stored: Stored, table: pa.Table) -> NDArray[np.float64]:
    ra, dec = (table.column(str(name)).to_numpy() for name in (stored.roles.ra, stored.roles.dec))
    return np.asarray(to_xyz(ra, dec))
