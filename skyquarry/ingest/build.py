"""Building a catalogue: `build` at once, or `plan_build` first, which says what would be done.

An external sort: the input is read once, cleaned, and written as sorted runs (`firstpass`); the
runs' counts tell where the tiles' borders lie; each tile is gathered from the runs and written
once (`secondpass`). Why it is done so stands in `design/ingest.md`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from skyquarry.catalog.files import Folder
from skyquarry.catalog.versions import check_name, current
from skyquarry.catalog.writer import Options, thresholds_of
from skyquarry.errors import ExistsError, UserError
from skyquarry.ingest.buildplan import MARGIN_ARCSEC, MAX_ROWS, BuildPlan
from skyquarry.ingest.child import CHILD_GROUP_ROWS, plan_child
from skyquarry.ingest.description import Given, describe_input
from skyquarry.ingest.footprints import check_footprint
from skyquarry.ingest.sourcefiles import file_mark
from skyquarry.ingest.sources import open_sources
from skyquarry.ingest.workspace import folder_of

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from skyquarry.catalog.roles import Survey
    from skyquarry.engine.executors import Where
    from skyquarry.ingest.progress import Progress
    from skyquarry.ingest.sources import Sources
    from skyquarry.sky.footprint import Footprint


def plan_build(  # noqa: PLR0913  each keyword is said by its name
    source: Any,
    path: str | os.PathLike[str],
    *,
    survey: Survey | None = None,
    ra: str | None = None,
    dec: str | None = None,
    id: str | None = None,  # noqa: A002  the role's name at the public face
    kind: Literal["object", "source"] = "object",
    time: str | None = None,
    margin_arcsec: float | Sequence[float] | None = MARGIN_ARCSEC,
    max_rows: int = MAX_ROWS,
    row_group_rows: int | None = None,
    xyz: bool = False,
    duplicates: Literal["flag", "reject"] = "flag",
    parent: str | None = None,
    on: str | None = None,
    ra_unit: str | None = None,
    frame: str | None = None,
    footprint: Footprint | None = None,
    name: str | None = None,
    overwrite: bool = False,
    format: str | None = None,  # noqa: A002  as `open_table` calls it
    properties: Mapping[str, str] | None = None,
    **reading: Any,
) -> BuildPlan:
    """What `build` with the same arguments would do; nothing is written.

    Raises what `build` raises before it begins.
    """
    group_rows = row_group_rows
    if group_rows is None:
        group_rows = Options().row_group_rows if parent is None else CHILD_GROUP_ROWS
    _check_numbers(max_rows, group_rows, duplicates)
    collection = Folder.at(path)
    title = check_name(name or collection.name)
    sources = open_sources(source, format=format, **reading)
    given = Given(survey, ra, dec, id, time, kind, ra_unit, frame, xyz)
    check_footprint(footprint)
    common: dict[str, Any] = {
        "sources": sources,
        "collection": collection,
        "name": title,
        "kind": kind,
        "margins_arcsec": thresholds_of(margin_arcsec),
        "max_rows": max_rows,
        "options": Options(row_group_rows=group_rows),
        "duplicates": duplicates,
        "survey": survey,
        "footprint": footprint,
        "extra": dict(properties or {}),
        "marks": _marks(sources),
    }
    if parent is not None or on is not None:
        plan: BuildPlan = plan_child(parent, on, given, common)
    else:
        described = describe_input(sources.schema, given)
        plan = BuildPlan(described=described, **common)
        _check_duplicates(plan)
    _check_target(plan, overwrite=overwrite)
    return plan


def build(
    source: Any,
    path: str | os.PathLike[str],
    *,
    executor: Where = None,
    progress: Progress | bool | None = None,
    **how: Any,
) -> Any:
    """A catalogue of the source at `path`: a `Catalog`, opened. Takes what `plan_build` takes."""
    from skyquarry.engine.catalog import open_catalog

    plan = plan_build(source, path, **how)
    plan.run(executor, progress=progress)
    return open_catalog(plan.collection.root)


def _check_numbers(max_rows: int, row_group_rows: int, duplicates: str) -> None:
    for name, value in (("max_rows", max_rows), ("row_group_rows", row_group_rows)):
        if value < 1:
            raise UserError(f"{name} is {value}, but 1 or more is needed: leave it out")
    if duplicates not in {"flag", "reject"}:
        raise UserError(f"duplicates is {duplicates!r}, but 'flag' or 'reject' is needed")


def _check_duplicates(plan: BuildPlan) -> None:
    if plan.duplicates != "reject":
        return
    if plan.sources.spilled is not None:
        raise UserError(
            'duplicates="reject" was given for rows that are spilled already, which keep no trace '
            "of the order in which they came: leave it out"
        )
    if plan.described.roles.id is None:
        raise UserError(
            'duplicates="reject" was given for a table without an id, or of sources, whose ids may '
            "repeat: name the id with id=, or leave duplicates out"
        )


def _check_target(plan: BuildPlan, *, overwrite: bool) -> None:
    """Raise ExistsError where something would be lost, or written over unasked."""
    at = plan.collection
    if not at.exists():
        return
    if at.exists("collection.properties"):
        if overwrite or _is_ours(plan):
            return
        raise ExistsError(
            f"{at.root} holds the catalogue {current(at)} already, and it would be replaced: pass "
            "overwrite=True to publish a new version (the old one is kept), or choose another path"
        )
    left = [n for n in at.list() if not n.startswith(".") and not at.exists(f"{n}/.building")]
    if left:
        raise ExistsError(
            f"{at.root} holds {left[0]!r} and is no catalogue, but an empty or new folder is "
            "needed: choose another path"
        )


def _is_ours(plan: BuildPlan) -> bool:
    """Whether the work of a build like this one lies there, killed before its end."""
    journal = folder_of(plan.collection) / "journal.jsonl"
    return journal.exists() and plan.fingerprint in journal.read_text()[:400]


def _marks(sources: Sources) -> tuple[tuple[str, str], ...]:
    on_disk = [f.name for f in sources.files if f.format != "arrow" and "://" not in f.name]
    found = []
    for name in on_disk:
        try:
            found.append((name, file_mark(name)))
        except OSError:  # a table in memory, or a file object
            continue
    return tuple(found)
