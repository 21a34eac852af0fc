"""Catalogues of an archive stay open, and a change of them is never missed."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

import skyquarry as sq
from skyquarry.catalog import foreign
from skyquarry.engine.archive import archive
from skyquarry.engine.opening import current_source
from skyquarry.errors import DamagedError
from skyquarry.ingest.build import build

ROWS = {"id": [1, 2], "ra": [10.0, 11.0], "dec": [0.0, 1.0]}


@pytest.fixture
def stars(tmp_path):
    build(pa.table(ROWS), tmp_path / "stars", ra="ra", dec="dec", id="id")
    return tmp_path / "stars"


def test_a_catalogue_of_an_archive_is_opened_once(stars):
    shelf = archive(stars.parent)
    assert shelf["stars"].source is shelf["stars"].source
    assert archive(stars.parent)["stars"].source is shelf["stars"].source


def test_a_new_version_is_seen_at_once_and_the_old_one_stays_as_it_was(stars):
    shelf = archive(stars.parent)
    before = shelf["stars"]
    sq.add_column(stars, "twice", "2 * ra")
    assert shelf["stars"].version == "v2"
    assert shelf.query("SELECT twice FROM stars ORDER BY id").to_table()["twice"].to_pylist() == [
        20.0,
        22.0,
    ]
    assert "twice" not in before.to_table().column_names


def test_a_catalogue_built_anew_under_the_same_number_is_another(stars):
    shelf = archive(stars.parent)
    assert shelf["stars"].version == "v1"
    stars.rename(stars.parent / "old")
    build(pa.table({name: each[:1] for name, each in ROWS.items()}), stars,
          ra="ra", dec="dec", id="id")  # fmt: skip
    assert shelf["stars"].version == "v1"
    assert len(shelf["stars"].to_table()) == 1


def test_a_tree_without_versions_is_opened_each_time(stars):
    inner = stars / "v1" / "stars"
    inner.rename(stars.parent / "bare")
    place = str(Path(stars.parent) / "bare")
    assert current_source(place) is not current_source(place)


def test_a_pointer_is_read_once(stars, monkeypatch):
    current_source(str(stars))
    read = []
    locate = foreign.locate
    monkeypatch.setattr(foreign, "locate", lambda where: read.append(where) or locate(where))
    assert current_source(str(stars)) is current_source(str(stars))
    assert not read
    pointer = stars / "collection.properties"
    pointer.write_bytes(pointer.read_bytes())  # the same words, another time
    current_source(str(stars))
    assert read


def test_a_pointer_that_leads_nowhere_any_more_is_told(stars):
    current_source(str(stars))
    (stars / "v1").rename(stars / "v9")
    with pytest.raises(DamagedError, match="holds no catalogue"):
        current_source(str(stars))
