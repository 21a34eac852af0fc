"""The times of docs/tutorial/the-twenty-queries.md, written from results/twenty-1e7.json.

python benchmarks/twentypage.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from learnpage import between

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "tutorial" / "the-twenty-queries.md"
RESULTS: Final = Path(__file__).resolve().parent / "results" / "twenty-1e7.json"
RIVALS: Final = {
    "duckdb": "DuckDB", "postgres": "PostgreSQL with q3c", "own": "DuckDB, its own pairs",
}  # fmt: skip
MARKS: Final = (
    "under 1 s warm",
    "at most 10 % slower than the faster rival",
    "10 times as fast where space, neighbours or tags prune",
    "10 times as fast where space or neighbours allow it",
)


def main() -> None:
    PAGE.write_text(written(PAGE.read_text(), json.loads(RESULTS.read_text())))


def written(page: str, told: dict[str, Any]) -> str:
    """The page with the times of this run between its marks."""
    figures = told["figures"]
    here = [who for who in RIVALS if any(who in each for each in figures["queries"].values())]
    head = ["query", "rows", "seconds", "CPU", *(f"{RIVALS[who]}, seconds" for who in here),
            "spared by"]  # fmt: skip
    load = told["load"]
    marks = "; ".join(f"{mark}, {figures[mark]}" for mark in MARKS if mark in figures)
    loads = f"load {load['before']} to {load['after']}"
    lines = [
        f"{told['rows']:,} simulated objects, commit {told['commit']}, {loads}. Marks: {marks}.",
        "", f"| {' | '.join(head)} |", "|---" * len(head) + "|",
        *(row(name, each, here) for name, each in ordered(figures["queries"])),
    ]  # fmt: skip
    return between(page, "twenty.py", "\n".join(lines) + "\n")


def ordered(queries: dict[str, Any]) -> list[tuple[str, Any]]:
    """Those of the report first, as they alone have rivals."""
    return sorted(queries.items(), key=lambda each: not each[0].endswith("-2002"))


def row(name: str, told: dict[str, Any], rivals: list[str]) -> str:
    """One query; what took too long has no seconds."""
    ours = told["ours"]
    cells = [name, f"{ours['rows']:,}" if "rows" in ours else "", seconds(ours, "seconds"),
             seconds(ours, "cpu")]  # fmt: skip
    cells += [seconds(told.get(who), "seconds") for who in rivals]
    return f"| {' | '.join([*cells, told['prunes']])} |"


def seconds(told: dict[str, Any] | None, what: str) -> str:
    if told is None:
        return ""
    return f"{told[what]:.3f}" if what in told else "too long"


if __name__ == "__main__":
    main()
