"""What rooms above the engine can do with its nouns: given by the public face, which knows all.

`sky.query(...)` is asked of an archive, but made of ADQL, a room above: the engine may not import
it. So the public face leaves here how to load it, and the noun asks for it by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator

    import pyarrow as pa

_LOADERS: dict[str, Callable[[], Any]] = {}


class Asked(Protocol):
    """A query as a plan; nothing is read until its rows are asked for."""

    @property
    def schema(self) -> pa.Schema:
        """The schema of its rows."""

    def explain(self) -> str:
        """What it would read, and what that costs."""

    def stream(self) -> Iterator[pa.RecordBatch]:
        """Record batches as the rows come."""

    def to_table(self) -> pa.Table:
        """All rows in memory."""

    def to_pandas(self) -> Any:
        """All rows as a pandas DataFrame."""

    def to_astropy(self) -> Any:
        """All rows as an astropy Table."""

    def save(self, path: str | os.PathLike[str], **options: Any) -> int:
        """Write the rows to a file; returns how many."""

    def run(self) -> Kept:
        """Keep the rows under the name that INTO says."""


class Kept(Protocol):
    """A result that a query kept."""

    @property
    def name(self) -> str:
        """my.NAME."""

    @property
    def path(self) -> str:
        """Its folder."""

    @property
    def rows(self) -> int:
        """How many there are."""

    @property
    def query(self) -> str:
        """The ADQL that made it."""

    @property
    def kept(self) -> str:
        """When, in ISO 8601."""


def give(name: str, loader: Callable[[], Any]) -> None:
    """Leave how a function is loaded that is asked for by this name."""
    _LOADERS[name] = loader


def verb(name: str) -> Any:
    """The function of that name, loaded now."""
    return _LOADERS[name]()
