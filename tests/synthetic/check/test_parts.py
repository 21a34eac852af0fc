"""The parts of a check, each on what is known."""

import numpy as np
import pyarrow as pa
import pytest

from skyquarry.errors import MissingExtraError
from skyquarry.sky import healpix
from skyquarry.sky.frames import to_frame
from skyquarry.sky.vectors import to_radec, to_xyz
from skyquarry.synthetic.bands import BAND, BANDS
from skyquarry.synthetic.beyond.obscured import NUMBER
from skyquarry.synthetic.check import counts, cuts, loci, lociofsamples, separability
from skyquarry.synthetic.check.fields import Field, around, joined, spread
from skyquarry.synthetic.check.loci import Locus
from skyquarry.synthetic.check.matched import matched
from skyquarry.synthetic.check.realdata import Real, RealData
from skyquarry.synthetic.check.samples import SAMPLES, far_quasars
from skyquarry.synthetic.sources import Kind, Sources

RANDOM = np.random.default_rng(1)
LOCUS = Locus("some", "stars", "x", (0.0, 1.0, 2.0), (("g", "r"),))


def colours(shift=0.0, wide=1.0, n=4_000):
    """A locus that steps up with x, moved and widened."""
    x = RANDOM.uniform(0, 2, n)
    return (np.floor(x) + shift + 0.2 * wide * RANDOM.standard_normal(n))[:, None], x


# ------------------------------------------------------------------ loci
@pytest.mark.parametrize(
    ("shift", "wide", "kept"),
    [(0.0, 1.0, [True, True]), (0.2, 1.0, [False, True]), (0.0, 0.3, [True, False])],
)
def test_a_locus_fails_by_its_median_or_by_its_scatter(shift, wide, kept):
    told = loci.compared(LOCUS, colours(), colours(shift, wide))
    verdicts = list(loci.judged(told))
    assert [each.passed for each in verdicts] == kept
    assert told["summary"][0]["mean"] == pytest.approx(abs(shift), abs=0.03)


def test_one_bin_that_is_off_is_enough_to_fail():
    real, made = colours(), colours()
    made[0][made[1] > 1] += 0.15
    assert not next(iter(loci.judged(loci.compared(LOCUS, real, made)))).passed


def test_too_few_objects_are_not_measured_and_missing_colours_do_not_count():
    few = colours(n=20)
    assert [v.passed for v in loci.judged(loci.compared(LOCUS, colours(), few))] == [None]
    some = colours()
    some[0][::2] = np.nan
    counted = loci.compared(LOCUS, colours(), some)["bins"][0]["colours"][0]["made"]
    assert 900 < counted < 1_100


# ------------------------------------------------------------------ matching
def test_matched_sets_are_alike_and_nothing_is_taken_twice():
    real, made = RANDOM.normal(18, 0.5, (3_000, 1)), RANDOM.uniform(15, 20, (5_000, 1))
    some, twins = matched(real, made, (0.2,), RANDOM)
    assert len(some) == len(twins) == len(set(some)) == len(set(twins)) > 1_000
    ours, theirs = (np.bincount(np.floor(x / 0.2).astype(int).ravel(), minlength=110)
                    for x in (real[some], made[twins]))  # fmt: skip
    assert (ours == theirs).all()


def locus_of(scatter, off, n=200):
    """A colour of `n` real and `n` simulated objects in two bins; the second bin scatters so."""
    locus = Locus("x", "galaxies", "redshift", (0.0, 1.0, 2.0), (("u", "g"),))
    along = np.repeat([0.5, 1.5], n)
    steps = np.tile(np.linspace(-1, 1, n), 2) * np.where(along < 1, 0.1, scatter)
    moved = steps + off * along
    return loci.compared(locus, (steps[:, None], along), (moved[:, None], along))


def test_a_median_that_luck_moves_by_more_than_the_bound_is_not_held_against_it():
    (summary,) = locus_of(scatter=1.4, off=0.04)["summary"]
    assert (summary["bins"], summary["sure"]) == (2, 1)
    assert summary["most"] == pytest.approx(0.02)
    offset, scatter = loci.judged(locus_of(scatter=1.4, off=0.04))
    assert offset.passed
    assert scatter.passed


def test_a_sure_median_that_is_off_fails_and_none_that_is_sure_is_told_as_not_measured():
    offset, _ = loci.judged(locus_of(scatter=0.1, off=0.1))
    assert offset.passed is False
    blurred = locus_of(scatter=1.4, off=0.04, n=40)
    for each in blurred["bins"]:
        each["colours"][0]["luck"] = 0.2
    blurred["summary"] = [loci._summary(blurred["bins"], 0)]
    offset, scatter = loci.judged(blurred)
    assert offset.passed is None
    assert "luck" in offset.note
    assert scatter.passed is not None


