"""What astropy writes about columns in YAML: ECSV headers, and comments in its FITS tables."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

BEGIN = "--BEGIN-ASTROPY-SERIALIZED-COLUMNS--"
END = "--END-ASTROPY-SERIALIZED-COLUMNS--"


@functools.cache
def _loader() -> Any:
    """A safe YAML loader that reads every unknown tag as the plain value beneath it."""
    import yaml  # type: ignore[import-untyped]

    loader_class: Any = type("PlainLoader", (yaml.SafeLoader,), {})

    def plain(loader: Any, _suffix: str, node: Any) -> Any:
        if isinstance(node, yaml.MappingNode):
            return loader.construct_mapping(node, deep=True)
        if isinstance(node, yaml.SequenceNode):
            return loader.construct_sequence(node, deep=True)
        return loader.construct_scalar(node)

    loader_class.add_multi_constructor("!", plain)
    loader_class.add_multi_constructor("tag:yaml.org,2002:python", plain)
    return loader_class


def load_yaml(text: str) -> Any:
    """Plain values of a YAML text, ValueError where it is none, or merges maps (a bomb may)."""
    import yaml

    if "<<" in text:
        raise ValueError("it merges maps by <<, which is not expanded")
    try:
        return yaml.load(text, Loader=_loader())  # noqa: S506 - a SafeLoader without objects
    except yaml.YAMLError as error:
        raise ValueError(str(error).replace("\n", " ")[:300]) from error


def flat(notes: Any) -> dict[str, Any]:
    """An ordered map (list of pairs, list of maps or map) as one dict."""
    if isinstance(notes, dict):
        return notes
    pairs: dict[str, Any] = {}
    for item in notes if isinstance(notes, list) else []:
        if isinstance(item, tuple) and len(item) == 2:
            item = dict([item])  # noqa: PLW2901 - a pair of an ordered map
        pairs.update(item if isinstance(item, dict) else {})
    return pairs


def unit_of(said: Any) -> str:
    """The unit of a column's YAML: text, or a tagged map."""
    unit = said.get("unit") if isinstance(said, dict) else said
    return unit if isinstance(unit, str) else ""


def notes_of_comments(comments: Sequence[str]) -> dict[str, dict[str, str]]:
    """Column -> ucd, utype, description from the COMMENT cards that astropy writes."""
    lines = [line.strip() if line.strip() in {BEGIN, END} else line for line in comments]
    if BEGIN not in lines or END not in lines:
        return {}
    text = "\n".join(lines[lines.index(BEGIN) + 1 : lines.index(END)]).replace("\\\n", "")
    try:
        columns = flat(load_yaml(text)).get("datatype") or []
    except ValueError:
        return {}  # a note, not the data
    return {str(c["name"]): _note(c) for c in columns if isinstance(c, dict) and "name" in c}


def _note(column: dict[str, Any]) -> dict[str, str]:
    meta = flat(column.get("meta"))
    said = {"description": column.get("description"), **{k: meta.get(k) for k in ("ucd", "utype")}}
    return {key: text for key, text in said.items() if isinstance(text, str) and text}
