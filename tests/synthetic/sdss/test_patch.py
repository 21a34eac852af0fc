"""The tables of a patch: what they say of known sources, and that patches do not matter."""

import numpy as np
import pyarrow as pa
import pytest

from skyquarry.sky import healpix, htm
from skyquarry.sky.vectors import to_xyz
from skyquarry.synthetic.blocks import BLOCK_ORDER
from skyquarry.synthetic.sdss.codes import Flag
from skyquarry.synthetic.sdss.derived import RADII_ARCSEC
from skyquarry.synthetic.sdss.patch import CHILDREN, PLACED
from skyquarry.synthetic.sources import Kind, Sources


@pytest.fixture(scope="module")
def photo(tables):
    table = tables["photoobj"]
    return {name: table[name].to_numpy() for name in table.column_names}


def ordered(table, key):
    return table.sort_by([(name, "ascending") for name in key])


@pytest.fixture(scope="module")
def pieces(patches, truth):
    made, blocks = patches
    return [made.made(*truth, np.array([block])) for block in blocks]


@pytest.mark.parametrize("name", [*PLACED, *CHILDREN])
def test_tables_are_the_same_in_any_patches(tables, pieces, name):
    parts = [piece[name] for piece in pieces]
    whole = tables[name]
    keys = [each for each in whole.column_names if each.lower().endswith("id")]
    keys += [each for each in ("band", "bin", "wave") if each in whole.column_names]
    assert ordered(pa.concat_tables(parts), keys).equals(ordered(whole, keys))
    assert len(whole)


def test_types_tell_galaxies_from_stars_where_they_are_bright(photo, truth):
    sources, _ = truth
    bright = (photo["mode"] == 1) & (photo["r"] < 19) & (photo["r"] > 15.5)
    bright &= (photo["flags"] & int(Flag.CHILD | Flag.MOVED)) == 0
    bright &= np.isin(photo["type"], (3, 6))
    true = Kind(Kind.GALAXY)
    from scipy.spatial import cKDTree

    tree = cKDTree(to_xyz(sources.ra_deg, sources.dec_deg))
    away, nearest = tree.query(to_xyz(photo["ra"][bright], photo["dec"][bright]))
    sure = away < np.radians(0.5 / 3600)
    galaxy = sources.kind[nearest[sure]] == true
    told = photo["type"][bright][sure] == 3
    assert (galaxy == told).mean() > 0.95


def test_htm_ids_are_those_of_the_positions(photo):
    assert (photo["htmID"] == htm.index_radec(photo["ra"], photo["dec"], 20)).all()
    assert (photo["htmID"] >> 24).min() >= 8 << 16


def test_ids_hold_run_column_and_field(photo):
    ids = photo["objID"]
    assert ((ids >> 32 & 0xFFFF) == photo["run"]).all()
    assert ((ids >> 29 & 7) == photo["camcol"]).all()
    assert ((ids >> 16 & 0xFFF) == photo["field"]).all()
    assert ((ids & 0xFFFF) == photo["obj"]).all()


def test_children_lie_in_parents_of_the_same_scan_that_have_their_light(photo):
    place = {each: k for k, each in enumerate(photo["objID"])}
    children = np.flatnonzero(photo["parentID"] > 0)
    parents = np.array([place[each] for each in photo["parentID"][children]])
    assert (photo["mode"][parents] == 3).all()
    assert (photo["fieldID"][parents] == photo["fieldID"][children]).all()
    assert np.abs(photo["dec"][parents] - photo["dec"][children]).max() < 20 / 3600
    of, count = np.unique(parents, return_counts=True)
    assert (photo["nChild"][of] == count).all()
    light = np.bincount(parents, 10 ** (-0.4 * photo["r"][children]), len(place))[of]
    bright = photo["r"][of] < 20
    assert -2.5 * np.log10(light[bright]) == pytest.approx(photo["r"][of][bright], abs=0.01)
    flags = photo["flags"]
    assert ((flags[children] & int(Flag.CHILD)) > 0).all()
    assert ((flags[of] & int(Flag.BLENDED)) > 0).all()


def test_blends_do_not_end_at_the_borders_of_blocks(patches, quiet):
    first, second = patches[1][:2]
    ra, dec = on_the_border(first, second)
    east = np.array([-1.5, 1.5])[:, None] / 3600
    sources = Sources.of(
        2 * len(ra), ra_deg=(ra + east).ravel(), dec_deg=np.tile(dec, 2), mags=17.0, redshift=0.1,
        kind=Kind.GALAXY, sersic=1.0, half_light_arcsec=2.0,
    )  # fmt: skip
    ids = np.arange(len(sources)) + 1
    parts = [quiet.made(sources, ids, np.array([each]))["photoobj"] for each in (first, second)]
    told = pa.concat_tables(parts).to_pylist()
    children = [row for row in told if row["parentID"]]
    blocks = {first: set(), second: set()}
    for row in children:
        at = int(healpix.index(np.array([row["ra"]]), np.array([row["dec"]]), BLOCK_ORDER)[0])
        blocks[at].add(row["parentID"])
    assert len(blocks[first] & blocks[second]) >= 5
    assert {row["parentID"] for row in children} == {
        row["objID"] for row in told if row["mode"] == 3
    }


