"""How long a service is waited for, and how often it is asked again: every number has an end."""

from __future__ import annotations

import email.utils
import time
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING, TypeVar

from skyquarry.errors import CancelledError, ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds and numbers of tries."""

    tries: int = 6
    first_s: float = 1.0
    """before the second try; doubled before each more"""
    longest_s: float = 60.0
    retry_after_s: float = 600.0
    """the longest Retry-After that is waited for"""
    connect_s: float = 30.0
    silence_s: float = 300.0
    """how long an answer may stand still"""
    answer_s: float = 7200.0
    """how long a whole answer, or a job, may take"""
    poll_s: float = 2.0
    """between two looks at a job, at first; up to ten times that"""


class Transient(Exception):  # noqa: N818  no mistake: to be tried again
    """Something that another try may mend."""

    def __init__(self, what: str, wait_s: float | None = None) -> None:
        super().__init__(what)
        self.wait_s = wait_s
        """What the service asks for by Retry-After."""


class TooMuch(Transient):
    """The service could not do the whole query in its time: a smaller one may do."""


@dataclass(frozen=True, slots=True)
class Stops:
    """Two flags that all threads of a download look at."""

    waiting: Event = field(default_factory=Event)
    """No one waits any longer: another thread has failed for good."""
    all: Event = field(default_factory=Event)
    """Leave everything: the user has gone."""

    def set_all(self) -> None:
        """Raise both flags."""
        self.waiting.set()
        self.all.set()

    def wait(self, seconds: float) -> None:
        """Sleep. Raises CancelledError where a flag goes up."""
        if self.waiting.wait(max(seconds, 0.0)) or self.all.is_set():
            raise CancelledError("the download was stopped while it waited for the service")

    def check(self) -> None:
        """Raise CancelledError where everything is to be left."""
        if self.all.is_set():
            raise CancelledError("the download was stopped")


def patiently(action: Callable[[int], T], patience: Patience, stops: Stops, title: str) -> T:
    """What `action(number of the try)` gives, tried again after what is transient.

    Raises ServiceError with the last reason after the last try, TooMuch after the second of
    its kind, and what is not transient at once.
    """
    too_much = 0
    for attempt in range(patience.tries):
        try:
            return action(attempt)
        except Transient as fault:
            too_much += isinstance(fault, TooMuch)
            if too_much >= 2:
                raise
            if attempt + 1 == patience.tries:
                raise _gave_up(fault, patience, title) from fault
            stops.wait(_pause(fault, attempt, patience, title))
    raise AssertionError("a download is tried at least once")


def _pause(fault: Transient, attempt: int, patience: Patience, title: str) -> float:
    pause = min(patience.longest_s, patience.first_s * 2.0**attempt)
    if fault.wait_s is None:
        return pause
    if fault.wait_s > patience.retry_after_s:
        raise ServiceError(
            f"{title} asks to be left alone for {fault.wait_s:,.0f} s ({fault}), but "
            f"{patience.retry_after_s:,.0f} s at most are waited for: come back later"
        ) from fault
    return max(pause, fault.wait_s)


def _gave_up(fault: Transient, patience: Patience, title: str) -> ServiceError:
    return ServiceError(
        f"{title} did not answer well in {patience.tries} tries (the last: {fault}), but a whole "
        "answer is needed: come back later, or name another service with --tap and --table"
    )


def retry_after(text: str | None) -> float | None:
    """Seconds in a Retry-After header: a number, or a date; None where there is neither."""
    if not text:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        when = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, when.timestamp() - time.time())
