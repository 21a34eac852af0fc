"""White dwarfs and brown dwarfs, against real ones."""

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from skyquarry.synthetic.bands import BAND
from skyquarry.synthetic.blocks import limits_of
from skyquarry.synthetic.milkyway import browndwarfs, whitedwarfs
from skyquarry.synthetic.milkyway.browndwarfs import BrownDwarfs
from skyquarry.synthetic.milkyway.discs import HALO, THICK, THIN
from skyquarry.synthetic.milkyway.locus import vega
from skyquarry.synthetic.milkyway.whitedwarfs import WhiteDwarfs
from skyquarry.synthetic.sources import Kind, Sources

WHITE = [WhiteDwarfs(component, number) for number, component in enumerate((THIN, THICK, HALO), 8)]


def of_track(mass, *, helium=False):
    known = whitedwarfs.tracks()
    on = (np.abs(known.mass_msun - mass) < 0.01) & (known.helium == helium)
    return known.teff_k[on], vega(known.mags)[on]


def test_a_da_of_ten_thousand_kelvins_is_as_bergeron_has_it():
    teff, mags = of_track(0.6)
    at = [np.interp(1e4, teff[::-1], mags[::-1, BAND[name]]) for name in ("gaia_g", "ps1_g")]
    assert at == pytest.approx([12.173, 12.169], abs=0.03)


def test_white_dwarfs_redden_as_they_cool():
    teff, mags = of_track(0.6)
    warm = teff > 6000
    assert (np.diff(teff) < 0).all()
    assert (np.diff(mags[warm, BAND["sdss_g"]] - mags[warm, BAND["sdss_r"]]) > 0).all()


def test_white_dwarfs_have_the_colours_of_real_ones(shared_data):
    real = pq.read_table(shared_data / "labels" / "white_dwarfs_gaia_sdss.parquet")
    da = pc.starts_with(real["spectype"], "DA").to_numpy(zero_copy_only=False)
    told = {name: real[name].to_numpy()[da] for name in ("umag", "gmag", "rmag", "imag", "Gmag")}
    bp_rp = (real["BPmag"].to_numpy() - real["RPmag"].to_numpy())[da]
    teff, mags = of_track(0.6)
    some = (teff > 6000) & (teff < 40_000)
    colour = (mags[:, BAND["gaia_bp"]] - mags[:, BAND["gaia_rp"]])[some]
    for low, high in ((-0.35, -0.2), (-0.2, -0.05), (-0.05, 0.1), (0.1, 0.3)):
        here = (bp_rp > low) & (bp_rp < high)
        for blue, red in (("umag", "gmag"), ("gmag", "rmag"), ("rmag", "imag"), ("Gmag", "gmag")):
            names = [f"gaia_{n[0].lower()}" if n[0] == "G" else f"sdss_{n[0]}" for n in (blue, red)]
            model = (mags[:, BAND[names[0]]] - mags[:, BAND[names[1]]])[some]
            expected = np.interp(bp_rp[here], colour, model)
            assert abs(np.median(told[blue][here] - told[red][here] - expected)) < 0.08


def test_as_many_white_dwarfs_as_gaia_found(sky):
    # Gentile Fusillo et al. 2021, MNRAS 508, 3877: 359,000 in all the sky, complete to G = 20.1;
    # fewer at high latitudes, more in the plane
    drawn, area = sky.stars(WHITE, 60, 45, 40)
    found = (vega(drawn.mags)[:, BAND["gaia_g"]] < 20.1).sum() / area
    assert found == pytest.approx(7.0, rel=0.3)
    assert whitedwarfs._numbers("thin disc").sum() == pytest.approx(3.9e-3, rel=0.05)


def test_a_pair_is_what_the_brighter_of_its_stars_is(sky):
    drawn, _ = sky.stars(WHITE, 60, 45, 40)
    pairs = drawn.taken(drawn.companion)
    assert 0.03 < len(pairs) / len(drawn) < 0.25
    assert (drawn.kind[~drawn.companion] == Kind.WHITE_DWARF).all()
    red = pairs.kind == Kind.MAIN_SEQUENCE
    assert 0.3 < red.mean() < 1.0
    assert (pairs.spectral_type[red] > 10.0).all()
    assert (pairs.logg[red] < 5.6).all()
    assert (pairs.logg[~red] > 7.0).all()
    r_j = pairs.mags[:, BAND["sdss_r"]] - pairs.mags[:, BAND["twomass_j"]]
    assert np.median(r_j[red]) > np.median(r_j[~red]) + 0.5


def test_brown_dwarfs_are_as_many_as_within_25_pc():
    assert browndwarfs.types().numbers.sum() == pytest.approx(8.4e-3, rel=0.15)


def test_brown_dwarfs_of_a_deep_field_are_visible_and_known_in_every_band(sky):
    model, limits = BrownDwarfs(THIN, 11), limits_of({"ukidss_j": 19.5})
    blocks = [sky.block(120, 50, seed, limits) for seed in range(80)]
    drawn = Sources.concatenated([model.drawn(each, each.generator(11)) for each in blocks])
    area = 80 * blocks[0].area_deg2
    assert np.isfinite(drawn.mags).all()
    assert 0.3 < (vega(drawn.mags)[:, BAND["twomass_j"]] < 18.0).sum() / area < 1.2
