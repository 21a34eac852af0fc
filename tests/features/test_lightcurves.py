import importlib.util

import numpy as np
import pyarrow as pa
import pytest

from skyquarry.errors import ColumnError
from skyquarry.features.lightcurves import variability_of
from skyquarry.features.making import features_of

needs_nifty = pytest.mark.skipif(
    importlib.util.find_spec("nifty_ls") is None, reason="nifty-ls is not installed"
)
# four nights, of which the first has two observations
STAR = {"id": [7] * 4, "mjd": [0.0, 0.1, 5.0, 40.0], "fid": [1] * 4,
        "mag": [1.0, 1.2, 0.9, 1.1], "mag_error": [0.1] * 4}  # fmt: skip


def _one(table, **more):
    return {name: told[0] for name, told in variability_of(table, **more).to_pydict().items()}


def test_a_light_curve_by_hand():
    told = _one(STAR)
    assert told["lc_1_n"] == 4
    assert told["lc_1_mean"] == pytest.approx(1.05)
    assert told["lc_1_amplitude"] == pytest.approx(0.3)
    # S^2 = 0.05 / 3
    assert told["lc_1_excess_variance"] == pytest.approx(0.05 / 3 - 0.01)
    assert told["lc_1_chi2_dof"] == pytest.approx(5 / 3)
    # (0.04 + 0.09 + 0.04) / 0.05
    assert told["lc_1_von_neumann"] == pytest.approx(3.4)
    # delta = sqrt(4/3) (-0.5, 1.5, -1.5, 0.5); one pair, -1; alone: 2 and -2/3 at half the weight
    assert told["lc_1_stetson_j"] == pytest.approx(
        (-1.0 + 0.5 * np.sqrt(2.0) - 0.5 * np.sqrt(2 / 3)) / 2.0
    )
    assert told["lc_1_stetson_k"] == pytest.approx(np.sqrt(0.8))
    assert told["lc_1_stetson_l"] == pytest.approx(-0.350571 * 0.894427 / 0.798, abs=1e-5)
    assert told["lc_1_skew"] == pytest.approx(0.0, abs=1e-9)
    assert told["lc_1_beyond_sigma"] == pytest.approx(0.5)
    # 5 and 4.9 d apart: steps of 0.1 and 0.3; 35 to 40 d: 0.1, 0.1, 0.2
    short = np.sqrt(np.pi / 2 * 0.04 - 0.02)
    long = np.sqrt(np.pi / 2 * (0.4 / 3) ** 2 - 0.02)
    assert told["lc_1_sf_short"] == pytest.approx(short)
    assert told["lc_1_sf_long"] == pytest.approx(long)
    assert told["lc_1_sf_slope"] == pytest.approx(np.log10(long / short))


def _naive_j(time, delta):
    """Pairs of neighbours within half a day, each in one pair at most; the rest alone."""
    total, weights, at = 0.0, 0.0, 0
    while at < len(time):
        if at + 1 < len(time) and time[at + 1] - time[at] <= 0.5:
            product, weight, step = delta[at] * delta[at + 1], 1.0, 2
        else:
            product, weight, step = delta[at] ** 2 - 1.0, 0.5, 1
        total += weight * np.sign(product) * np.sqrt(abs(product))
        weights, at = weights + weight, at + step
    return total / weights


