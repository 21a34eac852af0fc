"""How good an identification of the X-ray field is: probabilities, and what magnitudes add.

Fields of several seeds are judged together: of one field of 2 square degrees the sum of perfect
probabilities scatters by 1.1 % of the true pairs, and their calibration error in doubt by 0.01.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc

from skyquarry.catalog.arrow import to_numpy
from skyquarry.testing import golden, scores
from skyquarry.testing.xraysky import xraysky

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa
    from numpy.typing import NDArray

    from skyquarry.testing.xraysky import XraySky

TWO = ("xray", "optical")
THREE = ("xray", "optical", "infrared")


@dataclass(frozen=True, slots=True)
class Candidates:
    """X-ray sources and their candidates in one other catalogue."""

    p: NDArray[np.float64]
    """(m,) probability of each candidate"""
    is_true: NDArray[np.bool_]
    """(m,) whether it is the counterpart"""
    n_true: int
    """sources that have a counterpart"""
    n_right: int
    """those whose likeliest candidate it is"""

    @classmethod
    def together(cls, parts: Iterable[Candidates]) -> Candidates:
        """Those of several fields."""
        some = list(parts)
        return cls(
            np.concatenate([each.p for each in some]),
            np.concatenate([each.is_true for each in some]),
            sum(each.n_true for each in some),
            sum(each.n_right for each in some),
        )


@dataclass(frozen=True, slots=True)
class XrayScore:
    """Figures of X-ray sources with one other catalogue, of one field or several together."""

    n_true: int
    n_doubt: int
    """candidates with 0.01 < P < 0.99"""
    ece_doubt: float
    """there, debiased, in bins of equal count"""
    ece_noise: float
    """what it would be, not debiased, of perfect probabilities"""
    ece_all: float
    sum_error: float
    """(sum P - true pairs) / true pairs"""
    sum_noise: float
    """what that scatters by where probabilities are perfect: sqrt(sum P (1 - P)) / true pairs"""
    right: float
    """of the X-ray sources with a counterpart, those whose likeliest candidate it is"""
    among: float
    """share of the true pairs that are candidates"""


def measured(
    scale: float = 1.0,
    seeds: Iterable[int] = (1,),
    names: tuple[str, ...] = TWO,
    **settings: Any,
) -> dict[str, XrayScore]:
    """The fields of these seeds, each identified by itself, judged together; by other catalogue.

    Two catalogues many to one, three one to one; everything else is at its default, or as
    `settings` say: prior="uniform", photometry=None is geometry alone.
    """
    rule = {"constraint": "many_to_one" if names == TWO else "one_to_one"} | settings
    parts: dict[str, list[Candidates]] = {other: [] for other in names[1:]}
    for seed in seeds:
        sky = xraysky(scale, seed=seed)
        pairs = identified(sky, names, **rule)
        for other, mine in parts.items():
            mine.append(candidates(sky, pairs, other))
    return {other: score(Candidates.together(mine)) for other, mine in parts.items()}


def identified(sky: XraySky, names: tuple[str, ...] = TWO, **settings: Any) -> pa.Table:
    """The table of candidates of `sq.crossmatch`."""
    told = golden.identify(golden.Field(sky.catalogs, sky.roles), names, **settings)
    pairs: pa.Table = told.pairs
    return pairs


def candidates(sky: XraySky, pairs: pa.Table, other: str = "optical") -> Candidates:
    """The candidates of the X-ray sources in the catalogue `other`."""
    left, right = (pc.cast(pairs[f"{side}_catalog"], "string") for side in ("left", "right"))
    mine = pairs.filter(pc.and_(pc.equal(left, "xray"), pc.equal(right, other)))
    source, row, p = (to_numpy(mine[name]) for name in ("left_row", "right_row", "posterior"))
    counterpart = to_numpy(sky.truth[other])
    true = np.asarray(counterpart[source] == row)
    order = np.lexsort((row, -p, source))
    likeliest = order[np.r_[True, np.diff(source[order]) > 0]]
    return Candidates(p, true, int((counterpart >= 0).sum()), int(true[likeliest].sum()))


def score(of: Candidates) -> XrayScore:
    """The figures."""
    doubt = scores.reliability(of.p, of.is_true, low=0.01, high=0.99)
    return XrayScore(
        of.n_true,
        doubt.n,
        doubt.ece,
        doubt.ece_noise,
        scores.reliability(of.p, of.is_true).ece,
        float(of.p.sum()) / of.n_true - 1.0,
        float(np.sqrt(np.sum(of.p * (1.0 - of.p)))) / of.n_true,
        of.n_right / of.n_true,
        float(of.is_true.sum()) / of.n_true,
    )
