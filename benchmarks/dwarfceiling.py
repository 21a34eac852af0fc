"""How well brown dwarfs can be told from late M dwarfs at all, within the limits of `skyscores.py`.

    python benchmarks/dwarfceiling.py --out benchmarks/results

Two skies of these dwarfs alone (`dwarfsky.py`), of seeds that test nothing: one booster learns of
the first, with the features of `skyscores.py` but those of matches and light curves, at the mix of
the sky, and is asked about the second; once of all rows, once of as many as the pair's learner of
`skyscores.py` has, drawn as there. Depth and rounds were tried on cells of the first.

Beside it stands Bayes' answer by the simulation's own numbers (`dwarfbayes.py`), for dwarfs of M7
and later that SDSS (i, z), 2MASS (J) and AllWISE (W1, W2) have seen. There both may be compared,
and Bayes be asked of what no survey gives: magnitudes of ten bands and parallaxes without errors,
so that only what dwarfs of one type differ by is left; and dwarfs whose type tells all their
colours, so that only errors are.

Purity and completeness are told where p = 0.5, and where both are the same; errors by cells.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from dwarfbayes import BANDS, PLACES, Sequence, typical
from dwarfsky import Dwarfs, dwarfs
from skyscores import SURVEYS

from skyquarry.features.making import features_of
from skyquarry.learn.classifiers.registry import kind_of
from skyquarry.learn.examples import Examples
from skyquarry.learn.scores.blocks import Blocks
from skyquarry.learn.scores.curves import Ranked
from skyquarry.synthetic.bands import BANDS as EVERY
from skyquarry.synthetic.milkyway.ultracool import LUMINOSITY_SCATTER
from skyquarry.synthetic.observe.noise import PER_MAG

import record

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.features.making import Features

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

SETTINGS: Final[dict[str, Any]] = {
    "rounds": 300, "rate": 0.1, "depth": 4, "rows": 0.7, "tree_columns": 0.5, "columns": 1.0,
    "bins": 128, "least_weight": 5.0, "ridge": 3.0,
}  # fmt: skip
AS_THERE: Final = {"brown": 17_000, "late": 34_000}
"""rows of a learner of `skypair.py`: cells to learn of, and half of those to calibrate with"""
PURITY, DRAWS = 0.90, 200
BAYES_FROM: Final = 17.0
"""M7: of earlier ones a ten thousandth is taken for brown dwarfs"""
_COLUMNS: Final = {
    "sdss_r": ("sdss_psfMag_r", "sdss_psfMagErr_r"),
    "sdss_i": ("sdss_psfMag_i", "sdss_psfMagErr_i"),
    "sdss_z": ("sdss_psfMag_z", "sdss_psfMagErr_z"),
    "gaia_g": ("gaia_phot_g_mean_mag", "gaia_phot_g_mean_flux_error"),
    "gaia_rp": ("gaia_phot_rp_mean_mag", "gaia_phot_rp_mean_flux_error"),
    "twomass_j": ("twomass_j_m", "twomass_j_msigcom"),
    "twomass_h": ("twomass_h_m", "twomass_h_msigcom"),
    "twomass_ks": ("twomass_k_m", "twomass_k_msigcom"),
    "wise_w1": ("allwise_w1mpro", "allwise_w1sigmpro"),
    "wise_w2": ("allwise_w2mpro", "allwise_w2sigmpro"),
}  # fmt: skip
_SEEN: Final = ("sdss_i", "sdss_z", "twomass_j", "wise_w1", "wise_w2")
_MOST_ERROR: Final = 0.6
"""a magnitude that is worse is left out: its errors are not those of a normal distribution"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--area", type=float, default=60.0, help="square degrees of each sky")
    parser.add_argument("--seed", type=int, default=9901, help="of the first; one more: the second")
    parser.add_argument("--most", type=int, default=30_000, help="dwarfs for Bayes' answer")
    parser.add_argument("--out")
    given = parser.parse_args()
    begun = time.process_time()
    first, second = (dwarfs(given.area, given.seed + each) for each in range(2))
    told = measured(first, second, given.most, given.seed)
    told["cpu_s"] = round(time.process_time() - begun)
    record.write("dwarfceiling", len(first.kind) + len(second.kind), told, given.out)


def measured(first: Dwarfs, second: Dwarfs, most: int, seed: int) -> dict[str, Any]:
    """A booster of each kind, and Bayes' answers."""
    learnt, asked = _features(first), _features(second)
    assert learnt.names == asked.names
    known = np.flatnonzero(np.isfinite(learnt.values).any(axis=0))
    names = [learnt.names[each] for each in known]
    random = np.random.default_rng(seed)
    told: dict[str, Any] = {
        "features": len(names), "learnt of": _counts(first), "asked about": _counts(second),
    }  # fmt: skip
    for name, rows, weight in (
        ("rows as there", *_as_there(first, random)),
        ("all rows", np.arange(len(first.kind)), first.weight),
    ):
        examples = Examples.of(
            learnt.values[rows][:, known], names, first.brown[rows].astype(int),
            groups=first.cell[rows], weights=weight / weight.mean(),
        )  # fmt: skip
        booster = kind_of("xgboost")(**SETTINGS).fit(examples, seed=seed)
        p = booster.predict_proba(asked.values[:, known])[:, 1]
        told[f"booster, {name}"] = {"rows": len(rows)} | scores(p, second)
    told["booster, by type"] = {
        f"{low:g} to {low + 1.0:g}": float((p >= 0.5)[np.floor(second.kind) == low].mean())
        for low in range(16, 26)
    }  # fmt: skip
    return told | {"seen in all": bayes(second, p, most, random)}


