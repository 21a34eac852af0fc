"""Purity, completeness and calibration of `sq.crossmatch` on fields whose truth is known.

By survey and by Gaia's G, with the nearest and the mutual nearest within 1" beside it: on the
frozen sky of `skyquarry.testing.crossfields` at |b| = 60, 30 and 10 (several seeds, added up), and
on the golden field, where its folder is named. "two": Gaia with that survey alone; "four": all at
once. Then the X-ray field. Prints tables as Markdown; `--out` keeps all figures as JSON.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from skyquarry.testing import golden, xrayscores
from skyquarry.testing.crossfields import crossfield
from skyquarry.testing.fieldscores import (
    Judged,
    Judgement,
    judge,
    judged_crossfield,
    judged_field4,
)
from skyquarry.testing.xraysky import xraysky

import record

AREA_DEG2 = {60: 0.5, 30: 0.2, 10: 0.05}
METHODS = ("nearest raw", "nearest pm", "mutual pm", "two", "four")
SHARES = ("purity_shared", "purity_primary", "completeness_primary", "f1")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="below 1e6: smaller fields")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--golden", help="the folder of field4; without it, that field is left out")
    parser.add_argument("--xray", type=int, help="seeds of the X-ray field; as --seeds by default")
    parser.add_argument("--out")
    given = parser.parse_args()
    scale = min(1.0, given.rows / 1_000_000)
    seeds = range(1, 1 + (given.seeds if scale == 1.0 else 1))
    found: dict[str, Any] = {}
    for latitude, area in AREA_DEG2.items():
        made = (crossfield(latitude, seed=s, area_deg2=max(area * scale, 0.02)) for s in seeds)
        found[f"|b| = {latitude}"] = told(f"|b| = {latitude}", [judged_crossfield(m) for m in made])
    for place in ("wrap", "pole") if given.golden else ():
        fields = [judged_field4(*golden.field4(Path(given.golden), place))]
        found[f"field4 {place}"] = told(f"field4 {place}", fields)
    n_xray = given.xray if given.xray is not None else len(seeds)
    if n_xray:
        found["xray"] = xray_table(max(0.2, scale), n_xray)
    record.write("quality", given.rows, found, given.out)


# ---------------------------------------------------------------- fields of four surveys
def told(name: str, fields: list[Judged]) -> dict[str, Any]:
    """The figures of these fields together, printed."""
    begun = time.process_time()
    each = [judge(field) for field in fields]
    seconds = round(time.process_time() - begun, 1)
    lines = added([line for one in each for line in one.lines])
    print(f"\n## {name}: {len(fields)} fields, {seconds} s of CPU\n")
    print_lines(lines)
    print_magnitudes(lines)
    calibration = print_calibration(each)
    sure = print_groups(each)
    return {"cpu_s": seconds, "lines": lines, "calibration": calibration, "sure groups": sure}


def added(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Lines of the same survey, method and magnitudes as one: shares weigh as their counts."""
    keys = list(dict.fromkeys((x["survey"], x["method"], x["g_from"], x["g_to"]) for x in lines))
    sums = []
    for key in keys:
        mine = [x for x in lines if (x["survey"], x["method"], x["g_from"], x["g_to"]) == key]
        found, true = (sum(x[n] for x in mine) for n in ("n_matched", "n_true_primary"))
        shared, primary = (
            sum(x["n_matched"] * x[n] for x in mine if x["n_matched"])
            for n in ("purity_shared", "purity_primary")
        )
        sums.append(
            dict(zip(("survey", "method", "g_from", "g_to"), key, strict=True))
            | {"n_matched": found, "n_true_primary": true}
            | {"purity_shared": ratio(shared, found), "purity_primary": ratio(primary, found)}
            | {"completeness_primary": ratio(primary, true)}
            | {"f1": ratio(2.0 * primary, found + true)}
        )
    return sums


def ratio(part: float, whole: float) -> float | None:
    return round(part / whole, 5) if whole else None


def shown(share: float | None) -> str:
    return "-" if share is None else f"{100.0 * share:.2f}"


def print_lines(lines: list[dict[str, Any]]) -> None:
    print("| survey | method | pairs | true | any light % | pure % | complete % | F % |")
    print("|---|---|---|---|---|---|---|---|")
    for x in lines:
        if x["g_from"] is None and x["method"] in METHODS:
            counts = f"{x['n_matched']} | {x['n_true_primary']}"
            shares = " | ".join(shown(x[n]) for n in SHARES)
            print(f"| {x['survey']} | {x['method']} | {counts} | {shares} |")


