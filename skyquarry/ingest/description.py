"""What a build needs to know of its input: roles, conversions, sentinels; from role file or guess.

A keyword of the caller wins over the role file, and that over a guess. The unit that a table states
for its positions wins over the role file's: tables are converted, and say so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from skyquarry.catalog.columns import MEANINGS, describe, meaning
from skyquarry.errors import ColumnError, UserError
from skyquarry.ingest.clean import XYZ, Cleaning
from skyquarry.ingest.guess import (
    column_of,
    guess_roles,
    is_text,
    position_unit,
    stated_unit,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skyquarry.catalog.roles import Roles, Survey

UNITS = ("deg", "rad", "hourangle", "sexagesimal")
_STORED_NAMES = (("ra", "dec"), ("ra_icrs", "dec_icrs"), ("ra_deg_icrs", "dec_deg_icrs"))


@dataclass(frozen=True, slots=True)
class Given:
    """What the caller says of the columns; None: not said."""

    survey: Survey | None = None
    ra: str | None = None
    dec: str | None = None
    id: str | None = None
    time: str | None = None
    kind: str = "object"
    ra_unit: str | None = None
    frame: str | None = None
    xyz: bool = False


@dataclass(frozen=True, slots=True)
class Described:
    """An input whose columns are known."""

    roles: Roles
    """of the catalogue: its positions are ICRS degrees"""
    cleaning: Cleaning | None
    """None for a child table, whose rows have no positions"""
    schema: pa.Schema
    """of the input, with what the role file says of its columns"""
    sentinels: tuple[tuple[str, tuple[float | str, ...]], ...]
    notes: tuple[str, ...]
    unit_stated: bool
    """whether the unit of positions is known, and not taken to be degrees"""

    @property
    def key(self) -> str | None:
        """The column that rows of one pixel are sorted by, and the id index is made of."""
        return self.roles.id or self.roles.object_id


def describe_input(schema: pa.Schema, given: Given, *, positions: bool = True) -> Described:
    """Roles, cleaning and notes for a table of this schema.

    Raises ColumnError for a column that is missing, with the nearest names; UserError for
    keywords that contradict each other.
    """
    _check(given)
    roles, notes, stated = _roles_of(schema, given, positions=positions)
    if given.kind == "source":
        roles = _as_source(roles, schema)
    annotated = with_meanings(schema, given.survey)
    sentinels = sentinels_of(schema, given.survey)
    if not positions:
        return Described(
            replace(roles, ra=None, dec=None), None, annotated, sentinels, notes, unit_stated=True
        )
    assert roles.ra is not None
    assert roles.dec is not None
    texts = any(is_text(schema.field(name).type) for name in (roles.ra, roles.dec))
    unit = _unit_of_texts(roles, given) if texts else roles.position_unit
    if unit == "text":
        stated = given.survey is not None
        told = (
            f"{roles.ra} and {roles.dec} are text: plain numbers are taken as degrees, such as "
            "12:34:56.7 as sexagesimal"
        )
        notes = (*notes, told)
    converts = texts or roles.frame != "icrs" or unit != "deg"
    stored = _stored_names(schema, roles.ra, roles.dec, converts=converts)
    cleaning = Cleaning(
        schema=annotated,
        ra=roles.ra,
        dec=roles.dec,
        frame=roles.frame,
        unit=unit,
        stored_ra=stored[0],
        stored_dec=stored[1],
        sentinels=sentinels,
        xyz=_checked_xyz(schema, wanted=given.xyz),
    )
    if converts:
        notes = (*notes, f"positions are converted: {stored[0]} and {stored[1]} are ICRS degrees")
        roles = replace(roles, ra=stored[0], dec=stored[1], frame="icrs", position_unit="deg")
    return Described(roles, cleaning, annotated, sentinels, notes, stated)


def _check(given: Given) -> None:
    if given.kind not in {"object", "source"}:
        raise UserError(
            f"kind is {given.kind!r}, but 'object' or 'source' is needed: leave it out for objects"
        )
    if (given.ra is None) != (given.dec is None):
        raise UserError(
            f"ra={given.ra!r} and dec={given.dec!r} were given, but both columns are needed, or "
            "neither: name the other one too"
        )
    if given.ra_unit is not None and given.ra_unit not in UNITS:
        raise UserError(
            f"ra_unit is {given.ra_unit!r}, but one of {', '.join(UNITS)} is needed: leave it out "
            "for degrees"
        )


def _roles_of(
    schema: pa.Schema, given: Given, *, positions: bool
) -> tuple[Roles, tuple[str, ...], bool]:
    """(roles, notes, whether the unit is stated) before any conversion."""
    named = given.ra is not None
    if given.survey is not None:
        roles, missing = given.survey.roles.fitted(schema.names)
        notes = _missing_note(given, roles, missing)
        stated = True
        if positions and not named and roles.ra is None:
            raise _no_survey_position(schema, given.survey)
    else:
        guess = guess_roles(schema, kind=given.kind, positions=positions and not named)
        roles, notes, stated = guess.roles, guess.notes, guess.unit_stated
    if named and given.ra is not None and given.dec is not None:
        ra, dec = column_of(schema, given.ra, "ra"), column_of(schema, given.dec, "dec")
        unit = position_unit(schema, ra)
        own = given.survey is not None and (ra, dec) == (roles.ra, roles.dec)
        stated = unit is not None or own
        unit = unit or (roles.position_unit if own else "deg")
        roles = replace(roles, ra=ra, dec=dec, position_unit=unit)  # type: ignore[arg-type]
    if roles.ra is not None and roles.dec is not None and given.ra_unit is None:
        roles, note, found = _with_stated_unit(roles, schema, given)
        notes, stated = (*notes, *note), stated or found
    notes = (*notes, *_text_notes(schema, roles))
    if given.id is not None:
        notes = tuple(note for note in notes if not note.startswith("the id is "))
        roles = replace(roles, id=column_of(schema, given.id, "id"))
    if given.time is not None:
        roles = replace(roles, time=column_of(schema, given.time, "time"))
    if given.ra_unit is not None:
        roles, stated = replace(roles, position_unit=given.ra_unit), True  # type: ignore[arg-type]
    if given.frame is not None:
        roles = replace(roles, frame=given.frame)  # type: ignore[arg-type]
    return roles, notes, stated


def _text_notes(schema: pa.Schema, roles: Roles) -> tuple[str, ...]:
    """Magnitudes, motions and errors that are texts, as one odd word in a file makes them."""
    motion, error = roles.motion, roles.position_error
    named: list[str | None] = [roles.parallax, roles.parallax_error]
    named += [name for band in roles.bands for name in (band.column, band.error)]
    named += list(error.columns) if error else []
    named += [motion.pmra, motion.pmdec, motion.pmra_error, motion.pmdec_error] if motion else []
    odd = [name for name in dict.fromkeys(named) if name and is_text(schema.field(name).type)]
    if not odd:
        return ()
    told = (
        f"{', '.join(odd)}: texts, where numbers are needed: nothing is made of them; look for a "
        "word among the numbers, and build again"
    )
    return (told,)


def _with_stated_unit(
    roles: Roles, schema: pa.Schema, given: Given
) -> tuple[Roles, tuple[str, ...], bool]:
    """Roles with the unit that the table states, a note where a role file says another one."""
    assert roles.ra is not None
    assert roles.dec is not None
    unit = stated_unit(schema, roles.ra, roles.dec)
    if unit is None or is_text(schema.field(roles.ra).type):
        return roles, (), False
    fitted = replace(roles, position_unit=unit)  # type: ignore[arg-type]
    if given.survey is None or given.survey.roles.position_unit == unit:
        return fitted, (), True
    note = (
        f"{roles.ra} and {roles.dec} are read in {unit}, as the table states, though the role "
        f"file of {given.survey.name} says {given.survey.roles.position_unit}"
    )
    return fitted, (note,), True


def _unit_of_texts(roles: Roles, given: Given) -> str:
    """How positions in text are read: as announced, else ("text") each by what it looks like."""
    announced = given.survey is not None and given.survey.roles.position_unit == "sexagesimal"
    if given.ra_unit is not None or announced:
        return roles.position_unit
    return "text" if roles.position_unit in {"deg", "sexagesimal"} else roles.position_unit


_LOST: Final = {
    "id": "id",
    "bands": "magnitude",
    "position_error": "error of a position",
    "epoch": "epoch",
    "motion": "proper motion",
}
"""roles whose loss changes what a catalogue can be asked"""


def _missing_note(given: Given, fitted: Roles, missing: Sequence[str]) -> tuple[str, ...]:
    """Which columns of a role file a table lacks, and what nobody knows of its rows for that."""
    assert given.survey is not None
    if not missing:
        return ()
    shown = ", ".join(missing[:8]) + (", ..." if len(missing) > 8 else "")
    note = (
        f"the role file of {given.survey.name} also speaks of {shown}, which this table does not "
        "have"
    )
    told = given.survey.roles
    lost = [
        text for role, text in _LOST.items()
        if getattr(told, role) and not getattr(fitted, role) and not (role == "id" and given.id)
    ]  # fmt: skip
    if not lost:
        return (note,)
    return (f"{note}: so no {', no '.join(lost)} is known of its rows",)


def _no_survey_position(schema: pa.Schema, survey: Survey) -> ColumnError:
    shown = ", ".join(schema.names[:12]) + (", ..." if len(schema) > 12 else "")
    return ColumnError(
        f"the columns {shown} were given, but {survey.name} needs its positions "
        f"{survey.roles.ra} and {survey.roles.dec}: name them with ra= and dec=, or leave survey "
        "out"
    )


def _as_source(roles: Roles, schema: pa.Schema) -> Roles:
    """Roles of a table of measurements: the id may repeat, so it is the object's."""
    if roles.time is None:
        shown = ", ".join(schema.names[:12]) + (", ..." if len(schema) > 12 else "")
        raise ColumnError(
            f"kind='source' was given with the columns {shown}, but a time of each measurement is "
            "needed: name its column with time="
        )
    if roles.object_id is None and roles.id is not None:
        return replace(roles, id=None, object_id=roles.id)
    return roles


