"""The report of a cross-match as a page: what was matched meets what draws."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from skyquarry.errors import UserError, missing_extra

if TYPE_CHECKING:
    import os

    from skyquarry.match.matchresult import MatchResult

_SUFFIXES = (".html", ".htm")


def report_page(result: MatchResult, path: str | os.PathLike[str]) -> Path:
    """Write the report of a result as one HTML file, with its plots; returns the path.

    Raises MissingExtraError without matplotlib, UserError for a path that no page can have.

    >>> report_page(crossmatch(gaia, twomass).run(), "report.html")  # doctest: +SKIP
    """
    check_page(path)
    from skyquarry.plots.matchpage import match_page

    return match_page(result.report, path)


def check_page(path: str | os.PathLike[str]) -> None:
    """Whether a page can be drawn and written there, asked before hours of matching."""
    target = Path(path)
    if target.suffix.lower() not in _SUFFIXES:
        raise UserError(
            f"the report is to be {str(path)!r}, but it is a page: give a name that ends in .html"
        )
    if not target.parent.is_dir():
        raise UserError(
            f"the report is to be {str(path)!r}, but there is no folder {str(target.parent)!r}: "
            "make it, or choose another"
        )
    if find_spec("matplotlib") is None:
        raise missing_extra("matplotlib", "plots", "drawing a match report")
