"""UKIDSS Large Area Survey: Lawrence et al. 2007, MNRAS 379, 1599; Dye et al. 2006, table 1."""

from __future__ import annotations

from typing import Final

import numpy as np

from skyquarry.synthetic import dust
from skyquarry.synthetic.observe.instruments import Channel, Dates, Instrument, PhotonCentroids
from skyquarry.synthetic.observe.rows import Catalogue, Columns, Rows, single

INSTRUMENT: Final = Instrument(
    name="ukidss",
    survey="ukidss_las",
    channels=(
        Channel("ukidss_y", 20.2, 0.90, 11.5, 0.015, 0.015),
        Channel("ukidss_j", 19.6, 0.88, 11.3, 0.015, 0.015),
        Channel("ukidss_h", 18.8, 0.85, 11.5, 0.015, 0.015),
        Channel("ukidss_k", 18.2, 0.83, 10.5, 0.015, 0.015),
    ),
    reference="ukidss_k",
    resolution_arcsec=1.0,
    threshold=5.0,
    detect=("ukidss_y", "ukidss_j", "ukidss_h", "ukidss_k"),
    dates=Dates(2005.4, 2012.1, order=6),
    centroids=PhotonCentroids(floor_mas=50.0),
    offset_mas=40.0,
    spurious_deg2=150.0,
    mask_mag=9.0,
    mask_arcsec=12.0,
)
_COLUMNS: Final = {
    "ukidss_y": ("y", "yPetroMag"),
    "ukidss_j": ("j_1", "j_1PetroMag"),
    "ukidss_h": ("h", "hPetroMag"),
    "ukidss_k": ("k", "kPetroMag"),
}


def _columns(rows: Rows) -> Columns:
    made, n = rows.measured, len(rows)
    flux, total = made.flux.sum(axis=1), made.total.sum(axis=1)
    noise = made.total_error.sum(axis=1) / np.maximum(total, 1e-9)
    extended = (total > 0) & (flux < total * (0.9 - np.clip(noise, 0.0, 0.3)))
    galaxy = np.where(extended, 0.95, 0.05)
    told: Columns = {
        "sourceID": (433 << 46) | (rows.cell << 16) | rows.rank,
        "ra": made.ra_deg,
        "dec": made.dec_deg,
        "epoch": made.jyear,
        "priOrSec": np.zeros(n, np.int64),
        "mergedClass": np.where(extended, 1, -1).astype(np.int16),
        "pStar": single(1.0 - galaxy),
        "pGalaxy": single(galaxy),
        "eBV": single(dust.total(rows.seed, made.ra_deg, made.dec_deg)),
    }
    for band, (name, petro) in _COLUMNS.items():
        there = rows.snr(band) >= 3.0
        told[f"{name}AperMag3"] = single(np.where(there, rows.mag(band), np.nan))
        told[f"{name}AperMag3Err"] = single(np.where(there, rows.mag_error(band), np.nan))
        told[f"{name}ppErrBits"] = np.zeros(n, np.int32)
        told[petro] = single(np.where(there, rows.mag(band, total=True), np.nan))
    return told


CATALOGUE: Final = Catalogue(
    INSTRUMENT,
    "sourceID",
    _columns,
    magnitudes=tuple(f"{name}AperMag3" for name, _ in _COLUMNS.values()),
)
