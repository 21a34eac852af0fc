"""`sq.classify`: a classified catalogue that says what the model says, and goes on when killed."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from typer.testing import CliRunner

pytest.importorskip("catboost", reason="the extra learn is not installed")
pytest.importorskip("sklearn", reason="the extra learn is not installed")

import skyquarry as sq
from skyquarry.catalog.verify import verify
from skyquarry.cli import app
from skyquarry.errors import ColumnError, ExistsError, NotFoundError, UserError
from skyquarry.learn.scores import SkyMix
from skyquarry.pipeline import verdicts

QUICK = {"catboost": {"rounds": 60, "rate": 0.1, "depth": 4}}
UGRIZ = ("u", "g", "r", "i", "z")
WORDS = ("galaxy", "quasar", "star")


def sky(n, seed, shares=(0.5, 0.04, 0.46), strange=0):
    """Three loci in ugriz; the last rows are like none of them."""
    random = np.random.default_rng(seed)
    label = random.choice(3, n, p=shares)
    r = random.uniform(16, 21, n)
    steps = np.array([[1.6, 0.9], [0.2, 0.1], [1.0, 0.4]])[label]
    steps[n - strange :] += [4.0, -3.0]
    steps = steps + random.normal(0, 0.15, (n, 2))
    mags = np.stack([r + steps.sum(axis=1), r + steps[:, 1], r, r - 0.5 * steps[:, 1],
                     r - 0.8 * steps[:, 1]], axis=1)  # fmt: skip
    mags[:, 3:] += random.normal(0, 0.05, (n, 2))
    columns = {"objID": np.arange(n) + 10**12, "ra": 150.0 + 20 * random.random(n),
               "dec": random.uniform(-10, 10, n)}  # fmt: skip
    columns |= dict(zip(UGRIZ, mags.T, strict=True))
    return pa.table(columns | {"class": [WORDS[each] for each in label]})


@pytest.fixture(scope="module")
def model():
    return sq.train(sky(4_000, 1), survey="sdss", features=["sdss_g", "sdss_r", "sdss_u-g",
                    "sdss_g-r", "sdss_r-i"], learners=QUICK, threads=1)  # fmt: skip


@pytest.fixture(scope="module")
def field(tmp_path_factory):
    table = sky(3_000, 2, strange=30).drop_columns(["class"])
    path = tmp_path_factory.mktemp("sky") / "field"
    return sq.build(table, path, ra="ra", dec="dec", id="objID", max_rows=600)


@pytest.fixture(scope="module")
def classified(model, field, tmp_path_factory):
    return sq.classify(model, field, columns=["r"]).to_catalog(
        tmp_path_factory.mktemp("made") / "classified"
    )


def test_a_classified_catalogue_says_what_the_model_says(model, field, classified):
    whole, made = field.to_table(), classified.to_table()
    assert len(classified.source.tiles) > 4
    p = model.predict_proba(whole)
    assert made["objID"].equals(whole["objID"])
    for k, name in enumerate(WORDS):
        assert np.array_equal(made[f"p_{name}"].to_numpy(), p[:, k].astype(np.float32))
    said = np.array(WORDS)[p.argmax(axis=1)]
    assert np.array_equal(made["class"].to_numpy(), said)
    sets = np.array(["|".join(np.array(WORDS)[row]) for row in model.sets(whole)])
    assert np.array_equal(made["class_set"].to_numpy(), sets)
    assert made["uncertainty"].to_numpy().max() <= 1
    assert "r" in made.column_names


def test_sets_hold_in_the_faint_as_in_the_bright(model):
    assert model.told["sets_by"] == "sdss_r"
    assert model.conformal.edges == (17.0, 18.0, 19.0, 20.0)
    other = sky(6_000, 7)
    sets, r = model.sets(other), other["r"].to_numpy()
    label = np.array([WORDS.index(each) for each in other["class"].to_pylist()])
    for part in (r < 18, r > 20):
        for k in (0, 2):  # the rare one has too few rows to be told apart by magnitude
            mine = part & (label == k)
            assert 0.86 < sets[mine, k].mean() < 0.96


def test_a_classified_catalogue_is_sound(classified):
    assert list(verify(classified.source.stored)) == []


def test_of_what_nobody_measured_only_the_mix_is_known(model, tmp_path):
    """Of gaps alone the learners called M67's stars without a row of SDSS dwarfs, of 0.858."""
    some = sky(60, 5).drop_columns(["class"])
    blank = pa.array(np.arange(60) < 20)
    for name in UGRIZ:
        some = some.set_column(
            some.column_names.index(name), name, pc.if_else(blank, None, some[name])
        )
    assert np.allclose(model.predict_proba(some)[:20], model.priors)
    assert model.sets(some)[:20].all()
    field = sq.build(some, tmp_path / "field", ra="ra", dec="dec", id="objID")
    done = sq.classify(model, field).to_catalog(tmp_path / "done")
    made = done.where(f"objID < {10**12 + 20}").to_table()
    assert made["outcome"].null_count == made.num_rows == 20
    assert done.where("outcome IS NULL").count() == 20
    assert not any(made["shifted"].to_pylist() + made["discovery"].to_pylist())
    told = sq.evaluate(model, some.append_column("class", [["star"] * 60]))
    assert told["n"] == 60


