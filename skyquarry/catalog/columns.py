"""What the columns of a table are called and what they mean.

A field's metadata holds `unit`, `ucd`, `utype` and `description`. On disk the same is written as
VOParquet 1.0 (IVOA): a VOTable header without data under two keys of the Parquet file, which
TOPCAT and STILTS read. We put it in every leaf, so that a single file explains itself.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pyarrow as pa

from skyquarry.errors import ColumnError, DamagedError

if TYPE_CHECKING:
    from collections.abc import Iterator

SPATIAL = "_healpix_29"
MEANINGS = ("unit", "ucd", "utype", "description")
VO_VERSION = b"IVOA.VOTable-Parquet.version"
VO_CONTENT = b"IVOA.VOTable-Parquet.content"
_VOTABLE = "http://www.ivoa.net/xml/VOTable/v1.3"


def resolve(schema: pa.Schema, name: str, *, quoted: bool = False) -> str:
    """The column that a user calls `name`: without case, unless quoted (`"RA"`, or `quoted=True`).

    Raises
    ------
    ColumnError
        When no column fits (the nearest name is offered), or several do (all are named).
    """
    if not quoted and len(name) > 2 and name[0] == name[-1] == '"':
        name, quoted = name[1:-1].replace('""', '"'), True
    fitting = [n for n in schema.names if n == name or (not quoted and n.lower() == name.lower())]
    if len(fitting) == 1:
        return str(fitting[0])
    if not fitting:
        raise _no_column(schema, name, quoted=quoted)
    if len(set(fitting)) == 1:
        raise ColumnError(
            f"the column name {name!r} stands {len(fitting)} times in the table, but a name must "
            "mean one column: rename one of them"
        )
    raise ColumnError(
        f"the name {name} may mean the columns {' or '.join(fitting)}, which differ in case only: "
        f'write it in double quotes to choose, as in "{fitting[0]}"'
    )


def describe(
    field: pa.Field,
    *,
    unit: str | None = None,
    ucd: str | None = None,
    utype: str | None = None,
    description: str | None = None,
) -> pa.Field:
    """The field with these meanings added to what it says already; empty text removes one."""
    given = dict(zip(MEANINGS, (unit, ucd, utype, description), strict=True))
    metadata = dict(field.metadata or {})
    for key, text in given.items():
        if text:
            metadata[key.encode()] = text.encode()
        elif text is not None:
            metadata.pop(key.encode(), None)
    return field.with_metadata(metadata or None)


def meaning(field: pa.Field) -> dict[str, str]:
    """What a field says of itself: those of unit, ucd, utype, description that are there."""
    metadata = field.metadata or {}
    return {
        key: metadata[key.encode()].decode("utf-8", "replace")
        for key in MEANINGS
        if key.encode() in metadata
    }


def with_voparquet(schema: pa.Schema, name: str) -> pa.Schema:
    """The schema with the file-level keys of VOParquet, other keys kept."""
    keys = {VO_VERSION: b"1.0", VO_CONTENT: votable_header(schema, name)}
    return schema.with_metadata({**(schema.metadata or {}), **keys})


def from_voparquet(schema: pa.Schema, file: str = "_common_metadata") -> pa.Schema:
    """The schema whose fields say what its VOParquet header says of them.

    What a field says already stays. A schema without the header comes back as it is.

    Raises
    ------
    DamagedError
        When the header is no XML, or holds entities.
    """
    header = (schema.metadata or {}).get(VO_CONTENT)
    if header is None:
        return schema
    told = parse_votable_header(header, file)
    fields = [describe(field, **{**told.get(field.name, {}), **meaning(field)}) for field in schema]
    return pa.schema(fields, metadata=schema.metadata)


def votable_header(schema: pa.Schema, name: str) -> bytes:
    """A VOTable without data that describes the columns: the content of a VOParquet file's key.

    A nested column (a struct of lists) is a GROUP of the fields `column.field`.
    """
    root = ET.Element("VOTABLE", {"version": "1.4", "xmlns": _VOTABLE})
    resource = ET.SubElement(root, "RESOURCE")
    table = ET.SubElement(resource, "TABLE", {"name": name})
    for field in schema:
        _add_field(table, field)
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text


def parse_votable_header(text: bytes, file: str = "_common_metadata") -> dict[str, dict[str, str]]:
    """What a VOTable header says of each column: name -> unit, ucd, utype, description.

    The columns of a nested one are called `column.field`.

    Raises
    ------
    DamagedError
        When the text is no XML, or holds a document type (entities are never expanded).
    """
    told: dict[str, dict[str, str]] = {}
    for element in _parse_xml(text, file).iter():
        if _tag(element) in ("FIELD", "GROUP") and element.get("name"):
            words = {key: element.get(key, "") for key in ("unit", "ucd", "utype")}
            words["description"] = next(
                (
                    "".join(child.itertext()).strip()
                    for child in element
                    if _tag(child) == "DESCRIPTION"
                ),
                "",
            )
            told[element.get("name", "")] = {key: word for key, word in words.items() if word}
    return told


def nested_fields(kind: pa.DataType) -> list[pa.Field]:
    """The list fields of a nested column (a struct of lists only), empty for any other type."""
    if not pa.types.is_struct(kind):
        return []
    fields = [kind.field(i) for i in range(kind.num_fields)]
    return fields if fields and all(_is_list(field.type) for field in fields) else []


def _no_column(schema: pa.Schema, name: str, *, quoted: bool) -> ColumnError:
    lower = {n.lower(): n for n in schema.names}
    near = difflib.get_close_matches(name.lower(), list(lower), n=3, cutoff=0.6)
    if near:
        hint = "did you mean " + " or ".join(lower[n] for n in near) + "?"
    else:
        shown = ", ".join(schema.names[:12]) + (", ..." if len(schema.names) > 12 else "")
        hint = f"choose from {shown}" if schema.names else "the table has no columns"
    exactly = " spelled exactly so" if quoted else ""
    return ColumnError(f"there is no column {name!r}{exactly} among {len(schema.names)}: {hint}")


def _add_field(table: ET.Element, field: pa.Field, prefix: str = "") -> None:
    if pa.types.is_struct(field.type):
        _add_group(table, field, prefix)
        return
    path = prefix + field.name
    datatype, arraysize, xtype = _vo_type(field.type)
    attributes = {"ID": _identifier(path), "name": path, "datatype": datatype}
    attributes |= {k: v for k, v in (("arraysize", arraysize), ("xtype", xtype)) if v}
    _say(ET.SubElement(table, "FIELD", attributes), field)


def _add_group(table: ET.Element, field: pa.Field, prefix: str) -> None:
    path = prefix + field.name
    group = _say(ET.SubElement(table, "GROUP", {"name": path}), field)
    if nested_fields(field.type):
        flag = {"name": "is_nested_column", "datatype": "boolean", "value": "t"}
        ET.SubElement(group, "PARAM", flag)
    for i in range(field.type.num_fields):
        inner = field.type.field(i)
        _add_field(table, inner, path + ".")
        if not pa.types.is_struct(inner.type):
            ET.SubElement(group, "FIELDref", {"ref": _identifier(f"{path}.{inner.name}")})


def _say(element: ET.Element, field: pa.Field) -> ET.Element:
    words = meaning(field)
    for key in ("unit", "ucd", "utype"):
        if key in words and (key != "unit" or element.tag == "FIELD"):
            element.set(key, _printable(words[key]))
    if "description" in words:
        ET.SubElement(element, "DESCRIPTION").text = _printable(words["description"])
    return element


def _vo_type(kind: Any) -> tuple[str, str, str]:
    """(datatype, arraysize, xtype) of an Arrow type; text where VOTable has nothing nearer."""
    if pa.types.is_dictionary(kind):
        return _vo_type(kind.value_type)
    if pa.types.is_fixed_size_list(kind):
        datatype, inner, xtype = _vo_type(kind.value_type)
        return datatype, f"{inner}x{kind.list_size}" if inner else str(kind.list_size), xtype
    if _is_list(kind):
        datatype, inner, xtype = _vo_type(kind.value_type)
        # Lengths may vary in the last dimension only; a list of texts is written as one text.
        return datatype, "*" if not inner or "*" in inner else f"{inner}x*", xtype
    for test, told in _VO_TYPES:
        if test(kind):
            return told
    return "unicodeChar", "*", ""


_VO_TYPES = (
    (pa.types.is_boolean, ("boolean", "", "")),
    (pa.types.is_uint8, ("unsignedByte", "", "")),
    (pa.types.is_int8, ("short", "", "")),
    (pa.types.is_int16, ("short", "", "")),
    (pa.types.is_uint16, ("int", "", "")),
    (pa.types.is_int32, ("int", "", "")),
    (pa.types.is_integer, ("long", "", "")),
    (pa.types.is_float64, ("double", "", "")),
    (pa.types.is_floating, ("float", "", "")),
    (pa.types.is_decimal, ("double", "", "")),
    (pa.types.is_temporal, ("char", "*", "timestamp")),
    (pa.types.is_binary, ("unsignedByte", "*", "")),
    (pa.types.is_large_binary, ("unsignedByte", "*", "")),
)


def _is_list(kind: Any) -> bool:
    return bool(
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )


def _identifier(path: str) -> str:
    """An XML ID: letters, digits, `_`, `-` and `.` only, not beginning with a digit."""
    plain = re.sub(r"[^\w.-]", "_", path, flags=re.ASCII)
    return plain if re.match(r"[A-Za-z_]", plain) else "_" + plain


def _printable(text: str) -> str:
    """The text without the control characters that XML 1.0 cannot hold."""
    return re.sub(r"[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]", " ", text)


def _tag(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _parse_xml(text: bytes, file: str) -> ET.Element:
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise DamagedError(
            f"{file}: the VOTable header declares a document type, but entities are never "
            "expanded here: remove the declaration"
        )
    try:
        return ET.fromstring(text)  # noqa: S314  no document type, so no entity
    except ET.ParseError as error:
        raise DamagedError(
            f"{file}: the VOTable header is not XML ({error}): write it again, or drop the key "
            f"{VO_CONTENT.decode()}"
        ) from None


def leaf_columns(schema: pa.Schema) -> Iterator[tuple[str, pa.DataType]]:
    """(path in the Parquet file, type) of every primitive column, in the order of the file."""
    for field in schema:
        yield from _leaves(field.name, field.type)


def _leaves(path: str, kind: Any) -> Iterator[tuple[str, Any]]:
    if pa.types.is_struct(kind):
        for i in range(kind.num_fields):
            yield from _leaves(f"{path}.{kind.field(i).name}", kind.field(i).type)
    elif _is_list(kind):
        yield from _leaves(f"{path}.list.element", kind.value_type)
    else:
        yield path, kind.value_type if pa.types.is_dictionary(kind) else kind
