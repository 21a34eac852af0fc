"""Unit vectors and separations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyquarry.errors import PositionError
from skyquarry.sky import vectors

if TYPE_CHECKING:
    from pathlib import Path


def test_separations_are_exact_from_0_to_180_degrees(golden: Path) -> None:
    rows = pq.read_table(golden / "separation.parquet")
    ra1, dec1, ra2, dec2, truth = (
        rows[name].to_numpy()
        for name in ("ra1_deg", "dec1_deg", "ra2_deg", "dec2_deg", "sep_arcsec")
    )
    ours = vectors.separation_arcsec(vectors.to_xyz(ra1, dec1), vectors.to_xyz(ra2, dec2))
    assert truth.max() > 647999.99
    np.testing.assert_allclose(ours, truth, rtol=0, atol=1e-9)


@given(st.floats(-1000, 1000), st.floats(-90, 90))
def test_degrees_come_back_from_vectors(ra: float, dec: float) -> None:
    back_ra, back_dec = vectors.to_radec(vectors.to_xyz(ra, dec))
    assert 0.0 <= back_ra[0] < 360.0
    apart = vectors.separation_arcsec(vectors.to_xyz(back_ra, back_dec), vectors.to_xyz(ra, dec))
    assert apart[0] < 1e-8
    assert back_dec[0] == pytest.approx(dec, abs=1e-13)


def test_poles_and_axes_are_where_they_should_be() -> None:
    ra, dec = vectors.to_radec([[0, 0, 1], [0, 0, -1], [-1, 0, 0], [0, -2, 0], [1, -1e-300, 0]])
    assert ra.tolist() == [0.0, 0.0, 180.0, 270.0, 0.0]
    assert dec.tolist() == [90.0, -90.0, 0.0, 0.0, 0.0]


def test_a_nan_position_gives_a_nan_vector() -> None:
    assert np.isnan(vectors.to_xyz([1.0, np.nan], [2.0, 3.0])[1]).any()


def test_ra_wraps_into_one_turn() -> None:
    assert vectors.wrap_ra([-1e-20, 360.0, -90.0, 725.0]).tolist() == [0.0, 0.0, 270.0, 5.0]
    assert not np.signbit(vectors.wrap_ra(-0.0))


def test_one_ra_goes_with_many_declinations() -> None:
    ra, dec = vectors.check_positions(5.0, [1.0, 2.0])
    assert ra.tolist() == [5.0, 5.0]
    assert dec.tolist() == [1.0, 2.0]
    with pytest.raises(PositionError, match="ra_deg has 2 values and dec_deg has 3"):
        vectors.check_positions([1, 2], [1, 2, 3])


def test_a_chord_spans_its_angle() -> None:
    assert vectors.chord(648000.0) == pytest.approx(2.0)
    assert vectors.chord(0.01) == pytest.approx(0.01 / vectors.ARCSEC_PER_RADIAN, rel=1e-12)


def test_normalised_vectors_have_length_one() -> None:
    assert np.linalg.norm(vectors.normalised([[3.0, 4.0, 12.0]])) == pytest.approx(1.0, abs=1e-15)
    assert np.isnan(vectors.normalised([[0.0, 0.0, 0.0]])).all()
