"""`ls`, `info`, `verify`: what there is, and whether it is sound."""

from __future__ import annotations

from typing import Any

import typer

from skyquarry.cli.options import ARCHIVE, Archive, Catalogue, Json, located
from skyquarry.cli.output import write_json, write_table_of


def ls(archive: Archive = ARCHIVE, *, as_json: Json = False) -> None:
    """List the catalogues of an archive, and the results that queries kept there as my.NAME.

    Example: skyquarry ls --archive demo/archive
    """
    from skyquarry.engine.archive import archive as open_archive

    here = open_archive(archive)
    rows = [_line(name, f"{archive}/{name}") for name in here.names()]
    rows += [_kept_line(each) for each in here.saved()] if here.folder.exists("my") else []
    if as_json:
        write_json(rows)
    elif rows:
        write_table_of(rows)
    else:
        typer.echo(f"{archive} holds no catalogues")


def _kept_line(saved: Any) -> dict[str, Any]:
    """One result that was kept: its query is its title."""
    title = " ".join(saved.query.split())
    line = {"name": saved.name, "kind": saved.kind, "rows": saved.rows, "tiles": None}
    return line | {"title": title}


def _line(name: str, path: str) -> dict[str, Any]:
    """One catalogue; one that is damaged is listed with its fault."""
    from skyquarry.catalog.stored import open_stored
    from skyquarry.errors import DataError

    try:
        stored = open_stored(path)
    except DataError as fault:
        return {"name": name, "kind": "damaged", "rows": None, "tiles": None, "title": str(fault)}
    return {
        "name": name,
        "kind": stored.kind,
        "rows": stored.n_rows,
        "tiles": len(stored.tiles.order),
        "title": stored.properties.get("obs_title", ""),
    }


def info(path: Catalogue, archive: Archive = ARCHIVE, *, as_json: Json = False) -> None:
    """Tell what a catalogue is: its rows, tiles, columns with units, roles and provenance.

    Example: skyquarry info demo/archive/gaia
    """
    from skyquarry.catalog.stored import open_stored

    told = _told(open_stored(located(path, archive)))
    if as_json:
        write_json(told)
        return
    columns = told.pop("columns")
    properties = told.pop("properties")
    for key, value in told.items():
        typer.echo(f"{key:<10}{_plain(value)}")
    typer.echo("")
    write_table_of(columns)
    typer.echo("")
    for key, value in properties.items():
        typer.echo(f"{key} = {value}")


def _told(stored: Any) -> dict[str, Any]:
    from skyquarry.catalog.columns import meaning

    orders = stored.tiles.order
    return {
        "name": stored.name,
        "path": stored.folder.root,
        "kind": stored.kind,
        "rows": stored.n_rows,
        "tiles": len(orders),
        "orders": [int(orders.min()), int(orders.max())] if len(orders) else [],
        "version": stored.version,
        "margins": sorted(stored.margins),
        "indexes": sorted(stored.indexes),
        "columns": [_column(field, meaning(field)) for field in stored.schema],
        "properties": dict(stored.properties),
    }


def _column(field: Any, words: dict[str, str]) -> dict[str, str]:
    told = {"name": field.name, "type": str(field.type)}
    return told | {key: words.get(key, "") for key in ("unit", "ucd", "description")}


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(str(each) for each in value)
    return f"{value:,}" if isinstance(value, int) else str(value)


def verify(path: Catalogue, archive: Archive = ARCHIVE, *, as_json: Json = False) -> None:
    """Read every row of a catalogue and check it; exit code 1 where there are faults.

    Example: skyquarry verify demo/archive/gaia
    """
    from skyquarry.catalog.verify import verify as find_faults

    place = located(path, archive)
    faults = find_faults(place)
    if as_json:
        write_json([{"file": f.file, "what": f.what, "rows": list(f.rows)} for f in faults])
    else:
        for fault in faults:
            typer.echo(str(fault))
        typer.echo(f"{place}: {len(faults)} faults" if faults else f"{place} is sound")
    if faults:
        raise typer.Exit(1)
