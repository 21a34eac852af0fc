"""A cross-match on disk, opened again: rows explained, groups looked up, all brought up to date.

Beside its report, a written match keeps `learnt.json`: settings, inputs, and what the run has
learnt. With that any island can be worked out again from the catalogues that were matched, which
are needed for it. A match written with `updatable=True` also keeps `rows.parquet`: of every row its
pixel, id, number, magnitude, and a hash of all that it was matched by.
"""

from __future__ import annotations

import hashlib
import json
import os
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from skyquarry.catalog.arrow import from_numpy, to_numpy
from skyquarry.catalog.files import Folder
from skyquarry.catalog.foreign import is_catalogue
from skyquarry.engine.catalog import Catalog, open_catalog
from skyquarry.errors import DamagedError, NotFoundError, UserError, one_of
from skyquarry.ingest.sourcefiles import list_files
from skyquarry.match.crossmatch import Identify
from skyquarry.match.explain.again import Again
from skyquarry.match.explain.explaining import explain_match
from skyquarry.match.explain.locating import groups_with, to_list
from skyquarry.match.given.policies import ErrorPolicy
from skyquarry.match.results.tables import Shape
from skyquarry.match.runs.asked import Settings
from skyquarry.match.runs.frozen import Frozen
from skyquarry.match.updates.marks import Marks
from skyquarry.match.updates.rehydrating import tables_again
from skyquarry.pipeline.inputs import given_again, given_of, side_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from skyquarry.match.explain.words import Telling
    from skyquarry.match.given.sides import Side
    from skyquarry.match.matchresult import MatchResult
    from skyquarry.match.results.lazytables import Tables

LEARNT, ROWS = "learnt.json", "rows.parquet"
_SCHEMA = (("catalog", pa.int8()), ("spatial", pa.int64()), ("row", pa.int64()))


def open_match(
    path: str | os.PathLike[str],
    inputs: Mapping[str, Any] | Sequence[Any] | None = None,
    *,
    photometry: Any = None,
) -> WrittenMatch:
    """The cross-match that `to_catalog` wrote at `path`.

    inputs
        The catalogues that were matched, where they cannot be opened again by the paths that the
        match keeps: tables in memory, catalogues with cuts, files that have moved. By name, or all
        in their order.
    photometry
        The caller's own photometric evidence, where the match used any.

    >>> print(open_match("matched").explain_match("gaia", 4472832130942575872))  # doctest: +SKIP
    """
    folder = Folder.at(path)
    if not folder.exists(LEARNT):
        raise NotFoundError(
            f"there is no {LEARNT} in {str(path)!r}, but it is kept with every cross-match that "
            "to_catalog writes: check the path, or match again"
        )
    told = json.loads(folder.read_text(LEARNT))
    return WrittenMatch(folder, told, _by_name(inputs, told["names"]), photometry)


def _by_name(inputs: Any, names: Sequence[str]) -> dict[str, Any]:
    if inputs is None:
        return {}
    if not hasattr(inputs, "keys"):
        if len(inputs) != len(names):
            raise UserError(
                f"{len(inputs)} inputs were given, but {', '.join(names)} were matched: give all "
                "of them in this order, or some by their names"
            )
        return dict(zip(names, inputs, strict=True))
    for name in inputs:
        one_of("catalogue", name, tuple(names))
    return dict(inputs)


