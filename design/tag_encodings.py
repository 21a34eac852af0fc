"""How a tag should be encoded: processor seconds of a scan by DuckDB, and bytes.

    python design/tag_encodings.py ARCHIVE

ARCHIVE is made by `skyquarry simulate --sdss`. Decided `engine.tags.AS_SCANNED`. Of 9.7e6 rows in
54 files, November 2026, CPU seconds of the two scans: lz4, split and packed, groups of 8,192 rows
0.42 and 0.23, of 131,072 0.31; plain with dictionaries, groups of 131,072: lz4 0.31 and 0.20,
snappy 0.31 and 0.21, no codec 0.22 and 0.14. A file of DuckDB's own, all rows in it: 0.28 and 0.20.
Not to compress costs a tenth more bytes than lz4.

Since then whole numbers that change from row to row have no dictionary where nothing is packed: the
first scan, which asks for `mode`, takes a tenth less than it did (`query.md`).
"""

from __future__ import annotations

import resource
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import duckdb

import skyquarry as sq
from skyquarry.catalog.encoding import Options, encode

if TYPE_CHECKING:
    from skyquarry.catalog.stored import Stored

COLUMNS = ["objID", "mode", "type", "u", "g", "r", "i", "z", "rowv", "colv"]
SCANS = {
    "colours": """SELECT objID, type FROM {} WHERE mode = 1 AND (u - g > 2 OR u > 22.3)
        AND g - r > 1 AND i BETWEEN 0 AND 19 AND i - z < 0.25""",
    "motion": "SELECT objID FROM {} WHERE rowv * rowv + colv * colv BETWEEN 50 AND 1000",
}
PACKED = Options(page_bytes=1 << 20)
LARGE = replace(PACKED, row_group_rows=131_072)
WAYS = {"8,192 rows": PACKED, "131,072 rows": LARGE, "as they are": replace(LARGE, numbers="none")}


def measure(files: list[str], text: str) -> float:
    """CPU seconds of a scan: the least of five."""
    used = []
    with duckdb.connect(config={"async_threads": "1"}) as connection:
        connection.execute("SET parquet_metadata_cache = true")
        for _ in range(6):
            before = resource.getrusage(resource.RUSAGE_SELF)
            connection.sql(text.format(f"read_parquet({files})")).to_arrow_table()
            after = resource.getrusage(resource.RUSAGE_SELF)
            used.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(used[1:])


def written(stored: Stored, folder: Path, options: Options) -> list[str]:
    files = []
    for tile in range(len(stored.tiles)):
        table = stored.read(tile, COLUMNS)
        path = folder / f"{tile}.parquet"
        path.write_bytes(encode(table, options).data)
        files.append(str(path))
    return files


if __name__ == "__main__":
    photo = sq.archive(sys.argv[1])["photoobj"].stored
    for name, options in WAYS.items():
        with TemporaryDirectory() as folder:
            files = written(photo, Path(folder), options)
            seconds = {scan: round(measure(files, text), 3) for scan, text in SCANS.items()}
            size = sum(Path(file).stat().st_size for file in files) / 1e6
            print(f"{name:14} {size:7.1f} MB", seconds, flush=True)
