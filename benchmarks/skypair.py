"""Brown dwarfs and late dwarfs told apart by learners of their own, and what p means there.

Eleven finer classes share the rounds of a learner; the two that border on each other where a limit
is asked get one more, which learns of nothing else. It is fitted twice, each time of the training
cells and half of the calibration cells, and asked about the other half, so that no row is judged by
a learner that has seen it; other rows by the mean of both. Of what the ensemble gives the two
together each gets a share by the mean of both logits: the ensemble's, and this one's brought to the
same mix. That it is half and half, the learner and its settings were seen to serve on calibration
cells; no test cell was asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from sklearn.isotonic import IsotonicRegression

from skyquarry.learn.classifiers.registry import kind_of
from skyquarry.learn.examples import Examples
from skyquarry.learn.scores.blocks import Blocks
from skyquarry.learn.scores.reliability import confidence
from skyquarry.learn.splits import folds
from skyquarry.pipeline.examples import CELL

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from skyscores import Parts

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

PAIR: Final = ("brown_dwarf, brown dwarfs", "main_sequence, late dwarfs")
LEARNER: Final = "catboost"
SETTINGS: Final[dict[str, Any]] = {"rounds": 900, "rate": 0.05, "columns": 0.5}
_LEAST: Final = 1e-9


def told_apart(
    p: Floats, asked: Ints, values: Any, parts: Parts, priors: Floats, seed: int
) -> Floats:
    """(n, F) probabilities of finer classes of the rows asked, with the pair's shares mended.

    `priors` (F,): the mix that p is at.
    """
    first, last = (parts.names.index(name) for name in PAIR)
    both = np.flatnonzero(np.isin(parts.fine, (first, last)))
    learnt, held = (both[parts.part[both] == number] for number in (0, 1))
    cells = parts.column(CELL)
    measured = np.flatnonzero(np.isfinite(values[learnt]).any(axis=0))
    values = values[:, measured]
    half = folds(parts.fine[held], cells[held], 2, seed)
    known_half = {int(cell): int(each) for cell, each in zip(cells[held], half, strict=True)}
    place = np.array([known_half.get(int(cell), -1) for cell in cells[asked]])
    place[parts.part[asked] != 1] = -1
    told = np.zeros((2, len(asked)))
    for each in range(2):
        rows = np.concatenate([learnt, held[half != each]])
        examples = Examples.of(
            values[rows], [str(number) for number in measured],
            (parts.fine[rows] == first).astype(int), groups=cells[rows],
        )  # fmt: skip
        mine = kind_of(LEARNER)(**SETTINGS).fit(examples, seed=seed + each)
        share = float((parts.fine[rows] == first).mean())
        some = np.flatnonzero(place != 1 - each)
        shift = np.log(priors[first] / priors[last]) - np.log(share / (1.0 - share))
        told[each, some] = _logit(mine.predict_proba(values[asked[some]])[:, 1]) + shift
    own = np.where(place < 0, told.mean(axis=0), told.sum(axis=0))
    pair = p[:, first] + p[:, last]
    mean = 0.5 * (_logit(p[:, first] / np.maximum(pair, _LEAST)) + own)
    mended = p.copy()
    mended[:, first] = pair / (1.0 + np.exp(-mean))
    mended[:, last] = pair - mended[:, first]
    return mended


def meaning(
    p: Floats, label: Ints, weight: Floats, cells: Ints, other: Floats
) -> tuple[list[int], Floats]:
    """Classes whose p does not mean what it says on calibration rows; p of other rows mended.

    Those of which the mean p is not the fraction right, among p >= 0.5, to 0.02 or two errors: they
    get the rising function of p that fits calibration rows at their weights best (isotonic
    regression, Zadrozny & Elkan 2002), and the others what is left.
    """
    blocks = Blocks.of(cells, len(label), 200, 0)
    astray = [
        k for k in range(p.shape[1])
        if confidence(p[:, k], label == k, weight, blocks)["kept"] is False
    ]  # fmt: skip
    mended = other.copy()
    for k in astray:
        rising = IsotonicRegression(out_of_bounds="clip")
        rising.fit(p[:, k], label == k, sample_weight=weight)
        new = np.clip(rising.predict(mended[:, k]), _LEAST, 1.0 - _LEAST)
        mended *= ((1.0 - new) / np.maximum(1.0 - mended[:, k], _LEAST))[:, None]
        mended[:, k] = new
        mended /= mended.sum(axis=1, keepdims=True)
    return astray, mended


def _logit(p: Floats) -> Floats:
    inside = np.clip(p, _LEAST, 1.0 - _LEAST)
    return np.asarray(np.log(inside) - np.log(1.0 - inside))
