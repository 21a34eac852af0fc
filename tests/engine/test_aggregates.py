from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyquarry.engine import aggregates
from skyquarry.engine.catalog import open_catalog
from skyquarry.errors import ColumnError, DamagedError, RegionError
from skyquarry.sky import healpix
from skyquarry.sky.footprint import Footprint
from skyquarry.sky.regions import Cone, Zone
from skyquarry.sky.vectors import to_xyz
from skyquarry.testing.handmade import write_catalog
from skyquarry.testing.naive import engine as naive
from skyquarry.testing.trees import write_tree

VALUES = st.lists(st.none() | st.floats(-1e6, 1e6) | st.just(math.nan), max_size=12)


@given(st.lists(VALUES, max_size=5))
def test_parts_merge_to_what_the_slow_twin_says_of_the_whole(tiles):
    tables = [pa.table({"x": pa.array(values, pa.float64())}) for values in tiles]
    parts = [aggregates.parts_of_columns(table)[0] for table in tables]
    found = aggregates._merged(parts)
    count, nulls, low, high, mean = naive.summary([v for values in tiles for v in values])
    assert (found.count, found.nulls, found.low, found.high) == (count, nulls, low, high)
    assert found.mean == (None if mean is None else pytest.approx(mean, rel=1e-12, abs=1e-6))


def test_statistics_of_a_cut_are_of_its_rows(cat):
    found = cat.region(Zone(0, 4)).where("kind = 'star'")
    table = found.to_table()
    told = found.statistics()
    assert list(told) == ["id", "ra", "dec", "pmra", "pmdec", "r_mag"]
    known = table["r_mag"].drop_null().to_numpy().astype(float)
    assert told["r_mag"].nulls == table["r_mag"].null_count > 0
    assert told["r_mag"].mean == pytest.approx(known.mean())
    assert told["r_mag"].deviation == pytest.approx(known.std())
    assert cat.statistics(["kind"])["kind"] == aggregates.Summary(
        20_000, 0, "galaxy", "star", None, None
    )
    assert found.describe().column("unit").to_pylist()[1] == "deg"
    assert cat.describe(["kind", "id"]).column("low").to_pylist() == ["galaxy", "1"]


def test_statistics_of_the_first_rows_are_of_those(cat):
    assert cat.head(9).statistics(["id"])["id"].count == 9
    assert cat.where("id < -1").statistics(["id"])["id"].mean is None


def test_counts_on_the_sky_add_up(cat, sky):
    pixel, count = cat.counts(4)
    cells, expected = np.unique(
        healpix.index(sky["ra"].to_numpy(), sky["dec"].to_numpy(), 4), return_counts=True
    )
    assert (pixel.tolist(), count.tolist()) == (cells.tolist(), expected.tolist())
    zone = Zone(0, 4)
    inside = zone.contains(to_xyz(sky["ra"].to_numpy(), sky["dec"].to_numpy()))
    part = sky.filter(pa.array(inside))
    cells, expected = np.unique(
        healpix.index(part["ra"].to_numpy(), part["dec"].to_numpy(), 7), return_counts=True
    )
    pixel, count = cat.region(zone).counts(7)
    assert (pixel.tolist(), count.tolist()) == (cells.tolist(), expected.tolist())


def test_whole_tiles_are_counted_without_reading(cat):
    before = cat.stored.decoded.rows
    assert len(cat.region(Zone(-90, 90))) == 20_000
    assert cat.stored.decoded.rows == before


def test_a_footprint_is_an_estimate_and_labelled_so(cat):
    found = cat.cone(12, 2, 3600).footprint()
    assert found.label == "estimate"
    assert found.contains(12, 2).all()
    assert 3 < found.area_deg2() < 12
    with pytest.raises(RegionError, match="an estimate of a footprint needs 20"):
        cat.cone(12, 2, 60).footprint()


