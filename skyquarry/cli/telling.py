"""`schema`, `cite`: what a survey or a catalogue tells other systems, and papers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from skyquarry.cli.options import ARCHIVE, Archive, Json, located
from skyquarry.cli.output import write_json


def schema(
    name: Annotated[
        str, typer.Argument(help="A survey (gaia, 2mass ...), a role file, or a catalogue.")
    ],
    as_: Annotated[
        Literal["sql", "votable", "fits", "xml", "md"],
        typer.Option("--as", help="The system that the schema is for."),
    ] = "md",
    out: Annotated[str | None, typer.Option("--out", help="Write a file instead.")] = None,
    archive: Archive = ARCHIVE,
    *,
    as_json: Json = False,
) -> None:
    """Write the columns of a survey or a catalogue as the schema of another system.

    Example: skyquarry schema gaia --as sql
    """
    from skyquarry.surveys.schema import schema_file, schema_text

    source, title = _schema_source(name, archive)
    if out is not None:
        Path(out).write_bytes(schema_file(source, as_, name=title))
        typer.echo(f"the schema of {title} was written to {out}")
    elif as_json:
        write_json({"name": title, "as": as_, "schema": schema_text(source, as_, name=title)})
    else:
        typer.echo(schema_text(source, as_, name=title))


def _schema_source(name: str, archive: str) -> tuple[Any, str]:
    """The survey of that name, else the schema of the catalogue; and its title."""
    survey = _survey_or_none(name)
    if survey is not None:
        return survey, survey.name
    from skyquarry.catalog.stored import open_stored

    stored = open_stored(located(name, archive))
    return stored.schema, stored.name


def _survey_or_none(name: str) -> Any:
    from skyquarry.errors import NotFoundError
    from skyquarry.surveys.load import load

    if not name.endswith(".toml") and Path(name).exists():
        return None
    try:
        return load(name)
    except NotFoundError:
        return None


def cite(
    path: Annotated[
        str, typer.Argument(metavar="PATH", help="A catalogue, or the name of a survey.")
    ],
    archive: Archive = ARCHIVE,
    *,
    as_json: Json = False,
) -> None:
    """Print BibTeX and acknowledgements for a catalogue and all that it was made from.

    Example: skyquarry cite demo/archive/gaia
    """
    citation = _citation(path, archive)
    if as_json:
        write_json(citation.to_dict())
    else:
        typer.echo(citation.to_text())


def _citation(name: str, archive: str) -> Any:
    from skyquarry.catalog.stored import open_stored
    from skyquarry.errors import NotFoundError
    from skyquarry.surveys import cite as citing

    try:
        place = located(name, archive)
    except NotFoundError:
        survey = _survey_or_none(name)
        if survey is None:
            raise
        return citing.cite_survey(survey)

    def ancestor(text: str) -> Any:
        try:
            return open_stored(located(text, archive)).properties
        except NotFoundError:
            return None

    return citing.cite(open_stored(place).properties, open_progenitor=ancestor)
