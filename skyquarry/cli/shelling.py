"""`shell`: a session of ADQL queries over an archive and files beside it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from skyquarry.cli.options import ARCHIVE, Archive, Catalogs, My, Uploads, located


def shell(
    *,
    archive: Archive = ARCHIVE,
    catalog: Catalogs = None,
    upload: Uploads = None,
    my: My = None,
    format_: Annotated[
        str, typer.Option("--format", help="How results are written: table, csv, fits ...")
    ] = "table",
    limit: Annotated[
        int, typer.Option("--limit", min=0, help="Rows shown on the screen; 0 for all.")
    ] = 20,
) -> None:
    r"""Ask query after query: history, completion by Tab, \d for tables and columns, \? for help.

    A query ends in a semicolon. What is no terminal is a script, which ends at its first fault.

    Example: skyquarry shell --archive demo/archive
    """
    from skyquarry.cli.options import named
    from skyquarry.cli.shell.looping import converse, script
    from skyquarry.cli.shell.session import ENTER, Session
    from skyquarry.cli.shell.showing import complain
    from skyquarry.cli.shell.terminal import is_terminal, reader_of
    from skyquarry.engine.archive import archive as open_archive

    catalogs = {name: located(path, archive) for name, path in named(catalog, "--catalog").items()}
    uploads = named(upload, "--upload")
    note = typer.echo if is_terminal() else complain
    session = Session(open_archive(archive), catalogs, uploads, say=typer.echo, note=note)
    session.limit, session.my = limit, my
    if format_ != "table":
        session.choose_format(format_)
    if not is_terminal():
        raise typer.Exit(script(session, sys.stdin))
    typer.echo(f"{session.archive!r}\n{ENTER}")
    converse(session, reader_of(session))
