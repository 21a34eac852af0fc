"""What a few objects of a simulated sky are in truth: read by their ids, and not as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from skyquarry.catalog.arrow import pc
from skyquarry.catalog.classes import Class, names_of, of_truth
from skyquarry.engine.catalog import open_catalog
from skyquarry.pipeline.project.places import ARCHIVE
from skyquarry.pipeline.project.settings import matched_names, simulated_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from skyquarry.pipeline.project.settings import Project

_OF_LINKS: Final = ("_healpix_29", "truth_id", "share", "ra", "dec")
_PHYSICS: Final = ("kind", "teff_k", "logg", "spectral_type")
_TOLD: Final = {"redshift": "redshift", "teff_k": "teff_k", "logg": "logg"}


def truths_of(home: Path, rows: pa.Table, names: Sequence[str]) -> list[dict[str, Any] | None]:
    """Of each matched object what the source is that its light is of; None where nobody knows.

    `home`: the archive of the synthetic sky; `names`: its catalogues in the match. The first of
    them that has a row of the object says whose light it is, and of several sources the one with
    the largest part; a row of none is spurious.
    """
    sources = _sources(home, rows, names)
    known = [each for each in sources if each is not None and each >= 0]
    told = _physics(home, dict.fromkeys(known))
    return [_said(source, told) for source in sources]


def truths_in(project: Project, rows: pa.Table) -> list[dict[str, Any] | None]:
    """The same of objects of a project's match; nothing is known where its sky is real."""
    home = project.folder / ARCHIVE
    names = simulated_names(project, matched_names(project))
    if not names or not (home / "truth").is_dir():
        return [None] * rows.num_rows
    return truths_of(home, rows, names)


def _said(source: int | None, told: dict[int, dict[str, Any]]) -> dict[str, Any] | None:
    if source is None:
        return None
    return told.get(source, {"class": Class.OTHER.label, "spurious": True})


def truth_words(told: dict[str, Any]) -> str:
    """What an object is in truth, in a few words.

    >>> truth_words({"class": "quasar", "redshift": 1.93})
    'quasar, z = 1.930'
    """
    if told.get("spurious"):
        return "nothing: a spurious row"
    words = [told["class"].replace("_", " ")]
    if told.get("redshift"):
        words.append(f"z = {told['redshift']:.3f}")
    if "teff_k" in told:
        words.append(f"{told['teff_k']:,.0f} K")
    if "logg" in told:
        words.append(f"log g = {told['logg']:.2f}")
    return ", ".join(words)


def _sources(home: Path, rows: pa.Table, names: Sequence[str]) -> list[int | None]:
    """The id of the main source of each object, -1 of a spurious row, None where no row is."""
    found: list[int | None] = [None] * rows.num_rows
    for name in names:
        ids = rows[f"{name}_id"].to_pylist()
        mine = [n for n, own in enumerate(ids) if own is not None and found[n] is None]
        links = open_catalog(home / f"{name}_truth").stored
        key = next(each for each in links.schema.names if each not in _OF_LINKS)
        table = _by_key(home / f"{name}_truth", key, [ids[n] for n in mine])
        order = [(key, "ascending"), ("share", "descending"), ("truth_id", "ascending")]
        main: dict[Any, int] = {}
        for row in table.sort_by(order).to_pylist():
            main.setdefault(row[key], row["truth_id"])
        for n in mine:
            found[n] = main.get(ids[n], -1)
    return found


def _physics(home: Path, sources: Iterable[int]) -> dict[int, dict[str, Any]]:
    table = _by_key(home / "truth", "id", list(sources))
    if not table.num_rows:
        return {}
    types, amplitudes = _changes(home, table["id"].to_pylist())
    physics: dict[str, Any] = {name: _floats(table[name]) for name in _PHYSICS}
    classes = names_of(of_truth(physics, types, amplitudes)).tolist()
    return {
        row["id"]: {"class": name, **{k: row[v] for k, v in _TOLD.items() if _known(row.get(v))}}
        for row, name in zip(table.to_pylist(), classes, strict=True)
    }


def _changes(home: Path, ids: list[int]) -> tuple[Any, Any]:
    """Types and amplitudes of those that change, where the sky has a table of them."""
    if not (home / "variables").is_dir():
        return None, None
    rows = {each["id"]: each for each in _by_key(home / "variables", "id", ids).to_pylist()}
    types = np.array([str(rows.get(each, {}).get("type", "")) for each in ids])
    told = [rows.get(each, {}).get("amplitude_mag") for each in ids]
    return types, np.array([np.nan if each is None else each for each in told], np.float64)


def _by_key(path: Path, key: str, values: list[Any]) -> pa.Table:
    """The rows of a catalogue with these values, of the tiles that its index names."""
    stored = open_catalog(path).stored
    wanted = pa.array(values, stored.schema.field(key).type)
    tiles: list[int] = stored.lookup(key, values).tolist() if values else []
    parts = [stored.read(each, list(stored.default_columns)) for each in tiles]
    picked = [each.filter(pc.is_in(each[key], value_set=wanted)) for each in parts]
    empty = stored.schema.empty_table().select(list(stored.default_columns))
    return pa.concat_tables(picked) if picked else empty


def _floats(column: pa.ChunkedArray) -> Any:
    return np.asarray(column.combine_chunks().to_numpy(zero_copy_only=False))


def _known(value: Any) -> bool:
    return value is not None and value == value  # noqa: PLR0124  NaN is not itself
