"""Folders that are not on this machine: S3, HTTP and what else fsspec knows.

The only importer of fsspec, and that inside a function: this module itself is light.
"""

from __future__ import annotations

import io
import os
from typing import Any

from skyquarry.errors import ExistsError, StorageError, UserError, missing_extra

EXTRAS = {
    "s3": ("s3fs", "s3"),
    "s3a": ("s3fs", "s3"),
    "http": ("aiohttp", "http"),
    "https": ("aiohttp", "http"),
}


class RangeFile(io.RawIOBase):
    """A remote file that fetches exactly the bytes that are read, one request a read."""

    def __init__(self, system: Any, path: str) -> None:
        self._system, self._path, self._at = system, path, 0
        self._size = size_of(system, path)

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """The place of the next byte."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a place from the start, from here, or from the end."""
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, origin + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` from here."""
        content = self._fetch(len(buffer))
        buffer[: len(content)] = content
        return len(content)

    def read(self, size: int | None = -1) -> bytes:
        """The next `size` bytes, or all that is left."""
        return self._fetch(self._size if size is None or size < 0 else size)

    def _fetch(self, size: int) -> bytes:
        stop = min(self._at + size, self._size)
        if stop <= self._at:
            return b""
        content = bytes(self._system.cat_file(self._path, start=self._at, end=stop))
        if len(content) == self._size:  # a server that does not know ranges sends the whole file
            content = content[self._at : stop]
        if len(content) != stop - self._at:
            raise OSError(
                f"the server sent {len(content)} bytes where {stop - self._at} were asked"
            )
        self._at = stop
        return content


SYSTEMS: dict[tuple[str, int], Any] = {}


def file_system(protocol: str) -> Any:
    """One fsspec file system a protocol and process (a fork starts its own event loop)."""
    key = (protocol, os.getpid())
    if key not in SYSTEMS:
        SYSTEMS[key] = _make_system(protocol)
    return SYSTEMS[key]


def _make_system(protocol: str) -> Any:
    import fsspec

    options: dict[str, Any] = {"skip_instance_cache": True}
    if protocol in EXTRAS:
        options["use_listings_cache"] = False
    try:
        return fsspec.filesystem(protocol, **options)
    except ImportError as error:
        package, extra = EXTRAS.get(protocol, (f"the fsspec package for {protocol}", "s3"))
        raise missing_extra(package, extra, f"reading {protocol}:// addresses") from error
    except ValueError as error:
        raise UserError(
            f"{protocol}:// is not an address that fsspec knows; "
            "give a local path, s3://... or https://..."
        ) from error


def size_of(system: Any, path: str) -> int:
    """The size of a remote file in bytes; OSError where the server does not say."""
    size = system.info(path).get("size")
    if size is None:
        raise OSError("the server does not say how long the file is")
    return int(size)


def put_if(store: Any, path: str, new: bytes, expected: bytes | None) -> None:
    """Write an S3 object in one conditional PUT; ExistsError where it is not what was expected."""
    protocol = path.partition("://")[0]
    if protocol not in {"s3", "s3a"}:
        raise StorageError(
            f"{path} lies in a store ({protocol}) without a conditional write; "
            "publishing needs one: use a local folder or s3://"
        )
    bucket, _, key = path.partition("://")[2].partition("/")
    condition = {"IfNoneMatch": "*"}
    if expected is not None:
        condition = {"IfMatch": _tag_of(store, path, bucket, key, expected)}
    try:
        store.call_s3("put_object", Bucket=bucket, Key=key, Body=new, **condition)
    except Exception as error:
        if any(word in repr(error) for word in ("Precondition", "pre-condition", "Conditional")):
            raise lost_race(path) from error
        raise


def _tag_of(store: Any, path: str, bucket: str, key: str, expected: bytes) -> str:
    """The entity tag of the object that holds `expected`."""
    try:
        tag = store.call_s3("head_object", Bucket=bucket, Key=key)["ETag"]
        found = bytes(store.cat_file(path))
    except FileNotFoundError as error:
        raise lost_race(path) from error
    if found != expected:
        raise lost_race(path)
    return str(tag)


def lost_race(path: str) -> ExistsError:
    """The error of a writer that was overtaken."""
    return ExistsError(
        f"{path} was changed by another writer since it was read; both versions are kept: "
        "open the catalogue again and repeat the change"
    )
