"""A small TAP service on this machine's loopback, for tests of clients.

Sync and async (UWS 1.0) queries over one Arrow table, MAXREC and OVERFLOW, VOTables in BINARY2 or
TABLEDATA, errors as DALI documents; and it can be told to misbehave: see `Manners`.

>>> with TapServer(table, name="stars") as server:  # doctest: +SKIP
...     pyvo.dal.TAPService(server.url).run_sync("SELECT TOP 3 * FROM stars")
"""

from __future__ import annotations

import itertools
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Lock, Thread, Timer
from typing import TYPE_CHECKING, Any, Literal, Self
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

from skyquarry.catalog.formats import write_table
from skyquarry.testing.tapqueries import QueryError, answer

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

LIFETIME_S = 300.0
_SYNC, _ASYNC = "/tap/sync", "/tap/async"


@dataclass(frozen=True, slots=True)
class Fault:
    """One piece of misbehaviour, for an answer to a query."""

    status: int = 0
    """an HTTP status in place of the answer"""
    message: str = "this service was told to fail"
    retry_after: str | None = None
    cut: float = 0.0
    """send only this part of the answer, and then close; the length that was promised is whole"""
    silent_cut: float = 0.0
    """the same, with a length that fits: only the document shows that it is not whole"""
    stall_s: float = 0.0
    drop_rows: int = 0
    """leave out so many rows at the end, and say nothing"""
    phase: str = ""
    """the job ends in this phase"""


@dataclass(slots=True)
class Manners:
    """How the server behaves."""

    hard_limit: int = 1_000_000
    """rows of an answer at most: beyond, OVERFLOW"""
    tells_overflow: bool = True
    serialization: Literal["binary2", "tabledata"] = "binary2"
    polls: int = 1
    """how often a job's phase is EXECUTING before it is COMPLETED"""
    fault: Callable[[str, int], Fault | None] = lambda query, number: None  # noqa: ARG005
    """the fault of a query, the number-th that was sent (from 0)"""


