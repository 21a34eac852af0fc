"""A sky of 12,000 rows in small tiles, with stars at both poles and on both sides of 0h."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from skyquarry.adql.asking import query
from skyquarry.adql.running import calibrating
from skyquarry.catalog.roles import Roles
from skyquarry.testing.handmade import write_catalog

ROLES = Roles(ra="ra", dec="dec", id="id")


def _positions(rows: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A third everywhere, a third round the poles, a third about (0, 1)."""
    part = rows // 3
    ra = random.random(rows) * 360
    dec = np.degrees(np.arcsin(random.random(rows) * 2 - 1))
    dec[part : 2 * part] = np.sign(dec[part : 2 * part]) * (90 - 3 * random.random(part))
    ra[2 * part :] = (random.random(rows - 2 * part) * 4 - 2) % 360
    dec[2 * part :] = random.random(rows - 2 * part) * 4 - 1
    return ra, dec


def _sky(rows: int = 12_000, seed: int = 3) -> pa.Table:
    random = np.random.default_rng(seed)
    ra, dec = _positions(rows, random)
    mag = (24 - random.exponential(2.0, rows)).astype(np.float32)
    names = np.array(["star", "galaxy", "Quasar"])[random.integers(0, 3, rows)]
    start = np.datetime64("2016-01-01", "us")
    fields = [
        pa.field("id", pa.int64()),
        pa.field("ra", pa.float64(), metadata={"unit": "deg", "ucd": "pos.eq.ra"}),
        pa.field("dec", pa.float64(), metadata={"unit": "deg"}),
        pa.field("mag", pa.float32(), metadata={"unit": "mag"}),
        pa.field("pm", pa.float64(), metadata={"unit": "mas/yr"}),
        pa.field("kind", pa.string()),
        pa.field("flags", pa.int32()),
        pa.field("good", pa.bool_()),
        pa.field("seen", pa.timestamp("us")),
        pa.field("size", pa.float64()),
    ]
    columns = [
        pa.array(random.permutation(rows) + 1),
        pa.array(ra),
        pa.array(dec),
        pa.array(mag, mask=random.random(rows) < 0.1),
        pa.array(random.standard_normal(rows) * 20),
        pa.array(names, mask=random.random(rows) < 0.05),
        pa.array(random.integers(-8, 8, rows).astype(np.int32)),
        pa.array(random.random(rows) < 0.5),
        pa.array(start + random.integers(0, 10**14, rows)),
        pa.array(random.random(rows) * 0.1),
    ]
    return pa.table(columns, schema=pa.schema(fields))


@pytest.fixture(autouse=True)
def nothing_noted(monkeypatch):
    """What queries of tests take is not kept in the cache of who runs them."""
    monkeypatch.setattr(calibrating, "cache_folder", lambda: None)


@pytest.fixture(scope="session")
def sky() -> pa.Table:
    return _sky()


@pytest.fixture(scope="session")
def columns(sky):
    """Its columns as numpy arrays, missing numbers as NaN."""
    return {name: sky.column(name).to_numpy() for name in sky.schema.names}


@pytest.fixture(scope="session")
def archive(sky, tmp_path_factory):
    path = tmp_path_factory.mktemp("archive")
    properties = {**ROLES.to_properties(), "skyquarry_nan": "null"}
    write_catalog(
        path / "sky", sky, max_rows=400, margin_arcsec=None, index=None, properties=properties
    )
    return path


@pytest.fixture(scope="session")
def mine():
    """A short list: two at a pole, two by 0h, one far from all."""
    return pa.table(
        {
            "id": [1, 2, 3, 4, 5],
            "ra": [10.0, 200.0, 0.001, 359.999, 77.0],
            "dec": [89.9, -89.95, 1.0, 1.002, 33.0],
            "label": ["a", "b", None, "d", "e"],
            "reach": [0.5, 0.2, 0.1, 0.3, 0.001],
        }
    )


@pytest.fixture
def ask(archive, mine):
    """The plan of a query over the sky and the list."""

    def asked(adql: str, **how):
        return query(adql, uploads={"mine": mine}, archive=archive, **how)

    return asked


@pytest.fixture
def rows(ask):
    """The rows of a query, as tuples."""

    def of(adql: str, **how):
        return [tuple(row.values()) for row in ask(adql, **how).to_table().to_pylist()]

    return of
