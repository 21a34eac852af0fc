"""Stars round 0h and a pole, a server of them, and downloads that lose no time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skyquarry.sky import healpix
from skyquarry.sky.vectors import to_xyz
from skyquarry.surveys.fetch.patience import Patience
from skyquarry.surveys.fetch.plan import FetchPlan
from skyquarry.surveys.fetch.target import target_of
from skyquarry.testing.tapserver import TapServer

if TYPE_CHECKING:
    from pathlib import Path

    from skyquarry.sky.algebra import Region
    from skyquarry.surveys.fetch.run import Fetched

pytest.importorskip("pyvo")

QUICK = Patience(
    tries=3, first_s=0.01, longest_s=0.05, connect_s=5, silence_s=5, answer_s=30, poll_s=0.005
)


def stars(n: int = 6000, seed: int = 1) -> pa.Table:
    """Stars over the whole sky, some on the borders of coarse cells; `pixel` as Gaia's ids."""
    rng = np.random.default_rng(seed)
    ra = rng.uniform(0, 360, n)
    dec = np.degrees(np.arcsin(rng.uniform(-1, 1, n)))
    corner_ra, corner_dec = healpix.corners(np.arange(192), 2)
    ra = np.concatenate([ra, corner_ra.ravel(), [0.0, 0.0, 123.0]])
    dec = np.concatenate([dec, corner_dec.ravel(), [90.0, -90.0, 90.0]])
    pixel = healpix.index(ra, dec, 12) * 1000 + rng.integers(0, 1000, len(ra))
    mag = pa.array(rng.uniform(5, 20, len(ra)), mask=rng.uniform(size=len(ra)) < 0.1)
    name = [f"star {i} <&>" for i in range(len(ra))]
    columns = {"id": np.arange(len(ra)), "ra": ra, "dec": dec, "mag": mag, "pixel": pixel}
    return pa.table(columns | {"name": name})


@dataclass
class Heard:
    """What a download told."""

    stages: list[tuple[str, int | None]] = field(default_factory=list)
    rows: int = 0
    notes: list[str] = field(default_factory=list)

    def stage(self, name: str, total: int | None) -> None:
        self.stages.append((name, total))
        self.rows = 0

    def advance(self, rows: int) -> None:
        self.rows += rows

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture(autouse=True)
def disk_that_does_not_wait(monkeypatch):
    """Journals are not forced to the disk: it takes longer than all else here."""
    monkeypatch.setattr("os.fsync", lambda _: None)


@pytest.fixture(scope="session")
def sky() -> pa.Table:
    return stars()


@pytest.fixture
def serve(sky):
    """A server of the stars; `serve(hard_limit=...)` says how it behaves."""
    open_servers: list[TapServer] = []

    def started(table: pa.Table | None = None, **manners: Any) -> TapServer:
        server = TapServer(sky if table is None else table, **manners)
        open_servers.append(server)
        return server.__enter__()

    yield started
    for server in open_servers:
        server.__exit__(None, None, None)


@pytest.fixture
def plan_of(tmp_path):
    """A plan to fetch from a server: `plan_of(server, region, max_rows=...)`.

    It knows that the table is small, and begins with a few cells; with rows=None it does not.
    """

    def made(
        server: TapServer,
        region: Region,
        *,
        patience: Patience = QUICK,
        folder: Path = tmp_path / "cells",
        columns: Any = None,
        where: str | None = None,
        rows: int | None = 7_000,
        **service: Any,
    ) -> FetchPlan:
        asked = {"tap": server.url, "table": server.name, "rows": rows} | service
        target = target_of(None, columns=columns, where=where, **asked)
        return FetchPlan(target, region, folder, patience)

    return made


def ids_of(fetched: Fetched) -> list[int]:
    """The ids in the files, as they lie there."""
    return [i for file in fetched.files for i in pq.read_table(file)["id"].to_pylist()]


def ids_in(table: pa.Table, region: Region) -> list[int]:
    """The ids of the rows in a region, by the region's own test."""
    inside = region.contains(to_xyz(table["ra"].to_numpy(), table["dec"].to_numpy()))
    return sorted(table.filter(pa.array(inside))["id"].to_pylist())
