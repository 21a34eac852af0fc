"""The demo's page: what is real first, then the report of the synthetic field. One file."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from typing import TYPE_CHECKING, Any, Final

from skyquarry.catalog.files import Folder
from skyquarry.pipeline import demofield, demoreal
from skyquarry.pipeline.project.places import REPORT, SCORES
from skyquarry.pipeline.project.reporting import writing as of_report

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from skyquarry.pipeline.project.running import Runner

PAGE: Final = "report.html"
_MAIN: Final = "<main>"
_BESIDE: Final = "grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr))"
"""of the maps: both side by side over the whole page, or their words are too small"""


def write_demo_page(
    folder: Path, real: Sequence[dict[str, Any]], found: dict[str, Any], made: Runner
) -> Path:
    """Write the page: `real` and `found` are what both halves tell, `made` is the second."""
    from skyquarry.plots.pages import whole

    parts = [*_real(folder, real), *_simulated(found)]
    within = _report(made)
    if within is None:
        text = whole("The demo of skyquarry", parts)
    else:
        text = within.replace(_MAIN, "\n".join([_MAIN, *parts]), 1)
    Folder.at(folder).write_atomic(PAGE, text.encode())
    return folder / PAGE


def _report(made: Runner) -> str | None:
    """The page of the synthetic field; that of its scores, where the project asks for no other."""
    for path in (made.folder / REPORT / of_report.PAGE, made.folder / SCORES / "scores.html"):
        if path.is_file():
            return path.read_text(encoding="utf-8")
    return None


def _real(folder: Path, told: Sequence[dict[str, Any]]) -> list[str]:
    from skyquarry.plots.pages import facts

    by = {key: each[key] for each in told for key in ("searches", "matches") if key in each}
    rows = [each["catalogue"]["rows_stored"] for each in told if "catalogue" in each]
    searches, matches = by["searches"], by["matches"]
    more = f'<a href="{demoreal.MATCH_PAGE}">{demoreal.MATCH_PAGE}</a>'
    return [
        "<h1>The demo of skyquarry</h1>",
        '<p class="card fine">First the real sky, then a simulated field: each says which.</p>',
        "<h2>Real: Gaia DR3 to G &lt; 10 and Hipparcos-2</h2>",
        facts(
            [
                ("stars of Gaia", f"{rows[0]:,}"),
                ("stars of Hipparcos", f"{rows[1]:,}"),
                ("within 1 degree of the Pleiades", f"{searches['pleiades']:,}"),
                ("Barnard's star, 5″ about its place of 2016", _barnard(searches)),
                ("Hipparcos in Gaia, nearest within 1″", f"{matches['at_2016']:,}"),
                ("... without moving the stars", f"{matches['as_catalogued']:,}"),
                ("identified with P > 0.99", f"{matches['identified_surely']:,}"),
            ]
        ),
        f'<div class="plots" style="{_BESIDE}">',
        *(_picture(folder / f"gaia_{frame}_{way}.png") for frame, way in demoreal.MAPS),
        "</div>",
        f'<p class="note">More of the match: {more}</p>',
    ]


def _barnard(searches: dict[str, int]) -> str:
    still, moved = searches["barnard_as_catalogued"], searches["barnard_at_2016"]
    return f"{still} as catalogued in 1991.25, {moved} moved"


def _picture(path: Path) -> str:
    data = b64encode(path.read_bytes()).decode()
    survey, frame, way = path.stem.split("_")
    frame = frame.upper() if frame == "icrs" else frame.capitalize()
    name = escape(f"Stars of {survey.capitalize()}: {frame}, {way.capitalize()}'s projection")
    image = f'<img alt="{name}" src="data:image/png;base64,{data}">'
    return f'<figure class="card"><figcaption>{name}</figcaption>{image}</figure>'


def _simulated(found: dict[str, Any]) -> list[str]:
    said = " ".join(demofield.leakage_lines(found))
    return [
        "<h2>Simulated: a field as SDSS, 2MASS, AllWISE and Gaia would see it</h2>",
        "<p>No object of it exists; so the truth is known, and every answer is checked.</p>",
        f'<p class="card doubts">{escape(said)}</p>' if said else "",
    ]
