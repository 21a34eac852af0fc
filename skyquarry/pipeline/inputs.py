"""What a caller gives to a match, as a side of it: catalogues, files and tables of any kind."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skyquarry.catalog.columns import SPATIAL
from skyquarry.catalog.foreign import is_catalogue
from skyquarry.catalog.roles import Roles, Survey
from skyquarry.engine.catalog import Catalog, open_catalog
from skyquarry.engine.cut import Cut
from skyquarry.errors import ColumnError, UserError
from skyquarry.match.given.catalogsides import CatalogSide
from skyquarry.match.given.tablesides import TableSide
from skyquarry.pipeline.inputtables import InputTable, WithColumn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skyquarry.ingest.description import Described
    from skyquarry.match.given.sides import Side

_UNIT_WORDS = ("ra_unit", "unit")
_FLOAT32_STEP_ARCSEC = 0.11


def side_of(given: Any, unnamed: str = "table") -> Side:
    """A side of a match from whatever names or holds a table.

    given
        A Catalog (with its cuts), the path or URL of a catalogue or of a readable file (a glob, a
        list of files), a pyarrow, pandas or astropy table; or a tuple of one of the latter and
        what its columns are: a survey's name, {"ra": ..., "dec": ..., "id": ...} or Roles.
    unnamed
        What a table in memory without a survey is called.

    Raises ColumnError where the columns are not understood, UserError for what is no table and for
    positions of B1950 that nobody declared, NotFoundError.
    """
    if isinstance(given, CatalogSide | TableSide):
        return given
    said: Any = None
    if isinstance(given, tuple):
        given, said = _pair(given)
    if isinstance(given, str | os.PathLike) and is_catalogue(os.fspath(given)):
        given = open_catalog(given)
    if isinstance(given, Catalog):
        return _catalog_side(given, said)
    return _table_side(given, said, unnamed)


def given_of(given: Any) -> dict[str, Any] | None:
    """How what a caller gave can be given again, as plain data: None for tables and for cuts."""
    said: Any = None
    if isinstance(given, tuple) and len(given) == 2:
        given, said = given
    if isinstance(said, Roles):
        said = {"properties": said.to_properties()}
    elif said is not None and not isinstance(said, str | Path | Mapping):
        return None
    if isinstance(given, Catalog):
        return None if given.cut != Cut() else {"path": str(given.path), "columns": None}
    several = isinstance(given, list) and all(isinstance(g, str | os.PathLike) for g in given)
    if isinstance(given, str | os.PathLike):
        return {"path": _absolute(given), "columns": _plain(said)}
    return {"path": [_absolute(g) for g in given], "columns": _plain(said)} if several else None


def given_again(told: Mapping[str, Any]) -> Any:
    """What `given_of` told of, as `side_of` takes it."""
    said = told["columns"]
    if isinstance(said, Mapping) and set(said) == {"properties"}:
        said = Roles.from_properties(said["properties"])
    return told["path"] if said is None else (told["path"], said)


def _absolute(path: str | os.PathLike[str]) -> str:
    text = os.fspath(path)
    return text if "://" in text else str(Path(text).absolute())


def _plain(said: Any) -> Any:
    if isinstance(said, Mapping):
        return dict(said)
    return str(said) if isinstance(said, Path) else said


def _pair(given: tuple[Any, ...]) -> tuple[Any, Any]:
    if len(given) == 2:
        return given
    raise UserError(
        f"a tuple of {len(given)} was given, but a table and what its columns are is needed: as in "
        '("stars.fits", "gaia_dr3") or (table, {"ra": "ra", "dec": "dec", "id": "id"})'
    )


def _catalog_side(catalog: Catalog, said: Any) -> Side:
    if said is not None:
        raise UserError(
            f"roles were given for {catalog.name}, but a catalogue keeps its own: give it alone, "
            "or build it again with survey="
        )
    if catalog.cut.limit is not None:
        table, roles = catalog.to_table(), catalog.roles
        kept, _ = roles.fitted(table.column_names)
        return TableSide(table, kept, catalog.name)
    side = CatalogSide(catalog)
    for name in (side.roles.ra, side.roles.dec):
        _warn_of_float32(side.source.schema, str(name), side.name)
    return side


def _table_side(given: Any, said: Any, unnamed: str) -> TableSide:
    kind, table = _in_memory(given)
    if table is None:
        from skyquarry.ingest.sources import open_sources

        sources = open_sources(given)
        schema, name = sources.schema, _name_of(sources.names)
    else:
        sources, schema, name = None, table.schema, unnamed
    if isinstance(said, str | Survey | Path) and table is not None:
        name = said.name if isinstance(said, Survey) else Path(said).stem
    described = _described(schema, said, name)
    for column in (described.cleaning.ra, described.cleaning.dec) if described.cleaning else ():
        _warn_of_float32(schema, column, name)
    reading = InputTable(table, sources, described, stated=_is_stated(schema, said, described))
    _ = kind
    return TableSide(reading, described.roles, name, described.notes)


def _in_memory(given: Any) -> tuple[str, pa.Table | None]:
    from skyquarry.ingest.sourcetables import as_arrow

    if isinstance(given, pa.RecordBatchReader):
        return "RecordBatchReader", given.read_all()
    kind, table = as_arrow(given)
    if table is None and not isinstance(given, str | os.PathLike | list):
        raise UserError(
            f"a {type(given).__name__} was given, but a match needs a catalogue, the path of one "
            "or of a file, or a pyarrow, pandas or astropy table: convert it to one of these"
        )
    return kind, table


def _name_of(names: Sequence[str]) -> str:
    """What one file is called, or several: the beginning that they share."""
    stems = [Path(name.partition("?")[0]).name.partition(".")[0] for name in names]
    least, most = min(stems), max(stems)
    shared = next((n for n in range(len(least)) if least[n] != most[n]), len(least))
    return least[:shared].strip("-_.") or "table"


# ---------------------------------------------------------------- what the columns are
def _described(schema: pa.Schema, said: Any, name: str) -> Described:
    from skyquarry.ingest.description import Given, describe_input

    if said is None:
        described = describe_input(schema, Given())
        if described.cleaning is not None and described.cleaning.frame == "fk4":
            raise _of_b1950(name, described.cleaning.ra, described.cleaning.dec)
        return described
    if isinstance(said, str | Path):
        from skyquarry.surveys.load import load

        said = load(said)
    if not isinstance(said, Survey):
        if isinstance(said, Mapping) and "frame" not in said:
            _check_equinox(said, name)
        said = Survey(name="these roles", title=name, roles=_roles(said))
        _check_there(schema, said.roles, name)
    return describe_input(schema, Given(survey=said))


def _is_stated(schema: pa.Schema, said: Any, described: Described) -> bool:
    """Whether the unit of positions is known: by who names their columns, or by the table itself.

    A survey's role file knows the unit. Who only names columns has not stated it; and Roles of
    degrees cannot be told from Roles whose unit nobody thought of.
    """
    from skyquarry.ingest.guess import stated_unit

    cleaning = described.cleaning
    if said is None or isinstance(said, str | Path | Survey) or cleaning is None:
        return described.unit_stated
    if isinstance(said, Mapping):
        declared = any(word in said for word in (*_UNIT_WORDS, "position_unit"))
    else:
        declared = said.position_unit != "deg"
    if declared or cleaning.unit == "text":
        return declared
    return stated_unit(schema, cleaning.ra, cleaning.dec) is not None


def _check_equinox(said: Mapping[str, Any], name: str) -> None:
    """Columns whose names say B1950 are not ICRS because nobody says what they are."""
    ra, dec = (str(said.get(each, "")) for each in ("ra", "dec"))
    if "B1950" in ra.upper() or "B1950" in dec.upper():
        raise _of_b1950(name, ra, dec)


def _of_b1950(name: str, ra: Any, dec: Any) -> UserError:
    return UserError(
        f"{name} has positions of B1950 ({ra}, {dec}), but a match needs ICRS: convert them, or "
        'declare the frame, as in (table, {"ra": ..., "dec": ..., "frame": "fk4"})'
    )


def _roles(said: Any) -> Roles:
    """Roles of a mapping; `ra_unit` is another word for `position_unit`."""
    if isinstance(said, Roles):
        return said
    if not isinstance(said, Mapping):
        raise UserError(
            f"the columns of a table were told by a {type(said).__name__}, but a survey's name, "
            'Roles or a mapping is needed: as in {"ra": "RAJ2000", "dec": "DEJ2000", "id": "ID"}'
        )
    told = dict(said)
    for word in _UNIT_WORDS:
        if word in told:
            told["position_unit"] = told.pop(word)
    return Roles.from_mapping(told, "the columns of a table")


def _check_there(schema: pa.Schema, roles: Roles, name: str) -> None:
    from skyquarry.catalog.rolekeys import nearest

    _, missing = roles.fitted(schema.names)
    if missing:
        raise ColumnError(
            f"{missing[0]!r} was named as a column of {name}, but there is none of that name: "
            f"{nearest(missing[0], schema.names)}"
        )
    if roles.ra is None:
        raise ColumnError(
            f"the roles of {name} name no ra and dec, but a match needs positions: give them, as "
            'in {"ra": "ra", "dec": "dec"}'
        )


def _warn_of_float32(schema: pa.Schema, column: str, name: str) -> None:
    if schema.field(column).type == pa.float32():
        warnings.warn(
            f"{column} of {name} is float32, in steps of up to {_FLOAT32_STEP_ARCSEC} arcsec: "
            "matches nearer than that are lost or false; float64 is needed for positions",
            UserWarning,
            stacklevel=2,
        )


# ---------------------------------------------------------------- radii
def with_radii(side: Side, values: Any) -> tuple[Side, str]:
    """The side with a column of radii, and its name. Raises UserError where they do not fit."""
    from skyquarry.catalog.arrow import from_numpy

    if not isinstance(side, TableSide):
        raise UserError(
            f"radius_arcsec is an array, but {side.name} is a catalogue on disk: name one of its "
            "columns, or give one number"
        )
    numbers = np.asarray(values, np.float64)
    if numbers.ndim != 1 or len(numbers) != side.n_rows:
        raise UserError(
            f"radius_arcsec has the shape {numbers.shape}, but {side.name} has {side.n_rows} rows: "
            "give one radius a row, or one for all"
        )
    name = "_radius_arcsec"
    source = WithColumn(side.source, name, from_numpy(numbers))
    return TableSide(source, _own_roles(side), side.name, side.notes), name


def _own_roles(side: TableSide) -> Roles:
    from skyquarry.match.given.sides import ROW

    return replace(side.roles, id=None) if side.roles.id == ROW else side.roles


assert SPATIAL == "_healpix_29"
