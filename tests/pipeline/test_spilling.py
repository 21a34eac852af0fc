"""Rows that are made piece by piece: a run that is broken off goes on, and ends as another one."""

import pytest

from skyquarry.errors import ExistsError
from skyquarry.pipeline import spilling
from skyquarry.pipeline.simulating import Run
from skyquarry.synthetic.simulation import Simulation
from skyquarry.testing.points import simulated
from skyquarry.testing.smallsky import SmallSky, small_archive

SMALLER = {"region": "CIRCLE 185 -0.5 0.12", "populations": [SmallSky(stars=600, galaxies=800)]}


class KilledError(Exception):
    """What ends a run in the middle."""


@pytest.fixture(autouse=True)
def _every_piece_is_noted(monkeypatch):
    monkeypatch.setattr(spilling, "NOTED_S", -1.0)


def dying(method, after, calls):
    """The method, which ends the run when it is called once more than `after` times."""

    def called(*args, **how):
        if len(calls) == after:
            raise KilledError
        calls.append(args)
        return method(*args, **how)

    return called


def contents(archive):
    tables = {name: archive[name].to_table() for name in archive.names()}
    return {name: sorted(map(repr, table.to_pylist())) for name, table in tables.items()}


def hidden(path):
    return [each.name for each in path.rglob(".*")]


def test_a_killed_truth_goes_on_with_the_blocks_that_are_missing(tmp_path, monkeypatch):
    whole = simulated(tmp_path / "whole", surveys=["gaia"])
    drawn, before, after = Simulation.truth, [], []
    monkeypatch.setattr(Simulation, "truth", dying(drawn, 2, before))
    with pytest.raises(KilledError):
        simulated(tmp_path / "sky", surveys=["gaia"], executor="inline")
    monkeypatch.setattr(Simulation, "truth", dying(drawn, 99, after))
    again = simulated(tmp_path / "sky", surveys=["gaia"], executor="inline")
    blocks = [sorted(args[1] for args in calls) for calls in (before, after)]
    assert len(blocks[0]) == 2
    assert not set(blocks[0]) & set(blocks[1])
    assert contents(again) == contents(whole)
    assert hidden(tmp_path / "sky") == []


def test_links_that_a_kill_left_out_are_made(tmp_path, monkeypatch):
    whole = simulated(tmp_path / "whole", surveys=["gaia"])
    built = Run._build
    monkeypatch.setattr(Run, "_build", dying(built, 2, []))  # truth, gaia, then its links
    with pytest.raises(KilledError):
        simulated(tmp_path / "sky", surveys=["gaia"])
    monkeypatch.setattr(Run, "_build", built)
    monkeypatch.setattr(Simulation, "observed", dying(None, 0, []))
    again = simulated(tmp_path / "sky", surveys=["gaia"])
    assert contents(again) == contents(whole)
    assert again["gaia"].version == "v1"


@pytest.mark.parametrize("built", [0, 3, 12])
def test_an_archive_whose_tables_are_half_built_is_finished(tmp_path, monkeypatch, built):
    from skyquarry.pipeline import sdssarchive

    how = {**SMALLER, "surveys": []}
    whole = small_archive(tmp_path / "whole", **how)
    real = sdssarchive.build
    monkeypatch.setattr(sdssarchive, "build", dying(real, built, []))
    with pytest.raises(KilledError):
        small_archive(tmp_path / "sky", **how)
    monkeypatch.setattr(sdssarchive, "build", real)
    monkeypatch.setattr(sdssarchive.Patches, "made", only_empty(sdssarchive.Patches.made))
    again = small_archive(tmp_path / "sky", **how)
    assert contents(again) == contents(whole)
    assert {again[name].version for name in again.names()} == {"v1"}


def only_empty(made):
    """`Patches.made`, which gives the columns and refuses to observe."""

    def called(self, sources, ids, blocks):
        assert not len(blocks)
        return made(self, sources, ids, blocks)

    return called


def test_what_another_run_left_does_not_count_with_other_arguments(tmp_path, monkeypatch):
    drawn = Simulation.truth
    monkeypatch.setattr(Simulation, "truth", dying(drawn, 2, []))
    with pytest.raises(KilledError):
        simulated(tmp_path / "sky", surveys=["gaia"], executor="inline")
    monkeypatch.setattr(Simulation, "truth", drawn)
    other = simulated(tmp_path / "sky", surveys=["gaia"], seed=2)
    assert contents(other) == contents(simulated(tmp_path / "other", surveys=["gaia"], seed=2))


def test_two_runs_at_one_place_are_refused(tmp_path):
    with (
        spilling.room(tmp_path, "sky", {}),
        pytest.raises(ExistsError, match="being built by another process"),
        spilling.room(tmp_path, "sky", {}),
    ):
        pass


def test_rows_that_are_gone_are_made_again(tmp_path, monkeypatch):
    whole = simulated(tmp_path / "whole", surveys=["gaia"])
    drawn = Simulation.truth
    monkeypatch.setattr(Simulation, "truth", dying(drawn, 3, []))
    with pytest.raises(KilledError):
        simulated(tmp_path / "sky", surveys=["gaia"], executor="inline")
    monkeypatch.setattr(Simulation, "truth", drawn)
    sorted((tmp_path / "sky").rglob("truth-*.arrow"))[1].unlink()
    assert contents(simulated(tmp_path / "sky", surveys=["gaia"])) == contents(whole)
