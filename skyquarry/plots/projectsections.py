"""The tables of a project's report: examples, lists, matches, clusters, costs, provenance."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from skyquarry.plots.classcolours import colours_of
from skyquarry.plots.evaluationfigures import words
from skyquarry.plots.matchfigures import rates
from skyquarry.plots.pages import facts, figure, table
from skyquarry.plots.projectwords import read_feature, read_reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_OF_LISTS = (
    "Ranked by the information that a spectrum is expected to bring which tells the class: "
    "−Σ p log₂ p bits (Lindley 1956, Ann. Math. Stat. 27, 986). The lists also have what the class "
    "would teach the model, by the disagreement of its learners (Houlsby et al. 2011)."
)
_OF_CLUSTERS = (
    "Richness: red galaxies brighter than 0.2 L* within the radius, less the background. All of "
    "them: archive/clusters."
)
_OF_EXAMPLES = (
    "Of the objects that are said to be of a class, the surest, the one in the middle and the most "
    "doubtful of a sample of the well measured; what weighs most for or against the class."
)
_OF_ENERGY = (
    "CPU time is of all processors, helpers included. Energy is what the machine's processors used "
    "meanwhile, by their own counters (RAPL), whatever else ran on it; not known where these "
    "cannot be read. Costs follow from the prices in [report]."
)
_KINDS = {"sure": "surest of a sample", "usual": "in the middle", "doubtful": "most doubtful"}


# ------------------------------------------------------------------ examples
def specimens(told: Sequence[Mapping[str, Any]] | None, classes: Sequence[str]) -> list[str]:
    """Objects of each class, each as a card."""
    if not told:
        return []
    colours = colours_of(classes)
    note = _OF_EXAMPLES
    if any(each.get("truth") for each in told):
        note += " ✓ and ✗: whether that is the class of the simulated source."
    parts = [f'<p class="note">{note}</p>']
    for name in dict.fromkeys(each["class"] for each in told):
        cards = [_thing(each, colours) for each in told if each["class"] == name]
        parts += [f"<h3>{escape(words(name))}</h3>", f'<div class="things">{"".join(cards)}</div>']
    return parts


def _thing(each: Mapping[str, Any], colours: Mapping[str, str]) -> str:
    bands = ", ".join(f"{read_feature(name)} {mag:.2f}" for name, mag in each["bands"].items())
    reasons = "".join(f"<li>{escape(read_reason(one))}</li>" for one in each["reasons"])
    likely = sorted(each["p"].items(), key=lambda one: -one[1])
    bar = "".join(
        f'<span style="width:{100 * p:.1f}%;background:{colours[name]}"></span>'
        for name, p in likely
        if p >= 0.001
    )
    said = ", ".join(f"{words(name)} {p:.3f}" for name, p in likely[:3] if p >= 0.001)
    return (
        f'<div class="card thing"><h3>{_KINDS.get(each["kind"], each["kind"])}</h3>'
        f'<p class="mono">{escape(str(each["id"]))}<br>{each["ra"]:.6f} {each["dec"]:+.6f}</p>'
        f'<div class="bar">{bar}</div><p>{escape(said)}</p>'
        f"{_truth(each.get('truth'))}"
        f'<p class="note">{escape(bands)} mag</p><ul>{reasons}</ul></div>'
    )


def _truth(told: Mapping[str, Any] | None) -> str:
    """What a simulated object is; nothing where the sky is real."""
    if told is None:
        return ""
    mark = "✓" if told["right"] else "✗"
    return f"<p>{mark} in truth {escape(told['words'])}</p>"


def follow_up(told: Sequence[Mapping[str, Any]] | None) -> list[str]:
    """What lists there are, and their first rows."""
    if not told:
        return []
    parts = [f'<p class="note">{_OF_LISTS}</p>']
    head = ["", "object", "α, δ (degrees)", "class", "probability", "gain (bits)", "novelty",
            "what speaks most"]  # fmt: skip
    for each in told:
        files = f"{each['name']}.parquet, {each['name']}.csv"
        parts += [
            f"<h3>{escape(each['title'])}: {each['n']:,}</h3>",
            f'<p class="note">{escape(each["note"])} Whole list: {files}.</p>',
        ]
        if each["rows"]:
            rows = table(head, [_listed(row) for row in each["rows"]])
            parts.append(rows.replace('class="card wide"', 'class="card wide lists"', 1))
    return parts


def _listed(row: Mapping[str, Any]) -> list[str]:
    return [
        str(row["rank"]), str(row["id"]), f"{row['ra']:.5f} {row['dec']:+.5f}",
        words(row["class"]), f"{row['probability']:.3f}", f"{row['gain']:.2f}",
        f"{row['novelty']:.2f}", "; ".join(map(read_reason, (row["reason"] or "–").split("; "))),
    ]  # fmt: skip


# ------------------------------------------------------------------ matches
def matches(told: Mapping[str, Any] | None) -> list[str]:
    """How many rows of each survey have a counterpart."""
    if not told:
        return []
    rows = [
        [each["name"], f"{each['rows']:,}", f"{each['matched']:,}", f"{100 * each['rate']:.1f} %"]
        for each in told["rows"]
    ]
    doubts = "".join(f"<li>{escape(each)}</li>" for each in told["doubts"])
    told_off = f'<div class="card doubts"><h3>What to doubt</h3><ul>{doubts}</ul></div>'
    who = (
        f"{told['groups']:,} objects of {' × '.join(told['names'])}. The rate is that of rows with "
        "a counterpart in any other catalogue: a deep one has many that no other can see."
    )
    return [
        f'<p class="note">{escape(who)}</p>',
        table(["catalogue", "rows", "matched", "rate"], rows),
        *([figure("Match rate by magnitude", rates(told["rows"]), "broad")]
          if any(each["by_magnitude"] for each in told["rows"]) else []),
        told_off if doubts else "",
    ]  # fmt: skip


def clusters(told: Mapping[str, Any] | None) -> list[str]:
    """The richest clusters of galaxies."""
    if not told:
        return []
    head = ["", "α, δ of the brightest (degrees)", "richness", "redshift", "galaxies",
            "radius (arcmin)", "brightest galaxy", "its i (mag)", "gap to the second"]  # fmt: skip
    rows = [
        [
            str(row["cluster_id"]), f"{row['ra']:.5f} {row['dec']:+.5f}",
            f"{row['richness']:.1f} ± {row['richness_error']:.1f}", f"{row['redshift']:.3f}",
            f"{row['members']:,}", f"{row['radius_arcsec'] / 60.0:.2f}", str(row["brightest_id"]),
            f"{row['brightest_mag']:.2f}", f"{row['gap_mag']:.2f}",
        ]
        for row in told["rows"]
    ]  # fmt: skip
    note = f"{told['n']:,} systems among the objects said to be galaxies"
    note += f"; the {len(rows)} richest. " if told["n"] > len(rows) else ". "
    return [f'<p class="note">{note}{_OF_CLUSTERS}</p>', *([table(head, rows)] if rows else [])]


# ------------------------------------------------------------------ costs
def resources(told: Mapping[str, Any] | None) -> list[str]:
    """Time, CPU and energy by stage, and what all of it costs, where that is known."""
    if not told or not told["stages"]:
        return []
    head = ["stage", "time", "CPU time", "energy", "rows", "rows a second"]
    rows = [
        [name, duration(each["seconds"]), duration(each["cpu_s"]), _energy(each["energy_j"]),
         *_of_rows(each)]
        for name, each in [*((one["stage"], one) for one in told["stages"]), ("all", told)]
    ]  # fmt: skip
    return [table(head, rows), facts(_costs(told)), f'<p class="note">{_OF_ENERGY}</p>']


def duration(seconds: float | None) -> str:
    """As it is read."""
    if seconds is None:
        return "not known"
    minutes, rest = divmod(round(seconds), 60)
    return f"{seconds:.1f} s" if seconds < 60.0 else f"{minutes} min {rest} s"


def _energy(joules: float | None) -> str:
    if joules is None:
        return "not known"
    return f"{joules:,.0f} J" if joules < 36_000 else f"{joules / 3.6e6:.3g} kWh"


def _of_rows(each: Mapping[str, Any]) -> list[str]:
    """Rows, and rows a second."""
    if each.get("rows") is None or not each["seconds"]:
        return ["–", "–"]
    return [f"{each['rows']:,}", f"{each['rows'] / each['seconds']:,.0f}"]


def _costs(told: Mapping[str, Any]) -> list[tuple[str, str]]:
    energy, hours = told["price_per_kwh"], told["price_per_hour"]
    return [
        ("cost of the energy" + (f", at {energy:g} {told['currency']} a kWh" if energy else ""),
         _money(told["cost_of_energy"], told["currency"])),
        ("cost of the time" + (f", at {hours:g} {told['currency']} an hour" if hours else ""),
         _money(told["cost_of_time"], told["currency"])),
    ]  # fmt: skip


def _money(value: float | None, currency: str) -> str:
    return "not known" if value is None else f"{value:.3g} {currency}"


def provenance(told: Sequence[Mapping[str, Any]] | None, faults: Sequence[str]) -> list[str]:
    """Which stage made what of what, and whether the log of it is whole."""
    if not told:
        return []
    rows = [
        [each["stage"], each["output"], each["checksum"][:12], each["version"],
         ", ".join(each["inputs"]) or "–"]
        for each in told
    ]  # fmt: skip
    head = ["stage", "made", "sha256", "skyquarry", "of"]
    whole = [
        ("seed", str(told[0]["seed"])),
        ("audit log, audit.jsonl", "; ".join(faults) or "its chain holds"),
        ("W3C PROV", "provenance.json"),
    ]
    return [table(head, rows), facts(whole)]
