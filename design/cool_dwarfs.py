"""What colours say of motions: the numbers of `given/cool.py` and, for cool dwarfs, of the prior.

    python design/cool_dwarfs.py ../shared/data/labels [square degrees]

First how dwarfs move that are known to be cool: a mixture of Gaussians per axis of 8, 25, 80 and
250 mas/yr is fitted by EM to motions of J-PLUS's candidates that Gaia sees (2300 to 2700 K, by z)
and of SIMPLE's dwarfs (by type and J). SIMPLE is what was found, often by its motion, J-PLUS what
Gaia sees. M8 to L0 are most of what a survey has, so that 0.03, 0.20, 0.67 and 0.10 are taken for
all. Then a simulated sky at |b| = 50, nothing added: how many of the rows of a survey that are as
red as M8 are dwarfs of M8 and later.

Printed on 2026-11-23 (20 square degrees; lines of few rows left out):

    J-PLUS 2500-2700 K, z 17-18: 69 dwarfs, shares [0.03, 0.04, 0.92, 0.0]
    J-PLUS 2500-2700 K, z 18-19: 196 dwarfs, shares [0.02, 0.3, 0.68, 0.0]
    J-PLUS 2300-2500 K, z 18-19: 27 dwarfs, shares [0.09, 0.02, 0.8, 0.1]
    SIMPLE M8, M9, J 15.5-16.5: 11 dwarfs, shares [0.0, 0.0, 0.57, 0.43]
    SIMPLE L0-L4, J 15.5-16.5: 177 dwarfs, shares [0.0, 0.14, 0.6, 0.26]
    SIMPLE L5-T, J 15.5-16.5: 93 dwarfs, shares [0.0, 0.01, 0.0, 0.99]
    sdss: i - z >= 1.67
      19-20: of 2 red rows 2, of 41831 others 1
      20-21: of 7 red rows 4, of 89548 others 2
      21-22: of 46 red rows 9, of 201594 others 20
      22-23: of 758 red rows 21, of 128887 others 7
    twomass: J - Ks >= 1.14
      14-15: of 61 red rows 0, of 5405 others 0
      15-16: of 514 red rows 0, of 9765 others 2
      16-17: of 2910 red rows 3, of 11527 others 4
    allwise: W1 - W2 >= 0.23
      14-15: of 917 red rows 5, of 12599 others 2
      15-16: of 10701 red rows 8, of 28905 others 3
      16-17: of 69990 red rows 45, of 56146 others 31
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from skyquarry.catalog.arrow import to_numpy
from skyquarry.match.given.cool import KNOWN_RED, cool_bands, coolness, reddest_usual
from skyquarry.match.given.values import Values
from skyquarry.pipeline.simulating import simulate
from skyquarry.pipeline.skyasked import field
from skyquarry.synthetic.observe.surveys import CATALOGUES
from skyquarry.testing.syntheticscores import Linked

SIGMAS = np.array([8.0, 25.0, 80.0, 250.0])
M8, SEED = 18.0, 9320
BRIGHTEST, STEPS = {"sdss": 17.0, "twomass": 13.0, "allwise": 13.0}, 6


def shares(pm: np.ndarray) -> np.ndarray:
    """(4,) shares of the Gaussians in motions (n, 2), by EM."""
    told, variance = np.full(4, 1 / 4), SIGMAS**2
    likely = np.exp(-0.5 * (pm**2).sum(axis=1)[:, None] / variance) / variance
    for _ in range(500):
        part = likely * told
        told = (part / part.sum(axis=1, keepdims=True)).mean(axis=0)
    return told


def moving(labels: Path) -> None:
    """Motions of dwarfs that are known."""
    jplus = pq.read_table(labels / "jplus_ultracool.parquet").to_pandas()
    for low, high in ((2500, 2700), (2300, 2500)):
        for faint in (18.0, 19.0):
            here = jplus[jplus.Teff.between(low, high, "left")]
            here = here[here.zmag_jplus.between(faint - 1.0, faint, "left")]
            _say(f"J-PLUS {low}-{high} K, z {faint - 1:.0f}-{faint:.0f}", here, "pmra", "pmdec")
    simple = pq.read_table(labels / "ultracool_simple.parquet").to_pandas()
    mags = pq.read_table(labels / "ultracool_simple_photometry.parquet").to_pandas()
    j = mags[mags.band == "2MASS.J"].groupby("source").magnitude.mean()
    simple["j"] = simple.source.map(j)
    for low, high, name in ((68, 70, "M8, M9"), (70, 75, "L0-L4"), (75, 90, "L5-T")):
        here = simple[simple.spt_code.between(low, high, "left")]
        _say(f"SIMPLE {name}, J 15.5-16.5", here[here.j.between(15.5, 16.5)], "pm_ra", "pm_dec")


def _say(name: str, table: object, *columns: str) -> None:
    pm = table[list(columns)].dropna().to_numpy()
    if len(pm) > 5:
        print(f"{name}: {len(pm)} dwarfs, shares {shares(pm).round(2).tolist()}")


def seen(area_deg2: float) -> None:
    """Dwarfs of M8 and later among red rows."""
    with tempfile.TemporaryDirectory() as name:
        sky = simulate(field(area_deg2, latitude_deg=50), Path(name), seed=SEED, progress=False)
        truth = sky["truth"].select(["id", "spectral_type"]).to_table()
        ids, kind = (to_numpy(truth[c]) for c in ("id", "spectral_type"))
        cool = set(ids[kind >= M8].tolist())
        for survey, first in BRIGHTEST.items():
            catalog = sky[survey]
            bands = cool_bands(catalog.stored.roles)
            key = CATALOGUES[survey].key
            table = catalog.select([key, *(b.column for b in bands)]).to_table()
            told = coolness(Values(table, survey), catalog.stored.roles)
            linked = Linked(sky, survey)
            of = linked.main_of(linked.rows_of(table[key]))
            dwarf = np.array([each in cool for each in of.tolist()])
            mag = np.asarray(to_numpy(table[bands[0].column].combine_chunks().fill_null(np.nan)))
            print(f"{survey}: {bands[0].name} - {bands[1].name} >= {reddest_usual(bands):.2f}")
            for faint in first + np.arange(1, STEPS + 1):
                here = (mag >= faint - 1) & (mag < faint)
                red, usual = here & (told >= KNOWN_RED), here & (told < KNOWN_RED)
                print(f"  {faint - 1:.0f}-{faint:.0f}: of {red.sum()} red rows {dwarf[red].sum()},"
                      f" of {usual.sum()} others {dwarf[usual].sum()}")  # fmt: skip


if __name__ == "__main__":
    moving(Path(sys.argv[1]))
    seen(float(sys.argv[2]) if len(sys.argv) > 2 else 20.0)
