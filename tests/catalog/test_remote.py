"""Catalogues behind S3 and HTTP, from servers on this machine: only what is needed is fetched."""

from __future__ import annotations

import pickle
import re
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pyarrow as pa
import pytest

from skyquarry.catalog import footers, remote
from skyquarry.catalog.files import Folder
from skyquarry.catalog.stored import open_stored
from skyquarry.catalog.verify import verify
from skyquarry.errors import (
    DamagedError,
    ExistsError,
    MissingExtraError,
    NotFoundError,
    StorageError,
)
from skyquarry.sky.ranges import Ranges
from skyquarry.testing.skies import uniform_sky
from skyquarry.testing.trees import Layout, write_collection, write_tree


class Ranged(SimpleHTTPRequestHandler):
    """Files with single byte ranges, each answer counted."""

    ranges = True
    sent: list = []  # noqa: RUF012 - one list for all requests

    def do_GET(self):
        path = self.translate_path(self.path)
        found = re.match(r"bytes=(\d+)-(\d*)$", self.headers.get("Range", ""))
        if not self.ranges or found is None or path.endswith("/"):
            Ranged.sent.append((self.path, -1))
            super().do_GET()
            return
        data = Path(path).read_bytes()
        first, last = int(found[1]), min(int(found[2] or len(data) - 1), len(data) - 1)
        body = data[first : last + 1]
        Ranged.sent.append((self.path, len(body)))
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def http(tmp_path):
    """A folder, and the address at which it is served."""
    pytest.importorskip("aiohttp", reason="HTTP needs aiohttp: pip install 'skyquarry[http]'")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Ranged, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    Ranged.sent.clear()
    footers.FOOTERS.clear()
    yield tmp_path, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def s3():
    """An empty bucket on an S3 server of this machine."""
    pytest.importorskip("s3fs", reason="S3 needs s3fs: pip install 'skyquarry[s3]'")
    pytest.importorskip("moto.server", reason="a stand-in for S3: pip install moto[server]")
    from skyquarry.testing.stores import bucket

    with bucket() as url:
        yield url


def sky(folder, layout=None):
    return write_tree(folder, uniform_sky(20_000), layout or Layout(order=0, row_group_rows=500))


def upload(local, url):
    target = Folder.at(url)
    for path in sorted(local.rglob("*")):
        if path.is_file():
            target.write_atomic(str(path.relative_to(local)), path.read_bytes())
    return url


def region_of(stored):
    groups = stored.row_groups(3)
    return Ranges([groups.low[1]], [groups.high[1] + 1])


# ---------------------------------------------------------------- HTTP
def test_a_catalogue_behind_http_is_the_local_one(http):
    folder, address = http
    local = open_stored(sky(folder / "t"))
    far = open_stored(f"{address}/t")
    assert (far.n_rows, far.tiles, far.schema) == (local.n_rows, local.tiles, local.schema)
    ranges = region_of(local)
    assert far.read(3, ["id", "ra"], ranges=ranges).equals(
        local.read(3, ["id", "ra"], ranges=ranges)
    )
    assert verify(far) == []


def test_only_the_bytes_of_the_asked_columns_and_row_groups_come_over_http(http):
    folder, address = http
    local = open_stored(sky(folder / "t"))
    far = open_stored(f"{address}/t")
    assert not [path for path, _ in Ranged.sent if "Npix" in path]
    Ranged.sent.clear()
    rows = far.read(3, ["ra"], ranges=region_of(local))
    assert rows.num_rows == 500
    leaf = local.folder.size(local.leaf(3))
    fetched = [size for path, size in Ranged.sent if "Npix=3" in path]
    assert min(fetched) > 0, "a whole file was sent"
    groups = local.row_groups(3)
    footer = 65_536  # pyarrow asks for the last 64 KiB first
    assert sum(fetched) < min(footer, leaf) + 2 * int(groups.bytes[1])
    Ranged.sent.clear()
    far.read(3, ["ra"], ranges=region_of(local))
    assert len(Ranged.sent) <= 2, "the footer was fetched again"


def test_a_server_without_ranges_still_gives_right_rows(http, monkeypatch):
    folder, address = http
    local = open_stored(sky(folder / "t"))
    monkeypatch.setattr(Ranged, "ranges", False)
    far = open_stored(f"{address}/t")
    assert far.read(2, ["id"]).equals(local.read(2, ["id"]))


def test_tiles_are_listed_over_http_where_no_file_names_them(http):
    folder, address = http
    sky(folder / "t", Layout(order=0, info=False))
    assert len(open_stored(f"{address}/t").tiles) == 12


def test_what_is_not_there_is_named_over_http(http):
    folder, address = http
    with pytest.raises(NotFoundError, match="holds no catalogue"):
        open_stored(f"{address}/nothing")
    sky(folder / "t")
    next((folder / "t").rglob("Npix=3.parquet")).unlink()
    with pytest.raises(DamagedError, match=r"Npix=3.parquet is missing, but the catalogue"):
        open_stored(f"{address}/t").read(3)


def test_a_server_that_is_down_is_a_storage_error():
    pytest.importorskip("aiohttp")
    with pytest.raises(StorageError, match=r"127\.0\.0\.1:1.* could not be used"):
        Folder.at("http://127.0.0.1:1").read_bytes("x")


