"""White dwarfs and brown dwarfs, against real ones."""

import numpy as np
import pyarrow as pa
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
SIMPLE = {
    "PAN-STARRS/PS1.z": "ps1_z", "PAN-STARRS/PS1.y": "ps1_y", "2MASS.J": "twomass_j",
    "2MASS.H": "twomass_h", "2MASS.Ks": "twomass_ks", "WISE.W1": "wise_w1", "WISE.W2": "wise_w2",
    "WFCAM.Y": "ukidss_y", "WFCAM.J": "ukidss_j", "WFCAM.H": "ukidss_h", "WFCAM.K": "ukidss_k",
    "GAIA3.G": "gaia_g",
}  # fmt: skip
COLOURS = (
    ("ps1_z", "ps1_y"), ("ps1_y", "twomass_j"), ("wise_w1", "wise_w2"), ("ukidss_y", "ukidss_j"),
    ("ukidss_j", "ukidss_k"), ("gaia_g", "twomass_j"),
)  # fmt: skip


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


def simple(shared_data, low, high):
    """(types, {band: magnitudes}) of SIMPLE's dwarfs between two numeric spectral types."""
    folder = shared_data / "labels"
    types = pq.read_table(folder / "ultracool_simple.parquet", columns=["source", "spt_code"])
    rows = pq.read_table(folder / "ultracool_simple_photometry.parquet")
    sure = pc.less(pc.fill_null(rows["magnitude_error"], 9.0), 0.15)
    rows = rows.filter(pc.and_(sure, pc.is_in(rows["band"], pa.array(list(SIMPLE)))))
    code = dict(zip(types["source"].to_pylist(), types["spt_code"].to_pylist(), strict=True))
    found = {}
    columns = (rows[name].to_pylist() for name in ("source", "band", "magnitude"))
    for source, band, mag in zip(*columns, strict=True):
        kind = (code.get(source) or 0.0) - 50.0
        if low <= kind < high:
            found.setdefault((source, kind), {})[SIMPLE[band]] = mag
    return np.array([kind for _, kind in found]), list(found.values())


@pytest.mark.parametrize("types", [(20, 23), (24, 27), (30, 33), (35, 39)])
def test_brown_dwarfs_have_the_colours_of_simple(types, shared_data):
    kinds, real = simple(shared_data, *types)
    random = np.random.default_rng(1)
    place = np.repeat(np.clip(kinds - 20.0, 0.0, 18.0), 20)
    mags = vega(browndwarfs._Dim(place).light(np.zeros(len(place)), random)[0])
    for blue, red in COLOURS:
        has = np.array([blue in each and red in each for each in real])
        if has.sum() > 20:
            seen = [each[blue] - each[red] for each, known in zip(real, has, strict=True) if known]
            drawn = (mags[:, BAND[blue]] - mags[:, BAND[red]])[np.repeat(has, 20)]
            assert abs(np.median(seen) - np.median(drawn)) < 0.15


def test_brown_dwarfs_are_as_many_as_within_25_pc():
    assert browndwarfs.types().numbers.sum() == pytest.approx(8.4e-3, rel=0.15)


def test_brown_dwarfs_of_a_deep_field_are_visible_and_known_in_every_band(sky):
    model, limits = BrownDwarfs(THIN, 11), limits_of({"ukidss_j": 19.5})
    blocks = [sky.block(120, 50, seed, limits) for seed in range(80)]
    drawn = Sources.concatenated([model.drawn(each, each.generator(11)) for each in blocks])
    area = 80 * blocks[0].area_deg2
    assert np.isfinite(drawn.mags).all()
    assert 0.3 < (vega(drawn.mags)[:, BAND["twomass_j"]] < 18.0).sum() / area < 1.2
