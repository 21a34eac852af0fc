"""The report of a cross-match as one HTML file: verdict, tables and plots, nothing from the net."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final

from skyquarry.plots import matchfigures as figures
from skyquarry.plots.pages import facts, figure, table, whole, write_page

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike
    from pathlib import Path

_NEEDED: Final = ("verdict", "names", "rows", "pairs", "calibration", "doubts")
_MEASURED: Final = (
    "Shifted skies count what chance brings. Which star of a blend is the counterpart they cannot "
    "tell: bins that hang on it, or hold few candidates, are not measured."
)


def match_page(report: Mapping[str, Any], path: str | PathLike[str]) -> Path:
    """Write the report of a cross-match (`QualityReport.to_dict()`) as one HTML file.

    Returns the path. The same report gives the same bytes. Raises MissingExtraError without
    matplotlib, UserError for a dict that is no report.
    """
    return write_page(report, path, page, _NEEDED, "the report of a cross-match: result.report")


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
    return whole(title, body)


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
    told = [
        [
            each["name"],
            f"{each['rows']:,}",
            f"{each['matched']:,}",
            _percent(each["rate"]),
            *(f"{each['reasons'].get(name, 0):,}" for name in reasons),
        ]
        for each in rows
    ]
    parts = ["<h2>Catalogues</h2>", table(head, told)]
    if any(each["by_magnitude"] for each in rows):
        plot = figure("Match rate by magnitude", figures.rates(rows), "broad")
        parts.append(plot)
    return parts


def _pair(pair: Mapping[str, Any]) -> list[str]:
    plots = [
        figure("Separations against Rayleigh", figures.separations(pair)),
        figure("Candidates by probability", figures.probabilities(pair)),
        figure("Reliability", figures.reliability(pair), note=_note(pair)),
    ]
    return [
        f"<h2>{escape(pair['left'])} – {escape(pair['right'])}</h2>",
        facts(_numbers(pair)),
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
        parts.append("<br>" + table(head, [_calibrated(*each) for each in named]))
    plots = []
    for name, each in named:
        if each["sample"]:
            plots.append(figure(f"{name}: offsets", figures.offsets(each)))
        if each["errors"]["edges"]:
            plots.append(figure(f"{name}: errors by magnitude", figures.errors(each)))
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
