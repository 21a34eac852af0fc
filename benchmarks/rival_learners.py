"""What benchmarks/learn.py is held against: usual learners untuned, their votes and their stack.

As in the notes on classification: boosted trees of 300 to 600 rounds at a rate of .05 to .06,
defaults otherwise; the stack is an L2 multinomial logistic regression on their log-probabilities,
cross-fitted on the same folds.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from learncache import digest, kept, of_some

if TYPE_CHECKING:
    from collections.abc import Callable

GBMS = ("xgboost", "lightgbm", "catboost")


def learners(seed: int) -> dict[str, Callable[[], Any]]:
    from catboost import CatBoostClassifier
    from lightgbm import LGBMClassifier
    from sklearn.ensemble import (
        ExtraTreesClassifier,
        HistGradientBoostingClassifier,
        RandomForestClassifier,
    )
    from xgboost import XGBClassifier

    return {
        "forest": lambda: RandomForestClassifier(400, random_state=seed),
        "extra trees": lambda: ExtraTreesClassifier(400, random_state=seed),
        "histogram boosting": lambda: HistGradientBoostingClassifier(
            max_iter=300, learning_rate=0.05, early_stopping=False, random_state=seed
        ),
        "xgboost": lambda: XGBClassifier(
            n_estimators=400, learning_rate=0.05, n_jobs=1, random_state=seed, verbosity=0
        ),
        "lightgbm": lambda: LGBMClassifier(
            n_estimators=300, learning_rate=0.05, n_jobs=1, random_state=seed, verbose=-1
        ),
        "catboost": lambda: CatBoostClassifier(
            iterations=600, learning_rate=0.05, thread_count=1, random_seed=seed, verbose=False,
            allow_writing_files=False,
        ),
    }  # fmt: skip


def unseen(examples: Any, fold: Any, seed: int, learnt: Any = None) -> tuple[dict[str, Any], float]:
    """(n, K) of each learner, of the votes and the stack, by models of the other folds.

    Also the CPU seconds of the learners. `learnt` (n,) bool: the rows that may be learnt of.
    """
    kept_in = np.ones(len(examples), bool) if learnt is None else learnt
    told, spent = {}, 0.0
    for name, make in learners(seed).items():
        key = {"rows": examples.fingerprint(), "fold": digest(fold), "rival": name, "seed": seed,
               "settings": repr(make().get_params()),
               "version": _version(make())} | of_some(learnt)  # fmt: skip
        told[name], taken = kept(key, lambda make=make: _crossed(make, examples, fold, kept_in))
        spent += taken
    votes = {
        "vote of boosters": np.mean([told[name] for name in GBMS], axis=0),
        "vote of forest and boosters": np.mean([told[n] for n in ("forest", *GBMS)], axis=0),
        "vote of all": np.mean(list(told.values()), axis=0),
    }
    return told | votes | {"stack": stacked(
        list(told.values()), examples.labels, fold, kept_in
    )}, spent  # fmt: skip


def _crossed(make: Callable[[], Any], examples: Any, fold: Any, learnt: Any) -> Any:
    p = np.empty((len(examples), len(examples.classes)))
    for each in np.unique(fold):
        out = fold == each
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            some = ~out & learnt
            made = make().fit(examples.values[some], examples.labels[some])
            p[out] = made.predict_proba(examples.values[out])
    p = np.clip(p, 1e-12, 1.0)
    return p / p.sum(axis=1, keepdims=True)


def _version(learner: Any) -> str:
    from importlib import import_module

    package = type(learner).__module__.partition(".")[0]
    return f"{package} {import_module(package).__version__}"


def stacked(parts: list[Any], labels: Any, fold: Any, learnt: Any) -> Any:
    from sklearn.linear_model import LogisticRegression

    x = np.concatenate([np.log(np.clip(p, 1e-6, 1.0)) for p in parts], axis=1)
    p = np.empty_like(parts[0])
    for each in np.unique(fold):
        out, some = fold == each, (fold != each) & learnt
        p[out] = LogisticRegression(max_iter=3000).fit(x[some], labels[some]).predict_proba(x[out])
    return p
