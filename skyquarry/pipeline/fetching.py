"""`sq.fetch`: rows of a survey from its own service, and a catalogue built of them."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skyquarry.errors import ExistsError, NotFoundError, UserError
from skyquarry.pipeline.build import build, survey_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from skyquarry.catalog.roles import Survey
    from skyquarry.engine.catalog import Catalog
    from skyquarry.engine.executors import Where
    from skyquarry.ingest.progress import Progress
    from skyquarry.sky.algebra import Region
    from skyquarry.sky.footprint import Footprint
    from skyquarry.surveys.fetch.patience import Patience
    from skyquarry.surveys.fetch.plan import FetchPlan
    from skyquarry.surveys.fetch.run import Fetched

MARK = "skyquarry_fetch"
"""The property that tells what a catalogue was fetched by, so that it is not fetched again."""
FOLDER = ".fetch"
_FOOTPRINT_CELLS = 10_000


def fetch(  # noqa: PLR0913  each keyword is said by its name
    survey: str | Path | Survey | None,
    path: str | os.PathLike[str],
    *,
    region: Region | str,
    columns: Sequence[str] | str | None = None,
    where: str | None = None,
    tap: str | None = None,
    table: str | None = None,
    ra: str | None = None,
    dec: str | None = None,
    area: str | None = None,
    max_rows: int | None = None,
    parallel: int | None = None,
    count: bool | None = None,
    cache: str | os.PathLike[str] | None = None,
    keep_cells: bool = True,
    patience: Patience | None = None,
    overwrite: bool = False,
    executor: Where = None,
    progress: Progress | bool | None = None,
    **building: Any,
) -> Catalog:
    """A catalogue at `path` of a survey's rows in a region, from the survey's own TAP service.

    Parameters
    ----------
    survey
        The name of a survey (`surveys.names()`), a role file's path, or a Survey; None for any
        other table, with `tap` and `table`.
    path
        The folder of the catalogue.
    region
        A Region, or its text, in degrees: "CIRCLE 180 30 2", "RANGE 160 190 -5 5", a MOC.
    columns
        Columns wanted, or "*"; without it those that the role file describes.
    where
        A condition in ADQL that each row must meet, as in "phot_g_mean_mag < 18".
    tap, table, ra, dec
        Another service's URL, its table, and the columns of the position there (ICRS, degrees).
    area
        How a cell of the sky is said in a query: "polygon", "circle", "range", or "healpix".
    max_rows, parallel
        Rows an answer may have, and requests at a time: what the service bears.
    count
        False: no COUNT(*) is asked, and rows are not held against it.
    cache, keep_cells
        The folder that keeps what was fetched (without it `.fetch` beside the catalogue), and
        whether it stays when the catalogue is built.
    patience
        Seconds and tries: `surveys.fetch.patience.Patience`.
    overwrite, executor, progress, building
        As in `build`, which takes all other keywords.

    Raises ServiceError where the service is down, denies or contradicts itself, with what was
    fetched kept: the same call goes on from there. The same call, once it has ended well, opens
    the catalogue and asks for nothing. Raises UserError, ColumnError, MissingExtraError (pyvo).

    >>> sq.fetch("gaia", "archive/gaia", region=sq.Cone(180, 30, 7200))  # doctest: +SKIP
    """
    plan = plan_fetch(
        survey,
        path,
        region=region,
        columns=columns,
        where=where,
        tap=tap,
        table=table,
        ra=ra,
        dec=dec,
        area=area,
        max_rows=max_rows,
        parallel=parallel,
        count=count,
        cache=cache,
        keep_cells=keep_cells,
        patience=patience,
        overwrite=overwrite,
        **building,
    )
    return plan.run(executor, progress=progress)


def plan_fetch(  # noqa: PLR0913  as fetch
    survey: str | Path | Survey | None,
    path: str | os.PathLike[str],
    *,
    region: Region | str,
    columns: Sequence[str] | str | None = None,
    where: str | None = None,
    cache: str | os.PathLike[str] | None = None,
    keep_cells: bool = True,
    patience: Patience | None = None,
    overwrite: bool = False,
    **how: Any,
) -> FetchAndBuild:
    """What `fetch` with the same arguments would do: `explain()` tells it, `run()` does it.

    No service is asked before `run`.
    """
    from skyquarry.surveys.fetch.patience import Patience
    from skyquarry.surveys.fetch.plan import FetchPlan
    from skyquarry.surveys.fetch.target import target_of

    told = survey_of(survey)
    service = {name: how.pop(name, None) for name in _OF_THE_SERVICE}
    target = target_of(told, columns=columns, where=where, **service)
    target_path = os.fspath(path)
    plan = FetchPlan(target, _region(region), Path(), patience or Patience())
    plan = replace(plan, folder=_folder(target_path, cache, plan.fingerprint))
    placed = service["ra"] is not None or service["dec"] is not None
    return FetchAndBuild(plan, target_path, told, keep_cells, overwrite, placed, how)


_OF_THE_SERVICE = ("tap", "table", "ra", "dec", "area", "max_rows", "parallel", "count")


@dataclass(frozen=True)
class FetchAndBuild:
    """A download, and the catalogue that is built of it."""

    download: FetchPlan
    path: str
    survey: Survey | None
    keep_cells: bool
    overwrite: bool
    placed: bool
    """Whether the caller named the columns of the position."""
    building: Mapping[str, Any] = field(default_factory=dict)

    @property
    def mark(self) -> str:
        """What the catalogue's properties keep: changes when the download or the build does."""
        how = sorted((name, repr(value)) for name, value in self.building.items())
        return hashlib.sha256(f"{self.download.fingerprint} {how}".encode()).hexdigest()

    def explain(self) -> str:
        """Service, cells, rows to expect and the first queries; no service is asked."""
        return f"{self.download.explain()}\n  then built as {self.path}"

    def as_data(self) -> dict[str, Any]:
        """The same as plain data, with every cell and its query."""
        return self.download.as_data() | {"path": self.path}

    def run(self, executor: Where = None, *, progress: Progress | bool | None = None) -> Catalog:
        """Fetch what is not kept, build, and open the catalogue. Raises what `fetch` raises."""
        from skyquarry.engine.catalog import open_catalog
        from skyquarry.ingest.progress import resolve

        if self._is_done():
            return open_catalog(self.path)
        shown = resolve(progress)
        try:
            fetched = self.download.run(shown)
            shown.note(told(fetched))
        finally:
            shown.close(None)
        catalog = self._built(fetched, executor=executor, progress=progress)
        if not self.keep_cells:
            _remove(self.download.folder)
        return catalog

    def _is_done(self) -> bool:
        """Whether the catalogue is there. Raises ExistsError where another one is."""
        from skyquarry.catalog.files import Folder
        from skyquarry.engine.catalog import open_catalog

        if not Folder.at(self.path).exists("collection.properties"):
            return False
        there = open_catalog(self.path).stored.properties.get(MARK)
        if there == self.mark and not self.overwrite:
            return True
        if not self.overwrite:
            raise ExistsError(
                f"{self.path} holds a catalogue that was made otherwise, and it would be replaced: "
                "pass overwrite=True to publish a new version (the old one is kept), or choose "
                "another path"
            )
        return False

    def _built(
        self, fetched: Fetched, *, executor: Where, progress: Progress | bool | None
    ) -> Catalog:
        if not fetched.files:
            raise NotFoundError(
                f"{self.download.target.title} has no row in the region, but a catalogue needs one "
                "at least: see --dry-run for the region and the condition"
            )
        how = {"footprint": self._footprint()} | dict(self.building)
        if self.survey is None or self.placed:
            how |= {"ra": fetched.head.ra, "dec": fetched.head.dec}
        properties = self._properties(fetched) | dict(how.pop("properties", None) or {})
        return build(
            [str(file) for file in fetched.files],
            self.path,
            survey=self.survey,
            overwrite=self.overwrite,
            properties=properties,
            executor=executor,
            progress=progress,
            **how,
        )

    def _properties(self, fetched: Fetched) -> dict[str, str]:
        target = self.download.target
        told = {
            MARK: self.mark,
            f"{MARK}_service": target.service.tap,
            f"{MARK}_table": target.service.table,
            f"{MARK}_where": target.where,
            f"{MARK}_date": fetched.date,
        }
        return {key: value for key, value in told.items() if value}

    def _footprint(self) -> Footprint | None:
        """The region, where the survey has looked all over it; None where that is not known."""
        from skyquarry.sky.footprint import Footprint
        from skyquarry.surveys.fetch.target import WHOLE_SKY_DEG2
        from skyquarry.surveys.footprints import footprint_of

        if self.survey is None:
            return None
        own, area = footprint_of(self.survey), self.survey.footprint.area_deg2
        if own is None and (area is None or area < WHOLE_SKY_DEG2 - 1.0):
            return None
        order = 0
        while order < 14 and _cells(self.download.region, order + 1) <= _FOOTPRINT_CELLS:
            order += 1
        mine = self.download.region.cover(order).all
        return Footprint(mine if own is None else mine & own.ranges, "user")


