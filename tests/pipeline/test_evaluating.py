"""`sq.evaluate`: a dict and a page, at the mix that was asked for, with what is to be doubted."""

from __future__ import annotations

import json
import os

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

pytest.importorskip("catboost", reason="the extra learn is not installed")
pytest.importorskip("sklearn", reason="the extra learn is not installed")
pytest.importorskip("matplotlib", reason="the extra plots is not installed")

import skyquarry as sq
from skyquarry.cli import app
from skyquarry.errors import UserError
from skyquarry.learn.scores import Cut, SkyMix

QUICK = {"catboost": {"rounds": 60, "rate": 0.1, "depth": 4}}
UGRIZ = ("u", "g", "r", "i", "z")
WORDS = ("galaxy", "quasar", "star")
SHARES = (0.4, 0.2, 0.4)


def sky(n, seed, ra_deg=150.0, shares=SHARES, shift=0.0):
    """Three loci in ugriz; quasars and stars overlap, the more the fainter."""
    random = np.random.default_rng(seed)
    label = random.choice(3, n, p=shares)
    r = random.uniform(16, 22, n)
    blue = np.array([1.6, 0.2, 1.0])[label] + shift
    red = np.array([0.9, 0.1, 0.4])[label] + shift
    noise = random.normal(0, 0.1 + 0.08 * (r - 16)[:, None], (n, 4))
    steps = np.stack([blue, red, 0.5 * red, 0.3 * red], axis=1) + noise
    mags = np.stack([r + steps[:, 0] + steps[:, 1], r + steps[:, 1], r, r - steps[:, 2],
                     r - steps[:, 2] - steps[:, 3]], axis=1)  # fmt: skip
    columns = dict(zip(UGRIZ, mags.T, strict=True))
    places = {"ra": ra_deg + 20 * random.random(n), "dec": random.uniform(-10, 10, n)}
    return pa.table(columns | places | {"class": [WORDS[each] for each in label]})


@pytest.fixture(scope="module")
def model():
    return sq.train(sky(2_500, 1), survey="sdss", learners=QUICK, threads=1)


@pytest.fixture(scope="module")
def told(model, tmp_path_factory):
    page = tmp_path_factory.mktemp("page") / "scores.html"
    return sq.evaluate(model, sky(3_000, 2, ra_deg=200.0), page=page, draws=50), page


def test_an_evaluation_is_a_dict_and_a_page(told):
    found, page = told
    json.dumps(found, allow_nan=False)
    assert found["overall"]["accuracy"]["value"] > 0.75
    assert found["cells"] > 100
    assert len(found["by"]["magnitude"]) == 6
    assert found["by"]["latitude"]
    assert found["alarm"]["rows"] < 0.06
    assert found["doubts"] == []
    assert "galaxy, quasar and star" in page.read_text(encoding="utf-8")


def test_the_loss_against_the_training_set_is_told(model, told):
    at_home = told[0]["shift"]["accuracy"]
    assert abs(at_home["change"]) < 3 * at_home["error"]
    page = told[1].read_text(encoding="utf-8")
    assert "unseen rows of the training set" in page
    away = sq.evaluate(model, sky(2_000, 3, ra_deg=200.0, shift=0.5), draws=50)
    before, here = model.told["scores"]["overall"], away["overall"]
    fall = away["shift"]["accuracy"]
    assert fall["change"] == here["accuracy"]["value"] - before["accuracy"]["value"]
    assert fall["change"] < -10 * fall["error"]
    assert away["shift"]["log_loss"]["change"] > 1.0


def test_what_each_feature_is_worth_is_told_and_chooses_features(model, tmp_path):
    page = tmp_path / "scores.html"
    found = sq.evaluate(
        model, sky(800, 4, ra_deg=200.0), importance=True, page=page, draws=10
    )["importance"]  # fmt: skip
    rises = {each["name"]: each["rise"] for each in found["features"]}
    assert set(rises) == set(model.features)
    assert found["rows"] == 800
    assert max(rises, key=lambda name: rises[name]) == found["worth"][0]
    assert set(found["worth"]) < set(model.features)
    assert "What each feature is worth" in page.read_text(encoding="utf-8")
    less = sq.train(sky(2_500, 1), survey="sdss", features=found["worth"][:3], learners=QUICK,
                    threads=1)  # fmt: skip
    assert less.features == tuple(found["worth"][:3])


def test_the_purity_is_that_of_the_mix_that_was_asked_for(model, told):
    mix = SkyMix(np.array([[[30.0, 1.0, 100.0]]]), (), name="a hundred stars a quasar")
    found = sq.evaluate(model, sky(3_000, 2, ra_deg=200.0), mix=mix, draws=20)
    quasar, before = found["per_class"][1], told[0]["per_class"][1]
    assert found["mix"] == "a hundred stars a quasar"
    assert quasar["share"] == pytest.approx(1 / 131)
    assert quasar["completeness"]["value"] < before["completeness"]["value"]
    assert found["as_given"]["per_class"][1]["purity"]["value"] == before["purity"]["value"]
    assert found["repriored"]


