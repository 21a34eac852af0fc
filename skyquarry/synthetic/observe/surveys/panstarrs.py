"""Pan-STARRS1 3pi DR2, mean object: Chambers et al. 2016, arXiv:1612.05560, table 11."""

from __future__ import annotations

from typing import Final

import numpy as np

from skyquarry.synthetic.observe.instruments import Channel, Dates, Instrument, PhotonCentroids
from skyquarry.synthetic.observe.rows import Catalogue, Columns, Rows, mjd, single

INSTRUMENT: Final = Instrument(
    name="panstarrs",
    survey="panstarrs1",
    channels=(
        Channel("ps1_g", 23.3, 1.31, 14.5, 0.010, 0.008),
        Channel("ps1_r", 23.2, 1.19, 15.0, 0.010, 0.008),
        Channel("ps1_i", 23.1, 1.11, 15.0, 0.010, 0.008),
        Channel("ps1_z", 22.3, 1.07, 14.0, 0.010, 0.009),
        Channel("ps1_y", 21.4, 1.02, 13.0, 0.012, 0.010),
    ),
    reference="ps1_i",
    resolution_arcsec=1.0,
    threshold=6.5,
    detect=("ps1_g", "ps1_r", "ps1_i", "ps1_z"),
    dates=Dates(2011.5, 2014.0, order=6, seen_from_earth=False),
    centroids=PhotonCentroids(floor_mas=8.0),
    offset_mas=10.0,
    spurious_deg2=300.0,
    mask_mag=9.0,
    mask_arcsec=12.0,
    shape_floor=0.02,  # Kron over PSF magnitudes of bright stars, from memory
)
"""Mean of many nights: the parallaxes of the dates cancel"""


def _columns(rows: Rows) -> Columns:
    made = rows.measured
    number = (rows.cell << 16) | rows.rank
    told: Columns = {
        "objID": number,
        "raMean": made.ra_deg,
        "decMean": made.dec_deg,
        "raMeanErr": single(1e-3 * made.error_mas[:, 0]),
        "decMeanErr": single(1e-3 * made.error_mas[:, 1]),
        "epochMean": mjd(made.jyear),
        "nDetections": np.where(rows.real, 20 + 40 * rows.uniform("n"), 1).astype(np.int16),
        "qualityFlag": np.where(rows.truth.half_light_arcsec > 0.5, 53, 52).astype(np.uint8),
        "objInfoFlag": np.zeros(len(rows), np.int32),
        "primaryDetection": np.ones(len(rows), np.uint8),
    }
    for channel in INSTRUMENT.channels:
        told |= _band(rows, channel.band)
    return told


def _band(rows: Rows, band: str) -> Columns:
    """PSF and Kron magnitudes; null below a signal to noise of 3."""
    name, there = band[-1], rows.snr(band) >= 3.0
    observed = np.where(there, 5 + 8 * rows.uniform(f"n{name}"), 0).astype(np.int16)
    return {
        f"n{name}": observed,
        f"{name}MeanPSFMag": single(np.where(there, rows.mag(band), np.nan)),
        f"{name}MeanPSFMagErr": single(np.where(there, rows.mag_error(band), np.nan)),
        f"{name}MeanKronMag": single(np.where(there, rows.mag(band, total=True), np.nan)),
        f"{name}MeanKronMagErr": single(np.where(there, rows.mag_error(band, total=True), np.nan)),
    }


CATALOGUE: Final = Catalogue(
    INSTRUMENT,
    "objID",
    _columns,
    positions=("raMean", "decMean"),
    magnitudes=tuple(f"{band}MeanPSFMag" for band in "grizy"),
)
