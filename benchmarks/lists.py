"""`sq.match_table`: short lists against an archive on disk, in process, files and kernels warm.

A list is rows of the archive seen again with 0.1" and, one in five, places where nothing need be.
Near: rows that lie in one field of the sky; far: rows drawn from all of it, each of which has to be
read from another place. Every run has a list of its own, so that no result is kept. Beside the
times: how many of the rows seen again are found to be what they are.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np

import record
from data import SEED, archive_of

ERROR_ARCSEC = 0.1
LISTS = {"1 row": (1, False), "100 near": (100, False), "100 far": (100, True)}
LISTS |= {"1000 near": (1_000, False), "1000 far": (1_000, True)}
FIELD_ARCSEC = 900.0  # half of the side of the field that the rows of a near list come from
SOURCES = 1_000_000  # rows of the sky that lists are drawn from, at most
WARM = 3


def sources(rows: int) -> Any:
    """Id, RA and declination of the first rows of the archive's sky."""
    from skyquarry.catalog.arrow import to_numpy
    from skyquarry.testing.skies import clumpy_sky_batches

    batch = next(iter(clumpy_sky_batches(rows, seed=SEED, batch_rows=min(rows, SOURCES))))
    return tuple(to_numpy(batch.column(name)) for name in ("id", "ra", "dec"))


def drawn(sky: Any, count: int, random: np.random.Generator, *, far: bool) -> Any:
    """A list (id, ra, dec) of so many rows, and the archive's id of each; -1 for mere places."""
    import pyarrow as pa

    ids, ra, dec = sky
    some = np.arange(len(ids))
    if not far:
        centre = random.integers(len(ids))
        wide = FIELD_ARCSEC / 3600.0
        near = np.abs(dec - dec[centre]) < wide
        near &= np.abs(ra - ra[centre]) * np.cos(np.radians(dec[centre])) < wide
        some = np.flatnonzero(near)
    chosen = random.choice(some, count, replace=len(some) < count)
    error = random.normal(size=(2, count)) * ERROR_ARCSEC / 3600.0
    true = ids[chosen].copy()
    empty = random.random(count) < 0.2
    error[:, empty] += random.choice([-1.0, 1.0], (2, int(empty.sum()))) * 20.0 / 3600.0
    true[empty] = -1
    there = dec[chosen] + error[1]
    told = {"id": np.arange(count), "ra": ra[chosen] + error[0] / np.cos(np.radians(there))}
    return pa.table(told | {"dec": there}), true


def measured(sky: Any, archive: str, count: int, runs: int, *, far: bool) -> dict[str, Any]:
    """Milliseconds of the runs after a few that are not counted, and how many rows were right."""
    import skyquarry as sq
    from skyquarry.catalog.arrow import to_numpy

    random = np.random.default_rng([SEED, count, far])
    ms, cpu, right, there = [], [], 0, 0
    for number in range(runs + WARM):
        table, true = drawn(sky, count, random, far=far)
        begun, spent = time.perf_counter(), time.process_time()
        found = sq.match_table(table, archive, default_error_arcsec=ERROR_ARCSEC)
        if number >= WARM:
            ms.append(1e3 * (time.perf_counter() - begun))
            cpu.append(1e3 * (time.process_time() - spent))
        told = np.where(to_numpy(found["is_match"].fill_null(False)), 1, 0)
        id_ = to_numpy(found["right_id"].fill_null(-2))
        right += int(((id_ == true) & (told == 1)).sum())
        there += int((true >= 0).sum())
    return {
        "runs": runs,
        "median_ms": round(float(np.median(ms)), 2),
        "p99_ms": round(float(np.percentile(ms, 99)), 2),
        "cpu_ms": round(float(np.median(cpu)), 2),
        "right": round(right / max(there, 1), 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000, help="of the archive")
    parser.add_argument("--times", type=int, default=25, help="lists of each kind")
    parser.add_argument("--out")
    given = parser.parse_args()
    archive = str(archive_of(given.rows)[0])
    sky = sources(given.rows)
    found = {
        name: measured(sky, archive, count, given.times, far=far)
        for name, (count, far) in LISTS.items()
    }
    record.write("lists", given.rows, found, given.out)


if __name__ == "__main__":
    main()
