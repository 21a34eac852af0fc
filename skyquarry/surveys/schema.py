"""The columns of a survey or a catalogue as the schema of another system, and back.

`schema_text(load("gaia"), "sql")` writes SQL (PostgreSQL's; SQLite and DuckDB take it too), a
VOTable header, a FITS header, a VODataService tableset (XML) or Markdown; `parse_schema` reads all
but Markdown. Both ways go through `FieldText`: name, type, unit, UCD, description.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from xml.etree import ElementTree as ET

import pyarrow as pa

from skyquarry.catalog.columns import describe, meaning, parse_votable_header, votable_header
from skyquarry.catalog.roles import Survey
from skyquarry.errors import DamagedError, FormatError, UserError

if TYPE_CHECKING:
    from collections.abc import Iterable

System = Literal["sql", "votable", "fits", "xml", "md"]
SYSTEMS = ("sql", "votable", "fits", "xml", "md")


@dataclass(frozen=True, slots=True)
class FieldText:
    """One column in words: `type` as VOTable calls it; `array` of any length."""

    name: str
    type: str
    array: bool = False
    unit: str | None = None
    ucd: str | None = None
    description: str | None = None


# VOTable's name, Arrow's type, SQL's type, FITS's letter
_TYPES = (
    ("boolean", pa.bool_(), "boolean", "L"),
    ("unsignedByte", pa.uint8(), "smallint", "B"),
    ("short", pa.int16(), "smallint", "I"),
    ("int", pa.int32(), "integer", "J"),
    ("long", pa.int64(), "bigint", "K"),
    ("float", pa.float32(), "real", "E"),
    ("double", pa.float64(), "double precision", "D"),
    ("char", pa.string(), "text", "A"),
)
_ARROW = {vo: arrow for vo, arrow, _, _ in _TYPES} | {"unicodeChar": pa.string()}
_SQL = {vo: sql for vo, _, sql, _ in _TYPES}
_FITS = {vo: letter for vo, _, _, letter in _TYPES}


def arrow_schema(survey: Survey) -> pa.Schema:
    """The survey's columns as an Arrow schema, units and UCDs in the fields' metadata."""
    return pa.schema(
        [
            _to_arrow(FieldText(name, c.type or "double", False, c.unit, c.ucd, c.description))
            for name, c in survey.columns.items()
        ]
    )


def annotated(table: pa.Table, survey: Survey) -> pa.Table:
    """The table, its columns described as the survey describes those of the same name."""
    fields = []
    for field in table.schema:
        told = survey.columns.get(field.name)
        words = (
            {}
            if told is None
            else {"unit": told.unit, "ucd": told.ucd, "description": told.description}
        )
        fields.append(describe(field, **words))
    return table.cast(pa.schema(fields, metadata=table.schema.metadata))


def schema_text(source: Survey | pa.Schema, as_: System, *, name: str | None = None) -> str:
    """The schema as text for another system; FITS as its header cards, one a line.

    >>> print(schema_text(pa.schema([("ra", pa.float64())]), "sql", name="stars"))
    CREATE TABLE "stars" (
        "ra" double precision
    );
    """
    title, fields, key = _fields(source, name)
    if as_ == "sql":
        return _to_sql(title, fields, key)
    if as_ == "votable":
        return votable_header(pa.schema([_to_arrow(f) for f in fields]), title).decode()
    if as_ == "fits":
        return str(_fits_table(title, fields).header.tostring(sep="\n", padding=False))
    if as_ == "xml":
        return _to_tableset(title, fields)
    if as_ == "md":
        return _to_markdown(title, fields)
    raise FormatError(f"the schema was asked for as {as_!r}, but it is one of {', '.join(SYSTEMS)}")


def schema_file(source: Survey | pa.Schema, as_: System, *, name: str | None = None) -> bytes:
    """The schema as a file's bytes: for FITS a file with an empty table, else the text."""
    if as_ != "fits":
        return schema_text(source, as_, name=name).encode()
    import io

    from astropy.io import fits

    title, fields, _ = _fields(source, name)
    out = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), _fits_table(title, fields)]).writeto(out)
    return out.getvalue()


def parse_schema(text: str | bytes, as_: System) -> pa.Schema:
    """An Arrow schema from what `schema_text` or `schema_file` wrote (not Markdown)."""
    readers = {
        "sql": _from_sql,
        "votable": _from_votable,
        "fits": _from_fits,
        "xml": _from_tableset,
    }
    if as_ not in readers:
        raise FormatError(f"a schema cannot be read from {as_!r}, only from {', '.join(readers)}")
    raw = text.encode() if isinstance(text, str) else text
    return pa.schema([_to_arrow(each) for each in readers[as_](raw)])


