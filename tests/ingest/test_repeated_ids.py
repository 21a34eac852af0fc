"""Ids that may repeat, or lack: a build's index of them is sound, a spoilt one is not."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import skyquarry as sq
from skyquarry.catalog import verify_ids, versions
from skyquarry.catalog.files import Folder
from skyquarry.catalog.verify import verify

STARS = 60
SEEN = 2_000
SPECTRA = 500


def measurements(kind):
    """Stars seen 33 times each, a twentieth of the rows without the id of a star."""
    random = np.random.default_rng(8)
    star = random.integers(0, STARS, SEEN)
    spread = random.normal(0.0, 0.5, SEEN)  # degrees: a star lies in several tiles
    names = pa.array(star, mask=random.random(SEEN) < 0.05).cast(kind)
    columns = {"objid": names, "ra": star * 5.0 + 10 + spread, "dec": star * 1.0 - 30}
    return pa.table({**columns, "mjd": random.random(SEEN) + 60_000})


@pytest.fixture
def sources(tmp_path):
    sq.build(measurements("int64"), tmp_path / "seen", kind="source", max_rows=150, progress=False)
    return tmp_path / "seen"


@pytest.fixture
def named_sources(tmp_path):
    sq.build(measurements("string"), tmp_path / "seen", kind="source", max_rows=150, progress=False)
    return tmp_path / "seen"


@pytest.fixture
def child(tmp_path):
    sky = pa.table({"id": np.arange(90), "ra": np.arange(90) * 4.0, "dec": np.arange(90) - 45.0})
    parent = sq.build(sky, tmp_path / "photo", max_rows=20, progress=False)
    owner = np.random.default_rng(2).integers(0, 90, SPECTRA)
    spectra = pa.table({"objID": owner, "z": np.arange(SPECTRA) * 0.01})
    sq.build(spectra, tmp_path / "spec", parent=parent, on="objID", progress=False)
    return tmp_path / "spec"


def part_of(home):
    return next((home / "v1").glob("*/dataset/index/part.0.parquet"))


def spoil(home, change):
    """Change the rows of the index, and make the checksums agree."""
    pq.write_table(change(pq.read_table(part_of(home))), part_of(home))
    versions.seal(Folder.at(home / "v1"))


@pytest.mark.parametrize("home", ["sources", "named_sources"])
def test_objects_measured_often_are_no_fault(request, home):
    home = request.getfixturevalue(home)
    assert verify(home) == []
    index = pq.read_table(part_of(home))
    assert STARS < len(index) < SEEN / 2  # some stars in several tiles, each once in each
    assert index.column(0).null_count == 0
    assert not (home / "v1" / "duplicates.parquet").exists()


def test_several_rows_of_a_parent_are_no_fault(child):
    assert verify(child) == []
    assert len(pq.read_table(part_of(child))) < SPECTRA / 2


@pytest.mark.parametrize("home", ["sources", "named_sources", "child"])
def test_an_index_that_lacks_an_id_is_found(request, home):
    home = request.getfixturevalue(home)
    key = pq.read_table(part_of(home)).column(0)[7].as_py()
    spoil(home, lambda t: pa.concat_tables([t.slice(0, 7), t.slice(8)]))
    (fault,) = verify(home)
    assert "is wrong for 1 tiles" in fault.what
    assert list(fault.rows[0].values()) == [key, "lacks it"]


@pytest.mark.parametrize("home", ["sources", "named_sources", "child"])
def test_an_index_that_names_the_tile_of_another_id_is_found(request, home):
    home = request.getfixturevalue(home)

    def exchanged(table):
        cells = table.select(["Norder", "Npix"])
        other = cells.take(pa.array([len(cells) - 1, *range(1, len(cells) - 1), 0]))
        return pa.table([table.column(0), *other.columns], names=table.column_names)

    spoil(home, exchanged)
    (fault,) = verify(home)
    assert "is wrong for 2 tiles" in fault.what


def test_an_index_with_an_entry_for_some_of_the_repeats_is_found(sources):
    spoil(sources, lambda t: pa.concat_tables([t.slice(0, 1), t]))
    (fault,) = verify(sources)
    assert "is wrong for 1 tiles" in fault.what


def test_ids_that_may_repeat_are_not_gathered(sources, monkeypatch):
    def refuse(_keys):
        raise AssertionError("ids of sources were gathered, which memory may not hold")

    monkeypatch.setattr(verify_ids, "_that_repeat", refuse)
    assert verify(sources) == []
