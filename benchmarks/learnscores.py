"""Two sides compared object by object over several seeds of folds."""

from __future__ import annotations

from typing import Any

import numpy as np

DRAWS = 2_000


def compared(ours: list[Any], theirs: list[Any], labels: Any, cells: Any) -> dict[str, Any]:
    """Log-loss, accuracy and macro-F1 of probabilities (n, K), one array a seed.

    Each object counts by its mean over the seeds. The error of a difference and its 95 % interval
    are of 2,000 samples of whole cells of the sky (single objects where there are no cells).
    """
    number = np.unique(np.arange(len(labels)) if cells is None else cells, return_inverse=True)[1]
    drawn = _drawn(int(number.max()) + 1)
    sums = [_by_cell(side, labels, number) for side in (ours, theirs)]
    told = {}
    scores = [_scores(side, drawn) for side in sums]
    wholes = [_scores(side, np.ones((1, drawn.shape[1]))) for side in sums]
    for name in ("log_loss", "accuracy", "macro_f1"):
        whole = [float(each[name][0]) for each in wholes]
        gaps = scores[0][name] - scores[1][name]
        low, high = np.percentile(gaps, (2.5, 97.5))
        told[name] = {
            "ours": whole[0], "theirs": whole[1], "difference": whole[0] - whole[1],
            "error": float(gaps.std(ddof=1)), "low": float(low), "high": float(high),
        }  # fmt: skip
    loss, right, f1 = (told[name] for name in ("log_loss", "accuracy", "macro_f1"))
    told["reached"] = bool(
        loss["high"] < 0.0
        and right["difference"] >= -right["error"]
        and f1["difference"] >= -f1["error"]
    )
    return told


def _drawn(cells: int) -> Any:
    """(draws, cells) how often each is drawn."""
    random = np.random.default_rng(0)
    return np.stack([
        np.bincount(random.integers(0, cells, cells), minlength=cells) for _ in range(DRAWS)
    ]).astype(np.float64)  # fmt: skip


def _by_cell(side: list[Any], labels: Any, number: Any) -> dict[str, Any]:
    """Sums over the objects of each cell: rows, losses, and of each seed the confusion."""
    cells, kinds = int(number.max()) + 1, side[0].shape[1]
    rows = np.arange(len(labels))
    lost = np.mean([-np.log(np.clip(p[rows, labels], 1e-15, 1.0)) for p in side], axis=0)
    tables = []
    for p in side:
        where = (number * kinds + labels) * kinds + p.argmax(axis=1)
        tables.append(np.bincount(where, minlength=cells * kinds**2).reshape(cells, kinds**2) * 1.0)
    return {"n": np.bincount(number, minlength=cells) * 1.0, "kinds": kinds,
            "lost": np.bincount(number, lost, cells), "tables": tables}  # fmt: skip


def _scores(side: dict[str, Any], drawn: Any) -> dict[str, Any]:
    """(draws,) each, mean over the seeds."""
    kinds, n = side["kinds"], drawn @ side["n"]
    tables = np.stack([(drawn @ each).reshape(-1, kinds, kinds) for each in side["tables"]])
    hit = np.diagonal(tables, axis1=2, axis2=3)
    all_of = tables.sum(axis=2) + tables.sum(axis=3)
    return {
        "log_loss": drawn @ side["lost"] / n,
        "accuracy": hit.sum(axis=2).mean(axis=0) / n,
        "macro_f1": (2.0 * hit / np.maximum(all_of, 1e-12)).mean(axis=(0, 2)),
    }
