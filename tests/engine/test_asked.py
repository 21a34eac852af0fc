"""What a caller may pass, and what is refused with a reason."""

from __future__ import annotations

import pickle

import numpy as np
import pyarrow as pa
import pytest
from astropy import units

from skyquarry.engine.catalog import open_catalog
from skyquarry.errors import ColumnError, PositionError, PredicateError, StorageError, UserError
from skyquarry.testing.handmade import write_catalog


@pytest.mark.parametrize(
    ("ask", "error", "message"),
    [
        (lambda c: c.cone(12, 2), PositionError, "without a radius"),
        (lambda c: c.cone(12, 95, 1), PositionError, "95"),
        (lambda c: c.cone(12, 2, "wide"), Exception, "wide"),
        (lambda c: c.select("ra, dec"), ColumnError, r"try select\(\['ra', 'dec'\]\)"),
        (lambda c: c.select([]), ColumnError, "no column"),
        (lambda c: c.select(["rra"]), ColumnError, "did you mean ra"),
        (lambda c: c.where("rr < 2"), ColumnError, "no column 'rr'"),
        (lambda c: c.where(5), PredicateError, "where was given 5"),
        (lambda c: c.head(-1), UserError, "number of rows is -1"),
        (lambda c: c.sample(0), UserError, "fraction is 0"),
        (lambda c: c.sample(0.5, by="tile"), UserError, "by is 'tile'"),
        (lambda c: c.counts(30), UserError, "order is 30"),
        (lambda c: c.sample("a"), UserError, "fraction is 'a', but .*: 0.01"),
        (lambda c: c.sample(True), UserError, "fraction is True"),
        (lambda c: c.sample(0.1, seed="a"), UserError, "seed is 'a', but .* try seed=1"),
        (lambda c: c.select([1]), ColumnError, r"columns are \[1\], but .* try \['ra'"),
        (lambda c: c.select(5), ColumnError, "columns are 5"),
        (lambda c: c.statistics("ra"), ColumnError, "columns are 'ra'"),
        (lambda c: c.cone(1, 2, 10 * units.m), PositionError, "10. m>, but .* try 60"),
        (lambda c: c.cone(1, 2, "x"), PositionError, "radius_arcsec is 'x'"),
        (lambda c: c.cone(1, 2, True), PositionError, "radius_arcsec is True"),
        (lambda c: c.cone(1, 2, 3, epoch=True), PositionError, "epoch is True"),
        (lambda c: c.ids([2**63 + 5]), ColumnError, "9223372036854775813.* int64"),
        (
            lambda c: c.to_catalog(c.path + "/collection.properties"),
            StorageError,
            "cannot be written .*, but .*: give another path",
        ),
    ],
)
def test_what_cannot_be_asked_says_why(cat, ask, error, message):
    with pytest.raises(error, match=message):
        ask(cat)


def test_numbers_of_numpy_are_numbers(cat):
    assert cat.head(np.int64(3)).to_table().num_rows == 3
    assert cat.ids(np.int64(17)).to_table()["id"].to_pylist() == [17]
    assert cat.counts(np.int8(3))[1].sum() == 20_000
    assert cat.sample(np.float32(0.5), seed=np.int64(3)).count() == cat.sample(0.5, seed=3).count()
    moved = cat.cone(12, 2, 3600, epoch=np.int64(2000)).to_table()
    assert moved.equals(cat.cone(12, 2, 3600, epoch=2000).to_table())


def test_what_was_asked_before_does_not_keep_a_catalogue_from_travelling(sky_path):
    cat = open_catalog(sky_path)
    cone = cat.cone(12, 2, 3600, epoch=2000)
    table = cone.to_table()
    there = pickle.loads(pickle.dumps(cone))
    assert there.to_table().equals(table)
    assert len(pickle.dumps(cat)) < 2_000


def test_ids_beyond_signed_integers_are_found(tmp_path):
    ids = np.array([5, 2**63 + 5, 2**64 - 1], np.uint64)
    write_catalog(tmp_path / "big", pa.table({"id": ids, "ra": [1.0, 2, 3], "dec": [1.0, 2, 3]}))
    cat = open_catalog(tmp_path / "big")
    assert cat.ids([2**63 + 5]).to_table()["ra"].to_pylist() == [2.0]
    assert cat.ids([5, 2**64 - 1]).to_table()["ra"].to_pylist() == [1.0, 3.0]
    with pytest.raises(ColumnError, match="uint64"):
        cat.ids([2**64])
