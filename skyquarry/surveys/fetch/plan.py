"""What would be fetched, told before any of it is; and the fetching."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from skyquarry.errors import UserError
from skyquarry.sky.ranges import Ranges
from skyquarry.surveys.fetch import queries
from skyquarry.surveys.fetch.cache import Cache
from skyquarry.surveys.fetch.cells import (
    FINEST,
    Cell,
    Grain,
    area_of,
    starting_cells,
)
from skyquarry.surveys.fetch.head import supposed_head
from skyquarry.surveys.fetch.patience import Patience
from skyquarry.surveys.fetch.run import Download, Fetched, Telling

if TYPE_CHECKING:
    from pathlib import Path

    from skyquarry.sky.algebra import Region
    from skyquarry.surveys.fetch.target import Target

ROWS_A_CELL = 250_000
"""An answer of that many rows comes in minutes, and is no great loss where it breaks off."""
_SHOWN = 3


@dataclass(frozen=True, repr=False)
class FetchPlan:
    """A download: a region of a table, by cells, into a folder.

    `explain()` tells it without a question to the service; `run()` fetches what is not kept.
    """

    target: Target
    region: Region
    folder: Path
    """Where what is fetched is kept."""
    patience: Patience = field(default_factory=Patience)

    @property
    def finest(self) -> int:
        """The finest order that cells are cut to."""
        service = self.target.service
        return service.healpix_order if service.area == "healpix" else FINEST

    @property
    def guarded(self) -> int | None:
        """The order of the service's own pixels, where cells are said by these."""
        service = self.target.service
        return service.healpix_order if service.area == "healpix" else None

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """The cells that it begins with, along the sky; one with too many rows is cut later."""
        most = max(1, min(ROWS_A_CELL, self.target.service.max_rows // 2))
        grain = Grain(self.target.rows_a_deg2, most, self.finest, self.guarded)
        cells = starting_cells(self.region, grain)
        if not cells:
            raise UserError(
                f"the region {self.region!r:.80} touches no cell of the sky, but there has to be "
                "something to fetch: give another region"
            )
        return tuple(cells)

    @cached_property
    def rows(self) -> int | None:
        """The rows to expect, by the mean density of the table; None where nobody knows."""
        density = self.target.rows_a_deg2
        return None if density is None else round(density * area_of(self.region))

    @property
    def fingerprint(self) -> str:
        """Changes when what is fetched does; not with limits, and not with how it is asked for."""
        service = self.target.service
        told = {
            "tap": service.tap,
            "table": service.table,
            "place": [self.target.ra, self.target.dec, self.guarded, service.healpix],
            "columns": self.target.columns,
            "where": self.target.where,
            "region": marked(self.region),
        }
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()

    def queries(self) -> list[tuple[Cell, str]]:
        """Each cell with the query for its rows, as the role file has the table."""
        head = supposed_head(self.target)
        return [(cell, queries.rows_query(head, cell)) for cell in self.cells]

    def explain(self) -> str:
        """Service, cells, rows to expect and the first queries, without a network."""
        service, cells = self.target.service, self.cells
        rows = "rows not known" if self.rows is None else f"some {self.rows:,} rows expected"
        head = supposed_head(self.target)
        shown = [queries.rows_query(head, cell) for cell in cells[:_SHOWN]]
        more = len(cells) - len(shown)
        lines = [
            f"fetch {service.table} from {service.tap}",
            f"  {area_of(self.region):,.6g} deg2, {rows} (by the mean over the sky)",
            f"  {len(cells):,} cells of order {cells[0].order}, each said as {service.area}",
            f"  at most {service.max_rows:,} rows an answer, {service.parallel} requests at once",
            "  each answer is held against COUNT(*)" if service.count else "  no count is asked",
            f"  kept in {self.folder}",
            *([] if service.note is None else [f"  {service.note}"]),
            *(f"  {query}" for query in shown),
            *([f"  ... and {more:,} more"] if more else []),
        ]
        return "\n".join(lines)

    def as_data(self) -> dict[str, Any]:
        """The same as plain data, with every cell and query."""
        return {
            "service": {k: v for k, v in asdict(self.target.service).items() if v is not None},
            "area_deg2": area_of(self.region),
            "rows_expected": self.rows,
            "cells": [
                {"order": cell.order, "pixel": cell.pixel, "query": query}
                for cell, query in self.queries()
            ],
            "folder": str(self.folder),
        }

    def run(self, telling: Telling) -> Fetched:
        """Fetch what is not kept yet, and tell of it.

        Raises ServiceError where the service is down, denies, or contradicts itself; what was
        fetched until then is kept, and the same call goes on from there.
        """
        with Cache(self.folder, self.fingerprint) as cache:
            return Download(self, cache, telling).run()

    def __repr__(self) -> str:
        return f"FetchPlan: {self.explain()}"


def marked(thing: Any) -> str:
    """A text that two equal regions share, and no others: of the values they were made from."""
    if isinstance(thing, Ranges):
        thing = [thing.starts, thing.stops]
    if isinstance(thing, np.ndarray):
        return f"{thing.dtype}{thing.shape}{hashlib.sha256(thing.tobytes()).hexdigest()}"
    if is_dataclass(thing) and not isinstance(thing, type):
        parts = [f"{f.name}={marked(getattr(thing, f.name))}" for f in fields(thing) if f.compare]
        return f"{type(thing).__name__}({', '.join(parts)})"
    if isinstance(thing, tuple | list):
        return f"[{', '.join(marked(each) for each in thing)}]"
    return repr(thing)