def _features(sky: Dwarfs) -> Features:
    return features_of(sky.table, SURVEYS)


def _counts(sky: Dwarfs) -> dict[str, float]:
    density = float(sky.weight[sky.brown].sum())
    return {"brown": int(sky.brown.sum()), "late": int((~sky.brown).sum()), "brown a deg2": density}


def _as_there(sky: Dwarfs, random: np.random.Generator) -> tuple[Ints, Floats]:
    """Rows as many as a learner of `skypair.py` has, late dwarfs by chance at the sky's mix."""
    brown = random.permutation(np.flatnonzero(sky.brown))[: AS_THERE["brown"]]
    late = np.flatnonzero(~sky.brown)
    late = late[random.random(len(late)) < sky.weight[late] / sky.weight[late].max()]
    late = random.permutation(late)[: AS_THERE["late"]]
    weight = [np.full(len(rows), sky.weight[sky.brown == own].sum() / len(rows))
              for rows, own in ((brown, True), (late, False))]  # fmt: skip
    return np.concatenate([brown, late]), np.concatenate(weight)


# ------------------------------------------------------------------ Bayes' answers
def bayes(sky: Dwarfs, p: Floats, most: int, random: np.random.Generator) -> dict[str, Any]:
    """Of some dwarfs that were seen in all of `_SEEN`; `p` (n,) the booster's, of all."""
    mags, errors = _measurements(sky)
    seen = np.isfinite(mags[:, [BANDS.index(name) for name in _SEEN]]).all(axis=1)
    rows = random.permutation(np.flatnonzero(seen & (sky.kind >= BAYES_FROM)))[:most]
    some, mags, errors = sky.taken(rows), mags[rows], errors[rows]
    parallax, error = some.column("gaia_parallax"), some.column("gaia_parallax_error")
    unknown, exact = np.full(len(rows), np.nan), np.zeros((len(rows), len(BANDS)))
    asked = {
        "as measured": (mags, errors, parallax, error),
        "no parallax": (mags, errors, unknown, unknown),
        "no errors": (some.mags[:, PLACES], exact, some.parallax_mas, exact[:, 0]),
        "no scatter in colours": (_alike(some, errors, random), errors, parallax, error),
    }
    of_brown = sky.weight[sky.brown]
    told = {
        "rows": len(rows), "brown": int(some.brown.sum()),
        "share of brown dwarfs": float(of_brown[seen[sky.brown]].sum() / of_brown.sum()),
        "booster": scores(p[rows], some),
    }  # fmt: skip
    for name, given in asked.items():
        sequence = Sequence.known(alike=name == "no scatter in colours")
        told[name] = scores(sequence.brown(*given), some)
    return told


def _measurements(sky: Dwarfs) -> tuple[Floats, Floats]:
    """(n, 10) AB magnitudes and their errors; NaN: none, or none that is worth it."""
    several = [[sky.column(name) for name in _COLUMNS[band]] for band in BANDS]
    mags, errors = (np.stack(each, axis=1) for each in zip(*several, strict=True))
    for band in ("g", "rp"):
        flux = sky.column(f"gaia_phot_{band}_mean_flux")
        errors[:, BANDS.index(f"gaia_{band}")] *= PER_MAG / flux
    mags += np.array([EVERY[place].vega_to_ab for place in PLACES])
    there = np.isfinite(mags) & (mags > 0.0) & (errors > 0.0) & (errors < _MOST_ERROR)
    return np.where(there, mags, np.nan), np.where(there, errors, np.nan)


def _alike(sky: Dwarfs, errors: Floats, random: np.random.Generator) -> Floats:
    """(n, 10) magnitudes of single dwarfs of these types and distances, alike but in luminosity."""
    mags = typical(sky.kind) + (10.0 - 5.0 * np.log10(sky.parallax_mas))[:, None]
    mags += LUMINOSITY_SCATTER * random.standard_normal((len(mags), 1))
    return mags + errors * random.standard_normal(mags.shape)


def scores(p: Floats, sky: Dwarfs) -> dict[str, Any]:
    """Where p = 0.5, where purity and completeness are the same, and where purity is 0.90."""
    blocks = Blocks.of(sky.cell, len(p), DRAWS, 0)
    ranked, said = Ranked.of(p, sky.brown), p >= 0.5

    def of(weight: Floats) -> list[float]:
        both = weight[said & sky.brown].sum()
        purity, complete = ranked.curve(weight)
        same = int(np.nanargmin(np.abs(purity - complete)))
        return [both / weight[said].sum(), both / weight[sky.brown].sum(), purity[same],
                ranked.at_purity(weight, PURITY)[0]]  # fmt: skip

    values = of(sky.weight)
    drawn = [of(sky.weight * times[blocks.number]) for times in blocks.drawn]
    names = ("purity", "completeness", "where both are the same", f"completeness at {PURITY}")
    return {
        name: {"value": float(value), "error": float(error)}
        for name, value, error in zip(names, values, np.std(drawn, axis=0), strict=True)
    }


if __name__ == "__main__":
    main()
