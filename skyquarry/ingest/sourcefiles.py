"""Paths, globs, folders and URLs as an ordered list of files."""

from __future__ import annotations

import fnmatch
import glob
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skyquarry.catalog.formats.registry import SUFFIXES
from skyquarry.errors import NotFoundError, UserError

if TYPE_CHECKING:
    from collections.abc import Iterable


def list_files(source: Any) -> list[str]:
    """The files that a path, glob, folder or URL, or a list of these, stands for.

    A list keeps its order; a glob and a folder are sorted by name. Raises NotFoundError where one
    stands for no file, UserError for what is none of these or names a file twice.
    """
    if isinstance(source, str | os.PathLike):
        return _files_of(os.fspath(source))
    if not isinstance(source, list | tuple) or not source:
        raise UserError(
            f"{str(source)[:60]!r} of type {type(source).__name__} was given, but a path, glob, "
            "folder, URL, a list of these, or a table is needed: give one of them"
        )
    return _without_twins([file for item in source for file in list_files(item)])


def _without_twins(files: list[str]) -> list[str]:
    twins = sorted({file for file in files if files.count(file) > 1}) if len(files) < 10_000 else []
    if twins:
        raise UserError(
            f"{twins[0]} was given twice, and its rows would be stored twice: name each file once"
        )
    return files


def _files_of(text: str) -> list[str]:
    if not text:
        raise UserError("the path of a table is empty, but a file, or a folder of them, is needed")
    if "://" in text:
        return _files_at(text) if _is_pattern(text) else [text]
    if Path(text).is_dir():
        return _tables_in(text, os.listdir(text))  # noqa: PTH208 - names, not paths
    if _is_pattern(text) and not Path(text).exists():
        found = sorted(glob.glob(text, recursive=True))  # noqa: PTH207 - text patterns of a user
        return _some([f for f in found if Path(f).is_file()], text)
    return _some([text] if Path(text).exists() else [], text)


def _files_at(url: str) -> list[str]:
    """A pattern in the last part of a URL."""
    from skyquarry.catalog.files import Folder

    folder, _, pattern = url.rpartition("/")
    names = fnmatch.filter(Folder.at(folder).list(), pattern)
    return _some([f"{folder}/{name}" for name in sorted(names)], url)


def _is_pattern(text: str) -> bool:
    return any(sign in text.rpartition("/")[2] if "://" in text else sign in text for sign in "*[")


def _tables_in(folder: str, names: Iterable[str]) -> list[str]:
    tables = sorted(n for n in names if not n.startswith((".", "_")) and _is_table(n))
    return _some([str(Path(folder) / name) for name in tables], folder)


def _is_table(name: str) -> bool:
    return Path(name.lower().removesuffix(".gz").removesuffix(".bz2")).suffix in SUFFIXES


def _some(files: list[str], text: str) -> list[str]:
    if not files:
        raise NotFoundError(
            f"{text} stands for no file; at least one table ({' '.join(SUFFIXES)}, with or without "
            ".gz) is needed: check the name"
        )
    return files


def file_mark(path: str) -> str:
    """A line that changes when the file does: name, size and, on this disk, time of change."""
    if "://" in path:
        from skyquarry.catalog.files import Folder

        folder, _, name = path.rpartition("/")
        return f"{path} {Folder.at(folder).size(name)}"
    facts = Path(path).stat()
    return f"{Path(path).resolve()} {facts.st_size} {facts.st_mtime_ns}"
