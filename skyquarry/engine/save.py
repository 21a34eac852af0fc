"""A plan's rows as a catalogue of their own, written tile by tile as they come.

The new catalogue has the tiles of the old one, with the rows that are left; its margins are the
old ones under the same cut, which is exact; its id index is made anew. A journal beside it holds
the tiles that are finished: a run that was killed goes on where it was.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from skyquarry.catalog.columns import SPATIAL
from skyquarry.catalog.digest import digest
from skyquarry.catalog.files import Folder
from skyquarry.catalog.properties import REPEATED_KEY
from skyquarry.catalog.relations import told_named
from skyquarry.catalog.verify_margins import is_exact
from skyquarry.catalog.writer import Options, TileRecord, TreeWriter, VersionWriter, margin_name
from skyquarry.engine.journal import Journal
from skyquarry.engine.named import gathered, rows_in
from skyquarry.engine.plan import MEMORY_BYTES, Limit
from skyquarry.engine.run import run_tasks
from skyquarry.engine.saveparts import (
    Near,
    in_order,
    margin_pieces,
    write_piece,
    write_tables,
)
from skyquarry.engine.scan import Scan
from skyquarry.engine.spans import spans_of
from skyquarry.engine.tags import AS_SCANNED, tag_properties
from skyquarry.errors import ExistsError, StorageError, UserError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from skyquarry.catalog.relations import NamedRows
    from skyquarry.catalog.stored import Stored
    from skyquarry.engine.bounds import Bounds
    from skyquarry.engine.catalog import Catalog
    from skyquarry.engine.executors import Where
    from skyquarry.engine.plan import Plan
    from skyquarry.engine.reader import Piece

_CARRIED = (
    "obs_",
    "bib_",
    "addendum_",
    "creator_",
    "publisher_",
    "hats_copyright",
    "hats_creator",
    "skyquarry_survey",
    "skyquarry_simulation",
    "skyquarry_doi",
    "skyquarry_parent",
)
"""Beginnings of the keys that hold for a part of the rows as for the whole."""


def to_catalog(
    plan: Plan,
    path: str | os.PathLike[str],
    executor: Where = None,
    *,
    name: str | None = None,
    overwrite: bool = False,
) -> Catalog:
    """The plan's rows as a catalogue at `path`, opened.

    Carried over: roles, provenance, units and meanings; the margins that the old one has; the
    id index, where the id is among the columns. ra and dec must be. Some columns of all
    rows, or of those within limits of columns (`where("r < 20")`), saved in the folder of the old
    one, are a tag of it, which large scans read that ask no more; of rows that another catalogue
    names (`named_by`), one for joins with that.

    Raises
    ------
    ExistsError
        When there is a catalogue already, and not `overwrite`: then a new version is published.
    StorageError
        When no folder can be made at `path`, or not be written.
    UserError
        When the plan is no scan of one catalogue, or its columns lack the position.
    """
    from skyquarry.engine.catalog import open_catalog

    saving = _Saving(plan, Folder.at(path), name, overwrite=overwrite)
    saving.write(executor)
    return open_catalog(path)


class _Saving:
    """One catalogue on its way to disk."""

    def __init__(self, plan: Plan, folder: Folder, name: str | None, *, overwrite: bool) -> None:
        self.folder = folder
        self.limit = plan.root.rows if isinstance(plan.root, Limit) else None
        root = plan.root.of if isinstance(plan.root, Limit) else plan.root
        if not isinstance(root, Scan):
            raise UserError(
                f"the plan is a {type(root).__name__}, but a catalogue is written from the rows of "
                "one catalogue: save it as a file, or build from its table"
            )
        self.asked = root
        self.name = name or folder.name
        self._check(overwrite=overwrite)
        columns = tuple(dict.fromkeys([SPATIAL, *root.columns]))
        self.scan = replace(root, cut=root.cut.only(columns=columns), first=None)

    @property
    def stored(self) -> Stored:
        return self.scan.source.stored

    @property
    def id(self) -> str | None:
        found = self.scan.source.roles.id
        return found if found in self.asked.columns else None

    @cached_property
    def tag_limits(self) -> Bounds | None:
        """The limits of the rows that it will have as a tag, of all rows none; None: it is no tag.

        A tag lies beside its catalogue, with some columns and all rows, or those within limits.
        """
        asked, home = self.asked, self.stored.home
        if self.limit is not None or asked.first is not None or asked.cut.columns is None:
            return None
        if self.folder.parent != home.parent or self.folder == home:
            return None
        if not asked.cut.only(predicate=None).rows_uncut:
            return None
        return {} if asked.cut.predicate is None else spans_of(asked.cut.predicate.term)

    @cached_property
    def named(self) -> NamedRows | None:
        """What the catalogue will promise: that it has all rows which another names, no other."""
        cut, above = self.asked.cut, self.stored.home.parent
        if cut.ids is None or cut.ids.named is None or cut.ids.column not in self.asked.columns:
            return None
        whole = cut.only(ids=None).rows_uncut and self.limit is None and self.asked.first is None
        told = cut.ids.named
        apart = self.folder.parent == above and self.folder.name not in (told.catalog, told.by)
        return told if whole and apart else None

    @property
    def _is_tag(self) -> bool:
        return self.tag_limits is not None or self.named is not None

    def _check(self, *, overwrite: bool) -> None:
        ra, dec = self.asked.source.position_columns("a catalogue")
        missing = [name for name in (ra, dec) if name not in self.asked.columns]
        if missing:
            raise UserError(
                f"the columns lack {' and '.join(missing)}, but each row of a catalogue needs its "
                "position: select them too, or save as a file"
            )
        if self.folder.exists("collection.properties") and not overwrite:
            raise ExistsError(
                f"there is a catalogue at {self.folder.root} already: give another path, or "
                "overwrite=True for a new version of it"
            )

    def fingerprint(self) -> str:
        """What is being written: the catalogue read, its version, and the cut."""
        read = (self.stored.folder.root, self.stored.properties, list(self.stored.margins))
        return digest(
            read, self.asked.cut, self.asked.columns, self.limit, self.name, *self.asked.identity
        )

    def write(self, executor: Where) -> None:
        """Write every tile that the journal does not hold, then the small files; publish."""
        from pathlib import Path

        if not self.folder.local:
            self._write_all(None, executor)
            return
        try:
            journal = Journal(Path(self.folder.root) / ".writing.jsonl", self.fingerprint())
        except OSError as error:
            raise StorageError(
                f"{self.folder.root} cannot be written ({error.strerror or error}), but a "
                "catalogue needs a folder of its own: give another path"
            ) from error
        with journal:
            self._write_all(journal, executor)
            journal.remove()

    def _write_all(self, journal: Journal | None, executor: Where) -> None:
        writer = self._begun(journal)
        if self.named is not None:
            records = self._gathered(writer, journal, executor)
        elif self.limit is None:
            tasks = ((("tile", piece.tile), piece) for piece in self.scan.pieces())
            records = self._written(writer.primary, self.scan, tasks, journal, executor)
        else:
            records = self._first_rows(writer)
        margins = []
        for target, margin in zip(writer.margins, self._margins(), strict=True):
            scan = self._margin_scan(margin)
            pieces = (((target.name, p.tile), p) for p in margin_pieces(scan))
            near = self._near(margin)
            margins.append(self._written(target, scan, pieces, journal, executor, near))
        index = self._index(writer, records)
        if index is not None and index.duplicates:
            writer.primary.properties[REPEATED_KEY] = index.duplicates
        writer.finish(records, margins, index)
        writer.publish()

    def _begun(self, journal: Journal | None) -> VersionWriter:
        version = journal.done("version") if journal is not None else None
        ra, dec = self.scan.source.position_columns("a catalogue")
        writer = VersionWriter.begin(
            self.folder,
            self.name,
            self.scan.schema,
            kind="source" if self.stored.kind == "source" else "object",
            ra=ra,
            dec=dec,
            id=self.id,
            margin_arcsec=[float(margin.margin_arcsec or 0.0) for margin in self._margins()],
            properties=self._properties(),
            options=AS_SCANNED if self._is_tag else Options(),
            version=version,
        )
        if journal is not None and version is None:
            journal.record("version", writer.version)
        return writer

    def _properties(self) -> dict[str, Any]:
        """Provenance as it was, roles of the columns that are left, and where the rows are from."""
        kept = {
            key: value
            for key, value in self.stored.properties.items()
            if key.startswith(_CARRIED) and key != "obs_collection"
        }
        roles = self.scan.source.roles
        fitted, _ = roles.fitted(self.asked.columns)
        progenitor = self.stored.properties.get("prov_progenitor") or self.stored.name
        told = {"skyquarry_nan": "null", "prov_progenitor": progenitor}
        if self.tag_limits is not None:
            told |= tag_properties(self.scan.source, self.tag_limits)
        if self.named is not None:
            told |= told_named(self.named)
        return {**kept, **fitted.to_properties(), **told}

    def _written(
        self,
        target: TreeWriter,
        scan: Scan,
        pieces: Iterator[tuple[Any, Piece]],
        journal: Journal | None,
        executor: Where,
        near: Near | None = None,
    ) -> list[TileRecord]:
        """The records of all tiles with rows: those of the journal, and those written now."""
        records: dict[Any, dict[str, Any]] = {}
        tiles = scan.source.tiles

        def waiting() -> Iterator[Any]:
            for key, piece in pieces:
                known = journal.done(key) if journal is not None else None
                if known is not None:
                    records[key] = known
                    continue
                cell = (int(tiles.order[piece.tile]), int(tiles.pixel[piece.tile]))
                yield key, write_piece, (scan.reader, piece, target, cell, self.id, near)

        run = run_tasks(
            waiting(), executor, memory_bytes=MEMORY_BYTES, weigh=lambda key: scan.weight(key[1])
        )
        for key, told in run:
            records[key] = told
            if journal is not None:
                journal.record(key, told)
        return [TileRecord.from_json(records[key]) for key in sorted(records) if records[key]]

    def _gathered(
        self, writer: VersionWriter, journal: Journal | None, executor: Where
    ) -> list[TileRecord]:
        """Records of the tiles of a tag of named rows, which are as large as may be.

        The rows of each tile of the catalogue are counted first, by their key alone.
        """
        cut = self.scan.cut
        assert cut.ids is not None
        keys = replace(self.scan, cut=cut.only(columns=(cut.ids.column,)))
        counting = ((piece, rows_in, (keys.reader, piece)) for piece in keys.pieces())
        counts = run_tasks(counting, executor, ordered=True, memory_bytes=MEMORY_BYTES,
                           weigh=lambda piece: keys.weight(piece.tile))  # fmt: skip
        records: dict[Any, dict[str, Any]] = {}
        for cell, pieces in gathered(self.scan, list(counts)):
            known = journal.done(cell) if journal is not None else None
            if known is None:
                reading = ((piece.tile, self.scan.reader.read, (piece,)) for piece in pieces)
                read = run_tasks(reading, executor, ordered=True, memory_bytes=MEMORY_BYTES,
                                 weigh=self.scan.weight)  # fmt: skip
                known = write_tables([table for _, table in read], writer.primary, cell, self.id)
                if journal is not None:
                    journal.record(cell, known)
            records[cell] = known
        return [TileRecord.from_json(each) for each in records.values()]

    def _first_rows(self, writer: VersionWriter) -> list[TileRecord]:
        """Records of the tiles that hold the first rows: few, written one by one."""
        left, records = self.limit or 0, []
        tiles = self.scan.source.tiles
        for piece in self.scan.pieces():
            if not left:
                break
            table = self.scan.reader.read(piece).slice(0, left)
            left -= table.num_rows
            if table.num_rows:
                cell = int(tiles.order[piece.tile]), int(tiles.pixel[piece.tile])
                records.append(writer.write_tile(*cell, in_order(table, self.id)))
        return records

    def _margins(self) -> list[Stored]:
        """The margins to carry over, the default first; of the first rows alone there is none.

        Nor of named rows, whose tiles are others.
        """
        if self.limit is not None or self.named is not None:
            return []
        found: dict[str, Stored] = {}
        for margin in map(self.stored.open_margin, self.stored.margins):
            if margin.margin_arcsec:
                found.setdefault(margin_name("", margin.margin_arcsec), margin)
        return list(found.values())

    def _margin_scan(self, margin: Stored) -> Scan:
        from skyquarry.engine.source import Source

        return replace(self.scan, source=Source(margin))

    def _near(self, margin: Stored) -> Near | None:
        """How a margin of another writer, which may hold more, is cut; ours is exact."""
        if is_exact(margin):
            return None
        ra, dec = self.scan.source.position_columns("a margin")
        return Near(ra, dec, float(margin.margin_arcsec or 0.0))

    def _index(self, writer: VersionWriter, records: list[TileRecord]) -> Any:
        """The id index of what was written: its ids are read back, a tile at a time."""
        if self.id is None or not records:
            return None
        import pyarrow.parquet as pq

        from skyquarry.catalog.index import KeyRuns, build_index

        with _spilled(writer.home) as folder:
            runs = KeyRuns(folder)
            for record in records:
                with writer.primary.folder.open(record.path) as file:
                    keys = pq.read_table(file, columns=[self.id]).column(self.id)
                runs.add(record.order, record.pixel, keys)
            return build_index(runs, writer.home, self.name, self.id)


@contextmanager
def _spilled(home: Folder) -> Iterator[Folder]:
    """A folder of this machine for sorted runs: beside the catalogue where that lies here."""
    if home.local:
        yield home.make(".runs")
        home.remove(".runs")
        return
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="skyquarry-") as path:
        yield Folder.at(path)
