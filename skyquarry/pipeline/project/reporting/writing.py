"""The report on disk: a page, its numbers, and lists for follow-up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from skyquarry.catalog.files import Folder
from skyquarry.catalog.formats import write_table
from skyquarry.errors import NotFoundError
from skyquarry.pipeline.project.reporting.tables import tables_of
from skyquarry.pipeline.reports import check_page

if TYPE_CHECKING:
    import os

    import pyarrow as pa

    from skyquarry.pipeline.project.settings import Project

PAGE = "report.html"
NUMBERS = "report.json"
TABLES = "tables"
SUFFIXES = (".parquet", ".csv")
"""of each list and table"""


def write_report(project: Project, folder: Path) -> dict[str, Any]:
    """Write the page, numbers and lists of a project's report; returns what there is to tell of it.

    Raises MissingExtraError without matplotlib, NotFoundError where no stage has been done.
    """
    folder.mkdir(parents=True, exist_ok=True)
    check_page(folder / PAGE)
    told, lists = _gathered(project)
    home = Folder.at(folder)
    home.write_atomic(PAGE, _page(told).encode())
    plain = {name: each for name, each in told.items() if name not in _DRAWN}
    home.write_atomic(NUMBERS, json.dumps(plain, indent=1, default=_plain).encode())
    (folder / TABLES).mkdir(exist_ok=True)
    within = {f"{TABLES}/{name}": table for name, table in tables_of(told).items()}
    for name, table in {**lists, **within}.items():
        for suffix in SUFFIXES:
            write_table(table.to_batches(), table.schema, folder / f"{name}{suffix}")
    rows = {name: table.num_rows for name, table in lists.items()}
    listed = "".join(f", {name} {count:,}" for name, count in rows.items())
    return {"rows": rows, "said": f"{folder / PAGE}{listed}"}


_DRAWN = ("sky", "diagrams")
"""Counts of cells and bins, which only plots have a use for"""


def report_page(project: Project, path: str | os.PathLike[str]) -> Path:
    """Write the page alone; returns its path.

    Raises MissingExtraError without matplotlib, UserError for a path that no page can have,
    NotFoundError where no stage has been done.
    """
    check_page(path)
    target = Path(path)
    told, _ = _gathered(project)
    Folder.at(target.parent).write_atomic(target.name, _page(told).encode())
    return target


def _gathered(project: Project) -> tuple[dict[str, Any], dict[str, pa.Table]]:
    from skyquarry.pipeline.project.records import Records
    from skyquarry.pipeline.project.reporting.gathering import gathered

    if not Records(project.folder).all():
        raise NotFoundError(
            f"{project.folder} has no finished stage, but a report tells of some: run the project "
            "first"
        )
    return gathered(project)


def _page(told: dict[str, Any]) -> str:
    from skyquarry.plots.projectpage import page

    return page(told)


def _plain(value: Any) -> Any:
    """Arrays as lists."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return str(value)
