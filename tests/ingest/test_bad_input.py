"""What cannot be read is an error in three parts; the target is left as it was."""

from __future__ import annotations

import gzip

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from skyquarry.catalog.stored import open_stored
from skyquarry.errors import (
    ColumnError,
    DataError,
    ExistsError,
    IngestError,
    NotFoundError,
    SkyquarryError,
    StorageError,
)
from skyquarry.ingest.build import plan_build
from skyquarry.testing.skies import uniform_sky


def building(source, target, **how):
    plan_build(source, target, **how).run("inline", progress=False)


def refused(kind, match, source, target, **how):
    with pytest.raises(kind, match=match):
        building(source, target, **how)
    assert not target.exists()


def test_a_truncated_gzip(tmp_path):
    path = tmp_path / "sky.csv"
    pyarrow.csv.write_csv(uniform_sky(50_000), path)
    packed = gzip.compress(path.read_bytes())
    (tmp_path / "sky.csv.gz").write_bytes(packed[: len(packed) // 2])
    refused(
        IngestError,
        "damaged gzip file.*fetch it again",
        str(tmp_path / "sky.csv.gz"),
        tmp_path / "x",
    )


def test_a_parquet_file_without_its_end(tmp_path):
    pq.write_table(uniform_sky(1_000), tmp_path / "sky.parquet")
    whole = (tmp_path / "sky.parquet").read_bytes()
    (tmp_path / "sky.parquet").write_bytes(whole[:-100])
    refused(IngestError, "not a whole Parquet file", str(tmp_path / "sky.parquet"), tmp_path / "x")


def test_a_parquet_file_damaged_in_the_middle(tmp_path):
    pq.write_table(uniform_sky(50_000), tmp_path / "sky.parquet", compression="zstd")
    whole = bytearray((tmp_path / "sky.parquet").read_bytes())
    whole[4:400] = bytes(396)  # the header of the first page
    (tmp_path / "sky.parquet").write_bytes(whole)
    refused(IngestError, "damaged", str(tmp_path / "sky.parquet"), tmp_path / "x")


def test_a_file_that_is_not_there(tmp_path):
    refused(NotFoundError, "nothing.parquet", str(tmp_path / "nothing.parquet"), tmp_path / "x")


def test_a_file_that_goes_away_while_it_is_read(tmp_path):
    for i in range(2):
        pq.write_table(uniform_sky(100), tmp_path / f"{i}.parquet")
    plan = plan_build([str(tmp_path / f"{i}.parquet") for i in range(2)], tmp_path / "x")
    (tmp_path / "1.parquet").unlink()
    with pytest.raises(SkyquarryError, match=r"1\.parquet"):
        plan.run("inline", progress=False)
    assert not (tmp_path / "x").exists()


def test_a_column_that_is_missing_names_its_neighbours(tmp_path):
    refused(ColumnError, "id='idd'.*did you mean id", uniform_sky(3), tmp_path / "x", id="idd")


@pytest.mark.parametrize(("factor", "word"), [(np.pi / 180, "radians"), (1 / 15, "hours")])
def test_hours_and_radians_by_mistake(tmp_path, factor, word):
    sky = uniform_sky(2_000)
    ra = sky.column("ra").to_numpy() * factor
    dec = sky.column("dec").to_numpy() * (factor if word == "radians" else 1.0)
    plain = pa.table({"ra": ra, "dec": dec})
    refused(ColumnError, f"looks like {word}, but degrees are needed", plain, tmp_path / "x")
    building(plain, tmp_path / "stated", ra_unit="deg")


def test_radians_that_are_announced_are_converted(tmp_path):
    from skyquarry.catalog.stored import open_stored

    sky = uniform_sky(300)
    radians = pa.table(
        {name: np.radians(sky.column(name).to_numpy()) for name in ("ra", "dec")}
        | {"id": sky.column("id")}
    )
    building(radians, tmp_path / "sky", ra_unit="rad")
    stored = open_stored(tmp_path / "sky")
    found = pa.concat_tables([stored.read(tile) for tile in range(len(stored.tiles))]).sort_by("id")
    assert np.allclose(found.column("ra_icrs").to_numpy(), sky.column("ra").to_numpy(), atol=1e-10)


def test_an_id_of_floats_is_refused(tmp_path):
    table = uniform_sky(3).set_column(0, "id", pa.array([1.0, 2.0, 3.0]))
    refused(ColumnError, "ids are integers or text", table, tmp_path / "x", id="id")


# ---------------------------------------------------------------- cells that are no position
@pytest.mark.parametrize("bad", ["abc", "N/A", "--"])
@pytest.mark.parametrize("how", [{}, {"ra_unit": "deg"}])
def test_one_bad_cell_does_not_stop_a_build(tmp_path, bad, how):
    path = tmp_path / "sky.csv"
    path.write_text(f"id,ra,dec\n1,10.5,1\n2,{bad},2\n3,200.25,-3\n")
    report = plan_build(str(path), tmp_path / "x", **how).run("inline", progress=False)
    assert (report.rows_in, report.rows_stored) == (3, 2)
    assert report.rejected == {"ra is not a number": 1}
    stored = open_stored(str(tmp_path / "x"))
    assert (stored.roles.ra, stored.roles.dec) == ("ra_icrs", "dec_icrs")
    rejects = pq.read_table(next((tmp_path / "x").rglob("rejects.parquet"))).to_pylist()
    assert [(r["id"], r["_row"], r["_reason"]) for r in rejects] == [
        (2, 1, f"ra is not a number: {bad!r}")
    ]


def test_sexagesimal_positions_with_a_bad_cell(tmp_path):
    path = tmp_path / "sky.csv"
    path.write_text("id,ra,dec\n1,12:00:00,-30:30:00\n2,N/A,2\n")
    report = plan_build(str(path), tmp_path / "x").run("inline", progress=False)
    assert report.rejected == {"ra is not a number": 1}
    stored = open_stored(str(tmp_path / "x"))
    assert stored.read(0, ["ra_icrs", "dec_icrs"]).to_pylist() == [
        {"ra_icrs": 180.0, "dec_icrs": -30.5}
    ]


@pytest.mark.parametrize("how", [{}, {"ra_unit": "sexagesimal"}, {"ra_unit": "deg"}])
def test_no_usable_row_is_an_error_that_shows_the_first(tmp_path, how):
    path = tmp_path / "sky.csv"
    path.write_text("id,ra,dec\n1,north,up\n2,abc,up\n")
    message = "all 2 rows were set aside, 2 of them since: ra is not a number .*'north', dec 'up'"
    refused(DataError, message, str(path), tmp_path / "x", **how)


def test_no_row_on_the_sky_is_an_error_too(tmp_path):
    sky = pa.table({"ra": [1.0, 2.0, None], "dec": [95.0, -99.0, 0.0]})
    refused(DataError, r"all 3 rows .*2 of them since: \|dec\| > 90", sky, tmp_path / "x")


def test_radians_with_a_bad_cell_are_not_taken_for_degrees(tmp_path):
    sky = uniform_sky(2_000)
    ra = [str(value) for value in np.radians(sky.column("ra").to_numpy())]
    dec = [str(value) for value in np.radians(sky.column("dec").to_numpy())]
    ra[7] = "N/A"
    plain = pa.table({"ra": ra, "dec": dec})
    refused(ColumnError, "looks like radians, but degrees are needed", plain, tmp_path / "x")


# ---------------------------------------------------------------- places that can hold nothing
@pytest.mark.parametrize("below", ["", "below"])
def test_a_file_in_the_place_of_the_catalogue(tmp_path, below):
    path = tmp_path / "notes.txt"
    path.write_text("precious")
    with pytest.raises(ExistsError, match=r"notes\.txt is a file, and .* folder.*another path"):
        building(uniform_sky(3), path / below if below else path)
    assert path.read_text() == "precious"


def test_a_place_where_no_folder_can_be_made(tmp_path, monkeypatch):
    def refusing(self, *args, **how):
        raise FileNotFoundError(2, "No such file or directory", str(self))

    monkeypatch.setattr("pathlib.Path.mkdir", refusing)
    with pytest.raises(
        StorageError, match=r"could not be built.*permission to write.*another path"
    ):
        building(uniform_sky(3), tmp_path / "x")
