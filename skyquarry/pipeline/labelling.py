"""Labels for matched objects: from the truth of a synthetic sky, or from a table of labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skyquarry.catalog.arrow import from_numpy, pc, to_numpy
from skyquarry.catalog.classes import Class, of_truth, varies
from skyquarry.catalog.labelsets import class_of
from skyquarry.errors import ColumnError, DataError, UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from skyquarry.catalog.classes import Codes
    from skyquarry.engine.archive import Archive

    Ints = NDArray[np.int64]

PHYSICS = ("kind", "teff_k", "logg", "spectral_type")
"""Columns of a truth that say what class a source is of."""
NO_SOURCE = -1


def labels_of_truth(objects: pa.Table, sky: Archive, names: Sequence[str]) -> Codes:
    """(n,) codes of the classes of matched objects, by the sources that their light is of.

    objects: rows of a cross-match, with NAME_id for each of `names`, catalogues of the synthetic
    sky. The first of them that has a row of the object says whose light it is: the source with the
    largest part in that row. A spurious row is OTHER; an object of none of them is unlabelled. The
    ids, classes and links of the whole sky are held in memory: some 40 bytes a row.

    Raises ColumnError where an id is missing, NotFoundError where the sky has no truth.
    """
    source, seen = sources_of_truth(objects, sky, names)
    codes = _classes(sky, source)
    codes[~seen] = Class.UNLABELLED
    return codes


def varies_of_truth(objects: pa.Table, sky: Archive, names: Sequence[str]) -> Codes:
    """(n,) 1 where the source of a matched object varies, 0 where it does not, -1 of no source.

    Arguments and errors as those of `labels_of_truth`. All are -1 where the sky has no table of
    what changes (`simulate(..., lightcurves=True)` makes it).
    """
    source, _ = sources_of_truth(objects, sky, names)
    told = np.full(objects.num_rows, -1, np.int8)
    if "variables" not in sky.names():
        return told
    rows = sky["variables"].select(["id", "type", "amplitude_mag"]).to_table().combine_chunks()
    changing = varies(
        np.array(rows["type"].to_pylist(), np.str_), to_numpy(_filled(rows["amplitude_mag"]))
    )
    ids = to_numpy(rows["id"].combine_chunks())[changing]
    real = source != NO_SOURCE
    told[real] = np.isin(source[real], ids)
    return told


def sources_of_truth(
    objects: pa.Table, sky: Archive, names: Sequence[str]
) -> tuple[Ints, NDArray[np.bool_]]:
    """(n,) whose light each object is, -1 nothing's; and whether any catalogue has a row of it."""
    source = np.full(objects.num_rows, NO_SOURCE, np.int64)
    seen = np.zeros(objects.num_rows, np.bool_)
    for name in names:
        ids = _ids(objects, name)
        here = ~seen & to_numpy(ids.is_valid())
        source[here] = _main_sources(sky, name, ids)[here]
        seen |= here
    return source, seen


def labels_of_table(
    objects: pa.Table,
    labels: pa.Table,
    *,
    catalog: str,
    id: str,  # noqa: A002  the role's name
    label_set: str,
) -> Codes:
    """(n,) codes of the classes that a table of labels gives to matched objects; else unlabelled.

    catalog, id: of which catalogue of the match, and in which column, the table has the ids.
    label_set: of `catalog/labelsets.py`. Raises ColumnError, NotFoundError, and UserError where an
    id has two labels that differ.
    """
    if id not in labels.column_names:
        raise ColumnError(
            f"the labels have no column {id!r}, but ids of {catalog} are needed: they have "
            f"{', '.join(labels.column_names[:12])}"
        )
    ids = _ids(objects, catalog)
    codes = class_of(labels, label_set)
    known = _same_type(labels[id], ids.type)
    _check_one_each(known, codes)
    place = to_numpy(pc.index_in(ids, value_set=known).fill_null(-1))
    return np.where(place >= 0, codes[place], Class.UNLABELLED).astype(np.int8)


def _ids(objects: pa.Table, name: str) -> pa.Array:
    if f"{name}_id" not in objects.column_names:
        raise ColumnError(
            f"the match has no column {name}_id, but ids of {name} are needed: match it too"
        )
    return objects[f"{name}_id"].combine_chunks()