def told(fetched: Fetched) -> str:
    """What a download has brought, in a line."""
    beyond = fetched.received - fetched.rows
    return (
        f"{fetched.rows:,} rows in {fetched.cells:,} cells, {fetched.asked:,} of them fetched now; "
        f"{beyond:,} rows beyond the borders of cells and region left out"
    )


def _cells(region: Region, order: int) -> int:
    return region.cover(order).all.count() >> (2 * (29 - order))


def _region(given: Region | str) -> Region:
    from skyquarry.sky.algebra import Region
    from skyquarry.sky.regiontext import region_from_text

    if isinstance(given, str):
        return region_from_text(given)
    if not isinstance(given, Region):
        raise UserError(
            f"region is {given!r:.80}, but a Region or its text is needed: as in "
            "sq.Cone(180, 30, 7200) or 'CIRCLE 180 30 2'"
        )
    return given


def _folder(path: str, cache: str | os.PathLike[str] | None, fingerprint: str) -> Path:
    """Where what is fetched is kept: under `.fetch` beside the catalogue, unless told otherwise."""
    if cache is None and "://" in path:
        raise UserError(
            f"{path} is in a store, but what is fetched is kept on a disk first: name a folder "
            "with cache (--cache)"
        )
    home = Path(path).absolute()
    base = Path(cache) if cache is not None else home.parent / FOLDER
    return base / f"{home.name}-{fingerprint[:12]}"


def _remove(folder: Path) -> None:
    import shutil
    from contextlib import suppress

    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):
        folder.parent.rmdir()  # only where it is empty
