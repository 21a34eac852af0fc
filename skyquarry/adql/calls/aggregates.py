"""Values of all rows of a group: ADQL's five, and those that services have beside them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from skyquarry.adql.blocks import Aggregate
from skyquarry.adql.infinities import is_wild, tested
from skyquarry.adql.kinds import WORDS, literal
from skyquarry.adql.terms import Term

if TYPE_CHECKING:
    from skyquarry.adql.making import Maker
    from skyquarry.adql.text.syntax import Call

    Terms = tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Statistic:
    """An aggregate of numbers that the database has; rows in which one is NULL are left out."""

    sql: str
    """{0}, {1} are its arguments."""
    usage: str
    does: str
    of: str = "float"
    """Or "integer": of whole numbers only, and one itself."""

    @property
    def takes(self) -> int:
        """How many arguments."""
        return 2 if "{1}" in self.sql else 1


_DEVIATION: Final = Statistic(
    "stddev_samp({0})", "ivo_stddev(x)", "the standard deviation of a sample (n - 1)"
)
_VARIANCE: Final = Statistic("var_samp({0})", "ivo_variance(x)", "the variance of a sample (n - 1)")
STATISTICS: Final[dict[str, Statistic]] = {
    "IVO_STDDEV": _DEVIATION,
    "IVO_VARIANCE": _VARIANCE,
    "IVO_CORR": Statistic("corr({1}, {0})", "ivo_corr(x, y)", "the coefficient of correlation"),
    "IVO_COVAR_SAMP": Statistic(
        "covar_samp({1}, {0})", "ivo_covar_samp(x, y)", "the covariance of a sample (n - 1)"
    ),
    "IVO_REGR_SLOPE": Statistic(
        "regr_slope({1}, {0})", "ivo_regr_slope(x, y)", "the slope of the line y(x) that fits best"
    ),
    "IVO_REGR_INTERCEPT": Statistic(
        "regr_intercept({1}, {0})", "ivo_regr_intercept(x, y)", "where that line has x = 0"
    ),
    "IVO_REGR_R2": Statistic(
        "regr_r2({1}, {0})", "ivo_regr_r2(x, y)", "the square of the correlation"
    ),
    "IVO_BIT_AND_AGG": Statistic(
        "bit_and({0})", "ivo_bit_and_agg(flags)", "the bits that all rows have", "integer"
    ),
    "IVO_BIT_OR_AGG": Statistic(
        "bit_or({0})", "ivo_bit_or_agg(flags)", "the bits that some row has", "integer"
    ),
    "MEDIAN": Statistic("median({0})", "median(x)", "the middle value, between two their mean"),
    **dict.fromkeys(("STDDEV", "ESDC_STDDEV"), _DEVIATION),
    "VARIANCE": _VARIANCE,
}  # fmt: skip
JOINED: Final = "IVO_STRING_AGG"
HISTOGRAMS: Final = ("IVO_HISTOGRAM", "GAVO_HISTOGRAM")
AGGREGATES: Final = ("COUNT", "SUM", "AVG", "MIN", "MAX", JOINED, *HISTOGRAMS, *STATISTICS)
_HISTOGRAM: Final = (
    "ivo_histogram(x, lower, upper, bins)",
    "the array of counts: below `lower`, in each bin, from `upper` on",
)
FIVE: Final = {
    "COUNT": ("COUNT(*), COUNT(x), COUNT(DISTINCT x)", "rows, or those where x is not NULL"),
    "SUM": ("SUM(x)", "the sum"),
    "AVG": ("AVG(x)", "the mean"),
    "MIN": ("MIN(x)", "the least"),
    "MAX": ("MAX(x)", "the greatest"),
    JOINED: ("ivo_string_agg(text, separator)", "the texts, sorted and joined"),
    **dict.fromkeys(HISTOGRAMS, _HISTOGRAM),
}
"""Those that are no statistics: how each is written, and what it gives."""
_MOST_BINS: Final = 100_000


def aggregate(maker: Maker, tree: Call, arguments: Terms) -> Term:
    """The value of a group; its parts are noted, for groups that are made of parts."""
    if any(each.aggregated for each in arguments):
        raise maker.error(tree, "is an aggregate of an aggregate: use a query in FROM")
    found = _aggregated(maker, tree, arguments)
    of = "*" if tree.star or not arguments else arguments[0].sql
    if tree.key in ("SUM", "AVG"):
        of = maker.number(arguments[0], tree.key).sql
    maker.state.aggregates[found.sql] = Aggregate(tree.key, of, distinct=bool(tree.distinct))
    adds = found.kind == "float" and (tree.key in ("SUM", "AVG") or tree.key in STATISTICS)
    if adds and any(is_wild(maker.state, each) for each in arguments):
        return replace(found, sql=tested(found.sql))
    return found


def _aggregated(maker: Maker, tree: Call, arguments: Terms) -> Term:
    key = tree.key
    if tree.star:
        return _made(tree, "count(*)", "integer", "count")
    if key not in ("COUNT", "SUM", "AVG", "MIN", "MAX"):
        makers = {JOINED: _joined, **dict.fromkeys(HISTOGRAMS, _histogram)}
        return makers.get(key, _statistic)(maker, tree, arguments)
    distinct = "DISTINCT " if tree.distinct else ""
    of = arguments[0]
    name = f"{key.lower()}_{of.name}" if of.name else key.lower()
    if key == "COUNT":
        return _made(tree, f"count({distinct}{of.sql})", "integer", name)
    if key in ("SUM", "AVG"):
        return _sum(tree, maker.number(of, key), distinct, name)
    if of.kind in ("geometry", "list", "other"):
        raise maker.error(of, f"is {WORDS[of.kind]}, which has no order for {key}")
    return _made(tree, f"{key.lower()}({distinct}{of.sql})", of.kind, name, of.unit)


def _sum(tree: Call, of: Term, distinct: str, name: str) -> Term:
    sql = f"{tree.key.lower()}({distinct}{of.sql})"
    if tree.key == "SUM" and of.kind == "integer":
        return _made(tree, f"CAST({sql} AS BIGINT)", "integer", name, of.unit)
    return _made(tree, sql, "float", name, of.unit)


def _joined(maker: Maker, tree: Call, arguments: Terms) -> Term:
    if len(arguments) != 2:
        raise maker.error(tree, "takes a text and a separator: ivo_string_agg(name, ', ')")
    of, separator = (maker.text(each, tree.name) for each in arguments)
    if not isinstance(separator.constant, str):
        raise maker.error(separator, "is no separator: write a text in quotes")
    order = f" ORDER BY {of.sql}" if of.free else ""  # of a constant there is none
    sql = f"string_agg({of.sql}, {separator.sql}{order})"
    return _made(tree, sql, "text", of.name)


def _statistic(maker: Maker, tree: Call, arguments: Terms) -> Term:
    statistic = STATISTICS[tree.key]
    if len(arguments) != statistic.takes:
        raise maker.error(tree, f"has other arguments than it takes: {statistic.usage}")
    of = [maker.number(each, tree.name) for each in arguments]
    whole = statistic.of == "integer"
    if whole and of[0].kind not in ("integer", "null"):
        raise maker.error(of[0], f"is no whole number, but {tree.name} takes bits of such")
    numbers = [each.sql if whole else f"CAST({each.sql} AS DOUBLE)" for each in of]
    unit = of[0].unit if tree.key in ("MEDIAN", "STDDEV", "ESDC_STDDEV", "IVO_STDDEV") else ""
    sql = statistic.sql.format(*numbers)
    return _made(tree, sql, "integer" if whole else "float", tree.key.lower(), unit)


def _histogram(maker: Maker, tree: Call, arguments: Terms) -> Term:
    """The list of counts: below the lowest bin, in each, and above the last."""
    if len(arguments) != 4:
        raise maker.error(
            tree, f"has other arguments than it takes: {tree.name}(x, lower, upper, bins)"
        )
    of = maker.number(arguments[0], tree.name)
    low, high = (_constant(maker, each) for each in arguments[1:3])
    bins = _constant(maker, arguments[3])
    if not (low < high and bins == int(bins) and 1 <= bins <= _MOST_BINS):
        raise maker.error(
            tree, f"needs a lower limit below the upper one, and 1 to {_MOST_BINS:,} bins"
        )
    x = f"CAST({of.sql} AS DOUBLE)"
    last = literal(int(bins))
    at = f"floor(({x} - {literal(low)}) / {literal(high - low)} * {last})"
    place = f"CASE WHEN {x} < {literal(low)} THEN 0 WHEN {x} >= {literal(high)} THEN {last} + 1 "
    place += f"WHEN {x} IS NOT NULL THEN 1 + CAST(least({at}, {last} - 1) AS BIGINT) END"
    counted = f"histogram({place})"
    sql = f"[coalesce(map_extract({counted}, i)[1], 0) FOR i IN range(0, {last} + 2)]"
    return _made(tree, sql, "list", "histogram")


def _constant(maker: Maker, term: Term) -> float:
    if not isinstance(term.constant, int | float):
        raise maker.error(term, "stands where a number is needed, the same for all rows")
    return float(term.constant)


def _made(tree: Call, sql: str, kind: Any, name: str, unit: str = "") -> Term:
    return Term(sql, kind, tree.span, name, unit, aggregated=True)
