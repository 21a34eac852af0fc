"""Simulated galaxies beside real ones: colours, their scatter, counts, redshifts, clustering."""

import itertools

import numpy as np
import pyarrow.parquet as pq
import pytest

from skyquarry.sky.vectors import to_xyz
from skyquarry.synthetic.bands import BAND
from skyquarry.synthetic.beyond.cosmology import distance_modulus, volume_mpc3_deg2
from skyquarry.synthetic.beyond.galaxies import WEB, Galaxies
from skyquarry.synthetic.beyond.galaxyseds import galaxy_table
from skyquarry.synthetic.beyond.luminosity import BLUE, RED
from skyquarry.synthetic.blocks import Block, limits_of
from skyquarry.synthetic.sources import Sources
from skyquarry.testing import realsky

SAMPLES = [
    ("sdss_dr14_10k", realsky.first_ten_thousand, (0.03, 0.05, 0.07, 0.09, 0.12)),
    ("sdss_dr17_10k", realsky.main_sample, (0.04, 0.08, 0.11, 0.14, 0.22)),
    ("sdss_dr17_10k", realsky.lowz, (0.10, 0.15, 0.20, 0.25, 0.30, 0.35, 0.40)),
    ("sdss_dr17_10k", realsky.cmass, (0.45, 0.50, 0.55, 0.60)),
]


@pytest.mark.parametrize(("name", "chosen", "edges"), SAMPLES)
def test_colours_by_redshift_are_those_of_real_galaxies(shared_data, galaxies, name, chosen, edges):
    real, z_real = realsky.spectroscopic(shared_data / "labels" / f"{name}.parquet", "GALAXY")
    made = realsky.as_sdss_sees(galaxies[0].mags[:, :5].astype(float), extended=True)
    z_made = galaxies[0].redshift
    for low, high in itertools.pairwise(edges):
        ours = realsky.colours(made[chosen(made) & (z_made >= low) & (z_made < high)])
        theirs = realsky.colours(real[chosen(real) & (z_real >= low) & (z_real < high)])
        off = abs(np.median(ours, axis=0) - np.median(theirs, axis=0))
        luck = 1.25 * realsky.half_width(theirs) / np.sqrt(len(theirs))
        assert (off[1:] <= 0.1 + luck[1:]).all(), (low, off, luck)
        assert off[1:].mean() <= 0.05 + luck[1:].mean(), (low, off, luck)
        if "10k" in name and chosen in (realsky.first_ten_thousand, realsky.main_sample):
            assert off[0] <= 0.12 + 2 * luck[0], (low, off, luck)


@pytest.mark.parametrize(("name", "chosen", "edges"), SAMPLES[:2])
def test_colours_scatter_as_much_as_those_of_real_galaxies(
    shared_data, galaxies, name, chosen, edges
):
    real, z_real = realsky.spectroscopic(shared_data / "labels" / f"{name}.parquet", "GALAXY")
    made = realsky.as_sdss_sees(galaxies[0].mags[:, :5].astype(float), extended=True)
    z_made = galaxies[0].redshift
    ratios = []
    for low, high in itertools.pairwise(edges):
        ours = realsky.colours(made[chosen(made) & (z_made >= low) & (z_made < high)])
        theirs = realsky.colours(real[chosen(real) & (z_real >= low) & (z_real < high)])
        ratios.append(realsky.half_width(ours) / realsky.half_width(theirs))
    assert abs(np.mean(ratios, axis=0)[:3] - 1).max() < 0.2, np.round(ratios, 2)


def test_luminous_galaxies_are_as_often_blue_as_those_of_the_main_sample(shared_data, galaxies):
    """At redshift 0.11 to 0.22, where M_r is -21.5 to -22.5: the bluest sixth in g-r."""
    path = shared_data / "labels" / "sdss_dr17_10k.parquet"
    real, z_real = realsky.spectroscopic(path, "GALAXY")
    made = realsky.as_sdss_sees(galaxies[0].mags[:, :5].astype(float), extended=True)
    sixths = [
        np.percentile(
            realsky.colours(m[realsky.main_sample(m) & (z > 0.11) & (z < 0.22)])[:, 1], 16
        )
        for m, z in ((real, z_real), (made, galaxies[0].redshift))
    ]
    assert sixths[0] == pytest.approx(sixths[1], abs=0.06)


def test_near_infrared_colours_are_those_of_sdss_galaxies_with_2mass(shared_data):
    told = pq.read_table(shared_data / "labels" / "gst_galaxies.parquet")
    z = told["Z"].to_numpy().astype(float)
    dim = np.stack([told[f"EXTINCTION_{k}"].to_numpy() for k in range(5)], axis=1)
    flux = np.stack([told[f"MODELFLUX_{k}"].to_numpy() for k in range(5)], axis=1)
    near = np.stack([told[f"{k}_M_EXT"].to_numpy() for k in "JHK"], axis=1)
    near += np.array([0.91, 1.39, 1.85]) - np.array([0.723, 0.460, 0.310]) * dim[:, 2:3] / 2.285
    good = (flux > 0).all(axis=1) & (z > 0.02) & (z < 0.2)
    real = 22.5 - 2.5 * np.log10(flux[good].astype(float)) - dim[good]
    steps = np.arange(0.5, 3.0, 0.1)
    modelled = np.stack([
        galaxy_table().at(z[good], np.full(good.sum(), step), np.zeros(good.sum()))
        for step in steps
    ])  # fmt: skip
    seen = [BAND[f"sdss_{band}"] for band in "griz"]
    off = modelled[:, :, seen] - real[:, 1:]
    misfit = (off - off.mean(axis=2, keepdims=True)).std(axis=2)
    best = misfit.argmin(axis=0)
    which = np.arange(good.sum())
    ours = modelled[best, which]
    shift = (real[:, 1:] - ours[:, seen]).mean(axis=1)
    left = near[good] - ours[:, [BAND[f"twomass_{band}"] for band in ("j", "h", "ks")]]
    for red in (False, True):
        some = (steps[best] > 2.2) == red
        assert abs(np.median(left[some] - shift[some, None], axis=0)).max() < 0.1


