from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyquarry.errors import ColumnError
from skyquarry.ingest.clean import Cleaning, clean, reasons_counted
from skyquarry.ingest.missing import nan_to_null, sentinels_to_null
from skyquarry.ingest.positions import Limits, check_unit, to_icrs
from skyquarry.sky.healpix import index

NAN = float("nan")


def cleaned(columns, **how):
    table = pa.table(columns)
    return clean(Cleaning(schema=table.schema, ra="ra", dec="dec", **how), table)


def column(values, kind=None):
    return pa.chunked_array([pa.array(values, kind, from_pandas=False)])


# ---------------------------------------------------------------------- rows set aside
@pytest.mark.parametrize(
    ("ra", "dec", "reason"),
    [
        (NAN, 0.0, "no position (null or NaN)"),
        (0.0, None, "no position (null or NaN)"),
        (np.inf, 0.0, "position is infinite"),
        (1.0, -np.inf, "position is infinite"),
        (1.0, 90.0001, "|dec| > 90"),
        (1.0, -999.0, "|dec| > 90"),
        (-999.0, 1.0, "ra outside -180 to 360"),
        (360.1, 1.0, "ra outside -180 to 360"),
    ],
)
def test_a_row_without_a_usable_position_is_set_aside(ra, dec, reason):
    done = cleaned({"ra": [10.0, ra], "dec": [20.0, dec], "name": ["good", "bad"]})
    assert done.table.column("name").to_pylist() == ["good"]
    assert done.rejects.column("name").to_pylist() == ["bad"]
    assert done.rejects.column("_reason").to_pylist() == [reason]
    assert done.rejects.column("_row").to_pylist() == [1]


def test_the_borders_of_the_sky_are_inside():
    done = cleaned({"ra": [0.0, 360.0, -180.0, 0.0], "dec": [90.0, -90.0, 0.0, -0.0]})
    assert done.rejects is None
    assert done.table.num_rows == 4


def test_rejected_rows_are_as_they_were_read():
    done = cleaned({"ra": [NAN], "dec": [1.0], "mag": [-999.0]}, sentinels=(("mag", (-999.0,)),))
    assert done.rejects.column("mag").to_pylist() == [-999.0]


@given(st.floats(-180, 360), st.floats(-90, 90))
def test_a_kept_row_has_the_pixel_of_its_position(ra, dec):
    done = cleaned({"ra": [ra], "dec": [dec]})
    assert done.table.column("_healpix_29").to_pylist() == index([ra], [dec]).tolist()


def test_a_pixel_column_of_the_input_is_computed_anew():
    done = cleaned({"_healpix_29": [5], "ra": [45.0], "dec": [0.0]})
    assert done.table.column_names == ["_healpix_29", "ra", "dec"]
    assert done.table.column("_healpix_29").to_pylist() == index([45.0], [0.0]).tolist()


# ---------------------------------------------------------------------- missing values
def test_nan_becomes_null_and_is_counted():
    done = cleaned({"ra": [1.0, 2.0], "dec": [1.0, 2.0], "mag": [NAN, None]})
    assert done.table.column("mag").null_count == 2
    assert done.nan == {"mag": 1}


@pytest.mark.parametrize(
    ("values", "kind", "expected", "count"),
    [
        ([1.0, NAN, None], pa.float32(), [1.0, None, None], 1),
        ([[NAN, 1.0], None, []], pa.list_(pa.float64()), [[None, 1.0], None, []], 1),
        ([[NAN, 1.0], None], pa.list_(pa.float32(), 2), [[None, 1.0], None], 1),
        ([{"a": NAN}, None], pa.struct([("a", pa.float64())]), [{"a": None}, None], 1),
        ([[[NAN]], [[2.0, NAN]]], pa.list_(pa.list_(pa.float64())), [[[None]], [[2.0, None]]], 2),
        ([1, 2], pa.int64(), [1, 2], 0),
    ],
)
def test_nan_becomes_null_at_any_depth(values, kind, expected, count):
    found, counted = nan_to_null(column(values, kind))
    assert found.to_pylist() == expected
    assert counted == count


@given(st.lists(st.one_of(st.none(), st.just(NAN), st.floats(width=32))), st.integers(0, 9))
def test_every_nan_is_counted_once_also_in_slices(values, skip):
    array = pa.array(values, pa.float32(), from_pandas=False)
    sliced = pa.chunked_array([array.slice(skip)], pa.float32())
    found, count = nan_to_null(sliced)
    here = values[skip:]
    assert found.to_pylist() == [None if v is None or np.isnan(v) else v for v in here]
    assert count == sum(v is not None and np.isnan(v) for v in here)


