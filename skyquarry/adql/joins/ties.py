"""Keys that tell where rows lie: a child's rows lie where its parent's do, neighbours near them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from skyquarry.adql.reads import StoredRead
from skyquarry.catalog.relations import KEY, ON, PARENT, PARENT_VERSION, is_unique, near_keys

if TYPE_CHECKING:
    from skyquarry.adql.reads import Read
    from skyquarry.catalog.relations import NearKey

_SLACK_ARCSEC: Final = 1e-3
_FIRST: Final = "v1"


def same_place(one: Read, column: str, other: Read, others_column: str) -> bool:
    """Whether rows with equal keys lie in one place: a child's and its parent's."""
    if not (isinstance(one, StoredRead) and isinstance(other, StoredRead) and other.has_places):
        return False
    if one.scan.outlying:  # rows of a margin lie outside of the tile that holds them
        return False
    of = [_of_parent(one, column), _of_parent(other, others_column)]
    if of[0] is None or of[1] is None:
        child, parent, key = (of[0], other, others_column) if of[0] else (of[1], one, column)
        return child is not None and child.is_of(parent, key)
    return of[0] == of[1]


def apart(one: Read, column: str, other: Read, others_column: str) -> float | None:
    """How many arc seconds rows with equal keys may lie apart; None where the keys do not tell.

    A row of a table of neighbours lies where the row lies that has them; its other key is that of
    a row no farther away than they go.
    """
    if same_place(one, column, other, others_column):
        return 0.0
    for near, key, far, fars in ((one, column, other, others_column),
                                 (other, others_column, one, column)):  # fmt: skip
        if isinstance(near, StoredRead) and isinstance(far, StoredRead):
            found = _near(near, key, far, fars)
            if found is not None:
                return found
    return None


def _near(near: StoredRead, column: str, far: StoredRead, others_column: str) -> float | None:
    """What properties of the first promise of its key, where the other's is that or a child's."""
    if near.scan.outlying or far.scan.outlying or not far.has_places:
        return None
    for each in _promised(near):
        if column != each.column:
            continue
        place = place_of(near.source.stored.home.parent.join(each.catalog))
        there = _Parent(place, each.key, each.identity or each.version)
        if _of_parent(far, others_column) == there or there.is_of(far, others_column):
            return each.arcsec + _SLACK_ARCSEC
    return None


def _promised(read: StoredRead) -> tuple[NearKey, ...]:
    """What can be read of promises: `verify` says of the others what is wrong with them."""
    try:
        return near_keys(read.source.stored.properties)
    except ValueError:
        return ()


@dataclass(frozen=True, slots=True)
class _Parent:
    """The catalogue that rows were placed by."""

    place: str
    key: str
    version: str
    """Its identity; of catalogues that were built before these were told, its version's name."""

    def is_of(self, read: StoredRead, column: str) -> bool:
        """Whether it is this catalogue as it is read here, and its key is this column."""
        source = read.source
        named = self.version in (source.rows_identity, source.stored.version)
        there = (place_of(source.stored.home), column) == (self.place, self.key)
        return there and named and is_unique(source.stored, column)


def _of_parent(read: StoredRead, column: str) -> _Parent | None:
    """A child's parent, where the column is the child's key.

    A child of before says no version: it was built of the first one.
    """
    stored = read.source.stored
    words = (PARENT, ON, KEY, PARENT_VERSION)
    parent, on, key, version = (stored.properties.get(word, "").strip() for word in words)
    if not (parent and key and column == on):
        return None
    name = parent.rstrip("/").rpartition("/")[2]
    return _Parent(place_of(stored.home.parent.join(name)), key, version or _FIRST)


def place_of(folder: Any) -> str:
    """A folder as a text that two of the same place share."""
    return str(folder.path("")).rstrip("/")
