"""Real L and T dwarfs among simulated stars, and among real M dwarfs.

    python benchmarks/latedwarfs.py --out benchmarks/results

Colours of Pan-STARRS, 2MASS and AllWISE, J <= 16.5 or W1 <= 15.5, with z. A threshold is put where
the purity at the mix of the simulated sky is 0.90; the recall is that of L and T dwarfs of SIMPLE.
The simulation has its colours of M7 to T8, and their scatter, from half of SIMPLE's dwarfs by cells
of the sky (design/ultracool.py): only the other half judges what is learnt of the simulation. Both
halves were chosen by the same people for the same archive. Three ways, each told beside the M
dwarfs of SIMPLE that it calls L or T:

- synthetic sky alone: learnt of half of its cells, the threshold by the other half; of no real
  object. But the real recall was looked at while areas and blanked copies were settled, on an
  earlier sky: four set-ups gave .922, .928, .866 and .938, the last is kept. On the sky of today
  one look was taken with some 500 brown dwarfs and 44 M9 to learn of, as natural skies give them:
  .571, 20 of 44 T dwarfs lost. Late dwarfs are drawn more densely since then.
- and real ones by folds: of the other folds of cells of the sky also SIMPLE's L and T dwarfs and
  LAMOST's stars. What tells SIMPLE from the simulation helps it: no measure of the real sky.
- real ones alone: SIMPLE's dwarfs by folds, its M8 and M9 weighing what simulated ones do. Its M6
  and M7 are told but not weighed: one M6 would weigh more than all brown dwarfs of the sky.
"""

from __future__ import annotations

import argparse
import time
import zlib
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from dwarfsky import drawn

from skyquarry.learn.ensemble import train
from skyquarry.learn.examples import Examples
from skyquarry.learn.scores.curves import Ranked
from skyquarry.learn.splits import holdout, sky_groups
from skyquarry.sky import healpix
from skyquarry.sky.ranges import Ranges
from skyquarry.synthetic.blocks import WIDE_ORDER, Block, limits_of, truth_of
from skyquarry.synthetic.check.fields import joined as linked
from skyquarry.synthetic.check.fields import spread
from skyquarry.synthetic.observe.observing import observed
from skyquarry.synthetic.observe.surveys import CATALOGUES
from skyquarry.synthetic.populations import usual
from skyquarry.synthetic.sources import Kind, Sources

import record
from learntasks import read

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

LEARNERS: Final = ("catboost", "forest")
SEED: Final = 5
BANDS: Final = ("i", "z", "y", "J", "H", "K", "W1", "W2")
COLUMNS: Final = {
    "panstarrs": {"iMeanPSFMag": "i", "zMeanPSFMag": "z", "yMeanPSFMag": "y"},
    "twomass": {"j_m": "J", "h_m": "H", "k_m": "K"},
    "allwise": {"w1mpro": "W1", "w2mpro": "W2"},
}
REAL: Final = {
    "i": "PAN-STARRS/PS1.i", "z": "PAN-STARRS/PS1.z", "y": "PAN-STARRS/PS1.y", "J": "2MASS.J",
    "H": "2MASS.H", "K": "2MASS.Ks", "W1": "WISE.W1", "W2": "WISE.W2",
}  # fmt: skip
LIMITS: Final = {"twomass_j": 17.9, "wise_w1": 18.7}
"""AB, of sources made: half a magnitude fainter than J = 16.5 and W1 = 15.5, Vega"""
STAR_NUMBERS = range(1, 11)
M0, M6, M7, M8, L0, L3, T0, Y0 = 60.0, 66.0, 67.0, 68.0, 70.0, 73.0, 80.0, 90.0
"""spectral types as SIMPLE has them; those of the simulation are 50 less"""
AREAS: Final = {"stars": 10.0, "dwarfs": 60.0}
"""square degrees, of all stars to M6, and of later dwarfs"""
DENSER: Final = (("late dwarfs", M6 - 50.0, M8 - 50.0, 10.0),
                 ("late dwarfs", M8 - 50.0, L0 - 50.0, 200.0),
                 ("brown dwarfs", L0 - 50.0, Y0 - 50.0, 400.0))  # fmt: skip
"""of these, times as many as there are: one sky has too few"""
COPIES, LOST = 1, 0.3
"""of each row to learn of, and how often a band is blanked in them"""
PURITY: Final = 0.90
TYPE_ERRORS: Final = (0.25, 0.5, 0.75, 1.0)
"""subtypes, one sigma"""


