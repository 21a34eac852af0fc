"""Regions read from text: IVOA shapes, STC-S, MOC. Writing is in `regionwords`.

    CIRCLE ra dec r | POLYGON ra dec ra dec ... | RANGE ra ra dec dec          (DALI 1.1, SIA 2.0)
    Circle | Ellipse | Box | Polygon | Convex | PositionInterval | Position | AllSky  (STC-S 1.33)
    Union | Intersection | Difference | Not  [frame] ( region ... )
    3/0-1 5/77 | {"3": [0, 1], "5": [77]}                                   (MOC ASCII and JSON)

Numbers are degrees. A shape may say its frame (ICRS, GALACTIC, ECLIPTIC, SUPER_GALACTIC), else that
of the brackets round it holds, else ICRS. A reference position is read and changes nothing, for
only directions are meant. What would have to be guessed at is refused: FK4 and FK5 (0.02 arcsec
from ICRS and more), fill factors, other units, times.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.errors import RegionError
from skyquarry.sky.algebra import WHOLE, Intersection, Region, Union
from skyquarry.sky.placing import direction, north_and_east
from skyquarry.sky.regions import Box, Cone, Convex, Ellipse, Polygon, Zone
from skyquarry.sky.regionwords import to_ivoa, to_stcs

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["region_from_text", "to_ivoa", "to_stcs"]

FRAME_NAMES = {
    "ICRS": "icrs",
    "GALACTIC": "galactic",
    "GALACTIC_II": "galactic",
    "ECLIPTIC": "ecliptic",
    "SUPER_GALACTIC": "supergalactic",
    "SUPERGALACTIC": "supergalactic",
}
_PLACES = {"GEOCENTER", "BARYCENTER", "HELIOCENTER", "TOPOCENTER", "UNKNOWNREFPOS"}
_SHAPES = "CIRCLE, POLYGON, RANGE, ELLIPSE, BOX, CONVEX, POSITIONINTERVAL, UNION, INTERSECTION, NOT"
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?inf(?:inity)?", re.IGNORECASE)
_MOC = re.compile(r"\s*(?:MOC\s+)?(\d+/.*|\{.*)", re.DOTALL)
_DEEPEST = 50
_LONGEST = 5_000_000


def region_from_text(text: str) -> Region:
    """The region that a text describes; see the top of this file for the words.

    Raises RegionError with the place in the text where it cannot be understood.

    >>> region_from_text("CIRCLE 12 -3 0.5")
    Cone(ra_deg=12.0, dec_deg=-3.0, radius_arcsec=1800.0, frame='icrs')
    """
    if not isinstance(text, str):
        raise RegionError(
            f"the region is {text!r:.60}; it needs a text or a Region: try 'CIRCLE 12 -3 0.5', or "
            "sky.mocs.read_moc for the bytes of a MOC"
        )
    if len(text) > _LONGEST:
        raise RegionError(
            f"the region's text has {len(text):,} characters; it needs at most {_LONGEST:,}: "
            "try a MOC in FITS"
        )
    moc = _MOC.fullmatch(text)
    if moc:
        from skyquarry.sky.mocs import read_moc

        return read_moc(moc.group(1))
    words = _Words(text.replace("(", " ( ").replace(")", " ) ").split())
    if not words.left:
        raise RegionError(
            f"the region's text is {text!r}; it needs a shape: try 'CIRCLE 12 -3 0.5', in degrees"
        )
    found = _region(words, "icrs", 0)
    if words.left:
        words.fail("nothing more", "taking that away, or a Union ( ... ) of several shapes")
    return found


@dataclass
class _Words:
    """The words of a text and how far they have been read."""

    all: list[str]
    at: int = 0

    @property
    def left(self) -> int:
        return len(self.all) - self.at

    def peek(self) -> str:
        """The next word in capitals, empty at the end."""
        return self.all[self.at].upper() if self.left else ""

    def take(self) -> str:
        word = self.peek()
        self.at += 1
        return word

    def fail(self, needed: str, hint: str) -> None:
        """Raise the error for the next word."""
        given = f"word {self.at + 1} is {self.all[self.at]!r}" if self.left else "it ends"
        before = " ".join(self.all[max(0, self.at - 6) : self.at])
        raise RegionError(
            f"in the region's text, after {before!r}, {given}; {needed} is needed there: try {hint}"
        )

    def expect(self, word: str) -> None:
        if self.peek() != word:
            self.fail(f"{word!r}", "balancing the brackets")
        self.at += 1

    def numbers(self) -> list[Decimal]:
        """All numbers that come next."""
        found = []
        while self.left and _NUMBER.fullmatch(self.all[self.at]):
            found.append(Decimal(self.all[self.at]))
            self.at += 1
        return found


def _region(words: _Words, frame: str, depth: int) -> Region:
    if depth > _DEEPEST:
        words.fail(f"a nesting of at most {_DEEPEST} brackets", "a MOC")
    kind = words.peek()
    if kind in _COMBINE:
        words.take()
        return _combined(kind, words, _coordinates(words, frame), depth)
    if kind not in _MAKE:
        words.fail(f"a shape ({_SHAPES})", "'CIRCLE 12 -3 0.5', in degrees")
    words.take()
    own = _coordinates(words, frame)
    shape_at, numbers = words.at, words.numbers()
    _unit(words)
    make, needs, several = _MAKE[kind]
    enough = len(numbers) >= needs and (len(numbers) - needs) % several == 0
    if not (enough if several < _ONCE else len(numbers) == needs):
        more = "" if several == _ONCE else f", or {several} more at a time"
        raise RegionError(
            f"{kind} has {len(numbers)} numbers from word {shape_at + 1} on; it needs "
            f"{needs}{more}: try {_EXAMPLE[kind]!r}"
        )
    return make(numbers, own)


def _combined(kind: str, words: _Words, frame: str, depth: int) -> Region:
    words.expect("(")
    parts = []
    while words.left and words.peek() != ")":
        parts.append(_region(words, frame, depth + 1))
    words.expect(")")
    least, most = _COMBINE[kind]
    if not least <= len(parts) <= most:
        raise RegionError(
            f"{kind} has {len(parts)} regions in its brackets; it needs {least}"
            f"{'' if least == most else ' or more'}: try '{kind} ( CIRCLE 12 -3 0.5 ... )'"
        )
    if kind == "UNION":
        return Union.of(*parts)
    if kind == "INTERSECTION":
        return Intersection.of(*parts)
    return ~parts[0] if kind == "NOT" else parts[0] - parts[1]


def _coordinates(words: _Words, frame: str) -> str:
    """The frame that comes next or, where none does, the one that holds; what goes with it."""
    own = frame
    if words.peek() in FRAME_NAMES:
        own = FRAME_NAMES[words.take()]
    if words.peek() in _PLACES:
        words.take()
    if words.peek() == "SPHERICAL2":
        words.take()
    if words.peek() == "FILLFACTOR":
        words.fail("no fill factor", "leaving it out: a region is all there or not")
    if words.left and words.peek() != "(" and not _known(words):
        words.fail(
            f"a frame ({', '.join(FRAME_NAMES)}) or a number",
            "ICRS, and positions converted to it",
        )
    return own


def _known(words: _Words) -> bool:
    word = words.peek()
    return bool(_NUMBER.fullmatch(word)) or word in _MAKE or word in _COMBINE or word == ")"


def _unit(words: _Words) -> None:
    if words.peek() == "UNIT":
        words.take()
        if words.peek() not in ("DEG", "DEGREE", "DEGREES"):
            words.fail("deg", "numbers in degrees")
        words.take()


# ------------------------------------------------------------------ shapes
def _arcsec(degrees: Decimal) -> float:
    """Arcseconds, rounded once: 3600 times the decimal number, not its nearest float."""
    return float(degrees * 3600)


def _circle(n: list[Decimal], frame: str) -> Region:
    return Cone(float(n[0]), float(n[1]), _arcsec(n[2]), frame)


def _position(n: list[Decimal], frame: str) -> Region:
    return Cone(float(n[0]), float(n[1]), 0.0, frame)


def _ellipse(n: list[Decimal], frame: str) -> Region:
    """Of the two semi-axes the first points along the position angle, be it longer or not."""
    first, second, pa = n[2], n[3], n[4]
    if second > first:
        first, second, pa = second, first, pa + 90
    return Ellipse(float(n[0]), float(n[1]), _arcsec(first), _arcsec(second), float(pa), frame)


def _polygon(n: list[Decimal], frame: str) -> Region:
    values = [float(v) for v in n]
    return Polygon(list(zip(values[::2], values[1::2], strict=True)), frame)


def _convex(n: list[Decimal], frame: str) -> Region:
    rows = np.array([float(v) for v in n]).reshape(-1, 4)
    return Convex([(row[:3], float(row[3])) for row in rows], frame)


def _range(n: list[Decimal], frame: str) -> Region:
    west, east, south, north = (float(v) for v in n)
    return _interval([west, south, east, north], frame)


def _interval(n: list[Decimal] | list[float], frame: str) -> Region:
    """Longitude and latitude of the one end, then of the other; infinity leaves an end open."""
    west, south, east, north = (float(v) for v in n)
    west, east = _closed(west, 0.0, -math.inf), _closed(east, 360.0, math.inf)
    south, north = _closed(south, -90.0, -math.inf), _closed(north, 90.0, math.inf)
    if east - west >= 360.0:
        return Zone(south, north, frame)
    return Box(west, east, south, north, frame)


def _closed(value: float, limit: float, infinity: float) -> float:
    return limit if value == infinity else value


def _box(n: list[Decimal], frame: str) -> Region:
    """A centre and two full extents; great circles cross the arms at right angles (STC)."""
    lon, lat, width, height = (float(v) for v in n)
    if not (0.0 < width < 180.0 and 0.0 < height < 180.0):
        raise RegionError(
            f"the Box is {width} by {height} degrees; it needs both between 0 and 180: try "
            "RANGE or PositionInterval for bands of longitude and latitude"
        )
    center = direction(lon, lat, "icrs")  # kept in its own frame: Convex turns it
    north, east = north_and_east(lon, lat, "icrs")
    planes = []
    for arm, size in ((east, width), (north, height)):
        half = math.radians(0.5 * size)
        planes += [(math.sin(half) * center + sign * math.cos(half) * arm, 0.0) for sign in (1, -1)]
    return Convex(planes, frame)


def _all_sky(_: list[Decimal], __: str) -> Region:
    return WHOLE


_ONCE = 1 << 30
_COMBINE = {"UNION": (1, _ONCE), "INTERSECTION": (1, _ONCE), "NOT": (1, 1), "DIFFERENCE": (2, 2)}
_MAKE: dict[str, tuple[Callable[[list[Decimal], str], Region], int, int]] = {
    "CIRCLE": (_circle, 3, _ONCE),
    "POSITION": (_position, 2, _ONCE),
    "ELLIPSE": (_ellipse, 5, _ONCE),
    "POLYGON": (_polygon, 6, 2),
    "CONVEX": (_convex, 4, 4),
    "RANGE": (_range, 4, _ONCE),
    "POSITIONINTERVAL": (_interval, 4, _ONCE),
    "BOX": (_box, 4, _ONCE),
    "ALLSKY": (_all_sky, 0, _ONCE),
}
_EXAMPLE = {
    "CIRCLE": "CIRCLE 12 -3 0.5",
    "POSITION": "Position ICRS 12 -3",
    "ELLIPSE": "Ellipse ICRS 12 -3 0.5 0.2 30",
    "POLYGON": "POLYGON 10 -5 20 -5 15 5",
    "CONVEX": "Convex ICRS 0 0 1 0.5",
    "RANGE": "RANGE 350 10 -5 5",
    "POSITIONINTERVAL": "PositionInterval ICRS 350 -5 10 5",
    "BOX": "Box ICRS 12 -3 1 0.5",
    "ALLSKY": "AllSky ICRS",
}
