"""`tag`: columns of a catalogue's rows, or of some of these, kept beside it for queries to read."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from skyquarry.cli.options import ARCHIVE, Archive, Catalogue, Columns, Where, located
from skyquarry.cli.words import listed


def tag(
    path: Catalogue,
    name: Annotated[str, typer.Argument(help="What the tag is to be called, beside it.")],
    *,
    archive: Archive = ARCHIVE,
    columns: Columns = None,
    where: Where = None,
    named_by: Annotated[
        str | None,
        typer.Option("--named-by", help="Only rows that this catalogue beside it names, by --on."),
    ] = None,
    on: Annotated[
        str | None,
        typer.Option("--on", help="The column that names them; as COLUMN=KEY where KEY differs."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a tag there.")] = False,
) -> None:
    """Keep popular columns, rows within limits, or rows that another catalogue names, as a tag.

    Example: skyquarry tag sdss/photoobj specphoto --named-by sdss/specobj --on objID

    Without --columns those that roles name: id, position, magnitudes, sizes. Queries ask for the
    catalogue as before, and read the tag where it has all that they need.
    """
    from skyquarry.catalog.relations import NAMED_ROWS
    from skyquarry.engine.catalog import open_catalog
    from skyquarry.engine.tags import TAG_OF

    whole = open_catalog(located(path, archive))
    some = _rows(whole, where, None if named_by is None else located(named_by, archive), on)
    some = some.select(listed(columns)) if columns else some.tag()
    made = some.to_catalog(whole.stored.home.parent.path(name), overwrite=overwrite)
    is_tag = {TAG_OF, NAMED_ROWS}.intersection(made.properties)
    kind = f"a tag of {whole.name}" if is_tag else f"no tag of {whole.name}, but a catalogue"
    typer.echo(f"{made.name} is {kind}: {len(made):,} rows of {len(made.columns)} columns")


def _rows(whole: Any, where: str | None, by: str | None, on: str | None) -> Any:
    """The rows that are wanted of a catalogue."""
    from skyquarry.errors import UserError

    if (by is None) != (on is None):
        raise UserError(
            "one of --named-by and --on is given, but rows are named by both: as in "
            "--named-by sdss/specobj --on objID"
        )
    found = whole.where(where) if where else whole
    column, _, key = (on or "").partition("=")
    return found if by is None else found.named_by(by, column.strip(), key.strip() or None)
