from __future__ import annotations

from pathlib import Path

import pytest

from skyquarry.engine.archive import archive
from skyquarry.errors import NotFoundError, UserError


@pytest.fixture
def shelf(sky_path):
    return archive(Path(sky_path).parent)


def test_an_archive_has_its_catalogues_by_name(shelf, sky_path):
    (Path(shelf.path) / ".hidden").mkdir(exist_ok=True)
    assert shelf.names() == ["sky"]
    assert [cat.name for cat in shelf.list()] == ["sky"]
    assert len(shelf["sky"]) == 20_000
    assert "sky" in shelf
    assert "sky" in repr(shelf)
    assert list(shelf) == ["sky"]
    assert shelf.path_of("sky") == sky_path


def test_a_missing_name_offers_the_nearest(shelf):
    with pytest.raises(NotFoundError, match=r"no catalogue 'Skyy'.*did you mean sky"):
        shelf["Skyy"]
    with pytest.raises(NotFoundError, match="choose from sky"):
        shelf["gaia"]
    with pytest.raises(NotFoundError):
        shelf["../archive0/sky"]


def test_a_folder_that_is_not_there_is_an_empty_archive(tmp_path):
    empty = archive(tmp_path / "new")
    assert (empty.names(), len(empty), bool(empty)) == ([], 0, True)
    with pytest.raises(NotFoundError, match=r"new is not there.*SKYQUARRY_ARCHIVE"):
        empty["gaia"]


def test_the_environment_names_the_archive(tmp_path, monkeypatch):
    monkeypatch.setenv("SKYQUARRY_ARCHIVE", str(tmp_path))
    assert archive().path == str(tmp_path)
    monkeypatch.delenv("SKYQUARRY_ARCHIVE")
    monkeypatch.chdir(tmp_path)
    assert archive().path.rstrip("/").endswith("archive")


def test_a_catalogue_is_no_archive(sky_path):
    with pytest.raises(UserError, match=r"is a catalogue.*sq\.open"):
        archive(sky_path)


@pytest.mark.parametrize("name", ["", "a/b", ".x"])
def test_a_name_is_one_folder(shelf, name):
    with pytest.raises(UserError, match="cannot be a catalogue's"):
        shelf.path_of(name)


def test_a_file_is_no_archive(tmp_path):
    (tmp_path / "list.txt").write_text("sky")
    with pytest.raises(UserError, match=r"is a file, but .*: name a folder"):
        archive(tmp_path / "list.txt")
    assert len(archive(tmp_path / "none")) == 0
