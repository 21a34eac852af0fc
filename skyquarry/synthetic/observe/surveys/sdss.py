"""SDSS DR18 PhotoObj: depths and seeing of York et al. 2000 and Gunn et al. 1998.

Zero points of fields scatter by 0.007 mag in g, r, i, 0.008 in z (Finkbeiner et al. 2016, ApJ
822, 66, from memory); with what a bright star adds, r-i of blue stars of DR14 is within 0.0115 mag
of their locus, and i-z within 0.020.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.synthetic import dust
from skyquarry.synthetic.observe.instruments import (
    Channel,
    Dates,
    Instrument,
    PhotonCentroids,
)
from skyquarry.synthetic.observe.noise import PER_MAG
from skyquarry.synthetic.observe.rows import Catalogue, Columns, Rows, mjd, single

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.synthetic.observe.measuring import Measured

    Floats = NDArray[np.float64]

INSTRUMENT: Final = Instrument(
    name="sdss",
    survey="sdss_dr18_photoobj",
    channels=(
        Channel("sdss_u", 22.15, 1.5, 12.0, 0.02, 0.013),
        Channel("sdss_g", 23.13, 1.4, 14.1, 0.005, 0.006),
        Channel("sdss_r", 22.70, 1.3, 14.1, 0.005, 0.006),
        Channel("sdss_i", 22.20, 1.25, 13.8, 0.005, 0.006),
        Channel("sdss_z", 20.71, 1.3, 12.3, 0.012, 0.008),
    ),
    reference="sdss_r",
    resolution_arcsec=1.2,
    threshold=5.0,
    detect=("sdss_u", "sdss_g", "sdss_r", "sdss_i", "sdss_z"),
    dates=Dates(1999.2, 2009.9, order=6),
    centroids=PhotonCentroids(floor_mas=45.0),
    offset_mas=15.0,
    spurious_deg2=1500.0,
    mask_mag=9.5,
    mask_arcsec=12.0,
    shape_floor=0.01,  # of bright stars, from memory
    fits_size=True,
)
BANDS: Final = "ugriz"
_SOFTENING: Final = dict(zip(BANDS, (1.4e-10, 0.9e-10, 1.2e-10, 1.8e-10, 7.4e-10), strict=True))
"""Stoughton et al. 2002, AJ 123, 485, table 21"""
SFD: Final = dict(zip(BANDS, (5.155, 3.793, 2.751, 2.086, 1.479), strict=True))
"""A / E(B-V) of the column extinction_*: Schlegel, Finkbeiner & Davis 1998, table 6"""
_EXTENDED_MAG: Final = 0.145
"""type is 3 above this difference of PSF and model magnitudes: Stoughton et al. 2002, 4.4.6"""
_SATURATED: Final = 1 << 18
PETRO_PARTS: Final = (0.994, 0.82)
"""part of the light of an exponential disc and a de Vaucouleurs profile in the Petrosian flux:
Graham et al. 2005, AJ 130, 1535, table 1"""


def asinh_mags(band: str, flux: Floats, error: Floats) -> tuple[Floats, Floats]:
    """Asinh magnitudes (n,), and errors: Lupton, Gunn & Szalay 1999, AJ 118, 1406."""
    soft = _SOFTENING[band] * 1e9
    scaled = flux / (2.0 * soft)
    mags = 22.5 - PER_MAG * (np.arcsinh(scaled) + np.log(soft))
    return mags, PER_MAG * error / (2.0 * soft) / np.hypot(1.0, scaled)


def _columns(rows: Rows) -> Columns:
    made = rows.measured
    told = _identity(rows) | {
        "ra": made.ra_deg,
        "dec": made.dec_deg,
        "raErr": single(1e-3 * made.error_mas[:, 0]),
        "decErr": single(1e-3 * made.error_mas[:, 1]),
        "mjd": np.floor(mjd(made.jyear)).astype(np.int32),
    }
    steep = _steep(rows)
    part = _petrosian_part(rows, steep)
    ebv = dust.total(rows.seed, made.ra_deg, made.dec_deg)  # of the map, not up to the source
    for number, band in enumerate(BANDS):
        fluxes = {
            "psf": (made.flux[:, number], made.flux_error[:, number]),
            "model": (made.total[:, number], made.total_error[:, number]),
            "petro": (part * made.total[:, number], 1.3 * made.total_error[:, number]),
        }
        for kind, (flux, error) in fluxes.items():
            mag, mag_error = asinh_mags(band, flux, error)
            told[f"{kind}Mag_{band}"] = single(mag)
            told[f"{kind}MagErr_{band}"] = single(mag_error)
        told[f"extinction_{band}"] = single(SFD[band] * ebv)
    return told | _shape(rows, steep)


def _identity(rows: Rows) -> Columns:
    """The objID as SkyServer packs it: sky version, rerun, run, camcol, field, object."""
    cell, made = rows.cell, rows.measured
    run, camcol, field = 94 + (cell >> 10), 1 + ((cell >> 8) & 3), 11 + (cell & 255)
    number = (2 << 59) | (301 << 48) | (run << 32) | (camcol << 29) | (field << 16) | rows.rank
    saturated = made.saturated.any(axis=1)
    return {
        "objID": number,
        "run": run.astype(np.int16),
        "rerun": np.full(len(rows), 301, np.int16),
        "camcol": camcol.astype(np.uint8),
        "field": field.astype(np.int16),
        "mode": np.ones(len(rows), np.uint8),
        "type": np.where(extended(rows.measured), 3, 6).astype(np.int16),
        "clean": (~saturated & (made.neighbour < 0.2)).astype(np.int32),
        "flags": np.where(saturated, _SATURATED, 0).astype(np.int64),
    }


def extended(measured: Measured) -> NDArray[np.bool_]:
    """Where the model finds more light than the PSF, over g, r and i together."""
    flux = measured.flux[:, 1:4].sum(axis=1)
    total = measured.total[:, 1:4].sum(axis=1)
    return np.asarray((total > 0) & (flux < total * 10 ** (-0.4 * _EXTENDED_MAG)))


def _steep(rows: Rows) -> Floats:
    """(n,) how much of the light follows a de Vaucouleurs profile, 0 to 1."""
    index = np.nan_to_num(rows.truth.sersic.astype(np.float64), nan=1.0)
    return np.clip((index - 1.0) / 3.0, 0.0, 1.0)


def _petrosian_part(rows: Rows, steep: Floats) -> Floats:
    """(n,) part of the light that the Petrosian flux has."""
    return np.where(
        extended(rows.measured), PETRO_PARTS[0] + (PETRO_PARTS[1] - PETRO_PARTS[0]) * steep, 1.0
    )


def _shape(rows: Rows, steep: Floats) -> Columns:
    """Radii as seen through the seeing, and the weight of the de Vaucouleurs fit."""
    seeing = 0.5 * INSTRUMENT.channels[2].fwhm_arcsec
    noise = 1.0 / np.maximum(rows.snr("sdss_r"), 1.0)
    half = np.hypot(rows.truth.half_light_arcsec * np.sqrt(rows.truth.axis_ratio), seeing)
    half = half * np.exp(np.clip(noise, 0.0, 0.5) * rows.normal("petroR50"))
    wide = 2.3 + 0.9 * steep
    weight = np.clip(steep + np.clip(2.0 * noise, 0.02, 1.0) * rows.normal("fracDeV"), 0.0, 1.0)
    return {
        "petroR50_r": single(half),
        "petroR90_r": single(half * wide * np.exp(0.05 * rows.normal("petroR90"))),
        "fracDeV_r": single(weight),
    }


CATALOGUE: Final = Catalogue(
    INSTRUMENT, "objID", _columns, magnitudes=tuple(f"psfMag_{band}" for band in BANDS)
)
