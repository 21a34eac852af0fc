"""A catalogue of many tiles: 30,000 stars of the whole sphere and of a crowded patch."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from skyquarry.catalog.roles import Roles
from skyquarry.engine.catalog import open_catalog
from skyquarry.testing.handmade import write_catalog


@pytest.fixture(scope="session")
def stars(tmp_path_factory):
    random = np.random.default_rng(5)
    n = 30_000
    ra = np.concatenate([random.random(n // 2) * 360.0, 10.0 + random.random(n // 2) * 4.0])
    z = np.concatenate(
        [random.random(n // 2) * 2.0 - 1.0, np.sin(np.radians(random.random(n // 2)))]
    )
    table = pa.table({
        "id": np.arange(n), "ra": ra, "dec": np.degrees(np.arcsin(z)),
        "u": pa.array(20.0 + random.standard_normal(n), mask=random.random(n) < 0.1),
        "g": 19.0 + random.standard_normal(n), "r": 18.5 + random.standard_normal(n),
        "kind": np.array(["star", "galaxy"])[random.integers(0, 2, n)],
    })  # fmt: skip
    home = tmp_path_factory.mktemp("mine") / "stars"
    roles = Roles(ra="ra", dec="dec", id="id")
    write_catalog(home, table, properties=roles.to_properties(), max_rows=2_000)
    return open_catalog(home)
