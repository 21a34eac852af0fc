"""Rows that are spilled piece by piece become the catalogue that a build of their tables makes."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import skyquarry as sq
from skyquarry.catalog.roles import Roles, Survey
from skyquarry.errors import UserError
from skyquarry.ingest.description import Given, describe_input
from skyquarry.ingest.spilled import ChildRows, ParentRows

ROLES = Roles.from_mapping({"id": "name", "ra": "ra", "dec": "dec"}, "spilled")
SURVEY = Survey(name="made", title="made", roles=ROLES)


def stars(n: int = 4_000) -> pa.Table:
    """Rows of a field, in no order; some at one place, some magnitudes NaN."""
    random = np.random.default_rng(11)
    ra, dec = 40.0 + 3.0 * random.random(n), 3.0 * random.random(n)
    ra[1::7], dec[1::7] = ra[::7][: len(ra[1::7])], dec[::7][: len(ra[1::7])]
    names = pa.array([f"s{k}" for k in random.permutation(n).tolist()])
    mag = np.where(random.random(n) < 0.1, np.nan, random.random(n))
    return pa.table({"name": names, "ra": ra, "dec": dec, "mag": mag})


def visits(parents: pa.Table) -> pa.Table:
    """Up to three rows a star, without positions; a column of few words."""
    some = np.repeat(np.arange(len(parents)), np.arange(len(parents)) % 4)
    words = pa.array(["b", "a"]).take(pa.array(some % 2)).dictionary_encode()
    number = np.arange(len(some)) + 0.5
    return pa.table({"of": parents["name"].take(pa.array(some)), "band": words, "t": number})


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(folder with `plain` and `spilled`, the parents that were spilled, their children)."""
    folder = tmp_path_factory.mktemp("spilled")
    parents = stars()
    how = {"survey": SURVEY, "max_rows": 700, "progress": False}
    plain = sq.build(parents, folder / "plain", **how)
    children = visits(parents)
    sq.build(children, folder / "plain_visits", parent=plain, on="of", progress=False)
    (folder / "runs").mkdir()
    rows = ParentRows(folder / "runs", "stars", describe_input(parents.schema, Given(SURVEY)))
    beside = ChildRows(folder / "runs", "visits", "of", children.schema, rows)
    ends = np.cumsum(np.arange(len(parents)) % 4)
    for start in range(0, len(parents), 1_500):
        stop = min(start + 1_500, len(parents))
        first, last = (int(ends[k - 1]) if k else 0 for k in (start, stop))
        piece = rows.add(parents.slice(start, stop - start))
        beside.add(children.slice(first, last - first), piece)
    other = sq.build(rows.spilled, folder / "spilled", **how)
    sq.build(beside.spilled, folder / "spilled_visits", parent=other, on="of", progress=False)
    return folder, rows, beside


@pytest.mark.parametrize("end", ["", "_visits"])
def test_the_files_are_those_of_a_plain_build(made, end):
    folder, *_ = made
    plain, spilled = (
        sorted((folder / f"{name}{end}" / "v1" / f"{name}{end}" / "dataset").rglob("Npix=*"))
        for name in ("plain", "spilled")
    )
    assert len(plain) == len(spilled) > 5
    one, two = (sq.open(folder / f"{name}{end}").to_table() for name in ("plain", "spilled"))
    assert one.equals(two)
    assert len(one) > 3_000
    assert [p.name for p in plain] == [p.name for p in spilled]


def test_it_is_known_how_many_rows_of_children_a_tile_will_have(made):
    """So many tiles make a task; the runs hold the pixels of the parents, many of them a tile."""
    folder, _, beside = made
    plan = sq.plan_build(
        beside.spilled, folder / "more", parent=folder / "spilled", on="of", overwrite=True
    )
    told = plan.tiles(beside.spilled.runs(), 700, np.empty(0, np.int64))
    children = sq.open(folder / "spilled_visits").stored.tiles
    assert told.take(told.rows > 0).rows.tolist() == children.rows.tolist()


def test_margins_and_ids_are_found_and_what_was_changed_is_counted(made):
    folder, *_ = made
    plain, spilled = (sq.open(folder / name) for name in ("plain", "spilled"))
    told = {key: plain.properties[key] for key in plain.properties if "skyquarry" in key}
    del told["skyquarry_content"]  # files say what their catalogue is called
    assert {key: spilled.properties[key] for key in told} == told
    assert spilled.ids(["s5", "s77"]).to_table().equals(plain.ids(["s5", "s77"]).to_table())
    assert spilled.verify() == []


def test_runs_are_removed_when_they_are_no_longer_needed(made):
    folder, rows, _ = made
    assert list((folder / "runs").glob("stars-*"))
    rows.spilled.remove()
    assert not list((folder / "runs").glob("stars-*"))
    assert list((folder / "runs").glob("visits-*"))


def test_rows_without_a_trace_cannot_be_rejected(tmp_path):
    table = stars(10)
    rows = ParentRows(tmp_path, "stars", describe_input(table.schema, Given(SURVEY)))
    rows.add(table)
    with pytest.raises(UserError, match="spilled already"):
        sq.build(rows.spilled, tmp_path / "made", survey=SURVEY, duplicates="reject")
