"""What surveys make of a truth that is known."""

from dataclasses import replace

import numpy as np
import pytest

from skyquarry.sky import healpix
from skyquarry.sky.ranges import Ranges
from skyquarry.sky.vectors import separation_arcsec, to_xyz
from skyquarry.surveys.load import load
from skyquarry.synthetic import dust
from skyquarry.synthetic.bands import BAND, BANDS, N_BANDS
from skyquarry.synthetic.blocks import BLOCK_ORDER
from skyquarry.synthetic.observe.instruments import Dates
from skyquarry.synthetic.observe.light import Shapes
from skyquarry.synthetic.observe.measuring import measured
from skyquarry.synthetic.observe.observing import observed
from skyquarry.synthetic.observe.surveys import CATALOGUES
from skyquarry.synthetic.sources import Kind, Sources

BLOCK = 81_000
RA, DEC = (float(each[0]) for each in healpix.center(np.array([BLOCK]), BLOCK_ORDER))
SDSS, WISE = (replace(CATALOGUES[name].instrument, lost_fields=0.0) for name in ("sdss", "allwise"))


def flat(mag):
    """Magnitudes of a source that is as bright in every band."""
    return np.full(N_BANDS, mag, np.float32)


def stars(east, north, mags, **known):
    """Points at offsets in arcseconds from the middle of the block."""
    n = len(mags)
    ra = RA + np.asarray(east) / 3600 / np.cos(np.radians(DEC))
    dec = DEC + np.asarray(north) / 3600
    all_mags = np.repeat(np.asarray(mags, np.float32)[:, None], N_BANDS, axis=1)
    return Sources.of(n, ra_deg=ra, dec_deg=dec, mags=all_mags, kind=Kind.MAIN_SEQUENCE, **known)


def seen(sources, instrument=SDSS, seed=1):
    ids = np.arange(len(sources)) + 1000
    return measured(instrument, sources, ids, seed=seed, home=np.ones(len(sources), bool))


def within(*blocks):
    return Ranges.from_cells(BLOCK_ORDER, np.array(blocks or [BLOCK]))


def grid(n, mag, apart=20.0, **known):
    east, north = (each.ravel() * apart for each in np.mgrid[:n, :n] - n / 2)
    return stars(east, north, np.full(n * n, mag), **known)


def test_fluxes_scatter_as_their_errors_say():
    made, _ = seen(grid(50, 20.0))
    pull = (made.flux[:, 2] - 10.0) / made.flux_error[:, 2]
    field = np.median(pull) * made.flux_error[0, 2] / 10.0
    assert abs(np.std(pull) - 1) < 0.05
    assert abs(field) < 0.04  # the zero point of the one field


def test_a_source_at_the_depth_has_a_signal_to_noise_of_five():
    made, _ = seen(grid(20, SDSS.channels[2].depth - 0.01))
    assert np.median(made.snr[:, 2]) == pytest.approx(5, rel=0.1)


def test_faint_sources_are_lost_and_bright_ones_are_not():
    made, _ = seen(stars([0, 30, 60], [0, 0, 0], [18.0, 22.5, 25.0]))
    assert set(made.source) >= {0, 1}
    assert 2 not in made.source


def test_two_sources_within_the_resolution_become_one_between_them():
    pair = stars([0, 0.8], [0, 0], [19.0, 19.5])
    made, links = seen(pair)
    assert len(made) == 1
    share = 10 ** (-0.4 * 0.5) * np.exp(-(0.8**2) / (4 * (1.3 / 2.3548) ** 2))
    assert made.flux[0, 2] == pytest.approx(10 ** (0.4 * 3.5) * (1 + share), rel=0.06)
    offset = (made.ra_deg[0] - RA) * 3600 * np.cos(np.radians(DEC))
    assert offset == pytest.approx(0.8 * share / (1 + share), abs=0.2)
    assert links.source.tolist() == [0, 1]
    assert links.share.sum() == pytest.approx(1)


def test_two_sources_further_apart_are_two():
    made, links = seen(stars([0, 5.0], [0, 0], [19.0, 19.5]))
    assert len(made) == 2
    assert links.share.tolist() == pytest.approx([1, 1], abs=0.01)


@pytest.mark.parametrize(("faint", "rows"), [(14.5, 2), (18.0, 1)])
def test_what_is_left_of_a_bright_star_is_no_row_of_a_faint_one(faint, rows):
    """At 6" AllWISE leaves 1.2 per cent of it, as of a star 4.8 magnitudes fainter."""
    pair = stars([0.0, 6.0], [0.0, 0.0], [12.0, faint])
    made, links = seen(pair, WISE)
    assert made.source.tolist() == [0, 1][:rows]
    assert links.source.tolist() == [0, 1][:rows]
    assert np.abs(made.ra_deg - pair.ra_deg[:rows]).max() * 3600 * np.cos(np.radians(DEC)) < 1.0


