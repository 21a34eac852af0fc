"""A rival: cones in PostgreSQL with q3c, loaded, clustered and cached. Times go to standard output.

Run by cone.py with an interpreter that has psycopg and pyarrow, on a machine that has Debian's
postgresql-15 and postgresql-15-q3c. The server is its own: a new cluster in a folder that is
removed at the end, reached through a socket in that folder, listening on no port.
"""

from __future__ import annotations

import argparse
import json
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

BIN = Path("/usr/lib/postgresql/15/bin")
COLUMNS = ("id", "ra", "dec")
QUERY = "SELECT id, ra, dec FROM sky WHERE q3c_radial_query(ra, dec, %s, %s, %s)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("centres", help="JSON: a list of [ra_deg, dec_deg]")
    parser.add_argument("parquet", nargs="+", help="the rows, with id, ra and dec")
    parser.add_argument("--radius-arcsec", type=float, default=60.0)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="q3c-"))
    try:
        connection = start(folder)
        load_s = load(connection, given.parquet)
        centres = json.loads(Path(given.centres).read_text())
        ms, rows = cones(connection, centres, given.radius_arcsec / 3600.0)
        connection.close()
        print(json.dumps({"load_s": load_s, "ms": ms, "rows": rows}))
    finally:
        server(folder, "stop", "-m", "immediate")
        shutil.rmtree(folder, ignore_errors=True)


def as_postgres(folder: Path, *command: str) -> None:
    """Run a program of the server as a user that it accepts: it refuses to be root."""
    user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.getuid() == 0 else {}
    subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, **user)


def server(folder: Path, *words: str) -> None:
    command = [str(BIN / "pg_ctl"), "-D", str(folder / "data"), "-w", "-l", str(folder / "log")]
    as_postgres(folder, *command, *words)


def start(folder: Path):
    import psycopg

    if os.getuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    trust = ("-A", "trust", "-U", "postgres")
    as_postgres(folder, str(BIN / "initdb"), "-D", str(folder / "data"), *trust)
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} "
    options += "-c shared_buffers=2GB -c maintenance_work_mem=1GB -c max_wal_size=8GB -c fsync=off"
    server(folder, "start", "-o", options)
    connection = psycopg.connect(host=str(folder), user="postgres", dbname="postgres")
    connection.autocommit = True
    connection.execute("CREATE EXTENSION q3c")
    return connection


def load(connection, files: list[str]) -> float:
    import pyarrow.parquet as pq

    begun = time.perf_counter()
    connection.execute("CREATE TABLE sky (id bigint, ra float8, dec float8)")
    with connection.cursor().copy("COPY sky FROM STDIN") as copy:
        for name in files:
            for batch in pq.ParquetFile(name).iter_batches(columns=list(COLUMNS)):
                for row in zip(*(batch.column(c).to_pylist() for c in COLUMNS), strict=True):
                    copy.write_row(row)
    connection.execute("CREATE INDEX sky_q3c ON sky (q3c_ang2ipix(ra, dec))")
    connection.execute("CLUSTER sky USING sky_q3c")
    connection.execute("ANALYZE sky")
    return time.perf_counter() - begun


def cones(connection, centres: list, radius_deg: float) -> tuple[list[float], int]:
    """Milliseconds of each cone, in a second pass over them: the first fills the cache."""
    ms: list[float] = []
    for _ in range(2):
        ms, rows = [], 0
        for ra, dec in centres:
            begun = time.perf_counter()
            rows += len(connection.execute(QUERY, (ra, dec, radius_deg), prepare=True).fetchall())
            ms.append(1e3 * (time.perf_counter() - begun))
    return ms, rows


if __name__ == "__main__":
    main()
