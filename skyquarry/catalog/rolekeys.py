"""The two spellings of a dataclass of roles: nested (TOML) and flat (`skyquarry_*` properties).

Flat: the field's path joined by underscores, as in `skyquarry_position_error_model=ellipse`; the
items of a tuple of dataclasses are numbered from one, `skyquarry_bands_1_column=phot_g_mean_mag`; a
tuple of texts is a JSON list, since a column's name may hold spaces.
"""

from __future__ import annotations

import difflib
import json
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from skyquarry.errors import DamagedError, UserError

PREFIX = "skyquarry"
_WORDS = {str: "a text", float: "a number", int: "a whole number", bool: "true or false"}
_T = TypeVar("_T")


_KNOWN_HINTS: dict[type, dict[str, Any]] = {}


def _hints(cls: type) -> dict[str, Any]:
    """Types of a dataclass's fields, without their `| None`."""
    if cls not in _KNOWN_HINTS:
        _KNOWN_HINTS[cls] = _read_hints(cls)
    return _KNOWN_HINTS[cls]


def _read_hints(cls: type) -> dict[str, Any]:
    return {name: _plain(hint) for name, hint in get_type_hints(cls).items()}


def _plain(hint: Any) -> Any:
    if get_origin(hint) in (Union, types.UnionType):
        left = [each for each in get_args(hint) if each is not type(None)]
        return left[0] if len(left) == 1 else hint
    return hint


def _item(hint: Any) -> Any:
    """The type of a tuple's items, or None where the type is no tuple."""
    return get_args(hint)[0] if get_origin(hint) is tuple else None


def nearest(name: str, known: Any) -> str:
    """A hint for a name that is not known: ": did you mean 'gaia_dr3'?", or the names there are."""
    close = difflib.get_close_matches(str(name).lower(), [str(k) for k in known], 1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}?"
    return "known are " + ", ".join(sorted(str(k) for k in known))


def check_choices(thing: Any) -> None:
    """Raise UserError where a field of a few allowed words holds another."""
    for name, hint in _hints(type(thing)).items():
        value = getattr(thing, name)
        if get_origin(hint) is Literal and value not in get_args(hint):
            choices = ", ".join(get_args(hint))
            raise UserError(
                f"{name} is {value!r}, but it is one of {choices}: {nearest(value, get_args(hint))}"
            )


# ---------------------------------------------------------------- nested


def from_mapping(cls: type[_T], mapping: Mapping[str, Any], where: str) -> _T:
    """A dataclass from a table of a TOML file; UserError names the key at fault by its path."""
    return _build(cls, mapping, (where,), ".".join, UserError)


def _build(
    cls: type[_T],
    mapping: Any,
    path: tuple[str, ...],
    spell: Callable[[tuple[str, ...]], str],
    error: type[Exception],
) -> _T:
    if not isinstance(mapping, Mapping):
        raise error(f"{spell(path)} is {mapping!r}, but it is a table of keys and values")
    hints = _hints(cls)
    for key in mapping:
        if key not in hints:
            raise error(f"{spell((*path, key))} is not a key: {nearest(key, hints)}")
    values = {
        key: _value(hints[key], value, (*path, key), spell, error) for key, value in mapping.items()
    }
    for each in fields(cls):  # type: ignore[arg-type]
        needed = each.default is MISSING and each.default_factory is MISSING
        if needed and each.name not in values:
            raise error(f"{spell((*path, each.name))} is missing: it has no default, so give it")
    try:
        return cls(**values)
    except UserError as fault:
        raise error(f"{spell(path)}: {fault}") from None


def _value(
    hint: Any,
    value: Any,
    path: tuple[str, ...],
    spell: Callable[[tuple[str, ...]], str],
    error: type[Exception],
) -> Any:
    item = _item(hint)
    if item is not None:
        if not isinstance(value, list | tuple):
            raise error(f"{spell(path)} is {value!r}, but it is a list")
        return tuple(
            _value(item, each, (*path, str(i)), spell, error) for i, each in enumerate(value, 1)
        )
    if get_origin(hint) is Mapping:
        return _table(hint, value, path, spell, error)
    if is_dataclass(hint):
        return _build(hint, value, path, spell, error)  # type: ignore[arg-type]
    return _plain_value(str if get_origin(hint) is Literal else hint, value, spell(path), error)


def _table(
    hint: Any,
    value: Any,
    path: tuple[str, ...],
    spell: Callable[[tuple[str, ...]], str],
    error: type[Exception],
) -> dict[str, Any]:
    """A table whose keys are free: columns, sentinels."""
    if not isinstance(value, Mapping):
        raise error(f"{spell(path)} is {value!r}, but it is a table of keys and values")
    item = get_args(hint)[1]
    return {key: _value(item, each, (*path, key), spell, error) for key, each in value.items()}


def _plain_value(kind: Any, value: Any, name: str, error: type[Exception]) -> Any:
    kinds = get_args(kind) or (kind,)
    is_int = isinstance(value, int) and not isinstance(value, bool)
    if float in kinds and is_int:
        return float(value)
    if not isinstance(value, kinds) or (int in kinds and not is_int):
        wanted = " or ".join(_WORDS[each] for each in kinds)
        raise error(f"{name} is {value!r}, but it is {wanted}")
    return value


# ---------------------------------------------------------------- flat


def to_properties(thing: Any, prefix: str = PREFIX) -> dict[str, str]:
    """Flat keys and texts of a dataclass; None, empty tuples and mappings are left out."""
    flat: dict[str, str] = {}
    for each in fields(thing):
        key, value = f"{prefix}_{each.name}", getattr(thing, each.name)
        if value is None or value == () or isinstance(value, Mapping):
            continue
        if is_dataclass(value):
            flat |= to_properties(value, key)
        elif isinstance(value, tuple) and is_dataclass(value[0]):
            for i, one in enumerate(value, 1):
                flat |= to_properties(one, f"{key}_{i}")
        else:
            flat[key] = _text(value)
    return flat


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, tuple) else str(value)


def from_properties(cls: type[_T], properties: Mapping[str, str], prefix: str = PREFIX) -> _T:
    """A dataclass from flat keys, others passed over; DamagedError names the key at fault."""
    nested = _nested(cls, properties, prefix)
    return _build(cls, nested, (prefix,), "_".join, DamagedError)


def _nested(cls: type, properties: Mapping[str, str], prefix: str) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for name, hint in _hints(cls).items():
        key = f"{prefix}_{name}"
        if is_dataclass(hint):
            if any(each.startswith(f"{key}_") for each in properties):
                nested[name] = _nested(hint, properties, key)  # type: ignore[arg-type]
        elif is_dataclass(_item(hint)):
            nested[name] = _numbered(_item(hint), properties, key)
        elif key in properties:
            nested[name] = _parsed(hint, properties[key], key)
    return nested


def _numbered(cls: type, properties: Mapping[str, str], key: str) -> list[dict[str, Any]]:
    """The items numbered 1, 2, 3 ... of a tuple of dataclasses."""
    found: list[dict[str, Any]] = []
    while any(each.startswith(f"{key}_{len(found) + 1}_") for each in properties):
        found.append(_nested(cls, properties, f"{key}_{len(found) + 1}"))
    return found


def _parsed(hint: Any, text: str, key: str) -> Any:
    try:
        if hint is float:
            return float(text)
        if hint is bool:
            return {"true": True, "false": False}[text.lower()]
        return json.loads(text) if _item(hint) is not None else text
    except (ValueError, KeyError):
        kind = "a JSON list" if _item(hint) else _WORDS[hint]
        raise DamagedError(f"{key} is {text!r}, but it is {kind}") from None
