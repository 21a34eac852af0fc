"""The columns of a catalogue, and whether a tile's file agrees with them.

Other writers differ in harmless ways (large or plain text and lists, dictionaries, a column that is
all null in one tile); those are mended when read. Any other difference is damage.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from skyquarry.catalog import properties as props
from skyquarry.catalog.columns import SPATIAL, from_voparquet
from skyquarry.catalog.footers import footer_of, unreadable
from skyquarry.errors import DamagedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skyquarry.catalog.files import Folder

COMMON = "dataset/_common_metadata"
_ORDER_IN_NAME = re.compile(r"_healpix_(\d{1,2})$")


def read_schema(folder: Folder, first_leaf: str | None) -> pa.Schema:
    """The columns of a catalogue with their meanings, from `_common_metadata`, else from a leaf."""
    rel = COMMON
    if not folder.exists(rel):
        if first_leaf is None:
            raise DamagedError(
                f"{folder.path(rel)} is missing and there is no tile that could tell the columns; "
                "restore the file"
            )
        rel = first_leaf
    return from_voparquet(_plain(_schema_in(folder, rel)), folder.path(rel))


def _schema_in(folder: Folder, rel: str) -> pa.Schema:
    import pyarrow.parquet as pq

    if rel != COMMON:
        return footer_of(folder, rel)[1].schema
    try:
        return pq.read_schema(pa.BufferReader(folder.read_bytes(rel)))
    except (pa.ArrowException, OSError) as error:
        raise unreadable(folder.path(rel), error) from error


def _plain(schema: pa.Schema) -> pa.Schema:
    """The schema without what other programs noted for themselves (pandas, Parquet field ids)."""
    fields = [f.with_metadata(_without(f.metadata, b"PARQUET:field_id")) for f in schema]
    return pa.schema(fields, metadata=_without(schema.metadata, b"pandas"))


def _without(metadata: Mapping[bytes, bytes] | None, key: bytes) -> dict[bytes, bytes] | None:
    return {k: v for k, v in (metadata or {}).items() if k != key} or None


@dataclass(frozen=True, slots=True)
class Spatial:
    """Which column holds a row's HEALPix pixel, and at which order; None where none does."""

    column: str | None
    order: int = 29

    @property
    def exact(self) -> bool:
        """Whether the column says the pixel of order 29."""
        return self.column is not None and self.order == 29


def spatial_of(properties: Mapping[str, str], schema: pa.Schema, file: str) -> Spatial:
    """The spatial column of a catalogue, by its properties, else by its usual name."""
    named = properties.get("hats_col_healpix", SPATIAL).strip()
    if named not in schema.names:
        named = next((n for n in schema.names if _ORDER_IN_NAME.match(n)), "")
    if not named:
        return Spatial(None)
    in_name = _ORDER_IN_NAME.match(named)
    default = int(in_name[1]) if in_name else 29
    order = props.as_integer(properties, "hats_col_healpix_order", file)
    order = default if order is None else order
    if not 0 <= order <= 29:
        raise DamagedError(
            f"{file}: hats_col_healpix_order is {order}, but orders go from 0 to 29; correct it"
        )
    return Spatial(named, order)


def agreement(wanted: pa.Schema, found: pa.Schema, file: str) -> frozenset[str]:
    """The columns of a leaf that need a cast to be as the catalogue's schema says.

    Harmless differences (large or plain text and lists, dictionaries, an all-null column) are
    mended when read.

    Raises
    ------
    DamagedError
        When a column is missing or of another type.
    """
    have = {field.name: field.type for field in found}
    casts = set()
    for field in wanted:
        if field.name not in have:
            raise DamagedError(
                f"{file} has no column {field.name}, but the catalogue's schema "
                "(dataset/_common_metadata) has; build the catalogue again"
            )
        if have[field.name] == field.type:
            continue
        if not _akin(field.type, have[field.name]):
            raise DamagedError(
                f"{file}: the column {field.name} is {have[field.name]}, but the catalogue's "
                f"schema (dataset/_common_metadata) says {field.type}; build the catalogue again"
            )
        casts.add(field.name)
    return frozenset(casts)


def _akin(one: Any, other: Any) -> bool:
    """Whether two types hold the same values in another form."""
    if pa.types.is_null(other):
        return True
    if pa.types.is_dictionary(one) or pa.types.is_dictionary(other):
        inner = [t.value_type if pa.types.is_dictionary(t) else t for t in (one, other)]
        return _akin(inner[0], inner[1])
    if _is_text(one) or _is_bytes(one):
        return _is_text(other) if _is_text(one) else _is_bytes(other)
    if pa.types.is_struct(one) and pa.types.is_struct(other):
        return [one.field(i).name for i in range(one.num_fields)] == [
            other.field(i).name for i in range(other.num_fields)
        ] and all(_akin(one.field(i).type, other.field(i).type) for i in range(one.num_fields))
    if _is_list(one) and _is_list(other):
        return _akin(one.value_type, other.value_type)
    return bool(one == other)


def _is_text(kind: Any) -> bool:
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _is_bytes(kind: Any) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _is_list(kind: Any) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))
