from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import skyquarry as sq
from skyquarry.catalog.formats import write_table
from skyquarry.catalog.report import Report
from skyquarry.catalog.stored import open_stored
from skyquarry.catalog.verify import verify
from skyquarry.errors import ColumnError, DataError, ExistsError, NotFoundError, UserError
from skyquarry.ingest import firstpass
from skyquarry.ingest.build import plan_build
from skyquarry.sky.footprint import Footprint
from skyquarry.sky.mocs import read_moc
from skyquarry.sky.ranges import Ranges
from skyquarry.testing.skies import clumpy_sky, uniform_sky


@pytest.fixture(autouse=True)
def _one_date(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")


def built(source, path, *, executor="inline", **how):
    """The catalogue and the report, the catalogue verified."""
    report = plan_build(source, path, **how).run(executor, progress=False)
    stored = open_stored(path)
    assert verify(stored) == []
    return stored, report


def everything(stored):
    return pa.concat_tables([stored.read(tile) for tile in range(len(stored.tiles))])


def tree(path):
    """Every file below a folder, with the hash of its bytes."""
    return {
        str(file.relative_to(path)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(path.rglob("*"))
        if file.is_file()
    }


def in_files(table, folder, count):
    folder.mkdir(exist_ok=True)
    each = -(-table.num_rows // count)
    for i in range(count):
        pq.write_table(table.slice(i * each, each), folder / f"{i:03d}.parquet")
    return str(folder)


# ---------------------------------------------------------------------- what is stored
def test_every_row_is_stored_once_and_unchanged(tmp_path):
    sky = clumpy_sky(20_000)
    stored, report = built(sky, tmp_path / "sky", max_rows=1_500)
    found = everything(stored).sort_by("id")
    assert found.drop_columns(["_healpix_29"]).equals(sky.sort_by("id"))
    assert (report.rows_in, report.rows_stored, report.rows_rejected) == (20_000, 20_000, 0)
    assert report.tiles == len(stored.tiles) > 13
    assert stored.counted.rows.max() <= 1_500


def test_units_and_ucds_are_kept(tmp_path):
    sky = clumpy_sky(100)
    stored, _ = built(sky, tmp_path / "sky")
    for field in sky.schema:
        assert stored.schema.field(field.name).metadata == field.metadata


@pytest.mark.judge
def test_hats_finds_the_collection_valid(tmp_path):
    from hats.io.validation import is_valid_collection

    built(uniform_sky(3_000), tmp_path / "sky", max_rows=500, margin_arcsec=600)
    assert is_valid_collection(tmp_path / "sky", strict=True)


def test_the_order_of_the_input_files_decides_ties(tmp_path):
    rows = 600
    one = pa.table({"ra": [10.0] * rows, "dec": [5.0] * rows, "n": range(rows)})
    in_files(one, tmp_path / "in", 5)
    stored, _ = built(str(tmp_path / "in"), tmp_path / "sky", max_rows=100)
    assert everything(stored).column("n").to_pylist() == list(range(rows))


def test_an_empty_input_is_an_empty_catalogue(tmp_path):
    stored, report = built(clumpy_sky(10).slice(0, 0), tmp_path / "sky")
    assert len(stored.tiles) == 0
    assert report.rows_in == 0
    assert stored.n_rows == 0


def test_one_row_is_one_tile(tmp_path):
    stored, report = built(pa.table({"ra": [359.9999], "dec": [-89.9]}), tmp_path / "sky")
    assert report.tiles == 1
    assert everything(stored).column("dec").to_pylist() == [-89.9]


def test_negative_right_ascensions_are_kept_as_they_are(tmp_path):
    stored, _ = built(pa.table({"ra": [-1.0, 1.0], "dec": [0.0, 0.0]}), tmp_path / "sky")
    assert sorted(everything(stored).column("ra").to_pylist()) == [-1.0, 1.0]


def test_lists_texts_and_nulls_survive(tmp_path):
    random = np.random.default_rng(1)
    table = pa.table(
        {
            "name": [f"star {i}" for i in range(3_000)],
            "other": pa.array([None if i % 7 == 0 else "é" * (i % 5) for i in range(3_000)]),
            "ra": random.random(3_000) * 360,
            "dec": random.random(3_000) * 120 - 60,
            "flux": pa.array([[float(i), None] for i in range(3_000)], pa.list_(pa.float32(), 2)),
            "flag": pa.array([None, True, False] * 1_000),
        }
    )
    stored, _ = built(table, tmp_path / "sky", max_rows=700, id="name")
    found = everything(stored).drop_columns(["_healpix_29"])
    key = [("ra", "ascending")]
    assert found.sort_by(key).to_pylist() == table.sort_by(key).to_pylist()


# ---------------------------------------------------------------------- the same bytes
def test_the_executor_makes_no_difference(tmp_path, monkeypatch):
    monkeypatch.setattr(firstpass, "RUN_ROWS", 4_096)
    source = in_files(clumpy_sky(30_000), tmp_path / "in", 5)
    trees = []
    with ThreadPoolExecutor(3) as three:
        for number, executor in enumerate(["inline", "threads", three]):
            where = tmp_path / str(number) / "sky"
            built(source, where, executor=executor, max_rows=2_000)
            trees.append(tree(where))
    assert trees[0] == trees[1] == trees[2]


def test_processes_give_the_same_bytes(tmp_path):
    source = in_files(clumpy_sky(20_000), tmp_path / "in", 3)
    built(source, tmp_path / "a" / "sky", max_rows=3_000)
    built(source, tmp_path / "b" / "sky", max_rows=3_000, executor="processes")
    assert tree(tmp_path / "a" / "sky") == tree(tmp_path / "b" / "sky")


def test_dask_gives_the_same_bytes(tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed", reason="Dask is not installed")
    from skyquarry.engine.cluster import dask_executor

    monkeypatch.setattr(firstpass, "RUN_ROWS", 4_096)
    source = in_files(clumpy_sky(12_000), tmp_path / "in", 3)
    how = {"max_rows": 2_000, "margin_arcsec": [5, 60]}
    built(source, tmp_path / "a" / "sky", executor="threads", **how)
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        before = cluster.scheduler.transition_counter
        built(source, tmp_path / "b" / "sky", executor=dask_executor(client), **how)
        assert cluster.scheduler.transition_counter > before + 10  # it ran there
    assert tree(tmp_path / "a" / "sky") == tree(tmp_path / "b" / "sky")


def test_the_size_of_runs_makes_no_difference(tmp_path, monkeypatch):
    random = np.random.default_rng(3)
    table = pa.table(  # few places and ids: nearly every row ties with others
        {
            "id": random.integers(0, 40, 9_000),
            "ra": random.integers(0, 30, 9_000) * 1.0,
            "dec": random.integers(0, 3, 9_000) * 1.0,
            "n": np.arange(9_000),
        }
    )
    source = in_files(table, tmp_path / "in", 4)
    report = plan_build(source, tmp_path / "a" / "sky", max_rows=500).run(progress=False)
    monkeypatch.setattr(firstpass, "RUN_ROWS", 4_096)
    plan_build(source, tmp_path / "b" / "sky", max_rows=500).run(progress=False)
    assert tree(tmp_path / "a" / "sky") == tree(tmp_path / "b" / "sky")
    assert report.duplicate_ids == 40


# ---------------------------------------------------------------------- rows set aside
def test_rejected_rows_tell_their_file_row_and_reason(tmp_path):
    sky = uniform_sky(50)
    ra = sky.column("ra").to_numpy().copy()
    dec = sky.column("dec").to_numpy().copy()
    ra[[3, 40]] = np.nan
    dec[25] = 91.0
    table = sky.set_column(1, "ra", pa.array(ra)).set_column(2, "dec", pa.array(dec))
    source = in_files(table, tmp_path / "in", 5)
    stored, report = built(source, tmp_path / "sky")
    rejects = pq.read_table(tmp_path / "sky" / "v1" / "rejects.parquet")
    told = rejects.select(["id", "_row", "_reason"]).to_pylist()
    assert [(r["id"], r["_row"], r["_reason"]) for r in told] == [
        (4, 3, "no position (null or NaN)"),
        (26, 5, "|dec| > 90"),
        (41, 0, "no position (null or NaN)"),
    ]
    files = [name.rpartition("/")[2] for name in rejects.column("_file").to_pylist()]
    assert files == ["000.parquet", "002.parquet", "004.parquet"]
    assert report.rejected == {"no position (null or NaN)": 2, "|dec| > 90": 1}
    assert report.rows_in == report.rows_stored + report.rows_rejected
    assert stored.n_rows == 47


def test_a_build_of_rejects_alone_is_refused_and_leaves_nothing(tmp_path):
    with pytest.raises(DataError, match="all 1 rows were set aside, 1 of them since: no position"):
        built(pa.table({"ra": [np.nan], "dec": [1.0]}), tmp_path / "sky")
    assert not (tmp_path / "sky").exists()


def test_duplicate_ids_are_kept_and_counted(tmp_path):
    sky = uniform_sky(2_000)
    twice = pa.concat_tables([sky, sky.slice(0, 30), sky.slice(0, 10)])
    plan_build(twice, tmp_path / "sky", max_rows=500).run(progress=False)
    stored = open_stored(tmp_path / "sky")
    assert stored.n_rows == 2_040
    assert Report.from_properties(stored.properties, 1).duplicate_ids == 30
    told = pq.read_table(tmp_path / "sky" / "v1" / "duplicates.parquet")
    assert sorted(set(told.column("id").to_pylist())) == list(range(1, 31))


def test_duplicate_ids_are_set_aside_where_asked_the_first_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(firstpass, "RUN_ROWS", 4_096)
    sky = uniform_sky(9_000).append_column("copy", pa.array([0] * 9_000))
    again = sky.slice(0, 700).set_column(4, "copy", pa.array([1] * 700))
    moved = sky.slice(5, 1).set_column(4, "copy", pa.array([2]))
    moved = moved.set_column(1, "ra", pa.array([moved.column("ra")[0].as_py() + 1e-9]))
    source = in_files(pa.concat_tables([sky, again, moved]), tmp_path / "in", 3)
    stored, report = built(source, tmp_path / "sky", duplicates="reject", max_rows=1_000)
    found = everything(stored)
    assert sorted(found.column("id").to_pylist()) == list(range(1, 9_001))
    assert report.rejected == {"duplicate id": 701}
    assert found.column_names == ["_healpix_29", "id", "ra", "dec", "r_mag", "copy"]
    kept = {r["id"]: r["copy"] for r in found.select(["id", "copy"]).to_pylist()}
    assert [kept[i] for i in range(1, 701) if i != 6] == [0] * 699
    rejects = pq.read_table(tmp_path / "sky" / "v1" / "rejects.parquet")
    assert rejects.column("_row").to_pylist()[0] is not None
    assert rejects.num_rows == 701


# ---------------------------------------------------------------------- kinds and conversions
def test_galactic_positions_get_icrs_columns(tmp_path):
    stored, _ = built(pa.table({"l": [0.0, 96.3], "b": [0.0, -60.2]}), tmp_path / "sky")
    found = everything(stored)
    assert found.column_names == ["_healpix_29", "l", "b", "ra", "dec"]
    centre = {r["l"]: (r["ra"], r["dec"]) for r in found.to_pylist()}[0.0]
    assert centre == pytest.approx((266.40499, -28.93617), abs=1e-4)
    assert stored.roles.ra == "ra"
    assert stored.roles.frame == "icrs"


def test_sources_may_repeat_their_object_and_need_a_time(tmp_path):
    random = np.random.default_rng(1)
    place = random.integers(0, 20, 500)
    table = pa.table(
        {"objid": place, "ra": place * 1.0, "dec": place * 0.5, "mjd": random.random(500) + 60_000}
    )
    plan_build(table, tmp_path / "sky", kind="source", max_rows=100).run(progress=False)
    stored = open_stored(tmp_path / "sky")
    assert stored.kind == "source"
    assert (stored.roles.object_id, stored.roles.id, stored.roles.time) == ("objid", None, "mjd")
    assert "skyquarry_duplicate_ids" in stored.properties
    assert stored.properties["skyquarry_duplicate_ids"] == "0"
    with pytest.raises(ColumnError, match="a time of each measurement is needed"):
        plan_build(table.drop_columns(["mjd"]), tmp_path / "no", kind="source")


def test_a_footprint_is_kept_as_a_moc(tmp_path):
    ranges = Ranges.from_cells(3, [5, 6, 100])
    built(uniform_sky(20), tmp_path / "sky", footprint=Footprint(ranges, "user"))
    stored = open_stored(tmp_path / "sky")
    kept = read_moc((tmp_path / "sky" / "v1" / "footprint.fits").read_bytes())
    assert kept.ranges == ranges
    assert stored.properties["skyquarry_footprint"] == "user"


# ---------------------------------------------------------------------- versions and targets
def test_another_version_is_published_only_where_asked(tmp_path):
    built(uniform_sky(30), tmp_path / "sky")
    with pytest.raises(ExistsError, match="pass overwrite=True to publish a new version"):
        plan_build(uniform_sky(40), tmp_path / "sky")
    stored, _ = built(uniform_sky(40), tmp_path / "sky", overwrite=True)
    assert stored.version == "v2"
    assert stored.n_rows == 40
    assert (tmp_path / "sky" / "v1" / "sky" / "hats.properties").exists()


def test_a_folder_of_other_things_is_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ExistsError, match=r"holds 'notes.txt' and is no catalogue"):
        plan_build(uniform_sky(3), tmp_path)


def test_nothing_but_the_catalogue_is_left(tmp_path):
    built(uniform_sky(300), tmp_path / "sky", max_rows=50)
    assert sorted(p.name for p in (tmp_path / "sky").iterdir()) == ["collection.properties", "v1"]


# ---------------------------------------------------------------------- telling
def test_the_report_is_kept_with_the_catalogue(tmp_path):
    table = pa.table(
        {"ra": [1.0, 2.0, np.nan], "dec": [0.0, 1.0, 2.0], "mag": [np.nan, 3.0, np.nan]}
    )
    stored, report = built(table, tmp_path / "sky")
    kept = Report.from_properties(stored.properties, len(stored.tiles))
    for name in ("rows_in", "rows_stored", "rejected", "nan_to_null", "duplicate_ids", "tiles"):
        assert getattr(kept, name) == getattr(report, name)
    assert kept.nan_to_null == {"mag": 2, "ra": 1}
    assert "no position (null or NaN)" in str(report)
    assert "rows/s" in str(report)


def test_a_catalogue_tells_its_report_when_built_and_ever_after(tmp_path):
    table = pa.table({"ra": [1.0, 2.0, np.nan], "dec": [0.0, 1.0, 2.0]})
    made = sq.build(table, tmp_path / "sky", margin_arcsec=None, progress=False)
    assert made.report.seconds > 0
    assert made.report.bytes > 0
    kept = sq.open(tmp_path / "sky").report
    assert kept.rejected == made.report.rejected == {"no position (null or NaN)": 1}
    assert (kept.rows_in, kept.rows_stored, kept.tiles, kept.seconds) == (3, 2, 1, None)
    assert made.head(1).report == kept
    part = made.head(1).to_catalog(tmp_path / "part")
    with pytest.raises(NotFoundError, match="keeps no report of its building"):
        _ = part.report


def test_progress_counts_every_row_of_every_stage(tmp_path):
    class Counting:
        def __init__(self):
            self.stages, self.rows, self.notes, self.ended = [], {}, [], None

        def stage(self, name, total):
            self.stages.append((name, total))
            self.rows[name] = 0

        def advance(self, rows):
            self.rows[self.stages[-1][0]] += rows

        def note(self, text):
            self.notes.append(text)

        def close(self, report):
            self.ended = report

    seen = Counting()
    plan = plan_build(uniform_sky(900), tmp_path / "sky", max_rows=100)
    report = plan.run("inline", progress=seen)
    assert ("reading", 900) in seen.stages
    assert seen.rows["reading"] == seen.rows["tiles"] == 900
    assert seen.rows["margins"] == report.margin_rows
    assert seen.ended == report
    assert any("positions are ra and dec" in note for note in seen.notes)


def test_explain_writes_nothing(tmp_path):
    plan = plan_build(clumpy_sky(100), tmp_path / "sky")
    text = plan.explain()
    assert repr(plan) == f"BuildPlan: {text}"
    assert "100 rows" in text
    assert 'margin 10"' in text
    assert "the id is id (by UCD)" in text
    assert not (tmp_path / "sky").exists()


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"max_rows": 0}, "max_rows is 0"),
        ({"row_group_rows": -1}, "row_group_rows is -1"),
        ({"margin_arcsec": -1.0}, "margin_arcsec is -1.0"),
        ({"duplicates": "drop"}, "duplicates is 'drop'"),
        ({"kind": "stars"}, "kind is 'stars'"),
        ({"ra": "ra"}, "ra='ra' and dec=None were given"),
        ({"ra_unit": "furlong"}, "ra_unit is 'furlong'"),
        ({"parent": "x"}, "parent='x' and on=None were given"),
        ({"name": "a b"}, "the catalogue's name is 'a b'"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_written(tmp_path, how, message):
    with pytest.raises(UserError, match=message):
        plan_build(uniform_sky(3), tmp_path / "sky", **how)
    assert not (tmp_path / "sky").exists()


@pytest.mark.parametrize("suffix", ["csv", "fits", "vot", "ecsv", "parquet", "csv.gz"])
def test_every_format_gives_the_same_rows(tmp_path, suffix):
    sky = uniform_sky(500)
    write_table(sky.to_batches(), sky.schema, tmp_path / f"sky.{suffix}")
    stored, _ = built(str(tmp_path / f"sky.{suffix}"), tmp_path / "out", max_rows=100)
    found = everything(stored).sort_by("id")
    for name in ("ra", "dec", "r_mag"):  # csv has no float32, but its texts keep every bit
        kind = sky.schema.field(name).type
        assert found.column(name).cast(kind).to_pylist() == sky.column(name).to_pylist()
