"""One object: where it is, what it was matched with, which class it is said to be, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.errors import ColumnError, NotFoundError, UserError
from skyquarry.pipeline.project.reporting.truths import truth_words, truths_in
from skyquarry.pipeline.verdicts import Verdicts, probability_columns

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from skyquarry.engine.catalog import Catalog
    from skyquarry.learn.model import Model
    from skyquarry.pipeline.project.settings import Project
    from skyquarry.pipeline.written import WrittenMatch

NEAR_ARCSEC: Final = 5.0
"""how far an object may be from a place that is given for it"""
_REASONS: Final = 6
_NUMBERS: Final = {
    "novelty": "",
    "uncertainty": "",
    "tree_spread": ", how far the trees of the forest differ",
    "distance": " deviates from the nearest class of the training set",
    "density_ratio": " times the training set's density",
}
"""of the verdicts, and what is said behind them where they have no line of their own"""
_FLAGS: Final = {
    "discovery": "a rare class beyond doubt",
    "follow_up": "resembles no class: worth a look",
    "shifted": "far out of the training set: what the model says of it may not hold",
    "undersampled": "the training set has few of its kind beside the catalogue",
}


@dataclass(frozen=True, slots=True)
class Story:
    """What is known of an object: `str()` for people, `to_dict()` for programs."""

    data: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return self.data

    def __str__(self) -> str:
        return "\n".join(_lines(self.data))


def explain_in_project(project: Project, words: str) -> Story:
    """An object of a project's match: its group's id, NAME:ID of a member, or a place "RA DEC".

    What the classified catalogue says of it is told, at its mix; before there is one, what the
    model says, at the mix of its training. Without a model the match alone is told. Raises
    NotFoundError where the project has no match yet, or no such object.
    """
    from skyquarry.pipeline.models import load_model
    from skyquarry.pipeline.project.places import ARCHIVE, CLASSIFIED, MATCHED, MODEL
    from skyquarry.pipeline.written import open_match

    home = project.folder / ARCHIVE / MATCHED
    if not home.is_dir():
        raise NotFoundError(
            f"{project.file.name} has no match at {home}, but an object is looked for there: run "
            "the project first"
        )
    match = open_match(home)
    row = _row_of_match(match, words)
    there = (project.folder / MODEL / "model.json").is_file()
    model = load_model(project.folder / MODEL) if there else None
    said = _classified(project.folder / ARCHIVE / CLASSIFIED, row[str(match.groups.roles.id)])
    told = _told(row, match.groups, model, said)
    return Story(told | {"match": _match_of(match, row), "truth": truths_in(project, row)[0]})


def explain_in_catalogue(model: Model, catalog: Catalog, words: str) -> Story:
    """An object of a catalogue under a model: its id, or a place "RA DEC" in degrees.

    Raises NotFoundError for an object that is not there.
    """
    return Story(_told(_row(catalog, words), catalog, model))


# ------------------------------------------------------------------ finding it
def _row_of_match(match: WrittenMatch, words: str) -> pa.Table:
    """The group of that id, or with that member, or at that place."""
    name, colon, own = words.partition(":")
    if colon and name in match.names:
        found = match.groups.ids([words]).to_table()
        if found.num_rows:
            return found
        group = match.lookup(name, [_typed(match, name, own)])
        key = str(match.groups.roles.id)
        ids = [each for each in group[key].to_pylist() if each is not None]
        if ids:
            return match.groups.ids(ids[:1]).to_table()
        raise NotFoundError(_nothing(words, match.groups))
    return _row(match.groups, words)


def _typed(match: WrittenMatch, name: str, own: str) -> Any:
    from skyquarry.match.explain.locating import as_catalogued

    return as_catalogued(own, match.groups.schema.field(f"{name}_id").type)


def _row(catalog: Catalog, words: str) -> pa.Table:
    """The row of that id, or else the nearest one to that place."""
    import pyarrow as pa

    key = catalog.roles.id
    if key is not None:
        kind = catalog.schema.field(key).type
        asked: Any = words
        if pa.types.is_integer(kind):
            asked = int(words) if words.lstrip("-").isdecimal() else None
        found = None if asked is None else catalog.ids([asked]).to_table()
        if found is not None and found.num_rows:
            return found.slice(0, 1)
    return _at_place(catalog, words)


def _at_place(catalog: Catalog, words: str) -> pa.Table:
    from skyquarry.sky.angles import parse_position
    from skyquarry.sky.vectors import separation_arcsec, to_xyz

    try:
        ra, dec = parse_position(words)
    except UserError:
        raise NotFoundError(_nothing(words, catalog)) from None
    found = catalog.cone(ra, dec, radius_arcsec=NEAR_ARCSEC).to_table()
    if not found.num_rows:
        raise NotFoundError(
            f"{catalog.name} has no object within {NEAR_ARCSEC:g} arcsec of {ra:.6f} {dec:+.6f}, "
            "but one is needed: correct the place, or give an id"
        )
    at = to_xyz(*(_numbers(found, axis) for axis in _axes(catalog)))
    middle = np.broadcast_to(to_xyz(np.array([ra]), np.array([dec])), at.shape)
    return found.slice(int(np.argmin(separation_arcsec(at, middle))), 1)


def _nothing(words: str, catalog: Catalog) -> str:
    key, by_id = catalog.roles.id, ""
    if key is not None:
        example = catalog.select([key]).head(1).to_table()[key].to_pylist()
        by_id = f"a value of {key}{''.join(f', such as {each}' for each in example)}, or "
    return (
        f"{words!r} is no object of {catalog.name}, but one is needed: give {by_id}a place in "
        "degrees, as in '180.1 +30.2'"
    )


def _classified(path: Path, ids: pa.ChunkedArray) -> dict[str, Any] | None:
    """The row of the classified catalogue; None where there is none."""
    from skyquarry.engine.catalog import open_catalog

    if not path.is_dir():
        return None
    found: list[dict[str, Any]] = open_catalog(path).ids(ids.to_pylist()).to_table().to_pylist()
    return found[0] if found else None


# ------------------------------------------------------------------ telling of it
def _told(
    row: pa.Table, catalog: Catalog, model: Model | None, said: dict[str, Any] | None = None
) -> dict[str, Any]:
    key = catalog.roles.id
    ra, dec = (float(_numbers(row, axis)[0]) for axis in _axes(catalog))
    told = {
        "id": None if key is None else row[key][0].as_py(),
        "catalog": catalog.name,
        "ra": ra,
        "dec": dec,
        "galactic": _galactic(ra, dec),
        "class": None,
        "match": None,
        "truth": None,
    }
    return told if model is None else told | _judged(row, model, said or _verdicts(row, model))


def _verdicts(row: pa.Table, model: Model) -> dict[str, Any]:
    verdicts = Verdicts(model, explain=False)
    return {
        field.name: column[0].as_py()
        for field, column in zip(verdicts.fields, verdicts.of(row), strict=True)
    }


def _judged(row: pa.Table, model: Model, said: dict[str, Any]) -> dict[str, Any]:
    """What is said of it, and what speaks for and against the two likeliest classes."""
    from skyquarry.learn.explanations import reasons

    columns = probability_columns(model.classes)
    p = {name: said[column] for name, column in columns.items()}
    likely = sorted(p, key=lambda name: -p[name])
    values = model.values(row)
    weights = model.ensemble.explain(values)
    why: dict[str, list[str]] = {}
    for name in likely[:2]:
        if weights is not None:
            found = reasons(
                weights, values, model.features, model.classes, [model.classes.index(name)],
                units=model.units, most=_REASONS,
            )  # fmt: skip
            why[name] = [each.text for each in found[0]]
    beside = {
        name: value
        for name, value in said.items()
        if name.startswith("p_") and name not in columns.values()
    }
    return {
        "class": said["class"],
        "probabilities": p,
        "beside": beside,
        "class_set": [each for each in said["class_set"].split("|") if each],
        **{name: said.get(name) for name in _NUMBERS},
        "flags": [name for name in _FLAGS if said.get(name)],
        "reasons": why,
    }


def _match_of(match: WrittenMatch, row: pa.Table) -> dict[str, Any]:
    """Why its first member was matched as it is: worked out again from the catalogues."""
    members = {}
    for name in match.names:
        own = row[f"{name}_id"][0].as_py()
        if own is not None:
            members[name] = own
    first = next(iter(members))
    try:
        telling = match.explain_match(first, members[first])
    except (UserError, OSError) as fault:
        return {"members": members, "of": list(match.names), "why_not": str(fault)}
    return {
        "members": members,
        "of": list(match.names),
        "lines": str(telling).splitlines(),
        "told": telling.to_dict(),
    }


def _axes(catalog: Catalog) -> tuple[str, str]:
    roles = catalog.roles
    if roles.ra is None or roles.dec is None:
        raise ColumnError(
            f"{catalog.name} has no columns of positions, but an object has a place: build it "
            "with ra and dec"
        )
    return roles.ra, roles.dec


def _numbers(table: pa.Table, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.asarray(table[name].to_numpy(), np.float64)


def _galactic(ra: float, dec: float) -> tuple[float, float]:
    from skyquarry.sky.frames import to_frame
    from skyquarry.sky.vectors import to_radec, to_xyz

    lon, lat = to_radec(to_frame(to_xyz(np.array([ra]), np.array([dec])), "galactic"))
    return float(lon[0]), float(lat[0])


# ------------------------------------------------------------------ in words
def _lines(told: dict[str, Any]) -> list[str]:
    lon, lat = told["galactic"]
    place = f"ra {told['ra']:.7f}, dec {told['dec']:+.7f} (l {lon:.4f}, b {lat:+.4f} degrees)"
    one = "a row" if told["id"] is None else told["id"]
    lines = [f"{one} of {told['catalog']}: {place}"]
    if told["truth"] is not None:
        lines.append(f"in truth, as it is simulated: {truth_words(told['truth'])}")
    if told["class"] is not None:
        lines += _class_lines(told)
    if told["match"] is not None:
        lines += _match_lines(told["match"])
    return lines


def _class_lines(told: dict[str, Any]) -> list[str]:
    p = told["probabilities"]
    likely = sorted(p, key=lambda name: -p[name])
    said = ", ".join(f"{_read(name)} {p[name]:.4f}" for name in likely)
    lines = [f"class: {_read(told['class'])}; probabilities: {said}"]
    for name, value in told["beside"].items():
        lines.append(f"  {_read(name.removeprefix('p_'))}: {value:.4f}")
    sets = ", ".join(map(_read, told["class_set"])) or "none of its classes, at that risk"
    lines.append(f"may be, right nine times of ten: {sets}")
    lines.append(f"novelty: {told['novelty']:.3f}" + _novelty(told["novelty"]))
    lines += [f"{name}: {told[name]:.3f}{text}" for name, text in _NUMBERS.items()
              if text and told[name] is not None]  # fmt: skip
    lines += [f"flag {name}: {_FLAGS[name]}" for name in told["flags"]] or ["no flags"]
    for name, reasons in told["reasons"].items():
        lines.append(f"what weighs most for and against {_read(name)}:")
        lines += [f"  {each}" for each in reasons]
    return lines


def _novelty(novelty: float) -> str:
    if novelty >= 0.99:
        return ", fewer than one in a hundred of any class are as strange"
    return f", some {100 * (1 - novelty):.0f} in a hundred of its kind are stranger"


def _match_lines(match: dict[str, Any]) -> list[str]:
    members = ", ".join(f"{name} {own}" for name, own in match["members"].items())
    lines = [f"seen by {len(match['members'])} of {len(match['of'])} catalogues: {members}"]
    if "why_not" in match:
        return [*lines, f"why cannot be told again: {match['why_not']}"]
    return [*lines, *(f"  {line}" for line in match["lines"])]


def _read(name: str) -> str:
    return name.replace("_", " ")