def on_the_border(first, second):
    """ra, dec (7,) where two blocks side by side meet, an arc minute apart."""
    (ra0, ra1), (dec0, dec1) = healpix.center(np.array([first, second]), BLOCK_ORDER)
    low, high = np.zeros(7), np.ones(7)
    dec = np.linspace(-3, 3, 7) / 60
    for _ in range(50):
        part = (low + high) / 2
        here = healpix.index(
            ra0 + part * (ra1 - ra0), dec + dec0 + part * (dec1 - dec0), BLOCK_ORDER
        )
        low, high = np.where(here == first, part, low), np.where(here == first, high, part)
    return ra0 + low * (ra1 - ra0), dec + dec0 + low * (dec1 - dec0)


def test_stokes_parameters_are_as_long_as_the_axis_ratio_says_for_large_galaxies(of_known):
    n = 200
    angle = np.random.default_rng(1).uniform(0, 180, n)
    ratio = np.linspace(0.2, 0.9, n)
    table = of_known(n, half_light_arcsec=6.0, axis_ratio=ratio, position_angle_deg=angle)
    q, u = (table[name].to_numpy() for name in ("q_r", "u_r"))
    length, turn = np.hypot(q, u), 0.5 * np.degrees(np.arctan2(u, q)) % 180
    assert length == pytest.approx((1 - ratio) / (1 + ratio), abs=0.05)
    round_off = np.abs((turn - angle + 90) % 180 - 90)[ratio < 0.6]
    assert np.median(round_off) < 2


def test_seeing_makes_small_galaxies_round(of_known):
    table = of_known(100, half_light_arcsec=0.5, axis_ratio=0.2)
    assert np.median(np.hypot(table["q_r"].to_numpy(), table["u_r"].to_numpy())) < 0.25


@pytest.mark.parametrize(("index", "wins"), [(4.0, "lDev_r"), (1.0, "lExp_r")])
def test_the_profile_that_is_true_is_the_more_likely_one(of_known, index, wins):
    table = of_known(200, half_light_arcsec=2.5, sersic=index)
    other = {"lDev_r": "lExp_r", "lExp_r": "lDev_r"}[wins]
    better = table[wins].to_numpy() > table[other].to_numpy()
    assert better.mean() > 0.9
    assert table["lStar_r"].to_numpy().max() < 0.01


def test_a_disc_of_a_known_size_has_a_petrosian_half_light_radius_like_it(of_known):
    table = of_known(100, half_light_arcsec=3.0)
    assert np.median(table["petroR50_r"].to_numpy()) == pytest.approx(3.07, abs=0.1)
    assert np.median(table["petroMag_r"].to_numpy()) == pytest.approx(17.0, abs=0.03)


def test_the_isophote_of_a_disc_is_where_it_falls_to_25(of_known):
    # mu0 = m + 2.5 log10(2 pi h2), r25 = (25 - mu0) h / 1.0857, h = half / 1.678
    table = of_known(100, half_light_arcsec=5.0)
    scale = 5.0 / 1.678
    central = 17.0 + 2.5 * np.log10(2 * np.pi * scale**2)
    radius = (25 - central) * scale / 1.0857
    assert np.median(table["isoA_r"].to_numpy()) == pytest.approx(2 * radius, rel=0.06)


def test_profiles_add_up_to_the_light(known):
    made = known(60, half_light_arcsec=2.0, mag=16.5)
    profile, photo = made["photoprofile"].to_pandas(), made["photoobj"].to_pandas()
    area = np.pi * np.diff(np.square(RADII_ARCSEC), prepend=0)
    assert len(profile) == 75 * profile["objID"].nunique() > 0
    some = profile[(profile["band"] == 2) & (profile["bin"] < 9)]
    light = some.assign(light=some["profMean"] * area[some["bin"]]).groupby("objID")["light"].sum()
    mags = 22.5 - 2.5 * np.log10(light)
    told = photo.set_index("objID")["modelMag_r"].loc[mags.index]
    assert np.median(mags - told) == pytest.approx(0, abs=0.05)


def test_asteroids_of_the_truth_are_left_to_those_that_have_velocities(of_known):
    assert len(of_known(25)) >= 25
    assert len(of_known(25, kind=Kind.ASTEROID)) == 0


@pytest.mark.parametrize(("kind", "again"), [(Kind.MAIN_SEQUENCE, True), (Kind.TRANSIENT, False)])
def test_supernovae_of_the_truth_are_seen_by_the_first_scan_alone(patches, kind, again):
    made, blocks = patches  # every strip is scanned twice
    ra, dec = healpix.center(blocks[:1], BLOCK_ORDER)
    sources = Sources.of(
        9, ra_deg=ra + np.arange(9) / 60, dec_deg=np.repeat(dec, 9), mags=18.0, kind=kind
    )
    photo = made.made(sources, np.arange(9) + 1, blocks[:1])["photoobj"].to_pandas()
    bright = photo[(photo["r"] < 19) & (photo["rowv"] == 0)]
    at = np.abs((bright["ra"] - ra[0]) * 60 % 1 - 0.5) > 0.49
    near = bright[at & (np.abs(bright["dec"] - dec[0]) < 1 / 3600)]
    assert (near["mode"] == 1).sum() == 9
    assert (near["mode"] == 2).any() == again
