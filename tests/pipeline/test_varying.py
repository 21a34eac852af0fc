"""What varies, as columns, classes and light curves tell it; and a model with a second head."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytest.importorskip("catboost", reason="the extra learn is not installed")
pytest.importorskip("sklearn", reason="the extra learn is not installed")

import skyquarry as sq
from skyquarry.errors import ColumnError, UserError
from skyquarry.features.making import features_of
from skyquarry.pipeline.varying import by_light, varies_of

QUICK = {"catboost": {"rounds": 60, "rate": 0.1, "depth": 4}}
BANDS = ("u", "g", "r", "i", "z")


def made(table):
    return features_of(table, which=["r"])


def test_a_column_of_truth_values_tells_and_null_is_unknown():
    table = pa.table({"r": [18.0, 19.0, 20.0], "var": pa.array([True, None, False])})
    told, leave = varies_of(table, "var", ["a", "b", "b"], made(table))
    assert told.tolist() == [1, -1, 0]
    assert leave == ()


def test_a_transient_varies_by_its_definition():
    table = pa.table({"r": [18.0, 19.0], "var": pa.array([0, None], pa.int8())})
    told, _ = varies_of(table, "var", ["transient", "giant"], made(table))
    assert told.tolist() == [1, -1]


def test_scatter_of_light_curves_tells_and_between_nobody_knows():
    names = ("lc_g_chi2_dof", "lc_r_chi2_dof", "lc_g_amplitude")
    nan = np.nan
    values = np.array([[1, 1.4, 9], [5, 1, 0], [nan, 4, 0], [2, 1, 0], [nan, nan, 1]], np.float32)
    assert by_light(values, names).tolist() == [0, 1, 1, -1, -1]
    with pytest.raises(ColumnError, match=r"join features\.lightcurves\.variability_of"):
        by_light(values, ("u", "g", "r"))


def test_other_numbers_and_absent_columns_are_named():
    table = pa.table({"r": [18.0, 19.0], "var": [0.3, 1.0]})
    with pytest.raises(ColumnError, match=r"'var', which holds 0\.3"):
        varies_of(table, "var", ["a", "b"], made(table))
    with pytest.raises(ColumnError, match=r"variable is 'vary', but the table has no column"):
        sq.train(table.append_column("class", pa.array(["a", "b"])), features=["r"],
                 variable="vary", groups=None)  # fmt: skip
    with pytest.raises(UserError, match="'var' is what the model is to tell, and a feature"):
        sq.train(table.append_column("class", pa.array(["a", "b"])), features=["r", "var"],
                 variable="var", groups=None)  # fmt: skip


# ------------------------------------------------------------------ real stars that vary
@pytest.fixture(scope="module")
def stars(shared_data):
    """LINEAR's variables (Palaversa et al. 2013) among stars of SDSS DR14, and its quasars."""
    linear = pq.read_table(shared_data / "labels" / "linear_variables.parquet")
    known = pq.read_table(shared_data / "labels" / "sdss_dr14_10k.parquet")
    columns = {}
    for band in BANDS[:2]:
        columns[band] = known[band].to_numpy()
    return linear, known


def colours(u_g, g_i, label, varies):
    return pa.table({"u-g": u_g, "g-i": g_i, "class": label, "var": pa.array(varies, pa.bool_())})


@pytest.fixture(scope="module")
def table(stars):
    linear, known = stars
    keep = np.flatnonzero(np.asarray(linear["ug"]) > -9)[:1_200]
    of = {name: np.asarray(known[name]) for name in "ugi"}
    kind = np.array(known["class"].to_pylist())
    rows = np.flatnonzero(kind != "GALAXY")[:1_500]
    return colours(
        np.concatenate([np.asarray(linear["ug"])[keep], (of["u"] - of["g"])[rows]]),
        np.concatenate([np.asarray(linear["gi"])[keep], (of["g"] - of["i"])[rows]]),
        ["STAR"] * len(keep) + kind[rows].tolist(),
        [True] * len(keep) + [None if each == "QSO" else False for each in kind[rows]],
    )


@pytest.fixture(scope="module")
def model(table):
    random = np.random.default_rng(0)
    rows = random.permutation(len(table))
    train, test = table.take(rows[::2]), table.take(rows[1::2])
    features = ["u-g", "g-i"]
    made = sq.train(train, features=features, variable="var", groups=None, learners=QUICK)
    return made, test


def test_linear_variables_are_told_from_constant_stars_by_colour_and_stay_stars(model):
    made, test = model
    p, varies = made.predict_proba(test), made.variability(test)
    truth = np.array([each if each is not None else -1 for each in test["var"].to_pylist()], int)
    star = p[:, made.classes.index("STAR")]
    assert (star[truth == 1] > 0.5).mean() > 0.95
    assert np.median(varies[truth == 1]) > 0.8
    assert np.median(varies[truth == 0]) < 0.2
    assert ((star > 0.8) & (varies > 0.8)).sum() > 200  # a star AND variable


def test_a_model_with_a_second_head_is_saved_whole_and_told(model, tmp_path):
    made, test = model
    made.save(tmp_path / "model")
    read = sq.load_model(tmp_path / "model")
    assert np.array_equal(read.variability(test), made.variability(test))
    assert read.told["variable"]["counts"]["variable"] > 400
    read.save(tmp_path / "model", overwrite=True)


def test_a_model_without_one_says_how_to_get_it(table):
    made = sq.train(table.drop_columns(["var"]), features=["u-g", "g-i"], groups=None,
                    learners={"catboost": {"rounds": 5}})  # fmt: skip
    with pytest.raises(UserError, match="train it with variable=COLUMN"):
        made.variability(table)


def test_a_classified_catalogue_has_branches_and_what_varies_beside_the_classes(model, tmp_path):
    made, test = model
    random = np.random.default_rng(1)
    n = len(test)
    sky = {"id": np.arange(n), "ra": random.uniform(10, 20, n), "dec": random.uniform(-5, 5, n)}
    rows = test.drop_columns(["class", "var"])
    for name, values in sky.items():
        rows = rows.append_column(name, pa.array(values))
    field = sq.build(rows, tmp_path / "field", ra="ra", dec="dec", id="id", max_rows=500)
    told = sq.classify(made, field).to_catalog(tmp_path / "classified").to_table()
    assert "p_star" not in told.column_names  # STAR gives p_STAR, which is p_star in a query
    assert np.array_equal(told["p_star_2"].to_numpy(), told["p_STAR"].to_numpy())
    assert told.schema.field("p_star_2").metadata[b"description"] == b"of the branch star: STAR"
    assert np.array_equal(told["p_extragalactic"].to_numpy(), told["p_QSO"].to_numpy())
    expected = made.variability(field.to_table()).astype(np.float32)
    assert np.array_equal(told["p_variable"].to_numpy(), expected)
