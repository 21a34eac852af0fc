"""Features: rows a second of one core, from a wide table of SDSS, Gaia, 2MASS and AllWISE.

The table is made up, in Arrow: ordinary magnitudes, a fifth of each survey absent, limits and flags
as the surveys tell them. Timed is process time of `features_of(..., which="auto")`, dust from
extinction_r included: the best of several runs, after one that warms.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa

from skyquarry.features.making import features_of
from skyquarry.features.registry import template_of

import record

SURVEYS = ["sdss", "gaia", "twomass", "wise"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out")
    given = parser.parse_args()
    table = wide(given.rows)
    made = features_of(table.slice(0, 1000), SURVEYS)
    seconds = []
    for _ in range(given.repeats):
        start = time.process_time()
        features_of(table, SURVEYS)
        seconds.append(time.process_time() - start)
    figures: dict[str, Any] = {
        "features": len(made.names),
        "columns": len(table.column_names),
        "cpu_s": round(min(seconds), 3),
        "rows_per_cpu_s": round(given.rows / min(seconds)),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3),
        "of_each_formula": dict(Counter(template_of(name).pattern for name in made.names)),
    }
    record.write("features", given.rows, figures, given.out)


def wide(rows: int, seed: int = 1) -> pa.Table:
    """The table of a cross-match of four surveys."""
    random = np.random.default_rng(seed)
    columns: dict[str, Any] = {
        "group_id": pa.array(np.arange(rows)),
        "posterior": pa.array(random.uniform(0.5, 1.0, rows)),
        "chi2": pa.array(random.chisquare(4, rows)),
        "dof": pa.array(np.full(rows, 4)),
    }
    for name, told in (
        ("sdss", sdss(random, rows)),
        ("gaia", gaia(random, rows)),
        ("twomass", infrared(random, rows, "j_m h_m k_m", "j_msigcom h_msigcom k_msigcom")),
        ("wise", infrared(random, rows, "w1mpro w2mpro w3mpro w4mpro",
                          "w1sigmpro w2sigmpro w3sigmpro w4sigmpro")),
    ):  # fmt: skip
        absent = random.random(rows) < 0.2
        for column, values in told.items():
            columns[f"{name}_{column}"] = pa.array(values, mask=absent)
    return pa.table(columns)


def sdss(random: np.random.Generator, rows: int) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for band in "ugriz":
        for kind in ("psf", "model"):
            told[f"{kind}Mag_{band}"] = random.normal(19, 1, rows).astype(np.float32)
            told[f"{kind}MagErr_{band}"] = random.uniform(0.01, 0.2, rows).astype(np.float32)
    told["extinction_r"] = random.uniform(0.02, 0.3, rows).astype(np.float32)
    told["petroR50_r"] = random.uniform(1, 4, rows).astype(np.float32)
    told["petroR90_r"] = told["petroR50_r"] * 2.5
    return told | {"fracDeV_r": random.random(rows).astype(np.float32)}


def gaia(random: np.random.Generator, rows: int) -> dict[str, Any]:
    told: dict[str, Any] = {
        "ra": random.uniform(0, 360, rows),
        "dec": random.uniform(-60, 60, rows),
    }
    for name in ("parallax", "pmra", "pmdec"):
        told[name] = random.normal(1, 5, rows)
        told[f"{name}_error"] = random.uniform(0.05, 0.5, rows).astype(np.float32)
    told["pmra_pmdec_corr"] = random.uniform(-0.3, 0.3, rows).astype(np.float32)
    for band in ("g", "bp", "rp"):
        told[f"phot_{band}_mean_mag"] = random.normal(18, 1, rows).astype(np.float32)
    told["phot_bp_rp_excess_factor"] = random.uniform(1.1, 1.6, rows).astype(np.float32)
    told["astrometric_params_solved"] = random.choice(np.array([31, 95], np.int16), rows)
    return told | {"ruwe": random.uniform(0.9, 1.5, rows).astype(np.float32)}


def infrared(random: np.random.Generator, rows: int, mags: str, errors: str) -> dict[str, Any]:
    """2MASS or AllWISE, with limits where quality is U."""
    letters = random.choice(np.array(["AAAA", "AAAU", "AUUU", "BBUU"]), rows)
    told: dict[str, Any] = {"ph_qual": letters, "cc_flags": np.full(rows, "0000")}
    for name in mags.split():
        told[name] = random.normal(14, 1, rows).astype(np.float32)
    for name in errors.split():
        told[name] = random.uniform(0.02, 0.2, rows).astype(np.float32)
    return told


if __name__ == "__main__":
    main()
