"""What the catalogues beside one on this machine say of themselves, each read once."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from skyquarry.catalog.filemark import Mark, mark_of
from skyquarry.errors import SkyquarryError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from skyquarry.catalog.stored import Stored
    from skyquarry.engine.source import Source

_POINTER: Final = "collection.properties"
_PREFIX: Final = "skyquarry_"

_KNOWN: dict[str, tuple[Mark, Mapping[str, str]]] = {}
"""By the path of a catalogue: what its pointer was, and our own of its properties."""
_LOCK = threading.Lock()


def telling(stored: Stored, key: str) -> Iterator[tuple[str, str]]:
    """The paths of the catalogues beside one that have a property, and what it says.

    Nothing of a catalogue on another machine.
    """
    home = stored.home
    if not home.local:
        return
    above, own = home.parent, home.name
    root = above.path().rstrip("/")
    for name in above.list():
        path = f"{root}/{name}"
        text = _told(path).get(key, "").strip() if name != own else ""
        if text:
            yield path, text


def opened(paths: Iterator[str]) -> Iterator[Source]:
    """These catalogues; a damaged one harms no query of another."""
    from skyquarry.engine.opening import current_source

    for path in paths:
        try:
            yield current_source(path)
        except SkyquarryError:
            continue


def _told(path: str) -> Mapping[str, str]:
    """What a catalogue at a path says in words of ours; nothing where there is none.

    Every small query asks it of dozens: what is known costs little more than the look at the file.
    """
    try:
        mark = mark_of(f"{path}/{_POINTER}")
        with _LOCK:
            known = _KNOWN.get(path)
        if known is None or known[0] != mark:
            known = mark, _read(path)
            with _LOCK:
                _KNOWN[path] = known
    except (OSError, SkyquarryError):
        return {}
    return known[1]


def _read(path: str) -> Mapping[str, str]:
    from skyquarry.catalog import foreign
    from skyquarry.catalog.properties import parse

    place = foreign.locate(path)
    told = parse(place.folder.read_bytes(place.file), path)
    return {key: text for key, text in told.items() if key.startswith(_PREFIX)}
