"""How light curves change, in numbers: one row an object, for each band.

All of it works on groups of a sorted table at once: sums over groups, and differences of a row and
the k-th after it. Observations without a magnitude (non-detections) are counted and left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.errors import ColumnError, missing_extra, one_of
from skyquarry.features.morecurves import more

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Maker = Callable[["Curves"], dict[str, Floats]]

PAIR_DAYS: Final = 0.5
"""Two observations in a row that are nearer than this are a pair of Stetson's: one night"""
SHORT_DAYS: Final = (3.0, 30.0)
LONG_DAYS: Final = (30.0, 300.0)
"""lags over which the structure function is averaged; their middles are a factor of ten apart"""
_LEAST: Final = 3
_LEAST_PERIODIC: Final = 10
_GAUSSIAN: Final = 0.798
"""Stetson's K of normal errors: sqrt(2 / pi)"""


@dataclass(frozen=True)
class Curves:
    """Observations sorted by group and time; each (m,), and the groups' first rows (g,)."""

    time: Floats
    mag: Floats
    error: Floats
    first: Ints

    @classmethod
    def of(cls, group: Ints, time: Floats, mag: Floats, error: Floats) -> Curves:
        """Observations in any order, `group` (m,) without gaps from 0."""
        order = np.lexsort((mag, time, group))
        first = np.searchsorted(group[order], np.arange(int(group.max(initial=-1)) + 1))
        return cls(time[order], mag[order], error[order], first)

    @cached_property
    def count(self) -> Ints:
        """(g,) observations of each group."""
        return np.diff(np.append(self.first, len(self.time)))

    def total(self, values: Floats) -> Floats:
        """(g,) sums over groups."""
        if not len(self.first):
            return np.zeros(0)
        return np.asarray(np.add.reduceat(values, self.first))

    def mean(self, values: Floats) -> Floats:
        """(g,) means over groups."""
        return self.total(values) / self.count

    def spread(self, of_groups: Floats) -> Floats:
        """(m,) the number of a row's group."""
        return np.repeat(of_groups, self.count)

    def after(self, lag: int) -> NDArray[np.bool_]:
        """(m - lag,) whether the row `lag` after a row is of the same group."""
        return np.asarray(self._group[lag:] == self._group[:-lag])

    @cached_property
    def _group(self) -> Ints:
        return np.repeat(np.arange(len(self.first)), self.count)

    def sums_of_pairs(self, values: Floats, lag: int) -> Floats:
        """(g,) sums over pairs of rows `lag` apart: `values` (m - lag,) where both are there."""
        kept = np.append(np.where(self.after(lag), values, 0.0), np.zeros(lag))
        return self.total(kept)


def statistics(curves: Curves) -> dict[str, Floats]:
    """{name: (g,)} of every statistic; NaN for fewer than three observations."""
    n = curves.count.astype(np.float64)
    weight = 1.0 / np.square(curves.error)
    mean = curves.mean(curves.mag)
    weighted = curves.total(weight * curves.mag) / curves.total(weight)
    off = curves.mag - curves.spread(mean)
    variance = curves.total(off**2) / (n - 1.0)
    delta = np.sqrt(curves.spread(n / (n - 1.0))) * (curves.mag - curves.spread(weighted))
    delta /= curves.error
    j, k = stetson_j(curves, delta), stetson_k(curves, delta)
    told = {
        "mean": mean,
        "amplitude": _extreme(curves, np.maximum) - _extreme(curves, np.minimum),
        "excess_variance": variance - curves.mean(curves.error**2),
        "chi2_dof": curves.total(weight * (curves.mag - curves.spread(weighted)) ** 2) / (n - 1.0),
        "von_neumann": von_neumann(curves, variance),
        "stetson_j": j,
        "stetson_k": k,
        "stetson_l": j * k / _GAUSSIAN,
        "skew": curves.mean(off**3) / np.power(curves.mean(off**2), 1.5),
        "beyond_sigma": curves.mean(
            (np.abs(off) > curves.spread(np.sqrt(variance))).astype(np.float64)
        ),
    }
    told |= structure_function(curves)
    few = n < _LEAST
    return {name: np.where(few, np.nan, values) for name, values in told.items()}


def _extreme(curves: Curves, of: np.ufunc) -> Floats:
    if not len(curves.first):
        return np.zeros(0)
    return np.asarray(of.reduceat(curves.mag, curves.first))


def von_neumann(curves: Curves, variance: Floats) -> Floats:
    """(g,) sum of squared steps over (n - 1) S^2: 2 for noise, less for slow changes."""
    steps = curves.sums_of_pairs(np.diff(curves.mag) ** 2, 1)
    return steps / ((curves.count - 1.0) * variance)


def stetson_k(curves: Curves, delta: Floats) -> Floats:
    """(g,) mean of |delta| over its root mean square: 0.798 for normal errors."""
    return curves.mean(np.abs(delta)) / np.sqrt(curves.mean(delta**2))


def stetson_j(curves: Curves, delta: Floats) -> Floats:
    """(g,) Stetson 1996, PASP 108, 851, eq. 1: neighbours within half a day are pairs.

    Pairs have weight 1, observations alone 0.5; each observation is in one pair at most.
    """
    opens = _opens_a_pair(curves)
    closes = np.append(False, opens[:-1])
    product = np.where(opens, delta * np.append(delta[1:], 0.0), delta**2 - 1.0)
    weight = np.where(opens, 1.0, np.where(closes, 0.0, 0.5))
    signed = np.sign(product) * np.sqrt(np.abs(product))
    return curves.total(weight * signed) / curves.total(weight)


