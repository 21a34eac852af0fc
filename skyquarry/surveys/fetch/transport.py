"""Queries to a TAP service and their answers into files. The only importer of pyvo and requests."""

from __future__ import annotations

import re
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from skyquarry.errors import ServiceError, StorageError, missing_extra
from skyquarry.surveys.fetch.patience import Patience, Stops, TooMuch, Transient, retry_after

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHUNK = 1 << 18
MOST_BYTES = 16 << 30
"""Of one answer."""
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_DENIED = frozenset({401, 402, 403, 407})
_ENDED = frozenset({"COMPLETED", "ERROR", "ABORTED", "ARCHIVED"})
_LATE = re.compile(
    r"time[sd]?[ -]?out|timelimit|time limit|cancel|execution (time|duration)", re.IGNORECASE
)
_MESSAGE_BYTES = 65_536
_LOOKS = 5


@dataclass(slots=True)
class Wire:
    """A TAP service, asked in the manner that its patience says. Safe between threads."""

    url: str
    patience: Patience
    stops: Stops
    session: Any

    @classmethod
    def to(cls, url: str, patience: Patience, stops: Stops) -> Wire:
        """A wire to the service at `url`. Raises MissingExtraError without pyvo."""
        try:
            import pyvo  # noqa: F401
        except ImportError:
            raise missing_extra("pyvo", "fetch", "a download from a TAP service") from None
        return cls(url.rstrip("/"), patience, stops, _session(patience))

    def close(self) -> None:
        """Close the connections; whatever is asked later is refused as transient."""
        self.session.close()

    def sync(self, query: str, most: int, path: Path) -> None:
        """The answer of a query that the service does at once, as the bytes of a VOTable."""
        from pyvo.dal import TAPQuery

        asked = TAPQuery(self.url, query, mode="sync", maxrec=most, session=self.session)
        with _told(self.url):
            self._save(asked.submit(), path)

    def job(self, query: str, most: int, path: Path) -> None:
        """The answer of a query that the service does as a job (UWS), which is deleted then."""
        from pyvo.dal import AsyncTAPJob

        with _told(self.url):
            job = AsyncTAPJob.create(self.url, query, maxrec=most, session=self.session)
        try:
            with _told(self.url):
                job.run()
                self._wait(job)
                where = job.result_uri or f"{job.url}/results/result"
                answer = self.session.get(urljoin(f"{job.url}/", where), stream=True)
                self._save(answer, path)
        finally:
            with suppress(Exception), _told(self.url):  # else the service removes it in its time
                job.delete()

    def _wait(self, job: Any) -> None:
        """Until the job is done. Raises Transient or TooMuch where it failed or takes too long."""
        ends, pause = time.monotonic() + self.patience.answer_s, self.patience.poll_s
        while (phase := self._phase(job)) not in _ENDED:
            if time.monotonic() > ends:
                raise TooMuch(f"a job was still {phase} after {self.patience.answer_s:,.0f} s")
            self.stops.wait(pause)
            pause = min(1.5 * pause, 10.0 * self.patience.poll_s)
        if phase != "COMPLETED":
            summary = getattr(job.job, "errorsummary", None)
            message = getattr(getattr(summary, "message", None), "content", None) or "no reason"
            raise _failed(f"the job ended as {phase}: {message}", message)

    def _phase(self, job: Any) -> str:
        """The job's phase; a look that fails is no reason to give the job up, five are."""
        from pyvo.dal import DALServiceError

        for attempt in range(_LOOKS):
            try:
                return str(job.phase)
            except (DALServiceError, Transient):
                if attempt + 1 == _LOOKS:
                    raise
                self.stops.wait(self.patience.poll_s * 2.0**attempt)
        raise AssertionError("a job is looked at once at least")

    def _save(self, answer: Any, path: Path) -> None:
        """The bytes of an answer into a file, whole or not at all."""
        ends, size = time.monotonic() + self.patience.answer_s, 0
        try:
            with path.open("wb") as file:
                for chunk in answer.iter_content(CHUNK):
                    self.stops.check()
                    size += len(chunk)
                    if size > MOST_BYTES or time.monotonic() > ends:
                        raise TooMuch(f"an answer had {size:,} bytes and no end")
                    file.write(chunk)
        except OSError as fault:
            if _is_of_the_network(fault):
                raise
            raise StorageError(
                f"{path} cannot be written ({fault.strerror or fault}), but answers are kept on "
                "disk: make room, or name another folder with --cache"
            ) from fault
        finally:
            answer.close()


