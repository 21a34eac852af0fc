"""A README.md beside each thing that a project makes: what it is, of what, what columns mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow.parquet as pq

from skyquarry.catalog.columns import SPATIAL
from skyquarry.catalog.files import Folder
from skyquarry.pipeline.project.checksums import README
from skyquarry.pipeline.project.places import ARCHIVE, CLASSIFIED, FEATURES, MATCHED, SIMULATE
from skyquarry.pipeline.project.provenance import run_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import pyarrow as pa

    from skyquarry.pipeline.project.records import Record
    from skyquarry.pipeline.project.settings import Project
    from skyquarry.pipeline.project.stages import Stage

_WHAT: Final = {
    MATCHED: "One row an object: the rows of all surveys that are it, with all their columns.",
    f"{MATCHED}_pairs": "One row a candidate: two rows of two surveys that may be one object.",
    f"{MATCHED}_members": "One row a row of a survey: the object that it belongs to, or why none.",
    FEATURES: "One row an object of the match: the numbers that a model learns from.",
    CLASSIFIED: "One row an object of the match: its class, probabilities, and what to doubt.",
    "truth": "The sources of the synthetic sky, as they are and not as anyone measures them.",
    "clusters": "One row a cluster of galaxies, as found among the matched objects.",
}


def describe(project: Project, stage: Stage, record: Record) -> list[Path]:
    """Write a README.md beside each thing that a stage has made; returns where.

    Models get a model card, which is written again when there are scores.
    """
    from skyquarry.pipeline.project.reporting.cards import write_card

    if stage.name in ("train", "evaluate"):
        write_card(project)
    places = list(_places(project, stage))
    for place in places:
        Folder.at(place).write_atomic(README, _text(project, place, record).encode())
    return places


def _places(project: Project, stage: Stage) -> Iterator[Path]:
    """The folders of catalogues and tables that the stage has made."""
    home = project.folder / ARCHIVE
    if stage.name == SIMULATE:
        names = ["truth", *stage.settings["surveys"]]
        made: Iterable[Path] = [home / name for name in names]
        made = [*made, *(home / f"{name}_truth" for name in stage.settings["surveys"])]
    elif stage.output == home / MATCHED:
        made = [home / name for name in (MATCHED, f"{MATCHED}_pairs", f"{MATCHED}_members")]
    elif stage.name in ("train", "evaluate"):
        made = []
    else:
        made = [stage.output]
    yield from (each for each in made if _is_catalogue(each) or _has_tables(each))


def _is_catalogue(place: Path) -> bool:
    return (place / "collection.properties").is_file()


def _has_tables(place: Path) -> bool:
    return place.is_dir() and any(place.glob("*.parquet"))


def _text(project: Project, place: Path, record: Record) -> str:
    if _is_catalogue(place):
        return _of_catalogue(project, place, record)
    return _of_tables(project, place, record)


# ------------------------------------------------------------------ a catalogue
def _of_catalogue(project: Project, place: Path, record: Record) -> str:
    from skyquarry.engine.catalog import open_catalog

    catalog = open_catalog(place)
    stored = catalog.stored
    title = catalog.properties.get("obs_title", "")
    lines = [f"# {place.name}", "", _what(place.name, title), ""]
    lines += [*_simulated(catalog.properties, record), ""]
    facts = {
        "rows": f"{stored.n_rows:,}",
        "tiles": f"{len(stored.tiles):,}",
        "version": stored.version,
        "format": "HATS collection: HEALPix tiles of Parquet",
        "margins": ", ".join(stored.margins) or "none",
    }
    lines += _facts(project, record, facts)
    path = place.relative_to(project.folder).as_posix()
    lines += ["## Open it", "", "From the project's folder:", "", "```python",
              "import skyquarry as sq", f'sq.open("{path}").head(5)', "```", ""]  # fmt: skip
    return "\n".join([*lines, "## Columns", "", *columns_of(stored.schema), ""])


def _what(name: str, title: str) -> str:
    told = _WHAT.get(name)
    if told is not None:
        return told
    if name.endswith("_truth"):
        return f"Which sources the light of each row of {name.removesuffix('_truth')} is of."
    return f"{title or name}, a catalogue of this project."


def _simulated(properties: dict[str, str], record: Record) -> list[str]:
    from skyquarry.pipeline.project.reporting.gathering import SIMULATION

    if record.stage == SIMULATE or SIMULATION in properties:
        return ["**Simulated**: no object of it exists; what is made of it is simulated too."]
    return []


def columns_of(schema: pa.Schema) -> list[str]:
    """A table of columns: name, type, unit, meaning."""
    lines = ["| column | type | unit | meaning |", "|---|---|---|---|"]
    for each in schema:
        if each.name == SPATIAL:
            continue
        said = {k.decode(): v.decode() for k, v in (each.metadata or {}).items()}
        meaning = said.get("description", "").replace("|", "\\|").replace("\n", " ")
        lines.append(f"| `{each.name}` | {each.type} | {said.get('unit', '')} | {meaning} |")
    return lines


# ------------------------------------------------------------------ plain tables
def _of_tables(project: Project, place: Path, record: Record) -> str:
    lines = [f"# {place.name}", "", f"Tables of the stage `{record.stage}`.", ""]
    lines += _facts(project, record, {})
    for file in sorted(place.rglob("*.parquet")):
        read = pq.ParquetFile(file)
        lines += [f"## {file.relative_to(place).as_posix()}: {read.metadata.num_rows:,} rows", ""]
        lines += [*columns_of(read.schema_arrow), ""]
    return "\n".join(lines)


def _facts(project: Project, record: Record, more: dict[str, str]) -> list[str]:
    """Who made it, when, of what, and by which name provenance knows it."""
    told: dict[str, Any] = {
        **more,
        "made by": f"stage `{record.stage}` of `{project.file.name}`, skyquarry {record.version}",
        "made": record.ended,
        "seed": record.seed,
        "of": ", ".join(f"`{each}`" for each in record.inputs) or "nothing else",
        "sha256": f"`{record.checksum}`",
        "provenance": f"`{run_name(record)}` in `provenance.json`",
    }
    return ["| | |", "|---|---|", *(f"| {k} | {v} |" for k, v in told.items()), ""]
