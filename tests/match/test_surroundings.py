"""What rows meet that are brought to a part of the sky, whether all or the near ones are seen."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import skyquarry as sq
from skyquarry.match.reports.strangers import strangers
from skyquarry.match.reports.surroundings import Surroundings

ROLES = {
    "id": "id",
    "ra": "ra",
    "dec": "dec",
    "position_error": {"model": "circular", "columns": ["err"], "unit": "arcsec"},
}
MOVING = ROLES | {
    "epoch": {"jyear": 2016.0},
    "motion": {
        "pmra": "pmra", "pmdec": "pmdec", "pmra_error": "pm_error", "pmdec_error": "pm_error",
    },
}  # fmt: skip
OLDER = ROLES | {"epoch": {"jyear": 2000.0}}


def table(random, ra, dec, sigma: float, **more) -> pa.Table:
    ids = random.permutation(len(ra))
    errors = sigma * random.uniform(0.5, 2.0, len(ra))
    return pa.table({"id": ids, "ra": ra, "dec": dec, "err": errors, **more})


@pytest.fixture(scope="module", params=["one_to_one", "many_to_one"])
def made(request):
    """Three surveys of a crowded strip across 0h; the first has motions, of up to 2 arcsec/yr."""
    random = np.random.default_rng(11)
    n = 3_000
    ra, dec = random.uniform(-0.15, 0.15, n), random.uniform(20.0, 20.3, n)
    pm = random.normal(0.0, 20.0, (2, n)) * np.where(random.random(n) < 0.02, 40.0, 1.0)
    moving = {"pmra": pm[0], "pmdec": pm[1], "pm_error": np.full(n, 0.3)}
    sides = [(table(random, ra % 360.0, dec, 0.05, **moving), MOVING)]
    for sigma in (0.8, 0.4):
        seen = np.flatnonzero(random.random(n) < 0.7)
        then = np.array([ra, dec]) - 16.0 * pm / 3.6e6 / [np.cos(np.radians(dec)), np.ones(n)]
        there = then[:, seen] + random.normal(0.0, sigma / 3600.0, (2, len(seen)))
        chance = [random.uniform(-0.15, 0.15, n), random.uniform(20.0, 20.3, n)]
        both = np.append(there, chance, axis=1)
        sides.append((table(random, both[0] % 360.0, both[1], sigma), OLDER))
    names = ["gaia", "one", "two"]
    plan = sq.crossmatch(*sides, names=names, calibrate=False, constraint=request.param)
    result = plan.run()
    assert result.groups.num_rows > n
    return result.made


def test_rows_that_are_left_out_change_nothing_of_what_strangers_find(made, monkeypatch):
    told = strangers(made)
    everything = [np.arange(len(rows)) for rows in made.scene.rows(None)]
    met = []
    near = Surroundings.around

    def all_of_it(self, brought):
        met.append(sum(map(len, near(self, brought))))
        return everything

    monkeypatch.setattr(Surroundings, "around", all_of_it)
    monkeypatch.setattr(Surroundings, "islands_of", lambda *_: everything)
    for key, found in strangers(made).items():
        for one, other in ((found, told[key]), (found.accompanied, told[key].accompanied)):
            assert (one.rows, one.accepted) == (other.rows, other.accepted)
            np.testing.assert_array_equal(one.candidates, other.candidates)
            np.testing.assert_array_equal(one.rivals, other.rivals)
        np.testing.assert_array_equal(found.home.candidates, told[key].home.candidates)
        np.testing.assert_allclose(found.home.possible, told[key].home.possible, rtol=1e-12)
        assert found.candidates.sum() > 100
    assert 0 < max(met) < sum(map(len, everything))
