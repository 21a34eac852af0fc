"""A learner of another package, made known, is trained, pooled, saved and loaded as ours are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import pytest

pytest.importorskip("lightgbm", reason="a rival of the benchmarks; the extra dev has it")
pytest.importorskip("sklearn", reason="the extra learn is not installed")

import lightgbm

from skyquarry.errors import NotFoundError, UserError
from skyquarry.learn import ensemblefile
from skyquarry.learn.classifiers import registry
from skyquarry.learn.ensemble import train
from skyquarry.testing.classes import objects

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from skyquarry.learn.examples import Examples


class LightGBM:
    """The protocol, by LightGBM."""

    name: ClassVar[str] = "lightgbm"
    extra: ClassVar[tuple[str, ...]] = ("lightgbm",)

    def __init__(self, *, rounds: int = 30, threads: int = 1) -> None:
        self.rounds, self.threads = rounds, threads
        self.classes: tuple[str, ...] = ()
        self.booster: Any = None

    def settings(self) -> dict[str, Any]:
        return {"rounds": self.rounds, "threads": self.threads}

    def fit(self, examples: Examples, *, seed: int = 0, **_: Any) -> Self:
        self.classes = examples.classes
        data = lightgbm.Dataset(examples.values, examples.labels, weight=examples.weights)
        options = {"objective": "multiclass", "num_class": len(self.classes), "seed": seed,
                   "num_threads": self.threads, "deterministic": True, "verbosity": -1}  # fmt: skip
        self.booster = lightgbm.train(options, data, self.rounds)
        return self

    def predict_proba(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        if not len(values):
            return np.empty((0, len(self.classes)))
        return np.asarray(self.booster.predict(values), np.float64)

    def explain(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        told = self.booster.predict(values, pred_contrib=True)
        parts = told.reshape(len(values), len(self.classes), -1)[:, :, :-1]
        return np.asarray(parts.transpose(0, 2, 1))

    def save(self, folder: Path) -> None:
        (folder / "model.txt").write_text(self.booster.model_to_string())
        told = {"classes": self.classes, "settings": self.settings()}
        (folder / "told.json").write_text(json.dumps(told))

    @classmethod
    def load(cls, folder: Path) -> Self:
        told = json.loads((folder / "told.json").read_text())
        made = cls(**told["settings"])
        made.classes = tuple(told["classes"])
        made.booster = lightgbm.Booster(model_str=(folder / "model.txt").read_text())
        return made


def test_lightgbm_plugs_in_beside_ours(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "_YOURS", {})
    with pytest.raises(NotFoundError, match="there is no learner 'lightgbm', but there are"):
        train(objects(600), learners=["lightgbm", "forest"])
    registry.register(LightGBM)
    made = train(objects(600), learners={"lightgbm": {"rounds": 20}, "forest": {"trees": 10}})
    assert {"lightgbm", "forest"} < set(made.losses)
    values = objects(100, seed=3).values
    assert made.ensemble.explain(values).shape == (100, 5, 3)
    ensemblefile.save(made.ensemble, tmp_path)
    again = ensemblefile.load(tmp_path)
    assert (again.predict_proba(values) == made.ensemble.predict_proba(values)).all()


def test_what_cannot_be_a_learner_is_refused_when_it_is_registered(monkeypatch):
    monkeypatch.setattr(registry, "_YOURS", {})

    class Half:
        name, extra = "half", ()

        def fit(self, examples: Any, **_: Any) -> Half:
            return self

    class Clash(LightGBM):
        name = "forest"

    with pytest.raises(UserError, match="lacks settings, predict_proba, explain, save, load, but"):
        registry.register(Half)
    with pytest.raises(UserError, match="lacks name, but a learner is a class"):
        registry.register(object)
    with pytest.raises(UserError, match="is called 'forest', but that is one of ours"):
        registry.register(Clash)
    assert registry.kind_of("forest").__module__ == "skyquarry.learn.classifiers.forest"


def test_a_learner_that_is_made_within_a_function_is_known_too(monkeypatch):
    """It was looked for by its name in its module, where it is not."""
    monkeypatch.setattr(registry, "_YOURS", {})

    class Within(LightGBM):
        name = "within"

    registry.register(Within)
    assert registry.kind_of("within") is Within
    assert registry.names()[-1] == "within"
