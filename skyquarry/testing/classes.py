"""Made-up objects of several classes, to learn from."""

from __future__ import annotations

import numpy as np

from skyquarry.learn.examples import Examples

NAMES = ("u-g", "g-r", "r-i", "i-z", "r")


def objects(n: int, *, classes: int = 3, seed: int = 1, missing: float = 0.1) -> Examples:
    """Objects (n) whose class hangs on five numbers and on chance, in groups of ten.

    The classes are about equally many; a share of the numbers is not measured.
    """
    random = np.random.default_rng(seed)
    values = random.normal(size=(n, len(NAMES))).astype(np.float32)
    score = values[:, 0] + values[:, 1] ** 2 + values[:, 2] * values[:, 3]
    score = score + random.normal(size=n) * 0.3
    cuts = np.quantile(score, np.linspace(0.0, 1.0, classes + 1)[1:-1])
    words = np.array([f"class {each}" for each in range(classes)])[np.searchsorted(cuts, score)]
    values[random.random(values.shape) < missing] = np.nan
    return Examples.of(values, NAMES, words, groups=np.arange(n) // 10)
