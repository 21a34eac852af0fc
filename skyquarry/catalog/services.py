"""Where a survey's rows are to be had: its TAP service, and the files that it is given out in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from skyquarry.catalog.rolekeys import check_choices
from skyquarry.errors import UserError

Area = Literal["polygon", "circle", "range", "healpix"]


@dataclass(frozen=True, slots=True)
class Service:
    """A survey's table at a TAP service, and what the service can bear: `[service]`."""

    tap: str
    table: str
    ra: str | None = None
    dec: str | None = None
    area: Area = "circle"
    healpix: str | None = None
    healpix_order: int = 29
    healpix_step: int = 1
    select: Literal["described", "all"] = "described"
    rows: int | None = None
    max_rows: int = 100_000
    sync_rows: int = 2_000
    parallel: int = 2
    count: bool = True
    note: str | None = None
    """`ra`, `dec`: names there, where they are not those of the roles. `area`: how a cell of the
    sky is said in a query. `healpix`: a column whose value divided by `healpix_step` is the nested
    pixel of order `healpix_order` (Gaia's source_id). `select`: the columns that the role file
    describes, or all. `rows`: of the table, about. `max_rows`: the most that one answer holds;
    `sync_rows`: the most that is asked for at once, without a job; `parallel`: requests at a time;
    `count`: whether the service counts rows in bearable time. `note`: where all this is from."""

    def __post_init__(self) -> None:
        check_choices(self)
        for name, least, most in _BOUNDS:
            value = getattr(self, name)
            if value is not None and not least <= value <= most:
                raise UserError(f"{name} is {value}, but {least} to {most} is needed")
        if self.area == "healpix" and self.healpix is None:
            raise UserError("area is 'healpix', but healpix names no column: give the column")
        if not self.tap.startswith(("https://", "http://")):
            raise UserError(f"tap is {self.tap!r}, but it is a URL: begin it with https://")


_BOUNDS = (
    ("healpix_order", 0, 29),
    ("healpix_step", 1, 1 << 60),
    ("rows", 0, 10**13),
    ("max_rows", 1, 10**9),
    ("sync_rows", 0, 10**9),
    ("parallel", 1, 16),
)


@dataclass(frozen=True, slots=True)
class BulkFiles:
    """Text files without a header line that a survey is given out in: `[bulk]`."""

    files: tuple[str, ...]
    columns: tuple[str, ...]
    delimiter: str = "|"
    nulls: tuple[str, ...] = ("", "\\N", "null")
    url: str | None = None
    """`files`: patterns of their names, without .gz or .bz2; `columns`: a name and a type each, as
    "ra double", in the order of the file."""
