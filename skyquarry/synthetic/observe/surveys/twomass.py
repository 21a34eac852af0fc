"""2MASS PSC: Skrutskie et al. 2006, AJ 131, 1163; Explanatory Supplement, II.2.a."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.synthetic.observe.instruments import Channel, Dates, Instrument, PhotonCentroids
from skyquarry.synthetic.observe.names import designations, letters
from skyquarry.synthetic.observe.rows import Catalogue, Columns, Rows, mjd, single

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DEEPER: Final = 2.5 * np.log10(10.0 / 5.0)
"""depths are told for a signal to noise of 10, here for 5; 15.8, 15.1, 14.3 were required, and some
0.4 mag more reached where the sky is not crowded (from memory of the Explanatory Supplement)"""
INSTRUMENT: Final = Instrument(
    name="twomass",
    survey="twomass_psc",
    channels=(
        Channel("twomass_j", 16.25 + _DEEPER, 2.9, 9.0, 0.02, 0.011),
        Channel("twomass_h", 15.5 + _DEEPER, 2.8, 8.5, 0.02, 0.011),
        Channel("twomass_ks", 14.8 + _DEEPER, 2.9, 8.0, 0.02, 0.011),
    ),
    reference="twomass_j",
    resolution_arcsec=3.5,
    threshold=6.5,
    detect=("twomass_j", "twomass_h", "twomass_ks"),
    dates=Dates(1997.45, 2001.12, order=5),
    centroids=PhotonCentroids(floor_mas=65.0, factor=0.5),
    offset_mas=30.0,
    spurious_deg2=10.0,
    mask_mag=5.0,
    mask_arcsec=15.0,
)
_SHORT: Final = {"twomass_j": "j", "twomass_h": "h", "twomass_ks": "k"}
_QUALITY: Final = ((10.0, "A"), (7.0, "B"), (5.0, "C"), (3.0, "D"))
_LIMIT_SNR: Final = 3.0
"""below it a band tells an upper limit, without an error (ph_qual U)"""


def _columns(rows: Rows) -> Columns:
    made = rows.measured
    errors = 1e-3 * made.error_mas.max(axis=1)
    told: Columns = {
        "designation": designations(made.ra_deg, made.dec_deg),
        "ra": made.ra_deg,
        "dec": made.dec_deg,
        "err_maj": single(errors * (1.0 + 0.1 * rows.uniform("err"))),
        "err_min": single(errors),
        "err_ang": np.floor(180.0 * rows.uniform("angle")).astype(np.int16),
    }
    for band, name in _SHORT.items():
        told |= _band(rows, band, name)
    return told | _flags(rows)


def _band(rows: Rows, band: str, name: str) -> Columns:
    """Magnitude, errors, signal to noise; a limit where there is nothing."""
    there = rows.snr(band) >= _LIMIT_SNR
    error = np.where(there, rows.mag_error(band), np.nan)
    mag = np.where(there, rows.mag(band), rows.limit(band))
    return {
        f"{name}_m": single(mag),
        f"{name}_cmsig": single(error),
        f"{name}_msigcom": single(error),
        f"{name}_snr": single(np.where(there, rows.snr(band), np.nan)),
    }


def _quality(rows: Rows, band: str) -> NDArray[np.uint8]:
    """A letter of ph_qual."""
    letter = np.full(len(rows), ord("U"), np.uint8)
    for least, quality in reversed(_QUALITY):
        letter[rows.snr(band) >= least] = ord(quality)
    return letter


def _flags(rows: Rows) -> Columns:
    made, n = rows.measured, len(rows)
    read, blend = [], []
    for number, band in enumerate(_SHORT):
        there = rows.snr(band) >= _LIMIT_SNR
        digit = np.where(made.saturated[:, number], ord("1"), ord("2"))
        read.append(np.where(there, digit, ord("0")).astype(np.uint8))
        blended = np.where(made.neighbour > 0.05, ord("2"), ord("1"))
        blend.append(np.where(there, blended, ord("0")).astype(np.uint8))
    none = [np.full(n, ord("0"), np.uint8)] * 3
    extended = rows.truth.half_light_arcsec > 5.0
    return {
        "ph_qual": letters([_quality(rows, band) for band in _SHORT]),
        "rd_flg": letters(read),
        "bl_flg": letters(blend),
        "cc_flg": letters(none),
        "gal_contam": extended.astype(np.int16),
        "mp_flg": np.zeros(n, np.int16),
        "use_src": np.ones(n, np.int16),
        "jdate": mjd(made.jyear) + 2400000.5,
    }


CATALOGUE: Final = Catalogue(INSTRUMENT, "designation", _columns, magnitudes=("j_m", "h_m", "k_m"))
