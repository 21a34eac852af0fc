"""The identification against a synthetic sky whose truth is known."""

import pytest

from skyquarry.pipeline.simulating import field, simulate
from skyquarry.synthetic.observe.surveys import MAIN
from skyquarry.testing.syntheticscores import scores


@pytest.mark.parametrize(("latitude", "seed"), [(30, 31), (-60, 62)])
def test_counterparts_are_found_and_few_are_false(tmp_path, latitude, seed):
    sky = simulate(field(0.5, latitude_deg=latitude), tmp_path, seed=seed, progress=False)
    told = scores(sky, MAIN)
    assert len(told) == 7
    for each in told.values():
        ours, nearest = (each[how].shares() for how in ("crossmatch", "nearest"))
        assert ours["false"] <= 0.01
        assert ours["found"] >= 0.98
        assert ours["found"] >= nearest["found"] - 0.002
        assert ours["found_bright"] >= 0.98
