"""Tags: columns of a catalogue's rows, kept beside it, which large scans read instead.

A plan that leaves out columns, saved in the folder of its catalogue, is a tag of it. So is one that
leaves out the rows where columns are not within limits (`spans`): scans whose conditions are within
these read it. Its tiles are those of the catalogue that have such rows, so that whatever was
decided of these holds for it; its row groups are large and its numbers stored as they are, as
nothing is looked up in it. Its properties name the catalogue (`skyquarry_tag_of`, in the same
folder), the version of it (`skyquarry_tag_version`): a tag of an earlier one is not read, unless
columns were added to that and nothing else was done since, as the versions say; and the limits of
its rows (`skyquarry_tag_limits`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.catalog.encoding import Options
from skyquarry.engine.beside import opened, telling
from skyquarry.engine.spans import implies

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from skyquarry.catalog.stored import Stored
    from skyquarry.engine.bounds import Bounds
    from skyquarry.engine.source import Source

TAG_OF: Final = "skyquarry_tag_of"
TAG_VERSION: Final = "skyquarry_tag_version"
TAG_LIMITS: Final = "skyquarry_tag_limits"
AS_SCANNED: Final = Options(row_group_rows=131_072, page_bytes=1 << 20, numbers="none")
"""How tags are written: DuckDB reads eight columns of 1e7 rows in 0.22 CPU s, packed numbers in
0.31, in groups of 8,192 rows in 0.42 (`design/tag_encodings.py`)."""


@dataclass(frozen=True, slots=True, eq=False)
class Tag:
    """A tag of a catalogue whose files a scan may read."""

    stored: Stored
    numbers: NDArray[np.int64]
    """(tiles of the catalogue,) which tile of the tag has its rows; -1 where there are none."""
    rows: NDArray[np.int64]
    """(tiles of the catalogue,) how many."""
    limits: Bounds
    """Of the rows that it has: those within them; empty where it has all."""
    edition: str
    """As `Source.edition`."""

    def files(self, tile: int) -> list[str]:
        """The paths of the files that have the rows of a tile of the catalogue."""
        at = int(self.numbers[tile])
        return [self.stored.folder.path(rel) for rel in self.stored.files(at)] if at >= 0 else []


def tag_properties(source: Source, limits: Bounds) -> dict[str, str]:
    """What a tag of this catalogue says of itself, if it has the rows within these limits."""
    told = {TAG_OF: source.stored.home.name, TAG_VERSION: source.identity}
    return told | ({TAG_LIMITS: json.dumps(limits, sort_keys=True)} if limits else {})


def tag_with(
    source: Source,
    columns: Collection[str],
    asked: Bounds | None = None,
    among: Iterable[Source] | None = None,
) -> Tag | None:
    """The tag beside a catalogue of this machine that has these columns, the smallest of several.

    It has every row within `asked`, outside of which rows do not matter. None where there is none
    of this version. `among`: what `tags_beside` gave just now; it is asked if left out.
    """
    among = tags_beside(source) if among is None else among
    found = (_tag_of(each, source) for each in among)
    able = [
        tag
        for tag in found
        if tag is not None
        and set(columns) <= set(tag.stored.schema.names)
        and implies(asked or {}, tag.limits)
    ]
    return min(able, key=_size, default=None)


def _size(tag: Tag) -> int:
    return int(tag.rows.sum()) * len(tag.stored.schema.names)


def tags_beside(source: Source) -> Iterator[Source]:
    """The catalogues in the same folder of this machine that say they are tags of this one."""
    home = source.stored.home.name
    yield from opened(path for path, of in telling(source.stored, TAG_OF) if of == home)


def _tag_of(tag: Source, source: Source) -> Tag | None:
    """A catalogue as a tag, if it was made of this version, and its tiles are of the same.

    Or of one to which only columns were added since: it has none of these.
    """
    told = tag.stored.properties
    if told.get(TAG_VERSION, "") not in source.stored.includes:
        return None
    limits = _limits(told)
    if limits is None:
        return None
    ours, its = source.tiles, tag.tiles
    at = np.searchsorted(ours.starts, its.starts)
    if (at >= len(ours)).any() or not np.array_equal(ours.order[at], its.order):
        return None
    if not np.array_equal(ours.pixel[at], its.pixel):
        return None
    numbers, rows = np.full(len(ours), -1, np.int64), np.zeros(len(ours), np.int64)
    numbers[at], rows[at] = np.arange(len(its)), tag.rows
    if not limits and not np.array_equal(rows, source.rows):
        return None
    return Tag(tag.stored, numbers, rows, limits, tag.edition)


def _limits(properties: Mapping[str, str]) -> Bounds | None:
    """The limits of a tag's rows; None where they cannot be read."""
    try:
        told = json.loads(properties.get(TAG_LIMITS, "") or "{}")
        return {name: (low, high) for name, (low, high) in told.items()}
    except (AttributeError, TypeError, ValueError):
        return None
