"""The report of a cross-match as one HTML file: verdict, tables and plots, nothing from the net."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from skyquarry.errors import UserError
from skyquarry.plots import matchfigures as figures

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

_NEEDED: Final = ("verdict", "names", "rows", "pairs", "calibration", "doubts")
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
table { border-collapse: collapse; width: 100%; font-size: 14px }
th { text-align: right; color: #718096; font-weight: 500; border-bottom: 1px solid #cbd5e0 }
td { text-align: right; border-bottom: 1px solid #edf2f7; font-variant-numeric: tabular-nums }
th, td { padding: 5px 10px; white-space: nowrap }
th:first-child, td:first-child { text-align: left }
tr:last-child td { border-bottom: 0 }
.facts { columns: 2; column-gap: 48px; margin: 0 0 16px; font-size: 14px }
.facts div { display: flex; justify-content: space-between; gap: 16px; padding: 5px 0;
  border-bottom: 1px solid #edf2f7; break-inside: avoid }
.facts dd { margin: 0; text-align: right; font-variant-numeric: tabular-nums }
@media (max-width: 640px) { main { padding: 20px 12px 40px } .card { padding: 12px 14px }
  h1 { font-size: 21px } .verdict, .facts, .plots { display: block; columns: 1 }
  .verdict dd { margin: 0 0 12px } .plots figure { margin-bottom: 16px } }
@media print { body { background: #fff } .card { break-inside: avoid } }
"""

_MEASURED: Final = (
    "Shifted skies count what chance brings. Which star of a blend is the counterpart they cannot "
    "tell: bins that hang on it, or hold few candidates, are not measured."
)


def match_page(report: Mapping[str, Any], path: str | PathLike[str]) -> Path:
    """Write the report of a cross-match (`QualityReport.to_dict()`) as one HTML file.

    Returns the path. The same report gives the same bytes. Raises MissingExtraError without
    matplotlib, UserError for a dict that is no report.
    """
    missing = [name for name in _NEEDED if name not in report]
    if missing:
        raise UserError(
            f"the report has no {', '.join(missing)}, but a page needs them; "
            "try the report of a cross-match: result.report"
        )
    target = Path(path)
    target.write_text(page(report), encoding="utf-8")
    return target


def page(report: Mapping[str, Any]) -> str:
    """The text of the page."""
    title = " × ".join(report["names"])
    body = [
        f"<h1>{escape(title)}</h1>",
        '<p class="note">Cross-match report</p>',
        _verdict(report["verdict"]),
        _doubts(report["doubts"]),
        *_catalogs(report["rows"]),
        *(part for pair in report["pairs"] for part in _pair(pair)),
        *_calibration(report["calibration"], report.get("calibration_lines", [])),
    ]
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style>"
    )
    text = "\n".join(body)
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}</head>\n'
        f"<body><main>\n{text}\n</main></body></html>\n"
    )


# ------------------------------------------------------------------ sections
def _verdict(lines: Sequence[str]) -> str:
    parts = []
    for line in lines:
        name, _, words = line.partition(":")
        if name != "doubt":  # they have a box of their own
            told = "<br>".join(escape(each) for each in words.strip().split("; "))
            parts.append(f"<dt>{escape(name)}</dt><dd>{told}</dd>")
    return f'<dl class="verdict card">{"".join(parts)}</dl>'


def _doubts(sentences: Sequence[str]) -> str:
    if not sentences:
        return '<div class="card fine">Nothing stands out as doubtful.</div>'
    items = "".join(f"<li>{escape(each)}</li>" for each in sentences)
    return f'<div class="card doubts"><h3>What to doubt</h3><ul>{items}</ul></div>'


