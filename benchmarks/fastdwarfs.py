"""Brown dwarfs that Gaia does not see: how many keep their rows in two surveys, by their motion.

A simulated field with more late and brown dwarfs than there are (`skyboost.py`), SDSS, 2MASS,
AllWISE and Gaia matched at once at their defaults. Of the dwarfs of L0 and later that are the
brightest source of a row in two surveys, and of none in Gaia: how many there are, of how many both
rows are a candidate, and of how many accepted. Then of all accepted pairs of the two surveys how
many are not of one brightest source, and how many that should be by their probabilities.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from itertools import combinations, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow.compute as pc
import skyboost

import skyquarry as sq
from skyquarry.catalog.arrow import to_numpy
from skyquarry.engine.archive import archive
from skyquarry.pipeline.simulating import Run
from skyquarry.pipeline.skyasked import field
from skyquarry.synthetic.observe.surveys import MAIN
from skyquarry.synthetic.populations import usual
from skyquarry.testing.syntheticscores import Linked

import record

if TYPE_CHECKING:
    import pyarrow as pa

    from skyquarry.engine.archive import Archive

L0: Final = 20.0
"""spectral type, M0 = 10"""
SPEEDS: Final = (0, 200, 400, 800, 10_000)
"""mas/yr"""
SEED: Final = 9312


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--area", type=float, default=6.0, help="square degrees")
    parser.add_argument("--latitude", type=float, default=55.0)
    parser.add_argument("--brown", type=float, default=700.0, help="times as many as there are")
    parser.add_argument("--late", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--rows", type=int, default=200_000, help="observed, about; for the name")
    parser.add_argument("--out")
    given = parser.parse_args()
    skyboost.STRATA = skyboost._strata(brown_dwarfs=given.brown, late_dwarfs=given.late)  # noqa: SLF001
    with tempfile.TemporaryDirectory() as name:
        region = field(given.area, latitude_deg=given.latitude)
        sky = skyboost.BoostedSky(region, given.seed, usual(), MAIN)
        Run(sky, Path(name), "inline", False, False).truth_and_surveys()
        record.write("fastdwarfs", given.rows, measured(archive(Path(name))), given.out)


def measured(home: Archive) -> dict[str, Any]:
    """Of every two surveys without Gaia."""
    truth = home["truth"].select(["id", "pmra_masyr", "pmdec_masyr", "spectral_type"]).to_table()
    ids, pmra, pmdec, kind = (np.asarray(to_numpy(column)) for column in truth.columns)
    order = np.argsort(ids[kind >= L0])
    dwarfs, speed = ids[kind >= L0][order], np.hypot(pmra, pmdec)[kind >= L0][order]
    linked = {name: Linked(home, name) for name in MAIN}
    begun = time.process_time()
    pairs = sq.crossmatch(*[home[name] for name in MAIN]).run("inline").pairs
    told: dict[str, Any] = {"cpu_s": round(time.process_time() - begun, 1)}
    unseen = ~np.isin(dwarfs, linked["gaia"].main)
    for a, b in combinations([name for name in MAIN if name != "gaia"], 2):
        both = unseen & np.isin(dwarfs, linked[a].main) & np.isin(dwarfs, linked[b].main)
        some = of_two(pairs, a, b)
        told[f"{a} x {b}"] = judged(some, linked[a], linked[b], dwarfs[both], speed[both])
        print(f"{a} x {b}: {told[f'{a} x {b}']}", flush=True)
    return told


def of_two(pairs: pa.Table, a: str, b: str) -> pa.Table:
    """The pairs of two catalogues."""
    left, right = (pairs[f"{side}_catalog"].cast("string") for side in ("left", "right"))
    return pairs.filter(pc.and_(pc.equal(left, a), pc.equal(right, b)))


def judged(
    pairs: pa.Table, left: Linked, right: Linked, dwarfs: np.ndarray, speed: np.ndarray
) -> dict[str, Any]:
    """[seen, candidates, accepted] by speed; of all accepted pairs the wrong ones."""
    mains = [
        linked.main_of(linked.rows_of(pairs[f"{side}_id"].cast(linked.keys.type)))
        for side, linked in (("left", left), ("right", right))
    ]
    right_ones = (mains[0] == mains[1]) & (mains[0] >= 0)
    accepted = np.asarray(to_numpy(pairs["is_match"])).astype(bool)
    near, found = (np.isin(dwarfs, mains[0][some]) for some in (right_ones, right_ones & accepted))
    told: dict[str, Any] = {}
    for low, high in pairwise(SPEEDS):
        here = (speed >= low) & (speed < high)
        told[f"{low}-{high} mas/yr"] = [int((here & each).sum()) for each in (here, near, found)]
    posterior = np.asarray(to_numpy(pairs["posterior"]))[accepted]
    told["accepted"] = int(accepted.sum())
    told["not right"] = int((accepted & ~right_ones).sum())
    told["not right by P"] = round(float((1.0 - posterior).sum()), 1)
    return told


if __name__ == "__main__":
    main()