@pytest.mark.parametrize(
    ("values", "kind", "sentinels", "expected"),
    [
        ([-99.9, 1.0], pa.float32(), (-99.9,), [None, 1.0]),
        ([-999, 7, None], pa.int16(), (-999.0, 1e9), [None, 7, None]),
        ([255, 7], pa.uint8(), (-999.0, 255), [None, 7]),
        ([" null ", "x"], pa.string(), ("null", -1.0), [None, "x"]),
        ([True, False], pa.bool_(), (1.0,), [True, False]),
        ([0.5, -0.5], pa.float64(), (), [0.5, -0.5]),
    ],
)
def test_sentinels_become_null_in_the_columns_own_type(values, kind, sentinels, expected):
    found, count = sentinels_to_null(column(values, kind), sentinels)
    assert found.to_pylist() == pa.array(expected, kind).to_pylist()
    assert count == found.null_count - column(values, kind).null_count


def test_a_sentinel_in_a_position_sets_the_row_aside():
    done = cleaned(
        {"ra": [-9999.0], "dec": [1.0]}, sentinels=(("ra", (-9999.0,)), ("dec", (-9999.0,)))
    )
    assert done.rejects.column("_reason").to_pylist() == ["no position (null or NaN)"]
    assert done.sentinel == {"ra": 1}


def test_dictionaries_become_plain_values():
    coded = pa.array(["a", "b"]).dictionary_encode()
    done = cleaned({"ra": [1.0, 2.0], "dec": [0.0, 0.0], "kind": coded})
    assert done.table.schema.field("kind").type == pa.string()


# ---------------------------------------------------------------------- units and frames
def test_radians_hours_and_texts_become_degrees():
    names = {"stored_ra": "ra_icrs", "stored_dec": "dec_icrs"}
    rad = cleaned({"ra": [np.pi / 2], "dec": [-np.pi / 4]}, unit="rad", **names)
    hours = cleaned({"ra": [6.0], "dec": [-45.0]}, unit="hourangle", **names)
    texts = cleaned({"ra": ["06:00:00"], "dec": ["-45 00 00.0"]}, unit="sexagesimal", **names)
    for done in (rad, hours, texts):
        assert done.table.column("ra_icrs").to_pylist() == pytest.approx([90.0])
        assert done.table.column("dec_icrs").to_pylist() == pytest.approx([-45.0])


@pytest.mark.parametrize(
    ("text", "degrees"),
    [("-00 30 00", -0.5), ("+10:20:30.5", 10.341805555555556), ("5 30", 5.5), ("12d30m00s", 12.5)],
)
def test_sexagesimal_texts_are_read(text, degrees):
    done = cleaned(
        {"ra": ["00:00:00"], "dec": [text]}, unit="sexagesimal", stored_ra="r", stored_dec="d"
    )
    assert done.table.column("d").to_pylist() == pytest.approx([degrees], abs=1e-12)


@pytest.mark.parametrize("text", ["north", "10:60:00", "10 20 61", "1:2:3:4"])
def test_texts_that_are_no_position_are_set_aside(text):
    done = cleaned(
        {"ra": ["00:00:00"], "dec": [text]}, unit="sexagesimal", stored_ra="r", stored_dec="d"
    )
    assert done.rejects.column("_reason").to_pylist() == [f"dec is not a number: {text!r}"]


@pytest.mark.parametrize("frame", ["fk5", "fk4", "galactic", "ecliptic", "supergalactic"])
def test_frames_agree_with_astropy(frame):
    from astropy import units
    from astropy.coordinates import FK4, BarycentricMeanEcliptic, SkyCoord

    random = np.random.default_rng(1)
    lon = random.random(50) * 360
    lat = np.degrees(np.arcsin(random.random(50) * 2 - 1))
    kinds = {"fk4": FK4(equinox="B1950", obstime="B1950"), "ecliptic": BarycentricMeanEcliptic()}
    kinds = kinds | {"fk5": "fk5", "galactic": "galactic", "supergalactic": "supergalactic"}
    given_at = SkyCoord(lon * units.deg, lat * units.deg, frame=kinds[frame])
    ra, dec = to_icrs(lon, lat, frame)
    found = SkyCoord(ra * units.deg, dec * units.deg)
    # The ecliptic of J2000 is a rotation here; astropy's differs by the frame bias.
    assert found.separation(given_at.icrs).arcsec.max() < (0.1 if frame == "ecliptic" else 1e-4)


