"""A query that is asked again is not planned again, and nothing that has changed is missed."""

from __future__ import annotations

import shutil

import pyarrow as pa
import pyarrow.compute as pc
import pytest

import skyquarry as sq
from skyquarry.adql import recent, userfunctions
from skyquarry.adql.asking import Compiler
from skyquarry.engine.archive import archive
from skyquarry.errors import QueryError
from skyquarry.ingest.build import build

ROWS = {"id": [1, 2, 3], "ra": [10.0, 11.0, 12.0], "dec": [0.0, 1.0, 2.0]}
ALL = "SELECT id FROM stars ORDER BY id"


@pytest.fixture(autouse=True)
def _none_known():
    recent.forget_all()
    yield
    recent.forget_all()


@pytest.fixture
def shelf(tmp_path):
    build(pa.table(ROWS), tmp_path / "stars", ra="ra", dec="dec", id="id")
    return archive(tmp_path)


@pytest.fixture
def planned(monkeypatch):
    """How many texts were planned."""
    count = []
    whole = Compiler.whole

    def counted(self, tree):
        count.append(1)
        return whole(self, tree)

    monkeypatch.setattr(Compiler, "whole", counted)
    return count


def ids(shelf, adql=ALL, **how):
    return shelf.query(adql, **how).to_table().column(0).to_pylist()


def test_the_same_text_is_planned_once(shelf, planned):
    assert ids(shelf) == ids(shelf) == ids(archive(shelf.path)) == [1, 2, 3]
    assert len(planned) == 1


def test_what_else_a_plan_hangs_on_is_told_apart(shelf, planned):
    assert ids(shelf, limit=2) == [1, 2]
    assert ids(shelf, limit=1) == [1]
    assert ids(shelf) == [1, 2, 3]
    assert ids(shelf, ALL.replace("id", "ra", 1)) == ROWS["ra"]
    assert ids(shelf, sample=0.5) in ([], [1], [2], [3], [1, 2], [1, 3], [2, 3])
    assert ids(shelf, trusted=False) == [1, 2, 3]
    assert len(planned) == 6
    with pytest.raises(QueryError, match="would give"):
        shelf.query(ALL, most_rows=1).to_table()


def test_a_new_version_is_planned_anew(shelf, planned):
    adql = "SELECT * FROM stars"
    before = shelf.query(adql)
    assert before.to_table().column_names == ["id", "ra", "dec"]
    sq.add_column(shelf.path_of("stars"), "twice", "2 * ra")
    planned.clear()
    assert shelf.query(adql).to_table().column_names == ["id", "ra", "dec", "twice"]
    assert len(planned) == 1
    assert before.to_table().column_names == ["id", "ra", "dec"]


def test_a_catalogue_built_anew_in_its_place_is_planned_anew(shelf, tmp_path):
    assert ids(shelf) == [1, 2, 3]
    (tmp_path / "stars").rename(tmp_path.parent / f"{tmp_path.name}-old")
    fewer = pa.table({name: each[:1] for name, each in ROWS.items()})
    build(fewer, tmp_path / "stars", ra="ra", dec="dec", id="id")
    assert ids(shelf) == [1]


def test_a_name_that_comes_or_goes_may_mean_another_table(shelf, tmp_path):
    """A view of the objects steps back behind a catalogue that is called so."""
    objects = {**ROWS, "mode": [1, 1, 2], "type": [6, 3, 6]}
    build(pa.table(objects), tmp_path / "photoobj", ra="ra", dec="dec", id="id")
    adql = "SELECT id FROM Star ORDER BY id"
    assert ids(shelf, adql) == [1]
    build(pa.table(ROWS), tmp_path / "Star", ra="ra", dec="dec", id="id")
    assert ids(shelf, adql) == [1, 2, 3]
    (tmp_path / "Star").rename(tmp_path.parent / f"{tmp_path.name}-star")
    assert ids(shelf, adql) == [1]
    (tmp_path / "photoobj").rename(tmp_path.parent / f"{tmp_path.name}-photo")
    with pytest.raises(QueryError, match="Star"):
        shelf.query(adql)


def test_uploads_and_catalogues_given_by_name_are_not_mixed_up(shelf, planned):
    assert ids(shelf) == [1, 2, 3]
    assert ids(shelf, uploads={"stars": pa.table({"id": [7]})}) == [7]
    assert ids(shelf, catalogs={"stars": shelf["stars"].where("id = 2")}) == [2]
    assert ids(shelf, uploads={"more": pa.table({"id": [8]})}) == [1, 2, 3]
    assert len(planned) == 4


def test_a_kept_result_that_is_made_anew_is_read_anew(shelf):
    shelf.query("SELECT id INTO my.few FROM stars WHERE id < 3").run()
    adql = "SELECT id FROM my.few ORDER BY id"
    assert ids(shelf, adql) == [1, 2]
    shutil.rmtree(shelf.saved()[0].path)
    shelf.query("SELECT id INTO my.few FROM stars WHERE id > 2").run()
    assert ids(shelf, adql) == [3]


def test_a_function_that_is_given_anew_is_called_anew(shelf):
    adql = "SELECT changing(ra) FROM stars ORDER BY id"
    with pytest.raises(QueryError, match="changing"):
        ids(shelf, adql)

    @sq.function
    def changing(value: float) -> float:
        return pc.multiply(value, 2.0)

    try:
        assert ids(shelf, adql) == [20.0, 22.0, 24.0]

        @sq.function(name="changing")
        def _other(value: float) -> float:
            return pc.multiply(value, 3.0)

        assert ids(shelf, adql) == [30.0, 33.0, 36.0]
    finally:
        del userfunctions.USERS["CHANGING"]
        userfunctions.FOREIGN.discard("CHANGING")
    with pytest.raises(QueryError, match="changing"):
        ids(shelf, adql)


def test_no_more_than_some_are_kept(shelf):
    for number in range(recent._MOST + 5):
        ids(shelf, f"SELECT id FROM stars WHERE id > {number}")
    assert len(recent._KNOWN) == recent._MOST
