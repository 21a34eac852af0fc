"""Rivals: the same cones by LSDB, or by DuckDB on the same HATS files. Times go to standard output.

Run by cone.py with an interpreter that has them. DuckDB is helped as its users would: only the
files of the tiles that the cone touches are named, and `_healpix_29` is limited to its cover.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

COLUMNS = ["id", "ra", "r_mag"]
RADIUS_ARCSEC = 60.0
WARM = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("how", choices=["lsdb", "duckdb"])
    parser.add_argument("catalog")
    parser.add_argument("places", help="JSON: a list of [ra_deg, dec_deg]")
    given = parser.parse_args()
    cone = {"lsdb": by_lsdb, "duckdb": by_duckdb}[given.how](Path(given.catalog))
    places = json.loads(Path(given.places).read_text())
    for ra, dec in places[:WARM]:
        cone(ra + 0.01, dec + 0.01)
    ms, rows = [], 0
    for ra, dec in places:
        begun = time.perf_counter()
        rows += cone(ra, dec)
        ms.append(1e3 * (time.perf_counter() - begun))
    print(json.dumps({"ms": ms, "rows": rows}))


def by_lsdb(path: Path):
    import dask
    import lsdb

    dask.config.set(scheduler="synchronous")  # the fastest for one tile
    catalog = lsdb.open_catalog(path, columns=[*COLUMNS, "dec"])
    return lambda ra, dec: len(catalog.cone_search(ra, dec, RADIUS_ARCSEC).compute())


def by_duckdb(path: Path):
    import duckdb
    import numpy as np
    from hats import read_hats

    catalog = read_hats(path)
    catalog = getattr(catalog, "main_catalog", catalog)
    root = Path(str(catalog.catalog_base_dir))
    pixels = catalog.get_healpix_pixels()
    starts = np.array([p.pixel << 2 * (29 - p.order) for p in pixels])
    stops = np.array([p.pixel + 1 << 2 * (29 - p.order) for p in pixels])
    names = [
        str(
            root / f"dataset/Norder={p.order}/Dir={p.pixel // 10000 * 10000}/Npix={p.pixel}.parquet"
        )
        for p in pixels
    ]
    connection = duckdb.connect()
    connection.execute("SET enable_object_cache = true") if _has(connection) else None

    def cone(ra: float, dec: float) -> int:
        low, high = cover(ra, dec)
        files = [names[i] for i in np.flatnonzero((starts < high) & (stops > low))]
        if not files:
            return 0
        x, y, z = (
            np.cos(np.radians(dec)) * np.cos(np.radians(ra)),
            np.cos(np.radians(dec)) * np.sin(np.radians(ra)),
            np.sin(np.radians(dec)),
        )
        limit = 4 * np.sin(np.radians(RADIUS_ARCSEC / 3600) / 2) ** 2
        query = f"""
            SELECT {", ".join(COLUMNS)} FROM read_parquet({files!r})
            WHERE _healpix_29 >= {low} AND _healpix_29 < {high}
              AND power(cos(radians(dec)) * cos(radians(ra)) - {x!s}, 2)
                + power(cos(radians(dec)) * sin(radians(ra)) - {y!s}, 2)
                + power(sin(radians(dec)) - {z!s}, 2) <= {limit!s}"""
        return len(connection.execute(query).fetchall())

    return cone


def _has(connection) -> bool:
    found = connection.execute(
        "SELECT count(*) FROM duckdb_settings() WHERE name = 'enable_object_cache'"
    ).fetchone()
    return bool(found and found[0])


def cover(ra: float, dec: float) -> tuple[int, int]:
    """First and one past the last order-29 pixel of the cells that the cone touches."""
    import astropy.units as u
    from astropy.coordinates import Latitude, Longitude
    from cdshealpix import nested

    pixel, order, _ = nested.cone_search(
        Longitude(ra, u.deg), Latitude(dec, u.deg), RADIUS_ARCSEC * u.arcsec, 12
    )
    shift = 2 * (29 - order.astype(int))
    starts = pixel.astype(int) << shift
    return int(starts.min()), int((starts + (1 << shift)).max())


if __name__ == "__main__":
    main()
