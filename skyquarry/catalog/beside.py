"""Catalogues that lie in one folder with another, as those of an archive do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skyquarry.catalog.stored import open_stored
from skyquarry.errors import SkyquarryError

if TYPE_CHECKING:
    from skyquarry.catalog.stored import Stored


def beside(stored: Stored, name: str) -> Stored | None:
    """The catalogue of a name in the same folder; None where none is named, or can be read."""
    try:
        return open_stored(stored.home.parent.path(name)) if name else None
    except SkyquarryError:
        return None