def test_dust_and_the_quality_of_a_match_are_no_measurement_of_the_object(model):
    from dataclasses import replace

    wide = replace(model, features=("sdss_r", "sdss_u-g", "ebv", "match_posterior"))
    values = np.array([[np.nan, np.nan, 0.1, 0.9], [19.0, np.nan, 0.1, 0.9]], np.float32)
    assert wide.measured(values).tolist() == [False, True]


def test_what_resembles_no_class_is_flagged_for_follow_up(classified):
    made = classified.to_table()
    strange = pc.greater_equal(made["objID"], 10**12 + 2_970)
    assert pc.mean(made.filter(strange)["follow_up"].cast("int8")).as_py() > 0.9
    assert pc.mean(made.filter(pc.invert(strange))["follow_up"].cast("int8")).as_py() < 0.02


def test_what_is_unlike_the_training_set_has_the_outcome_other_and_is_no_discovery(classified):
    made = classified.to_table()
    unlike = pc.or_(made["follow_up"], made["shifted"])
    assert 0.01 < pc.mean(unlike.cast("int8")).as_py() < 0.2
    assert set(made.filter(unlike)["outcome"].to_pylist()) == {"other"}
    rest = made.filter(pc.invert(unlike))
    assert rest["outcome"].equals(rest["class"])
    assert not pc.any(pc.and_(made["discovery"], unlike)).as_py()


def test_rare_objects_beyond_doubt_are_discoveries_and_have_reasons(classified):
    made = classified.to_table()
    found = made.filter(made["discovery"])
    assert set(found["class"].to_pylist()) == {"quasar"}
    assert 20 < found.num_rows < 150
    told = [each for each in made["reasons"].to_pylist() if each]
    tiles = len(classified.source.tiles)
    assert 0 < len(told) <= 0.01 * made.num_rows + tiles
    assert all("speaks for" in each or "speaks against" in each for each in told)


def test_reasons_for_all_are_those_of_few_and_their_cost_is_said_first(model, field, classified):
    heard = []
    plan = sq.classify(model, field, explain="all", said=heard.append)
    assert len(heard) == 1
    assert heard[0].startswith("reasons for all of 3,000 objects: about ")
    few = sq.classify(model, field, said=heard.append)
    assert len(heard) == 1, "few reasons cost nothing to speak of"
    assert plan.cost().seconds > few.cost().seconds
    every, some = plan.to_table()["reasons"].to_pylist(), classified.to_table()["reasons"]
    assert None not in every
    told = [(one, two) for one, two in zip(every, some.to_pylist(), strict=True) if two]
    assert told
    assert all(one == two for one, two in told)
    with pytest.raises(UserError, match="explain is 'some', but it is one of 'all'"):
        sq.classify(model, field, explain="some")


def test_a_tile_is_judged_in_lots_and_says_the_same(model, field, classified, monkeypatch):
    seen, judge = [], verdicts.Verdicts._judged
    monkeypatch.setattr(verdicts, "LOT", 128)
    monkeypatch.setattr(
        verdicts.Verdicts, "_judged", lambda self, some: seen.append(len(some)) or judge(self, some)
    )
    made = sq.classify(model, field, columns=["r"]).run("inline").table
    assert made.equals(classified.to_table())
    assert max(seen) == 128


def test_distance_and_density_beside_the_training_set_stand_on_every_row(model, field, classified):
    made = classified.to_table()
    judged = model.novelty.judge(model.values(field))
    assert np.array_equal(made["distance"].to_numpy(), judged.distance.astype(np.float32))
    ratio = made["density_ratio"].to_numpy()
    assert np.array_equal(made["undersampled"].to_numpy(), ratio >= 10)
    assert np.median(ratio) == pytest.approx(1.0, abs=0.3)
    assert (ratio >= 10).mean() < 0.02
    assert made["tree_spread"].null_count == made.num_rows, "CatBoost is no forest"
    strange = pc.greater_equal(made["objID"], 10**12 + 2_970)
    assert pc.min(made.filter(strange)["distance"]).as_py() > 2.3