def test_a_remote_collection_cannot_name_files_of_this_machine(http):
    folder, address = http
    write_collection(folder, "/etc")
    with pytest.raises(DamagedError, match="a path of this machine, but the collection is remote"):
        open_stored(address)


def test_margins_may_lie_on_another_server(http):
    folder, address = http
    home = folder / "c"
    sky(home / "p")
    keys = {"hats_primary_table_url": "p", "hats_margin_threshold": "10"}
    write_tree(folder / "m", uniform_sky(9), Layout(kind="margin", properties=keys))
    write_collection(home, "p", margins=f"{address}/m")
    assert open_stored(home).margin().n_rows == 9


# ---------------------------------------------------------------- S3
def test_a_catalogue_in_s3_is_the_local_one(s3, tmp_path):
    local = open_stored(sky(tmp_path / "t"))
    far = open_stored(upload(tmp_path / "t", f"{s3}/t"))
    assert (far.n_rows, far.tiles) == (local.n_rows, local.tiles)
    ranges = region_of(local)
    assert far.read(3, ranges=ranges).equals(local.read(3, ranges=ranges))
    assert pickle.loads(pickle.dumps(far)).read(1, ["id"]).equals(local.read(1, ["id"]))
    assert verify(far) == []


def test_only_byte_ranges_come_from_s3(s3, tmp_path, monkeypatch):
    local = open_stored(sky(tmp_path / "t"))
    far = open_stored(upload(tmp_path / "t", f"{s3}/bytes"))
    fetched = []
    fetch = remote.RangeFile._fetch
    monkeypatch.setattr(
        remote.RangeFile,
        "_fetch",
        lambda self, size: fetched.append((self._at, size)) or fetch(self, size),
    )
    far.read(3, ["ra"], ranges=region_of(local))
    far.read(3, ["ra"], ranges=region_of(local))
    groups = local.row_groups(3)
    leaf = local.folder.size(local.leaf(3))
    assert sum(size for _, size in fetched) < min(65_536, leaf) + 4 * int(groups.bytes[1])


def test_folders_in_s3_list_and_remove(s3):
    folder = Folder.at(f"{s3}/f")
    folder.write_atomic("a/b.txt", b"1")
    with folder.writer("a/c.txt") as file:
        file.write(b"22")
    assert folder.list("a") == ["b.txt", "c.txt"]
    assert folder.list() == ["a"]
    assert folder.list("nowhere") == []
    assert (folder.size("a/c.txt"), folder.is_folder("a"), folder.exists("a/x")) == (2, True, False)
    folder.share("a/c.txt", folder, "d.txt")
    assert folder.read_bytes("d.txt") == b"22"
    folder.remove("a")
    assert folder.list() == ["d.txt"]
    with pytest.raises(NotFoundError, match=r"a/b\.txt does not exist"):
        folder.read_bytes("a/b.txt")


def test_a_failed_write_to_s3_leaves_nothing(s3):
    folder = Folder.at(f"{s3}/g")
    with pytest.raises(TypeError), folder.writer("x") as file:
        file.write("text")
    assert not folder.exists("x")


def test_a_lost_race_in_s3_is_an_error_that_keeps_both(s3):
    folder = Folder.at(f"{s3}/race")
    folder.replace_if("p", b"1", None)
    folder.replace_if("p", b"2", b"1")
    for expected in (None, b"1"):
        with pytest.raises(ExistsError, match="changed by another writer"):
            folder.replace_if("p", b"3", expected)
    with pytest.raises(ExistsError, match="changed by another writer"):
        folder.replace_if("q", b"3", b"1")
    assert folder.read_bytes("p") == b"2"


def test_a_writer_between_the_look_and_the_write_is_noticed(s3, monkeypatch):
    folder = Folder.at(f"{s3}/between")
    folder.replace_if("p", b"1", None)
    look = remote._tag_of

    def overtaken(*args):
        tag = look(*args)
        folder.write_atomic("p", b"other")
        return tag

    monkeypatch.setattr(remote, "_tag_of", overtaken)
    with pytest.raises(ExistsError, match="changed by another writer"):
        folder.replace_if("p", b"2", b"1")
    assert folder.read_bytes("p") == b"other"


# ---------------------------------------------------------------- what is not installed
@pytest.mark.parametrize(("protocol", "extra"), [("s3", "s3"), ("https", "http")])
def test_a_missing_package_is_named_with_its_extra(monkeypatch, protocol, extra):
    import fsspec

    def absent(*args, **options):
        raise ImportError("no such package")

    monkeypatch.setattr(fsspec, "filesystem", absent)
    monkeypatch.setattr(remote, "SYSTEMS", {})
    with pytest.raises(MissingExtraError, match=rf"pip install 'skyquarry\[{extra}\]'"):
        Folder.at(f"{protocol}://x/y").read_bytes("z")


def test_a_memory_store_reads_but_refuses_to_publish(tmp_path):
    url = upload(sky(tmp_path / "t"), "memory://t")
    stored = open_stored(url)
    assert pa.concat_tables([stored.read(i, ["id"]) for i in range(12)]).num_rows == 20_000
    with pytest.raises(StorageError, match="without a conditional write"):
        Folder.at(url).replace_if("p", b"", None)
