from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from skyquarry.catalog import versions
from skyquarry.catalog.files import Folder
from skyquarry.errors import DamagedError, ExistsError, NotFoundError, UserError


def finished(collection, version=None, name="stars", text=b"one"):
    """A version as a writer leaves it: claimed, filled, sealed; not published."""
    version = versions.claim(collection, version)
    home = collection.join(version)
    home.write_atomic(f"{name}/hats.properties", text)
    versions.seal(home)
    return version


def published(collection, name="stars", text=b"one"):
    expected = versions.pointer(collection)
    version = finished(collection, name=name, text=text)
    versions.publish(collection, version, name, expected=expected)
    return version


@pytest.fixture
def collection(tmp_path):
    return Folder.at(tmp_path / "stars")


def test_versions_follow_each_other(collection):
    assert versions.next_version(collection) == "v1"
    assert versions.current(collection) is None
    assert [published(collection) for _ in range(3)] == ["v1", "v2", "v3"]
    assert versions.versions(collection) == ["v1", "v2", "v3"]
    assert versions.current(collection) == "v3"
    assert not collection.exists("v3/.building")


def test_v10_comes_after_v9(collection):
    for number in (9, 10):
        collection.write_atomic(f"v{number}/stars/hats.properties", b"")
    assert versions.versions(collection) == ["v9", "v10"]
    assert versions.next_version(collection) == "v11"


def test_the_pointer_names_margins_and_indexes(collection):
    version = finished(collection)
    for folder in ("stars_10arcs", "stars_id"):
        collection.write_atomic(f"v1/{folder}/hats.properties", b"")
    versions.publish(
        collection,
        version,
        "stars",
        expected=None,
        margins=["stars_10arcs"],
        indexes={"id": "stars_id"},
    )
    assert collection.read_text("collection.properties") == (
        "#HATS collection\nobs_collection=stars\nhats_primary_table_url=v1/stars\n"
        "all_margins=v1/stars_10arcs\ndefault_margin=v1/stars_10arcs\n"
        "all_indexes=id v1/stars_id\ndefault_index=id\n"
    )


def test_a_lost_race_keeps_both_and_says_who_won(collection):
    published(collection)
    began = versions.pointer(collection)
    slow = finished(collection, text=b"slow")
    published(collection, text=b"fast")
    with pytest.raises(
        ExistsError, match=r"v2 of .* but v3 has been published meanwhile: both are"
    ):
        versions.publish(collection, slow, "stars", expected=began)
    assert versions.current(collection) == "v3"
    assert versions.versions(collection) == ["v1", "v2", "v3"]
    assert collection.read_bytes("v2/stars/hats.properties") == b"slow"


def test_two_writers_claim_two_versions(collection):
    assert versions.claim(collection) == "v1"
    assert versions.claim(collection) == "v2"
    assert versions.versions(collection) == []
    assert versions.versions(collection, unfinished=True) == ["v1", "v2"]


@pytest.mark.parametrize("left", [(), ("..building.ccd3cbc20a9c.tmp",)])
def test_a_version_whose_writer_was_killed_while_he_claimed_it_is_claimed_again(collection, left):
    """It stayed as a finished version with nothing in it, and the next one had another name."""
    home = collection.make("v1")
    for name in left:
        Path(home.path(name)).write_bytes(b"")
    assert versions.versions(collection) == []
    assert versions.claim(collection) == "v1"
    assert home.list() == [versions.BUILDING]
    assert versions.claim(collection) == "v2"


def test_an_unpublished_version_is_resumed_and_a_published_one_is_not(collection):
    assert versions.claim(collection) == "v1"
    assert versions.claim(collection, "v1") == "v1"
    published(collection)
    with pytest.raises(ExistsError, match=r"v2 of .* is published"):
        versions.claim(collection, "v2")
    with pytest.raises(UserError, match=r"the version is 'new'"):
        versions.claim(collection, "new")


def test_an_unfinished_version_is_not_published(collection):
    version = versions.claim(collection)
    with pytest.raises(NotFoundError, match=r"no hats.properties, so v1 is not finished"):
        versions.publish(collection, version, "stars", expected=None)
    assert versions.current(collection) is None


