"""Arguments of another kind: each public function says which one, and what it needs, at once."""

import pandas as pd
import pytest

import skyquarry as sq
from skyquarry.errors import UserError
from skyquarry.mine.colours import Colours

TABLE = pd.DataFrame({"id": [1, 2], "ra": [1.0, 2.0], "dec": [3.0, 4.0], "g": [17.0, 18.0]})


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    return sq.build(TABLE, tmp_path_factory.mktemp("given") / "few", id="id")


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda c: sq.classify(c, c), "a Catalog is given, but a model is needed"),
        (lambda c: sq.evaluate(TABLE, TABLE), "a DataFrame is given, but a model is needed"),
        (lambda c: sq.repair(None, TABLE), "a NoneType is given, but a model is needed"),
        (lambda c: sq.load_model(None), "the path is None, but"),
        (lambda c: sq.train(TABLE, label="id", features=None), "the features are to be None, but"),
        (lambda c: sq.train(TABLE, label="id", features=[1]), r"the features are to be \[1\], but"),
        (lambda c: sq.features_of(TABLE, which=5), "the features are to be 5, but"),
        (lambda c: sq.make_features(c, names="plx"), "names is 'plx', but a mapping of texts"),
        (lambda c: sq.query("SELECT 1 FROM c", "few"), "catalogs is 'few', but a mapping of texts"),
        (lambda c: sq.query("SELECT 1 FROM c", {"c": c}, [1]), r"uploads is \[1\], but a mapping"),
        (lambda c: sq.query("SELECT 1 FROM c", archive=5), "archive is a int, but sq.archive"),
        (lambda c: sq.pairs(c, c, radius_arcsec=1, columns=None), "columns is None, but a list"),
        (lambda c: sq.pairs("", c, radius_arcsec=1), "the path of a table is empty"),
        (lambda c: sq.match_table(TABLE, c, columns=5, radius_arcsec=1), "columns is 5, but a"),
        (
            lambda c: sq.match_table(TABLE, c, default_error_arcsec="0.1"),
            "default_arcsec is '0.1', but an error is a number of arcsec",
        ),
        (
            lambda c: sq.match_table(TABLE, c, default_error_arcsec=(1, 2, 3)),
            r"default_error_arcsec is \(1, 2, 3\), but a number, or the list's and the archive's",
        ),
        (lambda c: sq.crossmatch(TABLE, c, default_error_arcsec="0.1"), "default_arcsec is '0.1'"),
        (lambda c: sq.crossmatch(TABLE, c, names=5), "names is 5, but a list of texts"),
        (lambda c: sq.plan_build(TABLE, "x", survey=5), "survey is 5, but the name of a survey"),
        (lambda c: sq.plan_build(TABLE, "x", parent=5, on="id"), "a int is given, but a catalogue"),
        (lambda c: Colours(None, 0.1), "of is None, but a list of texts"),
        (lambda c: Colours("g", "wide"), "buckets of .* with margin wide .* cannot be"),
        (lambda c: Colours(["g", "g"], [1, 2, 3]), "cannot be, but one number at least"),
    ],
)
def test_what_is_given_in_the_place_of_another_thing_is_told(ask, words, catalog, tmp_path):
    with pytest.raises(UserError, match=words):
        ask(catalog)