def test_what_wise_blends_sdss_tells_apart():
    pair = stars([0, 4.0], [0, 0], [17.0, 17.2])
    assert len(seen(pair)[0]) == 2
    assert len(seen(pair, WISE)[0]) == 1


def test_positions_scatter_more_than_their_errors_say():
    sharp = replace(SDSS, offset_mas=0.0, understated=1.3)
    truth = grid(50, 18.0)
    made, _ = seen(truth, sharp)
    north = (made.dec_deg - truth.dec_deg[made.source]) * 3.6e6 / made.error_mas[:, 1]
    assert np.std(north) == pytest.approx(1.3, rel=0.05)


def test_a_star_is_seen_where_it_was_on_the_date():
    moving = stars([0], [0], [17.0], pmdec_masyr=2000.0)
    early = replace(SDSS, dates=Dates(2000.0, 2000.0, seen_from_earth=False))
    made, _ = seen(moving, early)
    assert (made.dec_deg[0] - DEC) * 3600 == pytest.approx(-32, abs=0.4)


def test_a_near_star_swings_with_the_earth():
    near = stars([0], [0], [17.0], parallax_mas=400.0)
    times = np.linspace(2016, 2017, 13)
    at = [replace(SDSS, dates=Dates(t, t), offset_mas=0.0, understated=0.0) for t in times]
    dec = np.array([seen(near, each)[0].dec_deg[0] for each in at])
    swing = np.ptp(dec) * 3600
    assert 0.3 < swing < 0.85


def sersic(index, edge):
    """Radii over the half-light radius and the light in rings there, of a profile with an edge."""
    from scipy.special import gammainc, gammaincinv

    edges = np.geomspace(1e-5, edge, 4000)
    within = gammainc(2 * index, gammaincinv(2 * index, 0.5) * edges ** (1 / index))
    half = np.interp(0.5 * within[-1], within, edges)
    return np.sqrt(edges[1:] * edges[:-1]) / half, np.diff(within) / (within[-1] - within[0])


@pytest.mark.parametrize(("index", "edge", "near"), [(1.0, 4.0, 0.01), (4.0, 8.0, 0.06)])
@pytest.mark.parametrize("half", [0.15, 0.37, 1.0, 2.5])
def test_a_psf_finds_of_a_galaxy_what_it_finds_of_the_true_profile(index, edge, near, half):
    radius, light = sersic(index, edge)
    shape = Shapes.of(stars([0], [0], [18.0], half_light_arcsec=half, sersic=index))
    wide = 1.3 / np.sqrt(8 * np.log(2))
    exact = (light * np.exp(-((half * radius / wide) ** 2) / 4)).sum()
    assert shape.overlap(1.3)[0] == pytest.approx(exact, rel=near)


@pytest.mark.parametrize(("index", "edge", "near"), [(1.0, 4.0, 0.01), (4.0, 8.0, 0.05)])
@pytest.mark.parametrize("half", [0.15, 1.0, 2.5])
def test_a_model_takes_in_as_much_sky_as_the_seen_profile_is_flatter(index, edge, near, half):
    """Integrals of squares, by Parseval's theorem over spatial frequencies."""
    from scipy.special import j0

    radius, light = sersic(index, edge)
    k = np.geomspace(1e-3, 30, 800)
    psf = np.exp(-((k * 1.3) ** 2) / (16 * np.log(2)))
    profile = np.array([(light * j0(each * half * radius)).sum() for each in k])
    square = [np.trapezoid((psf * each) ** 2 * k, k) for each in (np.ones(len(k)), profile)]
    shape = Shapes.of(stars([0], [0], [18.0], half_light_arcsec=half, sersic=index))
    assert shape.pixels(1.3)[0] == pytest.approx(square[0] / square[1], rel=near)


@pytest.mark.parametrize(("index", "fraction"), [(1.0, 0.5), (4.0, 0.5)])
def test_half_of_the_light_lies_within_the_half_light_radius(index, fraction):
    disc = stars([0], [0], [18.0], half_light_arcsec=1.0, sersic=index)
    shape = Shapes.of(disc)
    r = np.linspace(0, 40, 400_000)
    from skyquarry.synthetic.observe import light

    profile = light.PROFILES[0 if index == 1.0 else 1]
    bright = sum(
        part / (times * shape.width_arcsec[0]) ** 2
        * np.exp(-(r**2) / 2 / (times * shape.width_arcsec[0]) ** 2)
        for part, times in profile
    )  # fmt: skip
    within = np.cumsum(bright * r) / np.sum(bright * r)
    assert within[np.searchsorted(r, 1.0)] == pytest.approx(fraction, abs=0.02)