@dataclass(frozen=True, slots=True)
class Objects:
    """Colours and what is known of the objects."""

    values: Floats
    """(n, 28) colours"""
    kind: Floats
    """(n,) spectral type; NaN: a star that is no dwarf, or whose type is not told"""
    weight: Floats
    """(n,) objects a square degree; 0 of real ones"""
    cells: NDArray[np.int64]
    judges: NDArray[np.bool_]
    """(n,) real ones that the simulation was not set by"""

    @property
    def brown(self) -> NDArray[np.bool_]:
        """L0 or later."""
        return np.asarray(self.kind >= L0)

    def taken(self, rows: Any) -> Objects:
        return Objects(
            self.values[rows], self.kind[rows], self.weight[rows], self.cells[rows],
            self.judges[rows],
        )  # fmt: skip

    @classmethod
    def all_of(cls, parts: list[Objects]) -> Objects:
        return cls(
            *(
                np.concatenate([getattr(each, name) for each in parts])
                for name in ("values", "kind", "weight", "cells", "judges")
            )
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scale", type=float, default=1.0, help="times the usual areas")
    parser.add_argument("--out", help="folder of latedwarfs-ROWS.json")
    given = parser.parse_args()
    begun = time.process_time()
    told = measured(given.scale)
    told["cpu_s"] = round(time.process_time() - begun)
    record.write("latedwarfs", told["rows"], told, given.out)


def measured(scale: float) -> dict[str, Any]:
    """The three ways, and what errors of spectral types alone would leave."""
    sky, simple, lamost = simulated(scale), of_simple(), of_lamost()
    dwarfs, late = simple.taken(simple.brown), simple.taken(simple.kind < L0)
    density = float(sky.weight[sky.brown].sum())
    weighed = Weighed(density, _densities(sky))
    return {
        "rows": len(dwarfs.kind), "purity at the sky's mix": PURITY,
        "brown dwarfs a square degree": density,
        "M dwarfs a square degree, simulated": {
            f"M{kind - int(M0)}": each for kind, each in weighed.of_type.items()
        },
        "synthetic sky alone": alone(sky, dwarfs, late, lamost, weighed),
        "and real ones by folds": by_folds(sky, dwarfs, late, lamost, weighed),
        "real ones alone": of_real(dwarfs, late, weighed),
        "recall if types alone were wrong": {
            str(error): typed(sky, error) for error in TYPE_ERRORS
        },
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Weighed:
    """Objects a square degree of the simulated sky."""

    density: float
    """of brown dwarfs"""
    of_type: dict[int, float]
    """of M dwarfs, by type: 66 is M6 to M6.9"""


def _densities(sky: Objects) -> dict[int, float]:
    return {
        kind: float(sky.weight[np.floor(sky.kind) == kind].sum())
        for kind in range(int(M6), int(L0))
    }


# ------------------------------------------------------------------ three ways
def alone(
    sky: Objects, dwarfs: Objects, late: Objects, lamost: Objects, weighed: Weighed
) -> dict[str, Any]:
    """Learnt of half of the simulated sky."""
    out = holdout(sky.brown.astype(np.int64), sky.cells, 0.5, SEED)
    some, other = blanked(sky.taken(~out)), sky.taken(out)
    model = train(examples(some), learners=LEARNERS, seed=SEED).ensemble

    def said(of: Objects) -> Any:
        return model.predict_proba(of.values)[:, 1]

    dwarfs, late = dwarfs.taken(dwarfs.judges), late.taken(late.judges)
    ranked = Ranked.of(said(other), other.brown)
    recall, threshold = ranked.at_purity(other.weight, PURITY)
    told = found_of(said(dwarfs), said(late), said(lamost), threshold, dwarfs, late, weighed)
    return told | {"recall of simulated ones": recall, "simulated ones": int(other.brown.sum())}


def by_folds(
    sky: Objects, dwarfs: Objects, late: Objects, lamost: Objects, weighed: Weighed
) -> dict[str, Any]:
    """Learnt of the simulated sky, and of real L and T dwarfs and stars of the other folds."""
    parts = [sky, dwarfs, lamost]
    trained = train(examples(blanked(Objects.all_of(parts))), learners=LEARNERS, seed=SEED)
    ends = np.cumsum([len(each.kind) for each in parts])
    of_sky, of_dwarfs, of_stars, _ = np.split(trained.held[:, 1], ends)
    of_dwarfs, dwarfs, late = (
        of_dwarfs[dwarfs.judges],
        dwarfs.taken(dwarfs.judges),
        late.taken(late.judges),
    )
    others = ~sky.brown
    threshold = _threshold(of_dwarfs, of_sky[others], sky.weight[others], weighed.density)
    of_late = trained.ensemble.predict_proba(late.values)[:, 1]
    return found_of(of_dwarfs, of_late, of_stars, threshold, dwarfs, late, weighed)


def of_real(dwarfs: Objects, late: Objects, weighed: Weighed) -> dict[str, Any]:
    """Learnt of SIMPLE alone, by folds; M8 and M9 weigh what those of the simulation do."""
    held = train(
        examples(blanked(Objects.all_of([dwarfs, late]))), learners=LEARNERS, seed=SEED
    ).held[:, 1]
    of_dwarfs, of_late, _ = np.split(held, np.cumsum([len(dwarfs.kind), len(late.kind)]))
    kind = np.floor(late.kind)
    weight = np.zeros(len(kind))
    for each, density in weighed.of_type.items():
        if each >= M8:
            weight[kind == each] = density / (kind == each).sum()
    threshold = _threshold(of_dwarfs, of_late, weight, weighed.density)
    return found_of(of_dwarfs, of_late, None, threshold, dwarfs, late, weighed)


def _threshold(mine: Floats, others: Floats, weight: Floats, density: float) -> float:
    """Where the purity is PURITY, if real brown dwarfs are as dense as the simulated ones."""
    p = np.concatenate([mine, others])
    own = np.arange(len(p)) < len(mine)
    weights = np.concatenate([np.full(len(mine), density / len(mine)), weight])
    return Ranked.of(p, own).at_purity(weights, PURITY)[1]


def found_of(
    of_dwarfs: Floats, of_late: Floats, of_stars: Floats | None, threshold: float,
    dwarfs: Objects, late: Objects, weighed: Weighed,
) -> dict[str, Any]:  # fmt: skip
    """Who is called L or T of the real ones."""
    found, wrong = of_dwarfs >= threshold, of_late >= threshold
    recall, kind = float(found.mean()), np.floor(late.kind)
    false = sum(
        density * float(wrong[kind == each].mean())
        for each, density in weighed.of_type.items() if each >= M8
    )  # fmt: skip
    true = recall * weighed.density
    told = {
        "threshold": threshold, "judged": len(found), "recall": recall,
        "error": float(np.sqrt(recall * (1.0 - recall) / len(found))),
        "by type, found of": {
            word: _share(found, (low <= dwarfs.kind) & (dwarfs.kind < high))
            for word, low, high in (("L0 to L2", L0, L3), ("L3 to L9", L3, T0), ("T", T0, Y0))
        },
        "M dwarfs of SIMPLE called so, of": {
            f"M{each - int(M0)}": _share(wrong, kind == each) for each in weighed.of_type
        },
        "purity against real M8 and M9": true / (true + false) if found.any() else None,
    }  # fmt: skip
    if of_stars is not None:
        told["LAMOST stars called so, of"] = _share(
            of_stars >= threshold, np.ones(len(of_stars), bool)
        )
    return told


def _share(said: NDArray[np.bool_], some: NDArray[np.bool_]) -> list[int]:
    return [int(said[some].sum()), int(some.sum())]


def typed(sky: Objects, error: float, draws: int = 20) -> float:
    """Recall at PURITY of who knows each true type exactly, where labels are wrong by an error.

    Of the simulated mix from M5 on.
    """
    random, near = np.random.default_rng(SEED), sky.taken(sky.kind >= M6 - 1.0)
    ranked = [
        Ranked.of(near.kind, near.kind + error * random.standard_normal(len(near.kind)) >= L0)
        for _ in range(draws)
    ]
    return float(np.mean([each.at_purity(near.weight, PURITY)[0] for each in ranked]))


def examples(of: Objects) -> Examples:
    names = [f"{a}-{b}" for a, b in combinations(BANDS, 2)]
    return Examples.of(of.values, names, of.brown.astype(int), groups=of.cells)


def blanked(of: Objects) -> Objects:
    """The rows, and copies that lack some bands: what is asked is J or W1 and z, whatever else."""
    random, parts = np.random.default_rng(SEED), [of]
    for _ in range(COPIES):
        lost = dict(zip(BANDS, random.random((len(BANDS), len(of.kind))) < LOST, strict=True))
        lost["z"][:] = False
        lost["W1"] &= ~lost["J"]
        gone = np.stack([lost[a] | lost[b] for a, b in combinations(BANDS, 2)], axis=1)
        parts.append(replace(of, values=np.where(gone, np.nan, of.values)))
    return Objects.all_of(parts)


# ------------------------------------------------------------------ the samples
def simulated(scale: float) -> Objects:
    """What surveys see: all stars to M6, and many more than there are of later dwarfs."""
    populations = [each for each in usual() if each.number in STAR_NUMBERS]
    parts = []
    for cell in _cells(AREAS["stars"] * scale).tolist():
        sources, ids = truth_of(Block(cell, SEED, limits_of(LIMITS), WIDE_ORDER), populations)
        early = ~(sources.spectral_type + 50.0 >= M6)
        parts.append((sources.taken(early), ids[early], np.ones(early.sum())))
    sources, ids, times = zip(*parts, strict=True)
    stars = Sources.concatenated(list(sources)), np.concatenate(ids), np.concatenate(times)
    late = drawn(_cells(AREAS["dwarfs"] * scale), SEED + 1, DENSER)
    return Objects.all_of(
        [made(*stars, AREAS["stars"] * scale, SEED), made(*late, AREAS["dwarfs"] * scale, SEED + 1)]
    )


def _cells(area_deg2: float) -> Ints:
    """Of order 6, all over a cap."""
    return np.unique(spread(area_deg2) >> 2)


def made(sources: Sources, ids: Ints, times: Floats, area_deg2: float, seed: int) -> Objects:
    """What surveys see of sources that are drawn some times as densely as they are."""
    cells = _cells(area_deg2)
    seen = {band: np.full(len(ids), np.nan) for band in BANDS}
    where = Ranges.from_cells(WIDE_ORDER, cells)
    for name, columns in COLUMNS.items():
        table, links = observed(CATALOGUES[name], sources, ids, where, seed)
        place = linked(table, links, CATALOGUES[name].key, ids)
        for column, band in columns.items():
            told = np.asarray(table[column].to_numpy(), np.float64)
            seen[band][place[place >= 0]] = told[place >= 0]
    rows = judged(seen)
    kind = np.asarray(sources.spectral_type, np.float64)[rows] + 50.0
    assert ((kind >= L0) == (sources.kind == Kind.BROWN_DWARF)[rows]).all()
    area = len(cells) * healpix.cell_area_deg2(WIDE_ORDER)
    return Objects(
        colours({band: column[rows] for band, column in seen.items()}), kind,
        1.0 / (times[rows] * area), healpix.index(sources.ra_deg, sources.dec_deg, 4)[rows],
        np.zeros(len(rows), bool),
    )  # fmt: skip


def judged(mags: dict[str, Any]) -> Any:
    """With z, and bright enough in J or W1."""
    bright = (mags["J"] <= 16.5) | (mags["W1"] <= 15.5)
    return np.flatnonzero(bright & np.isfinite(mags["z"]))


def colours(mags: dict[str, Any]) -> Any:
    return np.stack([mags[a] - mags[b] for a, b in combinations(BANDS, 2)], axis=1)


def of_simple() -> Objects:
    """Real dwarfs from M6 to T9."""
    table, rows = read("ultracool_simple"), read("ultracool_simple_photometry")
    kind = table["spt_code"].astype(np.float64)
    some = np.flatnonzero((kind >= M6) & (kind < Y0))
    place = {name: number for number, name in enumerate(table["source"][some])}
    mags = {band: np.full(len(some), np.nan) for band in BANDS}
    band_of = {real: band for band, real in REAL.items()}
    for source, band, mag in zip(rows["source"], rows["band"], rows["magnitude"], strict=True):
        if source in place and band in band_of and mag is not None:
            mags[band_of[band]][place[source]] = mag
    kept = judged(mags)
    cells = sky_groups(table["ra"], table["dec"], 4)[some][kept].astype(np.int64)
    judges = np.array([zlib.crc32(str(cell).encode()) & 1 == 1 for cell in cells.tolist()])
    return Objects(
        colours({band: each[kept] for band, each in mags.items()}), kind[some][kept],
        np.zeros(len(kept)), cells, judges,
    )  # fmt: skip


def of_lamost() -> Objects:
    """Stars of LAMOST: z of SDSS stands for that of Pan-STARRS."""
    table = read("lamost_dr_stars")
    mags = {band: np.full(len(table["ra"]), np.nan) for band in BANDS}
    for number, band in ((4, "i"), (5, "z"), (6, "J"), (7, "H")):
        mag = np.asarray(table[f"mag{number}"], np.float64)
        mags[band] = np.where((mag > 0) & (mag < 90), mag, np.nan)
    kept = judged(mags)
    cells = sky_groups(table["ra"], table["dec"], 4)[kept].astype(np.int64)
    unknown = np.full(len(kept), np.nan)
    every = np.ones(len(kept), bool)
    return Objects(colours(mags)[kept], unknown, np.zeros(len(kept)), cells, every)


if __name__ == "__main__":
    main()
