"""A sample of a catalogue: all over it, the same each time, of few row groups."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import skyquarry as sq
from skyquarry.pipeline.sampled import PLACES, sample_of


@pytest.fixture(scope="module")
def sky(tmp_path_factory):
    """3,000 rows in many tiles, two thirds of them in one corner of the sky."""
    random = np.random.default_rng(1)
    dense = np.arange(3_000) < 2_000
    ra = np.where(dense, random.uniform(10, 12, 3_000), random.uniform(0, 360, 3_000))
    dec = np.where(dense, random.uniform(0, 2, 3_000), random.uniform(-60, 60, 3_000))
    table = pa.table({"id": np.arange(3_000), "ra": ra, "dec": dec, "dense": dense})
    path = tmp_path_factory.mktemp("sky") / "sky"
    return sq.build(table, path, ra="ra", dec="dec", id="id", max_rows=300, row_group_rows=64)


def test_places_are_where_rows_are(sky):
    made = sample_of(sky.source, ["id", "dense"], 640)
    assert made.column_names == ["id", "dense"]
    assert 0.5 * 640 < made.num_rows <= 640 + PLACES
    assert np.mean(made["dense"].to_numpy()) == pytest.approx(2 / 3, abs=0.1)
    assert len(set(made["id"].to_pylist())) == made.num_rows
    assert made.equals(sample_of(sky.source, ["id", "dense"], 640))


def test_few_row_groups_are_read(sky, monkeypatch):
    read, stored = [], type(sky.source.stored)
    whole = stored.read

    def counted(self, *given, **more):
        table = whole(self, *given, **more)
        read.append(table.num_rows)
        return table

    monkeypatch.setattr(stored, "read", counted)
    sample_of(sky.source, ["id"], 64)
    assert sum(read) <= PLACES * 64  # of 3,000 rows: a row group each


def test_a_catalogue_without_rows_has_a_sample_without_rows(sky, tmp_path):
    none = sky.to_table().slice(0, 0)
    empty = sq.build(none, tmp_path / "none", ra="ra", dec="dec", id="id")
    made = sample_of(empty.source, ["id"], 64)
    assert (made.num_rows, made.column_names) == (0, ["id"])