def print_magnitudes(lines: list[dict[str, Any]]) -> None:
    """F by G: the nearest, and ours."""
    bins = list(dict.fromkeys((x["g_from"], x["g_to"]) for x in lines if x["g_to"] is not None))
    names = " | ".join(f"G {low:g}-{high:g}" for low, high in bins)
    print(f"\n| pure / complete % | method | {names} |\n|---|---|{'---|' * len(bins)}")
    for survey in dict.fromkeys(x["survey"] for x in lines):
        for method in ("nearest raw", "two", "four"):
            mine = {
                (x["g_from"], x["g_to"]): x
                for x in lines
                if (x["survey"], x["method"]) == (survey, method)
            }
            row = (
                f"{shown(mine[b]['purity_primary'])} / {shown(mine[b]['completeness_primary'])}"
                for b in bins
            )
            print(f"| {survey} | {method} | {' | '.join(row)} |")


def print_calibration(each: list[Judgement]) -> dict[str, Any]:
    """Of all fields at once: probabilities are put together before they are binned."""
    from skyquarry.testing.fieldscores import Probabilities, calibration_score

    print(
        "\n| pairs | candidates | in doubt | ECE % there (noise) | P - true % | ECE % all | sum % |"
    )
    print("|---|---|---|---|---|---|---|")
    scored = {}
    for how in each[0].probabilities:
        parts = [one.probabilities[how] for one in each]
        whole = Probabilities(
            np.concatenate([p.p for p in parts]),
            np.concatenate([p.is_true for p in parts]),
            sum(p.n_true for p in parts),
        )
        score = calibration_score(whole)
        scored[how] = asdict(score)
        doubt = f"{100 * score.ece_doubt:.2f} ({100 * score.noise_doubt:.2f})"
        rest = f"{100 * score.bias_doubt:+.2f} | {100 * score.ece_all:.2f}"
        counts = f"{score.n} | {score.n_doubt}"
        print(f"| {how} | {counts} | {doubt} | {rest} | {100 * score.sum_error:+.2f} |")
    return scored


def print_groups(each: list[Judgement]) -> dict[str, Any]:
    groups = sum(one.sure.n_groups for one in each)
    true = sum(one.sure.n_true for one in each)
    right = sum(one.sure.n_groups * one.sure.right for one in each)
    found = sum(one.sure.n_true * one.sure.found for one in each)
    told = {"groups": groups, "right": ratio(right, groups), "of all": ratio(found, true)}
    print(
        f"\nGroups with P > 0.999: {groups}, {shown(told['right'])} % right, "
        f"{shown(told['of all'])} % of the true groups."
    )
    return told


# ---------------------------------------------------------------- the X-ray field
def xray_table(scale: float, seeds: int) -> dict[str, Any]:
    """X-ray sources of COSMOS's densities: each field by itself, then all of them together."""
    print("\n## X-ray sources, densities of COSMOS\n")
    head = "| seeds | catalogues | with | in doubt | ECE % (noise) | ECE % all | sum % (noise) |"
    print(head + " right % |")
    print("|---|---|---|---|---|---|---|---|")
    found: dict[str, Any] = {}
    for names, rule in (
        (xrayscores.TWO, "many_to_one"),
        (xrayscores.THREE, "one_to_one"),
        (xrayscores.THREE, "many_to_one"),
    ):
        parts: dict[str, list[xrayscores.Candidates]] = {other: [] for other in names[1:]}
        for seed in range(1, 1 + seeds):
            sky = xraysky(scale, seed=seed)
            pairs = xrayscores.identified(sky, names, constraint=rule)
            for other, mine in parts.items():
                mine.append(xrayscores.candidates(sky, pairs, other))
        for other, mine in parts.items():
            key = f"{len(names)} {rule.replace('_', ' ')}, {other}"
            lines = {str(seed): [each] for seed, each in enumerate(mine, 1)} | {"all": mine}
            found[key] = {name: xray_line(name, key, some) for name, some in lines.items()}
    alone = xrayscores.measured(scale, (1,), prior="uniform", photometry=None)["optical"]
    print(f"\nBy geometry alone (seed 1): {shown(alone.right)} % right.")
    return found | {"geometry alone, seed 1": asdict(alone)}


def xray_line(name: str, key: str, parts: list[xrayscores.Candidates]) -> dict[str, Any]:
    score = xrayscores.score(xrayscores.Candidates.together(parts))
    doubt = f"{score.n_doubt} | {shown(score.ece_doubt)} ({shown(score.ece_noise)})"
    sums = f"{100 * score.sum_error:+.2f} ({100 * score.sum_noise:.2f})"
    count, other = key.split(", ")
    rest = f"{shown(score.ece_all)} | {sums} | {shown(score.right)}"
    print(f"| {name} | {count} | {other} | {doubt} | {rest} |")
    return asdict(score)


if __name__ == "__main__":
    main()
