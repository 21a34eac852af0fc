# ruff: noqa: INP001  (a script, in no package)
"""Put a check of the synthetic sky into its page: `python docs/drawcheck.py check.json`.

The JSON is what `skyquarry simulate check --real FOLDER --out check.json` writes. Pictures go to
docs/explain/pictures, figures between the marks of docs/explain/how-true-is-the-synthetic-sky.md.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from skyquarry.plots import checkfigures

EXPLAIN = Path(__file__).parent / "explain"
PAGE = EXPLAIN / "how-true-is-the-synthetic-sky.md"
LOCI = {
    "galaxies": "SDSS DR17 main galaxies",
    "quasars": "SDSS DR5 quasars",
    "stars": "SDSS DR17 stars",
    "white-dwarfs": "Gaia white dwarfs",
    "brown-dwarfs": "SIMPLE L and T dwarfs",
}
"""{picture: the real set in it}"""
MARKS = ("<!-- figures: python docs/drawcheck.py -->\n", "<!-- end of figures -->\n")


def pictures(report: dict[str, Any]) -> dict[str, str]:
    """{name: SVG text}."""
    by_name = {each["name"]: each for each in report["loci"]}
    drawn = {name: checkfigures.locus(by_name[real]) for name, real in LOCI.items()}
    bounds = report["bounds"]
    return drawn | {
        "counts": checkfigures.counts(report["counts"], bounds["counts"]),
        "separability": checkfigures.separability(report["separability"], bounds["auc"]),
        "cuts": checkfigures.cuts(report["cuts"]),
    }


def figures(report: dict[str, Any]) -> str:
    """The tables of the page, as Markdown."""
    told = {True: "kept", False: "**fails**", None: "not measured"}
    kept, failed, missing = (report[name] for name in ("passed", "failed", "unmeasured"))
    lines = [
        f"Seed {report['sky']['seed']}: {kept} kept, {failed} failed, {missing} not measured.",
        "",
        "| real set, by | colour: mean offset of medians (largest), scatter over real |",
        "|---|---|",
    ]
    for each in report["loci"]:
        cells = [
            f"{colour} {_locus(summary, report['bounds'])}"
            for colour, summary in zip(each["colours"], each["summary"], strict=True)
        ]
        lines.append(f"| {each['name']}, {each['along']} | {'; '.join(cells)} |")
    for part in ("counts", "separability", "cuts"):
        lines += ["", f"| {part} | synthetic | published | bound | |", "|---|---|---|---|---|"]
        for each in report["verdicts"]:
            if each["part"] == part:
                lines.append(
                    f"| {each['what'].replace('|', chr(92) + '|')} | {_number(each['measured'])} | "
                    f"{_number(each['expected'])} | {each['bound']} | {told[each['passed']]} |"
                )
    return "\n".join(lines) + "\n"


def _locus(summary: dict[str, Any] | None, bounds: dict[str, float]) -> str:
    if summary is None:
        return "not measured"
    wide = f"{summary['scatter']:.2f}"
    wide = wide if abs(summary["scatter"] - 1) <= bounds["scatter"] else f"**{wide}**"
    if not summary["sure"]:
        return f"not measured, {wide}"
    off = f"{summary['mean']:.3f} ({summary['most']:.2f})"
    if summary["mean"] > bounds["offset_mean_mag"] or summary["most"] > bounds["offset_most_mag"]:
        off = f"**{off}**"
    return f"{off}, {wide}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.3g}" if value < 1000 else f"{value:,.0f}"


def main() -> None:
    """Write pictures and page."""
    report = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    folder = EXPLAIN / "pictures"
    folder.mkdir(exist_ok=True)
    for name, svg in pictures(report).items():
        (folder / f"check-{name}.svg").write_text(svg, encoding="utf-8")
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(MARKS[0])
    after = rest.partition(MARKS[1])[2]
    PAGE.write_text(before + MARKS[0] + figures(report) + MARKS[1] + after, encoding="utf-8")


if __name__ == "__main__":
    main()
