"""One small sky, written once: 20,000 rows in tiles of mixed orders, with a margin and an index."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from skyquarry.catalog.roles import Band, Epoch, Motion, Roles
from skyquarry.engine.catalog import open_catalog
from skyquarry.testing.handmade import write_catalog

ROLES = Roles(
    ra="ra",
    dec="dec",
    id="id",
    epoch=Epoch(jyear=2016.0),
    motion=Motion("pmra", "pmdec"),
    bands=(Band("r", "r_mag"),),
    class_column="kind",
)


def small_sky(rows: int = 20_000, seed: int = 7) -> pa.Table:
    """Half of the stars over the whole sphere, half in a patch; some motions are large or null."""
    random = np.random.default_rng(seed)
    half = rows // 2
    ra = np.concatenate([random.random(half) * 360, 10 + random.random(rows - half) * 4])
    z = np.concatenate([random.random(half) * 2 - 1, np.sin(np.radians(random.random(half) * 4))])
    motion = random.standard_normal((2, rows)) * 20
    motion[:, :20] *= 100
    mag = 24 - random.exponential(2.0, rows)
    return pa.table(
        {
            "id": pa.array(random.permutation(rows) + 1, pa.int64()),
            "ra": ra,
            "dec": np.degrees(np.arcsin(z)),
            "pmra": pa.array(motion[0], mask=random.random(rows) < 0.05),
            "pmdec": pa.array(motion[1]),
            "r_mag": pa.array(mag.astype(np.float32), mask=random.random(rows) < 0.1),
            "kind": pa.array(np.array(["star", "galaxy", "quasar"])[random.integers(0, 3, rows)]),
        },
        schema=pa.schema(
            [
                pa.field("id", pa.int64(), metadata={"ucd": "meta.id;meta.main"}),
                pa.field("ra", pa.float64(), metadata={"unit": "deg", "ucd": "pos.eq.ra"}),
                pa.field("dec", pa.float64(), metadata={"unit": "deg", "ucd": "pos.eq.dec"}),
                pa.field("pmra", pa.float64(), metadata={"unit": "mas/yr"}),
                pa.field("pmdec", pa.float64(), metadata={"unit": "mas/yr"}),
                pa.field("r_mag", pa.float32(), metadata={"unit": "mag", "description": "<red>"}),
                pa.field("kind", pa.string()),
            ]
        ),
    )


@pytest.fixture(scope="session")
def sky() -> pa.Table:
    return small_sky()


@pytest.fixture(scope="session")
def sky_path(sky, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("archive") / "sky"
    properties = {**ROLES.to_properties(), "skyquarry_nan": "null", "obs_title": "A small sky"}
    write_catalog(path, sky, max_rows=1000, properties=properties)
    return str(path)


@pytest.fixture
def cat(sky_path):
    return open_catalog(sky_path)


@pytest.fixture
def s3():
    """An empty bucket on an S3 server of this machine."""
    pytest.importorskip("s3fs", reason="S3 needs s3fs: pip install 'skyquarry[s3]'")
    pytest.importorskip("moto.server", reason="a stand-in for S3: pip install moto[server]")
    from skyquarry.testing.stores import bucket

    with bucket() as url:
        yield url
