"""Keys that tell where rows lie: a child's rows lie where its parent's do, neighbours near them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from skyquarry.adql.reads import StoredRead
from skyquarry.catalog.versions import current
from skyquarry.engine.children import KEY, ON, PARENT, near_keys

if TYPE_CHECKING:
    from skyquarry.adql.reads import Read

_SLACK_ARCSEC: Final = 1e-3


def same_place(one: Read, column: str, other: Read, others_column: str) -> bool:
    """Whether rows with equal keys lie in one place: a child's and its parent's."""
    if not (isinstance(one, StoredRead) and isinstance(other, StoredRead) and other.has_places):
        return False
    if one.scan.outlying:  # rows of a margin lie outside of the tile that holds them
        return False
    pairs = ((one, column), (other, others_column))
    own = [(_place(each.source.stored.home), name) for each, name in pairs]
    of = [_of_parent(each, name) for each, name in pairs]
    if of[0] is None:
        return of[1] is not None and of[1] == own[0]
    return of[0] in (own[1], of[1])


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
    home = near.source.stored.home.parent
    own = (_place(far.source.stored.home), others_column)
    for each in near_keys(near.source.stored.properties):
        there = (_place(home.join(each.catalog)), each.key)
        fits = column == each.column and there in (own, _of_parent(far, others_column))
        if fits and current(home.join(each.catalog)) == each.version:
            return each.arcsec + _SLACK_ARCSEC
    return None


def _of_parent(read: StoredRead, column: str) -> tuple[str, str] | None:
    """The folder of a child's parent and the parent's key, where the column is the child's key."""
    stored = read.source.stored
    parent, on, key = (stored.properties.get(word, "").strip() for word in (PARENT, ON, KEY))
    if not (parent and key and column == on):
        return None
    name = parent.rstrip("/").rpartition("/")[2]
    return _place(stored.home.parent.join(name)), key


def _place(folder: Any) -> str:
    return str(folder.path("")).rstrip("/")