def test_a_column_of_truth_is_no_position():
    with pytest.raises(ColumnError, match="holds bool, but numbers are needed"):
        cleaned({"ra": [True], "dec": [1.0]})


STORED = {"stored_ra": "r", "stored_dec": "d"}


@pytest.mark.parametrize("bad", ["abc", "N/A", "--", "1.5x", "nan", "12:60:00"])
@pytest.mark.parametrize("unit", ["deg", "text"])
def test_a_cell_that_is_no_number_sets_its_row_aside_alone(bad, unit):
    done = cleaned({"ra": ["10.5", bad, "+.5"], "dec": [1.0, 2.0, 3.0]}, unit=unit, **STORED)
    assert done.table.column("r").to_pylist() == [10.5, 0.5]
    assert done.rejects.column("ra").to_pylist() == [bad]
    assert done.rejects.column("_reason").to_pylist() == [f"ra is not a number: {bad!r}"]
    assert reasons_counted(done.rejects) == {"ra is not a number": 1}


def test_a_blank_cell_is_no_position():
    done = cleaned({"ra": ["10.5", " ", None], "dec": ["1", "2", "x"]}, unit="deg", **STORED)
    assert done.rejects.column("_reason").to_pylist() == [
        "no position (null or NaN)",
        "dec is not a number: 'x'",
    ]


def test_texts_are_read_by_what_they_look_like():
    rows = {"ra": ["12:00:00", "90.5", "90.5", "?"], "dec": ["-30 30 00", "-5", "10:00:00", "1"]}
    done = cleaned(rows, unit="text", **STORED)
    assert done.table.column("r").to_pylist() == [180.0, 90.5]
    assert done.table.column("d").to_pylist() == [-30.5, -5.0]
    assert done.rejects.column("_reason").to_pylist() == [
        "ra is a plain number beside a sexagesimal dec",
        "ra is not a number: '?'",
    ]


def test_plain_numbers_beside_sexagesimal_are_no_base_sixty():
    done = cleaned({"ra": ["12.5"], "dec": ["10:00:00"]}, unit="sexagesimal", **STORED)
    assert done.rejects.column("_reason").to_pylist() == ["ra is not a number: '12.5'"]


@given(st.floats(-1e3, 1e3))
def test_a_number_in_text_is_that_number(value):
    done = cleaned({"ra": ["1"], "dec": [repr(value)]}, unit="deg", **STORED)
    rows = done.table if done.rejects is None else done.rejects
    if abs(value) <= 90:
        assert rows.column("d").to_pylist() == [value]
    else:
        assert rows.column("_reason").to_pylist() == ["|dec| > 90"]


def test_unit_vectors_are_stored_where_asked():
    done = cleaned({"ra": [90.0], "dec": [0.0]}, xyz=True)
    vector = [done.table.column(name)[0].as_py() for name in ("cx", "cy", "cz")]
    assert vector == pytest.approx([0.0, 1.0, 0.0], abs=1e-15)


# ---------------------------------------------------------------- hours and radians by mistake
RADIANS = Limits(100, 0.01, 6.27, -1.5, 1.5)
HOURS = Limits(100, 0.01, 23.9, -60.0, 80.0)


@pytest.mark.parametrize(("limits", "word"), [(RADIANS, "radians"), (HOURS, "hours")])
def test_hours_and_radians_are_not_taken_for_degrees(limits, word):
    with pytest.raises(ColumnError, match=f"looks like {word}, but degrees are needed"):
        check_unit(limits, "deg", stated=False)
    check_unit(limits, "deg", stated=True)  # the user knows better


@pytest.mark.parametrize(
    "limits",
    [
        Limits(),
        Limits(10, 0.0, 360.0, -90.0, 90.0),
        Limits(10, 10.0, 20.0, -5.0, 5.0),
        Limits(10, 0.0, 6.0, -1.0, 40.0),
        Limits(10, 150.1, 150.2, 0.1, 0.2),
    ],
)
def test_degrees_are_taken_for_degrees(limits):
    check_unit(limits, "deg", stated=False)


@given(st.lists(st.tuples(st.floats(0, 360), st.floats(-90, 90)), max_size=20))
def test_limits_of_parts_are_limits_of_the_whole(rows):
    ra, dec = (np.array([row[i] for row in rows]) for i in (0, 1))
    good = np.ones(len(rows), np.bool_)
    parts = [Limits.of(ra[i::3], dec[i::3], good[i::3], "deg") for i in range(3)]
    whole = Limits.of(ra, dec, good, "deg")
    assert Limits.around(parts) == whole
    assert Limits.from_json(whole.to_json()) == whole