def test_what_the_training_set_had_few_of_is_flagged_as_undersampled(model, tmp_path):
    quasars = sky(3_000, 9, shares=(0.2, 0.6, 0.2)).drop_columns(["class"])
    other = sq.build(quasars, tmp_path / "other", ra="ra", dec="dec", id="objID")
    made = sq.classify(model, other, explain=False).to_table()
    mine = pc.equal(made["class"], "quasar")
    assert pc.mean(made.filter(mine)["undersampled"].cast("int8")).as_py() > 0.7
    assert pc.mean(made.filter(pc.invert(mine))["undersampled"].cast("int8")).as_py() < 0.02
    few = sq.build(quasars.slice(0, 20), tmp_path / "few", ra="ra", dec="dec", id="objID")
    told = sq.classify(model, few, explain=False).to_table()
    assert told["density_ratio"].null_count == 20, "twenty rows have no density"
    assert not any(told["undersampled"].to_pylist())


def test_the_spread_of_the_forest_is_a_column(field):
    learnt = sq.train(sky(1_000, 1), survey="sdss", features=["sdss_u-g", "sdss_g-r"],
                      learners={"forest": {"trees": 20}}, threads=1)  # fmt: skip
    made = sq.classify(learnt, field, explain=False).to_table()
    _, spread = learnt.learners[0].with_spread(learnt.values(field))
    assert np.array_equal(made["tree_spread"].to_numpy(), spread.astype(np.float32))
    assert 0 <= spread.min() < spread.max() < np.sqrt(0.5)
    assert np.array_equal(
        made["p_star"].to_numpy(), learnt.predict_proba(field)[:, 2].astype(np.float32)
    )


def test_executors_and_cuts_give_the_same_verdicts(model, field):
    plan = sq.classify(model, field, explain=False)
    one, two = plan.run("inline").table, plan.run("threads").table
    assert one.equals(two)
    part = sq.classify(model, field.where("r < 18"), explain=False).to_table()
    same = one.filter(pc.is_in(one["objID"], value_set=part["objID"].combine_chunks()))
    of_all = ["density_ratio", "undersampled"]  # these compare what was asked with what was learnt
    assert part.drop_columns(of_all).equals(same.drop_columns(of_all))
    assert 0 < part.num_rows < one.num_rows


def test_a_killed_run_goes_on_and_gives_the_same_catalogue(
    model, field, classified, tmp_path, monkeypatch
):
    judged, calls = verdicts.Verdicts.of, []

    def of(self, table):
        calls.append(table.num_rows)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return judged(self, table)

    monkeypatch.setattr(verdicts.Verdicts, "of", of)
    plan = sq.classify(model, field, columns=["r"])
    with pytest.raises(KeyboardInterrupt):
        plan.to_catalog(tmp_path / "again", "inline")
    monkeypatch.setattr(
        verdicts.Verdicts, "of", lambda self, table: calls.append(1) or judged(self, table)
    )
    calls.clear()
    made = plan.to_catalog(tmp_path / "again", "inline")
    tasks = len(classified.source.tiles) * 2  # each tile, and its margin
    assert len(calls) < tasks
    assert made.to_table().equals(classified.to_table())


def test_probabilities_are_brought_to_the_mix_of_a_sky(model, field):
    mix = SkyMix(np.array([[[1.0, 1.0, 1000.0]]]), (), name="stars, stars")
    plain, sky_ = (sq.classify(model, field, mix=each, explain=False) for each in (None, mix))
    one, two = plain.to_table(), sky_.to_table()
    assert pc.mean(two["p_star"]).as_py() > pc.mean(one["p_star"]).as_py() + 0.02
    assert one["class_set"].equals(two["class_set"])  # sets do not hang on the mix
    assert b"stars, stars" in sky_.schema.field("p_star").metadata[b"description"]


def test_the_mix_of_the_sky_that_is_shipped_makes_faint_quasars_rarer(model, field):
    plain = sq.classify(model, field, explain=False).to_table()
    brought = sq.classify(model, field, mix="sky", explain=False).to_table()
    said = [np.array(each["p_quasar"].to_numpy()).mean() for each in (plain, brought)]
    assert said[1] < said[0]  # 4 % of the training set, 1 % of the sky
    told = sq.evaluate(model, sky(2_000, 11), mix="sky", groups=None, draws=20)
    assert "10 degrees" in told["mix"]
    assert told["repriored"]
    with pytest.raises(UserError, match="mix is 'earth'"):
        sq.classify(model, field, mix="earth")


