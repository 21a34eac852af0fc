"""What waits for the second search comes back whole, with all that a star may have come from."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest

from skyquarry.match.given.rows import Rows
from skyquarry.match.likelihood.fastpass import FASTEST_ARCSEC_YR, fast_candidates
from skyquarry.match.likelihood.motionprior import MotionPrior
from skyquarry.match.priors.fields import Counts
from skyquarry.match.runs.patches import Patch, patches_of
from skyquarry.match.runs.rules import Rules
from skyquarry.match.runs.waiting import Waiting
from skyquarry.sky import healpix

if TYPE_CHECKING:
    from pathlib import Path

RULES = Rules(("a", "b"), "one_to_one", 0.9973, MotionPrior())


def waiting_rows(seed: int, n: int, epoch: float, *, text: bool = False) -> Rows:
    """Rows about the pole, in many cells of order 8."""
    random = np.random.default_rng(seed)
    ra, dec = 360.0 * random.random(n), 90.0 - 1.5 * np.sqrt(random.random(n))
    spatial = healpix.index(ra, dec)
    order = np.argsort(spatial, kind="stable")
    numbers = np.arange(n)
    ids = pa.array([f"{k:05d}" for k in numbers]) if text else pa.array(numbers)
    nothing = np.full(n, np.nan)
    return Rows(
        ra[order], dec[order], spatial[order], ids, numbers, numbers,
        np.tile([0.04, 0.04, 0.0], (n, 1)), np.full(n, epoch), None, np.full(n, 10.0), nothing,
        nothing, np.zeros(n), 0.0, np.zeros(n, np.int32),
    )  # fmt: skip


def patches(rows: list[Rows]) -> list[Patch]:
    return patches_of([Counts.of(each.spatial, 8) for each in rows], 60)


def filled(rows: list[Rows], folder: Path | None) -> Waiting:
    waiting = Waiting(patches(rows), len(rows), folder)
    for patch in waiting.patches:
        here = [each.take(np.flatnonzero(patch.core.contains(each.spatial))) for each in rows]
        waiting.add(patch.number, here)
    return waiting


@pytest.mark.parametrize("text", [False, True], ids=["numbers", "text"])
@pytest.mark.parametrize("on_disk", [False, True], ids=["memory", "disk"])
def test_every_pair_of_a_patch_is_seen_from_it(
    tmp_path: Path, *, on_disk: bool, text: bool
) -> None:
    rows = [waiting_rows(1, 700, 2000.0, text=text), waiting_rows(2, 500, 2010.0, text=text)]
    waiting = filled(rows, tmp_path if on_disk else None)
    assert len(waiting.patches) > 8
    ring = waiting.ring_arcsec(RULES, FASTEST_ARCSEC_YR)
    k = float(np.sqrt(RULES.chi2_limit))
    assert ring == pytest.approx(105.0 + k * np.hypot(0.2, 0.2) + 4.0)
    every = [np.ones(len(each), bool) for each in rows]
    i, j = fast_candidates(*rows, (every[0], every[1]), (every[0], every[1]), k)
    wanted = set(zip(rows[0].ids.take(pa.array(i)).to_pylist(),
                     rows[1].ids.take(pa.array(j)).to_pylist(), strict=True))  # fmt: skip
    assert len(wanted) > 100
    seen, own = set(), 0
    for patch in waiting.patches:
        near, core = waiting.around(patch, ring)
        own += sum(int(mask.sum()) for mask in core)
        every = [np.ones(len(each), bool) for each in near]
        i, j = fast_candidates(*near, (every[0], every[1]), (every[0], every[1]), k)
        here = core[0][i] | core[1][j]
        ids = [each.ids.take(pa.array(n[here])) for each, n in zip(near, (i, j), strict=True)]
        seen |= set(zip(*(each.to_pylist() for each in ids), strict=True))
    assert own == 1_200
    assert seen == wanted


def test_files_hold_what_waits_and_memory_some_patches(tmp_path: Path) -> None:
    rows = [waiting_rows(1, 700, 2000.0)]
    waiting = filled(rows, tmp_path)
    files = sorted(tmp_path.iterdir())
    assert len(files) == len(waiting.patches) > 8
    assert len(waiting._kept) < len(files)
    held = [pickle.loads(each.read_bytes())[0] for each in files]
    assert sum(map(len, held)) == 700


def test_nobody_who_waits_has_no_ring_and_no_neighbours() -> None:
    none = waiting_rows(1, 0, 2000.0)
    waiting = Waiting(patches([none]), 2)
    waiting.add(0, [none, none])
    assert waiting.ring_arcsec(RULES, FASTEST_ARCSEC_YR) == pytest.approx(4.0)
    assert waiting.patches[0] not in waiting
    near, core = waiting.around(waiting.patches[0], 4.0)
    assert [len(each) for each in (*near, *core)] == [0, 0, 0, 0]
