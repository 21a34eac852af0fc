"""`sq.build`: a survey's name becomes its role file, then `ingest` builds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from skyquarry.catalog.roles import Survey
    from skyquarry.catalog.services import BulkFiles
    from skyquarry.engine.catalog import Catalog, CatalogLike
    from skyquarry.engine.executors import Where
    from skyquarry.ingest.buildplan import BuildPlan
    from skyquarry.ingest.progress import Progress
    from skyquarry.sky.footprint import Footprint


def build(  # noqa: PLR0913  each keyword is said by its name
    source: Any,
    path: str | os.PathLike[str],
    *,
    survey: str | Path | Survey | None = None,
    ra: str | None = None,
    dec: str | None = None,
    id: str | None = None,  # noqa: A002  the role's name
    kind: Literal["object", "source"] = "object",
    time: str | None = None,
    margin_arcsec: float | Sequence[float] | None = 10.0,
    max_rows: int = 1_000_000,
    row_group_rows: int | None = None,
    xyz: bool = False,
    duplicates: Literal["flag", "reject"] = "flag",
    parent: CatalogLike | None = None,
    on: str | None = None,
    ra_unit: str | None = None,
    frame: str | None = None,
    footprint: Footprint | None = None,
    name: str | None = None,
    overwrite: bool = False,
    format: str | None = None,  # noqa: A002  as `open_table` calls it
    properties: Mapping[str, str] | None = None,
    executor: Where = None,
    progress: Progress | bool | None = None,
    **reading: Any,
) -> Catalog:
    """A catalogue of the source at `path`: built, published, and opened; its `.report` tells all.

    Parameters
    ----------
    source
        A path, glob, folder, URL or a list of these; or an Arrow, pandas or astropy table. Files
        as a survey gives them out (2MASS's psc_*.gz, AllWISE's wise-allwise-cat-part*.bz2, Gaia's
        GaiaSource_*.csv.gz) are read as they are, the survey being named.
    path
        The folder of the catalogue; its last part is the catalogue's name unless `name` is given.
    survey
        The name of a survey (`surveys.names()`), a role file's path, or a Survey. Without it the
        usual column names are recognised, and what was guessed is told.
    ra, dec, id, time
        Columns, where role file and guess are wrong or silent.
    kind
        "source" for measurements: ids may repeat, and a time is needed.
    margin_arcsec
        Width of the margin kept beside each tile; several, the default first; None for none.
    max_rows, row_group_rows
        Of a tile, and of a Parquet row group: 8,192 unless said, of a child 32,768. Wide tables get
        smaller tiles, for memory's sake.
    xyz
        Also store the unit vector, as cx, cy, cz.
    duplicates
        Rows with an id that stands earlier: "flag" counts and keeps, "reject" sets them aside.
    parent, on
        A child table: its rows have no positions and are stored in the parent's tiles, beside the
        row whose id is in the child's column `on`.
    ra_unit, frame
        Of the input's positions: "deg", "rad", "hourangle", "sexagesimal"; "icrs", "fk5" (J2000),
        "fk4" (B1950), "galactic", "ecliptic", "supergalactic".
    footprint
        The part of the sky that the data cover, kept with the catalogue.
    overwrite
        Publish a new version over the catalogue that is there; the old version is kept.
    properties
        More keys for hats.properties.
    executor
        "threads" (default), "processes", "inline", or any concurrent.futures.Executor.
    progress
        True, False, or an object with the methods of `ingest.progress.Progress`; by default a bar
        where stderr is a terminal.
    reading
        What the format's reader takes: hdu, table, types, nulls, ...

    Raises ColumnError, IngestError, StorageError, ExistsError, UserError: the target is then as it
    was. A build that is killed goes on where it was when it is run again.

    >>> sq.build("gaia_*.parquet", "archive/gaia", survey="gaia_dr3")  # doctest: +SKIP
    """
    plan = plan_build(
        source,
        path,
        survey=survey,
        ra=ra,
        dec=dec,
        id=id,
        kind=kind,
        time=time,
        margin_arcsec=margin_arcsec,
        max_rows=max_rows,
        row_group_rows=row_group_rows,
        xyz=xyz,
        duplicates=duplicates,
        parent=parent,
        on=on,
        ra_unit=ra_unit,
        frame=frame,
        footprint=footprint,
        name=name,
        overwrite=overwrite,
        format=format,
        properties=properties,
        **reading,
    )
    from skyquarry.engine.catalog import open_catalog

    report = plan.run(executor, progress=progress)
    return replace(open_catalog(plan.collection.root), built=report)


def plan_build(
    source: Any,
    path: str | os.PathLike[str],
    *,
    survey: str | Path | Survey | None = None,
    parent: CatalogLike | None = None,
    **how: Any,
) -> BuildPlan:
    """What `build` with the same arguments would do: `explain()` tells it, `run()` does it.

    Takes all that `build` takes but `executor` and `progress`, which go to `run`.
    """
    from skyquarry.ingest.build import plan_build as planned

    where = None if parent is None else _place_of(parent)
    told = survey_of(survey)
    if told is not None and told.bulk is not None and how.get("format") is None:
        source, how = _bulk_given(source, told.bulk, how)
    return planned(source, path, survey=told, parent=where, **how)


def _bulk_given(source: Any, bulk: BulkFiles, how: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The survey's own bulk files in a source, and how they are read; else all as it was."""
    files = _bulk_files(source, bulk)
    if not files:
        return source, how
    reading = {"columns": bulk.columns, "delimiter": bulk.delimiter, "nulls": bulk.nulls}
    return files, how | {"format": "bulk"} | reading


def _bulk_files(source: Any, bulk: BulkFiles) -> list[str]:
    """The bulk files of a folder, sorted; those of a path, glob or list where all are such."""
    import os

    from skyquarry.errors import UserError
    from skyquarry.ingest.sourcefiles import list_files

    if isinstance(source, str | os.PathLike) and Path(source).is_dir():
        return sorted(str(each) for each in Path(source).iterdir() if _is_bulk(each.name, bulk))
    if not isinstance(source, str | os.PathLike | list | tuple):
        return []
    try:
        files = list_files(source)
    except UserError:  # told where the source is opened
        return []
    return files if all(_is_bulk(file.rpartition("/")[2], bulk) for file in files) else []


def _is_bulk(name: str, bulk: BulkFiles) -> bool:
    from fnmatch import fnmatchcase

    bare = name.removesuffix(".gz").removesuffix(".bz2")
    return any(fnmatchcase(bare, pattern) for pattern in bulk.files)


def survey_of(survey: str | Path | Survey | None) -> Survey | None:
    """The role file of that name or path; a Survey as it is. Raises UserError for all else."""
    from skyquarry.catalog.roles import Survey as Known
    from skyquarry.errors import UserError

    if survey is None or isinstance(survey, Known):
        return survey
    if isinstance(survey, str | Path):
        from skyquarry.surveys.load import load

        return load(survey)
    raise UserError(
        f"survey is {survey!r:.60}, but the name of a survey, or the path of a role file, is "
        "needed: try 'gaia'"
    )


def _place_of(parent: CatalogLike) -> str:
    """The path or URL of a catalogue."""
    import os

    from skyquarry.engine.catalog import catalog_of

    if isinstance(parent, str | os.PathLike):
        return os.fspath(parent)
    return catalog_of(parent).stored.home.root
