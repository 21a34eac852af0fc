"""AllWISE: Wright et al. 2010, AJ 140, 1868; Explanatory Supplement II.1.a, II.2.

W1 and W2 are 95 % complete at 17.1 and 15.7 (Explanatory Supplement, II.2.c): signal to noise 5 is
reached some 0.3 to 0.4 mag below that; 16.9 and 16.0 are the guaranteed, not the typical depths.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.synthetic.observe.instruments import Channel, Dates, Instrument, PhotonCentroids
from skyquarry.synthetic.observe.names import constant, digits, letters, sexagesimal
from skyquarry.synthetic.observe.rows import Catalogue, Columns, Rows, mjd, single

if TYPE_CHECKING:
    from numpy.typing import NDArray

INSTRUMENT: Final = Instrument(
    name="allwise",
    survey="allwise",
    channels=(
        Channel("wise_w1", 17.4, 6.1, 8.1, 0.022, 0.012),
        Channel("wise_w2", 16.1, 6.4, 6.7, 0.020, 0.012),
        Channel("wise_w3", 11.5, 6.5, 3.8, 0.015, 0.015),
        Channel("wise_w4", 8.0, 12.0, -0.4, 0.015, 0.02),
    ),
    reference="wise_w1",
    resolution_arcsec=5.0,
    threshold=5.0,
    detect=("wise_w1", "wise_w2"),
    dates=Dates(2010.05, 2010.95, order=4),
    centroids=PhotonCentroids(floor_mas=35.0, factor=0.35),
    offset_mas=15.0,
    spurious_deg2=100.0,
    mask_mag=8.5,
    mask_arcsec=15.0,
    leak=0.05,
)
_BANDS: Final = ("w1", "w2", "w3", "w4")
_LIMIT_SNR: Final = 2.0
"""below it a band tells a 95 % limit, without an error: Explanatory Supplement II.1.a, w?mpro"""


def _columns(rows: Rows) -> Columns:
    made = rows.measured
    cosine = 0.25 * np.tanh(rows.normal("sigradec"))
    sigra, sigdec = 1e-3 * made.error_mas.T
    told: Columns = {
        "designation": letters(
            [*constant("J", len(rows)), *sexagesimal(made.ra_deg, made.dec_deg)]
        ),
        "source_id": letters(
            [*digits(rows.cell, 7), *constant("_ac51-", len(rows)), *digits(rows.rank, 6)]
        ),
        "cntr": (rows.cell << 16) | rows.rank,
        "ra": made.ra_deg,
        "dec": made.dec_deg,
        "sigra": single(sigra),
        "sigdec": single(sigdec),
        "sigradec": single(np.sign(cosine) * np.sqrt(np.abs(cosine) * sigra * sigdec)),
    }
    for name in _BANDS:
        told |= _band(rows, name)
    return told | _flags(rows) | _motion(rows)


def _band(rows: Rows, name: str) -> Columns:
    band = f"wise_{name}"
    there = rows.snr(band) >= _LIMIT_SNR
    wide = np.hypot(1.0, 0.05 * rows.snr(band) * (1.0 - _roundness(rows, band)))
    return {
        f"{name}mpro": single(np.where(there, rows.mag(band), rows.limit(band))),
        f"{name}sigmpro": single(np.where(there, rows.mag_error(band), np.nan)),
        f"{name}snr": single(rows.snr(band)),
        f"{name}rchi2": single(wide * np.exp(0.1 * rows.normal(f"{name}rchi2"))),
    }


def _roundness(rows: Rows, band: str) -> NDArray[np.float64]:
    """PSF flux over all: 1 for a point."""
    number, made = rows.instrument.channel(band), rows.measured
    with np.errstate(divide="ignore", invalid="ignore"):
        part = made.flux[:, number] / made.total[:, number]
    return np.clip(np.nan_to_num(part, nan=1.0), 0.0, 1.0)


def _flags(rows: Rows) -> Columns:
    made, n = rows.measured, len(rows)
    quality = []
    for name in _BANDS:
        letter = np.full(n, ord("U"), np.uint8)
        for least, told in ((2.0, "C"), (3.0, "B"), (10.0, "A")):
            letter[rows.snr(f"wise_{name}") >= least] = ord(told)
        quality.append(letter)
    blended = made.neighbour > 0.1
    return {
        "nb": np.where(blended, 2, 1).astype(np.int32),
        "na": np.zeros(n, np.int32),
        "cc_flags": letters(constant("0000", n)),
        "ext_flg": (rows.truth.half_light_arcsec > 8.0).astype(np.int32),
        "var_flg": letters(constant("0000", n)),
        "ph_qual": letters(quality),
        "w1mjdmean": mjd(made.jyear),
        "w2mjdmean": mjd(made.jyear),
    }


def _motion(rows: Rows) -> Columns:
    """The apparent motion over half a year: some 1,000 times as uncertain as a year's position."""
    error = np.clip(4.0 * rows.measured.error_mas, 30.0, 30000.0)
    true = np.stack([rows.truth.pmra_masyr, rows.truth.pmdec_masyr], axis=1)
    noise = np.stack([rows.normal("pmra"), rows.normal("pmdec")], axis=1)
    told = np.rint(np.where(rows.real[:, None], true, 0.0) + error * noise).astype(np.int32)
    sigma = np.ceil(error).astype(np.int32)
    return {
        "pmra": told[:, 0],
        "sigpmra": sigma[:, 0],
        "pmdec": told[:, 1],
        "sigpmdec": sigma[:, 1],
    }


CATALOGUE: Final = Catalogue(
    INSTRUMENT, "source_id", _columns, magnitudes=tuple(f"{name}mpro" for name in _BANDS)
)