def _opens_a_pair(curves: Curves) -> NDArray[np.bool_]:
    """(m,) rows that make a pair with the next: the 1st, 3rd ... of a run of near ones."""
    m = len(curves.time)
    if m < 2:
        return np.zeros(m, np.bool_)
    near = np.append(curves.after(1) & (np.diff(curves.time) <= PAIR_DAYS), False)
    place = np.arange(m)
    run = np.maximum.accumulate(np.where(near & ~np.append(False, near[:-1]), place, -1))
    return np.asarray(near & ((place - run) % 2 == 0), np.bool_)


def structure_function(curves: Curves) -> dict[str, Floats]:
    """Root of (pi / 2) <|dm|>^2 - <e_i^2 + e_j^2> over short and long lags, and its slope.

    di Clemente et al. 1996, ApJ 463, 466, eq. 2. 0 where errors explain all; NaN without pairs.
    """
    from skyquarry.features.kernels import structure_sums

    lags = np.array([SHORT_DAYS, LONG_DAYS])
    sums = np.zeros((2, 3, len(curves.first)))
    ends = np.append(curves.first, len(curves.time))
    structure_sums(curves.time, curves.mag, curves.error, ends, lags, sums)
    told = {}
    for name, (pairs, steps, noise) in zip(("short", "long"), sums, strict=True):
        many = np.where(pairs > 0, pairs, np.nan)
        told[f"sf_{name}"] = np.sqrt(
            np.maximum(0.5 * np.pi * (steps / many) ** 2 - noise / many, 0.0)
        )
    with np.errstate(divide="ignore"):
        slope = np.log10(told["sf_long"]) - np.log10(told["sf_short"])
    return told | {"sf_slope": np.where(np.isfinite(slope), slope, np.nan)}


def periods(curves: Curves, least_d: float = 0.1, most_d: float = 500.0) -> dict[str, Floats]:
    """{period_d, period_power: (g,)} of the highest peak of the periodogram, by nifty-ls.

    Power 0 to 1 is the share of chi squared that a sine with a free mean explains (Zechmeister &
    Kuerster 2009, A&A 496, 577). NaN for fewer than ten observations.
    """
    try:
        from nifty_ls import lombscargle
    except ImportError:
        raise missing_extra("nifty-ls", "features", "a period") from None
    period, power = (np.full(len(curves.first), np.nan) for _ in range(2))
    for number, (start, n) in enumerate(zip(curves.first, curves.count, strict=True)):
        one = slice(start, start + n)
        if n < _LEAST_PERIODIC or curves.time[start + n - 1] <= curves.time[start]:
            continue
        found = lombscargle(
            curves.time[one] - curves.time[start], curves.mag[one], curves.error[one],
            fmin=1.0 / most_d, fmax=1.0 / least_d, nthreads=1,
        )  # fmt: skip
        best = int(np.argmax(found.power))
        period[number] = 1.0 / (found.fmin + best * found.df)
        power[number] = found.power[best]
    return {"period_d": period, "period_power": power}


_ALSO: Final[dict[str, Maker]] = {"periods": periods, "more": more}


def variability_of(
    table: Any,
    *,
    id: str = "id",  # noqa: A002  as tables call it
    time: str = "mjd",
    mag: str = "mag",
    error: str = "mag_error",
    band: str | None = "fid",
    also: Sequence[str] = (),
) -> Any:
    """An Arrow table with a row an object: `id`, and lc_<band>_<statistic> for every band.

    `table` has a row an observation, in any order. Objects stand in the order of their ids. Join it
    to a wide table by id: `features_of` takes its columns by themselves. `also` adds "periods" (by
    nifty-ls) and "more", those of the package light-curve (`morecurves.STATISTICS`).

    Raises ColumnError for a column that is not there, UserError for another word in `also`,
    MissingExtraError where its package is not installed.
    """
    import pyarrow as pa

    from skyquarry.features.reading import Columns

    read = Columns(table)
    for name in (id, time, mag, error, *([band] if band else [])):
        if name not in read.names:
            raise ColumnError(
                f"column {name!r} is not among {', '.join(read.names[:12])}: name the columns of a "
                "light curve with id=, time=, mag=, error=, band="
            )
    ids, member = _grouped(read.arrow(id))
    values = {name: read.floats(name) for name in (time, mag, error)}
    good = np.isfinite(values[time] + values[mag]) & (values[error] > 0)
    bands, of_band = ([""], np.zeros(len(member), np.int64))
    if band:
        told, of_band = _grouped(read.arrow(band))
        bands = [str(each) for each in told.to_pylist()]
    makers: list[Maker] = [statistics]
    for word in also:
        one_of("also", word, tuple(_ALSO))
        makers.append(_ALSO[word])
    columns: dict[str, Any] = {id: ids}
    for number, name in enumerate(bands):
        kept = np.flatnonzero(good & (of_band == number))
        prefix = f"lc_{name}_" if name else "lc_all_"
        present, group = np.unique(member[kept], return_inverse=True)
        curves = Curves.of(group.astype(np.int64), *(each[kept] for each in values.values()))
        columns[f"{prefix}n"] = pa.array(np.bincount(member[kept], minlength=len(ids)))
        for maker in makers:
            with np.errstate(all="ignore"):
                made = maker(curves)
            for told_name, of_groups in made.items():
                whole = np.full(len(ids), np.nan)
                whole[present] = of_groups
                columns[f"{prefix}{told_name}"] = pa.array(whole, mask=np.isnan(whole))
    return pa.table(columns)


def _grouped(column: Any) -> tuple[Any, Ints]:
    """(distinct values in rising order, the place of each row's among them)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    distinct = pc.unique(whole)
    distinct = distinct.take(pc.sort_indices(distinct))
    return distinct, pc.index_in(whole, value_set=distinct).to_numpy().astype(np.int64)
