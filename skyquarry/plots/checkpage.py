"""The check of a synthetic sky as one HTML file: verdicts, plots, tables, nothing from the net."""

from __future__ import annotations

from collections import Counter
from html import escape
from typing import TYPE_CHECKING, Any, Final

from skyquarry.plots import checkfigures as figures
from skyquarry.plots.pages import figure, table, whole, write_page

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from os import PathLike
    from pathlib import Path

_NEEDED: Final = ("verdicts", "loci", "counts", "separability", "cuts", "bounds", "sky")
_TITLE: Final = "How true the synthetic sky is"
_PARTS: Final = {
    "loci": "Colours beside those of real objects",
    "counts": "Counts beside published ones",
    "separability": "Can a learner tell simulated from real?",
    "cuts": "Published cuts on the synthetic sky",
}
_TOLD: Final = {
    "loci": "Grey: median of real objects, and half of what lies between the 16th and the 84th "
    "percentile. Blue: the same of simulated ones, noise of the survey included.",
    "counts": "A square degree, ratio of simulated to published. Bars are the chance of the count "
    "alone; galaxies crowd, which adds to it.",
    "separability": "CatBoost on colours alone, cross-validated by pieces of the sky. 0.5: it "
    "cannot tell them; the band ends at the bound.",
    "cuts": "Purity and completeness over all fields.",
}


def check_page(report: Mapping[str, Any], path: str | PathLike[str]) -> Path:
    """Write a check (`Report.to_dict()`) as one HTML file; returns the path.

    The same report gives the same bytes. Raises MissingExtraError without matplotlib, UserError for
    a dict that is no check.
    """
    return write_page(report, path, page, _NEEDED, "the report of a check: check(...).to_dict()")


def page(report: Mapping[str, Any]) -> str:
    """The text of the page."""
    sky = report["sky"]
    what = f"Simulated, seed {sky['seed']}: {', '.join(sky['populations'])}."
    body = [
        f"<h1>{_TITLE}</h1>",
        f'<p class="note">{escape(what)}</p>',
        _verdict(report["verdicts"]),
        _short(report["verdicts"], report.get("doubts", ())),
        *(part for name in _PARTS for part in _part(name, report)),
    ]
    return whole(_TITLE, body)


# ------------------------------------------------------------------ sections
def _verdict(verdicts: Sequence[Mapping[str, Any]]) -> str:
    parts = []
    for name, title in _PARTS.items():
        told = Counter(each["passed"] for each in verdicts if each["part"] == name)
        words = f"{told[True]} kept, {told[False]} failed"
        words += f", {told[None]} not measured" if told[None] else ""
        if told:
            parts.append(f"<dt>{escape(title)}</dt><dd>{words}</dd>")
    return f'<dl class="verdict card">{"".join(parts)}</dl>'


def _short(verdicts: Sequence[Mapping[str, Any]], doubts: Sequence[str]) -> str:
    """Where the sky falls short, by what is compared."""
    failed: dict[str, list[str]] = {}
    for each in verdicts:
        if each["passed"] is False:
            name, said = _said(each)
            failed.setdefault(name, []).append(said)
    if not failed and not doubts:
        return '<div class="card fine">Every check is kept.</div>'
    items = [f"<li><b>{escape(a)}</b> {escape('; '.join(b))}</li>" for a, b in failed.items()]
    items += [f"<li>{escape(each)}</li>" for each in doubts]
    return f'<div class="card doubts"><h3>Where it falls short</h3><ul>{"".join(items)}</ul></div>'


def _said(each: Mapping[str, Any]) -> tuple[str, str]:
    """What was compared, and how far it is off."""
    beside = "" if each["expected"] in (None, 0.0) else f" beside {_number(each['expected'])}"
    said = f"{_number(each['measured'])}{beside}"
    if each["part"] != "loci":
        return each["what"], said
    compared, _, what = each["what"].partition(": ")
    name, _, colour = compared.rpartition(", ")
    return name, f"{colour} {what.partition(',')[0]} {_number(each['measured'])}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"


def _part(name: str, report: Mapping[str, Any]) -> list[str]:
    if not any(each["part"] == name for each in report["verdicts"]):
        return []
    parts = [f"<h2>{_PARTS[name]}</h2>", f'<p class="note">{escape(_TOLD[name])}</p>']
    parts += {"loci": _loci, "counts": _counts, "separability": _separability, "cuts": _cuts}[name](
        report
    )
    lacking = [
        f"<li>{escape(each['what'])}: {escape(each['note'])}</li>"
        for each in report["verdicts"]
        if each["part"] == name and each["passed"] is None
    ]
    if lacking:
        parts.append(f'<div class="card"><h3>Not measured</h3><ul>{"".join(lacking)}</ul></div>')
    return parts


