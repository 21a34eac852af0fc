"""Where the bytes of a table come from: a path, a URL or a file object, packed or not."""

from __future__ import annotations

import bz2
import gzip
import io
import os
import tempfile
import weakref
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from skyquarry.errors import IngestError, NotFoundError

GZIP_MAGIC = b"\x1f\x8b"
BZIP2_MAGIC = b"BZh"
BLOCK = 1 << 20


class Scratch:
    """A temporary file that goes when the last reader in this process lets go of it."""

    def __init__(self, path: str) -> None:
        self.path = path
        weakref.finalize(self, _remove, path, os.getpid())

    def __reduce__(self) -> tuple[Any, ...]:
        return (str, (self.path,))  # another process may read it, never remove it


def _remove(path: str, owner: int) -> None:
    if os.getpid() == owner:
        Path(path).unlink(missing_ok=True)


@dataclass(frozen=True)
class Input:
    """Bytes that can be opened again and again, in this process or another."""

    name: str
    """What messages call it: the path or URL as given."""
    where: str
    """The path or URL that is opened."""
    gzipped: bool
    """Packed: by gzip, or by bzip2."""
    scratch: Scratch | str | None = None
    """Keeps a temporary copy alive as long as anyone reads it."""

    @classmethod
    def of(cls, source: str | os.PathLike[str] | BinaryIO) -> Input:
        """An input from a path, a URL (http, https, s3, file) or a binary file object.

        A file object is copied to a temporary file, in blocks. Raises NotFoundError where nothing
        is there and IngestError where it cannot be read.
        """
        if not isinstance(source, str | os.PathLike):
            return _copied(source)
        name = os.fspath(source)
        return cls(name, name, _is_packed(name))

    def open(self) -> BinaryIO:
        """The bytes, unpacked: a seekable file that goes backwards slowly where it is packed."""
        raw = open_raw(self.where, self.name)
        if not self.gzipped:
            return raw
        return cast("BinaryIO", io.BufferedReader(Unpacked(raw, self.name), BLOCK))

    def head(self, size: int = 65_536) -> bytes:
        """The first bytes, unpacked."""
        with self.open() as file:
            return file.read(size)

    def size(self) -> int:
        """Bytes as stored."""
        if not is_url(self.where):
            return Path(self.where).stat().st_size
        with open_raw(self.where, self.name) as file:
            return file.seek(0, os.SEEK_END)

    def local(self) -> Input:
        """The same bytes in a plain local file: itself, or a temporary copy made in blocks."""
        if not self.gzipped and not is_url(self.where):
            return self
        with self.open() as file:
            return _copied(file, self.name)

    def beside(self, name: str) -> Input | None:
        """Another file in the same folder, None where it is not there."""
        folder, slash, _ = self.where.rpartition("/")
        try:
            return Input.of(f"{folder}{slash}{name}")
        except NotFoundError:
            return None


def is_url(where: str) -> bool:
    """Whether a text is a URL and not a path."""
    return "://" in where


def open_raw(where: str, name: str) -> BinaryIO:
    """The bytes as stored. Raises NotFoundError or IngestError, naming the file."""
    try:
        return _open_url(where) if is_url(where) else cast("BinaryIO", Path(where).open("rb"))
    except FileNotFoundError:
        raise NotFoundError(
            f"{name} is not there; an existing file or URL is needed: check the name"
        ) from None
    except IsADirectoryError:
        raise IngestError(
            f"{name} is a folder, but one file is needed: name the file, or a pattern such as "
            f"{name.rstrip('/')}/*.parquet"
        ) from None
    except OSError as error:
        raise IngestError(
            f"{name} cannot be read ({error.strerror or error}); a readable file is needed: "
            "check its permissions"
        ) from error


def _open_url(where: str) -> BinaryIO:
    from skyquarry.catalog.files import Folder

    folder, _, name = where.rpartition("/")
    file = Folder.at(folder).open(name)
    # whole reads, and a request a megabyte instead of one a header card
    buffered = io.BufferedReader(file, BLOCK) if isinstance(file, io.RawIOBase) else file
    return cast("BinaryIO", buffered)


def _is_packed(name: str) -> bool:
    with open_raw(name, name) as file:
        return file.read(3).startswith((GZIP_MAGIC, BZIP2_MAGIC))


def _copied(file: BinaryIO | IO[bytes], name: str | None = None) -> Input:
    handle, path = tempfile.mkstemp(prefix="skyquarry-")
    scratch = Scratch(path)
    with os.fdopen(handle, "wb") as copy:
        while block := file.read(BLOCK):
            copy.write(block)
    label = name or str(getattr(file, "name", None) or "the given file object")
    return Input(label, path, _is_packed(path), scratch)


_DAMAGE = (EOFError, OSError, zlib.error)  # BadGzipFile and what bzip2 raises are OSErrors


class Unpacked(io.RawIOBase):
    """Unpacked bytes of a gzip or bzip2 file; damage becomes an error that says where."""

    def __init__(self, raw: BinaryIO, name: str) -> None:
        super().__init__()
        self._raw = raw
        self._name = name
        self._kind = "bzip2" if raw.read(3) == BZIP2_MAGIC else "gzip"
        raw.seek(0)
        self._unpacked: bz2.BZ2File | gzip.GzipFile = (
            bz2.BZ2File(raw) if self._kind == "bzip2" else gzip.GzipFile(fileobj=raw, mode="rb")
        )

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True; going back starts again from the first byte."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer; raises IngestError where the stream is cut or damaged."""
        view = memoryview(buffer).cast("B")
        try:
            block = self._unpacked.read(len(view))
        except _DAMAGE as error:
            if getattr(error, "errno", None) is not None:  # of the disk, not of what lies there
                raise
            raise self._damage(error) from error
        view[: len(block)] = block
        return len(block)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a byte of the unpacked stream."""
        try:
            return self._unpacked.seek(offset, whence)
        except _DAMAGE as error:
            if getattr(error, "errno", None) is not None:  # of the disk, not of what lies there
                raise
            raise self._damage(error) from error

    def tell(self) -> int:
        """Byte of the unpacked stream."""
        return self._unpacked.tell()

    def close(self) -> None:
        """Close the packed file too."""
        if not self.closed:
            self._unpacked.close()
            self._raw.close()
        super().close()

    def _damage(self, error: Exception) -> IngestError:
        return IngestError(
            f"{self._name} is a damaged {self._kind} file: it breaks off at byte "
            f"{self._raw.tell()} of the packed file, {self._unpacked.tell()} unpacked ({error}); "
            "a whole file is needed: fetch it again"
        )
