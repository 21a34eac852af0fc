"""The tables of docs/explain/benchmarks.md, written from a JSON of benchmarks/learn.py.

python benchmarks/learnpage.py benchmarks/results/learn-DATE.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[1] / "docs" / "explain" / "benchmarks.md"
BEGIN, END = "<!-- learn.py: begin -->\n", "<!-- learn.py: end -->\n"
TITLES = {
    "sdss_dr14": "SDSS DR14, ugriz",
    "sdss_dr17": "SDSS DR17, ugriz",
    "ptsrc": "point sources, four colours",
    "muwclass": "MUWCLASS, eight classes",
}


def main() -> None:
    figures = json.loads(Path(sys.argv[1]).read_text())["figures"]
    PAGE.write_text(written(PAGE.read_text(), figures))


def written(page: str, figures: dict[str, Any]) -> str:
    """The page with the tables of these figures between its two marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + tables(figures) + END + after


def tables(figures: dict[str, Any]) -> str:
    lines = ["| task | rival | log-loss, ours - its | 95 % | accuracy | macro-F1 | |",
             "|---|---|---|---|---|---|---|"]  # fmt: skip
    for task, title in TITLES.items():
        told = figures[task]
        lines += [
            row(f"{title}; {seeds(told)}", rival, told["ours against"][rival])
            for rival in told["reached"]
        ]
    lines += ["", "Without XGBoost among ours (log-loss, ours - its, 95 %): " + "; ".join(
        f"{title}, {rival}: {told['difference']:+.4f}, {told['low']:+.4f} to {told['high']:+.4f}"
        for task, title in TITLES.items()
        for rival, each in figures[task]["without xgboost"].items()
        for told in (each["log_loss"],)
    ) + "."]  # fmt: skip
    blank = figures.get("blanked", {})
    if blank:
        lines += ["", "| task | complete | a tenth of the cells blanked | points lost |",
                  "|---|---|---|---|"]  # fmt: skip
    for task, told in blank.items():
        whole, some = told["complete"]["accuracy"], told["blanked"]["accuracy"]
        lost = told["points of accuracy lost"]
        said = "reached" if lost <= 2.0 else "**missed**"
        lines.append(f"| {TITLES[task]} | {whole:.4f} | {some:.4f} | {lost:.2f}, {said} |")
    return "\n".join(lines) + "\n"


def seeds(told: dict[str, Any]) -> str:
    count = len(told["seeds"])
    return f"{told['rows']:,} rows, {count} seed{'s' if count > 1 else ''}"


def row(title: str, rival: str, told: dict[str, Any]) -> str:
    loss, right, f1 = (told[name] for name in ("log_loss", "accuracy", "macro_f1"))
    said = "reached" if told["reached"] else "**missed**"
    return (
        f"| {title} | {rival} | {loss['ours']:.4f} - {loss['theirs']:.4f} = "
        f"{loss['difference']:+.4f} | {loss['low']:+.4f} to {loss['high']:+.4f} "
        f"| {beside(right)} | {beside(f1)} | {said} |"
    )


def beside(told: dict[str, float]) -> str:
    return f"{told['ours']:.4f}, {told['theirs']:.4f} +- {told['error']:.4f}"


if __name__ == "__main__":
    main()
