"""What a catalogue's properties say of others beside it: whose child it is, and what lies near.

Queries leave parts of tables unread by what is said here, so each word is bound to one version of
the other catalogue, and `verify` compares it with the rows (`verify_keys`).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

from skyquarry.catalog.properties import REPEATED_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from skyquarry.catalog.stored import Stored

PARENT, ON, KEY = "skyquarry_parent", "skyquarry_parent_on", "skyquarry_parent_key"
PARENT_VERSION = "skyquarry_parent_version"
"""The identity of the parent that a child's rows were placed by."""
NEAR_KEYS = "skyquarry_near_keys"
"""Columns with keys of rows that lie near: a table of neighbours has one, spectra may."""
ALL_PAIRS = "skyquarry_all_pairs"
"""That a table has every pair of a catalogue's rows within a radius, and no other row."""
RIM_ARCSEC: Final = 1e-6
"""What lies so near the radius of pairs may be one or not: rounding decides, by far less."""
NAMED_ROWS = "skyquarry_named_rows"
"""That a table has every row of a catalogue that another one names by its key, and no other row."""
ROWS_OF = "skyquarry_rows_of"
"""The identity of an earlier version with the same rows at the same places."""
ADDS_TO = "skyquarry_adds_to"
"""The identities of all earlier versions to which only columns were added since, oldest first."""


@dataclass(frozen=True, slots=True)
class NearKey:
    """That a row of another catalogue lies near each row that has its key."""

    column: str
    catalog: str
    """The other catalogue: a name beside this one's."""
    key: str
    version: str
    """Of the other catalogue: of a later one nothing is promised."""
    arcsec: float
    """How far away it is at most."""
    identity: str = ""
    """Tells that version from one of the same name that was built in its place."""


def near_keys(properties: Mapping[str, str]) -> tuple[NearKey, ...]:
    """What a catalogue's properties promise of keys; ValueError where they cannot be read."""
    told = json.loads(properties.get(NEAR_KEYS, "") or "[]")
    return tuple(_near_key(each) for each in told)


def _near_key(told: Any) -> NearKey:
    try:
        found = NearKey(**told)
        good = 0.0 <= found.arcsec < 648_000.0
    except TypeError:
        good = False
    if not good:
        raise ValueError(f"{told!r:.200} names no column, catalogue, key, version and arcsec")
    return found


def told_near(*keys: NearKey) -> dict[str, str]:
    """The property that promises this."""
    return {NEAR_KEYS: json.dumps([asdict(each) for each in keys])}


@dataclass(frozen=True, slots=True)
class AllPairs:
    """That a table's rows are all pairs of a catalogue's rows within a radius, each both ways.

    It has each once, none of a row with itself, and no other row: of rows that have a key and a
    position. At the very rim of the radius (`RIM_ARCSEC`) only the table tells.
    """

    column: str
    """The key of one row of the pair."""
    other: str
    """The key of the other."""
    catalog: str
    """Whose rows: a name beside this one's."""
    key: str
    version: str
    """Of that catalogue: of a later one nothing is promised."""
    arcsec: float
    identity: str
    """Tells that version from one of the same name that was built in its place."""
    limits: dict[str, tuple[float | None, float | None]] = field(default_factory=dict)
    """Of columns of that catalogue: only rows within them count. Inclusive, None open."""


def all_pairs(properties: Mapping[str, str]) -> AllPairs | None:
    """What a table's properties promise of its pairs; ValueError where that cannot be read."""
    text = properties.get(ALL_PAIRS, "").strip()
    return _all_pairs(json.loads(text)) if text else None


def _all_pairs(told: Any) -> AllPairs:
    try:
        limits = {str(name): _limits(*ends) for name, ends in told.pop("limits").items()}
        found = AllPairs(**told, limits=limits)
        good = bool(0.0 < found.arcsec < 648_000.0 and found.identity and found.key)
    except (AttributeError, KeyError, TypeError, ValueError):
        good = False
    if not good:
        raise ValueError(
            f"{told!r:.200} names no column, other, catalog, key, version, arcsec, identity and "
            "limits"
        )
    return found


def _limits(*ends: Any) -> tuple[float | None, float | None]:
    low, high = (None if each is None else float(each) for each in ends)
    return low, high


def told_pairs(pairs: AllPairs) -> dict[str, str]:
    """The property that promises this."""
    return {ALL_PAIRS: json.dumps(asdict(pairs))}


@dataclass(frozen=True, slots=True)
class NamedRows:
    """That a table's rows are those of a catalogue whose key stands in a column of another one.

    It has each such row as often as the catalogue has it, however often its key is named, and no
    other row; a row without a key is named by none.
    """

    catalog: str
    """Whose rows: a name beside this one's."""
    key: str
    """The column of that catalogue, and of this table, by which they are named."""
    version: str
    identity: str
    """Tells that version from any other: of another nothing is promised."""
    by: str
    """Who names them: a name beside this one's."""
    column: str
    """The column of that one which names them."""
    by_version: str
    by_identity: str


def named_rows(properties: Mapping[str, str]) -> NamedRows | None:
    """What a table's properties promise of its rows; ValueError where that cannot be read."""
    text = properties.get(NAMED_ROWS, "").strip()
    return _named_rows(json.loads(text)) if text else None


def _named_rows(told: Any) -> NamedRows:
    try:
        found = NamedRows(**told)
        good = all(isinstance(each, str) for each in asdict(found).values())
        good = good and all((found.catalog, found.key, found.identity, found.by, found.column,
                             found.by_identity))  # fmt: skip
    except TypeError:
        good = False
    if not good:
        raise ValueError(
            f"{told!r:.200} names no catalog, key, version, identity, by, column, by_version and "
            "by_identity"
        )
    return found


def told_named(rows: NamedRows) -> dict[str, str]:
    """The property that promises this."""
    return {NAMED_ROWS: json.dumps(asdict(rows))}


def can_name(column: pa.DataType, key: pa.DataType) -> bool:
    """Whether values of a column are compared with a key as they are, by whoever compares them.

    Whole numbers that fit 64 bits with a sign, or two of the same type of texts.
    """
    import pyarrow as pa

    if all(pa.types.is_integer(each) for each in (column, key)):
        return pa.uint64() not in (column, key)
    return bool(column == key and (pa.types.is_string(key) or pa.types.is_large_string(key)))


def is_unique(stored: Stored, column: str) -> bool:
    """Whether a column has each value once: the id of objects, of which none are owned up to."""
    repeated = stored.properties.get(REPEATED_KEY, "").strip() or "0"
    return stored.kind == "object" and column == stored.roles.id and repeated == "0"
