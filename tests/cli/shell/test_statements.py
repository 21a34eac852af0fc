"""Where a statement ends."""

from __future__ import annotations

import pytest

from skyquarry.cli.shell.statements import is_whole, split, statements


@pytest.mark.parametrize(
    ("text", "whole", "rest"),
    [
        ("SELECT 1;", ["SELECT 1"], ""),
        ("a; b;\nc", ["a", "b"], "c"),
        ("SELECT ';' FROM t; x", ["SELECT ';' FROM t"], "x"),
        ("SELECT 'it''s;' ;", ["SELECT 'it''s;'"], ""),
        ('SELECT "a;b";', ['SELECT "a;b"'], ""),
        ("SELECT a -- not; here\nFROM t;", ["SELECT a -- not; here\nFROM t"], ""),
        ("a - b - -c;", ["a - b - -c"], ""),
        ("-- a remark;\nSELECT 1;", ["SELECT 1"], ""),
        ("\\d stars\nSELECT 1;", ["\\d stars", "SELECT 1"], ""),
        ("\\d", [], "\\d"),
        ("\\explain SELECT a\nFROM t;\\q\n", ["\\explain SELECT a\nFROM t", "\\q"], ""),
        ("\\explain\nSELECT 1;", ["\\explain", "SELECT 1"], ""),
        (";;\n;", [], ""),
        ("SELECT 'open;\n", [], "SELECT 'open;\n"),
        ("", [], ""),
    ],
)
def test_a_text_is_cut_where_statements_end(text, whole, rest):
    assert split(text) == (whole, rest)


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("SELECT a", False),
        ("SELECT a\nFROM t;", True),
        ("SELECT a FROM t; -- done", True),
        ("\\timing", True),
        ("\\explain SELECT a", False),
        ("SELECT ';", False),
        ("  ", True),
    ],
)
def test_a_text_is_whole_when_nothing_waits(text, whole):
    assert is_whole(text) is whole


def test_the_last_statement_of_a_script_needs_no_semicolon():
    lines = ["SELECT a\n", "FROM t; \\d\n", "SELECT b\n", "-- the end\n"]
    assert list(statements(lines)) == ["SELECT a\nFROM t", "\\d", "SELECT b\n-- the end"]
    assert list(statements(["\\d t"])) == ["\\d t"]
    assert list(statements(["-- nothing"])) == []
