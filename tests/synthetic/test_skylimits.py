"""What benchmarks/skyscores.py fails for."""

import copy
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
CLASSES = ("quasar", "white_dwarf", "brown_dwarf")


@pytest.fixture(scope="module")
def limits():
    sys.path.insert(0, str(BENCHMARKS))
    try:
        import skylimits
    finally:
        sys.path.remove(str(BENCHMARKS))
    return skylimits


def told(value, error=0.01):
    return {"value": value, "error": error}


@pytest.fixture
def good():
    """Scores that miss nothing."""
    rows = dict.fromkeys(CLASSES, 6_000)
    overall = {"accuracy": told(0.99), "macro_f1": told(0.99), "log_loss": told(0.02)}
    per_class = [
        {
            "name": name, "n": 6_000, "n_effective": 5_500.0, "measured": True, "ece": 0.001,
            "purity": told(0.96), "completeness": told(0.95), "coverage": told(0.901),
            "confident": {"gap": 0.01, "error": 0.002, "kept": True},
        }
        for name in CLASSES
    ]  # fmt: skip
    system = {"20": {"haloes": 190, "found_above": told(0.80)}}
    pure = {"20": {"systems": 320, "on_a_halo": told(0.70), "on_one_above": told(0.65)}}
    return {
        "rows": {"calibration": rows, "test": dict(rows)}, "star_galaxy": told(0.999),
        "clusters": {"complete": system, "pure": pure},
        "scores": {"n": 18_000, "overall": overall, "per_class": per_class, "by": {},
                   "baselines": {}},
    }  # fmt: skip


def test_nothing_is_missed_where_all_is_reached(limits, good, capsys):
    assert limits.shown(good) == []
    assert "missed: nothing" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("place", "value", "missed"),
    [
        (("scores", "per_class", 2, "purity"), told(0.89), "brown_dwarf purity"),
        (("scores", "per_class", 2, "coverage"), told(0.885), "brown_dwarf: coverage"),
        (("scores", "per_class", 0, "ece"), 0.011, "quasar: ECE"),
        (("scores", "per_class", 1, "measured"), False, "white_dwarf: not measured"),
        (("scores", "per_class", 1, "confident"), {"gap": -0.05, "error": 0.01, "kept": False},
         "white_dwarf: mean p"),
        (("scores", "overall", "accuracy"), told(0.969), "accuracy"),
        (("rows", "calibration", "quasar"), 4_999, "quasar: fewer than 5000"),
        (("star_galaxy",), told(0.99), "star/galaxy"),
        (("clusters", "pure", "20", "on_a_halo"), told(0.59), "galaxy_cluster purity"),
        (("clusters", "complete", "20", "haloes"), 99, "galaxy_cluster: 99 haloes"),
    ],
)  # fmt: skip
def test_each_limit_fails_alone(limits, good, place, value, missed):
    bad = copy.deepcopy(good)
    inner = bad
    for each in place[:-1]:
        inner = inner[each]
    inner[place[-1]] = value
    failed = limits.shown(bad)
    assert len(failed) == 1
    assert failed[0].startswith(missed)


def test_clusters_are_an_eighth_of_the_macro_f1(limits, good):
    systems = limits.systems_of(good["clusters"])
    assert systems["f1"]["value"] == pytest.approx(2 * 0.8 * 0.7 / 1.5)
    eight = limits._found(good, systems)["macro-F1 of eight"]  # of three and clusters here
    assert eight["value"] == pytest.approx((3 * 0.99 + systems["f1"]["value"]) / 4)
