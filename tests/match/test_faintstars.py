"""Faint stars without a motion are sought as far as nearly all of them go, galaxies no farther."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

import skyquarry as sq
from skyquarry.match.likelihood.evidence import pair_evidence
from skyquarry.match.likelihood.motionprior import MotionPrior
from skyquarry.match.runs.nearby import agree, pair_candidates
from skyquarry.match.runs.rules import Rules
from skyquarry.sky.frames import lonlat_from_frame, lonlat_to_frame
from skyquarry.testing.naive.calibrate import plain_rows

if TYPE_CHECKING:
    from skyquarry.match.given.rows import Rows

N_STARS, N_OTHERS, N_UNKNOWN, SIDE_DEG = 6000, 8000, 1200, 0.5
EPOCHS, ERRORS = {"sdss": 2004.5, "gaia": 2016.0}, {"sdss": 0.05, "gaia": 0.001}
NORTH = lonlat_from_frame(np.array([100.0]), np.array([60.0]), "galactic")


def surveys(seed: int) -> tuple[list[Any], np.ndarray]:
    """6,000 faint stars in both, at |b| = 60, a tenth of them middling; 8,000 more in the first.

    And their speeds in mas/yr. The second has motions, but of the first 1,200 stars.
    """
    random = np.random.default_rng(seed)
    n = N_STARS + N_OTHERS
    sigma = np.where(random.random(n) < 0.1, 25.0, 8.0)
    pm = sigma * random.normal(size=(2, n))
    place = SIDE_DEG * random.random((2, n))
    mag = random.uniform(20.3, 21.3, n)
    measured = np.where(np.arange(n) < N_UNKNOWN, np.nan, pm)
    given: list[Any] = []
    for name, epoch in EPOCHS.items():
        seen = slice(None) if name == "sdss" else slice(N_STARS)
        moved = pm * 1e-3 * (epoch - 2004.5) + ERRORS[name] * random.normal(size=(2, n))
        x, y = (place + moved / 3600.0)[:, seen]
        dec = float(NORTH[1][0]) + y
        table = {
            "id": np.arange(n)[seen],
            "ra": float(NORTH[0][0]) + x / np.cos(np.radians(dec)),
            "dec": dec,
            "error": np.full(len(x), ERRORS[name]),
            "mag": (mag + 0.05 * random.normal(size=n))[seen],
            "kind": np.full(len(x), "STAR"),
        }
        roles = {
            "id": "id", "ra": "ra", "dec": "dec", "epoch": {"jyear": epoch}, "class_column": "kind",
            "position_error": {"model": "circular", "columns": ["error"], "unit": "arcsec"},
            "bands": [{"name": "r", "column": "mag", "system": "AB", "wavelength_um": 0.62}],
        }  # fmt: skip
        if name == "gaia":
            motion = {"pmra": measured[0], "pmdec": measured[1], "pm_error": np.full(n, 0.5)}
            table |= {key: each[seen] for key, each in motion.items()}
            errors = {f"{axis}_error": "pm_error" for axis in ("pmra", "pmdec")}
            roles["motion"] = {"pmra": "pmra", "pmdec": "pmdec"} | errors
        given.append((pa.table(table), roles))
    return given, np.hypot(*pm[:, :N_UNKNOWN])


@pytest.mark.parametrize("seed", [1, 2])
def test_faint_stars_that_nobody_measured_the_motion_of_are_found(seed: int) -> None:
    """Of all 0.995, of those of 30 to 60 mas/yr 0.95; and hardly any is false."""
    given, speed = surveys(seed)
    pairs = sq.crossmatch(*given, names=list(EPOCHS)).run("inline").pairs.to_pandas()
    told = pairs[pairs.is_match]
    found = np.isin(np.arange(N_UNKNOWN), told.left_id[told.left_id == told.right_id])
    some = (speed > 30.0) & (speed < 60.0)
    assert some.sum() > 30
    assert found[some].mean() >= 0.95
    assert found.mean() >= 0.995
    false = (told.left_id != told.right_id).sum()
    expected = (1.0 - told.posterior).sum()
    assert false <= expected + 3.0 * np.sqrt(expected) + 1.0
    assert len(pairs) < 1.1 * N_STARS


# ---------------------------------------------------------------- how far


def two(mas: float, mag: float = 21.0, extended: float = 0.0) -> tuple[Rows, Rows]:
    """A row of 2004.5 at |b| = 60, and one of 2016, so far to the north."""
    ra, dec = NORTH
    here, there = (
        plain_rows(
            ra, dec + north / 3.6e6, np.array([[1e-6, 1e-6, 0.0]]), epoch=np.array([epoch]),
            mag=np.array([mag]),
        )
        for north, epoch in ((0.0, 2004.5), (mas, 2016.0))
    )  # fmt: skip
    return replace(here, extended=np.array([extended])), there


def is_candidate(a: Rows, b: Rows, completeness: float = 0.9973) -> bool:
    motion = MotionPrior(lost=1.0 - completeness)
    found = pair_candidates(a, b, Rules(("a", "b"), "one_to_one", completeness, motion))[0]
    return len(found) > 0


def test_pairs_reach_as_far_as_the_completeness_asks_for() -> None:
    assert abs(abs(float(lonlat_to_frame(*NORTH, "galactic")[1][0])) - 60.0) < 1e-9
    assert is_candidate(*two(60.0 * 11.5))
    assert not is_candidate(*two(60.0 * 11.5), completeness=0.9)
    assert not is_candidate(*two(110.0 * 11.5))
    assert is_candidate(*two(110.0 * 11.5), completeness=0.9999)
    assert is_candidate(*two(110.0 * 11.5, mag=12.0))


def test_what_is_extended_stands_still() -> None:
    assert is_candidate(*two(60.0 * 11.5))
    assert not is_candidate(*two(60.0 * 11.5, extended=1.0))
    a, b = two(0.0, extended=1.0)
    zero = np.array([0])
    assert pair_evidence(a, b, zero, zero, MotionPrior()).farthest2[0] == 0.0


def test_chi2_is_that_of_a_slow_star_whatever_is_sought() -> None:
    a, b = two(60.0 * 11.5)
    zero, rules = np.array([0]), Rules(("a", "b"), "one_to_one", 0.9973, MotionPrior())
    told = pair_evidence(a, b, zero, zero, rules.motion)
    assert told.chi2[0] == pytest.approx((60.0 / 8.0) ** 2, rel=1e-3)
    assert told.drift[0] == pytest.approx((8e-3 * 11.5) ** 2)
    assert told.chi2[0] > rules.chi2_limit
    assert agree([a, b], zero, zero + 1, told, rules)[0]
