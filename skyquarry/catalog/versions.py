"""The versions of a catalogue, and the one small file that says which is current.

A catalogue is a HATS collection: `collection.properties` names the primary, margins and indexes of
the current version (`v7/NAME`, ...). Versions never change once published. Publishing replaces that
file in one atomic step, on condition that it still says what the writer began from. So a crash
at any moment leaves the old version or the new one, and a lost race leaves both.

A version being written holds the file `.building`; one being removed holds `.removing`.
"""

from __future__ import annotations

import hashlib
import os
import re
from typing import TYPE_CHECKING

from skyquarry.catalog.properties import COLLECTION_FILE, check_collection, dump, parse
from skyquarry.errors import DamagedError, ExistsError, NotFoundError, UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from skyquarry.catalog.files import Folder

CHECKSUMS = "checksums.sha256"
BUILDING = ".building"
_CLAIMING = re.compile(re.escape(f".{BUILDING}.") + r"[0-9a-f]+\.tmp")
"""the marker while it is written: `Folder.write_atomic`"""
REMOVING = ".removing"

_VERSION = re.compile(r"v([1-9]\d*)")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")
_LINE = re.compile(r"([0-9a-f]{64}) [ *](?:\./)?(.+)")


def check_name(name: str) -> str:
    """The name, where it can stand in a path and in a list of a properties file.

    Raises
    ------
    UserError
        When it holds anything but letters, digits and `_ . + -`.
    """
    if not _NAME.fullmatch(name):
        raise UserError(
            f"the catalogue's name is {name!r}, but letters, digits and _ . + - are needed, "
            "since it becomes a folder: choose another path"
        )
    return name


def versions(collection: Folder, *, unfinished: bool = False) -> list[str]:
    """The versions on disk, oldest first; those being written or removed only when asked for."""
    found = sorted(
        (name for name in collection.list() if _VERSION.fullmatch(name)),
        key=lambda name: int(name[1:]),
    )
    if unfinished:
        return found
    published = current(collection)
    return [v for v in found if v == published or not _in_the_works(collection.join(v))]


def pointer(collection: Folder) -> bytes | None:
    """What collection.properties holds now, None before the first version is published."""
    if not collection.exists(COLLECTION_FILE):
        return None
    return collection.read_bytes(COLLECTION_FILE)


def current(collection: Folder) -> str | None:
    """The published version, None before the first.

    Raises
    ------
    DamagedError
        When collection.properties names no version of ours.
    """
    content = pointer(collection)
    if content is None:
        return None
    file = collection.path(COLLECTION_FILE)
    properties = parse(content, file)
    check_collection(properties, file)
    url = properties["hats_primary_table_url"]
    version = url.split("/", 1)[0]
    if not _VERSION.fullmatch(version):
        raise DamagedError(
            f"{file}: hats_primary_table_url is {url!r}, but a version such as v1/NAME is "
            "needed: this collection was not written here; build it anew under another name"
        )
    return version


def next_version(collection: Folder) -> str:
    """The name after the highest on disk, finished or not: `v1` in an empty folder."""
    found = versions(collection, unfinished=True)
    return f"v{int(found[-1][1:]) + 1}" if found else "v1"


def claim(collection: Folder, version: str | None = None) -> str:
    """A version to write into: a new one, or `version` again, to resume it.

    Raises
    ------
    UserError
        When `version` is no version's name.
    ExistsError
        When `version` is published already.
    """
    if version is None:
        return _claim_new(collection)
    if not _VERSION.fullmatch(version):
        raise UserError(f"the version is {version!r}, but v1, v2, ... is needed: leave it out")
    home = collection.join(version)
    finished = bool(home.list()) and not home.exists(BUILDING)
    if finished or version == current(collection):
        raise ExistsError(
            f"{version} of {collection.root} is published, and published versions never change: "
            f"leave the version out to write {next_version(collection)}"
        )
    home.write_atomic(BUILDING, b"")
    return version


def publish(
    collection: Folder,
    version: str,
    name: str,
    *,
    expected: bytes | None,
    margins: Sequence[str] = (),
    indexes: Mapping[str, str] | None = None,
) -> None:
    """Make a finished version the current one, in one atomic step.

    `expected` is what `pointer(collection)` gave when the writing began; `margins` are folders in
    the version, the default first; `indexes` is column -> folder.

    Raises
    ------
    ExistsError
        When another version was published meanwhile: both stay on disk, that one stays current.
    """
    home = collection.join(version)
    for folder in (name, *margins, *(indexes or {}).values()):
        if not home.exists(f"{folder}/hats.properties"):
            raise NotFoundError(
                f"{home.path(folder)} has no hats.properties, so {version} is not finished: "
                "finish writing before publishing"
            )
    content = collection_text(version, name, margins, indexes or {}).encode()
    try:
        collection.replace_if(COLLECTION_FILE, content, expected)
    except ExistsError as lost:
        home.remove(BUILDING)
        raise ExistsError(
            f"{version} of {collection.root} was to replace what was current when its writing "
            f"began, but {current(collection)} has been published meanwhile: both are kept; "
            "build again from the new one, or remove the folder of the one that is not wanted"
        ) from lost
    home.remove(BUILDING)


