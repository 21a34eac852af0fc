"""What the pages of all reports share: a style, tables, figures; nothing from the net."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from math import ceil, log10
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from skyquarry.catalog.files import Folder
from skyquarry.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from os import PathLike

_STYLE: Final = """
:root { color-scheme: light }
* { box-sizing: border-box }
body { margin: 0; background: #f7fafc; color: #1a202c;
  font: 15px/1.5 system-ui, "Segoe UI", Helvetica, Arial, sans-serif }
main { max-width: 1120px; margin: 0 auto; padding: 32px 24px 64px }
h1 { font-size: 26px; margin: 0 0 4px } h2 { font-size: 19px; margin: 40px 0 12px }
h3 { font-size: 15px; margin: 0 0 8px; color: #2d3748 }
.note { color: #718096; font-size: 13px; margin: 4px 0 }
.card { background: #fff; border: 1px solid #e2e8f0; border-radius: 8px; padding: 16px 20px }
.verdict { display: grid; grid-template-columns: max-content 1fr; gap: 6px 20px; margin: 20px 0 }
.verdict dt { color: #718096 } .verdict dd { margin: 0; overflow-wrap: break-word }
.doubts { border-left: 4px solid #dd6b20 } ul { margin: 0; padding-left: 18px }
.fine { border-left: 4px solid #2f855a }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(330px, 1fr)); gap: 16px }
figure { margin: 0 } figure img { width: 100%; display: block }
figcaption { font-weight: 600; color: #2d3748; margin-bottom: 6px; font-size: 14px }
.wide, .broad { overflow-x: auto; margin-bottom: 16px } .broad img { min-width: 640px }
.narrow img { max-width: 620px }
table { border-collapse: collapse; width: 100%; font-size: 14px }
th { text-align: right; color: #718096; font-weight: 500; border-bottom: 1px solid #cbd5e0 }
td { text-align: right; border-bottom: 1px solid #edf2f7; font-variant-numeric: tabular-nums }
th { vertical-align: bottom } th, td { padding: 5px 10px } td { white-space: nowrap }
th:first-child, td:first-child, .words { text-align: left }
tr:last-child td { border-bottom: 0 } .bad td { background: #fffaf0; color: #9c4221 }
ol { margin: 0; padding-left: 22px; font-size: 13px; color: #4a5568 }
h3 + .note { margin-top: -4px } .card + h3, figure + h3 { margin-top: 24px }
.facts { columns: 2; column-gap: 48px; margin: 0 0 16px; font-size: 14px }
.facts div { display: flex; justify-content: space-between; gap: 16px; padding: 5px 0;
  border-bottom: 1px solid #edf2f7; break-inside: avoid }
.facts dd { margin: 0; text-align: right; font-variant-numeric: tabular-nums }
@media (max-width: 640px) { main { padding: 20px 12px 40px } .card { padding: 12px 14px }
  h1 { font-size: 21px } .verdict, .facts, .plots { display: block; columns: 1 }
  .verdict dd { margin: 0 0 12px } .plots figure { margin-bottom: 16px } }
@media print { body { background: #fff } .card { break-inside: avoid } }
"""


def whole(title: str, body: Sequence[str], more_style: str = "") -> str:
    """A page of its parts; `more_style` is CSS of its own."""
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{_STYLE}{more_style}</style>"
    )
    text = "\n".join(body)
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}</head>\n'
        f"<body><main>\n{text}\n</main></body></html>\n"
    )


def facts(told: Sequence[tuple[str, str]]) -> str:
    """Names and values: in two columns, or one where there is no room."""
    lines = [f"<div><dt>{escape(a)}</dt><dd>{escape(b)}</dd></div>" for a, b in told]
    return f'<dl class="facts card">{"".join(lines)}</dl>'


def table(
    head: Sequence[str], rows: Sequence[Sequence[str]], bad: Sequence[bool] | None = None
) -> str:
    """A table, words to the left and numbers to the right; rows that are `bad` stand out."""
    kinds = ["", *(_kind([row[at] for row in rows]) for at in range(1, len(head)))]
    top = "".join(f"<th{kind}>{escape(each)}</th>" for each, kind in zip(head, kinds, strict=True))
    lines = [
        "".join(f"<td{kind}>{escape(cell)}</td>" for cell, kind in zip(row, kinds, strict=True))
        for row in rows
    ]
    marks = [' class="bad"' if each else "" for each in bad or [False] * len(rows)]
    body = "".join(f"<tr{mark}>{line}</tr>" for mark, line in zip(marks, lines, strict=True))
    told = f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="card wide">{told}</div>'


def _kind(cells: Sequence[str]) -> str:
    """What is said of a column's cells: whether most begin as no number does."""
    told = [cell for cell in cells if not cell.startswith("not ")]  # known, or measured
    words = sum(cell[:1].isalpha() for cell in told)
    return ' class="words"' if 2 * words > len(told) else ""


def figure(title: str, svg: str, kind: str = "", note: str = "") -> str:
    """A plot with its title, and what to know of it beneath."""
    data = b64encode(svg.encode()).decode()
    image = f'<img alt="{escape(title)}" src="data:image/svg+xml;base64,{data}">'
    below = f'<p class="note">{escape(note)}</p>' if note else ""
    caption = f"<figcaption>{escape(title)}</figcaption>"
    return f'<figure class="card {kind}">{caption}{image}{below}</figure>'


def write_page(
    report: Mapping[str, Any],
    path: str | PathLike[str],
    page: Callable[[Mapping[str, Any]], str],
    needed: Sequence[str],
    hint: str,
) -> Path:
    """Write a report as the one HTML file that `page` makes of it, whole; returns the path.

    Raises UserError where the report lacks a key of `needed`; `hint` says which report to try.
    """
    missing = [name for name in needed if name not in report]
    if missing:
        raise UserError(
            f"the report has no {', '.join(missing)}, but a page needs them; try {hint}"
        )
    target = Path(path).absolute()
    Folder.at(target.parent).write_atomic(target.name, page(report).encode())
    return Path(path)


def with_error(value: float | None, error: float | None, digits: int = 4) -> str:
    """A value to the digit of its error; to so many behind the point where none is known.

    >>> with_error(0.98187, 0.0031), with_error(0.7424, 0.03), with_error(0.5, None)
    ('0.982 ± 0.003', '0.74 ± 0.03', '0.5000')
    """
    if value is None:
        return "–"
    if error is None:
        return f"{value:.{digits}f}"
    told = f"{error:.1g}"
    known = min(digits, max(0, ceil(-log10(float(told))))) if error > 0.0 else digits
    return f"{value:.{known}f} ± {told}"