def test_a_plan_says_what_it_would_do(model, field):
    told = sq.classify(model, field).explain()
    assert "classified by a model of 3 classes" in told
    assert "scan of field" in told


def test_a_catalogue_without_the_columns_of_the_model_is_an_error(model, tmp_path):
    table = sky(200, 3).drop_columns(["class", "u"])
    other = sq.build(table, tmp_path / "other", ra="ra", dec="dec", id="objID")
    with pytest.raises(ColumnError, match="lacks 'u'"):
        sq.classify(model, other)


def test_a_catalogue_in_another_unit_is_an_error_and_nothing_is_begun(model, tmp_path):
    table = sky(200, 3).drop_columns(["class"])
    field = table.schema.field("g").with_metadata({"unit": "mJy"})
    table = table.set_column(table.column_names.index("g"), field, table["g"])
    other = sq.build(table, tmp_path / "other", ra="ra", dec="dec", id="objID")
    with pytest.raises(ColumnError, match="'g' is in 'mJy', but"):
        sq.classify(model, other).to_catalog(tmp_path / "made")
    assert not (tmp_path / "made").exists()


def test_a_column_of_the_name_of_a_verdict_is_not_kept_twice(model, tmp_path):
    other = sq.build(sky(200, 3), tmp_path / "other", ra="ra", dec="dec", id="objID")
    with pytest.raises(ExistsError, match="'class' is a column of the catalogue and"):
        sq.classify(model, other, columns=["class"])


def test_the_command_writes_a_classified_catalogue(model, field, tmp_path):
    model.save(tmp_path / "model")
    path = str(field.source.stored.home.root)
    words = ["classify", str(tmp_path / "model"), path, "--to", str(tmp_path / "out")]
    told = CliRunner().invoke(app, [*words, "--plan"])
    assert "scan of field" in told.output
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "3,000 objects classified" in done.output
    assert len(sq.open(tmp_path / "out")) == 3_000
    told = CliRunner().invoke(app, [*words, "--plan", "--explain", "all"])
    assert told.stderr.startswith("reasons for all of 3,000 objects: about ")
    told = CliRunner().invoke(app, [*words, "--plan", "--explain", "few"])
    assert told.exit_code == 2
    assert "explain is 'few', but it is one of 'some', 'all', 'none'" in told.output


def test_an_object_of_a_catalogue_without_ids_is_told_by_its_place(model, tmp_path):
    from skyquarry.pipeline.project.reporting.explaining import explain_in_catalogue

    table = sky(20, seed=8).drop_columns(["objID"])
    catalog = sq.build(table, tmp_path / "plain", ra="ra", dec="dec")
    assert catalog.roles.id is None
    place = f"{table['ra'][3].as_py():.7f} {table['dec'][3].as_py():+.7f}"
    assert str(explain_in_catalogue(model, catalog, place)).startswith("a row of plain: ra ")
    with pytest.raises(NotFoundError, match=r"but one is needed: give a place in degrees, as in"):
        explain_in_catalogue(model, catalog, "17")


def test_classes_whose_columns_would_be_one_have_a_column_each(tmp_path, field):
    """`a b`, `a-b` and `A_B` would all be p_a_b: a traceback, after the model was trained."""
    names = {"galaxy": "a b", "quasar": "A_B", "star": "a|b"}
    table = sky(900, 3, shares=(0.4, 0.3, 0.3))
    words = pa.array([names[each] for each in table["class"].to_pylist()])
    table = table.set_column(table.column_names.index("class"), "class", words)
    model = sq.train(table, survey="sdss", learners={"forest": {"trees": 5}}, threads=1, said=None)
    made = sq.classify(model, field).to_catalog(tmp_path / "made").to_table()
    assert model.classes == ("A_B", "a b", "a|b")
    columns = ["p_A_B", "p_a_b_2", "p_a_b_3"]
    p = np.stack([made[each].to_numpy() for each in columns], axis=1)
    assert np.array_equal(p, model.predict_proba(field.to_table()).astype(np.float32))
    sets = {part for each in made["class_set"].to_pylist() for part in each.split("|") if part}
    assert sets <= {"A_B", "a b", "a/b"}
