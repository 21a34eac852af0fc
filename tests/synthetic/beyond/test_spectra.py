"""Filter curves, spectra seen through them, distances."""

import numpy as np
import pytest
from astropy.cosmology import FlatLambdaCDM

from skyquarry.synthetic.bands import BAND, BANDS
from skyquarry.synthetic.beyond import cosmology, filters, spectra
from skyquarry.synthetic.beyond.spectra import STEP, WAVELENGTH_NM

Z = np.array([0.01, 0.1, 0.5, 1.0, 3.0, 6.0])


@pytest.mark.parametrize("band", [band for band in BANDS if not band.name.startswith("gaia")])
def test_each_curve_lies_where_its_band_is_said_to_be(band):
    weights = spectra.band_weights()[BAND[band.name]]
    middle = np.exp((weights * np.log(WAVELENGTH_NM)).sum())
    assert middle == pytest.approx(band.wavelength_nm, rel=0.015)


def test_a_flat_spectrum_has_the_same_magnitude_in_all_bands():
    flat = np.ones((1, len(WAVELENGTH_NM)))
    mags = spectra.magnitudes(spectra.band_fluxes(flat, np.array([0])))
    np.testing.assert_allclose(mags, 0.0, atol=1e-5)


def test_a_power_law_stays_one_at_any_redshift():
    law = WAVELENGTH_NM[None] ** 0.7
    shifts = np.array([0, 200, 900])
    fluxes = spectra.band_fluxes(law, shifts)[:, 0]
    grown = np.exp(STEP * shifts)[:, None] ** (1 - 0.7)
    np.testing.assert_allclose(fluxes / fluxes[0], np.broadcast_to(grown, fluxes.shape), rtol=1e-9)


def test_a_line_that_moves_into_a_band_is_seen_there():
    line = np.where(abs(WAVELENGTH_NM - 656.3) < 1.0, 1.0, 0.0)[None]
    at_rest, moved = spectra.band_fluxes(line, np.array([0, 320]))[:, 0]
    assert at_rest[BAND["sdss_r"]] > 0
    assert at_rest[BAND["sdss_z"]] == 0
    assert moved[BAND["sdss_z"]] > 0
    assert moved[BAND["sdss_r"]] == 0


def test_a_spectrum_per_wavelength_becomes_one_per_frequency():
    known = np.linspace(100, 20_000, 50_000)
    np.testing.assert_allclose(spectra.on_grid(known, known**-2.0)[600:5000], 1.0, rtol=1e-4)


def test_distances_and_volumes_are_those_of_astropy():
    judge = FlatLambdaCDM(H0=cosmology.H0, Om0=cosmology.OMEGA_M)
    np.testing.assert_allclose(cosmology.distance_modulus(Z), judge.distmod(Z).value, atol=1e-5)
    np.testing.assert_allclose(
        cosmology.kpc_per_arcsec(Z), judge.kpc_proper_per_arcmin(Z).value / 60, rtol=1e-6
    )
    shell = (judge.comoving_volume(1.0) - judge.comoving_volume(0.5)).value / (129_600 / np.pi)
    assert cosmology.volume_mpc3_deg2(0.5, 1.0) == pytest.approx(shell, rel=1e-6)


def test_a_package_that_is_missing_is_named(monkeypatch):
    monkeypatch.setattr(filters, "find_spec", lambda name: None)
    with pytest.raises(
        filters.UserError, match=r"speclite is not installed.*skyquarry\[simulate\]"
    ):
        filters.packaged("speclite", "data")
