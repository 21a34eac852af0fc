"""What the columns of a catalogue are: the id, the position and its error, the motion, the bands.

`Roles` travels with a catalogue: as the `[roles]` table of a survey's role file, and as flat
`skyquarry_*` keys in `hats.properties`, which has no keys of its own for any of this. Both
spellings are read and written by `catalog/rolekeys.py`; both round trips are exact.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping  # noqa: TC003  (read by get_type_hints)
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, Literal

from skyquarry.catalog.conventions import ARCSEC, Epoch, PositionError, TimeFormat
from skyquarry.catalog.rolekeys import check_choices, from_mapping, from_properties, to_properties
from skyquarry.catalog.services import BulkFiles, Service  # noqa: TC001  (get_type_hints)
from skyquarry.errors import UserError

__all__ = [
    "Band",
    "Column",
    "Epoch",
    "Motion",
    "PositionError",
    "Reference",
    "Roles",
    "Survey",
    "SurveyFootprint",
    "Trap",
]

Frame = Literal["icrs", "fk5", "fk4", "galactic", "ecliptic", "supergalactic"]
PositionUnit = Literal["deg", "rad", "hourangle", "sexagesimal"]


@dataclass(frozen=True, slots=True)
class Motion:
    """Proper motion: true motion of the star, parallax removed. An apparent motion is none."""

    pmra: str
    pmdec: str
    pmra_error: str | None = None
    pmdec_error: str | None = None
    unit: Literal["mas/yr", "arcsec/yr", "deg/yr", "rad/yr"] = "mas/yr"
    cos_dec: bool = True
    pmra_pmdec_corr: str | None = None
    ra_pmra_corr: str | None = None
    ra_pmdec_corr: str | None = None
    dec_pmra_corr: str | None = None
    dec_pmdec_corr: str | None = None
    """`cos_dec`: pmra already is d(ra)/dt * cos dec."""

    def __post_init__(self) -> None:
        check_choices(self)

    @property
    def to_masyr(self) -> float:
        """The factor from the columns' unit to mas/yr."""
        return ARCSEC[self.unit.removesuffix("/yr")] * 1000.0


@dataclass(frozen=True, slots=True)
class Band:
    """One photometric band of a survey."""

    name: str
    column: str
    error: str | None = None
    kind: Literal["mag", "flux"] = "mag"
    system: Literal["AB", "Vega", "asinh"] = "Vega"
    unit: str = "mag"
    softening: float | None = None
    wavelength_um: float | None = None
    extinction: float | None = None
    extinction_source: str | None = None
    """`system` asinh: AB zero point, magnitudes of Lupton, Gunn & Szalay 1999 with `softening` b.
    `extinction`: A_band / E(B-V), with the paper it is from."""

    def __post_init__(self) -> None:
        check_choices(self)
        if self.extinction is not None and self.extinction_source is None:
            raise UserError(f"band {self.name!r} has extinction {self.extinction} without a source")


