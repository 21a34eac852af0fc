"""From a project file to a Project: every key and value is judged, and what is wrong is named."""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from skyquarry.errors import NotFoundError, UserError
from skyquarry.pipeline.project.checking import check
from skyquarry.pipeline.project.settings import Project


def read_project(path: str | Path) -> Project:
    """The project of a file. Raises NotFoundError and UserError, with the place in the file."""
    file = Path(path)
    if not file.is_file():
        raise NotFoundError(
            f"{path} is not there, but a project file is needed: see docs/howto/run-a-project.md "
            "for one to begin with"
        )
    try:
        said = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise UserError(
            f"{file} is no TOML ({fault}), but a project file is needed: mend the line"
        ) from fault
    project: Project = _taken(Project, _prepared(said, file), file.name)
    check(project)
    return project


def _prepared(said: dict[str, Any], file: Path) -> dict[str, Any]:
    """The file's words as the dataclasses have them."""
    if "file" in said:
        raise UserError(f"{file.name} says 'file', which it is itself: remove it")
    folder = said.get("folder", file.stem)
    if not isinstance(folder, str):
        raise UserError(f"{file.name}: folder is {folder!r}, but the text of a path is needed")
    made = said | {"file": file.resolve(), "folder": (file.parent / folder).resolve()}
    surveys = said.get("surveys", {})
    if isinstance(surveys, dict):
        made["surveys"] = {name: _with_source(each) for name, each in surveys.items()}
    if "labels" in said:
        made["labels"] = _with_source(said["labels"])
    return made


def _with_source(table: Any) -> Any:
    """`from`, which no field can be called, is `source`."""
    if not isinstance(table, dict):
        return table
    return {("source" if key == "from" else key): value for key, value in table.items()}


def _taken(kind: Any, said: Any, where: str) -> Any:
    """A dataclass of a TOML table; every key and value is judged."""
    if not isinstance(said, dict):
        raise UserError(f"{where} is {said!r}, but a table of settings is needed: see the how-to")
    hints = get_type_hints(kind)
    for key in said:
        if key not in hints:
            raise UserError(_unknown(str(key), where, hints))
    return kind(
        **{key: _value(hints[key], value, f"{where}: {_word(key)}") for key, value in said.items()}
    )


def _word(field: str) -> str:
    """What a field is called in the file."""
    return "from" if field == "source" else field


def _unknown(key: str, where: str, hints: dict[str, Any]) -> str:
    known = [_word(name) for name in hints if name != "file"]
    near = difflib.get_close_matches(key, known, n=1)
    tried = f"did you mean {near[0]!r}?" if near else "leave it out"
    return f"{where} says {key!r}, but it knows {', '.join(known)}: {tried}"


def _value(kind: Any, value: Any, where: str) -> Any:  # noqa: PLR0911  one for each kind
    """The value, where it is of the kind that a field asks for."""
    if dataclasses.is_dataclass(kind):
        return _taken(kind, value, where)
    origin, parts = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if origin in (UnionType, Union):  # of a Literal and others Python makes the second
        return _one_of(parts, value, where)
    if origin is Literal:
        if value not in parts:
            raise UserError(f"{where} is {value!r}, but it is one of {', '.join(map(repr, parts))}")
        return value
    if origin is dict and isinstance(value, dict):
        return {name: _value(parts[1], each, f"{where}.{name}") for name, each in value.items()}
    if origin is list and isinstance(value, list):
        return [_value(parts[0], each, where) for each in value]
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if origin is None and isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return value
    raise UserError(f"{where} is {value!r}, but {_name(kind)} is needed")


def _one_of(parts: tuple[Any, ...], value: Any, where: str) -> Any:
    kinds = [part for part in parts if part is not NoneType]
    for part in kinds:
        try:
            return _value(part, value, where)
        except UserError as fault:
            refused = fault
    if len(kinds) == 1:
        raise refused
    raise UserError(f"{where} is {value!r}, but {' or '.join(map(_name, kinds))} is needed")


def _name(kind: Any) -> str:
    known = {str: "a text", float: "a number", int: "a whole number", bool: "true or false"}
    if kind in known:
        return known[kind]
    if get_origin(kind) is Literal:
        return " or ".join(map(repr, get_args(kind)))
    return {list: "a list of texts", dict: "a table"}.get(get_origin(kind) or kind, "another value")
