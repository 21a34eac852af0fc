"""Six parameters and their covariance at another epoch, judged by 40 digits, ERFA and symmetry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
import pytest

from skyquarry.sky.motion import KM_S_YEARS_PER_AU, propagate
from skyquarry.sky.motioncovariance import (
    Astrometry,
    moved_astrometry,
    moved_covariance,
    with_radial_motion,
)
from skyquarry.sky.vectors import separation_arcsec, to_xyz

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd


def stars_of(rows: pd.DataFrame) -> Astrometry:
    return Astrometry.of(
        rows.ra0_deg,
        rows.dec0_deg,
        rows.parallax0_mas,
        rows.pmra0_masyr,
        rows.pmdec0_masyr,
        rows.rv0_kms * rows.parallax0_mas / KM_S_YEARS_PER_AU,
    )


def symmetric(rows: pd.DataFrame, name: str) -> np.ndarray:
    matrix = np.empty((len(rows), 6, 6))
    for a in range(6):
        for b in range(a, 6):
            matrix[:, a, b] = matrix[:, b, a] = rows[f"{name}_{a}{b}"]
    return matrix


@pytest.fixture(scope="module")
def truth(golden: Path) -> pd.DataFrame:
    return pq.read_table(golden / "epoch50.parquet").to_pandas()


def test_all_six_parameters_agree_with_forty_digits(truth: pd.DataFrame) -> None:
    moved = moved_astrometry(stars_of(truth), truth.dt_yr)
    there = to_xyz(truth.ra1_deg, truth.dec1_deg)
    away_mas = separation_arcsec(to_xyz(moved.ra_deg, moved.dec_deg), there) * 1e3
    assert len(truth) == 350
    assert away_mas.max() < 1e-6
    assert np.abs(moved.pmra_masyr - truth.pmra1_masyr).max() < 1e-7
    assert np.abs(moved.pmdec_masyr - truth.pmdec1_masyr).max() < 1e-7
    np.testing.assert_allclose(moved.parallax_mas, truth.parallax1_mas, rtol=1e-12)
    np.testing.assert_allclose(moved.radial_masyr, truth.radial_pm1_masyr, rtol=1e-9, atol=1e-7)


def test_the_whole_covariance_agrees_with_forty_digits(truth: pd.DataFrame, golden: Path) -> None:
    told = pq.read_table(golden / "epoch50_cov.parquet").to_pandas()
    expected = symmetric(told, "c1")
    moved = moved_covariance(stars_of(truth), symmetric(told, "c0"), truth.dt_yr)
    sigma = np.sqrt(np.einsum("nii->ni", expected))
    scale = sigma[:, :, None] * sigma[:, None, :]  # a covariance may be zero: relative to this
    assert np.abs((moved - expected) / scale).max() < 1e-9


def test_the_sixth_row_follows_from_the_radial_velocity(truth: pd.DataFrame, golden: Path) -> None:
    told = pq.read_table(golden / "epoch50_cov.parquet").to_pandas()
    whole = symmetric(told, "c0")
    made = with_radial_motion(
        whole[:, :5, :5], truth.parallax0_mas, truth.rv0_kms, truth.rv_err_kms
    )
    np.testing.assert_allclose(made, whole, rtol=1e-9, atol=1e-12)


def test_there_and_back_is_where_it_was() -> None:
    rng = np.random.default_rng(3)
    n = 500
    dec = np.concatenate([[90.0, -90.0, 89.9999], np.degrees(np.arcsin(rng.uniform(-1, 1, n - 3)))])
    stars = Astrometry.of(
        rng.uniform(0, 360, n),
        dec,
        rng.normal(20, 30, n),
        rng.normal(0, 500, n),
        rng.normal(0, 500, n),
        rng.normal(0, 100, n),
    )
    half = rng.normal(size=(n, 6, 6))
    covariance = half @ half.transpose(0, 2, 1)
    there = moved_astrometry(stars, 100.0)
    back = moved_astrometry(there, -100.0)
    again = moved_covariance(there, moved_covariance(stars, covariance, 100.0), -100.0)
    away = separation_arcsec(to_xyz(back.ra_deg, back.dec_deg), to_xyz(stars.ra_deg, stars.dec_deg))
    assert away.max() < 1e-9
    inner = slice(3, None)  # at a pole the axes themselves depend on the RA it is given
    np.testing.assert_allclose(back.pmra_masyr[inner], stars.pmra_masyr[inner], atol=1e-8)
    np.testing.assert_allclose(again[inner], covariance[inner], rtol=1e-6, atol=1e-6)


def test_positions_are_those_of_plain_propagation() -> None:
    rng = np.random.default_rng(5)
    ra, dec = rng.uniform(0, 360, 200), np.degrees(np.arcsin(rng.uniform(-1, 1, 200)))
    pm, plx, rv = rng.normal(0, 300, (2, 200)), rng.uniform(1, 400, 200), rng.normal(0, 60, 200)
    stars = Astrometry.of(ra, dec, plx, *pm, rv * plx / KM_S_YEARS_PER_AU)
    moved = moved_astrometry(stars, -24.75)
    plain = propagate(ra, dec, *pm, -24.75, plx, rv)
    away = separation_arcsec(to_xyz(moved.ra_deg, moved.dec_deg), to_xyz(*plain))
    assert away.max() < 1e-9


def test_no_time_is_no_change() -> None:
    stars = Astrometry.of([10.0, 20.0], [89.0, -45.0], 5.0, 100.0, -50.0, 3.0)
    moved = moved_astrometry(stars, 0.0)
    np.testing.assert_array_equal(moved.ra_deg, stars.ra_deg)
    np.testing.assert_allclose(moved.pmra_masyr, stars.pmra_masyr, rtol=1e-14)
    covariance = np.tile(np.diag([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), (2, 1, 1))
    np.testing.assert_allclose(moved_covariance(stars, covariance, 0.0), covariance, atol=1e-13)


@pytest.mark.filterwarnings("ignore:ERFA function.*distance overridden")
def test_erfa_differs_by_its_light_time_only(truth: pd.DataFrame) -> None:
    erfa = pytest.importorskip("erfa")
    near = truth[(truth.dt_yr.abs() < 20) & (truth.dec0_deg.abs() < 89) & (truth.parallax0_mas > 1)]
    moved = moved_astrometry(stars_of(near), near.dt_yr)
    cos = np.cos(np.radians(near.dec0_deg))
    mas = np.pi / 180 / 3.6e6
    told = erfa.pmsafe(
        np.radians(near.ra0_deg),
        np.radians(near.dec0_deg),
        near.pmra0_masyr * mas / cos,
        near.pmdec0_masyr * mas,
        near.parallax0_mas / 1e3,
        near.rv0_kms,
        2451545.0,
        0.0,
        2451545.0,
        near.dt_yr * 365.25,
    )
    there = to_xyz(np.degrees(told[0]), np.degrees(told[1]))
    away = separation_arcsec(to_xyz(moved.ra_deg, moved.dec_deg), there) * 1e3
    stated = near.erfa_minus_rigorous_mas.abs().to_numpy()
    np.testing.assert_allclose(away, stated, rtol=1e-2, atol=1e-4)