class WrittenMatch:
    """A match on disk: its groups, and what it takes to ask it further."""

    def __init__(
        self, folder: Folder, told: dict[str, Any], inputs: dict[str, Any], photometry: Any
    ) -> None:
        self.folder, self.told = folder, told
        self._inputs, self._photometry = inputs, photometry

    def __repr__(self) -> str:
        return f"WrittenMatch {' x '.join(self.names)} at {self.folder.root}"

    @property
    def names(self) -> tuple[str, ...]:
        """What the catalogues are called."""
        return tuple(self.told["names"])

    @cached_property
    def groups(self) -> Catalog:
        """The catalogue of groups; its children are `<name>_pairs` and `<name>_members`."""
        return open_catalog(self.folder.root)

    @cached_property
    def report(self) -> dict[str, Any]:
        """What the run said of itself."""
        told: dict[str, Any] = json.loads(self.folder.read_text("report.json"))
        return told

    # ------------------------------------------------------------ asking
    def explain_match(self, catalog: str, row_id: Any, which: int = 0) -> Telling:
        """Why the row of `catalog` with this id was matched, or not: as of a result in memory.

        Raises UserError for an unknown catalogue, or an input that has changed since or is not
        given; NotFoundError for an unknown id.
        """
        return explain_match(Again(self.node, self.frozen.extremes), catalog, row_id, which)

    def lookup(self, catalog: str, ids: Iterable[Any]) -> pa.Table:
        """The groups that hold these rows of `catalog`, in the order of the ids.

        One column of the groups is read as a whole, and then the tiles that hold them.
        """
        one_of("catalogue", catalog, self.names)
        column, wanted = f"{catalog}_id", to_list(ids)
        key = str(self.groups.roles.id)
        found = groups_with(self.groups.select([key, column]).to_table(), catalog, wanted)
        few = self.groups.ids(found[key].to_pylist()) if len(found) else self.groups.head(0)
        return groups_with(few.to_table(), catalog, wanted)

    # ------------------------------------------------------------ the run again
    @cached_property
    def frozen(self) -> Frozen:
        """What the run has learnt."""
        return Frozen.from_dict(self.told["learnt"], self._photometry)

    @cached_property
    def node(self) -> Identify:
        """What was matched, and how, with all that was learnt."""
        return self.node_with({})

    def node_with(self, new: Mapping[str, Side]) -> Identify:
        """The same with new versions of some catalogues."""
        inputs = self.told["inputs"]
        return Identify(
            tuple(new.get(each["name"]) or self._side(each) for each in inputs),
            self.names,
            tuple(ErrorPolicy(default_arcsec=each["default_error"]) for each in inputs),
            Settings(**self.told["settings"]),
            learnt=self.frozen,
            given=tuple(each["given"] for each in inputs),
        )

    @cached_property
    def shape(self) -> Shape:
        """What the tables have in common."""
        schema = self.groups.schema
        types = tuple(schema.field(f"{name}_id").type for name in self.names)
        return Shape(self.names, types, self.told["settings"]["keep"])

    def _side(self, told: dict[str, Any]) -> Side:
        """One of the inputs, as it was."""
        name = told["name"]
        if name not in self._inputs and told["given"] is None:
            raise UserError(
                f"{name} was a table in memory or a part of a catalogue, which the match does not "
                f"keep, but it is needed again: give it, as in inputs={{{name!r}: table}}"
            )
        given = self._inputs.get(name)
        if given is None:
            given = given_again(_moved(told["given"], self.told.get("home"), self.folder))
        side = side_of(given, name)
        if side.fingerprint != told["fingerprint"] and not _is_moved(given, told.get("mark")):
            raise UserError(
                f"{name} is not as it was when it was matched (fingerprint "
                f"{side.fingerprint[:12]}, not {told['fingerprint'][:12]}), but the same rows are "
                "needed: give them with inputs=, or bring the match up to date with update_match"
            )
        return side

    # ------------------------------------------------------------ for an update
    @cached_property
    def tables(self) -> Tables:
        """The tables of the run, with the matcher's own columns."""
        children = self.groups.children()
        found = {kind: children.get(f"{self.folder.name}_{kind}") for kind in ("pairs", "members")}
        for kind, child in found.items():
            if child is None:
                raise DamagedError(
                    f"there is no {self.folder.name}_{kind} beside {self.folder.root!r}, but a "
                    "written match has one: match again"
                )
        read = {kind: child.to_table() for kind, child in found.items() if child is not None}
        marks = [self.marks(n) for n in range(len(self.names))]
        told = self.groups.to_table(), read["pairs"], read["members"]
        return tables_again(*told, marks, self.shape)

    def marks(self, number: int) -> Marks:
        """The rows of a catalogue as they were. Raises NotFoundError where they were not kept."""
        told = self._rows.filter(pc.equal(self._rows["catalog"], number)).combine_chunks()
        numbers = {name: to_numpy(told[name]) for name in ("spatial", "row", "content", "mag")}
        ids = told["id"].combine_chunks()
        return Marks(ids=ids, **numbers)

    @cached_property
    def _rows(self) -> pa.Table:
        if not self.folder.exists(ROWS):
            raise NotFoundError(
                f"there is no {ROWS} in {self.folder.root!r}, but an update compares rows with it: "
                "write the match with to_catalog(path, updatable=True), or match again"
            )
        with self.folder.open(ROWS) as file:
            return pq.read_table(file)


