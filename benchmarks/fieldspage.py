"""How well fields of the synthetic sky are matched: a table of benchmarks/README.md, from results/.

python benchmarks/fieldspage.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from learnpage import between

PAGE: Final = Path(__file__).resolve().parent / "README.md"
RESULTS: Final = Path(__file__).resolve().parent / "results" / "synthetic-matched-1e6.json"
NAMES: Final = {"sdss": "SDSS", "twomass": "2MASS", "allwise": "AllWISE", "gaia": "Gaia"}
ALL: Final = " x ".join(NAMES)
OF_FOUR: Final = ("sdss x allwise", "allwise x gaia")
WORST: Final = "sdss x allwise"
"""of these, also what differs at all, and what probabilities expect"""
Fields = list[dict[str, Any]]


def main() -> None:
    PAGE.write_text(written(PAGE.read_text(), json.loads(RESULTS.read_text())))


def written(page: str, told: dict[str, Any]) -> str:
    """The page with the figures of this run between its marks."""
    fields = list(told["figures"].values())
    pairs = fields[0]["matched alone"]
    head = "surveys | false, % | found, % | found, r < 20 | nearest: false | found"
    lines = [
        f"| {head} |", "|---" * 6 + "|",
        *(line(f"{named(pair)}, alone", [each["matched alone"][pair] for each in fields])
          for pair in pairs),
        *(line(f"{named(pair)}, of four", [each["matched"][pair] for each in fields])
          for pair in OF_FOUR),
        line("all four at once", [each["matched"][ALL] for each in fields]),
        "", about([each["matched alone"][WORST]["crossmatch"] for each in fields], told),
    ]  # fmt: skip
    return between(page, "synthetic.py", "\n".join(lines) + "\n")


def line(name: str, scores: Fields) -> str:
    ours, nearest = ([each[how] for each in scores] for how in ("crossmatch", "nearest"))
    cells = [shares(ours, what) for what in ("false", "found", "found_bright")]
    cells += [shares(nearest, what) for what in ("false", "found")]
    return f"| {' | '.join([name, *cells])} |"


def shares(scores: Fields, what: str) -> str:
    """Per cent in each field."""
    return "; ".join(f"{100 * each['shares'][what]:.2f}" for each in scores)


def named(pair: str) -> str:
    return " x ".join(NAMES[each] for each in pair.split(" x "))


def about(scores: Fields, told: dict[str, Any]) -> str:
    """The brightest sources of a pair, what probabilities expect, and of which run all this is."""
    other = "; ".join(f"{100 * (1 - each['shares']['right']):.2f}" for each in scores)
    expected = "; ".join(f"{100 * each['wrong_expected'] / each['accepted']:.2f}"
                         for each in scores)  # fmt: skip
    seeds = ", ".join(str(each["seed"]) for each in told["figures"].values())
    return (
        f"Of {named(WORST)} alone the brightest sources differ in {other} % of the pairs; its "
        f"probabilities expect {expected} % to be false. Commit {told['commit'][:7]}, seeds "
        f"{seeds}."
    )


if __name__ == "__main__":
    main()
