"""Tables to learn from and to classify, whatever holds them; where their rows lie on the sky."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skyquarry.catalog.rolekeys import nearest
from skyquarry.catalog.roles import Roles, Survey
from skyquarry.errors import ColumnError, DataError, UserError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

_ONE = (str, os.PathLike, Survey, Roles)
SKY_ORDER = 6
"""of the cells that are groups: 0.84 square degrees"""


def table_of(given: Any) -> pa.Table:
    """An Arrow table of a Catalog, a path or URL of one or of a file, or a table in memory.

    Raises UserError for what is no table, NotFoundError.
    """
    from skyquarry.catalog.foreign import is_catalogue
    from skyquarry.engine.catalog import Catalog, open_catalog
    from skyquarry.ingest.sources import open_sources
    from skyquarry.ingest.sourcetables import as_arrow

    if isinstance(given, Mapping):
        return pa.table({str(name): _column(values) for name, values in given.items()})
    if isinstance(given, str | os.PathLike):
        path = os.fspath(given)
        if not is_catalogue(path):
            sources = open_sources(path)
            batches = (batch for part in sources.parts() for batch in part.batches())
            return pa.Table.from_batches(batches, sources.schema)
        given = open_catalog(path)
    if isinstance(given, Catalog):
        return given.to_table()
    _, table = as_arrow(given)
    if table is None:
        raise UserError(
            f"a {type(given).__name__} was given, but a table is needed: give a path, a catalogue, "
            "a mapping of arrays, or a pyarrow, pandas, polars or astropy table"
        )
    return table


def places_of(given: Any, positions: Any) -> tuple[str, str] | None:
    """Columns of right ascension and declination: as they are named, or as a catalogue knows them.

    None where nothing but the columns' names can tell. Raises UserError for what names no two.
    """
    from skyquarry.catalog.foreign import is_catalogue
    from skyquarry.engine.catalog import Catalog, open_catalog

    if positions is not None:
        named = () if isinstance(positions, str) else tuple(positions)
        if len(named) != 2 or not all(isinstance(each, str) for each in named):
            raise UserError(
                f"positions is {positions!r}, but the names of two columns are needed: try "
                "('ra', 'dec')"
            )
        return named
    if isinstance(given, str | os.PathLike) and is_catalogue(os.fspath(given)):
        given = open_catalog(given)
    if not isinstance(given, Catalog):
        return None
    ra, dec, there = given.roles.ra, given.roles.dec, set(given.columns)
    return (ra, dec) if ra in there and dec in there else None


def labels_of(table: pa.Table, label: str) -> list[Any]:
    """The values of the column of labels. Raises ColumnError."""
    words: list[Any] = _needed(table, label, "label").to_pylist()
    return words


def numbers_of(table: pa.Table, name: str, what: str) -> NDArray[np.float64]:
    """(n,) a column of numbers, NaN where null. Raises ColumnError."""
    from skyquarry.features.reading import Columns

    _needed(table, name, what)
    return Columns(table).floats(name)


def groups_of(table: pa.Table, groups: Any, survey: Any, positions: Any) -> Ints | None:
    """(n,) the group of each row: cells of the sky, a column's values, numbers as given, or None.

    Raises UserError where "sky" is asked for and the table has no positions.
    """
    if groups is None:
        return None
    if isinstance(groups, str) and groups != "sky":
        words = _needed(table, groups, "groups").to_pylist()
        return np.unique(np.array([str(word) for word in words]), return_inverse=True)[1]
    if not isinstance(groups, str):
        return _numbered(groups)
    from skyquarry.learn.splits import sky_groups

    ra, dec = positions_of(table, survey, positions)
    known = np.isfinite(ra) & np.isfinite(dec)
    cells = np.full(len(ra), -1, np.int64)
    cells[known] = sky_groups(ra[known], dec[known], SKY_ORDER)
    cells[~known] = -1 - np.arange((~known).sum())  # each row without a position for itself
    return cells


def _numbered(groups: Any) -> Ints:
    """Groups as the caller has them, one a row."""
    given = np.asarray(groups)
    if given.ndim != 1:
        raise UserError(
            f"groups is {groups!r}, but 'sky', a column, None, or one number a row is needed"
        )
    if given.dtype.kind == "f" and not np.isfinite(given).all():
        raise UserError(
            "groups has rows without a number (NaN), but each row is of a group: give those one of "
            "their own"
        )
    return given


def positions_of(
    table: pa.Table, survey: Any, positions: Any
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """ICRS degrees (n,) each, NaN where there is none. Raises UserError that offers groups=None."""
    from skyquarry.pipeline.inputs import side_of

    tries: list[Any] = [(table, name) for name in survey_names(survey)] + [table]
    if positions is not None:
        tries = [(table, {"ra": positions[0], "dec": positions[1]})]
    failed: Exception | None = None
    for each in tries:
        try:
            side: Any = side_of(each)
        except (UserError, DataError) as error:
            failed = failed or error
            continue
        names = (str(side.roles.ra), str(side.roles.dec))
        read = side.source.read(list(names))
        return numbers_of(read, names[0], "ra"), numbers_of(read, names[1], "dec")
    raise UserError(
        "groups is 'sky', but the table has no positions that are understood "
        f"({failed}): name them with positions=(ra, dec), or say groups=None (then neighbours on "
        "the sky may lie on both sides of a split, and scores are too good)"
    )


def units_of(table: pa.Table, columns: set[str]) -> dict[str, str]:
    """The unit of each of these columns, as the table states it; empty where it does not."""
    found = {}
    for name in sorted(columns & set(table.column_names)):
        told = table.schema.field(name).metadata or {}
        found[name] = told.get(b"unit", b"").decode()
    return found


def check_columns(columns: Mapping[str, str], table: pa.Table) -> None:
    """Raises ColumnError where a table lacks columns (name: unit), or states another unit."""
    missing = [name for name in columns if name not in table.column_names]
    if missing:
        raise ColumnError(
            f"the table lacks {', '.join(map(repr, missing))}, but the model was trained on "
            f"{', '.join(columns)}: give a table of the same survey, rename its columns, or add "
            "those of a survey that has not looked there as empty ones (null)"
        )
    for name, stated in units_of(table, set(columns)).items():
        if stated and columns[name] and not _same_unit(stated, columns[name]):
            raise ColumnError(
                f"the column {name!r} is in {stated!r}, but the model was trained on it in "
                f"{columns[name]!r}: convert it"
            )


def _same_unit(a: str, b: str) -> bool:
    from astropy.units import Unit, UnitTypeError

    if a == b:
        return True
    try:
        return bool(Unit(a) == Unit(b))
    except (ValueError, UnitTypeError):
        return False


def survey_names(survey: Any) -> list[Any]:
    """Those that positions may be read by, one after another."""
    if survey is None or isinstance(survey, Mapping):
        return []  # prefixed columns: positions are guessed, or named
    if isinstance(survey, _ONE):
        return [survey]
    if not hasattr(survey, "__iter__"):
        return []  # nothing that is a survey: whoever makes the features says so
    return [each for each in survey if isinstance(each, _ONE)]


def _needed(table: pa.Table, name: str, what: str) -> pa.ChunkedArray:
    if name not in table.column_names:
        raise ColumnError(
            f"{what} is {name!r}, but the table has no column of that name: "
            f"{nearest(name, table.column_names)}"
        )
    return table.column(name)


def _column(values: Any) -> Any:
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values
    if isinstance(values, np.ma.MaskedArray):
        return pa.array(np.asarray(values.filled()), mask=np.ma.getmaskarray(values))
    return pa.array(values)
