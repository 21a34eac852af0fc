"""Functions that ADQL leaves to services: IVOA's catalogue of them, Gaia's, and some of ours.

Most are plain SQL. Those that are not are Python's (`functions`), named by `needs`; they have no
form on a cluster.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from skyquarry.adql.calls import arraycalls, skycalls
from skyquarry.adql.calls.skycalls import whole
from skyquarry.adql.kinds import WORDS, literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from skyquarry.adql.making import Maker
    from skyquarry.adql.terms import Term
    from skyquarry.adql.text.syntax import Call

    Terms = tuple[Term, ...]


_WORD: Final = r"[\p{L}\p{N}]+"


@dataclass(frozen=True, slots=True)
class Function:
    """A function of a service: how it is made, and how it is written."""

    make: Callable[[Maker, Call, Any], Term]
    counts: tuple[int, ...]
    """How many arguments it may have."""
    usage: str
    does: str


def called(maker: Maker, tree: Call, arguments: Terms) -> Term:
    """The value of such a function."""
    function = FUNCTIONS[tree.key]
    if len(arguments) not in function.counts:
        raise maker.error(tree, f"has other arguments than it takes: {function.usage}")
    return function.make(maker, tree, arguments)


# ------------------------------------------------------------------ moments and chance
def _julian(maker: Maker, tree: Call, arguments: Terms) -> Term:
    zero = 40_587.0 if tree.key.endswith("MJD") else 2_440_587.5
    of = arguments[0]
    if of.kind != "time":
        from skyquarry.adql.calls.casting import moment

        made = moment(maker, of)
        if made is None:
            raise maker.error(of, "is no moment: CAST it to TIMESTAMP")
        of = made
    sql = f"(epoch_us({of.sql}) / 86400e6 + {literal(zero)})"
    return maker.made(sql, "float", tree, (of,), name=tree.key[-3:].lower(), unit="d")


def _normal_random(maker: Maker, tree: Call, arguments: Terms) -> Term:
    """By Box and Muller."""
    mean, sigma = (maker.number(each, tree.name) for each in arguments)
    drawn = "(sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()))"
    sql = f"({mean.sql} + {sigma.sql} * {drawn})"
    return maker.made(sql, "float", tree, (mean, sigma), name="normal", unit=mean.unit)


# ------------------------------------------------------------------ texts, flags, intervals
def _hashlist_has(maker: Maker, tree: Call, arguments: Terms) -> Term:
    has, item = (maker.text(each, tree.name) for each in arguments)
    test = f"list_contains(string_split(lower({has.sql}), '#'), lower({item.sql}))"
    return _as_number(maker, tree, test, (has, item))


def _hasword(maker: Maker, tree: Call, arguments: Terms) -> Term:
    """Whether every word of one text stands in another, whatever their case."""
    has, words = (maker.text(each, tree.name) for each in arguments)
    there = f"regexp_extract_all(lower({has.sql}), {literal(_WORD)})"
    if isinstance(words.constant, str):
        wanted = dict.fromkeys(re.findall(r"\w+", words.constant.lower().replace("_", " ")))
        tests = [f"list_contains({there}, {literal(each)})" for each in wanted]
        return _as_number(maker, tree, " AND ".join(tests) or "TRUE", (has, words))
    wanted_sql = f"regexp_extract_all(lower({words.sql}), {literal(_WORD)})"
    return _as_number(maker, tree, f"list_has_all({there}, {wanted_sql})", (has, words))


def _nocasematch(maker: Maker, tree: Call, arguments: Terms) -> Term:
    of, pattern = (maker.text(each, tree.name) for each in arguments)
    return _as_number(maker, tree, f"{of.sql} ILIKE {pattern.sql}", (of, pattern))


def _overlaps(maker: Maker, tree: Call, arguments: Terms) -> Term:
    a, b, c, d = (maker.number(each, tree.name) for each in arguments)
    real = f"{a.sql} <= {b.sql} AND {c.sql} <= {d.sql}"  # one whose ends are exchanged is empty
    test = f"{real} AND {a.sql} <= {d.sql} AND {c.sql} <= {b.sql}"
    return _as_number(maker, tree, test, (a, b, c, d))


def _interval_has(maker: Maker, tree: Call, arguments: Terms) -> Term:
    """Whether a number lies in an interval, which is an array of two; both ends are in it."""
    of, interval = maker.number(arguments[0], tree.name), arguments[1]
    if interval.kind not in ("list", "null"):
        raise maker.error(interval, f"is {WORDS[interval.kind]}, but an array of two is needed")
    ends = (f"list_extract({interval.sql}, {i})" for i in (1, 2))
    test = f"{of.sql} BETWEEN {' AND '.join(ends)}"
    return _as_number(maker, tree, test, (of, interval))


def _bits(maker: Maker, tree: Call, arguments: Terms) -> Term:
    a, b = (whole(maker, tree, each) for each in arguments)
    sign = "|" if tree.key == "BITWISE_OR" else "&"
    if tree.key == "HAS_FLAG":
        return _as_number(maker, tree, f"({a.sql} & {b.sql}) <> 0", (a, b))
    return maker.made(f"({a.sql} {sign} {b.sql})", "integer", tree, (a, b), name=a.name)


def _as_number(maker: Maker, tree: Call, test: str, of: Terms) -> Term:
    from dataclasses import replace

    from skyquarry.adql.terms import Truth

    sql = f"(CASE WHEN {test} THEN 1 WHEN NOT ({test}) THEN 0 END)"
    made = maker.made(sql, "integer", tree, of, name=tree.name.lower())
    return replace(made, truth=Truth(f"({test})", free=made.free, aggregated=made.aggregated))


_MOVED: Final = "(ra, dec, parallax, pmra, pmdec, radial_velocity, from_year, to_year)"
_JULIAN: Final = Function(
    _julian, (1,), "ivo_to_mjd(moment), ivo_to_jd(moment)", "the (modified) Julian date"
)
_PLACE: Final = Function(
    skycalls.epoch_prop_pos,
    (6, 8),
    f"ivo_epoch_prop_pos{_MOVED} or without parallax and velocity",
    "a star's place at another epoch: mas, mas/yr, km/s, Julian years",
)
_SIX: Final = Function(
    skycalls.epoch_prop, (8,), f"ivo_epoch_prop{_MOVED}", "the array of all six parameters there"
)
_TURNED: Final = Function(
    skycalls.transform,
    (3,),
    "ivo_geom_transform('ICRS', 'GALACTIC', point)",
    "a point, circle or polygon in another frame: ICRS, FK5, GALACTIC, ECLIPTIC, SUPERGALACTIC",
)
_GALACTIC: Final = Function(
    skycalls.galactic,
    (1, 2),
    "galactic_longitude(ra, dec), galactic_latitude(ra, dec)",
    "galactic coordinates in degrees",
)
_NORMAL: Final = Function(
    _normal_random,
    (2,),
    "ivo_normal_random(mean, sigma)",
    "a number drawn from a normal distribution",
)
_ARRAY: Final = Function(
    arraycalls.whole,
    (1,),
    "array_sum(array), array_avg, array_min, array_max",
    "of an array's items",
)
FUNCTIONS: Final[dict[str, Function]] = {
    "IVO_HEALPIX_INDEX": Function(
        skycalls.healpix_index,
        (2, 3),
        "ivo_healpix_index(order, ra, dec) or (order, point)",
        "the nested HEALPix pixel of a place",
    ),
    "IVO_HEALPIX_CENTER": Function(
        skycalls.healpix_center,
        (2,),
        "ivo_healpix_center(order, pixel)",
        "the middle of such a pixel",
    ),
    "GAIA_HEALPIX_INDEX": Function(
        skycalls.gaia_healpix,
        (2,),
        "gaia_healpix_index(order, source_id)",
        "the pixel, of order 12 at most, that a Gaia source's number holds",
    ),
    "HTM_ID": Function(
        skycalls.htm_id,
        (2, 3),
        "htm_id(ra, dec) or htm_id(ra, dec, level)",
        "the trixel, as SkyServer counts them; level 20",
    ),
    **dict.fromkeys(
        (
            "IVO_EPOCH_PROP_POS",
            "EPOCH_PROP_POS",
            "ESDC_EPOCH_PROP_POS",
            "GAIA_EPOCH_PROP_POS",
            "CDS_EPOCH_PROP_POS",
        ),
        _PLACE,
    ),
    **dict.fromkeys(("IVO_EPOCH_PROP", "EPOCH_PROP", "ESDC_EPOCH_PROP", "GAIA_EPOCH_PROP"), _SIX),
    **dict.fromkeys(("IVO_GEOM_TRANSFORM", "GAVO_TRANSFORM"), _TURNED),
    **dict.fromkeys(("GALACTIC_LONGITUDE", "GALACTIC_LATITUDE"), _GALACTIC),
    **dict.fromkeys(("IVO_TO_MJD", "IVO_TO_JD", "GAVO_TO_MJD", "GAVO_TO_JD"), _JULIAN),
    "IVO_HASHLIST_HAS": Function(
        _hashlist_has,
        (2,),
        "ivo_hashlist_has('a#b', item)",
        "1 where a list joined by # has the item, whatever its case",
    ),
    "IVO_HASWORD": Function(
        _hasword,
        (2,),
        "ivo_hasword(text, words)",
        "1 where every word stands in the text, whatever its case",
    ),
    "IVO_NOCASEMATCH": Function(
        _nocasematch, (2,), "ivo_nocasematch(text, pattern)", "1 where `text ILIKE pattern`"
    ),
    "IVO_INTERVAL_OVERLAPS": Function(
        _overlaps,
        (4,),
        "ivo_interval_overlaps(l1, h1, l2, h2)",
        "1 where two intervals, ends included, have a number in common",
    ),
    "IVO_INTERVAL_HAS": Function(
        _interval_has,
        (2,),
        "ivo_interval_has(x, interval)",
        "1 where an array of two numbers has x between them",
    ),
    **dict.fromkeys(("IVO_NORMAL_RANDOM", "GAVO_NORMAL_RANDOM"), _NORMAL),
    "ARRAY_ITEM": Function(
        arraycalls.item,
        (2, 3),
        "array_item(array, number) or array_item(array, row, number)",
        "an item, counted from 1",
    ),
    "ARRAY_ROW": Function(
        arraycalls.row, (2,), "array_row(array, row)", "a row of an array of two dimensions"
    ),
    "ARRAY_LENGTH": Function(
        arraycalls.length, (1,), "array_length(array)", "how many items, or rows"
    ),
    **dict.fromkeys(("ARRAY_SUM", "ARRAY_AVG", "ARRAY_MIN", "ARRAY_MAX"), _ARRAY),
    "BITWISE_AND": Function(_bits, (2,), "bitwise_and(flags, mask)", "the bits of both"),
    "BITWISE_OR": Function(_bits, (2,), "bitwise_or(flags, mask)", "the bits of either"),
    "HAS_FLAG": Function(
        _bits, (2,), "has_flag(flags, mask)", "1 where any bit of the mask is set"
    ),
}
