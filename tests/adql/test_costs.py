"""What a query will cost, asked before it runs."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from skyquarry.adql.running import calibrating, costs, dividing, sampling
from skyquarry.adql.running.calibrating import RATES, fitted, note, noted, seconds_of
from skyquarry.catalog.userfolder import cache_folder
from skyquarry.errors import QueryError, UserError


@pytest.fixture(autouse=True)
def own_cache(nothing_noted, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    monkeypatch.setattr(calibrating, "cache_folder", cache_folder)
    return tmp_path / "skyquarry" / "queries.json"


QUERIES = (
    "SELECT id FROM sky WHERE mag < 20",
    "SELECT id FROM sky WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE(0, 1, 1.5)) AND flags > 2",
    "SELECT kind, COUNT(*) FROM sky GROUP BY kind",
    "SELECT kind, COUNT(*) FROM sky GROUP BY kind HAVING COUNT(*) > 1000",
    "SELECT DISTINCT flags FROM sky WHERE dec > 0",
    "SELECT COUNT(*) FROM sky",
    "SELECT TOP 10 id FROM sky ORDER BY mag OFFSET 5",
    "SELECT s.id FROM sky s JOIN mine m ON s.id = m.id",
)


@pytest.mark.parametrize("adql", QUERIES)
def test_rows_are_foretold_exactly_where_all_of_them_are_looked_at(ask, adql, monkeypatch):
    monkeypatch.setattr(sampling, "_TILES", 1_000)
    monkeypatch.setattr(sampling, "_GROUPS", 1_000)
    plan = ask(adql)
    assert plan.cost().rows_out == plan.to_table().num_rows


@pytest.mark.parametrize("adql", QUERIES[:2])
def test_a_sample_foretells_rows(ask, adql):
    plan = ask(adql)
    assert plan.costs.estimate.sampled < 12_000
    assert plan.cost().rows_out == pytest.approx(plan.to_table().num_rows, rel=0.35)


def test_where_no_tile_is_left_nothing_comes(ask):
    cost = ask("SELECT id FROM sky WHERE dec > 80 AND dec < -80").cost()
    assert (cost.rows_out, cost.tiles, cost.exact) == (0, 0, True)


def test_where_few_rows_match_more_are_looked_at(ask, monkeypatch):
    monkeypatch.setattr(sampling, "_GROUPS", 24)
    every, few = (ask(f"SELECT id FROM sky WHERE MOD(id, {n}) = 1") for n in (2, 200))
    assert few.costs.estimate.sampled > 1.5 * every.costs.estimate.sampled
    assert few.cost().rows_out == pytest.approx(60, rel=0.4)


def test_a_row_group_is_counted_once(ask):
    """Of a large tile among small ones it may be chosen twice."""
    sample = sampling.sample_of(ask("SELECT id FROM sky").reads[0], 3)
    assert sample.taken <= 12_000
    assert len(set(sample.ranges)) == len(sample.ranges)


def test_groups_that_lie_everywhere_and_those_that_are_of_one_row(ask, monkeypatch):
    monkeypatch.setattr(sampling, "_GROUPS", 24)
    assert ask("SELECT DISTINCT kind FROM sky").cost().rows_out == 4
    each = ask("SELECT id, COUNT(*) FROM sky GROUP BY id").cost().rows_out
    assert each == pytest.approx(12_000, rel=0.2)


def test_whole_numbers_make_no_more_groups_than_lie_between_their_limits(ask, monkeypatch):
    monkeypatch.setattr(sampling, "_GROUPS", 24)
    found = ask("SELECT flags, COUNT(*) FROM sky WHERE mag < 18.5 GROUP BY flags").cost()
    assert 8 <= found.rows_out <= 17  # -8 to 7, and NULL
    every = ask("SELECT flags, id FROM sky GROUP BY flags, id").cost().rows_out
    assert every == pytest.approx(12_000, rel=0.2)


def test_the_first_n_read_less(ask, monkeypatch):
    monkeypatch.setattr(dividing, "FIRST_ROWS", 500)
    monkeypatch.setattr(dividing, "MOST_ROWS", 500)
    every, few = ask("SELECT id FROM sky").cost(), ask("SELECT TOP 5 id FROM sky").cost()
    assert few.rows_out == 5
    assert few.rows < every.rows / 5
    assert few.tiles < every.tiles / 5


@pytest.mark.parametrize(
    ("most", "words"),
    [
        ({"most_rows": 100}, r"would give about 12,000 rows, but most_rows is 100: narrow it"),
        ({"most_bytes": 10}, r"would read about .* kB, but most_bytes is 10"),
        ({"most_seconds": 1e-9}, r"would take about .* s, but most_seconds is 1e-09"),
    ],
)
def test_a_query_that_costs_too_much_is_refused_before_it_begins(ask, most, words):
    plan = ask("SELECT id FROM sky", **most)
    with pytest.raises(QueryError, match=words):
        plan.to_table()
    with pytest.raises(QueryError, match=words):
        next(plan.stream())
    assert ask("SELECT id FROM sky", most_rows=12_000).to_table().num_rows == 12_000


def test_a_limit_that_is_none_is_told(ask):
    with pytest.raises(UserError, match=r"most_rows is -1, but it needs a number, 0 or more"):
        ask("SELECT id FROM sky", most_rows=-1)


# ------------------------------------------------------------ seconds
def _work(plan):
    return plan.costs._work(1.0)


def test_places_and_look_ups_are_kinds_of_their_own(ask):
    """Their rates are others: learnt as one, each foretold the other wrong."""
    wide = _work(ask("SELECT id FROM sky WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE(0, 1, 40))"))
    assert wide["placed"] == wide["tested"] > 0
    assert "start" in wide
    every = _work(ask("SELECT id FROM sky WHERE mag < 20"))
    assert "placed" not in every
    small = _work(ask("SELECT id FROM sky WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE(0, 1, 0.01))"))
    assert "look-up" in small
    assert "start" not in small


def _runs(rates, count, seed=0):
    random = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        work = {kind: 10 ** random.uniform(-3, 0) / RATES[kind] for kind in ("decoded", "given")}
        seconds = sum(rates[kind] * much for kind, much in work.items())
        found.append({"work": work, "seconds": seconds})
    return found


def test_ten_runs_tell_a_machine_five_times_as_slow():
    slow = {kind: 5 * rate for kind, rate in RATES.items()}
    rates = fitted(_runs(slow, 10))
    for work in ({"decoded": 1e9}, {"given": 1e9}, {"sorted": 1e6}):
        told = sum(rates[kind] * much for kind, much in work.items())
        assert told == pytest.approx(sum(slow[kind] * m for kind, m in work.items()), rel=0.05)


def test_one_kind_of_work_that_is_slow_is_told_from_others():
    odd = {**RATES, "given": 20 * RATES["given"]}
    rates = fitted(_runs(odd, 40))
    assert rates["given"] == pytest.approx(odd["given"], rel=0.3)
    assert rates["decoded"] == pytest.approx(odd["decoded"], rel=0.3)


def test_one_run_that_was_held_up_moves_little():
    runs = _runs(RATES, 12)
    runs[3] = {**runs[3], "seconds": 1000 * runs[3]["seconds"]}
    assert fitted(runs)["decoded"] == pytest.approx(RATES["decoded"], rel=0.3)


def test_what_ran_is_kept_and_asked(ask, own_cache):
    plan = ask("SELECT id FROM sky WHERE mag < 20")
    plan.cost()
    plan.to_table()
    (run,) = noted()
    assert run["seconds"] > 0
    assert run["work"]["tested"] > 0
    assert [each.name for each in own_cache.parent.iterdir()] == ["queries.json"]
    for _ in range(3):
        note({"start": 1.0}, 7.0)
    assert seconds_of({"start": 1.0}) == pytest.approx(7.0, rel=0.5)


def test_runs_of_one_plan_are_noted_ever_more_seldom(ask, monkeypatch):
    """Each took a long query three to nine milliseconds, and crowded out what others tell."""
    monkeypatch.setattr(costs, "_WORTH_S", 0.0)
    plan = ask("SELECT COUNT(*) AS n FROM sky WHERE mag < 20")
    after = []
    for _ in range(9):
        replace(plan).to_table()  # as one that was kept: the same pieces
        after.append(len(noted()))
    assert after == [1, 2, 2, 3, 3, 3, 3, 4, 4]
    ask("SELECT COUNT(*) AS n FROM sky WHERE mag < 19").to_table()
    assert len(noted()) == 5


def test_a_damaged_file_is_as_none(own_cache):
    good = {"work": {"start": 1.0}, "seconds": 2.0}
    own_cache.parent.mkdir()
    for text in ("", "{", "[]", '{"runs": 3}', '{"runs": [1, {}, {"work": 1, "seconds": 2}]}'):
        own_cache.write_text(text)
        assert noted() == []
        assert seconds_of({"start": 1.0}) == RATES["start"]
    bad = [{**good, "seconds": each} for each in (0, -1, "x", None, float("nan"), float("inf"))]
    bad += [{"work": {"start": -1.0}, "seconds": 1.0}, {"work": {"odd": 1.0}, "seconds": 1.0}]
    own_cache.write_text(json.dumps({"runs": [*bad, good]}))
    assert noted() == [good]
    note({"start": 1.0}, 3.0)
    assert len(noted()) == 2


def test_where_nothing_can_be_kept_queries_run(ask, own_cache, monkeypatch):
    monkeypatch.setattr(calibrating, "cache_folder", lambda: None)
    plan = ask("SELECT COUNT(*) FROM sky")
    assert plan.cost().seconds > 0
    assert plan.to_table().num_rows == 1
    assert not own_cache.exists()
