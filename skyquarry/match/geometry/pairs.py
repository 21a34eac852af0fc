"""Pairs by geometry alone, as a node of a plan: one task a tile of the left side.

Each task reads the rows of its part of the sky, and of the other side all that lies within the
radius of it, so that a pair that crosses a border is found once: where its left row is.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from skyquarry.catalog.columns import SPATIAL
from skyquarry.engine import cost as costs
from skyquarry.engine.executors import cpu_count
from skyquarry.engine.scan import width_of
from skyquarry.errors import UserError
from skyquarry.match.geometry.joins import Rule
from skyquarry.match.geometry.pairing import Pairing, Part, pair_unit
from skyquarry.match.geometry.pairscolumns import field_of, handed_out, schema_of
from skyquarry.match.geometry.radii import Radius
from skyquarry.match.geometry.units import NARROW, UNIT_PAIRS, Units, units_of
from skyquarry.match.given.catalogsides import CatalogSide
from skyquarry.match.given.tablesides import NOWHERE, TableSide
from skyquarry.sky.dilation import around, dilated

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from skyquarry.engine.run import Task
    from skyquarry.match.given.sides import Fetch, Side
    from skyquarry.sky.ranges import Ranges

LIMIT_PAIRS, LIMIT_A_ROW = 1_000_000_000, 10
"""More predicted pairs than this, and than ten for each left row, are refused unless forced."""
_BYTES_A_PAIR = 24


@dataclass(frozen=True)
class PairsNode:
    """Pairs of two sides within a radius; see `skyquarry.pipeline.matching.pairs`."""

    left: Side
    right: Side
    left_radius: Radius
    right_radius: Radius = field(default_factory=Radius)
    rule: Rule = field(default_factory=Rule)
    columns: str | tuple[str, ...] = "ids"
    force: bool = False
    positions: bool = False
    """whether ra and dec of each pair follow its separation"""
    are_kept: bool = True
    """whether each pair takes room; where they are only counted, there may be any number"""

    # ------------------------------------------------------------ what it gives
    @property
    def radius_arcsec(self) -> float:
        """The greatest distance of a pair."""
        return self.left_radius.arcsec + self.right_radius.arcsec

    @cached_property
    def schema(self) -> pa.Schema:
        """left_id, right_id, sep_arcsec, then what was asked for."""
        return schema_of(self.left, self.right, self.handed_out, positions=self.positions)

    @cached_property
    def handed_out(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The columns of each side that are handed out beside its id."""
        return handed_out(self.left, self.right, self.columns)

    @property
    def sides(self) -> tuple[Side, Side]:
        """Left and right."""
        return self.left, self.right

    @cached_property
    def pairing(self) -> Pairing:
        """What of this travels to a worker."""
        left, right = self.handed_out
        return Pairing(
            _part(self.left, self.left_radius, left),
            _part(self.right, self.right_radius, right),
            self.rule,
            self.schema,
            self.positions,
        )

    # ------------------------------------------------------------ units
    @cached_property
    def _prepared(self) -> bool:
        """Tables loaded and sorted, both at once, and meanwhile what will search them."""
        from concurrent.futures import ThreadPoolExecutor

        work = [(self.left, self.pairing.left.needed), (self.right, self.pairing.right.needed)]
        if self.rule.same:
            both = dict.fromkeys([*work[0][1], *work[1][1]])
            work = [(self.left, tuple(both))]
        tables = [(side, needed) for side, needed in work if side.in_memory]
        if tables:
            from skyquarry.match.geometry.search import warm_up

            with ThreadPoolExecutor(2) as pool:
                done = pool.map(lambda each: each[0].prepare(each[1]), tables)
                warm_up()
                list(done)
        for side, needed in work:
            side.prepare(needed)
        return True

    @cached_property
    def units(self) -> Units:
        """The parts of the sky that are worked on, those of rows without a position left out."""
        _ = self._prepared
        wide = (
            _row_bytes(self.pairing.left, self.left),
            _row_bytes(self.pairing.right, self.right),
        )
        most = UNIT_PAIRS if self.are_kept else np.inf
        return units_of(self.left, self.right, self.rule, self.radius_arcsec, wide, most)

    # ------------------------------------------------------------ tasks
    def __len__(self) -> int:
        return len(self.units) + bool(self._has_placeless)

    @property
    def _has_placeless(self) -> bool:
        how = self.rule.how
        alone = how != "inner" and self.left.n_placeless > 0
        return alone or (how == "outer" and self.right.n_placeless > 0)

    def tasks(self) -> Iterator[Task]:
        """One task a part of the sky, its key its number; the last one has rows without a place.

        Raises UserError where more pairs are predicted than is sensible.
        """
        self._check_size()
        return self._tasks()

    def _tasks(self) -> Iterator[Task]:
        units, skips = self.units, self.rule.how == "inner"
        for number in range(len(units)):
            core = units.core(number)
            left, right = self._fetches(core, number)
            if (left and (right or not skips)) or (self.rule.how == "outer" and right):
                yield number, pair_unit, (self.pairing, left, right, core)
        if self._has_placeless:
            fetches = self._plain(NOWHERE)
            yield len(units), pair_unit, (self.pairing, *fetches, NOWHERE)

    def _plain(self, core: Ranges) -> tuple[Fetch, Fetch]:
        left, right = self.pairing.left.needed, self.pairing.right.needed
        if self.rule.same:
            left = right = tuple(dict.fromkeys([*left, *right]))
        return self.left.fetch(core, left), self.right.fetch(core, right)

    def _fetches(self, core: Ranges, number: int) -> tuple[Fetch, Fetch]:
        """What a task reads of each side."""
        rule, radius = self.rule, self.radius_arcsec
        needed = self.pairing.left.needed, self.pairing.right.needed
        if rule.same:
            all_needed = tuple(dict.fromkeys([*needed[0], *needed[1]]))
            reach = max(rule.left_reach, rule.right_reach)
            both = self.left.fetch_around(core, reach * radius, all_needed, ahead=rule.once)
            return both, both
        left = self._near_right(core, number, needed[0])
        if left is None:
            left = self.left.fetch_around(core, rule.left_reach * radius, needed[0])
        right = self._near_left(core, number, needed[1])
        if right is None:
            right = self.right.fetch_around(core, rule.right_reach * radius, needed[1])
        return left, right

    def _near_left(self, core: Ranges, number: int, columns: Sequence[str]) -> Fetch | None:
        """The right rows around the left ones, where these are few and at hand."""
        if not isinstance(self.left, TableSide) or self.right.in_memory:
            return None
        grown = dilated(core, self.rule.left_reach * self.radius_arcsec)
        if self.rule.how == "outer":
            return None
        pixels = self.left.pixels_in(grown)
        if len(pixels) * NARROW > self.units.others[number]:
            return None
        return self.right.fetch(around(pixels, self.radius_arcsec), columns)

    def _near_right(self, core: Ranges, number: int, columns: Sequence[str]) -> Fetch | None:
        """The left rows around the right ones, where these are few, at hand, and all that count."""
        if not isinstance(self.right, TableSide) or self.left.in_memory or self.rule.how != "inner":
            return None
        pixels = self.right.pixels_in(dilated(core, self.radius_arcsec))
        if len(pixels) * NARROW > self.units.rows[number]:
            return None
        near = around(pixels, self.radius_arcsec)
        if not self.rule.left_reach:
            near = near & core
        return self.left.fetch(near, columns)

    def weight(self, key: Any) -> int:
        """Bytes that a task may take in memory."""
        units = self.units
        if key >= len(units):
            return 0
        wide = [_row_bytes(part, side) for part, side in zip(self._parts, self.sides, strict=True)]
        rows = float(units.rows[key]), float(units.others[key])
        read = rows[0] * (wide[0] + 64.0) + rows[1] * (wide[1] + 64.0)
        pairs = units.pairs[key] if self.are_kept else 0.0
        out = (pairs + min(rows)) * (sum(wide) + _BYTES_A_PAIR)
        return int(read + out)

    @property
    def _parts(self) -> tuple[Part, Part]:
        return self.pairing.left, self.pairing.right

    # ------------------------------------------------------------ cost
    @property
    def predicted_pairs(self) -> int:
        """How many pairs lie within the radius, about: by chance, and one of its own a row."""
        chance = float(self.units.pairs.sum())
        own = 0.0 if self.rule.same else np.minimum(self.units.rows, self.units.others).sum()
        return int(chance + own)

    @property
    def limit_pairs(self) -> int:
        """How many predicted pairs are not refused."""
        return max(LIMIT_PAIRS, LIMIT_A_ROW * self.left.n_rows)

    def _check_size(self) -> None:
        if self.force or not self.are_kept or self.predicted_pairs <= self.limit_pairs:
            return
        raise UserError(
            f"radius_arcsec is {self.radius_arcsec:g}, within which about "
            f"{self.predicted_pairs:,} pairs of {self.left.name} and {self.right.name} lie, but a "
            f"run is meant for {self.limit_pairs:,} at most: is it in arcseconds? Give a smaller "
            "one, or force=True"
        )

    def cost(self, workers: int | None = None) -> costs.Cost:
        """Predicted tiles, rows, bytes, rows out and seconds; no catalogue's row is read for it."""
        units = self.units
        rows = int(units.rows.sum() + (0.0 if self.rule.same else units.others.sum()))
        share = [
            float(part.sum()) / max(side.n_rows, 1)
            for part, side in zip((units.rows, units.others), self.sides, strict=True)
        ]
        read = sum(
            _bytes_of(side, part.needed) * min(part_read, 1.0)
            for side, part, part_read in zip(self.sides, self._parts, share, strict=True)
            if side is self.left or not self.rule.same
        )
        return costs.Cost(
            tiles=len(self),
            rows=rows,
            bytes=int(read),
            rows_out=self._rows_out(),
            seconds=costs.seconds(len(self), 4 * rows, int(read), workers or cpu_count()),
        )

    def _rows_out(self) -> int:
        left = int(self.units.rows.sum()) + self.left.n_placeless
        pairs = self.predicted_pairs
        if self.rule.nearest is not None:
            pairs = min(pairs, left * self.rule.nearest)
        if self.rule.how == "anti":
            return left
        if self.rule.how == "inner":
            return pairs
        alone = int(self.units.others.sum()) if self.rule.how == "outer" else 0
        return max(pairs, left) + alone

    # ------------------------------------------------------------ in words
    def explain(self, workers: int | None = None) -> list[str]:
        """What will be done, line by line."""
        from skyquarry.match.geometry.pairswords import lines_of

        return lines_of(self, workers)

    def report(self, counts: dict[str, int]) -> dict[str, Any]:
        """What a run found, by the counts of its tasks."""
        from skyquarry.match.geometry.pairswords import report_of

        return report_of(self, counts)

    def provenance(self) -> dict[str, str]:
        """What a catalogue of these pairs says of how it was made."""
        rule = self.rule
        return {
            "prov_progenitor": ", ".join(dict.fromkeys(side.name for side in self.sides)),
            "skyquarry_pairs_radius_arcsec": f"{self.radius_arcsec:.17g}",
            "skyquarry_pairs_keep": rule.keep if rule.k is None else f"{rule.k} nearest",
            "skyquarry_pairs_how": rule.how,
        }

    def at_positions(self) -> PairsNode:
        """The same with ra and dec of each pair: of its left row, else of the right one."""
        return replace(self, positions=True)


def _part(side: Side, radius: Radius, handed_out: tuple[str, ...]) -> Part:
    roles = side.roles
    return Part(str(roles.id), str(roles.ra), str(roles.dec), radius, handed_out)


def _row_bytes(part: Part, side: Side) -> float:
    return sum(width_of(field_of(side, name).type) for name in part.needed)


def _bytes_of(side: Side, columns: Sequence[str]) -> float:
    if isinstance(side, CatalogSide):
        return side.bytes_of([*columns, SPATIAL])
    return float(side.n_rows) * sum(width_of(field_of(side, n).type) for n in columns)