def collection_text(
    version: str, name: str, margins: Sequence[str], indexes: Mapping[str, str]
) -> str:
    """The text of collection.properties."""
    inner = [f"{version}/{margin}" for margin in margins]
    pairs = [item for column, folder in indexes.items() for item in (column, f"{version}/{folder}")]
    properties = {
        "obs_collection": name,
        "hats_primary_table_url": f"{version}/{name}",
        "all_margins": inner or None,
        "default_margin": inner[0] if inner else None,
        "all_indexes": pairs or None,
        "default_index": next(iter(indexes), None),
    }
    return dump(properties, "HATS collection")


def prune(collection: Folder, keep: int = 1, *, unfinished: bool = False) -> list[str]:
    """Remove all but the newest `keep` versions; the current one always stays. What was removed.

    `unfinished` also removes versions that were begun and never published: only where no one is
    writing.
    """
    if keep < 1:
        raise UserError(f"keep is {keep}, but at least 1 version has to stay: keep 1 or more")
    kept = {*versions(collection)[-keep:], current(collection)}
    removed = []
    for version in versions(collection, unfinished=True):
        home = collection.join(version)
        half_removed = home.exists(REMOVING)
        building = home.exists(BUILDING) and not half_removed
        if half_removed or (building and unfinished) or not (building or version in kept):
            home.write_atomic(REMOVING, b"")
            _empty(home)
            collection.remove(version)
            removed.append(version)
    return removed


def share(old: Folder, new: Folder, rel: str) -> None:
    """Let a version hold a file of an older one: a hard link here, a copy inside a store."""
    old.share(rel, new, rel)


def seal(home: Folder, known: Mapping[str, str] | None = None) -> None:
    """Write checksums.sha256 of a version, all its files safely on disk first.

    `known` gives the SHA-256 of files whose bytes were at hand (rel -> hex); those beside them in
    the version's own folder are read. Without it every file is read.
    """
    told = dict(known or {})
    others = walk(home) if known is None else (n for n in home.list() if not home.is_folder(n))
    for rel in others:
        if rel not in told and not rel.startswith(".") and rel != CHECKSUMS:
            told[rel] = sha256_of(home, rel)
    if home.local:
        _sync(home, told)
    lines = [f"{told[rel]}  {rel}\n" for rel in sorted(told)]
    home.write_atomic(CHECKSUMS, "".join(lines).encode())


def read_checksums(home: Folder) -> dict[str, str]:
    """Path in the version -> SHA-256 in hex, as checksums.sha256 tells.

    Raises
    ------
    DamagedError
        Naming the line that is none of `sha256sum`'s.
    """
    found = {}
    for number, line in enumerate(home.read_text(CHECKSUMS).splitlines(), start=1):
        parts = _LINE.fullmatch(line)
        if not parts:
            raise DamagedError(
                f"{home.path(CHECKSUMS)}, line {number}: {line!r} is not a checksum, which is 64 "
                "hexadecimal digits, two spaces and a path: copy the version again"
            )
        found[parts[2]] = parts[1]
    return found


def sha256_of(home: Folder, rel: str) -> str:
    """The SHA-256 of a file's bytes, read a piece at a time."""
    digest = hashlib.sha256()
    with home.open(rel) as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def walk(folder: Folder, below: str = "") -> Iterator[str]:
    """Every file below a folder, in order, without hidden ones."""
    for name in folder.list(below):
        rel = f"{below}/{name}" if below else name
        if name.startswith("."):
            continue
        if folder.is_folder(rel):
            yield from walk(folder, rel)
        else:
            yield rel


def _in_the_works(home: Folder) -> bool:
    return home.exists(BUILDING) or home.exists(REMOVING) or not _begun(home)


def _begun(home: Folder) -> bool:
    """Whether anything is there but what a kill left of a claim."""
    return any(not _CLAIMING.fullmatch(name) for name in home.list())


def _claim_new(collection: Folder) -> str:
    number = int(next_version(collection)[1:])
    if number > 1 and not _begun(collection.join(f"v{number - 1}")):
        number -= 1  # its writer was killed before it had claimed it
    while True:
        home = collection.make(f"v{number}")
        try:
            home.replace_if(BUILDING, b"", None)
        except ExistsError:  # another writer was faster
            number += 1
            continue
        for name in home.list():
            if _CLAIMING.fullmatch(name):  # nobody's: whoever claims holds the folder's lock
                home.remove(name)
        return f"v{number}"


def _empty(home: Folder) -> None:
    """Remove all but the marker, so that a half-removed version is known as one."""
    for name in home.list():
        if name != REMOVING:
            home.remove(name)


def _sync(home: Folder, files: Iterable[str]) -> None:
    """Wait until the files and the folders that name them are on the disk."""
    folders = {""}
    for rel in files:
        _sync_path(home.path(rel))
        parent = rel
        while parent := parent.rpartition("/")[0]:
            folders.add(parent)
    for folder in folders:
        _sync_path(home.path(folder))


def _sync_path(path: str) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
