"""Whether a catalogue on disk is what it says: every row read, every promise compared.

No other HATS tool looks at the rows. Memory is bounded by a row group, a border and a pass of ids;
what is found are `Fault`s, none where the catalogue is sound.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skyquarry.catalog.faults import Fault
from skyquarry.catalog.stored import Stored, open_stored
from skyquarry.catalog.verify_files import check_checksums, check_listing
from skyquarry.catalog.verify_ids import check_ids
from skyquarry.catalog.verify_keys import check_keys
from skyquarry.catalog.verify_margins import check_margin
from skyquarry.catalog.verify_named import check_named
from skyquarry.catalog.verify_pairs import check_pairs
from skyquarry.catalog.verify_tiles import check_counts, check_tiles
from skyquarry.errors import SkyquarryError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator

__all__ = ["Fault", "verify"]


def verify(catalogue: Stored | str | os.PathLike[str]) -> list[Fault]:
    """Every fault of a catalogue and of the margins and indexes beside it; empty when it is sound.

    Checked: each tile is there, whole and of the one schema; its rows lie in it, sorted; their
    `_healpix_29` is that of their position; all counts agree (rows, sky map, statistics, footers);
    tiles do not overlap; ids are unique in a table of objects; the index names every row's tile;
    margins are complete, and exact where we wrote them; rows lie where keys promise them (a child's
    with its parent's, neighbours near); a table that promises every pair of a catalogue within a
    radius has these and no other, and so has one that promises the rows that another names;
    checksums hold.
    """
    if isinstance(catalogue, Stored):
        return list(_faults(catalogue))
    try:
        stored = open_stored(catalogue)
    except SkyquarryError as error:
        return [Fault(str(catalogue), str(error))]
    return list(_faults(stored))


def _faults(stored: Stored) -> Iterator[Fault]:
    yield from _caught(stored, lambda: check_checksums(stored))
    listing = list(_caught(stored, lambda: check_listing(stored)))
    yield from listing
    if stored.kind == "index":
        return
    sums = check_tiles(stored)
    yield from sums.faults
    if sums.incomplete:
        return  # counts, ids and margins would only repeat that rows are missing
    yield from _caught(stored, lambda: check_counts(stored, sums))
    yield from _caught(stored, lambda: check_ids(stored))
    yield from _caught(stored, lambda: check_keys(stored))
    yield from _caught(stored, lambda: check_pairs(stored))
    yield from _caught(stored, lambda: check_named(stored))
    for name, folder in stored.margins.items():
        yield from _margin_faults(stored, name, folder.root)


def _margin_faults(stored: Stored, name: str, path: str) -> Iterator[Fault]:
    """Faults of a margin as a catalogue of its own, then against its primary."""
    try:
        margin = stored.open_margin(name)
    except SkyquarryError as error:
        yield Fault(path, str(error))
        return
    yield from _caught(margin, lambda: check_listing(margin))
    sums = check_tiles(margin)
    yield from sums.faults
    if sums.incomplete:
        return
    yield from _caught(margin, lambda: check_counts(margin, sums))
    yield from _caught(margin, lambda: check_margin(stored, margin))


def _caught(stored: Stored, check: Callable[[], Iterator[Fault]]) -> Iterator[Fault]:
    """The faults of a check; damage that ends it is one more."""
    try:
        yield from check()
    except SkyquarryError as error:
        yield Fault(stored.folder.root, str(error))