def test_many_light_curves_agree_with_loops_over_each():
    random = np.random.default_rng(2)
    ids, table = [4, 9, 11], {"id": [], "mjd": [], "fid": [], "mag": [], "mag_error": []}
    for one in ids:
        n = int(random.integers(5, 60))
        table["id"] += [one] * n
        table["mjd"] += np.sort(random.uniform(0, 30, n)).tolist()
        table["fid"] += [2] * n
        table["mag"] += random.normal(18, 0.3, n).tolist()
        table["mag_error"] += random.uniform(0.05, 0.2, n).tolist()
    shuffled = random.permutation(len(table["id"]))
    told = variability_of({name: np.array(each)[shuffled] for name, each in table.items()})
    assert told["id"].to_pylist() == ids
    for number, one in enumerate(ids):
        mine = np.array(table["id"]) == one
        t, m, e = (np.array(table[name])[mine] for name in ("mjd", "mag", "mag_error"))
        n, mean = len(t), np.sum(m / e**2) / np.sum(1 / e**2)
        delta = np.sqrt(n / (n - 1)) * (m - mean) / e
        assert told["lc_2_stetson_j"][number].as_py() == pytest.approx(_naive_j(t, delta))
        pairs = [(i, j) for i in range(n) for j in range(i) if 3 < t[i] - t[j] <= 30]
        steps = np.mean([abs(m[i] - m[j]) for i, j in pairs])
        noise = np.mean([e[i] ** 2 + e[j] ** 2 for i, j in pairs])
        expected = np.sqrt(max(np.pi / 2 * steps**2 - noise, 0))
        assert told["lc_2_sf_short"][number].as_py() == pytest.approx(expected)
        variance = np.var(m, ddof=1)
        assert told["lc_2_von_neumann"][number].as_py() == pytest.approx(
            np.sum(np.diff(m) ** 2) / ((n - 1) * variance)
        )


def test_noise_alone_has_the_values_of_noise():
    random = np.random.default_rng(4)
    n, stars = 200, 50
    told = variability_of({
        "id": np.repeat(np.arange(stars), n), "mjd": np.tile(np.arange(n) * 2.0, stars),
        "mag": random.normal(15, 0.1, n * stars), "mag_error": np.full(n * stars, 0.1),
    }, band=None)  # fmt: skip
    means = {name: np.mean(told[name].to_numpy()) for name in told.column_names[1:]}
    assert means["lc_all_chi2_dof"] == pytest.approx(1.0, abs=0.05)
    assert means["lc_all_von_neumann"] == pytest.approx(2.0, abs=0.05)
    assert means["lc_all_stetson_k"] == pytest.approx(0.798, abs=0.01)
    assert means["lc_all_excess_variance"] == pytest.approx(0.0, abs=5e-4)


def test_bands_are_told_apart_and_non_detections_are_left_out():
    table = pa.table({
        "id": [1, 1, 1, 1, 2], "mjd": [0.0, 1.0, 2.0, 3.0, 0.0], "fid": [1, 1, 1, 2, 2],
        "mag": [15.0, 15.5, None, 14.0, 13.0], "mag_error": [0.1, 0.1, None, 0.1, 0.1],
    })  # fmt: skip
    told = variability_of(table)
    assert told["lc_1_n"].to_pylist() == [2, 0]
    assert told["lc_2_n"].to_pylist() == [1, 1]
    assert told["lc_1_chi2_dof"].null_count == 2


@needs_nifty
def test_the_period_of_a_sine_is_found():
    random = np.random.default_rng(6)
    time = np.sort(random.uniform(0, 300, 120))
    told = _one({
        "id": np.ones(120, np.int64), "mjd": time,
        "mag": 15 + 0.3 * np.sin(2 * np.pi * time / 0.6123) + random.normal(0, 0.02, 120),
        "mag_error": np.full(120, 0.02),
    }, band=None, also=["periods"])  # fmt: skip
    assert told["lc_all_period_d"] == pytest.approx(0.6123, rel=1e-3)
    assert told["lc_all_period_power"] > 0.95


def test_light_curves_become_features_of_a_table():
    told = variability_of(STAR)
    made = features_of(told.append_column("g", pa.array([18.0])).append_column(
        "r", pa.array([17.5])), "sdss")  # fmt: skip
    assert "lc_1_stetson_j" in made.names
    assert "lc_1_n" not in made.names
    assert dict(made.refused)["lc_1_mean"] == "no feature is made of it: ask for it by name"


def test_a_missing_column_of_a_light_curve_is_named():
    with pytest.raises(ColumnError, match="column 'mag' is not among id, mjd"):
        variability_of({"id": [1], "mjd": [0.0]})


