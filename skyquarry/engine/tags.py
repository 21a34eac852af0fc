"""Tags: some columns of all rows of a catalogue, kept beside it, which large scans read instead.

A plan that leaves no row out and some columns, saved in the folder of its catalogue, is a tag of
it. It has the same tiles, so that whatever was decided of these holds for it; its row groups are
large and its numbers stored as they are, as nothing is looked up in it. Its properties name the
catalogue (`skyquarry_tag_of`, in the same folder) and the version of it (`skyquarry_tag_version`):
a tag of an earlier one is not read.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.catalog.encoding import Options
from skyquarry.errors import SkyquarryError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from skyquarry.catalog.files import Folder
    from skyquarry.catalog.stored import Stored
    from skyquarry.engine.source import Source

TAG_OF: Final = "skyquarry_tag_of"
TAG_VERSION: Final = "skyquarry_tag_version"
AS_SCANNED: Final = Options(row_group_rows=131_072, page_bytes=1 << 20, numbers="none")
"""How tags are written: DuckDB reads eight columns of 1e7 rows in 0.22 CPU s, packed numbers in
0.31, in groups of 8,192 rows in 0.42 (`design/tag_encodings.py`)."""
_POINTER: Final = "collection.properties"

_Mark = tuple[int, int, int]
_KNOWN: dict[str, tuple[_Mark, str]] = {}
"""By the path of a catalogue: what its pointer was, and what the catalogue is a tag of."""
_LOCK = threading.Lock()


def tag_properties(source: Source) -> dict[str, str]:
    """What a tag of this catalogue says of itself."""
    return {TAG_OF: source.stored.home.name, TAG_VERSION: source.identity}


def tag_with(source: Source, columns: Collection[str]) -> Stored | None:
    """The tag beside a catalogue of this machine that has these columns, the narrowest of several.

    None where there is none of this version.
    """
    stored = source.stored
    if not stored.home.local:
        return None
    able = [
        tag.stored
        for tag in _tags(stored.home)
        if set(columns) <= set(tag.stored.schema.names) and _is_of(tag, source)
    ]
    return min(able, key=lambda each: len(each.schema.names), default=None)


def _tags(home: Folder) -> Iterator[Source]:
    """The catalogues in the same folder that say they are tags of this one."""
    from skyquarry.engine.opening import current_source

    above = home.parent
    for name in above.list():
        path = above.path(name)
        if name != home.name and _told(path) == home.name:
            try:
                yield current_source(path)
            except SkyquarryError:  # a damaged neighbour harms no query of another
                continue


def _told(path: str) -> str:
    """Of which catalogue that at a path says it is a tag; empty where of none."""
    from skyquarry.catalog import foreign
    from skyquarry.catalog.properties import parse

    try:
        at = os.stat(os.path.join(path, _POINTER))  # noqa: PTH116, PTH118  a Folder's paths are texts
        mark = at.st_ino, at.st_size, at.st_mtime_ns
        with _LOCK:
            known = _KNOWN.get(path)
        if known is None or known[0] != mark:
            place = foreign.locate(path)
            found = parse(place.folder.read_bytes(place.file), path).get(TAG_OF, "").strip()
            known = mark, found
            with _LOCK:
                _KNOWN[path] = known
    except (OSError, SkyquarryError):
        return ""
    return known[1]


def _is_of(tag: Source, source: Source) -> bool:
    """Whether a tag was made of this version, and its tiles are the same."""
    if tag.stored.properties.get(TAG_VERSION, "") != source.identity:
        return False
    ours, its = source.tiles, tag.tiles
    return (
        np.array_equal(ours.order, its.order)
        and np.array_equal(ours.pixel, its.pixel)
        and np.array_equal(source.rows, tag.rows)
    )