# ------------------------------------------------------------------ how many there are
COUNTS = [
    # faint limit in r, galaxies a square degree, source
    (17.77, 92, "main galaxy sample: Strauss et al. 2002, AJ 124, 1810"),
    (19.8, 1050, "GAMA: Driver et al. 2011, MNRAS 413, 971, and Liske et al. 2015 (from memory)"),
]


@pytest.mark.parametrize(("limit", "number", "source"), COUNTS)
def test_as_many_galaxies_as_spectroscopic_surveys_have_found(galaxies, limit, number, source):
    made, area = galaxies
    bright = made.mags[:, BAND["sdss_r"]] - 2.285 * made.ebv < limit
    assert bright.sum() / area == pytest.approx(number, rel=0.3), source


def expected_galaxies():
    """(redshift, i, K, weight per deg2) of a field without chance, i < 24."""
    edges = np.expm1(np.linspace(0.004, 1.25, 70))
    middle = np.sqrt(edges[1:] * edges[:-1])
    z, m = (a.ravel() for a in np.meshgrid(middle, np.arange(-25, -13, 0.1), indexing="ij"))
    volume = np.repeat(volume_mpc3_deg2(edges[:-1], edges[1:]), 120)
    parts = []
    for sequence in (RED, BLUE):
        number = sequence.density(m, z) * 0.1 * volume
        mean, width = sequence.colour(m, z)
        for sigmas, share in ((-1.22, 1 / 6), (0.0, 2 / 3), (1.22, 1 / 6)):
            mags = galaxy_table().at(z, mean + 1.4 * sigmas * width, np.zeros(len(z)))
            mags += (m + distance_modulus(z))[:, None]
            parts.append((z, mags[:, BAND["sdss_i"]], mags[:, BAND["ukidss_k"]], number * share))
    return [np.concatenate(each) for each in zip(*parts, strict=True)]


def test_counts_in_i_and_k_are_those_of_cosmos2020():
    """Weaver et al. 2022, ApJS 258, 11, table 2 ("Farmer"): log10 of galaxies a mag and deg2."""
    _, i, k, number = expected_galaxies()
    published = {
        "i": (i, [3.01, 3.23, 3.44, 3.64, 3.85, 4.03, 4.21, 4.38]),
        "K": (k, [3.64, 3.85, 4.03]),
    }
    for band, (mags, logs) in published.items():
        for place, log in enumerate(logs):
            center = 19.25 + 0.5 * place
            ours = number[abs(mags - center) < 0.25].sum() / 0.5
            assert ours / 10**log == pytest.approx(1, abs=0.3), (band, center)


def test_redshifts_are_those_of_vvds_at_the_same_depth(shared_data):
    told = pq.read_table(shared_data / "labels" / "vvds_wide.parquet")
    z_real, i_real, flag = (
        told[f"ds_spectra.{name}"].to_numpy() for name in ("Z", "MAGI", "ZFLAGS")
    )
    real = z_real[(z_real > 0.002) & (i_real > 17.5) & (i_real < 22.5) & (flag < 10)]
    z, i, _, number = expected_galaxies()
    some = (i > 17.5) & (i < 22.5)
    order = np.argsort(z[some])
    rising = np.cumsum(number[some][order])
    for part in (0.1, 0.25, 0.5, 0.75, 0.9):
        ours = z[some][order][np.searchsorted(rising, part * rising[-1])]
        assert ours == pytest.approx(np.quantile(real, part), rel=0.12)


# ------------------------------------------------------------------ how they crowd
def test_galaxies_crowd_as_those_of_sdss_do():
    """w(theta) of 20 < r < 21: 10^-2.24 theta^-0.7 (Connolly et al. 2002, table 1, from memory)."""
    from scipy.spatial import cKDTree

    limits = limits_of({"sdss_r": 21.05})
    galaxies = Galaxies()
    parts = [
        galaxies.drawn(b, b.generator(20))
        for b in (Block(76_800 + k, 5, limits) for k in range(64))
    ]
    made = Sources.concatenated(parts)
    some = (made.mags[:, 2] > 20) & (made.mags[:, 2] < 21)
    ours = cKDTree(to_xyz(made.ra_deg[some], made.dec_deg[some]))
    everywhere = [
        Block(76_800 + k, 5, limits).uniform(1500, np.random.default_rng(k)) for k in range(64)
    ]
    random = cKDTree(to_xyz(*(np.concatenate(each) for each in zip(*everywhere, strict=True))))
    theta_deg = np.array([0.012, 0.03, 0.08, 0.2])
    chords = 2 * np.sin(np.radians(theta_deg) / 2)
    pairs = [np.diff(a.count_neighbors(b, chords)) / a.n / b.n
             for a, b in ((ours, ours), (ours, random), (random, random))]  # fmt: skip
    w = (pairs[0] - 2 * pairs[1] + pairs[2]) / pairs[2]
    published = 10**-2.24 * np.sqrt(theta_deg[1:] * theta_deg[:-1]) ** -0.7
    assert (w / published > 0.5).all()
    assert (w / published < 2.0).all()


def test_the_mean_density_over_the_sky_is_that_of_the_luminosity_function():
    limits = limits_of({"sdss_r": 10.0})
    means = [WEB.densities(Block(97 * k, 1, limits), 1.15).mean(axis=1) for k in range(500)]
    assert np.mean(means) == pytest.approx(1.0, abs=0.03)
