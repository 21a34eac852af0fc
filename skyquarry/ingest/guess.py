"""What the columns of a table without a role file are, by UCD, name and unit; every guess is said.

A guess is a sentence that the user sees. Where two answers are as good as each other there is no
guess but an error that names both and the keyword that decides.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from skyquarry.catalog.columns import meaning, resolve
from skyquarry.catalog.roles import Band, Epoch, Motion, PositionError, Roles
from skyquarry.errors import ColumnError

PAIRS = (
    ("ra", "dec"),
    ("ra_icrs", "de_icrs"),
    ("ra_icrs", "dec_icrs"),
    ("raj2000", "dej2000"),
    ("ra_j2000", "dec_j2000"),
    ("ramean", "decmean"),
    ("ra_deg", "dec_deg"),
    ("radeg", "decdeg"),
    ("radeg", "dedeg"),
    ("ra2000", "dec2000"),
    ("alpha_j2000", "delta_j2000"),
    ("alpha", "delta"),
    ("right_ascension", "declination"),
    ("rightascension", "declination"),
    ("rarad", "derad"),
    ("s_ra", "s_dec"),
    ("coord_ra", "coord_dec"),
    ("_raj2000", "_dej2000"),
    ("_ra", "_de"),
    ("_ra_icrs", "_de_icrs"),
)
"""Names of position columns as surveys and VizieR have them, lower case."""
_GALACTIC = (("l", "b"), ("glon", "glat"), ("gal_l", "gal_b"), ("gall", "galb"))
_B1950 = (("rab1950", "deb1950"), ("ra_1950", "dec_1950"))
_IDS = [
    "source_id",
    "objid",
    "object_id",
    "objectid",
    "obj_id",
    "id",
    "sourceid",
    "src_id",
    "diaobjectid",
    "designation",
    "gaia_source_id",
    "hip",
    "name",
    "ident",
]
_TIMES = [
    "mjd",
    "obsmjd",
    "mjd_obs",
    "midpointmjdtai",
    "midpointtai",
    "time",
    "hjd",
    "bjd",
    "jd",
    "obstime",
    "epoch",
]
_EPOCHS = ("ref_epoch", "refepoch", "epoch_ref")
_FRAMES = {
    "icrs": "icrs",
    "fk5": "fk5",
    "eq_fk5": "fk5",
    "j2000": "fk5",
    "fk4": "fk4",
    "eq_fk4": "fk4",
    "b1950": "fk4",
    "galactic": "galactic",
    "supergalactic": "supergalactic",
    "super_galactic": "supergalactic",
    "ecliptic": "ecliptic",
    "ecl_fk5": "ecliptic",
}
_UNITS = {
    "deg": "deg",
    "degree": "deg",
    "degrees": "deg",
    "°": "deg",
    "rad": "rad",
    "radian": "rad",
    "radians": "rad",
    "h": "hourangle",
    "hr": "hourangle",
    "hour": "hourangle",
    "hours": "hourangle",
    "hourangle": "hourangle",
    "15deg": "hourangle",
    "15 deg": "hourangle",
}
_SMALL_ANGLES = ("arcmin", "arcsec", "mas", "uas")


@dataclass(frozen=True, slots=True)
class Guess:
    """Roles, and a sentence for each that was guessed."""

    roles: Roles
    notes: tuple[str, ...]
    unit_stated: bool = False
    """whether the table itself says the unit of its positions"""


def guess_roles(schema: pa.Schema, *, kind: str = "object", positions: bool = True) -> Guess:
    """Roles of a table by its UCDs, names and units.

    kind: "source" also looks for a time. positions: False for a child table.

    Raises ColumnError where no position columns are found, or several.
    """
    told = _Columns(schema)
    notes: list[str] = []
    roles, stated = Roles(), False
    if positions:
        roles, stated = _with_positions(told, notes)
    roles = replace(roles, id=_id(told, notes), epoch=_epoch(told, notes))
    roles = replace(roles, motion=_motion(told, notes), bands=_bands(told, notes))
    if roles.ra is not None:
        roles = replace(roles, position_error=_position_error(told, notes))
    if kind == "source":
        roles = replace(roles, time=_time(told, notes))
    return Guess(roles, tuple(notes), stated)


def stated_unit(schema: pa.Schema, ra: str, dec: str) -> str | None:
    """The unit that the table states for a position; None where it states none.

    Raises ColumnError for two columns whose units contradict each other, and for small angles.
    """
    told = [meaning(schema.field(name)).get("unit", "").strip() for name in (ra, dec)]
    for name, unit in zip((ra, dec), told, strict=True):
        if unit.lower() in _SMALL_ANGLES:
            raise ColumnError(
                f"{name} is in {unit}, but a position in deg, rad or hours is needed: convert it, "
                'or pass ra_unit="deg" if the table is wrong about it'
            )
    east, north = (_UNITS.get(unit.lower()) for unit in told)
    if east == "hourangle" and north in {"deg", None}:
        return east
    if east is not None and north is not None and east != north:
        raise ColumnError(
            f"{ra} is in {told[0]} and {dec} in {told[1]}, but one unit is needed for both (or "
            "hours and degrees): convert one, or pass ra_unit= if the table is wrong about it"
        )
    return east or (north if north == "rad" else None)


def is_text(kind: Any) -> bool:
    """Whether a column holds texts, coded or plain."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def position_unit(schema: pa.Schema, ra: str) -> str | None:
    """The unit that the table gives for a position column; sexagesimal for text, None for none."""
    field = schema.field(ra)
    if is_text(field.type):
        return "sexagesimal"
    return _UNITS.get(meaning(field).get("unit", "").strip().lower())


