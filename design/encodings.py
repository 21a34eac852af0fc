"""Which Parquet encodings a tile should have: seconds, bytes and decode time of a million rows.

    python design/encodings.py

Decided `skyquarry/catalog/encoding.py`. Measured on one quiet core, pyarrow 26, November 2026:
zstd 3 split/delta 0.18 s 62.4 MB; zstd 15 2.6 s 60.6 MB; plain 0.27 s 70.8 MB; zstd 1 0.17 s
62.7 MB; groups of 100,000 rows instead of 16,384: 62.3 MB. A page of 1 MiB changes nothing.
"""

from __future__ import annotations

import io
import time

import pyarrow as pa
import pyarrow.parquet as pq

from skyquarry.testing.handmade import with_spatial
from skyquarry.testing.skies import clumpy_sky

SPLIT = "BYTE_STREAM_SPLIT"
DELTA = "DELTA_BINARY_PACKED"


def measure(table: pa.Table, level: int, group: int, floats: str, integers: str) -> None:
    encoding = {f.name: floats if pa.types.is_floating(f.type) else integers for f in table.schema}
    began = time.perf_counter()
    sink = io.BytesIO()
    pq.write_table(
        table,
        sink,
        row_group_size=group,
        compression="zstd",
        compression_level=level,
        use_dictionary=False,
        column_encoding=encoding,
        write_page_index=True,
        data_page_size=131_072,
    )
    wrote = time.perf_counter() - began
    began = time.perf_counter()
    pq.read_table(sink, columns=["ra", "dec", "g_mag"], use_threads=False)
    read = time.perf_counter() - began
    size = len(sink.getvalue()) / 1e6
    print(
        f"zstd {level:2} {group:7,} {floats:17} {integers:19} "
        f"{wrote:.3f} s {size:.2f} MB {read:.3f} s"
    )


if __name__ == "__main__":
    rows = with_spatial(clumpy_sky(1_000_000))
    for level in (1, 2, 3, 5, 9, 15):
        measure(rows, level, 16_384, SPLIT, DELTA)
    for group in (8_192, 32_768, 100_000):
        measure(rows, 3, group, SPLIT, DELTA)
    measure(rows, 3, 16_384, "PLAIN", "PLAIN")
    measure(rows, 3, 16_384, SPLIT, "PLAIN")
