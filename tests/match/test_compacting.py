"""Rows kept in little memory are the same rows."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pyarrow as pa
import pytest

from skyquarry.match.given.compacting import compact, pieces, spread
from skyquarry.match.given.rows import Motions, Rows


def rows_of(n: int) -> Rows:
    """`n` rows of one error and one epoch, without colours."""
    line = np.arange(n, dtype=np.int64)
    nan = np.full(n, np.nan)
    return Rows(
        line * 0.1,
        line * 0.01,
        line,
        pa.array(line),
        line,
        line,
        np.tile([0.04, 0.04, 0.0], (n, 1)),
        np.full(n, 2016.0),
        None,
        line + 15.0,
        nan,
        nan.copy(),
        np.zeros(n),
        0.0,
        np.zeros(n, np.int32),
    )


def same(a: Rows, b: Rows) -> bool:
    """Whether all fields are equal to the bit, and plain arrays."""
    names = [f.name for f in fields(a) if f.name not in ("ids", "motions", "wide_arcsec")]
    plain = all(getattr(b, name).flags.c_contiguous for name in names)
    return plain and all(getattr(a, n).tobytes() == getattr(b, n).tobytes() for n in names)


def test_a_column_of_one_value_takes_no_memory_for_each_row():
    thin = compact(rows_of(1000))
    assert {thin.covariance.strides[0], thin.epoch.strides[0], thin.cool.strides[0]} == {0}
    assert thin.mag.strides == (8,)


def test_a_column_whose_last_value_differs_is_kept_whole():
    rows = rows_of(1000)
    rows.flags[-1] = 4
    assert compact(rows).flags.strides == (4,)


def test_zero_and_minus_zero_are_two_values():
    rows = replace(rows_of(3), wide=np.array([0.0, -0.0, 0.0]))
    assert same(rows, spread(compact(rows)))


def test_what_is_spread_out_again_is_as_it_was():
    for n in (0, 1, 2, 1000):
        assert same(rows_of(n), spread(compact(rows_of(n))))


def test_a_part_of_the_rows_is_spread_as_that_part():
    part = compact(rows_of(1000)).between(10, 20)
    assert same(rows_of(1000).take(np.arange(10, 20)), spread(part))


@pytest.mark.parametrize("firsts", [[], [5], [0, 400], [0, 10, 20, 990]])
def test_stretches_of_rows_are_the_rows_of_these_numbers(firsts: list[int]):
    first, last = (np.array([f + more for f in firsts], np.int64) for more in (0, 9))
    if len(first) == 2:  # long ones are copied one by one
        last = first + 300
    numbers = [n for a, b in zip(first, last, strict=True) for n in range(a, b)]
    expected = moving(1000).take(np.array(numbers, np.int64))
    found = pieces(compact(moving(1000)), first, last)
    assert same(expected, found)
    assert found.ids.equals(expected.ids)
    assert found.motions is not None
    assert expected.motions is not None
    assert np.array_equal(found.motions.pm, expected.motions.pm)


def moving(n: int) -> Rows:
    """`n` rows of known motion."""
    line = np.arange(n, dtype=np.float64)
    pm, covariance = np.outer(line, [1.0, 2.0]), np.outer(line, [3.0, 4.0, 5.0])
    cross = np.outer(line, [1.0, 2.0, 3.0, 4.0])
    return replace(rows_of(n), motions=Motions(pm, covariance, cross, line, line, line, line))