def test_a_galaxy_has_less_light_in_its_psf_than_in_all_and_a_star_has_not():
    both = stars([0, 30], [0, 0], [18.0, 18.0], half_light_arcsec=[2.0, 0.0], sersic=[1.0, np.nan])
    made, _ = seen(both)
    ratio = made.flux[:, 2] / made.total[:, 2]
    assert ratio[0] < 0.5
    assert ratio[1] == pytest.approx(1, abs=0.04)  # models of points scatter by 0.01


@pytest.mark.parametrize(("mag", "low", "high"), [(17.0, 0.005, 0.02), (21.5, 0.01, 0.08)])
def test_models_of_stars_scatter_about_their_psf_fluxes(mag, low, high):
    n = 400
    made, _ = seen(stars(40.0 * (np.arange(n) % 20), 40.0 * (np.arange(n) // 20), [mag] * n))
    red = SDSS.channel("sdss_r")
    more = made.total[:, red] / made.flux[:, red] - 1.0
    assert low < more.std() < high
    assert (more == 0.0).mean() < 0.01
    assert -0.2 * more.std() < np.median(more)  # a size is never below zero


def test_a_very_bright_star_blots_out_its_surroundings():
    made, _ = seen(stars([0, 5, 60], [0, 0, 0], [6.0, 18.0, 18.0]))
    assert sorted(made.source) == [0, 2]


def sky(n, seed=3, blocks=(BLOCK,)):
    """Stars and galaxies all over some blocks."""
    random = np.random.default_rng(seed)
    inside = 1 << 2 * (29 - BLOCK_ORDER)
    block = np.repeat(blocks, n)
    ra, dec = healpix.center(block * inside + random.integers(0, inside, len(block)), 29)
    n = len(block)
    mags = random.uniform(13, 22, n)[:, None] + random.normal(0, 0.3, (n, N_BANDS))
    galaxy = random.random(n) < 0.5
    return Sources.of(
        n, ra_deg=ra, dec_deg=dec, mags=mags, kind=np.where(galaxy, 5, 1),
        half_light_arcsec=np.where(galaxy, random.uniform(0.3, 4, n), 0.0),
        sersic=np.where(galaxy, random.uniform(1, 4, n), np.nan),
        axis_ratio=np.where(galaxy, random.uniform(0.2, 1, n), 1.0),
        pmra_masyr=np.where(galaxy, 0, random.normal(0, 20, n)),
        pmdec_masyr=np.where(galaxy, 0, random.normal(0, 20, n)),
        parallax_mas=np.where(galaxy, 0, random.exponential(1, n)), ebv=0.05,
    )  # fmt: skip


@pytest.mark.parametrize("name", list(CATALOGUES))
def test_a_row_is_the_same_whatever_else_is_observed(name):
    truth, catalogue = sky(3_000, blocks=(BLOCK, BLOCK + 1)), CATALOGUES[name]
    ids = np.arange(len(truth)) * 7
    alone = [observed(catalogue, truth, ids, within(b), 5) for b in (BLOCK, BLOCK + 1)]
    both = observed(catalogue, truth, ids, within(BLOCK, BLOCK + 1), 5)
    for which in (0, 1):
        apart = sorted(map(repr, alone[0][which].to_pylist() + alone[1][which].to_pylist()))
        assert apart == sorted(map(repr, both[which].to_pylist()))


@pytest.mark.parametrize("name", list(CATALOGUES))
def test_columns_are_those_of_the_survey_with_ids_of_their_own(name):
    catalogue = CATALOGUES[name]
    table, links = observed(catalogue, truth := sky(4_000), np.arange(len(truth)), within(), 1)
    survey = load(catalogue.instrument.survey)
    assert set(table.column_names) <= set(survey.columns)
    needed = {survey.roles.id, survey.roles.ra, survey.roles.dec}
    assert needed <= set(table.column_names)
    assert survey.roles.id == catalogue.key
    assert len(set(table[catalogue.key].to_pylist())) == len(table) > 500
    real = set(links[catalogue.key].to_pylist())
    lone = len(table) - len(real)
    expected = catalogue.instrument.spurious_deg2 * 0.21
    assert lone == pytest.approx(expected, abs=5 * np.sqrt(expected) + 3)


@pytest.mark.parametrize("name", list(CATALOGUES))
def test_rows_stand_where_their_sources_were(name):
    truth = sky(4_000)
    table, links = observed(CATALOGUES[name], truth, np.arange(len(truth)), within(), 1)
    survey = load(CATALOGUES[name].instrument.survey)
    first = dict(
        reversed([(each[CATALOGUES[name].key], each["truth_id"]) for each in links.to_pylist()])
    )
    rows = table.filter([key in first for key in table[CATALOGUES[name].key].to_pylist()])
    of = np.array([first[key] for key in rows[CATALOGUES[name].key].to_pylist()])
    here = to_xyz(rows[survey.roles.ra].to_numpy(), rows[survey.roles.dec].to_numpy())
    apart = separation_arcsec(here, to_xyz(truth.ra_deg[of], truth.dec_deg[of]))
    assert np.quantile(apart, 0.95) < 2.5
    assert abs(len(rows) - len(first)) == 0


def in_gaia(g, **known):
    """Share of sources of such G (n,), alone in the sky, that are in Gaia's catalogue."""
    n = len(g)
    random = np.random.default_rng(3)
    first = BLOCK << 2 * 22
    ra, dec = healpix.center(first + random.integers(0, 1 << 2 * 22, n), 29)
    mags = np.repeat(g[:, None] + 0.1136, len(BANDS), axis=1)
    truth = Sources.of(n, ra_deg=ra, dec_deg=dec, mags=mags, kind=1, **known)
    return len(observed(CATALOGUES["gaia"], truth, np.arange(n), within(), 1)[0]) / n


@pytest.mark.parametrize(("g", "share"), [(19.0, 1.0), (20.5, 0.99), (21.0, 0.69), (21.5, 0.0)])
def test_gaia_catalogues_stars_as_completely_as_was_found(g, share):
    # Cantat-Gaudin et al. 2023: 0.67 to 0.74 at G = 21 off the plane
    assert in_gaia(np.full(800, g)) == pytest.approx(share, abs=0.06)


def test_gaia_has_no_galaxies_that_are_not_sharp():
    # de Souza et al. 2014, A&A 568, A124: discs are hardly seen, bright hearts are
    disc = {"half_light_arcsec": 1.0, "sersic": 1.0}
    assert in_gaia(np.full(300, 20.0), **disc) == 0.0
    assert in_gaia(np.full(300, 16.5), **disc) > 0.9
    assert in_gaia(np.full(300, 19.5), half_light_arcsec=0.1, sersic=1.0) > 0.9


def test_gaia_measures_the_motions_that_there_are():
    truth = sky(6_000)
    table, links = observed(CATALOGUES["gaia"], truth, np.arange(len(truth)), within(), 1)
    first = dict(reversed([(e["source_id"], e["truth_id"]) for e in links.to_pylist()]))
    table = table.filter(table["parallax"].is_valid())
    of = np.array([first[key] for key in table["source_id"].to_pylist()])
    for name in ("pmra", "pmdec"):
        pull = table[name].to_numpy() - getattr(truth, f"{name}_masyr")[of]
        pull /= table[f"{name}_error"].to_numpy()
        assert np.std(pull) == pytest.approx(1.05, rel=0.1)


def test_sdss_tells_stars_from_galaxies_where_both_are_bright():
    truth = sky(6_000)
    table, links = observed(CATALOGUES["sdss"], truth, np.arange(len(truth)), within(), 1)
    first = dict(reversed([(e["objID"], e["truth_id"]) for e in links.to_pylist()]))
    bright = table.filter((table["psfMag_r"].to_numpy() < 19.5) & (table["clean"].to_numpy() == 1))
    bright = bright.filter([key in first for key in bright["objID"].to_pylist()])
    of = np.array([first[key] for key in bright["objID"].to_pylist()])
    right = (bright["type"].to_numpy() == 3) == (truth.half_light_arcsec[of] > 0.6)
    assert right[truth.half_light_arcsec[of] != 0].mean() > 0.9
    assert right[truth.half_light_arcsec[of] == 0].mean() > 0.97


def test_a_band_without_a_signal_tells_a_limit():
    red = stars([0], [0], [17.0])
    red.mags[:, BAND["wise_w3"] :] = 30.0
    table, _ = observed(CATALOGUES["allwise"], red, np.array([1]), within(), 1)
    row = table.filter(table["w1snr"].to_numpy() > 20).to_pylist()[0]
    assert row["w4sigmpro"] is None
    assert row["w4mpro"] < BANDS[BAND["wise_w4"]].vega_to_ab + 5
    assert row["ph_qual"][3] == "U"


@pytest.mark.parametrize(("name", "column", "ratio"), [("sdss", "extinction_r", 2.751),
                                                       ("ukidss", "eBV", 1.0)])  # fmt: skip
def test_the_dust_of_a_row_is_that_of_the_map_and_tells_no_distance(name, column, ratio):
    near, far = (grid(10, 17.0, ebv=np.full(100, own, np.float32)) for own in (0.0, 0.5))
    ids = np.arange(100) + 1000
    told = [observed(CATALOGUES[name], each, ids, within(), 1)[0] for each in (near, far)]
    assert told[0][column].equals(told[1][column])
    known = dust.total(1, *(told[0][each].to_numpy() for each in ("ra", "dec")))
    np.testing.assert_allclose(told[0][column].to_numpy(), ratio * known, rtol=1e-5)
    assert known.min() > 0
