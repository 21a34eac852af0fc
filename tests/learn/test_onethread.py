"""Small products are made by one thread, and whoever had more has them again afterwards."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from skyquarry.learn import pooling
from skyquarry.learn.onethread import _controller, one_thread


def threads() -> set[int]:
    told = _controller().info()
    return {each["num_threads"] for each in told if each["user_api"] == "blas"}


@pytest.fixture
def two():
    """Linear algebra by two threads."""
    with _controller().limit(limits=2, user_api="blas"):
        if threads() != {2}:
            pytest.skip("BLAS has one thread here, whatever it is told")
        yield


@pytest.mark.usefixtures("two")
def test_one_thread_within_and_as_many_as_before_afterwards():
    with one_thread():
        assert threads() == {1}
        with one_thread():
            assert threads() == {1}
        assert threads() == {1}
    assert threads() == {2}


@pytest.mark.usefixtures("two")
def test_what_ends_first_of_two_at_once_leaves_the_other_its_one_thread():
    inside, leave = threading.Event(), threading.Event()

    def other() -> None:
        with one_thread():
            inside.set()
            leave.wait(30.0)

    running = threading.Thread(target=other)
    with one_thread():
        running.start()
        assert inside.wait(30.0)
    assert threads() == {1}
    leave.set()
    running.join()
    assert threads() == {2}


@pytest.mark.usefixtures("two")
def test_an_error_within_gives_the_threads_back():
    with pytest.raises(ValueError, match="on the way"), one_thread():
        raise ValueError("on the way")
    assert threads() == {2}


def test_a_pool_is_the_same_bit_by_bit_whatever_threads_there_are():
    """Of 30,000 rows two threads summed otherwise than one, and took twenty times the time."""
    random = np.random.default_rng(3)
    labels = random.integers(0, 3, 24_000).astype(np.int16)
    parts = random.dirichlet(np.ones(3), (2, len(labels)))
    parts[:, np.arange(len(labels)), labels] += 1.0
    parts /= parts.sum(axis=2, keepdims=True)
    fold, weights = random.integers(0, 3, len(labels)).astype(np.int8), np.ones(len(labels))
    made = []
    for count in (1, 2):
        with _controller().limit(limits=count, user_api="blas"):
            made.append(pooling.fit(parts, labels, fold, weights, combine="product")[:2])
    np.testing.assert_array_equal(made[0][1], made[1][1])
    assert made[0][0].to_json() == made[1][0].to_json()