def test_far_quasars_are_those_in_sdss_s_box():
    """One behind a thick cloud, a clear one, one as red in g-r as stars, a faint one."""
    u, g, r = np.array(
        [[21.4, 19.2, 18.9], [20.1, 19.2, 18.9], [21.4, 19.2, 18.6], [23, 20.8, 20.4]]
    ).T
    mags = {"u": u, "g": g, "r": r, "i": r - 0.1, "z": r - 0.1}
    assert far_quasars(mags).tolist() == [True, False, False, False]
    psf = {f"psf_{band}": each for band, each in mags.items()}
    assert far_quasars(psf | dict.fromkeys("ugriz", r)).tolist() == [True, False, False, False]


def test_what_real_objects_were_chosen_by_is_measured_of_simulated_ones_too():
    """Galaxies of K < 13.5 as measured: fainter ones stand among them, with noise and without."""
    n = 4000
    k = RANDOM.uniform(12.5, 14.5, n)
    errors = {"K": np.full(n, 0.3)}
    group, none = np.zeros(n, np.int64), np.full(n, np.nan)
    real = Real({"K": k, "r": k + 3}, np.full(n, 0.1), none, group, errors, together_mag=0.1)
    twin = Real({"K": k, "r": k + 3}, np.full(n, 0.1), none, group)
    made = lociofsamples._noisy(twin, real, RANDOM)
    off = made.mags["K"] - k
    assert np.std(off) == pytest.approx(np.hypot(0.3, 0.1), rel=0.1)
    _, some = SAMPLES["GST galaxies with 2MASS"].both(real, made)
    assert np.mean(some.mags["r"] - 3 > 13.5) > 0.05


# ------------------------------------------------------------------ separability
def test_the_area_under_the_curve_is_the_share_of_pairs_in_order():
    label, score = RANDOM.integers(0, 2, 200), RANDOM.integers(0, 20, 200).astype(float)
    above = score[label == 1][:, None] - score[label == 0][None]
    share = ((above > 0) + 0.5 * (above == 0)).mean()
    assert separability.area_under_curve(label, score) == pytest.approx(share, abs=1e-12)


