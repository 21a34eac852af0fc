"""How many objects of each class the sky has, by r and |b|: skyquarry/learn/data/sky_mix.json.

    python design/sky_mix.py            # a minute or two; writes the file anew

Counted in the truth of the synthetic sky (populations and sources: design/simulation.md), with the
dust in front, nothing observed: sources to r = 23 (SDSS, AB) in blocks of 0.21 square degrees drawn
by chance from each zone of |b|, at all longitudes; more blocks for what is rare. Classes are those
of `catalog/classes.py`, variables and their amplitudes included. Left out are |b| < 10 (crowding
and dust decide there), supernovae and asteroids (here today, there tomorrow) and clusters (systems
are no rows of such a table; their galaxies are counted).
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np

from skyquarry.catalog.classes import NAMES, of_truth
from skyquarry.sky import healpix
from skyquarry.sky.frames import to_frame
from skyquarry.sky.vectors import to_radec, to_xyz
from skyquarry.synthetic.bands import BANDS
from skyquarry.synthetic.blocks import BLOCK_ORDER, Block, limits_of, truth_of
from skyquarry.synthetic.changing.lightcurves import NAMES as TYPES
from skyquarry.synthetic.changing.lightcurves import found
from skyquarry.synthetic.check.fields import BLOCK_DEG2
from skyquarry.synthetic.populations import usual

SEED = 1
FAINTEST_R = 23.0
MAGNITUDES = (10.0, *np.arange(12.0, FAINTEST_R + 0.5, 1.0).tolist())
LATITUDES = (10.0, 20.0, 30.0, 45.0, 60.0, 90.0)
NUMBERS = {
    "common": ((1, 2, 3, 4, 20, 22, 23), 8),
    "giants, white dwarfs, quasars, variables": ((5, 6, 7, 8, 9, 10, 21, 51, 52), 80),
    "brown dwarfs": ((11, 12), 800),
}
"""populations by number, and in how many blocks of each zone they are counted"""
OUT = Path(__file__).parents[1] / "skyquarry" / "learn" / "data" / "sky_mix.json"


def main() -> None:
    counts = np.zeros((len(MAGNITUDES) - 1, len(LATITUDES) - 1, len(NAMES)))
    everywhere = np.abs(latitude())
    for zone in range(len(LATITUDES) - 1):
        inside = (everywhere >= LATITUDES[zone]) & (everywhere < LATITUDES[zone + 1])
        pixels = np.flatnonzero(inside)
        random = np.random.default_rng((SEED, zone))
        for numbers, blocks in NUMBERS.values():
            chosen = random.choice(pixels, blocks, replace=False)
            counts[:, zone] += density(chosen, numbers)
        print(LATITUDES[zone], counts[:, zone].sum(axis=0).round(2).tolist(), flush=True)
    told = {
        "what": "objects a square degree, by class, r (SDSS, AB, dust in front) and |b|",
        "made by": "python design/sky_mix.py",
        "commit": commit(),
        "seed": SEED,
        "square degrees of each zone": {
            name: round(blocks * BLOCK_DEG2, 1) for name, (_, blocks) in NUMBERS.items()
        },
        "left out": "|b| < 10, supernovae, asteroids, clusters as systems",
        "classes": NAMES,
        "magnitude_edges": MAGNITUDES,
        "latitude_edges": LATITUDES,
        "counts_deg2": [
            [[float(f"{each:.4g}") for each in row] for row in zone] for zone in counts.tolist()
        ],
    }
    OUT.write_text(json.dumps(told, indent=None).replace("]], [[", "]],\n [[") + "\n")


def latitude() -> Any:
    ra, dec = healpix.center(np.arange(12 << 2 * BLOCK_ORDER), BLOCK_ORDER)
    return to_radec(to_frame(to_xyz(ra, dec), "galactic"))[1]


def density(blocks: Any, numbers: tuple[int, ...]) -> Any:
    """(magnitudes, K) objects a square degree."""
    populations = [each for each in usual() if each.number in numbers]
    limits, band = limits_of({"sdss_r": FAINTEST_R}), [each.name for each in BANDS].index("sdss_r")
    counts = np.zeros((len(MAGNITUDES) - 1, len(NAMES)))
    for block in blocks:
        sources, ids = truth_of(Block(int(block), SEED, limits), populations)
        if not len(ids):
            continue
        some = found(sources, ids, SEED)
        types, amplitudes = np.full(len(ids), "", object), np.full(len(ids), np.nan)
        types[some.place] = [TYPES[each] for each in some.changes.type.tolist()]
        amplitudes[some.place] = some.changes.amplitude_mag
        physics = {name: getattr(sources, name) for name in ("kind", "teff_k", "logg",
                                                             "spectral_type")}  # fmt: skip
        codes = of_truth(physics, types.astype(np.str_), amplitudes)
        place = np.searchsorted(MAGNITUDES, sources.mags[:, band], "right") - 1
        kept = (place >= 0) & (place < len(MAGNITUDES) - 1) & (codes >= 1) & (codes <= len(NAMES))
        np.add.at(counts, (place[kept], codes[kept] - 1), 1.0)
    return counts / (len(blocks) * BLOCK_DEG2)


def commit() -> str:
    words = ["git", "rev-parse", "--short=12", "HEAD"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    main()
