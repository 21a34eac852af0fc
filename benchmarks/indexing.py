"""HTM (level 20) and HEALPix (order 29) of points in degrees, one core.

Beside us in the same run: `lsst.sphgeom`, which takes one point at a time (on fewer rows), and
cdshealpix's own `lonlat_to_healpix` from degrees, with the astropy objects that it takes, on one
thread and on as many as it likes. Each is run once to warm up, then the best of three counts. Of
one thread the seconds are of the processor, of many those of the clock.
"""

from __future__ import annotations

import argparse
import resource
import time
from typing import TYPE_CHECKING, Any

import numpy as np

import record

if TYPE_CHECKING:
    from collections.abc import Callable

LEVEL, ORDER = 20, 29
SCALAR_ROWS = 100_000
REPEATS = 3


def points(rows: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Positions in degrees, even over the whole sky."""
    random = np.random.default_rng(seed)
    return random.uniform(0.0, 360.0, rows), np.degrees(np.arcsin(random.uniform(-1.0, 1.0, rows)))


def rate(
    work: Callable[[], Any], rows: int, clock: Callable[[], float] = time.process_time
) -> float:
    """Million points a second: the best of a few runs after one that warms up."""
    work()
    seconds = []
    for _ in range(REPEATS):
        start = clock()
        work()
        seconds.append(clock() - start)
    return round(rows / min(seconds) / 1e6, 2)


def ours(ra: np.ndarray, dec: np.ndarray) -> dict[str, float]:
    from skyquarry.sky import healpix, htm
    from skyquarry.sky.vectors import to_xyz

    xyz = to_xyz(ra, dec)
    return {
        "htm_from_vectors": rate(lambda: htm.index(xyz, LEVEL), len(ra)),
        "htm_from_degrees": rate(lambda: htm.index_radec(ra, dec, LEVEL), len(ra)),
        "healpix_from_degrees": rate(lambda: healpix.index(ra, dec, ORDER), len(ra)),
    }


def rival_healpix(ra: np.ndarray, dec: np.ndarray) -> dict[str, float]:
    import cdshealpix
    from astropy.coordinates import Latitude, Longitude

    from skyquarry.sky import healpix

    def theirs(threads: int) -> np.ndarray:
        lon, lat = Longitude(ra, "deg"), Latitude(dec, "deg")
        return cdshealpix.lonlat_to_healpix(lon, lat, ORDER, num_threads=threads)

    assert np.array_equal(theirs(1).astype(np.int64), healpix.index(ra, dec, ORDER))
    return {
        "cdshealpix_one_thread": rate(lambda: theirs(1), len(ra)),
        "cdshealpix_all_threads": rate(lambda: theirs(0), len(ra), time.perf_counter),
    }


def rival_htm(ra: np.ndarray, dec: np.ndarray) -> dict[str, float]:
    try:
        from lsst.sphgeom import HtmPixelization, UnitVector3d
    except ImportError:
        return {}
    from skyquarry.sky import htm
    from skyquarry.sky.vectors import to_xyz

    xyz = to_xyz(ra[:SCALAR_ROWS], dec[:SCALAR_ROWS])
    vectors = [UnitVector3d(*row) for row in xyz.tolist()]
    index = HtmPixelization(LEVEL).index

    def theirs() -> list[int]:
        return [index(v) for v in vectors]

    assert theirs() == htm.index(xyz, LEVEL).tolist()
    return {"sphgeom_from_vectors": rate(theirs, len(vectors))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--out", help="the folder for the figures; without it they are printed")
    given = parser.parse_args()
    ra, dec = points(given.rows)
    rates = ours(ra, dec) | rival_healpix(ra, dec) | rival_htm(ra, dec)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    figures = {"million_points_per_second": rates, "peak_memory_gib": round(peak, 2)}
    record.write("indexing", given.rows, figures, given.out)


if __name__ == "__main__":
    main()