def test_the_surveys_footprint_goes_before_the_users_and_that_before_an_estimate(sky, tmp_path):
    from pathlib import Path

    users = Footprint.from_region(Cone(12, 2, 7200), 6)
    for label in ("survey", "user"):
        folder = write_catalog(
            tmp_path / label, sky, index=None, properties={"skyquarry_footprint": label}
        )
        moc = Footprint.from_region(Zone(0, 4), 6).to_moc().to_fits()
        (Path(folder.root) / "v1" / "footprint.fits").write_bytes(moc)
        made = open_catalog(tmp_path / label)
        assert made.footprint().label == label
        chosen = made.footprint(users)
        assert (chosen is users) is (label == "user")
    (tmp_path / "user" / "v1" / "footprint.fits").unlink()
    with pytest.raises(DamagedError, match=r"footprint\.fits cannot be read"):
        made.footprint()
    assert open_catalog(tmp_path / "survey").head(10).footprint().label == "survey"


def test_lists_have_no_statistics(tmp_path):
    table = pa.table({"ra": [1.0], "dec": [2.0], "lc": [[1.0, 2.0]]})
    with pytest.raises(ColumnError, match="the column lc is list"):
        open_catalog(write_tree(tmp_path / "t", table)).statistics(["lc"])


def test_describe_keeps_every_digit_of_ids_that_no_float_holds():
    schema = pa.schema([("source_id", pa.int64()), ("ra", pa.float64())])
    found = {
        "source_id": aggregates.Summary(2, 0, 2**60 + 1, 2**60 + 3, float(2**60), 1.0),
        "ra": aggregates.Summary(2, 0, 0.5, 1.5, 1.0, 0.5),
    }
    assert aggregates.as_table(found, schema).column("low").to_pylist() == [str(2**60 + 1), "0.5"]


def summary_of(*tiles, kind):
    """The merged summary of a column whose tiles hold these values."""
    tables = [pa.table({"x": pa.array(values, kind)}) for values in tiles]
    return aggregates._merged([aggregates.parts_of_columns(table)[0] for table in tables])


@given(st.lists(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=6), min_size=1, max_size=4))
def test_large_integers_keep_their_mean_and_deviation(tiles):
    found = summary_of(*tiles, kind=pa.int64())
    values = [Fraction(value) for tile in tiles for value in tile]
    if not values:
        assert found.mean is None
        return
    mean = sum(values) / len(values)
    deviation = math.sqrt(sum((value - mean) ** 2 for value in values) / len(values))
    spread = float(max(values) - min(values))
    assert found.mean == pytest.approx(float(mean), rel=1e-12, abs=1e-12 * spread)
    assert found.deviation == pytest.approx(deviation, rel=1e-9)


@pytest.mark.parametrize("kind", [pa.int64(), pa.uint64()])
def test_integers_near_the_end_of_their_range_are_told_apart(kind):
    top = 2**63 - 1 if kind == pa.int64() else 2**64 - 1
    found = summary_of(
        [top - n for n in range(500)], [top - n for n in range(500, 1000)], kind=kind
    )
    assert found.deviation == pytest.approx(np.arange(1000).std(), rel=1e-12)
    assert (found.low, found.high) == (top - 999, top)


def test_half_floats_have_statistics():
    found = summary_of(np.array([1, 2, np.nan], np.float16), [3.0], kind=pa.float16())
    assert (found.count, found.nulls, found.low, found.high, found.mean) == (3, 1, 1.0, 3.0, 2.0)


@pytest.mark.parametrize("end", [math.inf, -math.inf, 1.7e308])
def test_of_infinite_values_no_mean_is_told(end):
    found = summary_of([1.0, end], [2.0, end, None], kind=pa.float64())
    assert (found.count, found.nulls) == (4, 1)
    assert (found.low, found.high) == (min(1.0, end), max(2.0, end))
    assert (found.mean, found.deviation) == (None, None)
