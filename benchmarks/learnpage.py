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
OTHERS = {"shift": "shift-5e3", "repair": "repair-5e2", "late": "latedwarfs-6e2",
          "giants": "specials-giants-2e3", "variables": "specials-variables-3e3",
          "cuts": "physicscuts-2e5", "curve": "learncurve-4e3",
          "real": "skytoreal-2e4"}  # fmt: skip
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
    page = between(page, "learncurve.py", more_rows(other["curve"]))
    page = between(page, "latedwarfs.py", late_dwarfs(other["late"]))
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


def more_rows(curve: dict[str, Any]) -> str:
    """Both sides by the rows that they learnt of, and what the last doubling gave."""
    lines = ["| task | rows learnt of | log-loss, accuracy, macro-F1 of ours | of the best rival |",
             "|---|---|---|---|"]  # fmt: skip
    for task, told in curve.items():
        lines += [
            f"| {TITLES[task]} | {each['learnt of']:,} | {three(each['ours'])} | "
            f"{three(each['rivals'][each['best rival']])} ({each['best rival']}) |"
            for each in told["steps"]
        ]
    lines += ["", "What the last doubling gave:"]
    for task, told in curve.items():
        last = told["gains of doubling"][-1]
        lines.append(f"- {TITLES[task]}: " + "; ".join(
            f"{side} " + ", ".join(
                f"{gain(last[which][name])} in {name.replace('_', '-')}"
                for name in ("log_loss", "accuracy", "macro_f1")
            ) for which, side in (("ours", "ours"), ("rival", "the rival"))
        ) + ".")  # fmt: skip
    return "\n".join(lines) + "\n"


def three(told: dict[str, float]) -> str:
    return f"{told['log_loss']:.4f}, {told['accuracy']:.4f}, {told['macro_f1']:.4f}"


WAYS = ("synthetic sky alone", "and real ones by folds", "real ones alone")
LATE = ("M7", "M8", "M9")


def late_dwarfs(told: dict[str, Any]) -> str:
    """L and T dwarfs by three ways, and the M dwarfs taken for them."""
    kinds = tuple(told[WAYS[0]]["by type, found of"])
    lines = [
        "| learnt of | recall of real L and T dwarfs at purity 0.90 | "
        + ", ".join(kinds) + " found | real " + ", ".join(LATE)
        + " called so | purity against real M8 and M9 | LAMOST's stars called so |",
        "|---|---|---|---|---|---|",
    ]  # fmt: skip
    for way in WAYS:
        each = told[way]
        said = "" if way == WAYS[2] else f" ({beside_goal(each, 0.95)})"
        stars = of_all([each.get("LAMOST stars called so, of")] if way != WAYS[2] else [])
        judged = each.get("judged", told["rows"])  # all of them, before some had set the sky
        lines.append(
            f"| {way} | {each['recall']:.3f} +- {each['error']:.3f} of {judged}{said} | "
            + of_all([each["by type, found of"][kind] for kind in kinds]) + " | "
            + of_all([each["M dwarfs of SIMPLE called so, of"][kind] for kind in LATE])
            + f" | {each['purity against real M8 and M9']:.2f} | {stars or '-'} |"
        )  # fmt: skip
    wrong = told["recall if types alone were wrong"]
    lines += ["", "Who knew every true type exactly would have, at a purity of 0.90 and the "
              "simulated mix, a recall of " + ", ".join(
                  f"{recall:.2f} where the given types are wrong by {error}"
                  for error, recall in wrong.items()) + " of a subtype (one sigma)."]  # fmt: skip
    return "\n".join(lines) + "\n"


def beside_goal(told: dict[str, float], goal: float) -> str:
    if abs(told["recall"] - goal) < told["error"]:
        return f"{goal} is within its error"
    return f"{goal}: reached" if told["recall"] > goal else f"{goal}: **missed**"


def of_all(pairs: list[list[int]]) -> str:
    return ", ".join(f"{found} of {n}" for found, n in pairs)


def single(other: dict[str, Any]) -> str:
    """Single classes, and published cuts."""
    lines = ["| task | class | rows | purity | completeness |", "|---|---|---|---|---|"]
    giants, seven = other["giants"], other["giants"]["with all seven bands"]
    for title, told in (
        ("giants of LAMOST, ugriz and JH", giants), ("those with all seven bands", seven),
        ("LINEAR", other["variables"]),
        ("variable by two colours", other["variables"]["variable by two colours"]),
    ):  # fmt: skip
        lines += [f"| {title} | {name} | {each['n']:,} | {plain(each['purity'])} | "
                  f"{plain(each['completeness'])} |"
                  for name, each in told["per_class"].items()]  # fmt: skip
    again = giants["log g measured again"]
    lines += ["", f"Giants: AUC {giants['overall']['auc']['value']:.2f}, with all seven bands "
              f"{seven['overall']['auc']['value']:.2f}; completeness "
              + ", ".join(f"{found:.2f} at purity {purity}" for purity, found in
                          giants["per_class"]["giant"]["completeness at purity"].items()
                          if float(purity) <= 0.6)
              + f". A second measurement of log g with LAMOST's errors (median of giants "
              f"{again['error of log g of giants, median']:.2f}) would have purity "
              f"{again['purity']:.2f} and completeness {again['completeness']:.2f}."]  # fmt: skip
    cuts = other["cuts"]
    lines += ["", f"Published cuts beaten in completeness at their own purity: {cuts['beaten']}."]
    lost = [not_beaten(each) for each in cuts["cuts"] if not each["beaten"]]
    lines[-1] += f" Not beaten: {'; '.join(lost)}." if lost else ""
    return "\n".join(lines) + "\n"


def not_beaten(told: dict[str, Any]) -> str:
    """A cut and the booster, at the cut's purity and within its error."""
    near = told.get("within its error")
    return (
        f"{told['name']} ({told['class']}, purity {told['purity']:.4f}, completeness "
        f"{told['completeness']:.3f}; the booster {told['model_completeness']:.3f}, gain "
        f"{told['low']:+.3f} to {told['high']:+.3f}"
    ) + (
        f"; at {near['least purity']:.4f}, the least purity that the cut's rows allow it (95 %), "
        f"{near['model_completeness']:.3f}, gain {near['low']:+.3f} to {near['high']:+.3f})"
        if near else ")"
    )  # fmt: skip


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
    scored = [(title, figures[task]) for task, title in TITLES.items()]
    scored += [(f"{TITLES[task]}, blanked", told) for task, told in blank.items()]
    lines += ["", "Scored by commits: " + by_commit(scored) + "."]
    return "\n".join(lines) + "\n"


def by_commit(scored: list[tuple[str, dict[str, Any]]]) -> str:
    """Each commit, and what it scored; a plus tells of a tree that was changed."""
    found: dict[str, list[str]] = {}
    for title, told in scored:
        found.setdefault(told["commit"], []).append(title)
    return "; ".join(f"{commit} ({', '.join(titles)})" for commit, titles in found.items())


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
