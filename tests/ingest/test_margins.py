"""Several margins of one catalogue: each is what it would be alone."""

from __future__ import annotations

import hashlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import skyquarry as sq
from skyquarry.catalog.margin import cell_distance_arcsec
from skyquarry.catalog.stored import open_stored
from skyquarry.catalog.verify import verify
from skyquarry.errors import UserError
from skyquarry.ingest.build import plan_build
from skyquarry.testing.skies import clumpy_sky

MARGINS = [60, 5, 3_600.5]


@pytest.fixture(autouse=True)
def _one_date(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")


def tree(path):
    return {
        str(file.relative_to(path)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(path.rglob("*"))
        if file.is_file()
    }


@pytest.fixture(scope="module")
def sky():
    return clumpy_sky(3_000, seed=3)


@pytest.fixture
def home(tmp_path, sky):
    path = tmp_path / "sky"
    plan_build(sky, path, max_rows=400, margin_arcsec=MARGINS).run("inline", progress=False)
    return path


def test_each_margin_is_named_and_the_first_given_is_the_default(home):
    stored = open_stored(home)
    assert [m.rpartition("/")[2] for m in stored.margins] == [
        "sky_60arcs",
        "sky_5arcs",
        "sky_3600.5arcs",
    ]
    assert stored.collection_properties["default_margin"] == "v1/sky_60arcs"
    assert stored.margin().margin_arcsec == 60.0
    assert verify(home) == []


def test_the_margin_asked_for_is_the_smallest_that_suffices(home):
    stored = open_stored(home)
    for asked, given in ((0.1, 5.0), (5.0, 5.0), (5.1, 60.0), (60.5, 3_600.5)):
        assert stored.margin(asked).margin_arcsec == given
    assert stored.margin(3_601) is None


@pytest.mark.parametrize("arcsec", MARGINS)
def test_a_margin_among_others_has_the_bytes_of_one_alone(tmp_path, home, sky, arcsec):
    alone = tmp_path / "alone" / "sky"
    plan_build(sky, alone, max_rows=400, margin_arcsec=arcsec).run(progress=False)
    name = f"v1/sky_{arcsec:g}arcs"
    assert any("Npix" in file for file in tree(home / name))
    assert tree(home / name) == tree(alone / name)


def test_a_margin_holds_the_rows_near_its_tiles_and_no_others(home):
    stored = open_stored(home)
    rows = pa.concat_tables([stored.read(n, ["id", "ra", "dec"]) for n in range(len(stored.tiles))])
    for name in stored.margins:
        margin, due = stored.open_margin(name), {}
        for order, pixel in stored.tiles:
            far = cell_distance_arcsec(rows["ra"], rows["dec"], order, pixel)
            near = rows.filter(pa.array((far > 0) & (far <= margin.margin_arcsec)))
            if len(near):
                due[order, pixel] = sorted(near["id"].to_pylist())
        held = {
            (order, pixel): sorted(margin.read(n, ["id"])["id"].to_pylist())
            for n, (order, pixel) in enumerate(margin.tiles)
            if stored.tiles.number(order, pixel) >= 0
        }
        assert held == due


def test_a_row_that_a_second_margin_lacks_is_found(home):
    margin = open_stored(home).open_margin("v1/sky_5arcs")
    path = margin.folder.path(margin.leaf(0))
    pq.write_table(pq.read_table(path).slice(1), path)
    assert any("the margin lacks 1 rows within 5 arcsec" in fault.what for fault in verify(home))


def test_the_report_counts_the_rows_of_all_margins(tmp_path, sky):
    told = plan_build(sky, tmp_path / "a", max_rows=400, margin_arcsec=MARGINS)
    assert 'margins 60", 5", 3600.5"' in told.explain()
    report = told.run("inline", progress=False)
    stored = open_stored(tmp_path / "a")
    rows = [stored.open_margin(name).n_rows for name in stored.margins]
    assert 0 < rows[1] < rows[0] < rows[2]
    assert report.margin_rows == sum(rows)


def test_a_list_of_one_is_one_margin_and_an_empty_one_none(tmp_path, sky):
    one = sq.build(sky, tmp_path / "one", margin_arcsec=[5], progress=False)
    assert list(one.stored.margins) == ["v1/one_5arcs"]
    for number, none in enumerate(([], 0, None, [0])):
        bare = sq.build(sky, tmp_path / f"none{number}", margin_arcsec=none, progress=False)
        assert dict(bare.stored.margins) == {}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([5, 0], r"margin_arcsec is \[5, 0\]"),
        ([5, -1], r"margin_arcsec is \[5, -1\]"),
        ([5, float("nan")], r"margin_arcsec is \[5, nan\]"),
        ([5, 5.0], "names 5 arcsec twice"),
        ([5, 5.00000001], "names 5 arcsec twice"),
        ("5", "margin_arcsec is '5'"),
    ],
)
def test_margins_that_cannot_be_are_refused(tmp_path, sky, given, message):
    with pytest.raises(UserError, match=message):
        plan_build(sky, tmp_path / "sky", margin_arcsec=given)
    assert not (tmp_path / "sky").exists()