def test_a_mix_by_magnitude_is_reached_by_priors_by_magnitude(model):
    truth = sky(20_000, 5, ra_deg=200.0, shares=(0.3, 0.05, 0.65))
    r = truth["r"].to_numpy()
    number = np.searchsorted(WORDS, truth["class"].to_pylist())
    mix = SkyMix.of_objects(number, 3, magnitude=r, magnitude_edges=range(16, 23))
    given = sq.evaluate(model, sky(6_000, 6, ra_deg=200.0), mix=mix, draws=50)
    drawn = sq.evaluate(
        model, sky(6_000, 7, ra_deg=200.0, shares=(0.3, 0.05, 0.65)), mix=mix, draws=50
    )
    assert given["repriored"]
    for name in ("accuracy", "log_loss"):  # another mix by weights, and one drawn at it
        one, two = (each["overall"][name] for each in (given, drawn))
        assert abs(one["value"] - two["value"]) < 4 * np.hypot(one["error"], two["error"])
    plain = drawn["as_given"]["overall"]["log_loss"]["value"]
    assert drawn["overall"]["log_loss"]["value"] < plain  # at the training mix it promises too many


def test_rows_unlike_the_training_set_and_strange_classes_are_told(model):
    table = sky(500, 3, ra_deg=200.0, shift=2.5)
    words = table["class"].to_pylist()
    words[:7] = ["comet"] * 7
    words[7] = None
    table = table.set_column(table.column_names.index("class"), "class", pa.array(words))
    found = sq.evaluate(model, table, draws=10)
    assert found["n"] == 492
    assert found["strange"] == {"comet": 7}
    assert any("comet (7)" in each for each in found["doubts"])
    assert any("unlike what the model was trained on" in each for each in found["doubts"])


def test_rows_in_cells_of_the_training_set_are_doubted(model):
    found = sq.evaluate(model, sky(800, 101), draws=10)
    assert any("if they are rows of its training, the scores are" in s for s in found["doubts"])


def test_rows_of_the_training_set_are_known_again_without_positions(model):
    """On its own rows without positions a model was praised, and nothing stood against it."""
    own = sky(2_500, 1).drop_columns(["ra", "dec"])
    found = sq.evaluate(model, own, groups=None, draws=10)
    assert any("rows that the model keeps of its training" in each for each in found["doubts"])
    other = sq.evaluate(model, sky(800, 101), groups=None, draws=10)
    assert not any("keeps of its training" in each for each in other["doubts"])


def test_a_cut_is_compared_over_the_rows_that_are_scored(model):
    table = sky(3_000, 2, ra_deg=200.0)
    blue = table["u"].to_numpy() - table["g"].to_numpy() < 0.6
    found = sq.evaluate(model, table, cuts=[Cut("UVX", "quasar", blue)], draws=50)
    cut = found["cuts"][0]
    quasar = np.array(table["class"].to_pylist()) == "quasar"
    assert cut["purity"] == pytest.approx(quasar[blue].mean())
    assert cut["beaten"]


def test_the_eight_classes_are_merged_to_three_by_themselves():
    from skyquarry.pipeline.brightness import merged_of

    assert merged_of(("main_sequence", "giant", "quasar"))["giant"] == "star"
    assert merged_of(("galaxy", "quasar")) is None  # nothing to merge
    assert merged_of(("GALAXY", "QSO")) is None


def test_a_table_without_labels_of_the_model_is_an_error(model):
    table = sky(50, 1)
    other = table.set_column(table.column_names.index("class"), "class", pa.array(["CV"] * 50))
    with pytest.raises(UserError, match=r"no row of 50 .* \(there: CV\).*galaxy, quasar, star"):
        sq.evaluate(model, other)
    with pytest.raises(UserError, match=r"groups=None"):
        sq.evaluate(model, table.drop_columns(["ra", "dec"]))
    with pytest.raises(UserError, match=r"magnitude is 'K'"):
        sq.evaluate(model, table, magnitude="K")


def test_a_mix_that_is_none_is_told(model):
    with pytest.raises(UserError, match=r"mix is {'star': 1\.0}, but 'sky', a SkyMix"):
        sq.evaluate(model, sky(50, 2), mix={"star": 1.0})