def _is_moved(given: Any, mark: str | None) -> bool:
    """Whether what is given is what was matched, at another place."""
    return mark is not None and not isinstance(given, pa.Table) and _mark(given_of(given)) == mark


def _mark(given: dict[str, Any] | None) -> str | None:
    """The same wherever it lies: by a catalogue's properties, by names, sizes and times of files.

    None for what is elsewhere than on this machine, or cannot be given again.
    """
    if given is None or any("://" in each for each in _paths(given)):
        return None
    told: Any = [
        dict(open_catalog(each).properties) if is_catalogue(each) else _facts(each)
        for each in _paths(given)
    ]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _facts(pattern: str) -> list[tuple[str, int, int]]:
    states = ((Path(each).name, Path(each).stat()) for each in list_files(pattern))
    return [(name, state.st_size, state.st_mtime_ns) for name, state in states]


def _paths(given: dict[str, Any]) -> list[str]:
    path = given["path"]
    return list(path) if isinstance(path, list) else [str(path)]


def _moved(given: dict[str, Any], home: str | None, now: Folder) -> dict[str, Any]:
    """How an input can be given again: its path is no more where it and the match moved together.

    Whether it is what was matched its fingerprint tells.
    """
    if home is None or not now.local:
        return given

    def found(path: str) -> str:
        if "://" in path or Path(path).exists():
            return path
        beside = Path(now.root, os.path.relpath(path, home)).resolve()
        return str(beside) if beside.exists() else path

    path = given["path"]
    return given | {
        "path": [found(each) for each in path] if isinstance(path, list) else found(path)
    }


# ---------------------------------------------------------------- writing


def keep_learnt(result: MatchResult, folder: Folder, *, updatable: bool = False) -> None:
    """Write `learnt.json`, and for `updatable` also `rows.parquet`, beside the report."""
    told = _told(result) | ({"home": str(Path(folder.root).resolve())} if folder.local else {})
    folder.write_atomic(LEARNT, (json.dumps(told) + "\n").encode())
    folder.remove(ROWS)
    if updatable:
        with folder.writer(ROWS) as file:
            _write_rows(result, file)


def _told(result: MatchResult) -> dict[str, Any]:
    node, told = result.asked, result.provenance
    settings = dict(told["settings"])
    errors = settings.pop("default_error_arcsec")
    settings["calibrate"] = settings["calibrate"] is not False
    settings["prior"] = settings["prior"] if isinstance(settings["prior"], str) else "auto"
    settings["photometry"] = None if settings["photometry"] == "own" else settings["photometry"]
    given = node.given or (None,) * len(node.names)
    inputs = [
        {**each, "given": how, "default_error": error, "mark": _mark(how)}
        for each, how, error in zip(told["inputs"], given, errors, strict=True)
    ]
    learnt = result.made.frozen.to_dict()
    return {"names": list(node.names), "settings": settings, "inputs": inputs, "learnt": learnt}


def _write_rows(result: MatchResult, file: IO[bytes]) -> None:
    """Marks of all rows, patch by patch."""
    kind = result.asked.shape.id_type
    fields = [*_SCHEMA, ("id", kind), ("content", pa.uint64()), ("mag", pa.float64())]
    schema = pa.schema(fields)
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for number, marks in _all_marks(result, kind):
            told: dict[str, Any] = {
                "catalog": pa.repeat(pa.scalar(number, pa.int8()), len(marks)),
                "id": marks.ids,
                **{n: from_numpy(getattr(marks, n)) for n in ("spatial", "row", "content", "mag")},
            }
            writer.write_table(pa.table([told[n] for n in schema.names], schema=schema))


def _all_marks(result: MatchResult, kind: pa.DataType) -> Iterator[tuple[int, Marks]]:
    made = result.made
    for patch in made.patches:
        for number in range(len(made.rules.names)):
            rows, _ = made.source.read(number, None if patch.is_whole else patch.core)
            if len(rows):
                yield number, Marks.of(rows, kind)
