"""Every machine gives the same from threads, from processes, and from Dask's worker processes."""

import pytest

from skyquarry.mine.buckets import buckets
from skyquarry.mine.cellmaps import cell_statistics
from skyquarry.mine.colours import Colours
from skyquarry.mine.friends import duplicates, friends_of_friends
from skyquarry.mine.lensing import lenses
from skyquarry.mine.rare import rare
from skyquarry.mine.scan import sweep_once
from skyquarry.mine.similar import similar
from skyquarry.mine.similarindex import SimilarIndex, similar_index
from skyquarry.mine.space import Space
from skyquarry.mine.twopoint import pair_counts

IN = ["u - g", "g - r"]


def _all(stars, home, where):
    """What the machines say of the stars, by their names."""
    few = stars.where("id < 400 OR (id > 15000 AND id < 16500)")
    index = similar_index(stars, IN, home / "index", errors=False, overwrite=True, executor=where)
    opened = SimilarIndex.open(index)
    one = stars.where("id = 7 OR id = 20007").to_table()
    return {
        "sweep": sweep_once([few.where("r - 1 < 17"), few.where("g > 20")], where),
        "colours": buckets(few, Colours(IN, 0.02), folder=home).to_table(where),
        "space": buckets(few, Space(arcsec=100)).to_table(where),
        "friends": friends_of_friends(few, 60.0, folder=home).to_table(where),
        "duplicates": duplicates(few, 30.0, best="r", executor=where),
        "lenses": lenses(few, 300.0, colours=IN, within=0.3, brightness="r").to_table(where),
        "counts": pair_counts(few, edges_arcsec=[0, 60, 600], executor=where),
        "similar": similar(one, stars, in_=IN, k=5, errors=False, executor=where),
        "cells": [each.tolist() for each in (opened.low, opened.high)],
        "rare": rare(stars, IN, width=0.5, executor=where).to_table(where, folder=home),
        "map": cell_statistics(stars, ["g - r"], order=4, executor=where),
    }


@pytest.fixture(scope="module")
def wanted(stars, tmp_path_factory):
    told = _all(stars, tmp_path_factory.mktemp("inline"), "inline")
    assert [name for name, each in told.items() if not len(each)] == []
    return told


def _check(stars, home, where, wanted):
    told = _all(stars, home, where)
    assert [name for name, each in told.items() if each != wanted[name]] == []
    assert [path.name for path in home.iterdir()] == ["index"]


@pytest.mark.parametrize("where", ["threads", "processes"])
def test_machines_give_the_same_from_threads_and_from_processes(stars, tmp_path, where, wanted):
    _check(stars, tmp_path, where, wanted)


def test_machines_give_the_same_from_processes_of_dask(stars, tmp_path, wanted):
    distributed = pytest.importorskip("distributed")
    from skyquarry.engine.cluster import dask_executor

    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, processes=True, dashboard_address="127.0.0.1:0"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        _check(stars, tmp_path, dask_executor(client), wanted)
