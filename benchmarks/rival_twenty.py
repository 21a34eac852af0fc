"""A rival: the twenty queries as of 2002 by PostgreSQL with q3c, loaded, indexed, warm.

Asked by twenty.py on a machine that has Debian's postgresql-15 and postgresql-15-q3c; else it is
left out. The server is our own: a cluster in the folder that is named, which stays there, reached
through a socket in it, listening on no port. Tables are what the plain Parquet files of twenty.py
have: DuckDB writes them as CSV into a pipe that psql copies from. Times are psql's own, with all
rows taken: of 1e7 objects and 1e8 neighbours loading needs some 25 GB and half an hour.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from skyquarry.adql.twenty.asked import Boxes
from skyquarry.synthetic.sdss.codes import Flag
from skyquarry.testing.twentyqueries import _VIEWS, queries

if TYPE_CHECKING:
    from collections.abc import Iterator

BIN = Path("/usr/lib/postgresql/15/bin")
EXTENSION = Path("/usr/share/postgresql/15/extension/q3c.control")
RUNS, MANY_RUNS, ENOUGH_S, LONG_S = 2, 24, 1.0, 4.0
"""After the first run two, of what is short as many as take a second; what takes longer than the
last is run once."""
OPTIONS = (
    "listen_addresses=''", "shared_buffers=2GB", "work_mem=256MB", "maintenance_work_mem=1GB",
    "max_wal_size=16GB", "wal_level=minimal", "max_wal_senders=0", "fsync=off",
    "effective_cache_size=8GB", "max_parallel_workers_per_gather=2", "random_page_cost=1.1",
)  # fmt: skip
TYPES = {
    "BIGINT": "bigint", "INTEGER": "int", "SMALLINT": "smallint", "TINYINT": "smallint",
    "FLOAT": "real", "DOUBLE": "float8", "BOOLEAN": "bool", "VARCHAR": "text",
}  # fmt: skip
KEYS = {
    "photoobj": ("objID", "parentID"), "photoz": ("objID",), "specobj": ("specObjID", "objID"),
    "specline": ("specObjID", "lineID"), "xcredshift": ("specObjID",), "neighbors": ("objID",),
}  # fmt: skip


@contextmanager
def served(folder: str | None, plain: str | None, timeout_s: float) -> Iterator[Rival | None]:
    """The server with its tables; None where none is asked for, or PostgreSQL has no q3c here."""
    if folder is None or plain is None or not (BIN.exists() and EXTENSION.exists()):
        yield None
        return
    rival = Rival(Path(folder).resolve(), timeout_s)
    rival.start()
    try:
        rival.load(Path(plain))
        yield rival
    finally:
        rival.control("stop", "-m", "fast")


class Rival:
    """One cluster, and the queries in its words."""

    def __init__(self, folder: Path, timeout_s: float) -> None:
        self.folder, self.timeout_s = folder, timeout_s
        self.texts = in_postgres()
        # the path of a socket may not be long
        self.socket = Path(tempfile.mkdtemp(prefix="pg-"))

    # ------------------------------------------------------------ server
    def start(self) -> None:
        """Start the server; its cluster is made where it is not there."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if os.getuid() == 0:
            for each in (self.folder, self.socket):
                shutil.chown(each, "postgres", "postgres")
        if not (self.folder / "data" / "PG_VERSION").exists():
            trust = ("-A", "trust", "-U", "postgres")
            self.run(str(BIN / "initdb"), "-D", str(self.folder / "data"), *trust)
        options = " ".join(
            f"-c {each}" for each in (*OPTIONS, f"unix_socket_directories={self.socket}")
        )
        self.control("start", "-o", options)

    def control(self, *words: str) -> None:
        """Start or stop it."""
        where = ("-D", str(self.folder / "data"), "-w", "-t", "300", "-l", str(self.folder / "log"))
        self.run(str(BIN / "pg_ctl"), *where, *words)

    def run(self, *command: str) -> None:
        """Run a program of the server as a user that it accepts: it refuses to be root."""
        user: dict[str, Any] = {}
        if os.getuid() == 0:
            owner = pwd.getpwnam("postgres")
            user = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
        subprocess.run(command, check=True, cwd="/", stdout=subprocess.DEVNULL, **user)

    def psql(self, text: str) -> str:
        """What psql answers to statements: rows one a line."""
        command = ["psql", "-h", str(self.socket), "-U", "postgres", "-d", "postgres", "-qAtX"]
        done = subprocess.run(
            [*command, "-v", "ON_ERROR_STOP=1"], input=text, check=False, capture_output=True,
            text=True,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(done.stderr.strip()[:300])
        return done.stdout

    # ------------------------------------------------------------ tables
    def load(self, plain: Path) -> None:
        """Load the tables that are not there yet, each whole with its indexes."""
        self.psql("CREATE EXTENSION IF NOT EXISTS q3c;")
        for name, keys in KEYS.items():
            if self.psql(f"SELECT to_regclass('{name}') IS NOT NULL;").strip() == "t":
                continue
            self._copy(name, plain / f"{name}.parquet")
            indexes = [f"CREATE INDEX ON making ({key});" for key in keys]
            if name == "photoobj":
                indexes.append("CREATE INDEX ON making (q3c_ang2ipix(ra, dec));")
            self.psql("\n".join([*indexes, f"ALTER TABLE making RENAME TO {name};"]))
            self.psql(f"VACUUM ANALYZE {name};")
            print(f"postgres: {name} is loaded", flush=True)
        views = _VIEWS.replace("CREATE VIEW", "CREATE OR REPLACE VIEW")
        self.psql(views)

    def _copy(self, name: str, file: Path) -> None:
        """Rows of a file into the table `making`; by one thread, which waits for its reader."""
        with duckdb.connect(config={"memory_limit": "2GB", "threads": 1}) as connection:
            connection.execute("SET preserve_insertion_order = false")
            of = f"read_parquet('{file}')"
            columns = [
                (column, TYPES.get(kind, "text"))
                for column, kind, *_ in connection.execute(
                    f"DESCRIBE SELECT * FROM {of}"
                ).fetchall()
                if name != "neighbors" or column not in ("ra", "dec")
            ]
            made = ", ".join(f"{column} {kind}" for column, kind in columns)
            listed = ", ".join(column for column, _ in columns)
            pipe = self.socket / "pipe"
            os.mkfifo(pipe)
            copy = f"\\copy making FROM '{pipe}' (FORMAT csv)"
            text = f"DROP TABLE IF EXISTS making;\nCREATE UNLOGGED TABLE making ({made});\n{copy}\n"
            failed: list[Exception] = []

            def take() -> None:
                try:
                    self.psql(text)
                except RuntimeError as error:
                    failed.append(error)

            reader = threading.Thread(target=take)
            reader.start()
            connection.execute(
                f"COPY (SELECT {listed} FROM {of}) TO '{pipe}' (FORMAT csv, HEADER false)"
            )
            reader.join()
            pipe.unlink()
            if failed:
                raise failed[0]

    # ------------------------------------------------------------ asked
    def timed(self, name: str) -> dict[str, Any]:
        """Rows and the least seconds: of the first run where it is long, else of some after it."""
        try:
            rows, seconds = self._runs(name, 1)
            if seconds[0] < LONG_S:
                often = int(ENOUGH_S / max(seconds[0], 1e-3))
                rows, seconds = self._runs(name, min(max(often, RUNS), MANY_RUNS))
        except RuntimeError as error:
            return {"failed": str(error)[:120]}
        return {"rows": rows, "seconds": round(min(seconds), 4)}

    def _runs(self, name: str, often: int) -> tuple[int, list[float]]:
        """Rows of a query, and the seconds of each of some runs in one session."""
        answer = self.socket / "rows"
        told = self.psql(
            f"SET statement_timeout = {round(1e3 * self.timeout_s)};\n\\timing on\n"
            f"\\o {answer}\n" + f"{self.texts[name]}\n;\n" * often + "\\o\n"
        )
        with answer.open("rb") as file:
            rows = sum(1 for _ in file) // often
        return rows, [float(each) / 1e3 for each in re.findall(r"Time: ([\d.]+) ms", told)][-often:]


# ------------------------------------------------------------ queries
def in_postgres(boxes: Boxes | None = None) -> dict[str, str]:
    """The queries as PostgreSQL reads them: what divides by zero is NULL, cones are q3c's."""
    at = Boxes() if boxes is None else boxes
    found = {name: _plain(text) for name, text in queries(at).items()}
    ra, dec = at.cone
    found["1"] = f"""SELECT objID FROM Galaxy
        WHERE q3c_radial_query(ra, dec, {ra}, {dec}, {at.cone_arcmin / 60.0})
        AND (flags & {int(Flag.SATURATED)}) = 0"""
    found["7"] = found["7"].replace("GROUP BY ALL", "GROUP BY 1, 2, 3, 4")
    conditions = found["14"].partition("FROM pair WHERE ")[2]
    found["14"] = f"""SELECT DISTINCT s1.objID FROM Neighbors n JOIN Star s1 ON s1.objID = n.objID
        JOIN PhotoObj s2 ON s2.objID = n.NeighborObjID WHERE n.distanceMins < 0.5 / 60
        AND n.mode = 1 AND n.objType = 6 AND n.NeighborObjType = 6 AND {conditions}"""
    conditions = found["18"].partition("FROM pair WHERE ")[2]
    found["18"] = f"""SELECT DISTINCT P.objID FROM Neighbors n JOIN PhotoPrimary P
        ON P.objID = n.objID JOIN PhotoPrimary L ON L.objID = n.NeighborObjID
        WHERE n.objID < n.NeighborObjID AND {conditions}"""
    return found


def _plain(text: str) -> str:
    text = re.sub(r"isoA_(\w) / isoB_\1", r"isoA_\1 / nullif(isoB_\1, 0)", text)
    return re.sub(r"log10\((2 \* 3\.1415 [^)]*)\)", r"log10(nullif(\1, 0))", text)
