"""Rows from tables: every way in which a row can be wrong, settled and counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyquarry.catalog.roles import Band, Epoch, Motion, PositionError, Roles
from skyquarry.errors import ColumnError, SkyquarryError, UserError
from skyquarry.match.given.positionerrors import check_known
from skyquarry.match.given.reading import ErrorPolicy, Rejects, needed_columns, rows_of
from skyquarry.match.given.rows import Flag, Rows
from skyquarry.sky import healpix
from skyquarry.surveys.load import load

if TYPE_CHECKING:
    from pathlib import Path

CIRCLE = PositionError("circular", ("e",))
ELLIPSE = PositionError("ellipse", ("a", "b", "pa"))
MATRIX = PositionError("covariance", ("sx", "sy", "c"))


def read(
    columns: dict[str, Any], *, policy: ErrorPolicy | None = None, **roles: Any
) -> tuple[Rows, Rejects]:
    n = max((len(v) for v in columns.values()), default=0)
    given = {"ra": np.linspace(10, 20, n), "dec": np.linspace(-5, 5, n)} | columns
    if "position_error" not in roles:
        roles["position_error"] = PositionError("fixed", fixed_arcsec=0.1)
    names = Roles(**({"ra": "ra", "dec": "dec"} | roles))
    table = pa.table({k: v if isinstance(v, pa.Array) else pa.array(v) for k, v in given.items()})
    return rows_of(table, names, policy=policy, name="mine")


def by_row(rows: Rows, values: np.ndarray) -> np.ndarray:
    return values[np.argsort(rows.row)]


def errors(columns: dict[str, Any], error: PositionError, **policy: Any) -> tuple[Rows, Rejects]:
    return read(columns, position_error=error, policy=ErrorPolicy(**policy))


# ---------------------------------------------------------------- positions


def test_rows_without_a_place_on_the_sky_are_set_aside_each_with_its_reason() -> None:
    ra = [10.0, None, np.nan, np.inf, 20.0, 30.0, 40.0]
    dec = [1.0, 2.0, 3.0, 4.0, -np.inf, 90.1, -90.0]
    rows, rejects = read({"ra": ra, "dec": dec})
    assert sorted(rows.row.tolist()) == [0, 6]
    assert rejects.rows_in == 7
    assert rejects.counts == {
        "position is null": 2,
        "position is infinite": 2,
        "declination is beyond 90 degrees": 1,
    }
    assert rejects.total == 5
    assert "mine: 2 rows set aside: position is null" in rejects.lines()


def test_the_invalid_rows_of_the_edge_table_are_set_aside(golden: Path) -> None:
    table = pq.read_table(golden / "edge_A.parquet")
    ra, dec = (table.column(n).to_numpy() for n in ("ra_deg", "dec_deg"))
    good = np.isfinite(ra) & np.isfinite(dec) & (np.abs(dec) <= 90)
    assert not good.all()
    rows, rejects = read({"ra": ra, "dec": dec})
    assert sorted(rows.row.tolist()) == np.flatnonzero(good).tolist()
    assert rejects.total == (~good).sum()


def test_right_ascensions_of_any_turn_are_brought_to_one() -> None:
    rows, _ = read({"ra": [-10.0, 360.0, 725.0, -1e-20], "dec": [0.0, 1.0, 2.0, 3.0]})
    np.testing.assert_array_equal(by_row(rows, rows.ra_deg), [350.0, 0.0, 5.0, 0.0])


def test_hours_and_radians_are_degrees() -> None:
    hours, _ = read({"ra": [12.0], "dec": [45.0]}, position_unit="hourangle")
    assert (hours.ra_deg[0], hours.dec_deg[0]) == (180.0, 45.0)
    radians, _ = read({"ra": [np.pi], "dec": [-np.pi / 4]}, position_unit="rad")
    assert (radians.ra_deg[0], radians.dec_deg[0]) == (180.0, -45.0)


def test_other_frames_are_refused() -> None:
    with pytest.raises(UserError, match="are fk4, deg, but rows are compared in ICRS"):
        read({"ra": [1.0]}, frame="fk4")


def test_positions_that_are_text_are_refused_with_their_type() -> None:
    with pytest.raises(ColumnError, match="'ra' of mine holds string, but"):
        read({"ra": ["1 2 3"], "dec": [1.0]})


def test_no_rows_are_rows_too() -> None:
    rows, rejects = read({"ra": pa.array([], pa.float64()), "dec": pa.array([], pa.float64())})
    assert len(rows) == 0
    assert rows.covariance.shape == (0, 3)
    assert rejects.total == 0
    nulls, rejects = read({"ra": [None, None], "dec": [1.0, 2.0]})
    assert len(nulls) == 0
    assert rejects.counts == {"position is null": 2}


def test_single_precision_has_no_error_below_its_step() -> None:
    ra, dec = np.array([300.0, 60.0], np.float32), np.array([60.0, 0.5], np.float32)
    rows, rejects = errors({"ra": ra, "dec": dec, "e": [0.001, 2.0]}, CIRCLE)
    sigma = np.sqrt(by_row(rows, rows.covariance))
    np.testing.assert_allclose(sigma[0, 0], 2.0**-15 * 3600 * np.cos(np.radians(60)), rtol=1e-9)
    np.testing.assert_allclose(sigma[0, 1], 2.0**-18 * 3600, rtol=1e-9)
    np.testing.assert_allclose(sigma[1, :2], 2.0)
    assert by_row(rows, rows.flags).tolist() == [Flag.ERROR_FLOOR, 0]
    assert any("32 bits" in line for line in rejects.lines())


def test_big_endian_and_strided_columns_are_read(tmp_path: Path) -> None:
    # Arrow holds native numbers; what FITS gives has been turned before. Slices are views.
    table = pa.table({"ra": np.arange(10.0), "dec": np.arange(10.0), "x": np.arange(10)})
    rows, _ = rows_of(
        table.slice(3, 4), Roles(ra="ra", dec="dec", id="x"), name="m", policy=ErrorPolicy(0.1)
    )
    assert sorted(rows.ids.to_pylist()) == [3, 4, 5, 6]


# ---------------------------------------------------------------- ids and order


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=30))
def test_whole_numbers_are_their_own_rank(ids: list[int]) -> None:
    rows, _ = read({"id": pa.array(ids, pa.int64())}, id="id")
    assert by_row(rows, rows.rank).tolist() == ids


@pytest.mark.parametrize(
    "ids",
    [
        pa.array([2**64 - 1, 2**63, 2**63 - 1, 0, 2**53 + 1], pa.uint64()),
        pa.array(["b", "a", "ab", "", "é"]),
        pa.array(["b", "a", "ab", "", "z"]).dictionary_encode(),
        pa.array([b"b", b"a", b"ab", b"", b"\xff"]),
        pa.array([b"bb", b"aa", b"ab", b"  ", b"\xff\xff"], pa.binary(2)),
        pa.array([1.5, -2.0, 0.0, -0.5, 1e300]),
        pa.array([True, False, False, True, False]),
        pa.array([5, 3, 2, 1, 4], pa.int16()),
    ],
    ids=lambda a: str(a.type),
)
def test_ranks_follow_ids_of_any_type(ids: pa.Array) -> None:
    rows, _ = read({"id": ids}, id="id")
    rank, told = by_row(rows, rows.rank), ids.to_pylist()
    for i in range(5):
        for j in range(5):
            assert (rank[i] < rank[j]) == (told[i] < told[j])
    assert [rows.ids[int(k)].as_py() for k in np.argsort(rows.row)] == told


def test_ids_beyond_two_to_the_53_are_never_floats() -> None:
    ids = [2**62 + 1, 2**62, None]
    rows, _ = read({"id": pa.array(ids, pa.int64())}, id="id")
    assert by_row(rows, rows.rank).tolist() == [2**62 + 1, 2**62, 2**63 - 1]


def test_rows_are_sorted_by_pixel_then_id_then_row() -> None:
    rng = np.random.default_rng(1)
    ra = rng.choice(np.linspace(0, 359, 20), 300)
    ids = rng.integers(0, 5, 300)
    rows, _ = read({"ra": ra, "dec": np.zeros(300), "id": ids}, id="id")
    key = list(zip(rows.spatial.tolist(), rows.rank.tolist(), rows.row.tolist(), strict=True))
    assert key == sorted(key)
    np.testing.assert_array_equal(rows.spatial, healpix.index(rows.ra_deg, rows.dec_deg))
    np.testing.assert_array_equal(rows.ra_deg, ra[rows.row])


def test_shuffled_rows_are_the_same_but_for_their_numbers() -> None:
    rng = np.random.default_rng(2)
    n = 500
    told = {
        "ra": rng.uniform(0, 360, n),
        "dec": rng.uniform(-90, 90, n),
        "id": np.arange(n),
        "e": rng.uniform(-0.1, 1, n),
        "m": rng.normal(15, 2, n),
    }
    shuffle = rng.permutation(n)
    made = [
        read(
            each,
            id="id",
            position_error=CIRCLE,
            bands=(Band("g", "m"),),
            policy=ErrorPolicy(default_arcsec=0.3),
        )[0]
        for each in (told, {k: v[shuffle] for k, v in told.items()})
    ]
    for name in ("ra_deg", "dec_deg", "rank", "covariance", "mag", "flags", "spatial"):
        np.testing.assert_array_equal(getattr(made[0], name), getattr(made[1], name))


def test_one_id_twice_in_one_place_is_flagged() -> None:
    rows, _ = read({"ra": [1.0, 1.0, 1.0], "dec": [2.0, 2.0, 2.0], "id": [7, 8, 7]}, id="id")
    assert by_row(rows, rows.flags).tolist() == [Flag.DUPLICATE, 0, Flag.DUPLICATE]


def test_rows_without_ids_are_called_by_their_numbers() -> None:
    rows, _ = read({"ra": [3.0, np.nan, 1.0], "dec": [0.0, 0.0, 0.0]})
    assert sorted(rows.ids.to_pylist()) == [0, 2]
    np.testing.assert_array_equal(rows.rank, rows.row)


def test_rows_from_disk_have_no_numbers() -> None:
    pixels = healpix.index(np.array([10.0, 11.0]), np.array([1.0, 1.0]))
    rows, _ = read(
        {"ra": [10.0, 11.0], "dec": [1.0, 1.0], "_healpix_29": pixels, "id": [4, 5]}, id="id"
    )
    assert rows.row.tolist() == [-1, -1]
    numbered, _ = read({"ra": [10.0], "dec": [1.0], "_row": [77]})
    assert numbered.row.tolist() == [77]
    assert numbered.ids.to_pylist() == [77]


# ---------------------------------------------------------------- errors of positions


def test_no_errors_and_no_default_is_told_with_what_to_do() -> None:
    with pytest.raises(UserError, match="no errors of the positions are known of mine, but a prob"):
        read({"ra": [1.0]}, position_error=None)


def test_all_catalogues_without_errors_are_named_at_once() -> None:
    known = (Roles(), ErrorPolicy(0.3), "mine")
    lacking = [(Roles(), ErrorPolicy(), name) for name in ("gaia", "wise")]
    with pytest.raises(UserError, match=r"known of gaia, wise, but .*'gaia': 0.3, 'wise': 0.3"):
        check_known([lacking[0], known, lacking[1]])


def test_a_default_stands_where_there_are_no_columns_and_is_flagged() -> None:
    rows, rejects = read({"ra": [1.0, 2.0]}, position_error=None, policy=ErrorPolicy(0.5))
    np.testing.assert_array_equal(rows.covariance, [[0.25, 0.25, 0.0]] * 2)
    assert (rows.flags == Flag.DEFAULT_ERROR).all()
    assert rejects.warnings == {'no column of errors: 0.5" per axis is taken for all': 2}


def test_what_the_survey_says_of_all_rows_is_no_default() -> None:
    rows, rejects = read({"ra": [1.0]}, position_error=PositionError("fixed", fixed_arcsec=0.2))
    np.testing.assert_allclose(rows.covariance, [[0.04, 0.04, 0.0]])
    assert rows.flags[0] == 0
    assert not rejects.warnings


BAD = [np.nan, None, np.inf, -0.1, 1e7]


def test_errors_that_cannot_be_used_take_the_default() -> None:
    rows, rejects = errors({"e": [0.1, *BAD]}, CIRCLE, default_arcsec=2.0)
    sigma = np.sqrt(by_row(rows, rows.covariance))
    np.testing.assert_allclose(sigma[:, 0], [0.1, 2, 2, 2, 2, 2])
    assert by_row(rows, rows.flags).tolist() == [0] + [Flag.DEFAULT_ERROR] * 5
    assert sum(rejects.warnings.values()) == 5
    assert rejects.total == 0


@pytest.mark.parametrize("policy", [{"on_bad": "drop", "default_arcsec": 1.0}, {}])
def test_or_they_are_set_aside(policy: dict[str, Any]) -> None:
    rows, rejects = errors({"e": [0.1, *BAD]}, CIRCLE, **policy)
    assert rows.row.tolist() == [0]
    assert rejects.counts == {
        "position error is null": 2,
        "position error is infinite": 1,
        "position error is negative": 1,
        "position error is above 180 degrees": 1,
    }


def test_an_error_of_zero_becomes_the_floor() -> None:
    rows, _ = errors({"e": [0.0, 1e-9, 0.3]}, CIRCLE, floor_arcsec=0.01)
    np.testing.assert_allclose(by_row(rows, rows.covariance)[:, 0], [1e-4, 1e-4, 0.09])
    assert by_row(rows, rows.flags).tolist() == [Flag.ERROR_FLOOR, Flag.ERROR_FLOOR, 0]
    both, _ = errors({"sx": [0.0], "sy": [0.0], "c": [0.5]}, MATRIX, floor_arcsec=0.01)
    np.testing.assert_allclose(both.covariance, [[1e-4, 1e-4, 5e-5]])


def test_correlations_of_one_and_more_are_clipped() -> None:
    c = [1.0, -1.0, 3.0, 0.5, np.nan]
    rows, rejects = errors({"sx": [2.0] * 5, "sy": [1.0] * 5, "c": c}, MATRIX)
    told = by_row(rows, rows.covariance)[:, 2] / 2.0
    np.testing.assert_allclose(told, [0.9999, -0.9999, 0.9999, 0.5, 0.0])
    assert rejects.warnings == {"correlation beyond 0.9999: clipped": 3}


def test_exchanged_axes_of_an_ellipse_are_put_right() -> None:
    rows, rejects = errors({"a": [1.0, 3.0], "b": [3.0, 1.0], "pa": [30.0, 30.0]}, ELLIPSE)
    np.testing.assert_allclose(rows.covariance[0], rows.covariance[1])
    assert rejects.warnings == {"minor axis is longer than the major one: exchanged": 1}


def test_position_angles_of_any_turn_are_the_same() -> None:
    pa_deg = [30.0, 210.0, -150.0, 390.0]
    rows, _ = errors({"a": [3.0] * 4, "b": [1.0] * 4, "pa": pa_deg}, ELLIPSE)
    np.testing.assert_allclose(rows.covariance, np.tile(rows.covariance[0], (4, 1)), rtol=1e-12)
    assert rows.covariance[0, 2] > 0  # north through east: 30 degrees lie between both


def test_an_ellipse_without_angle_is_bad_unless_it_is_a_circle() -> None:
    rows, rejects = errors({"a": [3.0, 2.0], "b": [1.0, 2.0], "pa": [np.nan, np.nan]}, ELLIPSE)
    np.testing.assert_allclose(rows.covariance, [[4.0, 4.0, 0.0]])
    assert rejects.counts == {"position error is null": 1}


def test_a_needle_of_an_ellipse_stays_positive_definite() -> None:
    rows, _ = errors({"a": [10.0, 5.0], "b": [0.0, 1e-6], "pa": [45.0, 45.0]}, ELLIPSE)
    xx, yy, xy = rows.covariance.T
    assert (xx * yy - xy * xy > 0).all()


@pytest.mark.parametrize(("value", "said"), [(70.0, "above 60"), (5e-7, "below 1 uas")])
def test_errors_in_what_may_be_the_wrong_unit_are_noticed(value: float, said: str) -> None:
    rows, rejects = errors({"e": [value] * 5}, CIRCLE)
    assert len(rows) == 5
    assert any(said in text and "unit" in text for text in rejects.warnings)


def test_policies_that_make_no_sense_are_refused() -> None:
    with pytest.raises(UserError, match=r"default_arcsec is -1\.0, but an error"):
        ErrorPolicy(default_arcsec=-1.0)
    with pytest.raises(
        UserError, match="on_bad is 'ignore', but it is one of 'default', 'drop': try 'default'"
    ):
        ErrorPolicy(on_bad="ignore")  # type: ignore[arg-type]


@given(
    st.lists(
        st.tuples(st.floats(width=32), st.floats(width=32), st.floats(width=32) | st.floats(-2, 2)),
        min_size=1,
        max_size=20,
    )
)
def test_every_row_that_is_kept_has_a_positive_definite_covariance(
    told: list[tuple[float, float, float]],
) -> None:
    x, y, c = map(list, zip(*told, strict=True))
    for columns, error in (
        ({"sx": x, "sy": y, "c": c}, MATRIX),
        ({"a": x, "b": y, "pa": c}, ELLIPSE),
        ({"e": x}, CIRCLE),
    ):
        for policy in ({"default_arcsec": 0.5}, {"on_bad": "drop"}):
            rows, rejects = errors(columns, error, **policy)
            assert len(rows) + rejects.total == len(x)
            assert np.isfinite(rows.covariance).all()
            xx, yy, xy = rows.covariance.T
            assert ((xx > 0) & (yy > 0) & (xx * yy > xy * xy)).all()


# ---------------------------------------------------------------- epochs


def test_epochs_are_those_of_the_rows() -> None:
    rows, _ = read({"t": [51544.5, None, 57388.5]}, epoch=Epoch("t", 1990.0, "mjd"))
    np.testing.assert_allclose(by_row(rows, rows.epoch), [2000.0, 1990.0, 2016.0])
    fixed, _ = read({"ra": [1.0, 2.0]}, epoch=Epoch(jyear=2015.5))
    np.testing.assert_array_equal(fixed.epoch, [2015.5, 2015.5])
    none, _ = read({"ra": [1.0]})
    assert np.isnan(none.epoch).all()


def test_epochs_of_another_age_are_unknown() -> None:
    rows, rejects = read({"t": [51544.5, 2000.0]}, epoch=Epoch("t"))
    np.testing.assert_array_equal(by_row(rows, rows.epoch), [np.nan, 2000.0])
    assert rejects.warnings == {"epoch outside 1700 to 2300 (t as jyear): taken as unknown": 1}


# ---------------------------------------------------------------- motions

MOVES = {"px": [100.0, None, 3.0], "py": [-50.0, 2.0, 4.0]}


def test_motions_without_errors_take_the_stated_one() -> None:
    rows, rejects = read(MOVES, motion=Motion("px", "py"), policy=ErrorPolicy(default_pm_masyr=7.0))
    assert rows.motions is not None
    np.testing.assert_array_equal(by_row(rows, rows.motions.pm), [[100, -50], [np.nan] * 2, [3, 4]])
    np.testing.assert_array_equal(
        by_row(rows, rows.motions.covariance), [[49, 49, 0], [np.nan] * 3, [49, 49, 0]]
    )
    assert by_row(rows, rows.flags).tolist() == [Flag.DEFAULT_ERROR, 0, Flag.DEFAULT_ERROR]
    assert rejects.warnings["proper motion without an error: 7 mas/yr per axis is taken"] == 2


def test_units_of_motions_and_the_factor_of_declination_are_heeded() -> None:
    columns = {"ra": [1.0], "dec": [60.0], "px": [0.2], "py": [0.1], "ex": [0.02], "ey": [0.01]}
    rows, _ = read(columns, motion=Motion("px", "py", "ex", "ey", unit="arcsec/yr", cos_dec=False))
    assert rows.motions is not None
    np.testing.assert_allclose(rows.motions.pm, [[100.0, 100.0]])
    np.testing.assert_allclose(rows.motions.covariance, [[100.0, 100.0, 0.0]])


def test_errors_of_zero_and_absurd_motions() -> None:
    columns = {"px": [1.0, 3e4, np.inf], "py": [1.0, 0.0, 0.0], "ex": [0.0] * 3, "ey": [1.0] * 3}
    rows, rejects = read(columns, motion=Motion("px", "py", "ex", "ey"))
    assert rows.motions is not None
    np.testing.assert_array_equal(
        np.isnan(by_row(rows, rows.motions.pm)[:, 0]), [False, True, True]
    )
    assert by_row(rows, rows.motions.covariance)[0, 0] == pytest.approx(1e-6)
    assert any("above 20" in text for text in rejects.warnings)


def gaia(n: int = 200) -> dict[str, Any]:
    rng = np.random.default_rng(4)
    half = rng.normal(size=(n, 4, 4))
    whole = half @ half.transpose(0, 2, 1) + 0.1 * np.eye(4)
    sigma = np.sqrt(np.einsum("nii->ni", whole))
    corr = whole / sigma[:, :, None] / sigma[:, None, :]
    return {
        "source_id": np.arange(n) + 2**60,
        "ra": rng.uniform(0, 360, n),
        "dec": rng.uniform(-90, 90, n),
        "ref_epoch": np.full(n, 2016.0),
        "ra_error": sigma[:, 0],
        "dec_error": sigma[:, 1],
        "pmra": rng.normal(0, 50, n),
        "pmdec": rng.normal(0, 50, n),
        "pmra_error": sigma[:, 2],
        "pmdec_error": sigma[:, 3],
        "ra_dec_corr": corr[:, 0, 1],
        "ra_pmra_corr": corr[:, 0, 2],
        "ra_pmdec_corr": corr[:, 0, 3],
        "dec_pmra_corr": corr[:, 1, 2],
        "dec_pmdec_corr": corr[:, 1, 3],
        "pmra_pmdec_corr": corr[:, 2, 3],
        "parallax": rng.normal(2, 1, n),
        "parallax_error": rng.uniform(0.1, 1, n),
        "radial_velocity": rng.normal(0, 40, n),
        "radial_velocity_error": rng.uniform(0.5, 4, n),
        "phot_g_mean_mag": rng.uniform(8, 20, n),
    }


def test_a_gaia_row_keeps_all_of_its_covariance() -> None:
    told = gaia()
    roles = load("gaia_dr3").roles
    assert set(needed_columns(roles)) == set(told)
    rows, rejects = rows_of(pa.table(told), roles, name="gaia")
    assert rows.motions is not None
    at = rows.row
    expected = told["dec_pmra_corr"] * told["dec_error"] * told["pmra_error"]
    np.testing.assert_allclose(rows.motions.cross[:, 2], expected[at], rtol=1e-12)
    expected = told["pmra_pmdec_corr"] * told["pmra_error"] * told["pmdec_error"]
    np.testing.assert_allclose(rows.motions.covariance[:, 2], expected[at], rtol=1e-12)
    expected = told["ra_dec_corr"] * told["ra_error"] * told["dec_error"] * 1e-6
    np.testing.assert_allclose(rows.covariance[:, 2], expected[at], rtol=1e-12)
    np.testing.assert_array_equal(rows.motions.rv, told["radial_velocity"][at])
    np.testing.assert_array_equal(rows.mag, told["phot_g_mean_mag"][at])
    assert not rejects.warnings


def test_correlations_that_contradict_each_other_are_left_out() -> None:
    told = gaia(3)
    for name in ("ra_pmra_corr", "ra_pmdec_corr", "pmra_pmdec_corr"):
        told[name] = np.array([0.9, 0.1, 0.1]) * (-1 if name == "ra_pmra_corr" else 1)
    for name in ("ra_dec_corr", "dec_pmra_corr", "dec_pmdec_corr"):
        told[name] = np.zeros(3)
    rows, rejects = rows_of(pa.table(told), load("gaia_dr3").roles, name="gaia")
    assert rows.motions is not None
    assert (by_row(rows, rows.motions.cross)[0] == 0).all()
    assert (by_row(rows, rows.motions.cross)[1] != 0).any()
    assert list(rejects.warnings.values()) == [1]


def test_a_default_error_has_no_correlation_with_the_motion() -> None:
    told = gaia(2)
    told["ra_error"][0] = np.nan
    rows, _ = rows_of(
        pa.table(told), load("gaia_dr3").roles, name="gaia", policy=ErrorPolicy(default_arcsec=0.1)
    )
    assert rows.motions is not None
    assert (by_row(rows, rows.motions.cross)[0] == 0).all()
    assert (by_row(rows, rows.motions.cross)[1] != 0).all()


# ---------------------------------------------------------------- bands


def test_fluxes_become_magnitudes_and_numbers_for_missing_do_not() -> None:
    flux = Band("w", "f", kind="flux", unit="uJy", system="AB")
    rows, _ = read({"f": [3631e6, 0.0, -5.0, None]}, bands=(flux,))
    np.testing.assert_allclose(by_row(rows, rows.mag), [0.0, np.nan, np.nan, np.nan], atol=1e-3)
    rows, _ = read({"m": [15.0, 99.0, -999.0]}, bands=(Band("g", "m"),))
    np.testing.assert_array_equal(by_row(rows, rows.mag), [15.0, np.nan, np.nan])


def test_a_flux_is_of_a_unit_that_is_known() -> None:
    """A flux in nmgy, which features took, had the zero point of a maggy: r = 15.6 became -6.9."""
    flux = Band("r", "f", kind="flux", unit="nmgy", system="AB")
    rows, _ = read({"f": [1e9, 1.0]}, bands=(flux,))
    np.testing.assert_allclose(by_row(rows, rows.mag), [0.0, 22.5], atol=1e-3)
    with pytest.raises(UserError, match="flux in 'adu', but its magnitude needs one of Jy, mJy"):
        needed_columns(Roles(bands=(Band("r", "f", kind="flux", unit="adu"),)))


def test_the_reference_band_may_be_named() -> None:
    bands = (Band("i", "i", wavelength_um=0.75), Band("z", "z", wavelength_um=0.9))
    told = pa.table({"ra": [1.0], "dec": [1.0], "i": [20.0], "z": [18.0]})
    roles = Roles(ra="ra", dec="dec", bands=bands)
    rows, _ = rows_of(told, roles, name="m", policy=ErrorPolicy(0.1), band="z")
    assert (rows.mag[0], rows.cool[0]) == (18.0, 0.5)
    with pytest.raises(UserError, match="band is 'y', but the catalogue has i, z"):
        rows_of(told, roles, name="m", policy=ErrorPolicy(0.1), band="y")


def test_the_colour_of_wise_is_that_of_the_star_and_not_of_dust() -> None:
    assert {"w1mpro", "w2mpro"} <= set(needed_columns(load("allwise").roles))
    assert "w4mpro" not in needed_columns(load("allwise").roles)


def test_without_bands_there_is_no_magnitude() -> None:
    rows, _ = read({"ra": [1.0]})
    assert np.isnan([rows.mag[0], rows.cool[0], rows.extended[0]]).all()


def test_extent_is_by_size_or_by_class() -> None:
    rows, _ = read({"s": [0.7, 3.0, None, -9.0]}, extent="s")
    np.testing.assert_array_equal(by_row(rows, rows.extended), [0, 1, np.nan, np.nan])
    rows, _ = read({"c": ["STAR", "galaxy ", "QSO", "?", None]}, class_column="c")
    np.testing.assert_array_equal(by_row(rows, rows.extended), [0, 1, 0, np.nan, np.nan])


def sized(unit: str, size: list[Any], **columns: Any) -> tuple[Rows, Rejects]:
    """Rows with an error of 0.2 arcsec and a size in this unit."""
    n = len(size)
    given = {"ra": np.linspace(10, 20, n), "dec": np.zeros(n), "s": size} | columns
    table = pa.table(given)
    at = table.schema.get_field_index("s")
    field = table.schema.field("s").with_metadata({"unit": unit})
    roles = Roles(ra="ra", dec="dec", extent="s", position_error=ERROR)
    return rows_of(table.cast(table.schema.set(at, field)), roles, name="mine")


ERROR = PositionError("fixed", fixed_arcsec=0.2)


@pytest.mark.parametrize(("unit", "scale"), [("arcsec", 1.0), ("arcmin", 60.0), ("deg", 3600.0)])
def test_a_tenth_of_its_size_is_added_to_the_error_of_an_extended_row(
    unit: str, scale: float
) -> None:
    size = np.array([0.7, 1.3, 5.0, -9.0, np.inf, 1e9]) / scale
    rows, rejects = sized(unit, [*size.tolist(), None])
    sigma = np.sqrt(by_row(rows, rows.covariance)[:, :2])
    wanted = [0.2, np.hypot(0.2, 0.13), np.hypot(0.2, 0.5), 0.2, 0.2, 0.2, 0.2]
    np.testing.assert_allclose(sigma, np.stack([wanted, wanted], axis=1), rtol=1e-12)
    floored = by_row(rows, rows.flags) & Flag.ERROR_FLOOR > 0
    assert floored.tolist() == [False, False, True, False, False, False, False]
    assert "mine: extended: 0.1 of its size is added to the error (2 rows)" in rejects.lines()
    np.testing.assert_array_equal(by_row(rows, rows.extended)[:3], [0, 1, 1])


@pytest.mark.parametrize("unit", ["", "pix"])
def test_a_size_in_no_unit_of_angle_adds_nothing_to_the_error(unit: str) -> None:
    rows, rejects = sized(unit, [5.0])
    np.testing.assert_allclose(rows.covariance, [[0.04, 0.04, 0.0]])
    assert not rejects.warnings


# ---------------------------------------------------------------- real surveys


@pytest.mark.parametrize("survey", ["gaia_dr2", "allwise", "panstarrs1", "twomass_psc", "tycho2"])
def test_every_survey_of_m67_is_read(shared_data: Path, survey: str) -> None:
    file = {"panstarrs1": "ps1", "twomass_psc": "twomass"}.get(survey, survey)
    table = pq.read_table(shared_data / "xmatch" / "m67_west" / f"{file}.parquet")
    roles, _ = load(survey).roles.fitted(table.column_names)
    if roles.ra is None:
        roles = Roles(ra="ra", dec="dec")
    rows, rejects = rows_of(table, roles, name=survey, policy=ErrorPolicy(default_arcsec=0.3))
    assert len(rows) + rejects.total == table.num_rows
    assert len(rows) > 0
    assert np.abs(rows.ra_deg - 132.8).max() < 2
    assert np.sqrt(rows.covariance[:, 0]).max() < 5.0


def test_rejects_of_parts_add_up() -> None:
    whole = Rejects("a", 5, {"x": 1}, {"y": 2}) + Rejects("a", 7, {"x": 2, "z": 1}, {})
    assert whole == Rejects("a", 12, {"x": 3, "z": 1}, {"y": 2})


def test_a_role_without_its_column_is_told() -> None:
    with pytest.raises(SkyquarryError, match="'e' is not among those of mine"):
        read({"ra": [1.0]}, position_error=CIRCLE)
