"""Role files: one TOML a survey, ours or a user's, read into `catalog.roles.Survey` and checked."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any

from skyquarry.catalog.rolekeys import from_mapping, nearest
from skyquarry.catalog.roles import Survey
from skyquarry.errors import NotFoundError, UserError

_FOLDER = resources.files("skyquarry.surveys")


def names() -> tuple[str, ...]:
    """The names of the surveys that come with skyquarry, sorted."""
    found = (entry.name for entry in _FOLDER.iterdir())
    return tuple(sorted(name[: -len(".toml")] for name in found if name.endswith(".toml")))


def load(name: str | Path) -> Survey:
    """The survey of that name, alias ('gaia') or path of a user's own role file.

    Raises NotFoundError with the nearest name, and UserError naming the key that is wrong.

    >>> load("gaia").roles.epoch.jyear
    2016.0
    """
    text = str(name)
    if text.endswith(".toml"):
        return _load_file(Path(text))
    known = {alias: each for each in names() for alias in (each, *_aliases(each))}
    chosen = known.get(text.lower().replace("-", "_"))
    if chosen is None:
        raise NotFoundError(
            f"survey is {text!r}, but there is no role file of that name: {nearest(text, known)}; "
            "a path that ends in .toml is read as your own"
        )
    return parse(_shipped(chosen), where=f"{chosen}.toml")


def parse(mapping: Mapping[str, Any], where: str = "role file") -> Survey:
    """A survey from a role file's contents; UserError names the file and the key at fault."""
    told = dict(mapping)
    if "extends" in told:
        extended = str(told.pop("extends"))
        if extended.endswith(".toml"):
            raise UserError(
                f"{where}: extends is {extended!r}, but a role file begins with a survey that is "
                f"shipped: name one of {', '.join(names())}, and repeat what that file changes"
            )
        below = load(extended)
        told = _merged(_shipped(below.name), told) | {"like": below.name}
    survey = from_mapping(Survey, told, where)
    _check_columns(survey, where)
    return survey


def _load_file(path: Path) -> Survey:
    try:
        survey = parse(tomllib.loads(path.read_text(encoding="utf-8")), where=path.name)
    except FileNotFoundError:
        raise NotFoundError(
            f"survey is {str(path)!r}, but there is no such file: give the path of a role file, "
            f"or one of {', '.join(names())}"
        ) from None
    except tomllib.TOMLDecodeError as fault:
        raise UserError(f"{path.name} is not TOML: {fault}") from None
    return _with_its_moc(survey, path.parent)


def _with_its_moc(survey: Survey, folder: Path) -> Survey:
    """The survey, the path of its footprint's MOC taken from the folder of the role file."""
    moc = survey.footprint.moc
    if moc is None or "://" in moc:
        return survey
    return replace(survey, footprint=replace(survey.footprint, moc=str(folder / moc)))


def _shipped(name: str) -> dict[str, Any]:
    told = dict(_read(name))
    return _merged(_shipped(told.pop("extends")), told) if "extends" in told else told


@functools.cache
def _read(name: str) -> Mapping[str, Any]:
    """One of our own role files, as it stands: nobody may change what comes back."""
    return MappingProxyType(tomllib.loads((_FOLDER / f"{name}.toml").read_text(encoding="utf-8")))


def _aliases(name: str) -> tuple[str, ...]:
    """The aliases that the file itself lists; those of the file it extends are not its own."""
    return tuple(_read(name).get("aliases", ()))


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Tables are merged key by key, all else is replaced; aliases are never inherited.

    `drop_columns` lists the columns below that the survey above does not have; their other
    spellings go with them.
    """
    merged = {key: value for key, value in below.items() if key != "aliases"}
    dropped = above.get("drop_columns", ())
    if dropped:
        merged["columns"] = {k: v for k, v in merged["columns"].items() if k not in dropped}
        spelled = merged["roles"].get("spellings", {})
        left = {k: v for k, v in spelled.items() if v not in dropped}
        merged["roles"] = merged["roles"] | {"spellings": left}
    for key, value in above.items():
        if key == "drop_columns":
            continue
        old = merged.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        merged[key] = _merged(old, value) if both and old is not None else value
    return merged


def _check_columns(survey: Survey, where: str) -> None:
    """Every column that has a role or a sentinel is described, where any is."""
    if not survey.columns:
        return
    for column in survey.roles.columns():
        if column not in survey.columns:
            raise UserError(
                f"{where}: roles name the column {column!r}, but [columns] does not describe it: "
                f"{nearest(column, survey.columns)}"
            )
    for spelling, column in survey.roles.spellings.items():
        if column not in survey.columns:
            raise UserError(
                f"{where}: roles.spellings.{spelling} is {column!r}, but [columns] does not "
                f"describe it: {nearest(column, survey.columns)}"
            )
    for column in survey.sentinels:
        if column != "*" and column not in survey.columns:
            raise UserError(
                f"{where}: sentinels.{column} is given, but [columns] does not describe it: "
                f"{nearest(column, survey.columns)}"
            )