def test_relative_variability_by_hand():
    # 100 transits, F 1000 with an error of 2: 10 * 2 / 1000
    table = {"phot_g_mean_mag": [17.0], "phot_g_n_obs": [100], "phot_g_mean_flux": [1000.0],
             "phot_g_mean_flux_error": [2.0]}  # fmt: skip
    made = features_of(table, "gaia", which=["gaia_relvarg"])
    assert made.values[0, 0] == pytest.approx(0.02)


needs_light_curve = pytest.mark.skipif(
    importlib.util.find_spec("light_curve") is None, reason="light-curve is not installed"
)


@needs_light_curve
def test_more_of_a_light_curve_by_hand():
    told = _one(STAR, also=["more"])
    # of 1.0, 1.2, 0.9, 1.1 with errors of 0.1: median 1.05, deviations 0.05, 0.15, 0.15, 0.05
    assert told["lc_1_percent_amplitude"] == pytest.approx(0.15)
    assert told["lc_1_mad"] == pytest.approx(0.1)
    assert told["lc_1_roms"] == pytest.approx(4.0 / 3.0)
    assert told["lc_1_maximum_slope"] == pytest.approx(2.0)
    # cumulative sums of -0.05, 0.15, -0.15, 0.05: -0.05, 0.1, -0.05, 0; S^2 = 0.05 / 3
    assert told["lc_1_cusum"] == pytest.approx(0.15 / (4 * np.sqrt(0.05 / 3)))
    # 0.9, 1.0 and 1.1, 1.2
    assert told["lc_1_otsu_step"] == pytest.approx(0.2)
    slope, offset = np.polyfit(STAR["mjd"], STAR["mag"], 1)
    left = np.array(STAR["mag"]) - slope * np.array(STAR["mjd"]) - offset
    assert told["lc_1_trend"] == pytest.approx(slope)
    assert told["lc_1_trend_chi2_dof"] == pytest.approx((left**2).sum() / 0.01 / 2)


@needs_light_curve
def test_more_of_too_few_observations_is_not_told_and_features_take_what_is():
    from skyquarry.features.morecurves import STATISTICS

    few = {name: values[:3] for name, values in STAR.items()}
    table = variability_of({**few, "id": [9] * 3}, also=["more"])
    assert all(table[f"lc_1_{name}"].null_count == 1 for name in STATISTICS)
    made = features_of(variability_of(STAR, also=["more"]), None, which="variability")
    assert {f"lc_1_{name}" for name in STATISTICS} <= set(made.names)


def test_more_without_the_package_says_what_to_install(monkeypatch):
    from skyquarry.errors import MissingExtraError

    monkeypatch.setitem(__import__("sys").modules, "light_curve", None)
    with pytest.raises(MissingExtraError, match="lightcurves-gpl"):
        variability_of(STAR, also=["more"])


@needs_light_curve
def test_our_own_statistics_agree_with_the_package():
    import light_curve

    from skyquarry.features.lightcurves import Curves, statistics

    random = np.random.default_rng(1)
    n = 40
    time = np.sort(random.random(n)) * 100.0
    mag = 15.0 + np.sin(time) + 0.1 * random.standard_normal(n)
    error = 0.05 + 0.1 * random.random(n)
    ours = {name: values[0] for name, values in
            statistics(Curves.of(np.zeros(n, np.int64), time, mag, error)).items()}  # fmt: skip

    def theirs(name):
        return float(getattr(light_curve, name)()(time, mag, error, sorted=True)[0])

    same = {"mean": theirs("Mean"), "amplitude": 2.0 * theirs("Amplitude"),
            "von_neumann": theirs("Eta"), "chi2_dof": theirs("ReducedChi2"),
            "stetson_k": theirs("StetsonK"), "beyond_sigma": theirs("BeyondNStd"),
            "excess_variance": theirs("ExcessVariance") * theirs("Mean") ** 2,
            # theirs is the unbiased one of Fisher's: G1 = g1 sqrt(n (n - 1)) / (n - 2)
            "skew": theirs("Skew") * (n - 2) / np.sqrt(n * (n - 1))}  # fmt: skip
    assert {name: ours[name] for name in same} == pytest.approx(same, rel=1e-9)
