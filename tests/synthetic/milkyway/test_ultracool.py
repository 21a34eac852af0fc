"""Dwarfs from M7 to T8, against those of SIMPLE that nothing was set by."""

import zlib
from itertools import pairwise

import numpy as np
import pyarrow.parquet as pq
import pytest

from skyquarry.synthetic.bands import BAND, BANDS
from skyquarry.synthetic.blocks import limits_of
from skyquarry.synthetic.milkyway import browndwarfs, mainsequence, ultracool
from skyquarry.synthetic.milkyway.discs import HALO, SUN_HEIGHT_PC, SUN_RADIUS_PC, THICK, THIN
from skyquarry.synthetic.milkyway.locus import vega
from skyquarry.synthetic.milkyway.mainsequence import MainSequence
from skyquarry.synthetic.sources import Kind

SIMPLE = {
    "PAN-STARRS/PS1.i": "ps1_i", "PAN-STARRS/PS1.z": "ps1_z", "PAN-STARRS/PS1.y": "ps1_y",
    "2MASS.J": "twomass_j", "2MASS.H": "twomass_h", "2MASS.Ks": "twomass_ks", "WISE.W1": "wise_w1",
    "WISE.W2": "wise_w2", "WFCAM.Y": "ukidss_y", "WFCAM.J": "ukidss_j", "GAIA3.G": "gaia_g",
    "GAIA3.Grp": "gaia_rp",
}  # fmt: skip
COLOURS = (
    ("ps1_i", "ps1_z"), ("ps1_z", "ps1_y"), ("ps1_y", "twomass_j"), ("twomass_j", "twomass_ks"),
    ("twomass_ks", "wise_w1"), ("wise_w1", "wise_w2"), ("ps1_z", "wise_w1"),
    ("gaia_g", "twomass_j"), ("gaia_g", "gaia_rp"), ("ukidss_y", "ukidss_j"),
    ("twomass_j", "ukidss_j"),
)  # fmt: skip
TYPES = (17.0, 18.0, 19.0, 20.0, 21.0, 23.0, 27.0, 30.0, 39.0)
COPIES = 40


@pytest.fixture(scope="module")
def unseen(shared_data):
    """Types (n,), magnitudes and errors (n, 24) of the half of SIMPLE that nothing was set by."""
    folder = shared_data / "labels"
    table = pq.read_table(folder / "ultracool_simple.parquet").to_pydict()
    rows = pq.read_table(folder / "ultracool_simple_photometry.parquet").to_pydict()
    place = {}
    for source, kind, ra, dec in zip(
        *(table[name] for name in ("source", "spt_code", "ra", "dec")), strict=True
    ):
        if kind is not None and TYPES[0] <= kind - 50.0 < TYPES[-1] and half(ra, dec):
            place[source] = (len(place), kind - 50.0)
    mags = np.full((2, len(place), len(BANDS)), np.nan)
    names = ("source", "band", "magnitude", "magnitude_error")
    for source, band, mag, error in zip(*(rows[name] for name in names), strict=True):
        if source in place and band in SIMPLE and mag is not None and error is not None:
            mags[:, place[source][0], BAND[SIMPLE[band]]] = mag, error
    return np.array([kind for _, kind in place.values()]), *mags


def half(ra, dec):
    """Of which half a place is: 1 was kept for tests (design/ultracool.py)."""
    from skyquarry.learn.splits import sky_groups

    cell = int(sky_groups(np.array([ra]), np.array([dec]), 4)[0])
    return zlib.crc32(str(cell).encode()) & 1


def drawn(kinds, random):
    """(n, 24) as their surveys tell them, of dwarfs of these types."""
    late = kinds < 20.0
    mags = np.empty((len(kinds), len(BANDS)))
    known = mainsequence.knots()
    place = np.interp(kinds[late], known.spectral_type, np.arange(len(known.mags)))
    feh = random.normal(THIN.feh, THIN.feh_sigma, late.sum())
    mags[late] = mainsequence._Dwarfs(place, 1.0).light(feh, random)[0]
    place = np.minimum(kinds[~late] - 20.0, 17.999)
    mags[~late] = browndwarfs._Dim(place).light(np.zeros(len(place)), random)[0]
    return vega(mags)


def spread(values):
    low, high = np.percentile(values, [16, 84])
    return 0.5 * (high - low)


