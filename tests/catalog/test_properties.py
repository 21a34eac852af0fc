from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyquarry.catalog import properties
from skyquarry.catalog.properties import as_integer, as_list, as_number, as_pairs, dump, parse
from skyquarry.errors import DamagedError

# What java.util.Properties.load gives for each line.
JAVA = [
    ("a=b", {"a": "b"}),
    ("a = b", {"a": "b"}),
    ("a: b", {"a": "b"}),
    ("a b c", {"a": "b c"}),
    ("a", {"a": ""}),
    ("  a=b  ", {"a": "b  "}),
    ("# a=b\n! c=d\n\n", {}),
    ("a=b\\\n   c", {"a": "bc"}),
    ("a=b\\\r\n\tc\r\nd=e", {"a": "bc", "d": "e"}),
    ("a=b\\\\\nc=d", {"a": "b\\", "c": "d"}),
    ("a\\ b=c", {"a b": "c"}),
    ("a\\=b=c", {"a=b": "c"}),
    ("a==b", {"a": "=b"}),
    ("url=https://a.b/c:d=e#f", {"url": "https://a.b/c:d=e#f"}),
    ("a=\\u03b1\\t\\n", {"a": "α\t\n"}),
    ("a=\\ud83d\\ude00", {"a": "😀"}),
    ("a=α", {"a": "α"}),
    ("a=1\na=2", {"a": "2"}),
    ("a=b\\", {"a": "b"}),
    ("a=# not a comment", {"a": "# not a comment"}),
]


@pytest.mark.parametrize(("text", "expected"), JAVA)
def test_lines_mean_what_java_reads(text, expected):
    assert parse(text) == expected
    assert parse(text.encode()) == expected


@given(st.dictionaries(st.text(min_size=1), st.text(), max_size=8))
def test_what_is_written_is_read_back(texts):
    clean = {k: v for k, v in texts.items() if not _lone_surrogate(k + v)}
    assert list(parse(dump(clean).encode()).items()) == list(clean.items())


def _lone_surrogate(text):
    return any(0xD800 <= ord(c) <= 0xDFFF for c in text)


def test_values_are_written_as_hats_writes_them():
    text = dump({"a": 10.0, "b": True, "c": [2, 4], "d": None, "e": "x"})
    assert text == "#HATS catalog\na=10.0\nb=true\nc=2 4\ne=x\n"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a=b\nc=\xe9", r"f\.properties, line 2: byte 0xe9 is not UTF-8"),
        (b"a=b\n\n=c", r"f\.properties, line 3: .*no key"),
        (b"a=\\u00", r"f\.properties, line 1: .*four hexadecimal"),
    ],
)
def test_a_fault_names_its_file_and_line(data, message):
    with pytest.raises(DamagedError, match=message):
        parse(data, "f.properties")


def test_lists_may_be_divided_in_four_ways():
    assert as_list("a b,c;d\ne") == ["a", "b", "c", "d", "e"]
    assert as_list(None) == []


def test_pairs_and_numbers_are_checked():
    assert as_pairs({"i": "id v1/x_id name v1/x_name"}, "i") == {
        "id": "v1/x_id",
        "name": "v1/x_name",
    }
    assert as_integer({"n": "12"}, "n") == 12
    assert as_integer({}, "n") is None
    assert as_number({"n": "10.5"}, "n") == 10.5
    for call in (as_integer, as_number, as_pairs):
        with pytest.raises(DamagedError, match=r"f: n is 'x y z'"):
            call({"n": "x y z"}, "n", "f")
    with pytest.raises(DamagedError, match="finite"):
        as_number({"n": "inf"}, "n")


def test_each_kind_needs_its_keys():
    object_ = {
        "obs_collection": "x",
        "dataproduct_type": "object",
        "hats_col_ra": "ra",
        "hats_col_dec": "dec",
        "odd": "kept",
    }
    assert properties.check_catalog(object_) == "object"
    with pytest.raises(DamagedError, match="lacks hats_col_dec"):
        properties.check_catalog({**object_, "hats_col_dec": " "})
    with pytest.raises(DamagedError, match="dataproduct_type is 'star'"):
        properties.check_catalog({**object_, "dataproduct_type": "star"})
    with pytest.raises(DamagedError, match="hats_margin_threshold"):
        properties.check_catalog({**object_, "dataproduct_type": "margin"})


def test_a_default_margin_must_be_listed():
    collection = {
        "obs_collection": "x",
        "hats_primary_table_url": "v1/x",
        "all_margins": "v1/x_10arcs",
    }
    properties.check_collection({**collection, "default_margin": "v1/x_10arcs"})
    with pytest.raises(DamagedError, match="default_margin is 'v1/other'"):
        properties.check_collection({**collection, "default_margin": "v1/other"})
