"""Chance depends on names alone."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtri

from skyquarry.synthetic import chance


def test_a_source_has_the_same_number_alone_and_among_others():
    ids = np.array([5, 2**55 + 3, 7])
    assert chance.normal(1, "noise", ids)[1] == chance.normal(1, "noise", ids[1:2])[0]


@pytest.mark.parametrize("other", [(2, "g"), (1, "r")])
def test_another_seed_or_stream_gives_unrelated_numbers(other):
    ids = np.arange(20_000)
    first, second = chance.normal(1, "g", ids), chance.normal(*other, ids)
    assert abs(np.corrcoef(first, second)[0, 1]) < 4 / np.sqrt(len(ids))


@pytest.mark.parametrize("ids", [np.arange(50_000), np.arange(50_000) << 38])
def test_numbers_are_uniform_and_do_not_follow_each_other(ids):
    told = chance.uniform(3, "x", ids)
    assert stats.kstest(told, "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(told[1:], told[:-1])[0, 1]) < 4 / np.sqrt(len(ids))
    assert told.min() > 0
    assert told.max() < 1


def test_normal_numbers_are_normal():
    assert stats.kstest(chance.normal(3, "x", np.arange(50_000)), "norm").pvalue > 1e-3


def test_a_generator_is_of_its_keys():
    assert chance.generator(1, 2, 3).random() == chance.generator(1, 2, 3).random()
    assert chance.generator(1, 2, 3).random() != chance.generator(1, 3, 2).random()


def test_normal_numbers_are_the_quantiles_of_the_even_ones():
    even, normal = (draw(3, "a", np.arange(200_000)) for draw in (chance.uniform, chance.normal))
    assert np.allclose(normal, ndtri(even), rtol=1e-13, atol=1e-15)
    assert even.min() < 1e-5


def test_ids_of_any_shape_have_numbers_of_that_shape():
    ids = np.arange(12).reshape(3, 4)
    assert np.array_equal(
        chance.uniform(1, "b", ids.T), chance.uniform(1, "b", ids.ravel()).reshape(3, 4).T
    )
