"""A column worked out from others, added to a new version of a catalogue; the old one stays.

The rows, tiles and margins of the new version are those of the old; each tile is read, the column
worked out from its rows alone, and written. A margin's rows are rows of other tiles and get the
same values, since a value depends on its own row and on nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from skyquarry.adql.kinds import quoted
from skyquarry.catalog.columns import describe
from skyquarry.catalog.properties import REPEATED_KEY
from skyquarry.catalog.relations import ADDS_TO, NAMED_ROWS, ROWS_OF
from skyquarry.catalog.writer import TileRecord, VersionWriter
from skyquarry.engine.tags import TAG_LIMITS, TAG_OF, TAG_VERSION
from skyquarry.errors import ColumnError, QueryError, UserError

if TYPE_CHECKING:
    import pyarrow as pa

    from skyquarry.catalog.stored import Stored
    from skyquarry.engine.catalog import Catalog

_CARRIED: Final = (
    "obs_", "bib_", "addendum_", "creator_", "publisher_", "hats_copyright", "hats_creator",
    "prov_progenitor", "skyquarry_",
)  # fmt: skip
"""Beginnings of the keys that hold for the new version as for the old."""
_OWN: Final = ("obs_collection", REPEATED_KEY, TAG_OF, TAG_VERSION, TAG_LIMITS, NAMED_ROWS)
"""Those that do not: a tag with a column of its own is no tag, as it may be called as another."""
_MADE: Final = "skyquarry_column_"
"""Before the name of a column that was worked out: from which ADQL."""
_NUMBER: Final = "row number"


def add_column(
    catalog: Catalog | Any,
    name: str,
    value: str,
    *,
    unit: str | None = None,
    ucd: str | None = None,
    description: str | None = None,
) -> Catalog:
    """The catalogue in a new version, with one more column; the version before it stays.

    `value` is an expression of ADQL over the catalogue's columns, functions of `@sq.function`
    among them: "phot_bp_mean_mag - phot_rp_mean_mag". Its unit is worked out where none is given;
    the expression is kept as the column's description, and in the properties.

    Raises QueryError for an expression that is none, or is no value of a row; ColumnError for a
    name that is there; UserError for a catalogue that was cut, or was not built here.

    >>> sq.add_column("archive/gaia", "bp_rp", "bp - rp", unit="mag")  # doctest: +SKIP
    """
    from skyquarry.engine.catalog import catalog_of, open_catalog

    given = catalog_of(catalog)
    _check(given, name)
    field = _field(given, name, value)
    field = describe(
        field,
        unit=unit or None,
        ucd=ucd or None,
        description=description or " ".join(value.split()),
    )
    _Adding(given.stored, field, value).write()
    return open_catalog(given.stored.home.root)


def _check(catalog: Catalog, name: str) -> None:
    stored = catalog.stored
    if not catalog.cut.rows_uncut or catalog.cut.columns is not None:
        raise UserError(
            f"the catalogue {catalog.name} was cut, but a column is added to all of its rows: open "
            "it whole"
        )
    if stored.version is None or stored.kind not in ("object", "source"):
        raise UserError(
            f"{stored.folder.root} has no versions of ours, but a column is added to a new one: "
            "build a catalogue of it with sq.build"
        )
    there = next((each for each in stored.schema.names if each.lower() == name.lower()), None)
    if there is not None or not name.strip():
        raise ColumnError(
            f"the new column is called {name!r}, but {there or 'it'} is there already: choose "
            "another name"
            if there
            else "the new column needs a name that is not empty"
        )


def _query(value: str, table: str, columns: str = "") -> str:
    # a line of its own, as a remark may end the expression
    return f"SELECT {value}\n AS {quoted('value')}{columns} FROM {quoted(table)}"


def _field(catalog: Catalog, name: str, value: str) -> pa.Field:
    """The column that an expression makes. Raises QueryError where it makes none."""
    from skyquarry.adql.asking import query
    from skyquarry.adql.text.grammar import parse
    from skyquarry.adql.text.syntax import Output, Select, TableName

    asked = _query(value, catalog.name)
    tree = parse(asked)
    body = tree.body
    plain = (
        isinstance(body, Select)
        and len(body.outputs) == 1
        and isinstance(body.outputs[0], Output)
        and isinstance(body.source, TableName)
        and body == Select(body.outputs, body.source, body.span)
        and not (tree.order or tree.offset or tree.named or tree.into)
    )
    plan = query(asked, {catalog.name: catalog}) if plain else None
    if plan is None or plan.compiled.blocked:
        raise QueryError(
            f"the column's value is {value!r:.80}, but one value of a row is needed: as in "
            "'phot_bp_mean_mag - phot_rp_mean_mag'"
        )
    return plan.schema.field(0).with_name(name)


@dataclass(frozen=True)
class _Adding:
    """A version with one more column, on its way to disk."""

    stored: Stored
    field: pa.Field
    value: str

    def write(self) -> None:
        """Publish it, or leave nothing of it."""
        stored = self.stored
        writer = VersionWriter.begin(
            stored.home, stored.name, self._schema(stored), kind=stored.kind,
            ra=stored.roles.ra or "ra", dec=stored.roles.dec or "dec", id=stored.roles.id,
            margin_arcsec=[each.margin_arcsec or 0.0 for each in self._margins()] or None,
            properties=self._properties(),
        )  # fmt: skip
        try:
            records = self._written(stored, writer.primary)
            pairs = zip(self._margins(), writer.margins, strict=True)
            margins = [self._written(margin, target) for margin, target in pairs]
            index = self._index(writer, records)
            if index is not None and index.duplicates:
                writer.primary.properties[REPEATED_KEY] = index.duplicates
            writer.finish(records, margins, index)
            writer.publish()
        except BaseException:
            stored.home.remove(writer.version)
            raise

    def _schema(self, stored: Stored) -> pa.Schema:
        return stored.schema.append(self.field)

    def _properties(self) -> dict[str, Any]:
        kept = {
            key: text
            for key, text in self.stored.properties.items()
            if key.startswith(_CARRIED) and key not in _OWN
        }
        earlier = (*self.stored.earlier, self.stored.identity)
        made = {
            _MADE + self.field.name: " ".join(self.value.split()),
            ROWS_OF: self.stored.rows_identity,
            ADDS_TO: " ".join(earlier),
        }
        return kept | made | self.stored.roles.to_properties()

    def _margins(self) -> list[Stored]:
        opened = map(self.stored.open_margin, self.stored.margins)
        found = {each.margin_arcsec: each for each in opened if each.margin_arcsec}
        return list(found.values())

    def _written(self, stored: Stored, target: Any) -> list[TileRecord]:
        """Every tile with its new column."""
        records = []
        for tile in range(len(stored.tiles)):
            table = stored.read(tile, self.stored.schema.names)
            if table.num_rows:
                cell = int(stored.tiles.order[tile]), int(stored.tiles.pixel[tile])
                whole = table.append_column(self.field, self._values(table))
                records.append(target.write_tile(*cell, whole.cast(self._schema(self.stored))))
        return records

    def _values(self, table: pa.Table) -> pa.ChunkedArray:
        """The new column's values, in the order of the rows."""
        import numpy as np

        from skyquarry.adql.asking import query
        from skyquarry.catalog.arrow import from_numpy

        numbered = table.append_column(_NUMBER, from_numpy(np.arange(table.num_rows)))
        name = self.stored.name
        asked = _query(self.value, name, f", {quoted(_NUMBER)}")
        found = query(asked, uploads={name: numbered}).to_table().sort_by(_NUMBER)
        return found.column(0).cast(self.field.type)

    def _index(self, writer: VersionWriter, records: list[TileRecord]) -> Any:
        """The id index of the new version."""
        id_column = self.stored.roles.id
        if id_column is None or not records or id_column not in self.stored.indexes:
            return None
        from skyquarry.catalog.index import KeyRuns, build_index

        runs = KeyRuns(writer.home.make(".runs"))
        for record, tile in zip(records, self._filled(), strict=True):
            keys = self.stored.read(tile, [id_column]).column(0)
            runs.add(record.order, record.pixel, keys)
        index = build_index(runs, writer.home, self.stored.name, id_column)
        writer.home.remove(".runs")
        return index

    def _filled(self) -> list[int]:
        """The tiles that have rows."""
        rows = self.stored.counted.rows
        return [tile for tile in range(len(rows)) if rows[tile]]