@pytest.mark.parametrize(("low", "high"), list(pairwise(TYPES)))
def test_medians_and_scatter_are_those_of_real_dwarfs(low, high, unseen):
    random = np.random.default_rng(3)
    kinds, mags, errors = (each[(unseen[0] >= low) & (unseen[0] < high)] for each in unseen)
    # a dwarf that is told to be of one type may be of another
    true = np.repeat(kinds, COPIES)
    true = true + ultracool.TYPE_ERROR * random.standard_normal(len(true))
    model, compared = drawn(true, random), 0
    for blue, red in COLOURS:
        a, b = BAND[blue], BAND[red]
        error = np.hypot(errors[:, a], errors[:, b])
        known = np.flatnonzero(error < 0.15)
        if len(known) < 15:
            continue
        real = (mags[:, a] - mags[:, b])[known]
        made = (model[:, a] - model[:, b]).reshape(-1, COPIES)[known]
        made += error[known][:, None] * random.standard_normal(made.shape)
        # the errors of a median and of a spread of so many, and what is left of the fit
        off, many = np.median(real) - np.median(made), np.sqrt(len(known))
        assert abs(off) < 3.75 * spread(made) / many + 0.05, (blue, red)
        assert abs(spread(real) / spread(made) - 1.0) < 3.0 / many + 0.25, (blue, red)
        compared += 1
    assert compared >= 7


def test_m_dwarfs_pass_into_l_dwarfs():
    random, n = np.random.default_rng(4), 40_000
    last, first = (drawn(np.full(n, kind), random) for kind in (19.999, 20.0))
    for band in ("ps1_i", "ps1_z", "ps1_y", "twomass_h", "twomass_ks", "wise_w1", "wise_w2"):
        colours = [each[:, BAND[band]] - each[:, BAND["twomass_j"]] for each in (last, first)]
        assert np.median(colours[0]) == pytest.approx(np.median(colours[1]), abs=0.015)
        assert spread(colours[0]) == pytest.approx(spread(colours[1]), rel=0.05)
    j = [np.median(each[:, BAND["twomass_j"]]) for each in (last, first)]
    assert j[0] == pytest.approx(j[1], abs=0.1)


def test_stars_are_there_to_the_first_of_the_l_dwarfs(sky):
    model, limits = MainSequence(THIN, 1), limits_of({"ukidss_j": 20.0})
    blocks = [sky.block(120, 50, seed, limits) for seed in range(30)]
    found = [model.drawn(each, each.generator(1)).spectral_type for each in blocks]
    kinds = np.concatenate(found)
    assert kinds.max() < 20.0
    assert (kinds > 18.0).sum() > 30
    assert (kinds > 19.5).any()
    known = mainsequence.knots()
    per_subtype = known.numbers / np.diff(known.spectral_type)
    assert per_subtype[-1] > browndwarfs.types().numbers[0]
    assert known.spectral_type[-1] == 20.0


def test_as_many_are_about_the_sun_as_were_counted():
    height, at = np.array([SUN_HEIGHT_PC]), (np.array([SUN_RADIUS_PC]), np.zeros(1))
    here = sum(float(each.density(*at, height)[0]) for each in (THIN, THICK, HALO))
    known, brown = mainsequence.knots(), browndwarfs.types()
    late = known.numbers[known.spectral_type[:-1] >= 17.0].sum()
    # Cruz et al. 2007, AJ 133, 439: M7 to M9.5
    assert here * late == pytest.approx(4.9e-3, rel=0.01)
    # Best et al. 2021, AJ 161, 42: L0 to T8
    assert here * brown.numbers.sum() == pytest.approx(8.4e-3, rel=0.10)


def test_one_dwarf_has_one_light_in_bands_of_one_wavelength():
    random = np.random.default_rng(5)
    off = ultracool.scatter(np.full(5_000, 19.0), random)
    for one, other in (("twomass_j", "ukidss_j"), ("sdss_i", "ps1_i"), ("ps1_y", "ukidss_y")):
        assert np.std(off[:, BAND[one]] - off[:, BAND[other]]) < 0.04


def test_brown_dwarfs_stay_brown_dwarfs(sky):
    model = browndwarfs.BrownDwarfs(THIN, 11)
    block = sky.block(120, 50)
    found = model.drawn(block, block.generator(11))
    assert (found.kind == Kind.BROWN_DWARF).all()
    assert (found.spectral_type >= 20.0).all()
