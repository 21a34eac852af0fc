"""A small archive, and the runner of the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from typer.testing import CliRunner, Result

from skyquarry.catalog.columns import describe
from skyquarry.catalog.roles import Roles
from skyquarry.cli import app
from skyquarry.surveys.load import load
from skyquarry.testing.handmade import write_catalog

if TYPE_CHECKING:
    from pathlib import Path

STARS = 3000


def stars(seed: int = 1) -> pa.Table:
    """Stars over the whole sky, and ten within an arcminute of M 45's centre."""
    rng = np.random.default_rng(seed)
    ra = np.concatenate([rng.uniform(0, 360, STARS - 10), 56.75 + rng.uniform(0, 0.01, 10)])
    dec = np.degrees(np.arcsin(rng.uniform(-1, 1, STARS)))
    dec[-10:] = 24.12 + rng.uniform(0, 0.01, 10)
    mag = pa.array(rng.uniform(2, 10, STARS), mask=rng.uniform(size=STARS) < 0.1)
    table = pa.table({"id": np.arange(STARS), "ra": ra, "dec": dec, "mag": mag})
    fields = [describe(f, unit={"ra": "deg", "dec": "deg", "mag": "mag"}.get(f.name)) for f in
              table.schema]  # fmt: skip
    return table.cast(pa.schema(fields))


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive with the catalogues `stars` (of Gaia, it says) and `match`, made from it."""
    folder = tmp_path_factory.mktemp("cli") / "archive"
    told = {key: value for key, value in load("gaia").to_properties().items()
            if not key.startswith("skyquarry_")}  # fmt: skip
    told |= Roles(id="id", ra="ra", dec="dec").to_properties()
    write_catalog(folder / "stars", stars(), properties=told)
    write_catalog(folder / "match", stars(2), properties={"prov_progenitor": "stars"})
    return folder


@pytest.fixture
def run(archive: Path):
    """Run one command with the archive; `code` is the exit code that it must have."""

    def runner(*words: object, code: int = 0, input: str | None = None) -> Result:  # noqa: A002
        environment = {"SKYQUARRY_ARCHIVE": str(archive)}
        result = CliRunner().invoke(
            app, [str(word) for word in words], env=environment, input=input
        )
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    return runner
