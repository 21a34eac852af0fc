"""The whole way in an object store: built, asked, matched and classified there, as on a disk."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest

import skyquarry as sq
from skyquarry.catalog.files import Folder
from skyquarry.errors import UserError


def sky(shift=0.0):
    random = np.random.default_rng(4)
    n = 3_000
    return pa.table({
        "id": np.arange(n), "ra": 180.0 + 2.0 * random.random(n) + shift,
        "dec": 2.0 * random.random(n), "g": 15.0 + 6.0 * random.random(n),
        "r": 15.0 + 6.0 * random.random(n),
    })  # fmt: skip


@pytest.fixture(scope="module")
def archive():
    """Two catalogues of the same sky in a bucket."""
    pytest.importorskip("s3fs", reason="S3 needs s3fs: pip install 'skyquarry[s3]'")
    pytest.importorskip("moto.server", reason="a stand-in for S3: pip install moto[server]")
    from skyquarry.testing.stores import bucket

    with bucket() as url:
        for name, shift in (("here", 0.0), ("there", 2e-5)):
            sq.build(sky(shift), f"{url}/sky/{name}", ra="ra", dec="dec", id="id")
        yield sq.archive(f"{url}/sky")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Where nothing may be written that is meant for the store."""
    monkeypatch.chdir(tmp_path)
    yield
    assert not list(tmp_path.iterdir())


def test_a_match_is_written_opened_explained_and_updated_there(archive):
    plan = sq.crossmatch(archive["here"], archive["there"], default_error_arcsec=0.1)
    made = plan.to_catalog(f"{archive.path}/matched", updatable=True)
    found = plan.run()
    assert len(made) == len(archive["matched"]) == found.groups.num_rows
    assert set(made.children()) == {"matched_pairs", "matched_members"}
    home = Folder.at(f"{archive.path}/matched")
    again = sq.open_match(home.root)
    assert again.report == json.loads(home.read_text("report.json"))
    assert again.report | {"seconds": 0.0} == found.report | {"seconds": 0.0}
    assert str(again.explain_match("here", 7)) == str(found.explain_match("here", 7))
    same = sq.update_match(again, {"there": archive["there"]})
    assert same.groups.num_rows == found.groups.num_rows
    with pytest.raises(UserError, match=r"there is a catalogue at .*overwrite=True"):
        plan.to_catalog(f"{archive.path}/matched")


def test_an_archive_there_is_asked_and_saved_into(archive):
    asked = archive.query("SELECT COUNT(*) AS n FROM here JOIN there ON here.id = there.id")
    assert asked.to_table().to_pylist() == [{"n": 3_000}]
    near = sq.pairs(archive["here"], archive["there"], radius_arcsec=1.0, keep="best")
    assert len(near.to_catalog(f"{archive.path}/near")) == 3_000
    cut = archive["here"].where("g < 18")
    assert len(cut.to_catalog(f"{archive.path}/bright")) == len(cut.to_table())
    assert archive["bright"].verify() == []


@pytest.mark.parametrize(
    ("write", "what"),
    [
        (lambda path, _: sq.simulate("CIRCLE 180 30 0.02", path, seed=1), "a simulated sky"),
        (lambda path, c: sq.similar_index(c, ["g - r"], path), "an index"),
        (
            lambda path, c: sq.inject(c, c.head(1).to_table(), path, seed=1, survey="gaia"),
            "what is injected",
        ),
    ],
)
def test_what_needs_a_disk_says_so_before_it_starts(archive, write, what):
    with pytest.raises(
        UserError, match=rf"is not on this machine, but {what} is written to a disk"
    ):
        write(f"{archive.path}/no", archive["here"])
    assert "no" not in Folder.at(archive.path).list()