def _is_of_the_network(fault: OSError) -> bool:
    """The errors of requests are OSErrors too."""
    import requests

    return isinstance(fault, requests.RequestException)


class _Answers(threading.local):
    """The answers that a thread has opened: pyvo does not close all of its own."""

    def __init__(self) -> None:
        self.open: list[Any] = []


_ANSWERS = _Answers()


@contextmanager
def _told(url: str) -> Iterator[None]:
    """Turns pyvo's and requests' errors into ours, and closes every answer at the end."""
    from xml.parsers.expat import ExpatError

    import requests
    from pyvo.dal import DALServiceError

    try:
        yield
    except DALServiceError as fault:
        cause = fault.cause
        raise Transient(_short(cause if cause is not None else fault)) from fault
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema) as fault:
        raise ServiceError(
            f"{url} is no address that can be asked ({_short(fault)}), but a TAP service is "
            "needed: correct --tap"
        ) from fault
    except (requests.RequestException, ExpatError) as fault:
        raise Transient(_short(fault)) from fault
    finally:
        while _ANSWERS.open:
            _ANSWERS.open.pop().close()


def _session(patience: Patience) -> Any:
    """A session whose requests end, and whose refusals are told by our own errors."""
    from importlib.metadata import version

    import requests
    from requests.adapters import HTTPAdapter

    ended = threading.Event()

    class Ending(HTTPAdapter):  # type: ignore[misc]  # requests tells no types
        def send(self, request: Any, *args: Any, **options: Any) -> Any:
            if (
                ended.is_set()
            ):  # a thread that outlives its download would open a pool that none closes
                raise requests.ConnectionError("the download has ended")
            if options.get("timeout") is None:
                options["timeout"] = (patience.connect_s, patience.silence_s)
            try:
                return super().send(request, *args, **options)
            finally:
                if ended.is_set():
                    super().close()

        def close(self) -> None:
            ended.set()
            super().close()

    session = requests.Session()
    session.headers["User-Agent"] = f"skyquarry/{version('skyquarry')} (IVOA-copy)"
    for scheme in ("http://", "https://"):
        session.mount(scheme, Ending(pool_maxsize=16))
    session.hooks["response"].append(_judged)
    return session


def _judged(answer: Any, *_: Any, **__: Any) -> None:
    """Raise what an answer's status stands for."""
    _ANSWERS.open.append(answer)
    status = answer.status_code
    if status < 400:
        return
    message = service_message(_first_bytes(answer)) or str(answer.reason or "no reason")
    said = f"HTTP {status}: {message}"
    wait_s = retry_after(answer.headers.get("Retry-After"))
    url = str(answer.url).partition("?")[0]
    if status in _AGAIN:
        raise TooMuch(said, wait_s) if _LATE.search(message) else Transient(said, wait_s)
    if status in _DENIED:
        raise ServiceError(
            f"{url} denies the query ({said}), but it has to be open to you: ask for access there, "
            "or name another service with --tap and --table"
        )
    if status in {404, 410}:
        raise ServiceError(
            f"{url} is not there ({said}), but a TAP service is needed: correct --tap, or see "
            "whether the service has moved"
        )
    raise refused(url, said)


def refused(url: str, said: str) -> ServiceError:
    """What to tell of a query that a service does not take."""
    return ServiceError(
        f"{url} refuses the query ({said}), but it has to take it: see --dry-run for its text, and "
        "correct the table, the columns or the condition, or say cells by --area circle or range"
    )


def _failed(said: str, message: str) -> Transient:
    return TooMuch(said) if _LATE.search(message) else Transient(said)


def _first_bytes(answer: Any) -> bytes:
    chunks: Iterator[bytes] = answer.iter_content(_MESSAGE_BYTES)
    with suppress(Exception):  # the reason is a courtesy
        return next(chunks, b"")
    return b""


_INFO = re.compile(
    rb"<(?:\w+:)?INFO\b(?P<told>[^>]*)>(?P<text>.{0,4000}?)</(?:\w+:)?INFO>", re.DOTALL
)


def service_message(head: bytes) -> str:
    """What a service says in a DALI error document, or in plain words; at most 500 letters."""
    for found in _INFO.finditer(head):
        if b"QUERY_STATUS" in found["told"] and b"ERROR" in found["told"]:
            return _plain(found["text"])
    return "" if b"<" in head else _plain(head)


def _plain(raw: bytes) -> str:
    import html

    text = raw.decode("utf-8", "replace").replace("<![CDATA[", "").replace("]]>", "")
    return " ".join(html.unescape(text).split())[:500]


def _short(fault: object) -> str:
    return f"{type(fault).__name__}: {fault}"[:300]
