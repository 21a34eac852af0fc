"""The rival nway: the same fields from the same files. Times and truths go to standard output.

Run by nway.py with an interpreter that has it. Both of its faces, since they differ (its library
leaves out the correction for unrelated associations): the library from Parquet to Parquet, and the
command line from FITS to FITS, the start of Python included. A radius of 20", completeness 0.9,
magnitude priors from what lies within 1.5" (it finds fewer than the 100 matches of P > 0.9 that its
other way needs).
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd

import record

RADIUS_ARCSEC = 20.0
MAG_RADIUS_ARCSEC = 1.5
COMPLETENESS = 0.9
SIGMA_ARCSEC = {"optical": 0.1, "infrared": 0.5}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("how", choices=["library", "shell"])
    parser.add_argument("folder")
    parser.add_argument("names", nargs="+")
    parser.add_argument("--area", type=float, required=True)
    parser.add_argument("--times", type=int, default=5)
    given = parser.parse_args()
    folder = Path(given.folder)
    run = {"library": by_library, "shell": by_shell}[given.how]
    if given.how == "shell":
        to_fits(folder, given.names, given.area)
    seconds, cpu, found = [], [], pd.DataFrame()
    for _ in range(given.times):
        begun, used = record.clocks()
        run(folder, given.names, given.area)
        now, used_now = record.clocks()
        seconds.append(now - begun)
        cpu.append(used_now - used)
    found = rows_of(folder, given.how)
    who = resource.RUSAGE_SELF if given.how == "library" else resource.RUSAGE_CHILDREN
    peak = resource.getrusage(who).ru_maxrss / 1024
    told = {"seconds": seconds, "cpu": cpu, "rows": len(found), **scored(folder, found)}
    print(json.dumps(told | {"resident_mb": round(peak)}))


# ---------------------------------------------------------------- its library
def by_library(folder: Path, names: list[str], area: float) -> None:
    from nwaylib import nway_match
    from nwaylib.logger import NullOutputLogger

    tables = [table_of(folder, name, area) for name in names]
    completeness = COMPLETENESS if len(names) == 2 else np.array([1.0] + [COMPLETENESS] * 2)
    found = nway_match(
        tables,
        match_radius=RADIUS_ARCSEC,
        prior_completeness=completeness,
        mag_include_radius=MAG_RADIUS_ARCSEC,
        store_mag_hists=False,
        logger=NullOutputLogger(),
    )
    found.reset_index().to_parquet(folder / "nway.parquet")  # the index: row of the first table


def table_of(folder: Path, name: str, area: float) -> dict:
    table = pd.read_parquet(folder / f"{name}.parquet")
    x_ray = name == "xray"
    told = {
        "name": name,
        "ra": table.ra.to_numpy(),
        "dec": table.dec.to_numpy(),
        "error": table.pos_err.to_numpy() if x_ray else np.full(len(table), SIGMA_ARCSEC[name]),
        "area": area,
        "mags": [],
        "maghists": [],
        "magnames": [],
    }
    if not x_ray:
        mags = [table.mag.to_numpy(copy=True)]  # it writes into them
        told |= {"mags": mags, "maghists": [None], "magnames": ["mag"]}
    return told


# ---------------------------------------------------------------- its command line
def to_fits(folder: Path, names: list[str], area: float) -> None:
    from astropy.table import Table

    for name in names:
        table = Table.from_pandas(pd.read_parquet(folder / f"{name}.parquet"))
        table.rename_columns(["id", "ra", "dec"], ["ID", "RA", "DEC"])
        table.meta = {"SKYAREA": area, "EXTNAME": name.upper()}
        table.write(folder / f"{name}.fits", overwrite=True)


def by_shell(folder: Path, names: list[str], area: float) -> None:
    del area  # is in the files
    command = [sys.executable, str(Path(sys.executable).parent / "nway.py")]
    for name in names:
        error = ":pos_err" if name == "xray" else str(SIGMA_ARCSEC[name])
        command += [str(folder / f"{name}.fits"), error]
    for name in names[1:]:
        command += ["--mag", f"{name.upper()}:mag", "auto"]
    command += ["--out", str(folder / "nway.fits"), "--radius", str(RADIUS_ARCSEC)]
    command += ["--prior-completeness", str(COMPLETENESS), "--mag-radius", str(MAG_RADIUS_ARCSEC)]
    subprocess.run(command, check=True, capture_output=True, cwd=folder)


# ---------------------------------------------------------------- what they found
def rows_of(folder: Path, how: str) -> pd.DataFrame:
    """match_flag, and the rows of X-ray and optical source, -1 for none."""
    if how == "library":
        return pd.read_parquet(folder / "nway.parquet")
    from astropy.table import Table

    table = Table.read(folder / "nway.fits")
    ids = {n: np.asarray(table[f"{n.upper()}_ID"]).astype(np.int64) for n in ("xray", "optical")}
    rows = {name: np.where(each > 0, each - 1, -1) for name, each in ids.items()}
    return pd.DataFrame({**rows, "match_flag": np.asarray(table["match_flag"]).astype(np.int64)})


def scored(folder: Path, found: pd.DataFrame) -> dict[str, float]:
    """Of the X-ray sources with an optical counterpart, those whose best match it is."""
    truth = pd.read_parquet(folder / "truth.parquet").optical.to_numpy()
    best = found[found.match_flag == 1]
    optical = best.optical.to_numpy()
    right = (truth[best.xray.to_numpy()] == optical) & (optical >= 0)
    return {"best_right": round(float(right.sum() / (truth >= 0).sum()), 4)}


if __name__ == "__main__":
    main()
