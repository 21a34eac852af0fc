"""Catalogues of archives stay open: one query after another asks the same few.

To open a catalogue of 136 columns takes five milliseconds, longer than to read a small place of it.
Its versions never change, so one that was opened serves as long as the pointer still names it and
its properties are the file that was read. The pointer is read again when it is another file. A tree
without versions may change beneath its reader, and one on another machine would have to be asked
what it is: these are opened anew each time.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from skyquarry.catalog.filemark import Mark, mark_of
from skyquarry.catalog.properties import COLLECTION_FILE
from skyquarry.engine.source import Source

if TYPE_CHECKING:
    from skyquarry.catalog.foreign import Place

_MOST: Final = 32
Key = tuple["Place", Mark]
"""Where it lies with what its pointer said; the mark of its properties."""
_OPEN: OrderedDict[Key, Source] = OrderedDict()
_POINTERS: OrderedDict[str, tuple[Mark, Place]] = OrderedDict()
"""By a catalogue's path: its pointer's file, and where that led."""
_LOCK = threading.Lock()


def current_source(path: str) -> Source:
    """The catalogue at a path as it is now: opened before, where nothing has changed since.

    Raises what `open_stored` raises.
    """
    from skyquarry.catalog.stored import open_stored

    key = _key(_located(path))
    with _LOCK:
        found = None if key is None else _OPEN.get(key)
        if found is not None and key is not None:
            _OPEN.move_to_end(key)
            return found
    source = Source(open_stored(path))
    if key is None or _key(source.stored.place) != key:  # it was published anew meanwhile
        return source
    with _LOCK:
        source = _OPEN.setdefault(key, source)
        while len(_OPEN) > _MOST:
            _OPEN.popitem(last=False)
    return source


def _located(path: str) -> Place:
    """Where the catalogue lies; a pointer is read once, as long as it is the same file."""
    from skyquarry.catalog import foreign

    try:
        mark = mark_of(f"{path}/{COLLECTION_FILE}")
    except OSError:  # far away, without versions, or not there
        return foreign.locate(path)
    with _LOCK:
        known = _POINTERS.get(path)
    if known is None or known[0] != mark:
        known = mark, foreign.locate(path)
        with _LOCK:
            _POINTERS[path] = known
            while len(_POINTERS) > _MOST:
                _POINTERS.popitem(last=False)
    return known[1]


def _key(place: Place) -> Key | None:
    """What tells that a catalogue is still the same; None where nothing does."""
    if not place.folder.local or not place.inner.partition("/")[2]:
        return None
    with suppress(OSError):
        return place, mark_of(place.folder.path(place.file))
    return None
