"""The order of keys finds the rows that a look at every row finds."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from skyquarry.adql.database.keyorder import KeyOrder, is_whole, keys_of

TYPES = (pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32())


def drawn(random, kind, rows):
    """A column of many keys twice, some NULL, in several chunks, one of them empty."""
    low = 0 if pa.types.is_unsigned_integer(kind) else -40
    values = pa.array(random.integers(low, 60, rows), kind)
    column = pa.array(
        [None if gone else each for each, gone in zip(values, random.random(rows) < 0.2)],  # noqa: B905
        kind,
    )
    cuts = sorted(random.integers(0, rows + 1, 2))
    parts = [column[: cuts[0]], column[cuts[0] : cuts[1]], column[cuts[1] :], column[:0]]
    return pa.chunked_array(parts, kind)


@pytest.mark.parametrize("kind", TYPES, ids=str)
@pytest.mark.parametrize("rows", [0, 1, 7, 300])
def test_the_rows_are_those_that_have_the_keys(kind, rows):
    random = np.random.default_rng([rows, kind.bit_width])
    for asked in (0, 1, 5, 80):
        column = drawn(random, kind, rows)
        keys = random.integers(-300, 300, asked)
        wanted = [row for row, each in enumerate(column.to_pylist()) if each in set(keys.tolist())]
        order = KeyOrder.of(column)
        assert order.rows_of(keys, rows).tolist() == wanted
        if wanted:
            assert order.rows_of(keys, len(wanted) - 1) is None


def test_the_ends_of_the_numbers_are_keys_as_others_are():
    ends = np.iinfo(np.int64)
    order = KeyOrder.of(pa.chunked_array([[ends.max, 0, ends.min, ends.max]]))
    assert order.rows_of(np.array([ends.max]), 9).tolist() == [0, 3]
    assert order.rows_of(np.array([ends.min, 1]), 9).tolist() == [2]


def test_null_is_no_key():
    column = pa.chunked_array([pa.array([None, 0, None, 0, 5])])
    assert keys_of(column).tolist() == [0, 0, 5]
    order = KeyOrder.of(column)
    assert order.rows_of(np.array([0]), 9).tolist() == [1, 3]
    assert order.rows_a_key == 1.5


def test_whole_numbers_that_fit_are_keys():
    assert all(map(is_whole, TYPES))
    assert not any(map(is_whole, (pa.uint64(), pa.float64(), pa.string(), pa.bool_(), pa.date32())))
