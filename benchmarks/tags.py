"""What the tag table and a sample save: the same questions of photoobj, phototag, and 1 % of it.

`photoobj` is asked in a folder where no tag of it lies beside, as large scans read that otherwise.

`cold` has nothing of the files in the page cache of the system and a database new, `again` follows
in the same database, `warm` is the least of three after that; processor seconds beside wall ones.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from twenty import forget

import skyquarry as sq
from skyquarry.adql.database import kept

import record

QUESTIONS = {
    "colours": "SELECT COUNT(*) AS n FROM {} WHERE u - g < 0.5 AND g - r < 0.2 AND r < 20",
    "stars": "SELECT objID, ra, dec, r FROM {} WHERE mode = 1 AND type = 6 AND r < 15",
    "counts": "SELECT ROUND(g - r) AS gr, COUNT(*) AS n FROM {} GROUP BY ROUND(g - r)",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--archive", required=True, help="made by simulate --sdss")
    parser.add_argument("--out", help="a folder for the JSON")
    given = parser.parse_args()
    archive = sq.archive(given.archive)
    figures: dict[str, Any] = {}
    with TemporaryDirectory() as folder:
        (Path(folder) / "photoobj").symlink_to(archive["photoobj"].stored.home.root)
        alone = sq.archive(folder)
        for name, text in QUESTIONS.items():
            wide = text.format("photoobj")
            figures[name] = {
                "photoobj": measured(alone, wide, "photoobj"),
                "phototag": measured(archive, text.format("phototag"), "phototag"),
                "1 % of photoobj": measured(alone, wide, "photoobj", sample=0.01),
            }
    record.write("tags", archive["photoobj"].stored.n_rows, figures, given.out)


def measured(archive: Any, adql: str, table: str, **how: Any) -> dict[str, Any]:
    stored = archive[table].stored
    kept.close_all()
    forget([
        stored.folder.path(f) for tile in range(len(stored.tiles)) for f in stored.files(tile)
    ])  # fmt: skip
    runs = []
    for _ in range(5):
        begun, used = time.perf_counter(), time.process_time()
        rows = sq.query(adql, archive=archive, **how).to_table().num_rows
        runs.append((round(time.perf_counter() - begun, 3), round(time.process_time() - used, 3)))
    return {
        "rows": rows,
        "cold": runs[0],
        "again": runs[1],
        "warm": (min(wall for wall, _ in runs[2:]), min(cpu for _, cpu in runs[2:])),
    }


if __name__ == "__main__":
    main()