# ---------------------------------------------------------------- in words, and in Arrow


def _fields(
    source: Survey | pa.Schema, name: str | None
) -> tuple[str, list[FieldText], str | None]:
    if isinstance(source, Survey):
        if not source.columns:
            raise UserError(
                f"the role file of {source.name!r} describes no columns, but a schema needs them: "
                "add a [columns] table to it, or ask for the schema of a catalogue"
            )
        fields = [_from_arrow(field) for field in arrow_schema(source)]
        return name or source.name, fields, source.roles.id
    return name or "catalogue", [_from_arrow(field) for field in source], None


def _to_arrow(field: FieldText) -> pa.Field:
    if field.type not in _ARROW:
        raise UserError(
            f"column {field.name!r} has the type {field.type!r}, but it is one of "
            f"{', '.join(_ARROW)}"
        )
    kind = _ARROW[field.type]
    made = pa.field(field.name, pa.list_(kind) if field.array else kind)
    return describe(made, unit=field.unit, ucd=field.ucd, description=field.description)


def _from_arrow(field: pa.Field) -> FieldText:
    words = meaning(field)
    words.pop("utype", None)
    kind, array = field.type, False
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        kind, array = kind.value_type, True
    return FieldText(field.name, _vo_type(kind, field.name), array, **words)


def _vo_type(kind: pa.DataType, name: str) -> str:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    for vo, arrow, _, _ in _TYPES:
        if kind.equals(arrow):
            return vo
    wider = (
        (pa.types.is_integer, "long"),
        (pa.types.is_floating, "float"),
        (pa.types.is_decimal, "double"),
        (pa.types.is_large_string, "char"),
        (pa.types.is_temporal, "char"),
    )
    for test, vo in wider:
        if test(kind):
            return vo
    raise FormatError(
        f"column {name!r} is of type {kind}, which no other system's schema holds: leave it out "
        "with select([...])"
    )


# ---------------------------------------------------------------- SQL


def _to_sql(title: str, fields: list[FieldText], key: str | None) -> str:
    """CREATE TABLE; what a column means stands behind it in a comment, `[unit] {ucd} words`."""
    lines = []
    for i, field in enumerate(fields):
        kind = _SQL.get(field.type, "text") + ("[]" if field.array else "")
        last = i == len(fields) - 1 and key is None
        column = f"    {_quoted(field.name)} {kind}{' NOT NULL' * (field.name == key)}"
        lines.append(column + ("" if last else ",") + _comment(field))
    if key is not None:
        lines.append(f"    PRIMARY KEY ({_quoted(key)})")
    return f"CREATE TABLE {_quoted(title)} (\n" + "\n".join(lines) + "\n);"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _comment(field: FieldText) -> str:
    said = [f"<{field.type}>"] if field.type == "unsignedByte" else []
    said += [f"[{field.unit}]"] if field.unit else []
    said += [f"{{{field.ucd}}}"] if field.ucd else []
    said += [" ".join(field.description.split())] if field.description else []
    return f"  -- {' '.join(said)}" if said else ""


_SQL_LINE = re.compile(
    r'^\s+"(?P<name>(?:[^"]|"")+)" (?P<kind>[a-z ]+?)(?P<array>\[\])?(?: NOT NULL)?,?'
    r"(?:  -- (?:<(?P<exact>\w+)> ?)?(?:\[(?P<unit>[^\]]*)\] ?)?(?:\{(?P<ucd>[^}]*)\} ?)?"
    r"(?P<words>.*))?$"
)


def _from_sql(raw: bytes) -> Iterable[FieldText]:
    by_sql = {sql: vo for vo, sql in _SQL.items()}
    for line in raw.decode().splitlines()[1:]:
        if line.strip() == ");" or line.startswith("    PRIMARY KEY"):
            continue
        found = _SQL_LINE.match(line)
        kind = found and (found["exact"] or by_sql.get(found["kind"]))
        if not found or not kind:
            raise DamagedError(f"SQL line {line!r} is not one that a schema is written with")
        name = found["name"].replace('""', '"')
        array = found["array"] is not None
        yield FieldText(name, kind, array, found["unit"], found["ucd"], found["words"] or None)


# ---------------------------------------------------------------- VOTable, tableset


def _from_votable(raw: bytes) -> Iterable[FieldText]:
    told = parse_votable_header(raw, "the schema")
    for element in ET.fromstring(raw).iter():  # noqa: S314  checked above: no document type
        if element.tag.rpartition("}")[2] == "FIELD":
            name, kind = element.get("name", ""), element.get("datatype", "")
            text = kind in ("char", "unicodeChar")
            array = not text and element.get("arraysize") is not None
            yield FieldText(name, "char" if text else kind, array, **told[name])


