"""Learners of others: asked for by module:Class, offered by a package, missed by a model."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

import skyquarry as sq
from skyquarry.cli import app
from skyquarry.errors import NotFoundError, UserError
from skyquarry.learn.classifiers import registry
from skyquarry.testing.classes import NAMES, objects

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("sklearn", reason="the extra learn is not installed")

CODE = '''
import json

import numpy as np


class Nearest:
    """The nearest centre, of numbers that are all there."""

    name, extra = "nearest", ("numpy",)

    def __init__(self, *, power=1.0, threads=1):
        self.power, self.threads, self.classes, self.centres = power, threads, (), None

    def settings(self):
        return {"power": self.power, "threads": self.threads}

    def fit(self, examples, *, seed=0, **_):
        self.classes, values = examples.classes, np.nan_to_num(examples.values.astype(float))
        kinds = range(len(self.classes))
        self.centres = np.array([values[examples.labels == k].mean(axis=0) for k in kinds])
        return self

    def predict_proba(self, values):
        apart = ((np.nan_to_num(values)[:, None] - self.centres) ** 2).sum(axis=2)
        told = np.exp(-0.5 * self.power * (apart - apart.min(axis=1, keepdims=True)))
        return (told / told.sum(axis=1, keepdims=True)).astype(np.float64)

    def explain(self, values):
        return None

    def save(self, folder):
        told = {"classes": self.classes, "centres": self.centres.tolist(), "power": self.power}
        (folder / "nearest.json").write_text(json.dumps(told))

    @classmethod
    def load(cls, folder):
        told = json.loads((folder / "nearest.json").read_text())
        made = cls(power=told["power"])
        made.classes, made.centres = tuple(told["classes"]), np.array(told["centres"])
        return made
'''


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a module of a learner, where modules are looked for; nobody has asked."""
    (tmp_path / "my_learners.py").write_text(CODE)
    (tmp_path / "my_broken.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(registry, "_YOURS", {})
    monkeypatch.delenv("SKYQUARRY_LEARNERS", raising=False)
    yield tmp_path
    for name in ("my_learners", "my_broken"):
        sys.modules.pop(name, None)


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in another process."""
    monkeypatch.setattr(registry, "_YOURS", {})
    sys.modules.pop("my_learners", None)


def labels(home: Path) -> Path:
    made = objects(400)
    columns = dict(zip(made.names, made.values.T, strict=True))
    rows = [",".join(["class", *columns])]
    for number, label in enumerate(made.labels):
        rows.append(
            ",".join([made.classes[label], *(f"{c[number]:.5g}" for c in columns.values())])
        )
    (home / "labels.csv").write_text("\n".join(rows).replace("nan", "") + "\n")
    return home / "labels.csv"


def shell(*words: object) -> int:
    from typer.testing import CliRunner

    ended = CliRunner().invoke(app, [str(each) for each in words])
    if ended.exception is not None and not isinstance(ended.exception, SystemExit):
        raise ended.exception
    sys.stderr.write(ended.stderr)
    return ended.exit_code


def test_the_shell_asks_for_a_learner_by_module_and_class(home, monkeypatch, capsys):
    file, made = labels(home), home / "model"
    which = [word for name in NAMES for word in ("--features", name)]
    told = (
        "train",
        file,
        *which,
        "--groups",
        "none",
        "--allow-leakage",
        "--threads",
        1,
        "--out",
        made,
    )
    assert shell(*told, "--learners", "my_learners:Nearest,forest") == 0
    model = json.loads((made / "model.json").read_text())
    assert model["learners"] == ["nearest", "forest"]
    assert model["plugins"]["nearest"]["class"] == "my_learners:Nearest"
    assert model["plugins"]["nearest"]["needs"] == {"numpy": np.__version__}
    forget(monkeypatch)
    capsys.readouterr()
    assert shell("evaluate", made, file, "--groups", "none") == 2
    said = capsys.readouterr().err
    assert "learner 'nearest' that does not come with skyquarry: my_learners:Nearest of no" in said
    assert f"installed package, which needs numpy {np.__version__}" in said
    assert "nothing is imported because a model says so" in said
    assert "SKYQUARRY_LEARNERS=my_learners:Nearest" in said
    assert "my_learners" not in sys.modules
    monkeypatch.setenv("SKYQUARRY_LEARNERS", "my_learners:Nearest")
    assert shell("evaluate", made, file, "--groups", "none") == 0


def test_what_an_installed_package_offers_is_known_by_its_name(home, monkeypatch):
    offer = home / "my_learners-1.2.dist-info"
    offer.mkdir()
    (offer / "METADATA").write_text("Metadata-Version: 2.1\nName: my-learners\nVersion: 1.2\n")
    (offer / "top_level.txt").write_text("my_learners\n")
    (offer / "entry_points.txt").write_text(
        "[skyquarry.learners]\nnearest = my_learners:Nearest\nother = my_learners:Nearest\n"
        "broken = my_broken:Learner\n"
    )
    assert {"nearest", "other", "broken"} < set(registry.names())
    assert "my_learners" not in sys.modules, "nothing is imported before it is asked for"
    model = sq.train(
        objects_table(), features=NAMES, groups=None, allow_leakage=True, threads=1, said=None,
        learners={"nearest": {"power": 2.0}, "forest": {"trees": 5}},
    )  # fmt: skip
    model.save(home / "model")
    told = json.loads((home / "model" / "model.json").read_text())["plugins"]["nearest"]
    assert (told["package"], told["version"]) == ("my-learners", "1.2")
    forget(monkeypatch)
    again = sq.load_model(home / "model")
    values = objects(50, seed=3).values
    assert (again.predict_proba(values) == model.predict_proba(values)).all()
    with pytest.raises(UserError, match=r"offers the learner 'other', but .* is called 'nearest'"):
        registry.kind_of("other")
    with pytest.raises(UserError, match=r"my-learners offers the learner 'broken' .*ZeroDivision"):
        registry.kind_of("broken")


def objects_table() -> dict[str, object]:
    import pyarrow as pa

    made = objects(400)
    columns = dict(zip(made.names, made.values.T, strict=True))
    return pa.table({"class": [made.classes[each] for each in made.labels], **columns})


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("my_missing:Learner", "cannot be imported .ModuleNotFoundError"),
        ("my_broken:Learner", "cannot be imported .ZeroDivisionError"),
        ("my_learners:Lost", "cannot be imported .AttributeError"),
        ("os:system", "is a class|lacks name"),
        ("my_learners:", "module:Class is needed"),
        (":Nearest", "module:Class is needed"),
    ],
)
def test_what_cannot_be_had_is_told_before_any_work(home, asked, words):
    with pytest.raises(UserError, match=words):
        sq.train(home / "not-there.csv", learners=[asked])


def test_a_project_file_asks_for_it_too_with_settings(home):
    from skyquarry.pipeline.project.reading import read_project

    (home / "field.toml").write_text(PROJECT.format("my_learners:Nearest", "power = 2.0"))
    read_project(home / "field.toml")
    assert registry.kind_of("nearest").__module__ == "my_learners"
    (home / "field.toml").write_text(PROJECT.format("my_learners:Nearest", "powr = 2.0"))
    with pytest.raises(UserError, match="did you mean 'power'"):
        read_project(home / "field.toml")
    (home / "field.toml").write_text(PROJECT.format("my_missing:Nearest", "power = 2.0"))
    with pytest.raises(UserError, match="my_missing:Nearest' is asked for, but it cannot be"):
        read_project(home / "field.toml")


PROJECT = """
[region]
text = "CIRCLE 180 30 0.08"
[surveys.sdss]
from = "simulate"
[surveys.gaia]
from = "simulate"
[match]
[labels]
[training.learners."{}"]
{}
"""


@pytest.mark.parametrize("name", ["base", "Variable", "../up", "a/b", "", ".hidden"])
def test_a_name_that_is_no_folder_of_its_own_in_a_model_is_refused(home, name):
    import my_learners

    kind = type("Other", (my_learners.Nearest,), {"name": name})
    with pytest.raises(UserError, match="a model keeps a learner in a folder of its name"):
        registry.register(kind)


def test_a_model_names_no_module_that_is_imported(home, monkeypatch):
    """Its file may say what it likes: a class is known here, or the model is not read."""
    model = sq.train(
        objects_table(), features=NAMES, groups=None, allow_leakage=True, threads=1, said=None,
        learners=["my_learners:Nearest"],
    )  # fmt: skip
    model.save(home / "model")
    forget(monkeypatch)
    file = home / "model" / "model.json"
    told = json.loads(file.read_text())
    told["learners"] = ["my_learners:Nearest"]
    file.write_text(json.dumps(told))
    from skyquarry.learn import sealed

    (home / "model" / "checksums.json").unlink()
    sealed.seal(home / "model")
    with pytest.raises(NotFoundError, match="nothing is imported because a model says so"):
        sq.load_model(home / "model")
    assert "my_learners" not in sys.modules