def _main_sources(sky: Archive, name: str, ids: pa.Array) -> Ints:
    """(n,) the source with the largest part in each row; -1 of a spurious one."""
    links = sky[f"{name}_truth"]
    key = next(each for each in links.stored.schema.names if each not in _OF_LINKS)
    rows = links.select([key, "truth_id", "share"]).to_table()
    order = [(key, "ascending"), ("share", "descending"), ("truth_id", "ascending")]
    rows = rows.sort_by(order).combine_chunks()
    known = rows[key].combine_chunks()
    place = to_numpy(pc.index_in(ids, value_set=known).fill_null(-1))  # the first of equal ones
    if len(known) == 0:
        return np.full(len(ids), NO_SOURCE, np.int64)
    return np.where(place >= 0, to_numpy(rows["truth_id"].combine_chunks())[place], NO_SOURCE)


_OF_LINKS = ("_healpix_29", "truth_id", "share", "ra", "dec")


def _classes(sky: Archive, source: Ints) -> Codes:
    """(n,) classes of sources by their ids; OTHER of none."""
    truth = sky["truth"].select(["id", *PHYSICS]).to_table().combine_chunks()
    types, amplitudes = _changes(sky, truth["id"].combine_chunks())
    physics: dict[str, Any] = {name: to_numpy(_filled(truth[name])) for name in PHYSICS}
    classes = of_truth(physics, types, amplitudes)
    ids = to_numpy(truth["id"].combine_chunks())
    order = np.argsort(ids)
    place = np.searchsorted(ids[order], source)
    found = (place < len(ids)) & (ids[order[np.minimum(place, len(ids) - 1)]] == source)
    if not found[source != NO_SOURCE].all():
        raise DataError(
            f"{sky} links rows to source {source[~found & (source != NO_SOURCE)][0]}, which its "
            "truth lacks, but both have to be of one simulation: simulate it anew"
        )
    codes = np.full(len(source), Class.OTHER, np.int8)
    codes[found] = classes[order[place[found]]]
    return codes


def _changes(sky: Archive, ids: pa.Array) -> tuple[Any, Any]:
    """(n,) types and amplitudes of the sources that change, where the sky has a table of them."""
    if "variables" not in sky.names():
        return None, None
    rows = sky["variables"].select(["id", "type", "amplitude_mag"]).to_table().combine_chunks()
    place = to_numpy(pc.index_in(ids, value_set=rows["id"].combine_chunks()).fill_null(-1))
    known = place >= 0
    types = np.full(len(ids), "", object)
    amplitudes = np.full(len(ids), np.nan)
    types[known] = np.array(rows["type"].to_pylist(), object)[place[known]]
    amplitudes[known] = to_numpy(_filled(rows["amplitude_mag"]))[place[known]]
    return types.astype(np.str_), amplitudes


def _filled(column: pa.ChunkedArray) -> pa.Array:
    """Null is NaN in columns of numbers."""
    joined = column.combine_chunks()
    return joined.fill_null(np.nan) if pa.types.is_floating(joined.type) else joined


def _same_type(column: pa.ChunkedArray, kind: pa.DataType) -> pa.Array:
    joined = column.combine_chunks()
    try:
        return joined.cast(kind)
    except pa.ArrowInvalid as fault:
        raise ColumnError(
            f"the labels' ids are of type {joined.type} ({fault}), but those of the match are of "
            f"type {kind}: read them as that"
        ) from fault


def _check_one_each(ids: pa.Array, codes: Codes) -> None:
    """An id of two classes would be told by chance."""
    table = pa.table({"id": ids, "code": from_numpy(codes)})
    pairs = table.group_by(["id", "code"]).aggregate([])
    counted = pairs.group_by("id").aggregate([([], "count_all")])
    twice = counted.filter(pc.greater(counted["count_all"], 1))
    if twice.num_rows:
        raise UserError(
            f"the labels give id {twice['id'][0].as_py()!r} two classes ({twice.num_rows} ids have "
            "more than one), but a row has one: remove one of the two"
        )