class _Columns:
    """The columns of a schema by lower-case name and by UCD."""

    def __init__(self, schema: pa.Schema) -> None:
        self.schema = schema
        self.by_name: dict[str, list[str]] = {}
        self.by_ucd: dict[str, list[str]] = {}
        for field in schema:
            self.by_name.setdefault(field.name.lower(), []).append(field.name)
            ucd = meaning(field).get("ucd", "").lower()
            if ucd:
                self.by_ucd.setdefault(ucd, []).append(field.name)

    def named(self, name: str) -> str | None:
        """The column of this name, without regard to case; the exact spelling first."""
        found = self.by_name.get(name, [])
        return name if name in found else found[0] if found else None

    def unit(self, name: str) -> str:
        """The unit that the table gives for a column, empty where it gives none."""
        return meaning(self.schema.field(name)).get("unit", "").strip()

    def is_number(self, name: str) -> bool:
        kind = self.schema.field(name).type
        return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


# ---------------------------------------------------------------------- positions
def _with_positions(told: _Columns, notes: list[str]) -> tuple[Roles, bool]:
    ra, dec, frame, why = _position_columns(told)
    stated = (told.schema.metadata or {}).get(b"frame", b"").decode("utf-8", "replace")
    if frame == "icrs" and stated:
        frame = _FRAMES.get(stated.strip().lower().partition(" ")[0], frame)
    unit = position_unit(told.schema, ra)
    word = "taken as degrees, since no unit is stated" if unit is None else f"in {unit}"
    word = "as text" if unit == "sexagesimal" else word
    notes.append(f"positions are {ra} and {dec} ({why}), {word}, {frame.upper()}")
    roles = Roles(ra=ra, dec=dec, frame=frame, position_unit=unit or "deg")  # type: ignore[arg-type]
    return roles, unit is not None


def _position_columns(told: _Columns) -> tuple[str, str, str, str]:
    """(ra, dec, frame, why these). Raises ColumnError."""
    main = [told.by_ucd.get(f"pos.eq.{axis};meta.main", []) for axis in ("ra", "dec")]
    if all(len(found) == 1 for found in main):
        return main[0][0], main[1][0], "icrs", "by UCD"
    for pairs, frame in ((PAIRS, "icrs"), (_GALACTIC, "galactic"), (_B1950, "fk4")):
        found = _named_pairs(told, pairs)
        plain = [pair for pair in found if tuple(n.lower() for n in pair) == PAIRS[0]]
        if len(found) == 1 or len(plain) == 1:
            return *(plain or found)[0], frame, "by name"
        if found:
            raise _ambiguous(found)
    equatorial = [told.by_ucd.get(f"pos.eq.{axis}", []) for axis in ("ra", "dec")]
    if all(len(found) == 1 for found in equatorial):
        return equatorial[0][0], equatorial[1][0], "icrs", "by UCD"
    if all(equatorial):
        raise _ambiguous(list(zip(*equatorial, strict=False)))
    shown = ", ".join(told.schema.names[:12]) + (", ..." if len(told.schema) > 12 else "")
    raise ColumnError(
        f"the columns {shown} were given, and none are known as a position: name them with "
        "ra= and dec=, or pass survey="
    )


