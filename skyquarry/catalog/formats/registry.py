"""Which module reads or writes which format: by the first bytes, then by the file's suffix."""

from __future__ import annotations

import importlib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from skyquarry.catalog.formats.inputs import Input
from skyquarry.catalog.formats.outputs import check_folder, finished_or_nothing, pack
from skyquarry.errors import FormatError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator

    import pyarrow as pa

    from skyquarry.catalog.formats.table import TableFile

READERS = {
    "parquet": "parquetfile",
    "fits": "fits",
    "votable": "votable",
    "csv": "text",
    "tsv": "text",
    "ecsv": "ecsv",
    "cds": "cds",
    "hdf5": "hdf5",
    "bulk": "bulk",
}
"""Format -> module of this package whose `read` opens it."""

WRITERS = {
    "parquet": "parquetfile",
    "fits": "fitswrite",
    "votable": "votablewrite",
    "csv": "text",
    "tsv": "text",
    "ecsv": "ecsv",
    "cds": "cdswrite",
    "hdf5": "hdf5write",
}
"""Format -> module of this package whose `write` streams it."""

SUFFIXES = {
    ".parquet": "parquet", ".pq": "parquet", ".parq": "parquet",
    ".fits": "fits", ".fit": "fits", ".fts": "fits",
    ".vot": "votable", ".votable": "votable", ".xml": "votable",
    ".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".ecsv": "ecsv",
    ".mrt": "cds", ".cds": "cds", ".dat": "cds",
    ".h5": "hdf5", ".hdf5": "hdf5", ".hdf": "hdf5",
}  # fmt: skip
"""File suffix (without .gz or .bz2, any case) -> format."""

PACKED = (".gz", ".bz2")


def open_table(
    source: str | os.PathLike[str] | BinaryIO,
    *,
    format: str | None = None,  # noqa: A002 - the word every table library uses
    **options: Any,
) -> TableFile:
    """The table in a file, with its schema read and its rows not yet.

    source: a path, a URL (http, https, s3, file) or a binary file object; gzip and bzip2 are
    understood.
    format: a name in READERS; without it the first bytes decide, then the suffix.
    options: what the format takes: `hdu` (fits: number or name), `table` (votable: number or name;
    hdf5: path inside; cds: name in the ReadMe), `types`, `nulls`, `encoding`, `infer`, `delimiter`
    (csv, tsv), `readme` (cds), `columns` (bulk).

    Raises NotFoundError, FormatError (unknown, or an option it does not take) and IngestError
    (damaged), before any row is read where that can be known.
    """
    entry = Input.of(source)
    kind = format or format_of(entry)
    read = _function(kind, READERS, "read", entry.name)
    if kind == "tsv":
        options = {"delimiter": "\t"} | options
    _refuse_strange(read, options, str(kind))
    return cast("TableFile", read(entry, **options))


def write_table(
    batches: Iterable[pa.RecordBatch],
    schema: pa.Schema,
    path: str | os.PathLike[str],
    format: str | None = None,  # noqa: A002 - the word every table library uses
    *,
    overwrite: bool = True,
    **options: Any,
) -> int:
    """Stream batches into a file whose suffix (or `format`) says how; rows written.

    The file appears whole, by rename, or not at all; `.gz` after the suffix packs it.
    options: what the format takes: `serialization="tabledata"` (votable), `table` (hdf5).

    Raises FormatError for a suffix that is unknown or a column the format cannot hold,
    ExistsError with overwrite=False, StorageError where the disk refuses.
    """
    target = Path(path)
    plain, zipped = _without_gz(target.name)
    kind = format or _format_of_name(plain)
    write = _function(kind, WRITERS, "write", str(target))
    if kind == "tsv":
        options = {"delimiter": "\t"} | options
    _refuse_strange(write, options, str(kind))
    with finished_or_nothing(target, overwrite=overwrite) as temporary:
        unpacked = temporary.with_name(f"{temporary.name}.plain") if zipped else temporary
        try:
            rows = cast("int", write(_checked(batches, schema), schema, unpacked, **options))
            if zipped:
                pack(unpacked, temporary)
        finally:
            if zipped:
                unpacked.unlink(missing_ok=True)
    return rows


def check_name(path: str | os.PathLike[str]) -> None:
    """Whether the name says a format that is written, and its folder is there: before any work."""
    target = Path(path)
    _function(_format_of_name(_without_gz(target.name)[0]), WRITERS, "write", str(target))
    check_folder(target)


def format_of(entry: Input) -> str | None:
    """The format of an input by its first bytes, then by its suffix; None where neither tells."""
    head = entry.head()
    return _format_of_bytes(head) or _format_of_name(_unpacked(entry.name))


def _format_of_bytes(head: bytes) -> str | None:
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return "hdf5"
    if head.startswith(b"SIMPLE  ="):
        return "fits"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"# %ECSV"):
        return "ecsv"
    if text.startswith(b"<") and (b"VOTABLE" in head or text.startswith(b"<?xml")):
        return "votable"
    return "cds" if b"Byte-by-byte Description" in head else None


def _format_of_name(name: str) -> str | None:
    return SUFFIXES.get(PurePosixPath(name.partition("?")[0]).suffix.lower())


def _without_gz(name: str) -> tuple[str, bool]:
    zipped = name.lower().endswith(".gz")
    return (name[:-3] if zipped else name), zipped


def _unpacked(name: str) -> str:
    """The name without .gz or .bz2, in any case."""
    return name[: -len(PurePosixPath(name).suffix)] if name.lower().endswith(PACKED) else name


def _function(
    kind: str | None, modules: dict[str, str], verb: str, name: str
) -> Callable[..., Any]:
    if kind not in modules:
        unsaid = f"{name} has a suffix that says no format"
        given = unsaid if kind is None else f"format {kind!r} was given"
        raise FormatError(
            f"{given}, but one of {', '.join(modules)} is needed: use a suffix of "
            f"{' '.join(SUFFIXES)} (and .gz), or pass format="
        )
    module = importlib.import_module(f"skyquarry.catalog.formats.{modules[kind]}")
    return cast("Callable[..., Any]", getattr(module, verb))


def _refuse_strange(function: Callable[..., Any], options: dict[str, Any], kind: str) -> None:
    known = {*function.__code__.co_varnames[: _arguments(function)]} - {"batches", "schema", "path"}
    strange = sorted(set(options) - known - {"source"})
    if strange and not _takes_any(function):
        takes = ", ".join(sorted(known - {"source"})) or "none"
        raise FormatError(
            f"option {strange[0]!r} was given, but {kind} takes {takes}: leave it out"
        )


def _arguments(function: Callable[..., Any]) -> int:
    return function.__code__.co_argcount + function.__code__.co_kwonlyargcount


def _takes_any(function: Callable[..., Any]) -> bool:
    return bool(function.__code__.co_flags & 0x08)  # **options, as Parquet's writer has


def _checked(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The batches, each with the columns of the schema in its order."""
    for batch in batches:
        if batch.schema.names != schema.names:
            raise FormatError(
                f"a batch has the columns {batch.schema.names}, but the table's schema has "
                f"{schema.names}: select the same columns in the same order"
            )
        yield batch