def _loci(report: Mapping[str, Any]) -> Iterator[str]:
    bounds = report["bounds"]
    head = ["colour", "bins", "mean offset", "largest", "luck of a bin", "scatter ratio",
            "of bins", "offset", "scatter"]  # fmt: skip
    for told in report["loci"]:
        yield f"<h3>{escape(told['name'])}</h3>"
        if told["note"]:
            yield f'<p class="note">{escape(told["note"])}</p>'
        yield figure(f"By {told['along']}", figures.locus(told), "broad")
        rows, bad = [], []
        for colour, each in zip(told["colours"], told["summary"], strict=True):
            if each is None:
                rows.append([colour, "0", *["–"] * 7])
                bad.append(False)
                continue
            offset, near = _offset(each, bounds)
            wide = abs(each["scatter"] - 1) <= bounds["scatter"]
            rows.append([
                colour, str(each["bins"]), *offset,
                f"{each['luck']:.3f}", f"{each['scatter']:.2f}",
                f"{each['scatter_low']:.2f}–{each['scatter_high']:.2f}",
                _word(near) if each["sure"] else "–", _word(wide),
            ])  # fmt: skip
            bad.append(not (near and wide))
        yield table(head, rows, bad)


def _offset(each: Mapping[str, Any], bounds: Mapping[str, float]) -> tuple[list[str], bool]:
    """Mean and largest offset in words, and whether they are kept; of no sure bin none is."""
    if not each["sure"]:
        return ["–", "–"], True
    near = each["mean"] <= bounds["offset_mean_mag"] and each["most"] <= bounds["offset_most_mag"]
    return [f"{each['mean']:.3f}", f"{each['most']:.3f}"], near


def _counts(report: Mapping[str, Any]) -> Iterator[str]:
    bound, told = report["bounds"]["counts"], report["counts"]
    verdicts = [each for each in report["verdicts"] if each["part"] == "counts"]
    yield figure("Counts a square degree", figures.counts(told, bound), "broad")
    sources = list(dict.fromkeys(each["source"] for each in told))
    rows = [
        [
            each["what"],
            f"{each['published']:,.4g}",
            "–" if each["simulated"] is None else f"{each['simulated']:,.4g}",
            "–" if each["simulated"] is None else f"{each['simulated'] / each['published']:.2f}",
            f"{each['counted']:,}",
            f"[{sources.index(each['source']) + 1}]",
            _word(verdict["passed"]),
        ]
        for each, verdict in zip(told, verdicts, strict=True)
    ]
    head = ["what", "published", "simulated", "ratio", "counted", "source", ""]
    yield table(head, rows, [each["passed"] is False for each in verdicts])
    yield _references(sources)


def _separability(report: Mapping[str, Any]) -> Iterator[str]:
    bound, told = report["bounds"]["auc"], report["separability"]
    known = [each for each in told if each["auc"] is not None]
    if not known:
        return
    yield figure("Area under the curve", figures.separability(told, bound), "broad")
    rows = [
        [each["name"], f"{each['auc']:.3f}", f"{each['real']:,}", _heaviest(each["importance"]),
         _word(each["auc"] < bound)]
        for each in known
    ]  # fmt: skip
    head = ["sample", "area", "of each", "what tells most", ""]
    yield table(head, rows, [each["auc"] >= bound for each in known])


def _heaviest(importance: Mapping[str, float]) -> str:
    name = max(importance, key=lambda each: importance[each])
    return f"{name} ({importance[name]:.0f} %)"


def _cuts(report: Mapping[str, Any]) -> Iterator[str]:
    told = report["cuts"]
    if any(each["purity"] is not None or each["completeness"] is not None for each in told):
        yield figure("Purity and completeness", figures.cuts(told), "broad")
    sources = list(dict.fromkeys(each["source"] for each in told))
    rows = [
        [
            each["name"],
            *(_share(each[name]) for name in ("purity", "published_purity", "completeness",
                                              "published_completeness")),
            f"{each['chosen']:,}",
            f"{each['wanted']:,}",
            f"[{sources.index(each['source']) + 1}]",
        ]
        for each in told
    ]  # fmt: skip
    head = ["cut", "purity", "published", "completeness", "published", "chosen", "there", "source"]
    yield table(head, rows)
    yield _references(sources)


# ------------------------------------------------------------------ pieces
def _references(sources: Sequence[str]) -> str:
    items = "".join(f"<li>{escape(each)}</li>" for each in sources)
    return f'<div class="card"><ol>{items}</ol></div>'


def _word(passed: bool | None) -> str:  # noqa: FBT001  (its one argument)
    return {True: "kept", False: "fails", None: "–"}[passed]


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
