"""What the service itself says of a table: its columns, and which of them hold the position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skyquarry.catalog.columns import meaning
from skyquarry.catalog.rolekeys import nearest
from skyquarry.errors import ColumnError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from skyquarry.surveys.fetch.target import Target

_DEGREES = (None, "", "deg", "degree", "degrees")
_RA_NAMES = ("ra", "raj2000", "ra_icrs", "raicrs", "ramean", "radeg", "_ra", "_raj2000", "alpha")
_DEC_NAMES = ("dec", "dej2000", "de_icrs", "deicrs", "decmean", "dedeg", "_de", "_dej2000", "delta")


@dataclass(frozen=True, slots=True)
class Head:
    """A table, its position's columns and the columns asked for, all by the service's own names."""

    table: str
    ra: str
    dec: str
    asked: tuple[str, ...] | None
    where: str | None
    area: str
    healpix: str | None
    healpix_order: int
    healpix_step: int
    missing: tuple[str, ...] = ()
    """Columns of the role file that the service's table has not."""


def head_of(target: Target, columns: Sequence[tuple[str, str | None]]) -> Head:
    """The head of a table whose columns, (name, UCD) each, the service has told.

    Raises ColumnError naming the column that is not there.
    """
    names = [name for name, _ in columns]
    ra = _position(target, target.ra, columns, "pos.eq.ra", _RA_NAMES)
    dec = _position(target, target.dec, columns, "pos.eq.dec", _DEC_NAMES)
    pixel = None
    if target.service.area == "healpix":
        pixel = _found(target.service.healpix or "", names, target, _spellings(target))
    asked, missing = _asked(target, names)
    needed = [each for each in (ra, dec, pixel) if each is not None]
    if asked is not None:
        asked = (*(each for each in needed if each not in asked), *asked)
    return _head(target, ra, dec, asked, pixel, missing)


def check_position(target: Target, head: Head, schema: pa.Schema) -> None:
    """Raise ColumnError where the position is not in degrees, or the pixel no whole number."""
    import pyarrow as pa

    for name in (head.ra, head.dec):
        kind, unit = schema.field(name).type, meaning(schema.field(name)).get("unit")
        number = pa.types.is_floating(kind) or pa.types.is_integer(kind)
        if not number or unit not in _DEGREES:
            raise ColumnError(
                f"column {name} of {target.title} is {kind} with the unit {unit}, but cells are "
                "cut by degrees: name columns of degrees with ra and dec (--ra, --dec)"
            )
    if head.healpix is not None and not pa.types.is_integer(schema.field(head.healpix).type):
        raise ColumnError(
            f"column {head.healpix} of {target.title} is {schema.field(head.healpix).type}, but a "
            "HEALPix pixel is a whole number: say cells by another area (--area circle)"
        )


def supposed_head(target: Target) -> Head:
    """The head as the role file has it, without a question to the service."""
    ra, dec = target.ra or "ra", target.dec or "dec"
    pixel = target.service.healpix if target.service.area == "healpix" else None
    return _head(target, ra, dec, target.columns, pixel, ())


def _head(
    target: Target,
    ra: str,
    dec: str,
    asked: tuple[str, ...] | None,
    pixel: str | None,
    missing: tuple[str, ...],
) -> Head:
    service = target.service
    return Head(
        service.table,
        ra,
        dec,
        asked,
        target.where,
        service.area,
        pixel,
        service.healpix_order,
        service.healpix_step,
        missing,
    )


def columns_of(schema: pa.Schema) -> list[tuple[str, str | None]]:
    """(name, UCD) of each column of an answer."""
    return [(field.name, meaning(field).get("ucd")) for field in schema]


def _asked(target: Target, names: Sequence[str]) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    """The wanted columns as the service calls them, and those that it has not."""
    if target.columns is None:
        return None, ()
    spellings = _spellings(target)
    if target.chosen:
        return tuple(_found(each, names, target, spellings) for each in target.columns), ()
    pairs = [(each, _match(each, names, spellings)) for each in target.columns]
    missing = tuple(each for each, found in pairs if found is None)
    return tuple(dict.fromkeys(found for _, found in pairs if found is not None)), missing


def _position(
    target: Target,
    given: str | None,
    columns: Sequence[tuple[str, str | None]],
    ucd: str,
    usual: Sequence[str],
) -> str:
    names = [name for name, _ in columns]
    if given is not None:
        return _found(given, names, target, _spellings(target))
    marked = [n for n, told in columns if (told or "").lower() == f"{ucd};meta.main"]
    marked = marked or [n for n, told in columns if (told or "").lower() == ucd]
    usually = [n for word in usual for n in names if n.lower() == word]
    for found in (marked, usually):
        if found:
            return found[0]
    raise ColumnError(
        f"{target.title} has no column that looks like {ucd}, but positions are needed: name them "
        f"with ra and dec; it has {', '.join(names[:40])}"
    )


def _spellings(target: Target) -> Mapping[str, str]:
    return {} if target.survey is None else target.survey.roles.spellings


def _found(column: str, names: Sequence[str], target: Target, spellings: Mapping[str, str]) -> str:
    match = _match(column, names, spellings)
    if match is None:
        raise ColumnError(
            f"{target.title} has no column {column!r}, but it is needed: {nearest(column, names)}"
        )
    return match


def _match(column: str, names: Sequence[str], spellings: Mapping[str, str]) -> str | None:
    """What a service calls a column: so, but for case, or by another spelling of it."""
    if column in names:
        return column
    folded = [each for each in names if each.lower() == column.lower()]
    spelled = [each for each in names if spellings.get(each) == column]
    return next(iter([*folded, *spelled]), None)


def as_payload(head: Head) -> dict[str, Any]:
    """What a journal keeps of a head."""
    from dataclasses import asdict

    return asdict(head)


def from_payload(told: Mapping[str, Any]) -> Head:
    """A head that a journal kept."""
    asked = told["asked"]
    whole = {"asked": None if asked is None else tuple(asked), "missing": tuple(told["missing"])}
    return Head(**(dict(told) | whole))