@dataclass(frozen=True, slots=True)
class Roles:
    """Which column is what. Names are the catalogue's; None: there is no such column."""

    ra: str | None = None
    dec: str | None = None
    id: str | None = None
    frame: Frame = "icrs"
    position_unit: PositionUnit = "deg"
    epoch: Epoch | None = None
    position_error: PositionError | None = None
    motion: Motion | None = None
    parallax: str | None = None
    parallax_error: str | None = None
    parallax_unit: Literal["mas", "arcsec", "rad"] = "mas"
    radial_velocity: str | None = None
    radial_velocity_error: str | None = None
    bands: tuple[Band, ...] = ()
    extent: str | None = None
    class_column: str | None = None
    flags: tuple[str, ...] = ()
    time: str | None = None
    time_format: TimeFormat = "mjd"
    object_id: str | None = None
    spellings: Mapping[str, str] = field(default_factory=dict, compare=False)
    """`id` is unique in a table of objects; in a table of sources `object_id` names the object that
    a row is a measurement of, and `time` says when. A child table has no ra and dec of its own.
    `spellings`: what others (VizieR) call a column -> our name of it. They help to fit a table, and
    are kept neither by `fitted` nor in properties."""

    def __post_init__(self) -> None:
        check_choices(self)
        if (self.ra is None) != (self.dec is None):
            given = f"ra={self.ra!r}, dec={self.dec!r}"
            raise UserError(f"{given}: give both columns, or neither (a child table)")
        names = [band.name for band in self.bands]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise UserError(f"band {twice[0]!r} is given twice: each band needs its own name")

    def to_properties(self) -> dict[str, str]:
        """Flat `skyquarry_*` keys for hats.properties."""
        return to_properties(self)

    @classmethod
    def from_properties(cls, properties: Mapping[str, str]) -> Roles:
        """Roles from a catalogue's properties; DamagedError names the key that cannot be read."""
        return from_properties(cls, properties)

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], where: str = "roles") -> Roles:
        """Roles from the `[roles]` table of a role file; UserError names the key at fault."""
        return from_mapping(cls, mapping, where)

    def columns(self) -> tuple[str, ...]:
        """Every column that has a role, in order, each once."""
        return tuple(dict.fromkeys(_columns_of(self)))

    def tag_columns(self) -> tuple[str, ...]:
        """The columns of the narrow table: id, position, magnitudes, size, class."""
        wanted = [self.id, self.ra, self.dec, *(band.column for band in self.bands)]
        return tuple(dict.fromkeys(n for n in [*wanted, self.extent, self.class_column] if n))

    def renamed(self, names: Mapping[str, str]) -> Roles:
        """The same roles where column `old` is now called `names[old]`."""
        renamed: Roles = _mapped(self, lambda name: names.get(name, name))
        return renamed

    def fitted(self, names: Iterable[str]) -> tuple[Roles, tuple[str, ...]]:
        """Roles of a table that has only these columns, and the role columns that it lacks.

        A name is found as it is, else without regard to case, else by another spelling, taken to
        the letter (VizieR's upmag and uPmag are not the same). A role whose column is missing is
        dropped: an optional one alone, a whole band, error model, motion or epoch where the
        column is essential to it.
        """
        here = list(names)
        found = {name: self._found(name, here) for name in self.columns()}
        missing = tuple(name for name, match in found.items() if match is None)
        kept = replace(_without(self, set(missing)), spellings={})
        return kept.renamed({old: new for old, new in found.items() if new}), missing

    def _found(self, name: str, here: list[str]) -> str | None:
        """What a table with the columns `here` calls the column."""
        if name in here:
            return name
        folded = [each for each in here if each.lower() == name.lower()]
        spelled = [each for each in here if self.spellings.get(each) == name]
        return next(iter([*folded, *spelled]), None)


@dataclass(frozen=True, slots=True)
class Column:
    """What one column of a survey means."""

    type: str | None = None
    unit: str | None = None
    ucd: str | None = None
    description: str | None = None
    """`type` as in VOTable (short, int, long, float, double, char, boolean); unit in VOUnit."""


@dataclass(frozen=True, slots=True)
class SurveyFootprint:
    """Which part of the sky a survey covers."""

    moc: str | None = None
    area_deg2: float | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Trap:
    """Something about a survey's columns that has misled people."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Reference:
    """A paper to cite, with enough to write its BibTeX entry offline."""

    bibcode: str
    title: str
    authors: tuple[str, ...]
    year: int
    journal: str | None = None
    volume: str | None = None
    page: str | None = None
    doi: str | None = None


@dataclass(frozen=True, slots=True)
class Survey:
    """A survey's role file: its columns, sentinels, traps, and whom to thank."""

    name: str
    title: str
    roles: Roles
    aliases: tuple[str, ...] = ()
    columns: Mapping[str, Column] = field(default_factory=dict)
    sentinels: Mapping[str, tuple[float | str, ...]] = field(default_factory=dict)
    footprint: SurveyFootprint = field(default_factory=SurveyFootprint)
    traps: tuple[Trap, ...] = ()
    references: tuple[Reference, ...] = ()
    licence: str | None = None
    acknowledgement: str | None = None
    url: str | None = None
    service: Service | None = None
    bulk: BulkFiles | None = None
    like: str | None = None
    """`sentinels`: values that mean "missing", by column; those under '*' hold in every column.
    `like`: the survey that a role file of yours extends."""

    @property
    def rules(self) -> str:
        """The survey by whose rules columns are read: what is a limit, which zero point holds."""
        return self.like or self.name

    @property
    def bibcodes(self) -> tuple[str, ...]:
        """The papers to cite, as ADS bibcodes."""
        return tuple(reference.bibcode for reference in self.references)

    @property
    def dois(self) -> tuple[str, ...]:
        """The DOIs of the papers and of the data."""
        return tuple(reference.doi for reference in self.references if reference.doi)

    def sentinels_of(self, column: str) -> tuple[float | str, ...]:
        """The values of a column that mean "missing", by its name here or another spelling."""
        ours = self.roles.spellings.get(column, column)
        return (*self.sentinels.get("*", ()), *self.sentinels.get(ours, ()))

    def to_properties(self) -> dict[str, str]:
        """The roles, and HATS's own provenance keys: title, acknowledgement, papers, licence."""
        told = {
            "skyquarry_survey": self.name,
            "obs_title": self.title,
            "obs_ack": self.acknowledgement,
            "obs_copyright": self.licence,
            "bib_reference": " ".join(self.bibcodes) or None,
        }
        kept = {key: " ".join(value.split()) for key, value in told.items() if value}
        return kept | self.roles.to_properties()


