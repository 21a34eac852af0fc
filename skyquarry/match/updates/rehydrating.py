"""The tables of a written match with the matcher's own columns again: pixels and magnitudes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skyquarry.catalog.arrow import from_numpy, to_numpy
from skyquarry.errors import UserError
from skyquarry.match.results.columns import groups_schema, members_schema, pairs_schema
from skyquarry.match.results.lazytables import REASONS, Tables
from skyquarry.match.results.runcounts import numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from skyquarry.match.results.tables import Shape
    from skyquarry.match.updates.marks import Marks

    Ints = NDArray[np.int64]


def tables_again(
    groups: pa.Table, pairs: pa.Table, members: pa.Table, marks: Sequence[Marks], shape: Shape
) -> Tables:
    """What was stripped when these were written, found by catalogue and id.

    Raises UserError where ids repeat within a catalogue: then nothing says which row is meant.
    """
    places = [_Places(each, name) for each, name in zip(marks, shape.names, strict=True)]
    left = numbers(pairs["left_catalog"], shape.names)
    catalog = numbers(members["catalog"], shape.names)
    pairs = pairs.append_column("_spatial", _pixels(places, left, pairs["left_id"]))
    members = members.append_column("_spatial", _pixels(places, catalog, members["id"]))
    members = members.append_column("_mag", _mags(places, catalog, members["id"]))
    first = np.full(len(groups), -1, np.int64)
    for number, name in reversed(list(enumerate(shape.names))):
        ids = groups[f"{name}_id"]
        there = to_numpy(ids.is_valid())
        pixel = np.full(len(groups), -1, np.int64)
        mine = ids.filter(from_numpy(there)).cast(shape.id_type)
        pixel[there] = places[number].spatial(mine)
        first[there] = pixel[there]
        told = pc.if_else(from_numpy(there), from_numpy(pixel), None)
        groups = groups.append_column(f"_{number}", told)
    groups = groups.append_column("_spatial", from_numpy(first))
    words = dict.fromkeys(("left_catalog", "right_catalog", "catalog"), shape.names)
    words["reason"] = REASONS
    return Tables(
        _as(pairs, _without_node(pairs_schema(shape, hidden=True)), words),
        _as(groups, groups_schema(shape, hidden=True), words),
        _as(members, members_schema(shape, hidden=True), words),
    )


class _Places:
    """Rows of one catalogue by id."""

    def __init__(self, marks: Marks, name: str) -> None:
        self.marks = marks
        if pc.count_distinct(marks.ids, mode="all").as_py() < len(marks):
            raise UserError(
                f"ids of {name} repeat, but a written match is brought up to date by them: keep "
                "the result in memory and update that, or match again"
            )

    def at(self, ids: Any) -> Ints:
        """(n,) places of these ids."""
        found = pc.index_in(ids, value_set=self.marks.ids)
        return np.asarray(to_numpy(found.cast(pa.int64())), np.int64)

    def spatial(self, ids: Any) -> Ints:
        """(n,) order-29 pixels."""
        return self.marks.spatial[self.at(ids)]


def _pixels(places: Sequence[_Places], catalog: Ints, ids: pa.ChunkedArray) -> pa.Array:
    told = np.zeros(len(catalog), np.int64)
    for number, place in enumerate(places):
        mine = catalog == number
        told[mine] = place.spatial(ids.filter(from_numpy(mine)))
    return from_numpy(told)


def _mags(places: Sequence[_Places], catalog: Ints, ids: pa.ChunkedArray) -> pa.Array:
    told = np.full(len(catalog), np.nan)
    for number, place in enumerate(places):
        mine = catalog == number
        told[mine] = place.marks.mag[place.at(ids.filter(from_numpy(mine)))]
    return pc.if_else(from_numpy(~np.isnan(told)), from_numpy(told), None)


def _without_node(schema: pa.Schema) -> pa.Schema:
    """Of the tables of all patches together: nodes are numbered in each patch."""
    return schema.remove(schema.get_field_index("_node"))


def _as(table: pa.Table, schema: pa.Schema, words: dict[str, tuple[str, ...]]) -> pa.Table:
    """Just these columns, of these types; `words` are known by their number."""
    arrays = []
    for field in schema:
        values = table[field.name]
        if field.name in words:
            known = words[field.name]
            place = from_numpy(numbers(values, known).astype(np.int32))
            arrays.append(pa.DictionaryArray.from_arrays(place, pa.array(known, pa.string())))
        else:
            arrays.append(values.cast(field.type))
    return pa.Table.from_arrays(arrays, schema=schema)
