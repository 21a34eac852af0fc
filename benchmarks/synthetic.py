"""A synthetic sky: how fast it is made, and how well its surveys are matched with each other.

Round fields at |b| = 30, 45 and 60, seeds that nothing was tuned on. Made: observed rows of SDSS,
2MASS, AllWISE and Gaia a second, the truth's making, all building and the start of worker processes
included (--made ends there). Matched: all four at once and every two by themselves, by the
identification at its defaults, beside the nearest within 1". What is right, merged, blended, apart
and false: `skyquarry.testing.syntheticscores`.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from skyquarry.pipeline.simulating import simulate
from skyquarry.pipeline.skyasked import field
from skyquarry.synthetic.observe.surveys import MAIN
from skyquarry.testing.syntheticscores import scores, scores_alone

import record

SEEDS = {30: 3001, 45: 4501, 60: 6001}
FULL = 1_000_000
"""Rows asked for at which fields have their whole area."""
WARM_DEG2 = 0.02
SHARES = ("right", "merged", "blended", "apart", "false", "found", "found_bright")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=FULL, help="below 1e6: smaller fields")
    parser.add_argument("--area", type=float, default=10.0, help="square degrees of each field")
    parser.add_argument("--latitudes", type=int, nargs="+", default=list(SEEDS), choices=SEEDS)
    parser.add_argument("--other", type=int, default=0, help="added to each seed: another sky")
    parser.add_argument("--made", action="store_true", help="make fields, do not match them")
    parser.add_argument("--out")
    given = parser.parse_args()
    area = given.area * min(1.0, given.rows / FULL)
    told: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        simulate(field(WARM_DEG2), Path(name) / "warm", seed=1, progress=False)
        for latitude in given.latitudes:
            told[f"|b| = {latitude}"] = measured(
                Path(name) / "sky", area, latitude, given.other, matched=not given.made
            )
    record.write("synthetic", given.rows, told, given.out)


def measured(
    path: Path, area_deg2: float, latitude: int, other: int, *, matched: bool
) -> dict[str, Any]:
    """One field made, and matched."""
    seed = SEEDS[latitude] + other
    shutil.rmtree(path, ignore_errors=True)
    wall, cpu = time.perf_counter(), cpu_s()
    sky = simulate(field(area_deg2, latitude_deg=latitude), path, seed=seed, progress=False)
    wall, cpu = time.perf_counter() - wall, cpu_s() - cpu
    rows = {name: int(sky[name].stored.tiles.rows.sum()) for name in ("truth", *MAIN)}
    observed = sum(rows[name] for name in MAIN)
    told: dict[str, Any] = {
        "area_deg2": area_deg2,
        "seed": seed,
        "rows": rows,
        "wall_s": round(wall, 2),
        "cpu_s": round(cpu, 2),
        "cores_used": round(cpu / wall, 2),
        "observed_rows_s": round(observed / wall),
        "observed_rows_a_cpu_s": round(observed / cpu),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3),
    }
    print(f"|b| = {latitude}: {told}", flush=True)
    if not matched:
        return told
    for how, judged in (("matched", scores), ("matched alone", scores_alone)):
        told[how] = {
            pair: {way: asdict(score) | {"shares": score.shares()} for way, score in each.items()}
            for pair, each in judged(sky, MAIN).items()
        }
        print(f"{how}\n{table(told[how])}", flush=True)
    return told


def cpu_s() -> float:
    """Of this process and of worker processes that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def table(matched: dict[str, Any]) -> str:
    """As Markdown."""
    heads = "right | merged | blended | apart | false | false by P | found | found, r < 20"
    lines = [f"| surveys | how | accepted | {heads} |", "|---" * 11 + "|"]
    for pair, each in matched.items():
        for how, score in each.items():
            expected = score["wrong_expected"]
            shares = [f"{100 * score['shares'][name]:.2f}" for name in SHARES]
            if expected is not None:
                shares.insert(5, f"{100 * expected / max(score['accepted'], 1):.2f}")
            else:
                shares.insert(5, "")
            lines.append(f"| {pair} | {how} | {score['accepted']} | {' | '.join(shares)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
