"""Long lists of numbers after IN are read as one word, and mean what short ones do."""

from __future__ import annotations

import pytest

from skyquarry.adql.text.grammar import parse
from skyquarry.adql.text.words import QueryText
from skyquarry.errors import QueryError

WHOLE = list(range(-60, 6_000, 7))
MIXED = [each / 4 if each % 3 else each for each in range(-20, 400)]


def _listed(numbers):
    return ",".join(map(str, numbers))


def _in_short_ones(column, word, numbers):
    """The same condition, of lists that are cut number by number."""
    parts = [numbers[i : i + 50] for i in range(0, len(numbers), 50)]
    joined = " OR " if word == "IN" else " AND "
    return "(" + joined.join(f"{column} {word} ({_listed(each)})" for each in parts) + ")"


@pytest.mark.parametrize("word", ["IN", "NOT IN"])
@pytest.mark.parametrize(
    ("column", "numbers"),
    [("id", WHOLE), ("flags", MIXED), ("id", MIXED), ("flags", WHOLE), ("flags * 3", WHOLE)],
)
def test_a_long_list_gives_the_rows_of_many_short_ones(ask, column, word, numbers):
    adql = "SELECT id FROM sky WHERE {} ORDER BY id"
    long = ask(adql.format(f"{column} {word} ({_listed(numbers)})")).to_table()
    short = ask(adql.format(_in_short_ones(column, word, numbers))).to_table()
    assert long.equals(short)
    assert 0 < long.num_rows < 12_000


def test_a_long_list_is_one_word():
    text = f"SELECT id FROM sky WHERE id IN ( {_listed(range(1000))} ) AND dec > 0"
    assert len(QueryText(text).words()) < 30


def test_spelling_and_signs_are_kept():
    text = "SELECT 1 FROM a WHERE b IN (\n+1 , -2\n,.5,1.,1e3,-1E-2," + _listed(range(100)) + ")"
    tree = QueryText(text)
    tree.words()
    (numbers,) = tree.lists.values()
    assert numbers[:6] == (1, -2, 0.5, 1.0, 1000.0, -0.01)
    assert [type(each) for each in numbers[:3]] == [int, int, float]


@pytest.mark.parametrize("shown", ["'x IN ({})'", "'x IN ({}\n)'"])
def test_a_list_in_a_text_is_a_text(ask, shown):
    text = shown.format(_listed(range(200)))
    told = ask(f"SELECT TOP 1 {text} AS said FROM sky").to_table()
    assert told.column("said").to_pylist() == [text[1:-1]]


def test_a_list_in_a_comment_changes_none_outside(ask):
    listed = _listed(range(200))
    adql = f"SELECT COUNT(*) AS n -- id IN ({listed})\nFROM sky WHERE id IN ({listed})"
    assert ask(adql).to_table().column("n").to_pylist() == [199]


def test_errors_after_a_long_list_say_where_they_are():
    listed = ",\n".join(map(str, range(200)))
    with pytest.raises(QueryError, match="line 200, column 9: the end"):
        parse(f"SELECT id FROM sky WHERE id IN ({listed}) AND")
    with pytest.raises(QueryError, match=r"column 39: 18446744073709551616 is too large"):
        parse(f"SELECT id FROM sky WHERE id IN (1, 2, {2**64}, {_listed(range(200))})")


def test_numbers_beside_a_text_are_refused_as_in_a_short_list(ask):
    with pytest.raises(QueryError, match="compares a text with a whole number"):
        ask(f"SELECT id FROM sky WHERE kind IN ({_listed(range(200))})")


def test_a_long_list_leaves_tiles_out_as_a_short_one_does(ask):
    long = ask(f"SELECT id FROM sky WHERE dec IN ({_listed(range(-90, -79))}{',-80' * 100})")
    short = ask(f"SELECT id FROM sky WHERE dec IN ({_listed(range(-90, -79))})")
    assert long.cost().tiles == short.cost().tiles < ask("SELECT id FROM sky").cost().tiles


def test_a_long_list_is_printed_for_other_engines(ask):
    numbers = WHOLE[20:]
    printed = ask(f"SELECT id FROM sky WHERE id NOT IN ({_listed(numbers)})").to_sql("trino")
    assert _listed(numbers).replace(",", ", ") in printed
