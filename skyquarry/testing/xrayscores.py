"""How good an identification of the X-ray field is: probabilities, and what magnitudes add."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from skyquarry.catalog.arrow import to_numpy
from skyquarry.testing import golden, scores
from skyquarry.testing.xraysky import xraysky

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from skyquarry.testing.xraysky import XraySky


@dataclass(frozen=True, slots=True)
class XrayScore:
    """Figures of one field, X-ray sources with optical ones, many to one."""

    n_true: int
    n_doubt: int
    """candidates with 0.01 < P < 0.99"""
    ece_doubt: float
    """there, debiased, in bins of equal count"""
    ece_all: float
    sum_error: float
    """(sum P - true pairs) / true pairs"""
    sum_noise: float
    """what that scatters by where probabilities are perfect: sqrt(sum P (1 - P)) / true pairs"""
    right_alone: float
    """of the X-ray sources with a counterpart, those whose likeliest candidate it is, by geometry
    alone"""
    right: float
    """the same, with magnitudes"""
    among: float
    """share of the true pairs that are candidates"""


def measured(scale: float = 1.0, seed: int = 1) -> XrayScore:
    """The field of this seed, identified with everything at its default, and by geometry alone."""
    sky = xraysky(scale, seed=seed)
    return score(sky, identified(sky), identified(sky, prior="uniform", photometry=None))


def identified(sky: XraySky, **settings: Any) -> pa.Table:
    """The candidates of `sq.crossmatch`, each X-ray source for itself."""
    field = golden.Field(sky.catalogs, sky.roles)
    told = golden.identify(field, ("xray", "optical"), constraint="many_to_one", **settings)
    pairs: pa.Table = told.pairs
    return pairs


def score(sky: XraySky, pairs: pa.Table, alone: pa.Table) -> XrayScore:
    """The figures; `alone` is of geometry alone."""
    p, true = to_numpy(pairs["posterior"]), is_true(sky, pairs)
    n_true = int((to_numpy(sky.truth["optical"]) >= 0).sum())
    doubt = scores.reliability(p, true, low=0.01, high=0.99)
    return XrayScore(
        n_true,
        doubt.n,
        doubt.ece,
        scores.reliability(p, true).ece,
        float(p.sum()) / n_true - 1.0,
        float(np.sqrt(np.sum(p * (1.0 - p)))) / n_true,
        share_right(sky, alone),
        share_right(sky, pairs),
        float(true.sum()) / n_true,
    )


def is_true(sky: XraySky, pairs: pa.Table) -> NDArray[np.bool_]:
    """(m,): whether the candidate is the counterpart."""
    counterpart = to_numpy(sky.truth["optical"])
    return np.asarray(counterpart[to_numpy(pairs["left_row"])] == to_numpy(pairs["right_row"]))


def share_right(sky: XraySky, pairs: pa.Table) -> float:
    """Of the X-ray sources with a counterpart, those whose most probable candidate it is."""
    left, p = to_numpy(pairs["left_row"]), to_numpy(pairs["posterior"])
    order = np.lexsort((to_numpy(pairs["right_row"]), -p, left))
    first = order[np.r_[True, np.diff(left[order]) > 0]]
    n_true = (to_numpy(sky.truth["optical"]) >= 0).sum()
    return float(is_true(sky, pairs)[first].sum() / n_true)
