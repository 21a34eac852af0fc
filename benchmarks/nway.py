"""X-ray sources among optical and infrared ones, two-way and three-way, beside nway.

The field is `skyquarry.testing.xraysky`: 1,797 X-ray, 560,536 optical and 345,512 infrared sources
on 2 square degrees, densities of COSMOS. From Parquet files to a file of candidates, in process,
kernels warm, files warm in the page cache; each in a process of its own; medians. nway runs by its
library and by its command line (which reads and writes FITS and starts Python each time). Beside
the times: how many X-ray sources with an optical counterpart have it as their best match, and how
many of nway's pairs (all within 20") are among ours, which go as far as errors do: of those whose
chi2 is within the limit of our completeness all should be.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import record

HERE = Path(__file__).parent
WAYS = {"2-way": ["xray", "optical"], "3-way": ["xray", "optical", "infrared"]}
ALL_ROWS = 1_797 + 560_536 + 345_512
COMPLETENESS = 0.9973  # our default


# ---------------------------------------------------------------- ours, in a process of its own
def measure(folder: Path, names: list[str], times: int) -> None:
    """Run our cross-match and print its figures, with the memory of this process."""
    begun = time.perf_counter()
    identify(folder, names)
    first = time.perf_counter() - begun
    seconds, cpu = [], []
    for _ in range(times):
        begun, used = record.clocks()
        rows = identify(folder, names)
        now, used_now = record.clocks()
        seconds.append(now - begun)
        cpu.append(used_now - used)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told = {
        "seconds": seconds,
        "cpu": cpu,
        "first_s": first,
        "rows": rows,
        "resident_mb": round(peak),
    }
    print(json.dumps(told | {"best_right": best_right(folder)}))


def identify(folder: Path, names: list[str]) -> int:
    import skyquarry as sq
    from skyquarry.testing.xraysky import roles

    known = roles()
    sides = [(str(folder / f"{name}.parquet"), known[name]) for name in names]
    result = sq.crossmatch(*sides, constraint="many_to_one").run()
    return result.save(folder / "ours.parquet")


def best_right(folder: Path) -> float:
    """Of the X-ray sources with an optical counterpart, those whose likeliest candidate it is."""
    import numpy as np
    import pyarrow.parquet as pq

    truth = pq.read_table(folder / "truth.parquet")["optical"].to_numpy()
    pairs = pq.read_table(folder / "ours.parquet")
    of = [pairs[f"{side}_catalog"].to_pylist() for side in ("left", "right")]
    mine = np.array([a == "xray" and b == "optical" for a, b in zip(*of, strict=True)])
    left, right, p = (pairs[c].to_numpy()[mine] for c in ("left_row", "right_row", "posterior"))
    order = np.lexsort((right, -p, left))
    first = order[np.unique(left[order], return_index=True)[1]]
    return round(float((truth[left[first]] == right[first]).sum() / (truth >= 0).sum()), 4)


def common(folder: Path, names: list[str]) -> dict[str, int]:
    """How many of nway's pairs with an X-ray source we have: of all, and of those near enough."""
    import numpy as np
    import pyarrow.parquet as pq
    from scipy.special import gammaincinv

    from skyquarry.sky.vectors import separation_arcsec, to_xyz
    from skyquarry.testing.xraysky import INFRARED_ARCSEC, OPTICAL_ARCSEC

    limit = 2.0 * float(gammaincinv(len(names) - 1, COMPLETENESS))
    error = {"optical": OPTICAL_ARCSEC, "infrared": INFRARED_ARCSEC}
    sky = {name: pq.read_table(folder / f"{name}.parquet") for name in names}
    place = {n: to_xyz(t["ra"].to_numpy(), t["dec"].to_numpy()) for n, t in sky.items()}
    theirs = pq.read_table(folder / "nway.parquet")
    ours = pq.read_table(folder / "ours.parquet")
    of_xray = np.array(ours["left_catalog"].to_pylist()) == "xray"
    other = np.array(ours["right_catalog"].to_pylist())
    told = {"pairs of nway": 0, "of them ours": 0, "within the limit": 0, "of those ours": 0}
    for name in names[1:]:
        rows = np.column_stack([theirs["xray"].to_numpy(), theirs[name].to_numpy()])
        rows = np.unique(rows[rows[:, 1] >= 0].astype(np.int64), axis=0)
        here = of_xray & (other == name)
        mine = np.column_stack([ours[c].to_numpy()[here] for c in ("left_row", "right_row")])
        key, found = (each[:, 0] * ALL_ROWS + each[:, 1] for each in (rows, mine))
        also = np.isin(key, found)
        sigma2 = sky["xray"]["pos_err"].to_numpy()[rows[:, 0]] ** 2 + error[name] ** 2
        apart = separation_arcsec(place["xray"][rows[:, 0]], place[name][rows[:, 1]])
        near = apart**2 <= limit * sigma2
        for word, count in zip(told, (also >= 0, also, near, near & also), strict=True):
            told[word] += int(count.sum())
    return told


# ---------------------------------------------------------------- the run
def figures(told: dict) -> dict:
    seconds, cpu = told.pop("seconds"), round(statistics.median(told.pop("cpu")), 3)
    first = {"first_s": round(told.pop("first_s"), 3)} if "first_s" in told else {}
    median = round(statistics.median(seconds), 3)
    return {"median_s": median, "cpu_s": cpu, "runs": len(seconds)} | first | told


def called(command: list[str]) -> dict:
    """The figures of a process; its last word where it failed: nway does on too few sources."""
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        return {"failed": done.stderr.strip().splitlines()[-1] if done.stderr else "no message"}
    return figures(json.loads(done.stdout.splitlines()[-1]))


def rival(given: argparse.Namespace, how: str, folder: str, names: list[str], area: float) -> dict:
    times = given.times if how == "library" or len(names) == 2 else 1  # 40 s each
    script = [str(HERE / "rival_nway.py"), how, folder, *names]
    return called([given.rivals_python, *script, "--area", str(area), "--times", str(times)])


def has_nway(python: str | None) -> bool:
    if python is None:
        return False
    return not subprocess.run(
        [python, "-c", "import nwaylib"], check=False, capture_output=True
    ).returncode


def run(given: argparse.Namespace, folder: str, area: float) -> dict:
    found = {}
    for way, names in WAYS.items():
        ours = [sys.executable, __file__, "--measure", folder, "--times", str(given.times)]
        found[f"skyquarry, {way}"] = called([*ours, "--names", *names])
        if has_nway(given.rivals_python):
            for how in ("library", "shell"):
                found[f"nway ({how}), {way}"] = rival(given, how, folder, names, area)
            if "failed" not in found[f"nway (library), {way}"]:
                found[f"pairs, {way}"] = common(Path(folder), names)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ALL_ROWS, help="of all catalogues; at most all")
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--rivals-python")
    parser.add_argument("--out")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--names", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        measure(Path(given.measure), given.names, given.times)
        return
    import pyarrow.parquet as pq

    from skyquarry.testing.xraysky import xraysky

    sky = xraysky(min(1.0, given.rows / ALL_ROWS))
    with tempfile.TemporaryDirectory() as folder:
        for name, table in {**sky.catalogs, "truth": sky.truth}.items():
            pq.write_table(table, f"{folder}/{name}.parquet")
        found = run(given, folder, sky.area_deg2)
    record.write("nway", sum(t.num_rows for t in sky.catalogs.values()), found, given.out)


if __name__ == "__main__":
    main()
