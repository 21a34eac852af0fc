"""Blocks, and the truth in them."""

import pickle
from dataclasses import dataclass

import numpy as np
import pytest

from skyquarry.sky import healpix
from skyquarry.synthetic.bands import BAND, BANDS
from skyquarry.synthetic.blocks import WIDE_ORDER, Block, Guests, limits_of, truth_of
from skyquarry.synthetic.populations import usual
from skyquarry.synthetic.sources import Kind, Sources

LIMITS = limits_of({"sdss_r": 22.0, "wise_w1": 20.0})


@dataclass(frozen=True)
class Even:
    """As many stars a block, of magnitudes from 15 to 25."""

    name: str
    number: int
    each: int = 200

    def drawn(self, block, random):
        ra, dec = block.uniform(self.each, random)
        mags = np.full((self.each, len(BANDS)), np.inf, np.float32)
        mags[:, BAND["sdss_r"]] = random.uniform(15, 25, self.each)
        some = block.visible(mags)
        made = Sources.of(self.each, ra_deg=ra, dec_deg=dec, mags=mags, kind=Kind.MAIN_SEQUENCE)
        return made.taken(some)


def block(pixel=81_000, seed=1):
    return Block(pixel, seed, LIMITS)


@pytest.mark.parametrize("pixel", [0, 81_000, 196_607, 16_383])
def test_positions_lie_in_their_block_with_the_same_chance_everywhere(pixel):
    ra, dec = block(pixel).uniform(8_000, np.random.default_rng(1))
    assert block(pixel).contains(ra, dec).all()
    counts = np.bincount(healpix.index(ra, dec, 9) - pixel * 16, minlength=16)
    assert abs(counts - 500).max() < 5 * np.sqrt(500)


def test_a_source_is_kept_where_one_survey_could_see_it():
    mags = np.full((3, len(BANDS)), 30.0)
    mags[0, BAND["sdss_r"]], mags[1, BAND["wise_w1"]], mags[2, BAND["sdss_g"]] = 21, 19, 10
    assert block().visible(mags).tolist() == [True, True, False]


def test_the_truth_of_a_block_is_the_same_whoever_draws_it_and_ids_are_its_own():
    people = [Even("one", 1), Even("two", 2)]
    first, ids = truth_of(block(), people)
    again, same = truth_of(block(), people)
    np.testing.assert_array_equal(first.mags, again.mags)
    np.testing.assert_array_equal(ids, same)
    other = truth_of(block(81_001), people)[1]
    assert len(np.unique(np.concatenate([ids, other]))) == len(ids) + len(other)


def test_another_population_leaves_the_rest_as_they_are():
    alone, _ = truth_of(block(), [Even("one", 1)])
    beside, _ = truth_of(block(), [Even("two", 2), Even("one", 1)])
    np.testing.assert_array_equal(alone.ra_deg, beside.ra_deg[-len(alone) :])


@pytest.mark.parametrize("backwards", [False, True])
def test_what_is_drawn_in_four_blocks_at_once_is_in_one_of_them_whoever_asks_first(backwards):
    people = [Even("one", 1), Even("two", 2)]
    whole = Block(81_000 >> 2, 1, LIMITS, WIDE_ORDER)
    every, numbers = truth_of(whole, people)
    asked = reversed(whole.parts()) if backwards else whole.parts()
    found = {}
    for each in asked:
        made, ids = truth_of(each, people)
        assert len(ids) > 0
        assert each.contains(made.ra_deg, made.dec_deg).all()
        assert (ids >> 38 == each.pixel).all()
        found |= dict(zip(ids.tolist(), made.ra_deg.tolist(), strict=True))
    assert found == dict(zip(numbers.tolist(), every.ra_deg.tolist(), strict=True))
    drawn = [each.drawn(whole, whole.generator(each.number)) for each in people]
    np.testing.assert_array_equal(every.mags, Sources.concatenated(drawn).mags)


def test_rows_of_a_population_are_numbered_from_0_in_each_block():
    _, ids = truth_of(Block(81_000 >> 2, 1, LIMITS, WIDE_ORDER), [Even("one", 1), Even("two", 2)])
    for first in np.unique(ids >> 32).tolist():
        mine = ids[ids >> 32 == first] & 0xFFFF_FFFF
        np.testing.assert_array_equal(mine, np.arange(len(mine)))


@dataclass(frozen=True)
class Beside(Even):
    """A companion of each host, as far north as 0.1"."""

    def hosted(self, block, random, others, ids):
        del block, random
        n = len(others)
        mags = np.full((n, len(BANDS)), 20.0, np.float32)
        dec = others.dec_deg + 0.1 / 3600
        return Sources.of(n, ra_deg=others.ra_deg, dec_deg=dec, mags=mags, system=ids)


def test_guests_know_their_hosts_by_the_ids_that_these_have_in_the_end():
    people = [Even("one", 1), Beside("two", 2), Even("three", 3)]
    assert isinstance(people[1], Guests)
    made, ids = truth_of(Block(81_000 >> 2, 1, LIMITS, WIDE_ORDER), people)
    population = (ids >> 32) & 63
    np.testing.assert_array_equal(made.system[population == 2], ids[population == 1])


def test_a_wide_cell_has_the_area_and_the_places_of_its_blocks():
    whole = Block(81_000 >> 2, 1, LIMITS, WIDE_ORDER)
    ra, dec = whole.uniform(4_000, np.random.default_rng(1))
    counts = [block(pixel).contains(ra, dec).sum() for pixel in range(81_000, 81_004)]
    assert whole.contains(ra, dec).all()
    assert sum(counts) == 4_000
    assert min(counts) > 1_000 - 5 * np.sqrt(1_000)
    assert whole.area_deg2 == pytest.approx(4 * block().area_deg2)


def test_a_block_of_no_population_is_empty():
    nothing, ids = truth_of(block(), [])
    assert len(nothing) == len(ids) == 0


def test_a_table_gives_the_sources_back_and_missing_is_null():
    made, ids = truth_of(block(), [Even("one", 1)])
    table = made.to_table(ids)
    assert table["redshift"].null_count == table["mag_sdss_u"].null_count == len(made)
    assert table.schema.field("pmra_masyr").metadata[b"unit"] == b"mas.yr**-1"
    again = Sources.from_table(table)
    np.testing.assert_array_equal(again.mags, made.mags)
    np.testing.assert_array_equal(again.system, made.system)
    np.testing.assert_array_equal(again.teff_k, made.teff_k)


def test_an_unknown_column_is_refused():
    with pytest.raises(TypeError, match="colour"):
        Sources.of(1, colour=3)


def test_populations_that_travelled_to_another_process_draw_the_same_sources():
    limits = limits_of({"sdss_r": 20.0, "wise_w1": 18.0})
    first = Block(81_000, 1, limits)
    for population in usual():
        if not isinstance(population, Guests):
            here, there = (
                each.drawn(first, first.generator(each.number))
                for each in (population, pickle.loads(pickle.dumps(population)))
            )
            assert np.array_equal(here.mags, there.mags), population.name
