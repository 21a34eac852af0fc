"""The report of a project as one HTML file: what a run of it found, and how far to trust it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final

from skyquarry.plots import projectfigures as figures
from skyquarry.plots.classcolours import colours_of
from skyquarry.plots.evaluationfigures import words
from skyquarry.plots.pages import facts, figure, table, whole
from skyquarry.plots.projectscores import scores, value
from skyquarry.plots.projectsections import (
    clusters,
    duration,
    follow_up,
    matches,
    provenance,
    resources,
    specimens,
)
from skyquarry.plots.projectsky import sky_maps

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_STYLE: Final = """
.truth { border-left: 6px solid #2f855a; margin: 16px 0 20px }
.truth.made { border-left-color: #b7791f; background: #fffdf5 }
.truth strong { font-size: 16px }
.chip { display: inline-block; width: 11px; height: 11px; border-radius: 3px; margin-right: 8px }
.pairs { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr));
  gap: 16px; margin-bottom: 16px }
.key { display: flex; flex-wrap: wrap; gap: 4px 20px; font-size: 14px; margin: 0 0 12px }
.things { display: grid; gap: 16px; margin-bottom: 16px;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 270px), 1fr)) }
.thing { font-size: 14px } .thing h3 { margin: 0 } .thing p { margin: 6px 0 }
.thing ul { list-style: none; padding: 0; margin: 8px 0 0 }
.thing li { padding: 2px 0; overflow-wrap: anywhere }
.bar { display: flex; height: 10px; border-radius: 5px; overflow: hidden; background: #edf2f7 }
.mono { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: 12.5px }
.text td { white-space: normal; text-align: left; min-width: 9em }
.text td:first-child { min-width: 0; white-space: nowrap }
.lists td, .lists th { padding: 5px 7px; font-size: 13px }
.lists td:last-child { white-space: normal; text-align: left; min-width: 17em; font-size: 12.5px }
figure.narrow, figure.broad { margin-bottom: 16px } .narrow img { max-width: 500px }
.lists th:last-child { text-align: left }
.kinds td:nth-child(2) { text-align: left; white-space: normal; min-width: 16em; color: #4a5568;
  font-size: 13px }
.kinds th:nth-child(2) { text-align: left }
nav { font-size: 14px; margin: 0 0 8px }
nav a { color: #2b6cb0; margin-right: 16px; display: inline-block }
"""
_OF_DIAGRAMS: Final = (
    "Grey: all objects, by density. Of each class the inner line holds half, the outer nine tenths "
    "of its objects in the diagram; a class of few is drawn point by point."
)
_FLAGS: Final = {
    "discovery": "discoveries",
    "follow_up": "for follow-up",
    "shifted": "unlike training",
    "undersampled": "rare in training",
    "variable": "variable",
}
_OF_CLASSES: Final = (
    "Objects by their likeliest class. A discovery is of a rare class beyond doubt; for follow-up: "
    "it resembles no class (one in a hundred does so by chance). Rare in the training set: the "
    "catalogue holds ten times its share of such objects, or more. What is unlike the training "
    "set, or resembles no class, has the outcome \u201cother\u201d in the classified catalogue: "
    "its class is a guess. Where nothing that the model knows is measured the outcome is null: the "
    "class is the commonest of its mix."
)
_OF_COUNTS: Final = (
    "As the survey's catalogue has it, of all objects that it has a row of: where one is fainter "
    "than this band can see, and was found in another, its magnitude here is noise."
)
_MUCH: Final = 0.1
"""share of a class that is unlike the training set, from which the page says so in words"""


def page(report: Mapping[str, Any]) -> str:
    """The text of the page.

    The same report gives the same bytes. Raises MissingExtraError without matplotlib.
    """
    title = f"{report['title']}: report"
    parts = [
        ("", [*_head(report), *_summary(report)]),
        ("Classes", _classes(report.get("classes")) if report.get("model") else []),
        ("Sky", _sky(report.get("sky"), report.get("classes"))),
        ("Diagrams", _diagrams(report.get("diagrams"), report.get("classes"))),
        ("Counts", _counts(report.get("magnitudes"), report.get("classes"))),
        ("Scores", scores(report.get("scores"), (report.get("magnitudes") or {}).get("name"))),
        ("Examples", specimens(report.get("specimens"), _names(report))),
        ("Follow-up", follow_up(report.get("follow_up"))),
        ("Matches", matches(report.get("match"))),
        ("Clusters", clusters(report.get("clusters"))),
        ("Time and cost", resources(report.get("resources"))),
        ("Provenance", provenance(report.get("provenance"), report.get("audit") or ())),
    ]
    shown = [(name, told) for name, told in parts if told]
    links = "".join(f'<a href="#{_anchor(n)}">{n}</a>' for n, _ in shown if n)
    body = [f"<h1>{escape(report['title'])}</h1>", f"<nav>{links}</nav>"]
    for name, told in shown:
        body += [f'<h2 id="{_anchor(name)}">{name}</h2>'] if name else []
        body += told
    return whole(title, body, _STYLE)


def _anchor(name: str) -> str:
    return name.lower().replace(" ", "-")


def _names(report: Mapping[str, Any]) -> list[str]:
    return [each["name"] for each in report.get("classes") or ()]


# ------------------------------------------------------------------ what is real
def _head(report: Mapping[str, Any]) -> list[str]:
    sources = report["sources"]
    made = [each["name"] for each in sources if each["simulated"]]
    real = [each["name"] for each in sources if not each["simulated"]]
    lines = []
    if made and not real:
        lines.append(
            f"<strong>Everything below is simulated.</strong> {_and(made)} "
            f"{'are' if len(made) > 1 else 'is'} what the surveys would see of a synthetic sky "
            f"(seed {report['seed']}); no object of it exists."
        )
    elif made:
        lines.append(
            f"<strong>Part of this is simulated.</strong> {_and(made)}: a synthetic sky (seed "
            f"{report['seed']}). {_and(real)}: real rows."
        )
    else:
        lines.append(f"<strong>Real data.</strong> {_and(real)}: real rows, none simulated.")
    labels = report.get("labels")
    if labels is not None:
        lines.append(
            "Labels are the truth of the synthetic sky."
            if labels["simulated"]
            else "Labels are from tables that were given."
        )
    told = "".join(f"<p>{each}</p>" for each in lines)
    mark = " made" if made else ""
    rows = [
        [each["name"], each["title"] or "–", "simulated" if each["simulated"] else "real",
         each["from"], "–" if each["rows"] is None else f"{each['rows']:,}"]
        for each in sources
    ]  # fmt: skip
    return [
        f'<div class="card truth{mark}">{told}</div>',
        table(["catalogue", "what it is", "sky", "from", "rows"], rows),
    ]


def _summary(report: Mapping[str, Any]) -> list[str]:
    """What came of it, in a few lines."""
    told = []
    classes, scores = report.get("classes"), report.get("scores")
    if report.get("match"):
        names = len(report["match"]["names"])
        told.append(("objects", f"{report['match']['groups']:,} in {names} catalogues"))
    if classes and report.get("model"):
        rare, odd = (sum(each[flag] for each in classes) for flag in ("discovery", "follow_up"))
        told.append(("of rare classes beyond doubt", f"{rare:,}"))
        told.append(("that resemble no class", f"{odd:,}"))
    if scores:
        accuracy, f1 = (value(scores["overall"][what]) for what in ("accuracy", "macro_f1"))
        told.append(("accuracy on unseen sky, at the mix", accuracy))
        told.append(("macro-F1 there", f1))
    if report.get("resources"):
        told.append(("time of all stages", duration(report["resources"]["seconds"])))
    return [facts(told)] if told else []


def _and(names: Sequence[str]) -> str:
    told = [escape(name) for name in names]
    return told[0] if len(told) == 1 else f"{', '.join(told[:-1])} and {told[-1]}"


# ------------------------------------------------------------------ classes
def _classes(classes: Sequence[Mapping[str, Any]] | None) -> list[str]:
    if not classes:
        return []
    colours = colours_of([each["name"] for each in classes])
    head = ["class", "what it is", "objects", "share",
            *(name for flag, name in _FLAGS.items() if _any(classes, flag))]  # fmt: skip
    lines = []
    for each in sorted(classes, key=lambda one: -one["n"]):
        cells = [
            _chip(colours[each["name"]]) + escape(words(each["name"])), escape(each["definition"]),
            f"{each['n']:,}", f"{100.0 * each['share']:.2g} %",
            *(f"{each[flag]:,}" for flag in _FLAGS if _any(classes, flag)),
        ]  # fmt: skip
        lines.append("".join(f"<td>{cell}</td>" for cell in cells))
    top = "".join(f"<th>{each}</th>" for each in head)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    told = f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
    return [
        f'<div class="card wide kinds">{told}</div>', *_guessed(classes),
        f'<p class="note">{_OF_CLASSES}</p>',
    ]  # fmt: skip


def _guessed(classes: Sequence[Mapping[str, Any]]) -> list[str]:
    """Classes of which much is unlike the training set, the worst first."""
    much = [each for each in classes if each["n"] and each["shifted"] > _MUCH * each["n"]]
    told = [
        f"<b>{each['shifted']:,} of {each['n']:,}</b> in the class {escape(words(each['name']))} "
        f"({100.0 * each['shifted'] / each['n']:.0f} %)"
        for each in sorted(much, key=lambda one: -one["shifted"] / one["n"])
    ]
    if not told:
        return []
    said = f"Unlike all that was learnt from are {', '.join(told)}: their class is a guess, and "
    return [f"<p>{said}spurious rows may be among them. Some 4 % would be so by chance.</p>"]


def _any(classes: Sequence[Mapping[str, Any]], flag: str) -> bool:
    """The column `variable` only where there is something to tell."""
    return flag != "variable" or any(each[flag] for each in classes)


def _chip(colour: str) -> str:
    return f'<span class="chip" style="background:{colour}"></span>'


def _key(classes: Sequence[Mapping[str, Any]], counts: Sequence[int]) -> str:
    """The colours, with how many objects there are of each class."""
    colours = colours_of([each["name"] for each in classes])
    parts = [
        f"<span>{_chip(colours[each['name']])}{escape(words(each['name']))} {n:,}</span>"
        for each, n in zip(classes, counts, strict=True)
        if n
    ]
    return f'<div class="key">{"".join(parts)}</div>'


# ------------------------------------------------------------------ plots
def _sky(sky: Mapping[str, Any] | None, classes: Any) -> list[str]:
    if not sky or not classes:
        return []
    plane = sky["plane"]
    if plane["whole"]:
        note = "Mollweide, equatorial: 24h at the left, 0h at the right. Objects per square degree."
    else:
        note = (
            f"Degrees from α = {plane['ra_deg']:.4f}°, δ = {plane['dec_deg']:+.4f}° (ICRS), north "
            "up, east to the left. A class of many objects is drawn by density."
        )
        if len(sky.get("clusters", ())):
            note += " Circles: clusters of galaxies, with their radius."
    shown = sum(each["n"] > 0 for each in classes)
    title = "Where the objects of each class are" if shown > 1 else "Where the objects are"
    return [figure(title, sky_maps(sky, classes), "broad" if shown > 2 else "narrow", note)]


def _diagrams(diagrams: Sequence[Mapping[str, Any]] | None, classes: Any) -> list[str]:
    if not diagrams or not classes:
        return []
    names = [each["name"] for each in classes]
    plots = [
        figure(each["title"], _key_and(each, classes, names), note=_who(each)) for each in diagrams
    ]
    return [
        f'<p class="note">{_OF_DIAGRAMS}</p>',
        _key(classes, [each["n"] for each in classes]),
        f'<div class="pairs">{"".join(plots)}</div>',
    ]


def _key_and(each: Mapping[str, Any], _: Any, names: Sequence[str]) -> str:
    return figures.diagram(each, names)


def _who(each: Mapping[str, Any]) -> str:
    total = sum(each["shown"])
    return f"{total:,} objects with {each['who']}." if each["who"] else f"{total:,} objects."


def _counts(told: Mapping[str, Any] | None, classes: Any) -> list[str]:
    if not told or not classes:
        return []
    names = [each["name"] for each in classes]
    plot = figures.by_magnitude(told, names)
    return [
        figure("Objects by magnitude", plot, "broad", _OF_COUNTS),
        _key(classes, [int(n) for n in told["counts"].sum(axis=1)]),
    ]