@dataclass(slots=True)
class _Job:
    number: int
    form: dict[str, str]
    phase: str = "PENDING"
    looks: int = 0
    message: str = ""
    body: bytes = b""
    fault: Fault = field(default_factory=Fault)


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Nothing: a client that has gone is what some tests are about."""


class TapServer:
    """A TAP service over one table, alive inside a `with` block, for five minutes at most."""

    def __init__(self, table: pa.Table, name: str = "stars", **manners: Any) -> None:
        self.table, self.name, self.manners = table, name, Manners(**manners)
        self.queries: list[str] = []
        """every query that came, in order"""
        self.requests: Counter[str] = Counter()
        """requests of any kind, by path"""
        self.at_once = 0
        """the most queries that were worked on at the same time"""
        self.jobs: dict[int, _Job] = {}
        self.lock, self.ended = Lock(), Event()
        self._numbers, self._busy = itertools.count(1), 0

    def __enter__(self) -> Self:
        self._server = _Quiet(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}/tap"
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self._timer = Timer(LIFETIME_S, self._stop)
        self._timer.daemon = True
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._stop()
        self._thread.join(10.0)

    def _stop(self) -> None:
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()

    # ------------------------------------------------------------------ queries
    def meet(self, query: str) -> Fault:
        """Note a query, and say what goes wrong with it."""
        with self.lock:
            self.queries.append(query)
            number = len(self.queries) - 1
        return self.manners.fault(query, number) or Fault()

    def document(self, form: dict[str, str], fault: Fault) -> bytes:
        """The VOTable that answers a query. Raises QueryError."""
        with self.lock:
            self._busy += 1
            self.at_once = max(self.at_once, self._busy)
        try:
            rows = answer(self.table, self.name, form.get("QUERY", ""))
            most = min(int(form.get("MAXREC") or 10**9), self.manners.hard_limit)
            overflow = rows.num_rows > most
            rows = rows.slice(0, min(rows.num_rows - fault.drop_rows, most))
            self.ended.wait(fault.stall_s)
            return votable(rows, self.manners, overflow=overflow)
        finally:
            with self.lock:
                self._busy -= 1

    def new_job(self, form: dict[str, str]) -> _Job:
        """A job that waits for PHASE=RUN."""
        with self.lock:
            job = _Job(next(self._numbers), form)
            self.jobs[job.number] = job
        return job

    def run_job(self, job: _Job) -> None:
        """Work out a job at once; its phase is told as EXECUTING for some looks."""
        job.phase = "EXECUTING"
        job.fault = self.meet(job.form.get("QUERY", ""))
        if job.fault.phase:
            job.message = job.fault.message
            return
        try:
            job.body = self.document(job.form, job.fault)
        except QueryError as fault:
            job.message = str(fault)

    def look(self, job: _Job) -> None:
        """What a look at a job changes."""
        job.looks += 1
        if job.phase == "EXECUTING" and job.looks > self.manners.polls:
            ended = "ERROR" if job.message else "COMPLETED"
            job.phase = job.fault.phase or ended


def votable(rows: pa.Table, manners: Manners, *, overflow: bool) -> bytes:
    """A DALI document: QUERY_STATUS before the table and, on overflow, behind it."""
    with tempfile.TemporaryDirectory(prefix="skyquarry-tap-") as folder:
        path = Path(folder) / "answer.vot"
        write_table(
            rows.to_batches(),
            rows.schema,
            path,
            "votable",
            serialization=manners.serialization,
        )
        text = path.read_bytes()
    head, tag, body = text.partition(b"<TABLE")
    head = head.replace(b"<RESOURCE>", b'<RESOURCE type="results">')
    told = b'<INFO name="QUERY_STATUS" value="OK"/>\n'
    inside, end, rest = body.rpartition(b"</RESOURCE>")
    if overflow and manners.tells_overflow:
        inside += b'<INFO name="QUERY_STATUS" value="OVERFLOW"/>\n'
    return head + told + tag + inside + end + rest


def error_document(message: str) -> bytes:
    """DALI 1.1, section 4.4.2."""
    return (
        '<?xml version="1.0"?>\n<VOTABLE version="1.3" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">'
        '<RESOURCE type="results"><INFO name="QUERY_STATUS" value="ERROR">'
        f"{escape(message)}</INFO></RESOURCE></VOTABLE>\n"
    ).encode()


def job_document(job: _Job, url: str) -> bytes:
    """UWS 1.0, section 2.2: the representation of a job."""
    result = f'<uws:result id="result" xlink:href="{url}/async/{job.number}/results/result"/>'
    summary = (
        f'<uws:errorSummary type="fatal" hasDetail="false"><uws:message>{escape(job.message)}'
        "</uws:message></uws:errorSummary>"
    )
    today = time.strftime("%Y-%m-%d", time.gmtime())
    return (
        '<?xml version="1.0"?>\n<uws:job xmlns:uws="http://www.ivoa.net/xml/UWS/v1.0" '
        'xmlns:xlink="http://www.w3.org/1999/xlink">'
        f"<uws:jobId>{job.number}</uws:jobId><uws:ownerId/><uws:phase>{job.phase}</uws:phase>"
        "<uws:quote/><uws:startTime/><uws:endTime/><uws:executionDuration>0</uws:executionDuration>"
        f"<uws:destruction>{today}T23:59:59Z</uws:destruction><uws:parameters/><uws:results>"
        f"{result if job.phase == 'COMPLETED' else ''}</uws:results>"
        f"{summary if job.message and job.phase in ('ERROR', 'ABORTED') else ''}</uws:job>\n"
    ).encode()


def _handler(server: TapServer) -> type[BaseHTTPRequestHandler]:  # noqa: C901  a class, made here
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet: else each answer waits 40 ms for the client
        disable_nagle_algorithm = True

        def log_message(self, *_: object) -> None:
            """Nothing: a test's output is its own."""

        def do_GET(self) -> None:
            place = urlsplit(self.path)
            self._go(place.path, _plain(parse_qs(place.query)))

        def do_POST(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            form = _plain(parse_qs(self.rfile.read(size).decode()))
            self._go(urlsplit(self.path).path, form)

        def do_DELETE(self) -> None:
            server.requests["DELETE"] += 1
            server.jobs.pop(int(self.path.rpartition("/")[2]), None)
            self._redirect(f"{server.url}/async")

        def _go(self, path: str, form: dict[str, str]) -> None:
            with server.lock:
                server.requests[path] += 1
            if path == _SYNC:
                self._sync(form)
            elif path == _ASYNC:
                self._redirect(f"{server.url}/async/{server.new_job(form).number}")
            elif path.startswith(f"{_ASYNC}/"):
                self._job(path.removeprefix(f"{_ASYNC}/").split("/"), form)
            else:
                self._send(error_document(f"there is no {path}"), 404)

        def _sync(self, form: dict[str, str]) -> None:
            fault = server.meet(form.get("QUERY", ""))
            if fault.status:
                self._send(error_document(fault.message), fault.status, fault)
                return
            try:
                self._send(server.document(form, fault), 200, fault)
            except QueryError as error:
                self._send(error_document(str(error)), 400)

        def _job(self, words: list[str], form: dict[str, str]) -> None:
            job = server.jobs.get(int(words[0]))
            if job is None:
                self._send(error_document("there is no such job"), 404)
            elif words[1:] == ["phase"] and form.get("PHASE") == "RUN":
                server.run_job(job)
                self._redirect(f"{server.url}/async/{job.number}")
            elif words[1:2] == ["results"]:
                status = job.fault.status or 200
                body = error_document(job.fault.message) if job.fault.status else job.body
                self._send(body, status, job.fault)
            else:
                server.look(job)
                self._send(job_document(job, server.url))

        def _send(self, body: bytes, status: int = 200, fault: Fault | None = None) -> None:
            fault = fault or Fault()
            part = body[: int(len(body) * (fault.cut or fault.silent_cut or 1.0))]
            self.send_response(status)
            self.send_header("Content-Type", "application/x-votable+xml")
            self.send_header("Content-Length", str(len(body if fault.cut else part)))
            if fault.retry_after is not None:
                self.send_header("Retry-After", fault.retry_after)
            self.end_headers()
            self.wfile.write(part)
            self.close_connection = bool(fault.cut)

        def _redirect(self, url: str) -> None:
            self.send_response(303)
            self.send_header("Location", url)
            self.send_header("Content-Length", "0")
            self.end_headers()

    return Handler


def _plain(form: dict[str, list[str]]) -> dict[str, str]:
    """The last value of each parameter, its name in capitals."""
    return {key.upper(): values[-1] for key, values in form.items()}
