"""Folders on this machine; the remote ones are in test_remote.py."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys

import pytest

from skyquarry.catalog.files import Folder
from skyquarry.errors import ExistsError, NotFoundError, StorageError, UserError


def test_what_is_written_is_read_and_listed(tmp_path):
    folder = Folder.at(tmp_path).join("a")
    folder.write_atomic("b/c.txt", "Größe".encode())
    assert folder.read_text("b/c.txt") == "Größe"
    assert folder.size("b/c.txt") == 7
    assert folder.list("b") == ["c.txt"]
    assert folder.list("nowhere") == []
    assert folder.is_folder("b")
    assert not folder.is_folder("b/c.txt")


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    folder = Folder.at(tmp_path)
    folder.write_atomic("f", b"old")
    with pytest.raises(TypeError), folder.writer("f") as file:
        file.writelines([b"half", "not bytes"])
    assert folder.read_bytes("f") == b"old"
    assert folder.list() == ["f"]


def test_a_file_appears_only_when_it_is_whole(tmp_path):
    folder = Folder.at(tmp_path)
    with folder.writer("f") as file:
        file.write(b"x")
        assert not folder.exists("f")
        assert all(name.startswith(".") for name in folder.list())
    assert folder.read_bytes("f") == b"x"


@pytest.mark.parametrize(("expected", "found"), [(None, b"1"), (b"0", b"1"), (b"1", None)])
def test_replace_if_refuses_a_lost_race(tmp_path, expected, found):
    folder = Folder.at(tmp_path)
    if found is not None:
        folder.write_atomic("p", found)
    with pytest.raises(ExistsError, match="changed by another writer"):
        folder.replace_if("p", b"2", expected)
    assert (folder.read_bytes("p") if found else None) == found


def test_replace_if_writes_where_nothing_has_changed(tmp_path):
    folder = Folder.at(tmp_path)
    folder.replace_if("p", b"1", None)
    folder.replace_if("p", b"2", b"1")
    assert folder.read_bytes("p") == b"2"


@pytest.mark.parametrize("rel", ["../x", "a/../../x", "/etc/passwd"])
def test_no_path_climbs_out_of_its_folder(tmp_path, rel):
    with pytest.raises(UserError, match="leads out of"):
        Folder.at(tmp_path).read_bytes(rel)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(NotFoundError, match="nothing_here does not exist"):
        Folder.at(tmp_path).read_bytes("nothing_here")


def test_http_is_not_written():
    with pytest.raises(StorageError, match="cannot be written"):
        Folder.at("https://example.org/x").write_atomic("f", b"")


@pytest.mark.parametrize("where", [None, 5, b"archive", ["archive"]])
def test_what_is_no_path_is_refused(where):
    with pytest.raises(UserError, match=r"the path is .*, but a text or a pathlib.Path is needed"):
        Folder.at(where)


def test_an_unknown_protocol_is_the_users_mistake():
    with pytest.raises(UserError, match="nope:// is not an address"):
        Folder.at("nope://x").read_bytes("f")


def test_share_links_and_never_overwrites(tmp_path):
    old, new = Folder.at(tmp_path / "v1"), Folder.at(tmp_path / "v2")
    old.write_atomic("f", b"1")
    old.share("f", new, "g/f")
    assert os.path.samefile(old.path("f"), new.path("g/f"))  # noqa: PTH121
    with pytest.raises(ExistsError, match="exists already"):
        old.share("f", new, "g/f")
    new.remove("g")
    new.remove("g")
    assert old.read_bytes("f") == b"1"


def test_a_folder_pickles_to_its_text(tmp_path):
    folder = Folder.at(f"file://{tmp_path}")
    assert pickle.loads(pickle.dumps(folder)) == Folder.at(tmp_path)
    assert folder.parent.join(folder.name) == folder


def test_a_local_folder_never_loads_fsspec(tmp_path):
    code = (
        "import sys; from skyquarry.catalog.files import Folder;"
        f"f = Folder.at({str(tmp_path)!r}); f.write_atomic('x', b'1'); f.read_bytes('x'); f.list();"
        "assert 'fsspec' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
