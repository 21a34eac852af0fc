"""Options that several commands take, and how the name of a catalogue is found."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

VARIABLE = "SKYQUARRY_ARCHIVE"
Archive = Annotated[
    str,
    typer.Option("--archive", envvar=VARIABLE, help="The folder of named catalogues."),
]
Json = Annotated[bool, typer.Option("--json", help="Write JSON, for a program to read.")]
Out = Annotated[
    str | None,
    typer.Option(
        "--out",
        help="Write a file instead; its suffix says how: .parquet, .fits, .vot, .csv, .ecsv ... "
        "and .gz after any.",
    ),
]
Limit = Annotated[int, typer.Option("--limit", min=0, help="Rows shown on the screen; 0 for all.")]
Columns = Annotated[
    str | None, typer.Option("--columns", help="Columns wanted, with commas between them.")
]
Where = Annotated[
    str | None,
    typer.Option("--where", help="Rows wanted, as in: phot_g_mean_mag < 6 AND dec > 0"),
]
Catalogue = Annotated[
    str, typer.Argument(metavar="PATH", help="A catalogue: its name in the archive, path or URL.")
]
Catalogs = Annotated[
    list[str] | None,
    typer.Option("--catalog", help="NAME=PATH of a catalogue elsewhere; as often as needed."),
]
Uploads = Annotated[
    list[str] | None,
    typer.Option("--upload", help="NAME=FILE of a table to join with, of any format."),
]
My = Annotated[
    str | None,
    typer.Option(
        "--my", envvar="SKYQUARRY_MY", help="Where INTO my.NAME keeps rows; else in the archive."
    ),
]
ARCHIVE = "archive"


def located(name: str, archive: str) -> str:
    """The path or URL of a catalogue: as it stands where there is one, else in the archive.

    Raises NotFoundError with the nearest name of the archive.
    """
    if "://" in name or Path(name).exists():
        return name
    inside = f"{archive.rstrip('/')}/{name}"
    if "://" in archive or Path(inside).exists():
        return inside
    raise _not_found(name, archive)


def table_given(word: str, archive: str) -> str | tuple[str, str]:
    """What a word of a match names: a place, or a place and what its columns are, as FILE:SURVEY.

    A survey is one that `skyquarry schema` knows, or a role file. A path that is there as it stands
    has no survey behind it, whatever its name.

    >>> table_given("stars.csv:gaia_dr3", "archive")  # doctest: +SKIP
    ('stars.csv', 'gaia_dr3')
    """
    place, colon, survey = word.rpartition(":")
    bare = not colon or not place or survey.startswith("//") or Path(word).exists()
    if bare or ("/" in survey and not survey.endswith(".toml")):
        return _place(word, archive)
    return _place(place, archive), survey


def _place(word: str, archive: str) -> str:
    return word if any(c in word for c in "*?[") else located(word, archive)


def _not_found(name: str, archive: str) -> Exception:
    from skyquarry.catalog.rolekeys import nearest
    from skyquarry.errors import NotFoundError

    if not Path(archive).is_dir():
        return NotFoundError(
            f"there is no catalogue at {name!r}, and no archive at {archive!r} to look for it in: "
            "give a path, or the archive by --archive or $SKYQUARRY_ARCHIVE"
        )
    here = sorted(each.name for each in Path(archive).iterdir() if not each.name.startswith("."))
    hint = nearest(name, here) if here else "the archive is empty"
    return NotFoundError(
        f"there is no catalogue at {name!r}, and none of that name in {archive!r}: {hint}"
    )


def named(words: list[str] | None, option: str) -> dict[str, str]:
    """NAME=PATH as a dict."""
    from skyquarry.errors import UserError

    found = {}
    for word in words or ():
        name, equals, path = word.partition("=")
        if not (name and equals and path):
            raise UserError(f"{option} is {word!r}, but NAME=PATH is needed: as in mine=stars.csv")
        found[name] = path
    return found


Surveys = Annotated[
    str | None,
    typer.Option("--survey", help="Whose columns they are; several with commas between them."),
]
Which = Annotated[
    str, typer.Option("--features", help="auto, or features and columns by name, with commas.")
]
Spectra = Annotated[
    bool,
    typer.Option(
        "--with-spectra", help="Let what comes from spectra in, where --features names it."
    ),
]
