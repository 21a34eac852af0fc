"""Bytes from paths, URLs and file objects, packed or not; formats by bytes, then by suffix."""

from __future__ import annotations

import gc
import gzip
import io
import os
import pickle
import subprocess
import sys
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pyarrow as pa
import pytest

from skyquarry.catalog.formats import READERS, WRITERS, open_table, write_table
from skyquarry.catalog.formats.inputs import Input
from skyquarry.errors import FormatError, IngestError, NotFoundError
from skyquarry.ingest.sources import open_sources


class Ranged(SimpleHTTPRequestHandler):
    """A file server that knows ranges and says nothing."""

    def log_message(self, *_):
        pass

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        content = path.read_bytes()
        first, _, last = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
        start, stop = int(first), int(last or len(content) - 1) + 1
        self.send_response(206 if "Range" in self.headers else 200)
        self.send_header("Content-Length", str(len(content[start:stop])))
        self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(content)}")
        self.send_header("Accept-Ranges", "bytes")
        self.end_headers()
        self.wfile.write(content[start:stop])


@contextmanager
def served(folder):
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Ranged, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


TABLE = pa.table({"ra": [1.5, 2.5, None], "name": ["a", None, "c"]})


@pytest.mark.parametrize("suffix", ["parquet", "fits", "fits.gz", "csv.gz", "vot", "ecsv", "h5"])
def test_a_url_is_read_as_a_file_is(tmp_path, suffix):
    write_table(TABLE.to_batches(), TABLE.schema, tmp_path / f"a.{suffix}")
    here = open_table(tmp_path / f"a.{suffix}")
    with served(tmp_path) as address:
        there = open_table(f"{address}/a.{suffix}")
        assert there.schema.equals(here.schema)
        assert str(there.to_table().to_pydict()) == str(here.to_table().to_pydict())
        assert there.n_bytes == here.n_bytes
        sources = open_sources([f"{address}/a.{suffix}"])
        assert sources.names == [f"{address}/a.{suffix}"]


def test_a_missing_url_is_named(tmp_path):
    with served(tmp_path) as address, pytest.raises(NotFoundError, match=r"none\.csv"):
        open_table(f"{address}/none.csv")


def test_a_file_url_is_a_path(tmp_path):
    write_table(TABLE.to_batches(), TABLE.schema, tmp_path / "a.csv")
    assert open_table(f"file://{tmp_path}/a.csv").to_table().equals(TABLE)


@pytest.mark.parametrize("suffix", ["parquet", "fits", "vot", "ecsv", "h5", "mrt"])
def test_the_bytes_decide_before_the_suffix(tmp_path, suffix):
    write_table(TABLE.to_batches(), TABLE.schema, tmp_path / f"a.{suffix}")
    (tmp_path / f"a.{suffix}").rename(tmp_path / "a.csv")
    found = open_table(tmp_path / "a.csv")
    assert found.format == {"vot": "votable", "h5": "hdf5", "mrt": "cds"}.get(suffix, suffix)


def test_a_format_that_nobody_can_tell_is_asked_for(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"\x00\x01")
    with pytest.raises(FormatError, match=r"a\.bin has a suffix that says no format.*format="):
        open_table(tmp_path / "a.bin")
    with pytest.raises(FormatError, match="format 'xls' was given, but one of parquet, fits"):
        open_table(tmp_path / "a.bin", format="xls")


@pytest.mark.parametrize("form", sorted(set(READERS) - {"csv", "tsv"}))
@pytest.mark.parametrize(
    "content", [b"", b"\x00\x01\x02\xff" * 300, b"<a>", b"SIMPLE  =", b"# %ECSV"]
)
def test_rubbish_is_refused_by_every_format_with_the_files_name(tmp_path, form, content):
    (tmp_path / "a.bin").write_bytes(content)
    with pytest.raises((IngestError, NotFoundError, FormatError), match=r"a\.bin"):
        open_table(tmp_path / "a.bin", format=form).to_table()


@pytest.mark.parametrize("form", ["csv", "tsv"])
@pytest.mark.parametrize("content", [b"", b"\x00\x01\x02\xff" * 300, b"a\xe9,b\n1,2\n"])
def test_bytes_that_are_no_text_are_refused(tmp_path, form, content):
    (tmp_path / "a.bin").write_bytes(content)
    with pytest.raises(IngestError, match=r"a\.bin"):
        open_table(tmp_path / "a.bin", format=form).to_table()


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(IngestError, match="is a folder, but one file is needed"):
        open_table(tmp_path)


def test_a_file_that_may_not_be_read_is_named(tmp_path):
    (tmp_path / "a.csv").write_text("x\n1\n")
    (tmp_path / "a.csv").chmod(0)
    user = os.geteuid()
    if user == 0:  # who may read everything: be nobody for a moment
        os.seteuid(65534)
    try:
        with pytest.raises(IngestError, match=r"a\.csv cannot be read"):
            open_table(tmp_path / "a.csv")
    finally:
        os.seteuid(user)


def test_the_copy_of_a_file_object_lives_as_long_as_its_reader():
    entry = Input.of(io.BytesIO(gzip.compress(b"x\n1\n")))
    path = Path(entry.where)
    assert entry.open().read() == b"x\n1\n"
    travelled = pickle.loads(pickle.dumps(entry))
    del travelled
    gc.collect()
    assert path.exists()
    del entry
    gc.collect()
    assert not path.exists()


def test_every_format_is_read_and_written():
    assert set(READERS) - {"bulk"} == set(WRITERS)  # the surveys alone write those


def test_importing_the_formats_loads_nothing_heavy():
    code = (
        "import sys, skyquarry.ingest.sources, skyquarry.catalog.formats.registry as r, importlib\n"
        "[importlib.import_module('skyquarry.catalog.formats.' + m) for m in "
        "{*r.READERS.values(), *r.WRITERS.values()}]\n"
        "print([m for m in ('astropy', 'numba', 'h5py', 'pandas', 'fsspec') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