# The fields that hold column names, and those of them that their owner cannot do without.
_MOTION = "pmra pmdec pmra_error pmdec_error pmra_pmdec_corr ra_pmra_corr ra_pmdec_corr"
_ROLES = "id ra dec epoch position_error motion parallax parallax_error radial_velocity"
_MORE_ROLES = "radial_velocity_error bands extent class_column flags time object_id"
_COLUMN_FIELDS: dict[type, tuple[list[str], list[str]]] = {
    Epoch: (["column"], ["column"]),
    PositionError: (["columns"], ["columns"]),
    Motion: (f"{_MOTION} dec_pmra_corr dec_pmdec_corr".split(), ["pmra", "pmdec"]),
    Band: (["column", "error"], ["column"]),
    Roles: (f"{_ROLES} {_MORE_ROLES}".split(), ["ra", "dec"]),
}


def _columns_of(thing: Any) -> list[str]:
    if thing is None:
        return []
    if isinstance(thing, str):
        return [thing]
    if isinstance(thing, tuple):
        return [name for item in thing for name in _columns_of(item)]
    named, _ = _COLUMN_FIELDS[type(thing)]
    return [name for each in named for name in _columns_of(getattr(thing, each))]


def _mapped(thing: Any, rename: Any) -> Any:
    if thing is None:
        return None
    if isinstance(thing, str):
        return rename(thing)
    if isinstance(thing, tuple):
        return tuple(_mapped(item, rename) for item in thing)
    named, _ = _COLUMN_FIELDS[type(thing)]
    return replace(thing, **{name: _mapped(getattr(thing, name), rename) for name in named})


def _without(roles: Roles, missing: set[str]) -> Roles:
    """Roles less those that need a missing column."""
    changes: dict[str, Any] = {}
    for each in fields(roles):
        value = getattr(roles, each.name)
        if each.name == "bands":
            changes["bands"] = tuple(b for band in value if (b := _trimmed(band, missing)))
        elif each.name == "flags":
            changes["flags"] = tuple(name for name in value if name not in missing)
        elif is_dataclass(value):
            changes[each.name] = _trimmed(value, missing)
        elif each.name in _COLUMN_FIELDS[Roles][0] and value in missing:
            changes[each.name] = None
    if (changes.get("ra", roles.ra) is None) or (changes.get("dec", roles.dec) is None):
        changes |= {"ra": None, "dec": None}
    return replace(roles, **changes)


def _trimmed(thing: Any, missing: set[str]) -> Any:
    """A band, motion, epoch or error model less its missing columns; None if it needs one."""
    if isinstance(thing, Epoch) and thing.column in missing:
        return None if thing.jyear is None else Epoch(jyear=thing.jyear)
    if isinstance(thing, PositionError) and thing.model == "covariance":
        kept = tuple(name for name in thing.columns[2:] if name not in missing)
        thing = replace(thing, columns=thing.columns[:2] + kept)
    named, needed = _COLUMN_FIELDS[type(thing)]
    if any(name in missing for each in needed for name in _columns_of(getattr(thing, each))):
        return None
    return replace(
        thing, **{n: None for n in named if n not in needed and getattr(thing, n) in missing}
    )
