"""What is offered where the cursor is (`|`)."""

from __future__ import annotations

import pytest

from skyquarry.cli.shell.completing import Completer


@pytest.fixture
def offered(shell):
    completer = Completer(shell.session)

    def of(text: str) -> list[str]:
        before, _, after = text.partition("|")
        return completer.words(before, after)[1]

    return of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("SEL|", ["SELECT"]),
        ("sel|", ["SELECT"]),
        ("SELECT id FROM st|", ["stars"]),
        ("SELECT id FROM stars JOIN m|", ["mine", '"match"']),
        ("SELECT id FROM stars, mi|", ["mine"]),
        ("SELECT m| FROM stars", ["mag", "MOD", "MAX", "MIN"]),
        ("SELECT s.m| FROM stars AS s", ["mag"]),
        ("SELECT stars.d| FROM stars", ["dec"]),
        ("SELECT id FROM mine WHERE si|", ['"size"', "SIN"]),
        ("SELECT id FROM stars s JOIN mine t ON t.|", ["id", '"size"']),
        ("SELECT id FROM stars WH|", ["WHERE"]),
        ("SELECT id FROM stars WHERE ra > 5 AND de|", ["dec", "DESC", "DEGREES"]),
        ("SELECT ivo_healpix_|", ["ivo_healpix_index", "ivo_healpix_center"]),
        ("SELECT 'st|", []),
        ("SELECT id -- st|", []),
        ("\\ti|", ["\\timeout", "\\timing"]),
        ("\\d st|", ["stars"]),
        ("\\explain SELECT id FROM st|", ["stars"]),
    ],
)
def test_words_are_offered_by_their_place(offered, text, words):
    assert offered(text) == words


def test_before_from_the_columns_of_every_table_are_offered(offered):
    assert {"mag", "id", '"size"'} <= set(offered("SELECT |"))


def test_only_what_was_begun_is_replaced(shell):
    assert Completer(shell.session).words("SELECT s.ma", " FROM stars s")[0] == 2


def test_a_table_that_cannot_be_read_offers_nothing(offered):
    assert offered("SELECT t.| FROM nowhere t") == []
