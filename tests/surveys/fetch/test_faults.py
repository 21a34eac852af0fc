"""A service that fails, stalls, cuts or denies: asked again where that may help, else told."""

from __future__ import annotations

from dataclasses import replace
from threading import Event, Thread

import pytest

from skyquarry.errors import CancelledError, ServiceError
from skyquarry.sky.regions import Cone
from skyquarry.surveys.fetch.patience import (
    Patience,
    Stops,
    TooMuch,
    Transient,
    patiently,
    retry_after,
)
from skyquarry.testing.tapserver import Fault

from .conftest import QUICK, Heard, ids_in, ids_of

HERE = Cone(200.0, -40.0, 50_000.0)


def once_each(fault: Fault):
    """The fault for every second query: each try after a failed one succeeds."""
    return lambda _, number: fault if number % 2 == 0 else None


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=500),
        Fault(status=503, retry_after="0"),
        Fault(status=503, retry_after="Fri, 31 Dec 1999 23:59:59 GMT"),
        Fault(status=429),
        Fault(cut=0.5),
        Fault(cut=0.99),
        Fault(silent_cut=0.5),
        Fault(silent_cut=0.99),
    ],
    ids=str,
)
@pytest.mark.parametrize("sync_rows", [2000, 0])
def test_what_is_transient_is_asked_for_again_and_nothing_is_lost(
    serve, plan_of, sky, fault, sync_rows
):
    server = serve(fault=once_each(fault), polls=0)
    fetched = plan_of(server, HERE, sync_rows=sync_rows, parallel=1).run(Heard())
    assert sorted(ids_of(fetched)) == ids_in(sky, HERE)


def test_an_answer_that_stands_still_is_given_up_and_asked_for_again(serve, plan_of, sky):
    server = serve(fault=lambda _, number: Fault(stall_s=30.0) if number == 3 else None)
    patience = replace(QUICK, silence_s=2.0)
    fetched = plan_of(server, HERE, patience=patience).run(Heard())
    assert sorted(ids_of(fetched)) == ids_in(sky, HERE)


def test_a_job_that_fails_is_sent_again(serve, plan_of, sky):
    server = serve(fault=lambda q, n: Fault(phase="ERROR") if n % 4 == 2 else None)
    fetched = plan_of(server, HERE, sync_rows=0, parallel=1).run(Heard())
    assert sorted(ids_of(fetched)) == ids_in(sky, HERE)


def test_a_query_that_takes_the_service_too_long_is_cut(serve, plan_of, sky):
    large = "'ICRS', "

    def late(query: str, _: int) -> Fault | None:
        radius = float(query.rpartition(", ")[2].rstrip(")")) if large in query else 0.0
        late = "Execution time out: the job was cancelled"
        return Fault(status=503, message=late) if radius > 4.0 else None

    server = serve(fault=late)
    plan = plan_of(server, HERE)
    fetched = plan.run(Heard())
    assert sorted(ids_of(fetched)) == ids_in(sky, HERE)
    assert fetched.cells > len(plan.cells)


def test_a_service_that_stays_down_is_told_with_tries_and_what_is_kept(serve, plan_of, sky):
    server = serve(fault=lambda _, number: Fault(status=503) if number > 30 else None)
    plan = plan_of(server, HERE, rows=None)
    with pytest.raises(ServiceError) as caught:
        plan.run(Heard())
    message = str(caught.value)
    assert "did not answer well in 3 tries" in message
    assert "HTTP 503: this service was told to fail" in message
    assert str(plan.folder) in message
    asked = len(server.queries)
    server.manners.fault = lambda *_: None
    fetched = plan.run(Heard())
    assert sorted(ids_of(fetched)) == ids_in(sky, HERE)
    assert 0 < fetched.asked < fetched.cells  # what was fetched before stayed
    assert len(server.queries) - asked < asked


def test_a_service_that_is_not_there_is_told(plan_of, serve):
    server = serve()
    plan = plan_of(server, HERE, tap="http://127.0.0.1:9/tap")
    with pytest.raises(
        ServiceError, match=r"http://127.0.0.1:9/tap did not answer well in 3 tries"
    ):
        plan.run(Heard())
    with pytest.raises(ServiceError, match="/tap/nothing/sync is not there"):
        plan_of(server, HERE, tap=f"{server.url}/nothing").run(Heard())


@pytest.mark.parametrize("status", [401, 403])
def test_a_service_that_denies_is_not_asked_twice(serve, plan_of, status):
    server = serve(fault=lambda *_: Fault(status=status, message="not for you"))
    with pytest.raises(ServiceError, match=f"denies the query .HTTP {status}: not for you"):
        plan_of(server, HERE, parallel=1).run(Heard())
    assert len(server.queries) == 1


def test_what_was_fetched_before_a_service_denies_is_kept(serve, plan_of, sky):
    denied = Fault(status=403, message="your quota is used up")
    server = serve(fault=lambda _, number: denied if number > 30 else None)
    plan = plan_of(server, HERE, rows=None)
    with pytest.raises(ServiceError, match=r"quota is used up.* What was fetched is kept, [1-9]"):
        plan.run(Heard())
    server.manners.fault = lambda *_: None
    fetched = plan.run(Heard())
    assert sorted(ids_of(fetched)) == ids_in(sky, HERE)
    assert 0 < fetched.asked < fetched.cells


def test_a_query_that_the_service_does_not_understand_is_told_in_its_words(serve, plan_of):
    server = serve()
    with pytest.raises(ServiceError, match=r"refuses the query .*unknown column nothing"):
        plan_of(server, HERE, where="nothing = 1", parallel=1).run(Heard())
    assert len(server.queries) == 2


def test_one_that_asks_to_be_left_alone_for_long_is(serve, plan_of):
    server = serve(fault=lambda *_: Fault(status=503, retry_after="7200"))
    with pytest.raises(ServiceError, match="asks to be left alone for 7,200 s"):
        plan_of(server, HERE).run(Heard())
    assert len(server.queries) == 1


def test_the_pauses_double_up_to_the_longest_and_heed_the_service():
    pauses: list[float] = []

    class Watched(Stops):
        def wait(self, seconds: float) -> None:
            pauses.append(seconds)

    def fails(attempt: int) -> int:
        raise Transient("no", 7.0 if attempt == 1 else None)

    with pytest.raises(ServiceError, match="in 5 tries"):
        patiently(fails, Patience(tries=5, first_s=1.0, longest_s=3.0), Watched(), "it")
    assert pauses == [1.0, 7.0, 3.0, 3.0]


def test_what_is_too_much_is_tried_twice_and_then_handed_on():
    tries: list[int] = []

    def fails(attempt: int) -> int:
        tries.append(attempt)
        raise TooMuch("late")

    with pytest.raises(TooMuch):
        patiently(fails, QUICK, Stops(), "it")
    assert tries == [0, 1]


def test_a_wait_ends_when_the_download_is_stopped():
    stops, ended = Stops(), Event()

    def waits() -> None:
        with pytest.raises(CancelledError):
            stops.wait(60.0)
        ended.set()

    Thread(target=waits, daemon=True).start()
    stops.set_all()
    assert ended.wait(5.0)


def test_retry_after_is_seconds_or_a_date():
    assert retry_after("12") == 12.0
    assert retry_after("Fri, 31 Dec 1999 23:59:59 GMT") == 0.0
    assert retry_after("soon") is None
    assert retry_after(None) is None