_VS = "http://www.ivoa.net/xml/VODataService/v1.1"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"


def _to_tableset(title: str, fields: list[FieldText]) -> str:
    """VODataService 1.2, section 3.3: a tableset of one table."""
    ET.register_namespace("vs", _VS)
    ET.register_namespace("xsi", _XSI)
    root = ET.Element(f"{{{_VS}}}tableset", {f"{{{_XSI}}}schemaLocation": f"{_VS} {_VS}"})
    schema = ET.SubElement(root, "schema")
    ET.SubElement(schema, "name").text = "skyquarry"
    table = ET.SubElement(schema, "table")
    ET.SubElement(table, "name").text = title
    for field in fields:
        column = ET.SubElement(table, "column")
        for tag in ("name", "description", "unit", "ucd"):
            if getattr(field, tag):
                ET.SubElement(column, tag).text = getattr(field, tag)
        size = {"arraysize": "*"} if field.array or field.type == "char" else {}
        kind = {f"{{{_XSI}}}type": "vs:VOTableType", **size}
        ET.SubElement(column, "dataType", kind).text = field.type
    ET.indent(root)
    return ET.tostring(root, encoding="unicode")


def _from_tableset(raw: bytes) -> Iterable[FieldText]:
    if b"<!DOCTYPE" in raw or b"<!ENTITY" in raw:
        raise DamagedError("the tableset declares a document type: entities are never expanded")
    try:
        root = ET.fromstring(raw)  # noqa: S314  no document type, so no entity
    except ET.ParseError as fault:
        raise DamagedError(f"the tableset is not XML: {fault}") from None
    for column in root.iter("column"):
        kind = column.find("dataType")
        if kind is None or kind.text not in _ARROW:
            raise DamagedError(f"column {column.findtext('name')!r} of the tableset has no type")
        array = kind.get("arraysize") is not None and kind.text != "char"
        words = (column.findtext(tag) for tag in ("unit", "ucd", "description"))
        yield FieldText(column.findtext("name", ""), kind.text, array, *words)


# ---------------------------------------------------------------- FITS


def _fits_table(title: str, fields: list[FieldText]) -> Any:
    """A binary table without rows; UCD and description as TUCDn and TCOMMn."""
    from astropy.io import fits

    columns = []
    for field in fields:
        letter = _FITS[field.type]
        varies = field.array or letter == "A"
        columns.append(fits.Column(name=field.name, format=f"P{letter}()" if varies else letter))
    table = fits.BinTableHDU.from_columns(columns, nrows=0, name=title)
    for i, field in enumerate(fields, 1):
        for key, text in (("TUNIT", field.unit), ("TUCD", field.ucd), ("TCOMM", field.description)):
            if text:
                table.header[f"{key}{i}"] = _ascii(text)
    return table


def _ascii(text: str) -> str:
    return " ".join(text.split()).encode("ascii", "replace").decode()


def _from_fits(raw: bytes) -> Iterable[FieldText]:
    header = _fits_header(raw)
    by_letter = {letter: vo for vo, letter in _FITS.items()}
    for i in range(1, int(header.get("TFIELDS", 0)) + 1):
        found = re.match(r"\d*([PQ]?)([A-Z])", str(header[f"TFORM{i}"]))
        if not found or found[2] not in by_letter:
            raise DamagedError(f"TFORM{i} is {header[f'TFORM{i}']!r}, which no column here has")
        words = (header.get(f"{key}{i}") for key in ("TUNIT", "TUCD", "TCOMM"))
        array = bool(found[1]) and found[2] != "A"
        yield FieldText(str(header[f"TTYPE{i}"]), by_letter[found[2]], array, *words)


def _fits_header(raw: bytes) -> Any:
    import io

    from astropy.io import fits

    if raw[:6] == b"SIMPLE":
        with fits.open(io.BytesIO(raw)) as file:
            return file[1].header.copy()
    return fits.Header.fromstring(raw.decode("ascii"), sep="\n")


# ---------------------------------------------------------------- Markdown


def _to_markdown(title: str, fields: list[FieldText]) -> str:
    head = [
        f"# {title}",
        "",
        "| column | type | unit | UCD | description |",
        "|---|---|---|---|---|",
    ]
    rows = [
        f"| `{f.name}` | {f.type}{'[]' * f.array} | {f.unit or ''} | {f.ucd or ''} | "
        f"{(f.description or '').replace('|', chr(92) + '|')} |"
        for f in fields
    ]
    return "\n".join([*head, *rows])