@pytest.mark.parametrize(("shift", "low", "high"), [(0.0, 0.4, 0.6), (3.0, 0.97, 1.0)])
def test_a_learner_tells_what_differs_and_not_what_is_alike(shift, low, high):
    pytest.importorskip("catboost")
    label = np.repeat([0, 1], 300)
    x = RANDOM.standard_normal((600, 2)) + shift * label[:, None]
    score, weight = separability.cross_validated(x, label, np.arange(600) // 10, trees=20)
    assert low < separability.area_under_curve(label, score) <= high
    assert sum(weight) == pytest.approx(100)


def test_a_group_is_never_learnt_from_where_it_is_judged():
    """A number that tells the group, and labels by group: no help where groups are kept whole."""
    pytest.importorskip("catboost")
    group = np.arange(500) // 10
    label = RANDOM.integers(0, 2, 50)[group]
    score, _ = separability.cross_validated(
        RANDOM.standard_normal(50)[group][:, None], label, group, trees=30
    )
    assert 0.2 < separability.area_under_curve(label, score) < 0.8


def test_without_catboost_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(separability, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"catboost.*pip install 'skyquarry\[learn\]'"):
        separability.needs_catboost()


# ------------------------------------------------------------------ counts
def field(kind, r, n, **known):
    """One square degree of `n` sources as bright in all bands."""
    sources = Sources.of(n, mags=np.float32(r), kind=kind, **known)
    return Field("x", 1.0, 45.0, sources, {}, {})


def test_every_published_count_has_its_reference_and_says_whether_it_was_read():
    for each in counts.published():
        assert len(each.source) > 20
        assert each.checked != ("from memory" in each.source and "V by" not in each.source) or (
            "area from memory" in each.source
        )
        assert each.per_deg2 > 0
    assert {each.where for each in counts.published()} >= {"field 30", "field 60", "field 90"}


def test_counts_are_a_square_degree_and_without_the_dust_of_our_galaxy():
    n = next(e.per_deg2 for e in counts.published() if e.kind == "galaxies" and e.faint == 17.77)
    behind = 17.8 + 2.285 * 0.1
    rows = counts.measured({"draw galaxies": field(Kind.GALAXY, behind - 0.1, int(n), ebv=0.1)})
    row = next(row for row in rows if row["what"] == "galaxies, r < 17.77")
    assert row["simulated"] == pytest.approx(row["published"], rel=0.02)
    assert counts.judged([row])[0].passed
    assert not counts.judged([row | {"simulated": 1.31 * row["published"]}])[0].passed
    assert counts.judged([row | {"area_deg2": 0.01}])[0].passed is None
    assert counts.judged([row | {"simulated": None}])[0].passed is None


def test_magnitudes_are_those_of_the_survey():
    ab = 9.5 + BANDS[BAND["gaia_g"]].vega_to_ab
    rows = counts.measured({"belt 75-90": field(Kind.GIANT, ab, 50)})
    found = {row["what"]: row["counted"] for row in rows if row["where"] == "belt 75-90"}
    assert found["stars, G 9 to 10, |b| 75 to 90"] == 50
    assert sum(found.values()) == 50


# ------------------------------------------------------------------ cuts
def test_dwarfs_are_counted_by_types_that_are_known_to_one_subtype():
    some = field(Kind.BROWN_DWARF, 17.0 + BANDS[BAND["ukidss_j"]].vega_to_ab, 100)
    for kind, counted in ((19.0, 16), (20.0, 50), (21.0, 84), (25.0, 100), (np.nan, 0)):
        some.sources.spectral_type[:] = kind
        rows = counts.measured({"draw late dwarfs": some})
        told = next(row for row in rows if row["kind"] == "brown dwarfs by photo-type")
        assert told["counted"] == counted


def test_pairs_are_no_twins_of_white_dwarfs_with_types_of_their_own():
    mags = {"u": np.full(3, 18.0), "g": np.array([18.0, 18.0, 19.5])}
    assert SAMPLES["Gaia white dwarfs"].chosen(mags).tolist() == [True, True, False]
    mags["pair"] = np.array([0.0, 1.0, 0.0])
    assert SAMPLES["Gaia white dwarfs"].chosen(mags).tolist() == [True, False, False]
    assert SAMPLES["SDSS point-source white dwarfs"].chosen(mags).tolist() == [True] * 3


def test_a_cut_is_as_pure_and_complete_as_its_rows_say():
    kind = np.array([Kind.QUASAR] * 50 + [Kind.GALAXY] * 50)
    w2 = np.full(101, 14.0)
    red = np.zeros(101)
    red[:40] = red[50:60] = 1.0  # 40 of 50 quasars, 10 galaxies
    of = np.append(np.arange(100), -1)
    table = pa.table({"w1mpro": w2 + red, "w2mpro": w2})
    ids = np.full(100, 20 << 32, np.int64)
    seen = {"allwise": table}, {"allwise": of}
    made = Field("x", 1.0, 45.0, Sources.of(100, kind=kind), *seen, ids)
    row = cuts.measured({"x": made})[0]
    assert (row["purity"], row["completeness"]) == (0.8, 0.8)
    ids[50:60] = NUMBER << 32  # obscured nuclei in galaxies are looked for too
    row = cuts.measured({"x": made})[0]
    assert (row["purity"], row["completeness"]) == (1.0, 50 / 60)
    ids[50:60] = 20 << 32
    row = cuts.measured({"x": made})[0]
    assert [each.passed for each in cuts.judged([row])] == [False, True]


def test_a_cut_that_has_nothing_to_find_is_not_measured():
    assert {each.passed for each in cuts.judged(cuts.measured({}))} == {None}


# ------------------------------------------------------------------ fields
def test_a_row_belongs_to_the_source_that_gives_most_of_its_light():
    table = pa.table({"id": ["b", "a", "nothing"]})
    links = pa.table({"id": ["a", "b", "b"], "truth_id": [7, 9, 8], "share": [1.0, 0.2, 0.8]})
    assert joined(table, links, "id", np.array([9, 8, 7])).tolist() == [1, 2, -1]


def test_blocks_lie_around_their_place_or_all_over_the_sky_off_the_disc():
    for blocks, low, high in ((around(90.0, 45.0, 2.0), 43, 47), (spread(100.0), 30, 90)):
        lon, lat = to_radec(to_frame(to_xyz(*healpix.center(blocks, 7)), "galactic"))
        assert ((abs(lat) > low) & (abs(lat) < high)).all()
    assert len(around(90.0, 45.0, 2.0)) == 10
    assert np.ptp(lon) > 300


# ------------------------------------------------------------------ real data
def test_real_objects_of_every_sample_are_read(shared_data):
    data = RealData(shared_data)
    for sample in SAMPLES.values():
        real = sample.real(data)
        with np.errstate(invalid="ignore"):
            assert sample.chosen(real.mags).sum() > 100, sample.name


def test_a_folder_without_tables_has_no_samples(tmp_path):
    assert all(sample.real(RealData(tmp_path)) is None for sample in SAMPLES.values())
    assert RealData(None).table("sdss_dr14_10k") is None
