"""Tables that are kept on disk between processes."""

import numpy as np
import pytest

from skyquarry.synthetic.beyond import kept as kept_module
from skyquarry.synthetic.beyond.kept import kept


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "skyquarry"


def made():
    return {"some": np.linspace(0.0, 1.0, 7), "one": np.asarray(0.3)}


def never():
    raise AssertionError("made again")


def test_a_table_is_made_once_and_found_bit_by_bit(folder):
    first, again = kept("some", made), kept("some", never)
    assert {key: value.tobytes() for key, value in again.items()} == {
        key: value.tobytes() for key, value in first.items()
    }


@pytest.mark.parametrize("damage", [b"", b"no zip", None])
def test_a_damaged_table_is_made_again(folder, damage):
    kept("some", made)
    (path,) = folder.iterdir()
    path.write_bytes(path.read_bytes()[:-40] if damage is None else damage)
    assert np.array_equal(kept("some", made)["some"], made()["some"])
    assert np.array_equal(kept("some", never)["some"], made()["some"])


def test_other_code_makes_its_own_and_the_oldest_go(folder, monkeypatch):
    for mark in "abcdef":
        monkeypatch.setattr(kept_module, "_mark", lambda mark=mark: mark)
        kept("some", made)
    assert [path.name for path in sorted(folder.iterdir())] == [
        f"some-{each}.npz" for each in "cdef"
    ]


def test_without_a_folder_to_write_it_is_made_each_time(folder, monkeypatch):
    folder.write_text("a file stands here")
    assert np.array_equal(kept("some", made)["some"], made()["some"])
    monkeypatch.setattr(kept_module, "folder", lambda: None)
    assert np.array_equal(kept("some", made)["some"], made()["some"])
