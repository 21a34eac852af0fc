"""The work of each stage: one call below, and what there is to tell of it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skyquarry.engine.catalog import Catalog
    from skyquarry.pipeline.project.settings import Project
    from skyquarry.pipeline.project.stages import Work
    from skyquarry.sky.algebra import Region


def simulate(work: Work) -> dict[str, Any]:
    """The synthetic sky of all surveys that are simulated. Kept tables go on after a kill."""
    from skyquarry.pipeline.simulating import simulate

    names = work.stage.settings["surveys"]
    made = simulate(
        _region(work.project), work.stage.output, seed=work.project.seed, surveys=names,
        progress=work.progress, overwrite=True,
    )  # fmt: skip
    rows = {name: int(made[name].stored.tiles.rows.sum()) for name in made.names()}
    return {"simulated": True, "rows": rows}


def build(work: Work) -> dict[str, Any]:
    """A catalogue of files."""
    from skyquarry.pipeline.build import build

    settings = work.project.surveys[work.stage.settings["name"]]
    given = [settings.files] if isinstance(settings.files, str) else list(settings.files or ())
    files = list(work.stage.files[: len(given)])
    columns: dict[str, Any] = {} if settings.columns is None else asdict(settings.columns)
    made = build(
        files[0] if len(files) == 1 else files, work.stage.output, survey=_survey(work),
        progress=work.progress, overwrite=work.stage.output.exists(), **columns,
    )  # fmt: skip
    return _told(made)


def fetch(work: Work) -> dict[str, Any]:
    """A survey's rows in the project's region, from its service."""
    from skyquarry.pipeline.fetching import fetch

    settings = work.project.surveys[work.stage.settings["name"]]
    made = fetch(
        _survey(work), work.stage.output, region=_region(work.project), where=settings.where,
        tap=settings.tap, table=settings.table, progress=work.progress,
        overwrite=work.stage.output.exists(),
    )  # fmt: skip
    return _told(made)


def match(work: Work) -> dict[str, Any]:
    """The identification of the catalogues, as a catalogue with its report."""
    from skyquarry.engine.catalog import open_catalog
    from skyquarry.pipeline.crossmatching import crossmatch
    from skyquarry.pipeline.project.stages import place_of

    settings = dict(work.stage.settings)
    names = settings.pop("catalogs")
    settings["photometry"] = None if settings["photometry"] == "none" else "auto"
    catalogs = [open_catalog(place_of(work.project, name)) for name in names]
    plan = crossmatch(*catalogs, names=names, **settings)
    made = plan.to_catalog(work.stage.output, wide=True, overwrite=work.stage.output.exists())
    return _told(made)


def _region(project: Project) -> Region:
    from skyquarry.pipeline.simulating import field

    where = project.region
    assert where is not None
    return field(
        where.area_deg2, latitude_deg=where.latitude_deg, longitude_deg=where.longitude_deg,
        region=where.text,
    )  # fmt: skip


def _survey(work: Work) -> str | None:
    """A survey by its name, or by its role file beside the project's."""
    from skyquarry.pipeline.project.stages import beside

    given = work.project.surveys[work.stage.settings["name"]].survey
    if given is not None and given.endswith(".toml"):
        return str(beside(work.project, given))
    return given


def _told(made: Catalog) -> dict[str, Any]:
    tiles = made.stored.tiles
    return {"rows": int(made.stored.n_rows), "tiles": len(tiles)}