def _catalogs(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    reasons = list(dict.fromkeys(name for each in rows for name in each["reasons"]))
    head = ["catalogue", "rows", "matched", "rate", *reasons]
    table = [
        [
            each["name"],
            f"{each['rows']:,}",
            f"{each['matched']:,}",
            _percent(each["rate"]),
            *(f"{each['reasons'].get(name, 0):,}" for name in reasons),
        ]
        for each in rows
    ]
    parts = ["<h2>Catalogues</h2>", _table(head, table)]
    if any(each["by_magnitude"] for each in rows):
        plot = _figure("Match rate by magnitude", figures.rates(rows), "broad")
        parts.append(plot)
    return parts


def _pair(pair: Mapping[str, Any]) -> list[str]:
    plots = [
        _figure("Separations against Rayleigh", figures.separations(pair)),
        _figure("Candidates by probability", figures.probabilities(pair)),
        _figure("Reliability", figures.reliability(pair), note=_note(pair)),
    ]
    return [
        f"<h2>{escape(pair['left'])} – {escape(pair['right'])}</h2>",
        _facts(_numbers(pair)),
        f'<div class="plots">{"".join(plots)}</div>',
    ]


def _note(pair: Mapping[str, Any]) -> str:
    """What to know of the reliability, where it was measured."""
    return _MEASURED if any(each["shifted"] is not None for each in pair["reliability"]) else ""


def _numbers(pair: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What to know of two catalogues: name and value."""
    test, sky = pair["rayleigh"], pair["shifted"]
    told = [
        ("candidate pairs", f"{pair['candidates']:,}"),
        ("accepted", f"{pair['accepted']:,}"),
        ("expected false, Σ(1 − P)", _share(pair["expected_false"], pair["expected_false_share"])),
        ("expected true candidates, ΣP", f"{pair['expected_true']:,.1f}"),
        ("error scale (1 is right)", _with_error(test["scale"], test["scale_error"])),
        ("median χ² (1.386 is right)", _number(test["median_chi2"], ".3f")),
        ("real and chance pairs by Rayleigh", _two(test["true"], test["false"])),
        ("Kolmogorov–Smirnov distance", _ks(test)),
    ]
    if sky is not None:
        within = f"within {sky['radius_arcsec']:.3g}″"
        told += [
            (f"nearest {within} by chance (shifted sky)", _share(sky["false"], sky["false_share"])),
            ("the usual estimate, too high", _percent(sky["usual_false_share"])),
        ]
    told += [(f"flag: {name.replace('_', ' ')}", f"{n:,}") for name, n in pair["flags"].items()]
    return told


def _facts(told: Sequence[tuple[str, str]]) -> str:
    """Names and values: in two columns, or one where there is no room."""
    lines = [f"<div><dt>{escape(a)}</dt><dd>{escape(b)}</dd></div>" for a, b in told]
    return f'<dl class="facts card">{"".join(lines)}</dl>'


def _calibration(plain: Mapping[str, Any] | None, lines: Sequence[str]) -> list[str]:
    if plain is None:
        return ["<h2>Calibration</h2>", '<div class="card">Calibration was switched off.</div>']
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    parts = ["<h2>Calibration</h2>", f'<div class="card"><ul>{items}</ul></div>']
    head = ["catalogue", "pairs", "used", "east mas", "north mas", "±", "k", "floor mas",
            "wide %", "wide ″", "median χ² before", "after"]  # fmt: skip
    named = [
        (name, each)
        for number, (name, each) in enumerate(zip(plain["names"], plain["catalogs"], strict=True))
        if number != plain["reference"]
    ]
    if named:
        parts.append("<br>" + _table(head, [_calibrated(*each) for each in named]))
    plots = []
    for name, each in named:
        if each["sample"]:
            plots.append(_figure(f"{name}: offsets", figures.offsets(each)))
        if each["errors"]["edges"]:
            plots.append(_figure(f"{name}: errors by magnitude", figures.errors(each)))
    return [*parts, f'<div class="plots">{"".join(plots)}</div>'] if plots else parts


def _calibrated(name: str, each: Mapping[str, Any]) -> list[str]:
    errors = each["errors"]
    east, north = (f"{1e3 * value:+.3g}" for value in each["offset_arcsec"])
    return [
        name,
        f"{each['pairs']:,}",
        f"{each['used']:,}",
        east,
        north,
        f"{1e3 * each['offset_error_arcsec']:.2g}",
        _span(errors["scale"]),
        _span([1e3 * s for s in errors["floor_arcsec"]]),
        _span([100.0 * f for f in errors["wide"]]),
        f"{errors['wide_arcsec']:.3g}",
        _number(each["median_before"], ".3f"),
        _number(each["median_after"], ".3f"),
    ]


# ------------------------------------------------------------------ pieces
def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    top = "".join(f"<th>{escape(each)}</th>" for each in head)
    lines = ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    table = f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="card wide">{table}</div>'


def _figure(title: str, svg: str, kind: str = "", note: str = "") -> str:
    data = b64encode(svg.encode()).decode()
    image = f'<img alt="{escape(title)}" src="data:image/svg+xml;base64,{data}">'
    below = f'<p class="note">{escape(note)}</p>' if note else ""
    caption = f"<figcaption>{escape(title)}</figcaption>"
    return f'<figure class="card {kind}">{caption}{image}{below}</figure>'


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100.0 * share:.3g} %"


def _share(value: float | None, share: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.1f}" + ("" if share is None else f" ({_percent(share)})")


def _with_error(value: float | None, error: float | None) -> str:
    return "–" if value is None or error is None else f"{value:.3f} ± {error:.3f}"


def _two(one: float | None, other: float | None) -> str:
    return "–" if one is None or other is None else f"{one:,.0f} and {other:,.0f}"


def _ks(test: Mapping[str, Any]) -> str:
    if test["ks_distance"] is None:
        return "–"
    return f"{test['ks_distance']:.4f} (p = {test['ks_p']:.2g})"


def _span(values: Sequence[float]) -> str:
    low, high = f"{min(values):.3g}", f"{max(values):.3g}"
    return low if low == high else f"{low}–{high}"