def test_a_mix_that_does_not_fit_the_model_or_the_table_is_told_in_words(model):
    """An IndexError, NaN scores, and 'latitude_deg is None'."""
    table = sky(300, 2, ra_deg=200.0)
    with pytest.raises(UserError, match=r"mix counts 2 classes, but the model knows galaxy, qua"):
        sq.evaluate(model, table, mix=SkyMix(np.ones((1, 1, 2)), ()))
    with pytest.raises(UserError, match=r"no positions that are understood: name them with posit"):
        sq.evaluate(model, table.drop_columns(["ra", "dec"]), mix="sky", groups=None)
    with pytest.raises(UserError, match="none negative or NaN"):
        SkyMix(np.array([[[1.0, np.nan, 3.0]]]), ())
    with pytest.raises(UserError, match=r"magnitude_edges are .* have to rise"):
        SkyMix(np.ones((2, 1, 3)), (22.0, 18.0, 14.0))
    none = sq.evaluate(model, table, mix=SkyMix(np.array([[[1.0, 0.0, 3.0]]]), ()), draws=5)
    quasars = none["as_given"]["per_class"][1]["n"]
    said = f"quasar (none of its {quasars} rows lies where the mix has any)"
    assert any(said in each for each in none["doubts"])


def test_the_command_scores_a_saved_model(model, tmp_path):
    model.save(tmp_path / "model")
    pq.write_table(sky(1_500, 9, ra_deg=200.0), tmp_path / "t.parquet")
    done = CliRunner().invoke(
        app,
        ["evaluate", str(tmp_path / "model"), str(tmp_path / "t.parquet"), "--out",
         str(tmp_path / "scores.json")],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "1,500 objects" in done.output
    assert "purity 0." in done.output
    written = json.loads((tmp_path / "scores.json").read_text(encoding="utf-8"))
    assert written["classes"] == list(WORDS)


def test_scores_and_page_are_the_old_or_the_new_ones_whenever_a_fault_comes(
    model, tmp_path, monkeypatch
):
    """They were written in place: what a kill or a full disk left was a part of them."""
    pq.write_table(sky(300, 9, ra_deg=200.0), tmp_path / "t.parquet")
    model.save(tmp_path / "model")
    ask = ["evaluate", str(tmp_path / "model"), str(tmp_path / "t.parquet"), "--out"]
    lost = CliRunner().invoke(app, [*ask, str(tmp_path / "none" / "scores.json")])
    assert "in a folder that is there" in lost.stderr
    scores, page = tmp_path / "scores.json", tmp_path / "scores.html"
    scores.write_text("old")
    page.write_text("old")

    def full(_: int) -> None:
        raise OSError(28, "no space")

    monkeypatch.setattr(os, "fsync", full)
    for more in ([], ["--report", str(page)]):
        assert CliRunner().invoke(app, [*ask, str(scores), *more]).exception is not None
    assert {scores.read_text(), page.read_text()} == {"old"}
    assert {each.name for each in tmp_path.iterdir()} == {
        "t.parquet", "model", "scores.json", "scores.html",
    }  # fmt: skip


def test_what_a_few_rows_stand_for_is_not_measured_in_words_with_what_to_do(model, tmp_path):
    """The figures over all classes stood there as if 3,000 rows had told them."""
    bright = sky(3_000, 12, ra_deg=200.0)
    bright = bright.filter(pa.compute.less(bright["r"], 18.0))
    faint = sky(40, 13, ra_deg=200.0)
    faint = faint.filter(pa.compute.greater(faint["r"], 20.0))
    table = pa.concat_tables([bright, faint])
    page = tmp_path / "scores.html"
    found = sq.evaluate(model, table, mix="sky", page=page, draws=20)
    assert not found["measured"]
    assert found["as_given"]["measured"]
    whole, classes, heavy, *lost = found["doubts"]
    assert f"{found['n_effective']:.0f} effective of {table.num_rows:,} rows" in whole
    assert "Figures over all classes are not measured" in whole
    assert "without mix; `as_given` has that" in whole
    assert "galaxy (" in classes
    assert "magnitude 20." in classes or "magnitude 21." in classes
    assert "their purity may be lower than it seems" in heavy
    assert all("lies where no row was scored" in each for each in lost)
    text = page.read_text()
    assert text.count("not measured") >= 4
    assert text.count("lies where no row was scored") == len(lost)
    pq.write_table(table, tmp_path / "t.parquet")
    model.save(tmp_path / "model")
    done = CliRunner().invoke(
        app, ["evaluate", str(tmp_path / "model"), str(tmp_path / "t.parquet"), "--mix", "sky"]
    )
    assert f"not measured: {found['n_effective']:.0f} effective" in done.stdout.splitlines()[1]


def test_rows_that_are_enough_are_measured_without_a_word(told):
    assert told[0]["measured"]
    assert not any("easured" in each for each in told[0]["doubts"])
    assert "not measured" not in told[1].read_text()
