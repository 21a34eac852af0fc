"""Blocks at Galactic places, and real stars that many surveys saw."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
import pytest

from skyquarry.sky import healpix
from skyquarry.sky.frames import from_frame
from skyquarry.sky.vectors import to_radec, to_xyz
from skyquarry.synthetic.bands import BAND, BANDS
from skyquarry.synthetic.blocks import Block, limits_of
from skyquarry.synthetic.sources import Sources

LIMITS = limits_of({"sdss_g": 23.8, "sdss_r": 23.4, "gaia_g": 21.5, "twomass_ks": 17.2})
M67 = {
    "SDSS_u": "sdss_u", "SDSS_g": "sdss_g", "SDSS_r": "sdss_r", "SDSS_i": "sdss_i",
    "SDSS_z": "sdss_z", "PS_g": "ps1_g", "PS_r": "ps1_r", "PS_i": "ps1_i", "PS_z": "ps1_z",
    "PS_y": "ps1_y", "Gaia_G_DR2Rev": "gaia_g", "Gaia_BP_DR2Rev": "gaia_bp",
    "Gaia_RP_DR2Rev": "gaia_rp", "2MASS_J": "twomass_j", "2MASS_H": "twomass_h",
    "2MASS_Ks": "twomass_ks", "WISE_W1": "wise_w1", "WISE_W2": "wise_w2",
}  # fmt: skip


def block_at(lon_deg, lat_deg, seed=1, limits=LIMITS):
    at = from_frame(to_xyz(np.array([lon_deg]), np.array([lat_deg])), "galactic")
    return Block(int(healpix.index(*to_radec(at), 7)[0]), seed, limits)


def stars_at(populations, lon_deg, lat_deg, seeds=6):
    """Sources of several realisations of a block, and their area in square degrees."""
    blocks = [block_at(lon_deg, lat_deg, seed) for seed in range(seeds)]
    drawn = [each.drawn(block, block.generator(each.number))
             for block in blocks for each in populations]  # fmt: skip
    return Sources.concatenated(drawn), seeds * blocks[0].area_deg2


@pytest.fixture(scope="session")
def sky():
    """Functions that a test makes skies with."""
    return type("Sky", (), {"block": staticmethod(block_at), "stars": staticmethod(stars_at)})


@pytest.fixture(scope="session")
def field_of_m67(shared_data):
    """Members and field of M 67, north-west half: (n, 24) AB magnitudes without dust, r > 15."""
    table = pq.read_table(shared_data / "xmatch" / "m67_west" / "truth.parquet")
    ebv = table["phot_EBV"].to_numpy()
    mags = np.full((len(ebv), len(BANDS)), np.nan)
    for name, band in M67.items():
        told = table[f"phot_{name}"].to_numpy(zero_copy_only=False)
        known = BANDS[BAND[band]]
        mags[:, BAND[band]] = told + known.vega_to_ab - known.extinction * ebv
    sure = mags[:, BAND["sdss_r"]] > 15.0
    for name, worst in (("SDSS_g", 0.04), ("SDSS_u", 0.1), ("SDSS_z", 0.04), ("2MASS_Ks", 0.08)):
        sure &= table[f"phot_{name}_Err"].to_numpy(zero_copy_only=False) < worst
    return mags[sure]