def _named_pairs(told: _Columns, pairs: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    """Every pair that is there, each once."""
    found: dict[tuple[str, str], None] = {}
    for ra, dec in pairs:
        for east in told.by_name.get(ra, []):
            for north in told.by_name.get(dec, []):
                found[east, north] = None
    exact = [pair for pair in found if pair == ("ra", "dec")]
    return exact or list(found)


def _ambiguous(found: list[tuple[str, str]]) -> ColumnError:
    pairs = "; ".join(f"{ra}, {dec}" for ra, dec in found)
    return ColumnError(
        f"the table has several positions ({pairs}), and one is needed to place its rows: choose "
        f'with ra="{found[0][0]}", dec="{found[0][1]}"'
    )


# ---------------------------------------------------------------------- the others
def _id(told: _Columns, notes: list[str]) -> str | None:
    main = [n for n in told.by_ucd.get("meta.id;meta.main", []) if _can_be_id(told, n)]
    if len(main) == 1:
        notes.append(f"the id is {main[0]} (by UCD)")
        return main[0]
    named = [n for each in _IDS if (n := told.named(each)) is not None and _can_be_id(told, n)]
    if not named:
        return None
    others = f"; {', '.join(named[1:])} would do as well: id= decides" if len(named) > 1 else ""
    notes.append(f"the id is {named[0]} (by name{others})")
    return named[0]


def _can_be_id(told: _Columns, name: str) -> bool:
    kind = told.schema.field(name).type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(
        pa.types.is_integer(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind)
    )


def _epoch(told: _Columns, notes: list[str]) -> Epoch | None:
    for name in _EPOCHS:
        column = told.named(name)
        if column is not None and told.is_number(column):
            notes.append(f"the epoch of each position is {column} (by name), in Julian years")
            return Epoch(column=column)
    text = (told.schema.metadata or {}).get(b"epoch", b"").decode("utf-8", "replace").strip()
    try:
        year = float(text.lstrip("Jj"))
    except ValueError:
        return None
    notes.append(f"the epoch of all positions is J{year} (the table says so)")
    return Epoch(jyear=year)


def _motion(told: _Columns, notes: list[str]) -> Motion | None:
    found = [_one_of_ucd(told, f"pos.pm;pos.eq.{axis}") for axis in ("ra", "dec")]
    east, north = found
    if east is None or north is None or told.unit(east) != told.unit(north):
        return None
    unit = {"mas/yr": "mas/yr", "mas.yr-1": "mas/yr", "arcsec/yr": "arcsec/yr"}.get(
        told.unit(east).replace("**", "").replace(" ", ".").replace("mas/yr", "mas/yr")
    )
    if unit is None:
        return None
    notes.append(f"the proper motion is {east}, {north} (by UCD), in {unit}, ra times cos(dec)")
    return Motion(pmra=east, pmdec=north, unit=unit)  # type: ignore[arg-type]


def _position_error(told: _Columns, notes: list[str]) -> PositionError | None:
    found = [_one_of_ucd(told, f"stat.error;pos.eq.{axis}") for axis in ("ra", "dec")]
    east, north = found
    if east is None or north is None or told.unit(east) != told.unit(north):
        return None
    unit = told.unit(east)
    if unit not in {"mas", "arcsec", "deg", "uas"}:
        return None
    notes.append(f"the position's error is {east}, {north} (by UCD), one sigma in {unit}")
    return PositionError(model="covariance", columns=(east, north), unit=unit)


def _one_of_ucd(told: _Columns, ucd: str) -> str | None:
    found = [n for n in told.by_ucd.get(ucd, []) if told.is_number(n)]
    return found[0] if len(found) == 1 else None


def _bands(told: _Columns, notes: list[str]) -> tuple[Band, ...]:
    """Magnitudes by their UCD; the system is not known from that, and Vega is assumed."""
    bands: dict[str, Band] = {}
    for ucd, names in told.by_ucd.items():
        if not ucd.startswith("phot.mag") or "stat.error" in ucd:
            continue
        for column in names:
            if told.is_number(column):
                bands[column] = Band(name=column, column=column)
    if bands:
        notes.append(
            f"magnitudes are {', '.join(bands)} (by UCD), taken as Vega's: a role file can say more"
        )
    return tuple(bands.values())


def _time(told: _Columns, notes: list[str]) -> str | None:
    ucd = _one_of_ucd(told, "time.epoch")
    named = [n for each in _TIMES if (n := told.named(each)) is not None]
    found = ucd or (named[0] if named else None)
    if found is not None:
        notes.append(f"the time of each measurement is {found} ({'by UCD' if ucd else 'by name'})")
    return found


def column_of(schema: pa.Schema, name: str, keyword: str) -> str:
    """The column that a keyword names. Raises ColumnError with the nearest names."""
    try:
        return resolve(schema, name)
    except ColumnError as error:
        raise ColumnError(f"{keyword}={name!r}: {error}") from None


def described(roles: Roles) -> dict[str, Any]:
    """The roles that are set, for a line of `explain`."""
    names = ("id", "ra", "dec", "frame", "position_unit", "time", "object_id")
    return {name: value for name in names if (value := getattr(roles, name)) is not None}
