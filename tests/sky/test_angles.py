"""Positions as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyquarry.errors import PositionError
from skyquarry.sky import angles

ORION = (83.8220833333, -5.3911111111)


@pytest.mark.parametrize(
    "text",
    [
        "05 35 17.3 -05 23 28",
        "5h35m17.3s -5d23m28s",
        "05:35:17.3 -05:23:28",
        "05:35:17.3-05:23:28",
        "05:35:17.3, -05:23:28",
        "05h 35m 17.3s, -05° 23' 28\"",
        "5ʰ35ᵐ17.3ˢ −5°23′28″",
        "05 35.288333333333 -05 23.466666666667",
        "83.8220833333 -5.3911111111",
        "83.8220833333, -5.3911111111",
        "83.8220833333d -5.3911111111d",
        "83°49′19.5″ -5°23′28″",
        "5.58813888889h -5.3911111111",
        "  +83.8220833333   -5.3911111111  ",
        "83.8220833333;-5.3911111111",
        "8.38220833333e1 -53911111111e-10",
        "5H35M17.3S -5D23M28S",
    ],
)
def test_many_spellings_say_one_place(text: str) -> None:
    assert angles.parse_position(text) == pytest.approx(ORION, abs=1e-9)


@pytest.mark.parametrize(
    ("text", "dec"),
    [
        ("-00 30 00", -0.5),
        ("-0:00:36", -0.01),
        ("-0.5", -0.5),
        ("+05 15", 5.25),
        ("-0d", 0.0),
        ("90 00 00", 90.0),
        ("-90", -90.0),
    ],
)
def test_the_sign_of_zero_degrees_counts(text: str, dec: float) -> None:
    assert angles.parse_dec(text) == pytest.approx(dec, abs=1e-12)


def test_unsigned_declinations_are_cut_in_the_middle() -> None:
    assert angles.parse_position("05 30 00 05 15 00") == (82.5, 5.25)
    assert angles.parse_position("82.5 5.25") == (82.5, 5.25)
    assert angles.parse_position("5h 30m 0s 5d 15m 0s") == (82.5, 5.25)


def test_ra_comes_within_one_turn() -> None:
    assert angles.parse_ra("24:00:00") == 0.0
    assert angles.parse_ra("-10") == 350.0
    assert angles.parse_ra("360") == 0.0


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "position is ''"),
        ("83.82", "position is '83.82'"),
        ("1 2 3 4 5", "position is '1 2 3 4 5'"),
        ("25:00:00 +10:00:00", "right ascension is '25:00:00'"),
        ("-5:00:00 +10:00:00", "right ascension is '-5:00:00'"),
        ("400 5", "right ascension is '400'"),
        ("10 95", "declination is '95'"),
        ("10 5h", "declination is '5h'"),
        ("10:60:00 5", "angle is '10:60:00'"),
        ("10:20.5:00 5", "only the last number"),
        ("10:20:00 +5:61:00", "angle is"),
        ("10: -5", "angle is '10:'"),
        ("M31 M32", "angle is 'M31'"),
        ("10x -5", "angle is '10x'"),
        ("1h2s3m -5", "angle is '1h2s3m'"),
        ("10:20:1e1 5", "plain numbers"),
        ("1,2,3", "position is '1,2,3'"),
        ("nan 5", "angle is 'nan'"),
    ],
)
def test_what_cannot_be_read_is_named(text: str, what: str) -> None:
    with pytest.raises(PositionError, match=what):
        angles.parse_position(text)


def test_sixty_seconds_carry() -> None:
    assert angles.format_ra(15.0 * (1 + 59 / 60 + 59.999 / 3600)) == "02h00m00.00s"
    assert angles.format_ra(359.9999999) == "00h00m00.00s"
    assert angles.format_dec(-(9 + 59 / 60 + 59.99 / 3600)) == "-10d00m00.0s"
    assert angles.format_dec(90.0) == "+90d00m00.0s"
    assert angles.format_ra(15.0, digits=0, style=":") == "01:00:00"


def test_the_sign_of_a_small_declination_is_kept() -> None:
    assert angles.format_dec(-0.001) == "-00d00m03.6s"
    assert angles.format_dec(0.0) == "+00d00m00.0s"


def test_what_is_no_angle_is_not_written() -> None:
    with pytest.raises(PositionError, match="ra_deg is nan"):
        angles.format_ra(float("nan"))
    with pytest.raises(PositionError, match="dec_deg is 91"):
        angles.format_dec(91.0)


@given(
    st.floats(0, 359.9999),
    st.floats(-90, 90),
    st.sampled_from(["hms", ":", " "]),
    st.integers(0, 6),
)
def test_text_comes_back_as_the_same_place(ra: float, dec: float, style: str, digits: int) -> None:
    text = angles.format_position(ra, dec, digits=digits, style=style)
    back_ra, back_dec = angles.parse_position(text)
    tick = 10.0**-digits / 3600.0
    assert abs((back_ra - ra + 180) % 360 - 180) <= 15 * tick * 0.5000001 + 1e-12
    assert abs(back_dec - dec) <= max(10 * tick, 1 / 3600 * (digits == 0)) * 0.5000001 + 1e-12
