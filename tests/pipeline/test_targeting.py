"""Spectra of a simulated SDSS: whom it would have chosen, and that one learns of those alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest

import skyquarry as sq
from skyquarry.errors import DataError
from skyquarry.pipeline.targeting import with_spectra
from skyquarry.sky.vectors import separation_arcsec, to_xyz

if TYPE_CHECKING:
    from pathlib import Path

    from skyquarry.engine.archive import Archive

AREA_DEG2 = np.pi * 0.4**2


@pytest.fixture(scope="module")
def sky(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    folder: Path = tmp_path_factory.mktemp("targets")
    return sq.simulate("CIRCLE 180 30 0.4", folder / "sky", seed=3, surveys=("sdss",))


@pytest.fixture(scope="module")
def rows(sky: Archive) -> pa.Table:
    return sky["sdss"].to_table()


def chosen(sky: Archive, rows: pa.Table) -> np.ndarray:
    ids = pa.table({"sdss_id": rows["objID"]})
    return with_spectra(ids, sky["sdss"], "sdss", 3)


def test_some_hundred_a_square_degree_get_a_spectrum_most_of_them_bright_galaxies(
    sky: Archive, rows: pa.Table
) -> None:
    taken = rows.filter(pa.array(chosen(sky, rows)))
    assert 60 < taken.num_rows / AREA_DEG2 < 160  # SDSS-I: 92 main galaxies, 12 red, 18 quasars
    petro = np.asarray(taken["petroMag_r"]) - np.asarray(taken["extinction_r"])
    galaxies = np.asarray(taken["type"]) == 3
    assert galaxies.mean() > 0.7
    assert ((petro < 17.77) & galaxies).sum() > 0.7 * galaxies.sum()
    assert petro[galaxies].max() < 19.5


def test_two_spectra_are_further_apart_than_two_fibres_with_few_exceptions(
    sky: Archive, rows: pa.Table
) -> None:
    taken = rows.filter(pa.array(chosen(sky, rows)))
    xyz = to_xyz(np.asarray(taken["ra"]), np.asarray(taken["dec"]))
    apart = separation_arcsec(xyz[:, None, :], xyz[None, :, :])
    np.fill_diagonal(apart, np.inf)
    assert (apart.min(axis=1) < 55.0).mean() < 0.1


def test_whether_an_object_has_a_spectrum_does_not_depend_on_what_else_is_asked(
    sky: Archive, rows: pa.Table
) -> None:
    told = chosen(sky, rows)
    some = np.random.default_rng(0).permutation(rows.num_rows)[:2_000]
    assert chosen(sky, rows.take(some)).tolist() == told[some].tolist()


def test_a_catalogue_that_is_not_a_simulated_sdss_is_refused(sky: Archive) -> None:
    ids = pa.table({"truth_id": pa.array([1])})
    with pytest.raises(DataError, match="whom SDSS would have"):
        with_spectra(ids, sky["truth"], "truth", 3)
