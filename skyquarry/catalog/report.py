"""The account of a build: what came in, what was stored, what was set aside, what was changed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from skyquarry.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping

_PREFIX = "skyquarry_"


@dataclass(frozen=True, slots=True)
class Report:
    """What a build did. rows_in = rows_stored + the sum of `rejected`, always."""

    rows_in: int
    rows_stored: int
    rejected: Mapping[str, int] = field(default_factory=dict)
    """rows set aside, by reason"""
    nan_to_null: Mapping[str, int] = field(default_factory=dict)
    """NaN that became null, by column"""
    sentinel_to_null: Mapping[str, int] = field(default_factory=dict)
    """sentinels that became null, by column"""
    duplicate_ids: int = 0
    """ids that more than one stored row has"""
    tiles: int = 0
    margin_rows: int = 0
    bytes: int | None = None
    """on disk; known when just built"""
    seconds: float | None = None
    """known when just built: it is not stored, since the same rows give the same bytes"""
    notes: tuple[str, ...] = ()
    """what was guessed, a sentence each"""

    @property
    def rows_rejected(self) -> int:
        """Rows set aside in all."""
        return sum(self.rejected.values())

    def to_properties(self) -> dict[str, str]:
        """What is kept in the catalogue's properties."""
        told = {
            "rows_in": str(self.rows_in),
            "rows_rejected": str(self.rows_rejected),
            "rejected": _json(self.rejected),
            "nan_to_null": _json(self.nan_to_null),
            "sentinel_to_null": _json(self.sentinel_to_null),
            "duplicate_ids": str(self.duplicate_ids),
            "margin_rows": str(self.margin_rows),
        }
        return {_PREFIX + key: text for key, text in told.items()}

    @classmethod
    def from_properties(cls, properties: Mapping[str, str], tiles: int) -> Report:
        """The report that a catalogue keeps. Raises NotFoundError where it keeps none."""
        if f"{_PREFIX}rows_in" not in properties:
            raise NotFoundError(
                "the catalogue keeps no report of its building, which only those built here have: "
                "look into its hats.properties"
            )
        told = {key.removeprefix(_PREFIX): text for key, text in properties.items()}
        counts = {
            key: json.loads(told.get(key, "{}"))
            for key in ("rejected", "nan_to_null", "sentinel_to_null")
        }
        return cls(
            rows_in=int(told["rows_in"]),
            rows_stored=int(properties.get("hats_nrows", "0")),
            duplicate_ids=int(told.get("duplicate_ids", "0")),
            margin_rows=int(told.get("margin_rows", "0")),
            tiles=tiles,
            **counts,
        )

    def __str__(self) -> str:
        lines = [f"rows in     {self.rows_in:>15,}", f"rows stored {self.rows_stored:>15,}"]
        lines += [f"set aside   {n:>15,}  {reason}" for reason, n in sorted(self.rejected.items())]
        lines += _counted("NaN to null", self.nan_to_null)
        lines += _counted("sentinels to null", self.sentinel_to_null)
        if self.duplicate_ids:
            lines.append(f"ids that stand more than once: {self.duplicate_ids:,}")
        lines.append(f"tiles       {self.tiles:>15,}  margin rows {self.margin_rows:,}")
        if self.bytes is not None:
            lines.append(f"bytes       {self.bytes:>15,}")
        if self.seconds is not None:
            speed = self.rows_in / max(self.seconds, 1e-3)
            lines.append(f"seconds     {self.seconds:>15.1f}  {speed:,.0f} rows/s")
        return "\n".join(lines)


def _json(counts: Mapping[str, int]) -> str:
    return json.dumps(dict(sorted(counts.items())), ensure_ascii=False)


def _counted(title: str, counts: Mapping[str, int]) -> list[str]:
    if not counts:
        return []
    most = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    shown = ", ".join(f"{name} {n:,}" for name, n in most[:6]) + (", ..." if len(most) > 6 else "")
    return [f"{title}: {sum(counts.values()):,} ({shown})"]
