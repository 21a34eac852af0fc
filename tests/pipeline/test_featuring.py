"""`sq.make_features`: a catalogue of features that has, row by row, what `features_of` makes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pytest
from typer.testing import CliRunner

import skyquarry as sq
from skyquarry.catalog.verify import verify
from skyquarry.cli import app
from skyquarry.errors import ColumnError, ExistsError, UserError

UGRIZ = ("u", "g", "r", "i", "z")


@pytest.fixture(scope="module")
def field(tmp_path_factory):
    random = np.random.default_rng(3)
    n = 2_000
    columns = {"objID": np.arange(n) + 10**12, "ra": 150.0 + 20 * random.random(n),
               "dec": random.uniform(-10, 10, n), "redshift": random.random(n)}  # fmt: skip
    columns |= {name: random.uniform(15, 21, n) for name in UGRIZ}
    columns["u"][::7] = np.nan
    columns["ebv"] = random.uniform(0.01, 0.1, n)
    path = tmp_path_factory.mktemp("sky") / "field"
    return sq.build(pa.table(columns), path, ra="ra", dec="dec", id="objID", max_rows=400)


@pytest.fixture(scope="module")
def made(field, tmp_path_factory):
    path = tmp_path_factory.mktemp("made") / "features"
    return sq.make_features(field, "sdss", columns=["r"]).to_catalog(path)


def test_each_row_has_the_features_that_a_table_of_all_gives_it(field, made):
    assert len(made.source.tiles) > 4
    table, rows = made.to_table(), field.to_table()
    want = sq.features_of(rows, "sdss")
    assert table.column_names == ["objID", "ra", "dec", "r", *want.names]
    assert table["objID"].equals(rows["objID"])
    assert {"sdss_u-g", "sdss_g-r_0"} <= set(want.names)
    for number, name in enumerate(want.names):
        values = table[name].to_numpy()
        assert np.array_equal(values, want.values[:, number], equal_nan=True), name
    assert table["sdss_u-g"].null_count == len(range(0, 2_000, 7))
    assert list(verify(made.source.stored)) == []


def test_columns_tell_formula_and_unit(made):
    told = made.schema.field("sdss_u-g").metadata
    assert told[b"description"] == b"u - g"
    assert told[b"unit"] == b"mag"


@dataclass(frozen=True)
class Depth:
    """A user's own feature; it goes to other processes."""

    name: str = "depth"
    unit: str = "mag"
    formula: str = "22 - r"
    source: str = "here"
    columns: tuple[str, ...] = ("r",)

    def of(self, sky):
        return 22.0 - sky.columns.floats("r")


@pytest.mark.parametrize("executor", ["inline", "processes"])
def test_features_of_ones_own_on_any_executor(field, executor):
    plan = sq.make_features(field, "sdss", which=["sdss_g-r", Depth()])
    table = plan.to_table(executor=executor)
    assert table.column_names == ["objID", "ra", "dec", "sdss_g-r", "depth"]
    r = field.to_table()["r"].to_numpy()
    assert np.array_equal(table["depth"].to_numpy(), (22.0 - r).astype(np.float32))


def test_a_cut_of_a_catalogue_has_features_too(field):
    table = sq.make_features(field.cone(160, 0, 3 * 3600), "sdss", which="sdss_g-r").to_table()
    assert 0 < table.num_rows < 200


def test_explain_says_how_many_and_how_long(field):
    plan = sq.make_features(field, "sdss", which=["sdss_g-r", "sdss_r"])
    assert plan.explain().splitlines()[0].startswith("2 features: about ")
    assert plan.cost().seconds > field.plan().cost().seconds


def test_what_is_wrong_is_said_before_a_tile_is_read(field):
    with pytest.raises(ExistsError, match="'r' is a column of the catalogue and of what is added"):
        sq.make_features(field, "sdss", which=["r"], columns=["r"])
    with pytest.raises(UserError, match="'redshift' was asked for, but it is from a spec"):
        sq.make_features(field, "sdss", which=["redshift"])
    with pytest.raises(
        ColumnError, match=r"feature 'wise_W1-W2' needs .*, but the table lacks that"
    ):
        sq.make_features(field, ["sdss", "wise"], which=["wise_W1-W2"])
    with pytest.raises(UserError, match=r"ebv is a ndarray, but .*sq\.add_column"):
        sq.make_features(field, "sdss", ebv=np.zeros(2_000))
    with pytest.raises(UserError, match="a QueryPlan was given, but a catalogue is n"):
        sq.make_features(sq.query("SELECT ra FROM f", catalogs={"f": field}), "sdss")


def test_the_command_makes_the_same(field, made, tmp_path):
    path = str(field.source.stored.folder.root)
    told = CliRunner().invoke(
        app, ["features", path, "--survey", "sdss", "--columns", "r", "--to", str(tmp_path / "f")]
    )
    assert told.exit_code == 0, told.output
    assert "2,000 rows with their features" in told.output
    assert "redshift: from a spectrum" in told.output
    assert sq.open(tmp_path / "f").to_table().equals(made.to_table())
    plan = CliRunner().invoke(
        app, ["features", path, "--survey", "sdss", "--plan", "--to", str(tmp_path / "g")]
    )
    assert plan.output.strip().splitlines()[-1] != ""
    assert not (tmp_path / "g").exists()
