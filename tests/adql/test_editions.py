"""A catalogue built anew at the same place is read anew, though its files have the same times."""

from __future__ import annotations

import os
import pickle
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import skyquarry as sq
from skyquarry.adql import reads
from skyquarry.adql.database.kept import Limits, cursor
from skyquarry.catalog.files import Folder
from skyquarry.catalog.footers import key_of
from skyquarry.engine.opening import current_source

ROWS = 40_000
ADQL = f"SELECT id FROM sky WHERE mag < 18 AND id < {ROWS // 2}"


@pytest.fixture(params=["catalogue", "tag"])
def built(request, tmp_path, monkeypatch):
    """A function that builds a catalogue (and a tag of it) whose magnitudes are moved by a step."""
    if request.param == "tag":
        monkeypatch.setattr(reads, "_MUCH", 1_000)
    random = np.random.default_rng(1)
    ra, dec = random.uniform(10, 14, ROWS), random.uniform(-2, 2, ROWS)
    base = pa.table({"id": np.arange(ROWS), "ra": ra, "dec": dec})
    mags = np.sort(random.normal(19, 1, ROWS))

    def build(step):
        for each in tmp_path.iterdir():
            shutil.rmtree(each)
        moved = np.roll(mags, 37 * step)
        sq.build(base.append_column("mag", pa.array(moved)), tmp_path / "sky", max_rows=15_000,
                 ra="ra", dec="dec", id="id", margin_arcsec=None, progress=False)  # fmt: skip
        if request.param == "tag":
            sq.open(tmp_path / "sky").select(["id", "ra", "dec", "mag"]).to_catalog(
                tmp_path / "tag"
            )
        for file in tmp_path.rglob("*"):  # a clock that ticks seldom, or a copy that keeps times
            os.utime(file, ns=(10**18, 10**18))
        return tmp_path, np.flatnonzero((moved < 18) & (np.arange(ROWS) < ROWS // 2)).tolist()

    return build


def test_what_is_read_is_what_is_there(built):
    for step in range(3):
        folder, expected = built(step)
        sky = sq.archive(folder)
        asked = sky.query(ADQL).to_table()["id"].to_pylist()
        cut = sky["sky"].where(f"mag < 18 AND id < {ROWS // 2}").to_table()["id"].to_pylist()
        assert sorted(asked) == sorted(cut) == expected


def test_the_database_s_footers_are_of_one_edition(tmp_path):
    """It knows a file by path and time: another of the same is taken for it."""
    file = str(tmp_path / "some.parquet")
    seen = []
    for edition, values in (("v1 a", [1, 2, 3, 4]), ("v1 b", [4, 3, 2, 1])):
        pq.write_table(pa.table({"x": values}), file, row_group_size=2)
        os.utime(file, ns=(10**18, 10**18))
        sql = f"SELECT sum(x) FROM read_parquet('{file}') WHERE x > 2 AND x < 4"
        with cursor(Limits(), [file], editions=[edition]) as connection:
            seen.append(connection.execute(sql).fetchone()[0])
        with cursor(Limits(), [file], editions=[edition]) as connection:
            assert connection.execute(sql).fetchone()[0] == seen[-1]
    assert seen == [3, 3]


def test_a_footer_is_of_the_file_that_is_there(tmp_path):
    folder, keys = Folder.at(tmp_path), []
    for values in ([1, 2], [2, 1]):
        pq.write_table(pa.table({"x": values}), tmp_path / "some.parquet")
        os.utime(tmp_path / "some.parquet", ns=(10**18, 10**18))
        keys.append(key_of(folder, "some.parquet"))
    assert keys[0] != keys[1]


def test_a_catalogue_is_opened_anew_when_its_properties_are_others(tmp_path):
    table = pa.table({"id": [1, 2], "ra": [1.0, 2.0], "dec": [0.0, 1.0]})
    sq.build(table, tmp_path / "sky", ra="ra", dec="dec", id="id", progress=False)
    place = str(tmp_path / "sky")
    before = current_source(place)
    file = tmp_path / "sky/v1/sky/hats.properties"
    told, times = file.read_text(), file.stat()
    file.write_text(told.replace("hats_creation_date=20", "hats_creation_date=19"))
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert file.stat().st_size == times.st_size
    assert current_source(place) is not before


def test_a_worker_opens_what_is_there_now(tmp_path):
    """It keeps what it has opened by its place, which may have got another catalogue."""
    seen = []
    for rows in (30, 20):
        table = pa.table({"id": range(rows), "ra": np.linspace(1, 2, rows), "dec": np.zeros(rows)})
        sq.build(table, tmp_path / "sky", ra="ra", dec="dec", id="id", progress=False)
        travelled = pickle.loads(pickle.dumps(current_source(str(tmp_path / "sky")).stored))
        seen.append(travelled.n_rows)
        shutil.rmtree(tmp_path / "sky")
    assert seen == [30, 20]
