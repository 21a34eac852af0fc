"""Propagation of positions, judged by 40-digit arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyquarry.errors import PositionError
from skyquarry.sky.motion import propagate
from skyquarry.sky.vectors import separation_arcsec, to_xyz

if TYPE_CHECKING:
    from pathlib import Path


def test_positions_agree_with_forty_digits_to_a_nanoarcsecond(golden: Path) -> None:
    rows = pq.read_table(golden / "epoch50.parquet").to_pandas()
    ra, dec = propagate(
        rows.ra0_deg,
        rows.dec0_deg,
        rows.pmra0_masyr,
        rows.pmdec0_masyr,
        rows.dt_yr,
        rows.parallax0_mas,
        rows.rv0_kms,
    )
    east = (ra - rows.ra1_deg + 180.0) % 360.0 - 180.0
    east_mas = np.abs(east * np.cos(np.radians(rows.dec1_deg)) * 3.6e6)
    north_mas = np.abs((dec - rows.dec1_deg) * 3.6e6)
    assert len(rows) == 350
    assert north_mas.max() < 1e-6
    assert east_mas.max() < 1e-6


@given(st.floats(0, 359.9), st.floats(-90, 90), st.floats(-1e4, 1e4), st.floats(-200, 200))
def test_a_star_runs_along_a_straight_line(ra: float, dec: float, pm: float, years: float) -> None:
    # A straight line through space is a great circle on the sky, whose arc is arctan of its length.
    there = propagate(ra, dec, pm, -pm, years)
    arc = separation_arcsec(to_xyz(ra, dec), to_xyz(*there))[0] / 206264.80624709636
    expected = np.arctan(np.hypot(pm, pm) * abs(years) / 1000.0 / 206264.80624709636)
    assert arc == pytest.approx(expected, abs=2e-15, rel=1e-12)


def test_a_null_motion_keeps_a_position_to_the_last_bit() -> None:
    rng = np.random.default_rng(1)
    ra, dec = rng.uniform(0, 360, 1000), rng.uniform(-90, 90, 1000)
    moved = propagate(ra, dec, np.nan, np.nan, 100.0, parallax_mas=np.nan, rv_kms=3.0)
    np.testing.assert_array_equal(moved[0], ra)
    np.testing.assert_array_equal(moved[1], dec)
    half = propagate(10.0, 20.0, np.nan, 1000.0, 1.0)
    assert half[1][0] == pytest.approx(20.0 + 1 / 3600.0, abs=1e-12)


def test_no_time_is_no_motion_and_nan_positions_stay_nan() -> None:
    assert propagate(370.0, 1.0, 5.0, 5.0, 0.0)[0][0] == 10.0
    assert np.isnan(propagate(np.nan, 1.0, 5.0, 5.0, 1.0)[0][0])


def test_motion_over_the_pole_comes_down_on_the_other_side() -> None:
    ra, dec = propagate(30.0, 89.9999, 0.0, 3.6e6 * 0.0002, 1.0)
    assert ra[0] == pytest.approx(210.0, abs=1e-6)
    assert dec[0] == pytest.approx(89.9999, abs=1e-9)


def test_an_endless_motion_is_refused_with_its_row() -> None:
    with pytest.raises(PositionError, match="pmdec_masyr is inf in row 1"):
        propagate([1, 2], [1, 2], [0, 0], [0, np.inf], 1.0)
    with pytest.raises(PositionError, match="years is -inf"):
        propagate(1, 2, 3, 4, -np.inf)