def test_a_crash_at_any_step_of_publishing_leaves_old_or_new(collection, monkeypatch):
    class Crash(BaseException):
        pass

    published(collection, text=b"old")
    expected = versions.pointer(collection)
    version = finished(collection, text=b"new")
    seen = set()
    steps = [(cls, name) for cls in (Folder,) for name in ("replace_if", "write_atomic", "remove")]
    for cls, name in steps:
        for after in (False, True):
            original = getattr(cls, name)

            def crash(*args, _original=original, _after=after, **kwargs):
                if _after:
                    _original(*args, **kwargs)
                raise Crash

            with monkeypatch.context() as patch:
                patch.setattr(cls, name, crash)
                with pytest.raises(Crash):
                    versions.publish(collection, version, "stars", expected=expected)
            now = versions.current(collection)
            seen.add(now)
            told = versions.read_checksums(collection.join(now))
            data = collection.read_bytes(f"{now}/stars/hats.properties")
            assert told["stars/hats.properties"] == hashlib.sha256(data).hexdigest()
            assert data == {"v1": b"old", "v2": b"new"}[now]
            assert now in versions.versions(collection)
            collection.write_atomic("collection.properties", expected)
    assert seen == {"v1", "v2"}


def test_prune_keeps_the_newest_and_the_current(collection):
    for _ in range(4):
        published(collection)
    versions.claim(collection)
    assert versions.prune(collection, keep=2) == ["v1", "v2"]
    assert versions.versions(collection) == ["v3", "v4"]
    assert collection.exists("v5/.building")
    assert versions.prune(collection, keep=1, unfinished=True) == ["v3", "v5"]
    with pytest.raises(UserError, match=r"keep is 0"):
        versions.prune(collection, keep=0)


def test_the_current_version_stays_when_a_newer_one_lost(collection):
    published(collection)
    finished(collection)
    collection.remove("v2/.building")
    assert versions.prune(collection, keep=1) == []
    assert versions.current(collection) == "v1"


def test_a_half_removed_version_is_removed_by_the_next_prune(collection, monkeypatch):
    for _ in range(2):
        published(collection)

    def crash(self, rel):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Folder, "remove", crash)
        with pytest.raises(KeyboardInterrupt):
            versions.prune(collection)
    assert versions.versions(collection) == ["v2"]
    assert versions.prune(collection) == ["v1"]
    assert not collection.exists("v1")


def test_a_shared_file_is_one_file_on_disk(collection):
    published(collection, text=b"same")
    versions.share(collection.join("v1"), collection.join("v2"), "stars/hats.properties")
    old, new = (collection.path(f"{v}/stars/hats.properties") for v in ("v1", "v2"))
    from pathlib import Path

    assert Path(old).samefile(new)
    collection.remove("v1")
    assert Path(new).read_bytes() == b"same"


def test_checksums_are_those_of_sha256sum(collection):
    import shutil
    import subprocess

    version = finished(collection)
    home = collection.join(version)
    tool = shutil.which("sha256sum")
    if tool is None:
        pytest.skip("sha256sum is not installed")
    done = subprocess.run(
        [tool, "-c", "checksums.sha256"],
        cwd=home.path(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "stars/hats.properties: OK" in done.stdout


def test_a_damaged_checksum_names_its_line(collection):
    collection.write_atomic("v1/checksums.sha256", b"0" * 64 + b"  a\nbad line\n")
    with pytest.raises(DamagedError, match=r"checksums.sha256, line 2: 'bad line'"):
        versions.read_checksums(collection.join("v1"))


def test_a_collection_of_others_is_not_written_over(collection):
    collection.write_atomic(
        "collection.properties", b"obs_collection=x\nhats_primary_table_url=x\n"
    )
    with pytest.raises(DamagedError, match=r"hats_primary_table_url is 'x'"):
        versions.current(collection)


@pytest.mark.parametrize("name", ["", "a b", "a/b", ".hidden", "ä", "a,b"])
def test_a_name_has_to_fit_a_folder_and_a_list(name):
    with pytest.raises(UserError, match=r"the catalogue's name is"):
        versions.check_name(name)
