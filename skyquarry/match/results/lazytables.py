"""The three tables of an identification, each made when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable

REASONS = ("", "no candidate", "candidates rejected", "outside footprint")
"""Why a row stands alone, by number."""


Given: TypeAlias = Any  # a table, or a function that makes it: pyarrow has no types


class Tables:
    """The rows of one patch, of whole islands, or of all: each table a table or what makes it."""

    def __init__(self, pairs: Given, groups: Given, members: Given) -> None:
        self._given: dict[str, Given] = {"pairs": pairs, "groups": groups, "members": members}

    @property
    def pairs(self) -> pa.Table:
        """One row a candidate."""
        return self._made("pairs")

    @property
    def groups(self) -> pa.Table:
        """One row an object, single rows too."""
        return self._made("groups")

    @property
    def members(self) -> pa.Table:
        """One row a catalogue row."""
        return self._made("members")

    def make(self) -> None:
        """Have all three."""
        for kind in self._given:
            self._made(kind)

    def let_go(self, kind: str) -> pa.Table:
        """One of the tables, which is not kept."""
        told = self._made(kind)
        del self._given[kind]
        return told

    def with_made(self, kind: str, made: Callable[[], pa.Table]) -> Tables:
        """The same, but one is made by this function."""
        return Tables(**{**self._given, kind: made})

    def _made(self, kind: str) -> pa.Table:
        given = self._given[kind]
        if not isinstance(given, pa.Table):
            given = self._given[kind] = given()
        return given
