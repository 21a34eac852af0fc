"""Queries asked again as they were before: how they run, while what they name stands.

To read a look-up's text and plan it takes as long as to run it. A plan is kept with the catalogues
that its names resolved to, and used again only while the archive has the same names and each of
them is still the same version. No row is kept. Queries that hang on more are planned each time:
those of tables given with them, of kept results (my.NAME), and of functions of Python.
"""

from __future__ import annotations

import operator
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from skyquarry.adql.reads import StoredRead
from skyquarry.engine.tags import tags_beside

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skyquarry.adql.reads import Read
    from skyquarry.adql.running.deciding import Pieces
    from skyquarry.adql.tablenames import Tables
    from skyquarry.engine.archive import Archive
    from skyquarry.engine.source import Source

_MOST: Final = 64
"""Plans that are kept."""
_TILES: Final = 4_096
"""Of larger catalogues none: a plan has arrays of their tiles."""


@dataclass(frozen=True, slots=True)
class Asked:
    """All that a plan hangs on beside the archive's catalogues."""

    adql: str
    archive: str
    """Where it lies."""
    limit: int | None
    trusted: bool
    sample: float | None


@dataclass(frozen=True, slots=True)
class _Known:
    pieces: Pieces
    names: tuple[str, ...]
    """What catalogues the archive had."""
    sources: tuple[tuple[str, Source], ...]
    """Those that the query's names resolved to."""
    beside: dict[int, tuple[Source, ...]] = field(default_factory=dict)
    """The tags that lay beside each of them when they were last looked at, and were the same."""


_KNOWN: OrderedDict[Asked, _Known] = OrderedDict()
_LOCK = threading.Lock()


def found(asked: Asked, archive: Archive) -> Pieces | None:
    """The plan of a query that was asked before; None where anything it hangs on has changed."""
    with _LOCK:
        known = _KNOWN.get(asked)
        if known is not None:
            _KNOWN.move_to_end(asked)
    if known is None or not _stands(known, archive):
        return None
    return known.pieces


def keep(asked: Asked, pieces: Pieces, tables: Tables, archive: Archive) -> None:
    """Keep a plan that hangs on catalogues of the archive alone; others are not kept."""
    if not all(isinstance(read, StoredRead) for read in pieces.reads):
        return
    sources = tuple((name, table.source) for name, table in tables.opened.items())
    known = _Known(pieces, tables.names, sources)
    if sum(len(source.tiles) for _, source in sources) > _TILES or not _stands(known, archive):
        return
    with _LOCK:
        _KNOWN[asked] = known
        _KNOWN.move_to_end(asked)
        while len(_KNOWN) > _MOST:
            _KNOWN.popitem(last=False)


def forget_all() -> None:
    """Plan every query anew."""
    with _LOCK:
        _KNOWN.clear()


def _stands(known: _Known, archive: Archive) -> bool:
    """Whether the archive has the same names, which mean the same versions, and the same tags."""
    here: Any = archive
    if known.names != tuple(here.names()):
        return False
    if not all(name in here and here[name].source is source for name, source in known.sources):
        return False
    return all(_have_current_tags(reads, known) for reads in _by_source(known.pieces.reads))


def _by_source(reads: Iterable[Read]) -> Iterable[list[StoredRead]]:
    """Those that looked for a tag, of each catalogue."""
    found: dict[int, list[StoredRead]] = {}
    for read in reads:
        if isinstance(read, StoredRead) and "tag" in vars(read) and read.may_have_tag:
            found.setdefault(id(read.source), []).append(read)
    return found.values()


def _have_current_tags(reads: Sequence[StoredRead], known: _Known) -> bool:
    """Whether reads of one catalogue would find the same tags, which are looked for once."""
    source = reads[0].source
    tags, before = tuple(tags_beside(source)), known.beside.get(id(source))
    if before is not None and len(before) == len(tags) and all(map(operator.is_, before, tags)):
        return True  # an opened catalogue never changes
    same = all(read.has_current_tag(tags) for read in reads)
    if same:
        known.beside[id(source)] = tags
    return same
