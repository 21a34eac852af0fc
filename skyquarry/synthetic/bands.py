"""The 24 bands in which the truth is told: AB magnitudes, with the dust of our Galaxy in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_SF11 = "Schlafly & Finkbeiner 2011, ApJ 737, 103, table 6, R_V = 3.1"
_GAIA = "Casagrande & VandenBerg 2018, MNRAS 479, L102: mean coefficients, as in the role file"
_WISE = "Legacy Surveys DR10: Fitzpatrick 1999 curve scaled as by Schlafly & Finkbeiner 2011"


@dataclass(frozen=True, slots=True)
class Band:
    """A passband of a survey."""

    name: str
    filter: str
    """as speclite names its curve; empty where it has none"""
    wavelength_nm: float
    vega_to_ab: float
    """AB magnitude of a source of Vega magnitude 0; 0 where the survey itself tells AB"""
    extinction: float
    """A / E(B-V), E(B-V) on the scale of Schlegel, Finkbeiner & Davis 1998"""
    source: str
    """of the extinction"""


BANDS: Final = (
    Band("sdss_u", "sdss2010-u", 355.1, 0.0, 4.239, _SF11),
    Band("sdss_g", "sdss2010-g", 468.6, 0.0, 3.303, _SF11),
    Band("sdss_r", "sdss2010-r", 616.6, 0.0, 2.285, _SF11),
    Band("sdss_i", "sdss2010-i", 748.0, 0.0, 1.698, _SF11),
    Band("sdss_z", "sdss2010-z", 893.2, 0.0, 1.263, _SF11),
    Band("ps1_g", "", 481.0, 0.0, 3.172, _SF11),
    Band("ps1_r", "", 617.0, 0.0, 2.271, _SF11),
    Band("ps1_i", "", 752.0, 0.0, 1.682, _SF11),
    Band("ps1_z", "", 866.0, 0.0, 1.322, _SF11),
    Band("ps1_y", "", 962.0, 0.0, 1.087, _SF11),
    Band("gaia_g", "gaiadr3-G", 639.0, 0.1136, 2.740, _GAIA),
    Band("gaia_bp", "gaiadr3-BP", 518.0, 0.0155, 3.374, _GAIA),
    Band("gaia_rp", "gaiadr3-RP", 782.0, 0.3561, 2.035, _GAIA),
    Band("twomass_j", "twomass-J", 1235.0, 0.91, 0.723, _SF11),
    Band("twomass_h", "twomass-H", 1662.0, 1.39, 0.460, _SF11),
    Band("twomass_ks", "twomass-Ks", 2159.0, 1.85, 0.310, _SF11),
    Band("wise_w1", "wise2010-W1", 3353.0, 2.699, 0.184, _WISE),
    Band("wise_w2", "wise2010-W2", 4603.0, 3.339, 0.113, _WISE),
    Band("wise_w3", "wise2010-W3", 11561.0, 5.174, 0.0241, _WISE),
    Band("wise_w4", "wise2010-W4", 22088.0, 6.620, 0.0091, _WISE),
    Band("ukidss_y", "", 1031.0, 0.634, 0.990, "interpolated between PS1 y and UKIRT J"),
    Band("ukidss_j", "", 1248.0, 0.938, 0.709, _SF11),
    Band("ukidss_h", "", 1631.0, 1.379, 0.449, _SF11),
    Band("ukidss_k", "", 2201.0, 1.900, 0.302, _SF11),
)
"""UKIDSS: offsets of Hewett et al. 2006, MNRAS 367, 454, table 7; others as their surveys say."""
N_BANDS: Final = len(BANDS)
BAND: Final = {band.name: number for number, band in enumerate(BANDS)}
"""Place of a band in the last axis of magnitudes (n, 24)."""