def _stored_names(schema: pa.Schema, ra: str, dec: str, *, converts: bool) -> tuple[str, str]:
    """The names of the columns that hold ICRS degrees: the input's own, or new ones."""
    if not converts:
        return ra, dec
    taken = {name.lower() for name in schema.names}
    for pair in _STORED_NAMES:
        if not taken & set(pair):
            return pair
    raise ColumnError(
        f"positions of {ra} and {dec} have to be converted, but the names for the result are "
        f"taken ({', '.join('/'.join(pair) for pair in _STORED_NAMES)}): rename those columns"
    )


def _checked_xyz(schema: pa.Schema, *, wanted: bool) -> bool:
    taken = [name for name in XYZ if name in schema.names]
    if wanted and taken:
        raise ColumnError(
            f"xyz=True adds the columns {', '.join(XYZ)}, but the table has {', '.join(taken)} "
            "already: leave xyz out, or rename those"
        )
    return wanted


def with_meanings(schema: pa.Schema, survey: Survey | None) -> pa.Schema:
    """The schema with unit, UCD and description of the role file where the table has none."""
    if survey is None or not survey.columns:
        return schema
    known = {name.lower(): column for name, column in survey.columns.items()}
    fields = []
    for field in schema:
        ours = survey.roles.spellings.get(field.name, field.name)
        column = known.get(field.name.lower()) or known.get(ours.lower())
        if column is not None:
            told = {key: getattr(column, key, None) for key in MEANINGS}
            missing = {k: v for k, v in told.items() if v and k not in meaning(field)}
            field = describe(field, **missing)  # noqa: PLW2901
        fields.append(field)
    return pa.schema(fields, metadata=schema.metadata)


def sentinels_of(
    schema: pa.Schema, survey: Survey | None
) -> tuple[tuple[str, tuple[float | str, ...]], ...]:
    """The values that mean "missing", by column, of the columns that have any."""
    if survey is None or not survey.sentinels:
        return ()
    spelled = {name.lower(): name for name in survey.sentinels}
    found: list[tuple[str, tuple[Any, ...]]] = []
    for name in schema.names:
        values = survey.sentinels_of(spelled.get(name.lower(), name))
        if values:
            found.append((name, tuple(values)))
    return tuple(found)
