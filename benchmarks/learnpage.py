"""The tables of docs/explain/benchmarks.md, written from the files of benchmarks/results.

python benchmarks/learnpage.py benchmarks/results/learn-DATE.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[1] / "docs" / "explain" / "benchmarks.md"
RESULTS = Path(__file__).resolve().parent / "results"
BEGIN, END = "<!-- {}: begin -->\n", "<!-- {}: end -->\n"
OTHERS = {"shift": "shift-5e3", "repair": "repair-5e2", "brown": "specials-brown_dwarfs-6e2",
          "giants": "specials-giants-2e3", "variables": "specials-variables-3e3",
          "cuts": "physicscuts-4e4", "real": "skytoreal-2e4"}  # fmt: skip
"""files of other programs, by what is told of them"""
TITLES = {
    "sdss_dr14": "SDSS DR14, ugriz",
    "sdss_dr17": "SDSS DR17, ugriz",
    "ptsrc": "point sources, four colours",
    "muwclass": "MUWCLASS, eight classes",
}


def main() -> None:
    figures = json.loads(Path(sys.argv[1]).read_text())["figures"]
    PAGE.write_text(written(PAGE.read_text(), figures, others()))


def others() -> dict[str, Any]:
    """Figures of the other programs."""
    return {
        name: json.loads((RESULTS / f"{file}.json").read_text())["figures"]
        for name, file in OTHERS.items()
    }


def written(page: str, figures: dict[str, Any], other: dict[str, Any]) -> str:
    """The page with the tables of these figures, each between its two marks."""
    page = between(page, "learn.py", tables(figures))
    page = between(page, "shift.py, repair.py", shifted(other["shift"], other["repair"]))
    page = between(page, "specials.py, physicscuts.py", single(other))
    return between(page, "skytoreal.py", learnt_of_sky(other["real"], figures, other["giants"]))


def between(page: str, name: str, told: str) -> str:
    begin, end = BEGIN.format(name), END.format(name)
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    return before + begin + told + end + after


def shifted(shift: dict[str, Any], repair: dict[str, Any]) -> str:
    """The fall, the alarm and its limit, the repair."""
    lines = ["| learnt of bright SDSS (DR14) | accuracy there, unseen | of deep SDSS (DR17) |",
             "|---|---|---|"]  # fmt: skip
    lines += [f"| {name} | {told['bright']:.3f} | {told['deep']:.3f} |"
              for name, told in shift["fall"].items()]  # fmt: skip
    lines += ["", "| the alarm rings for | in-domain | shifted | |", "|---|---|---|---|"]
    for how in ("row", "row or tile", "row or table"):
        same, other = (shift["alarm"][f"{which}, {how}"]["mean"]
                       for which in ("in-domain", "shifted"))  # fmt: skip
        said = "reached" if same <= 0.05 and other >= 0.90 else "**missed**"
        lines.append(f"| {how} | {same:.3f} | {other:.3f} | {said} |")
    limit = shift["told apart by who has seen both"]
    lines += ["", "A row alone, told by learners that have seen both surveys (5 % of DR14 called "
              "DR17): " + ", ".join(f"{name} {share:.3f}" for name, share in limit.items())
              + f". Of DR17's rows {shift['inside']['share']:.0%} lie within DR14's range in all "
              "five bands.", "",
              "| draw | 500 labels alone | and the old model | gain in accuracy | in log-loss |",
              "|---|---|---|---|---|"]  # fmt: skip
    for number, draw in enumerate(repair["draws"], 1):
        right, loss = (draw["alone"][name] for name in ("accuracy", "log_loss"))
        lines.append(f"| {number} | {right['other']:.4f} | {right['value']:.4f} | "
                     f"{gain(right)} | {gain(loss)} |")  # fmt: skip
    mean = repair["over draws"]["accuracy"]
    lines.append(f"| mean | {mean['alone']:.4f} | {mean['repaired']:.4f} | {mean['gain']:+.4f} | "
                 f"{repair['over draws']['log_loss']['gain']:+.4f} |")  # fmt: skip
    return "\n".join(lines) + "\n"


def learnt_of_sky(real: dict[str, Any], figures: dict[str, Any], giants: dict[str, Any]) -> str:
    """Simulated rows held back, and real ones at two mixes, beside what is learnt of real rows."""
    lines = ["| real set | rows | judged | accuracy | balanced | macro-F1 | log-loss |",
             "|---|---|---|---|---|---|---|"]  # fmt: skip
    for task, told in real.items():
        title = TITLES.get(task, "giants of LAMOST, ugriz and JH")
        for what, name in (("simulated, sample", "simulated rows, held back"),
                           ("real, sample", "**real rows**"),
                           ("real, sky", "real rows, at the sky's mix")):  # fmt: skip
            score = {name: each["value"] for name, each in told[what]["overall"].items()}
            lines.append(f"| {title} | {told['rows']:,} | {name} | {_scores(score)} |")
        known = figures.get(task, {}).get("ours") or {
            name: each["value"] for name, each in giants["overall"].items()
        }
        lines.append(f"| {title} | {told['rows']:,} | real rows, learnt of real ones | "
                     f"{_scores(known)} |")  # fmt: skip
    lines += ["", "| real set | class | rows | purity | completeness |", "|---|---|---|---|---|"]
    for task, told in real.items():
        title = TITLES.get(task, "giants of LAMOST, ugriz and JH")
        lines += [f"| {title} | {name} | {each['n']:,} | {plain(each['purity'])} | "
                  f"{plain(each['completeness'])} |"
                  for name, each in told["real, sample"]["per_class"].items()]  # fmt: skip
    return "\n".join(lines) + "\n"


def _scores(told: dict[str, float]) -> str:
    names = ("accuracy", "balanced_accuracy", "macro_f1", "log_loss")
    return " | ".join(f"{told[name]:.3f}" if name in told else "" for name in names)


def gain(told: dict[str, float]) -> str:
    return f"{told['difference']:+.4f} +- {told['error']:.4f}"


def single(other: dict[str, Any]) -> str:
    """Single classes, and published cuts."""
    brown = other["brown"]
    said = "reached" if brown["recall of real ones"] >= 0.95 else "**missed**"
    lines = [
        f"L and T dwarfs of SIMPLE ({brown['rows']}): recall {brown['recall of real ones']:.3f} +- "
        f"{brown['error']:.3f} at a purity of 0.90 at the sky's mix (0.95: {said}"
        "); found of " + ", ".join(f"{kind} {found} of {n}" for kind, (found, n)
                                   in brown["by type, found of"].items())
        + "; of LAMOST's stars {} of {} are called so.".format(
            *brown["LAMOST stars called so, of"]),
        "", "| task | class | rows | purity | completeness |", "|---|---|---|---|---|",
    ]  # fmt: skip
    for title, told in (
        ("giants of LAMOST, ugriz and JH", other["giants"]), ("LINEAR", other["variables"]),
        ("variable by two colours", other["variables"]["variable by two colours"]),
    ):  # fmt: skip
        lines += [f"| {title} | {name} | {each['n']:,} | {plain(each['purity'])} | "
                  f"{plain(each['completeness'])} |"
                  for name, each in told["per_class"].items()]  # fmt: skip
    cuts = other["cuts"]
    lines += ["", f"Published cuts beaten in completeness at their own purity: {cuts['beaten']}. "
              "Not beaten: " + "; ".join(
                  f"{each['name']} ({each['class']}, purity {each['purity']:.4f}, completeness "
                  f"{each['completeness']:.3f}; the booster {each['model_completeness']:.3f}, "
                  f"gain {each['low']:+.3f} to {each['high']:+.3f})"
                  for each in cuts["cuts"] if not each["beaten"]) + "."]  # fmt: skip
    return "\n".join(lines) + "\n"


def plain(told: dict[str, float]) -> str:
    return f"{told['value']:.3f} +- {told['error']:.3f}"


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
