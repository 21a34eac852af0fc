"""Long lists of numbers after IN are read as one word, and mean what short ones do."""

from __future__ import annotations

import pyarrow as pa
import pytest

from skyquarry.adql.asking import query
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


REAL = [each / 8 for each in range(-400, 2000)]
ROWS = pa.table({
    "whole": pa.array([1, None, 250, -7, 2**62 + 1], pa.int64()),
    "large": pa.array([2**63 + 5, 3, None, 2**62, 2**62 + 1], pa.uint64()),
    "short": pa.array([1.5, None, 0.1, -2.0, 2.0**24], pa.float32()),
    "wide": pa.array([1.5, 0.25, None, -2.0, 1e-7]),
})  # fmt: skip


@pytest.mark.parametrize("word", ["IN", "NOT IN"])
@pytest.mark.parametrize("column", ROWS.column_names)
@pytest.mark.parametrize(
    "numbers",
    [
        WHOLE,
        [*WHOLE, 2**62 + 1],
        REAL,
        [*REAL, 1e-7, 0.1],
        MIXED,
        [*WHOLE, 2**24 + 1],
        [*WHOLE, 2**63 + 5],
    ],
)
def test_nothing_and_numbers_at_the_edge_of_their_types_are_as_in_short_lists(
    column, word, numbers
):
    adql = f"SELECT {column} AS x, 1 AS one FROM mine WHERE "
    long = query(adql + f"{column} {word} ({_listed(numbers)})", uploads={"mine": ROWS})
    short = query(adql + _in_short_ones(column, word, numbers), uploads={"mine": ROWS})
    assert long.to_table().equals(short.to_table())


@pytest.mark.parametrize("join", ["JOIN", "LEFT JOIN", "FULL JOIN"])
def test_a_long_list_may_stand_where_tables_are_joined_and_groups_are_chosen(ask, join):
    tables = f"sky a {join} sky b ON a.id = b.flags AND {{}}"
    adql = f"SELECT a.flags, COUNT(*) AS n FROM {tables} GROUP BY a.flags HAVING {{}} ORDER BY 2, 1"
    asked = [("a.id", "NOT IN", WHOLE), ("COUNT(*)", "NOT IN", [*range(900, 1_100)])]
    long = adql.format(*(f"{c} {word} ({_listed(numbers)})" for c, word, numbers in asked))
    short = adql.format(*(_in_short_ones(*each) for each in asked))
    found = ask(long).to_table()
    assert found.equals(ask(short).to_table())
    assert found.num_rows


def test_a_long_list_is_one_word_for_the_database_where_its_type_is_one():
    of = {name: query(f"SELECT 1 FROM mine WHERE {name} IN ({_listed(WHOLE)})",
                      uploads={"mine": ROWS}).sql for name in ROWS.column_names}  # fmt: skip
    assert all("unnest(CAST('[-60, -53" in of[name] for name in ("whole", "large"))
    assert all("unnest(CAST('[-60.0, -53.0" in of[name] for name in ("short", "wide"))


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
    assert "unnest" not in printed.lower()
    real = ask(f"SELECT id FROM sky WHERE mag IN (-1.5,1e300,{_listed(REAL)})").to_sql("spark")
    assert "IN (-1.5e0, 1e+300, -50.0e0, " in real
