"""A part of the sky worked out again, by what a run has learnt: both searches, whole islands only.

The second search looks among rows that the first one has left alone, so these are found first: by
the first search in the same part of the sky.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.match.explain.whole import FirstSearch, Neighbourhood, whole_islands
from skyquarry.match.likelihood.epochs import largest_variance
from skyquarry.match.likelihood.fastpass import FASTEST_ARCSEC_YR
from skyquarry.match.runs.identify import identified
from skyquarry.match.runs.passes import SLACK_ARCSEC
from skyquarry.match.runs.secondsearch import SecondSearch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.match.explain.whole import Seeds
    from skyquarry.match.given.rows import Rows
    from skyquarry.match.runs.identification import Identification
    from skyquarry.sky.ranges import Ranges

    Ints = NDArray[np.int64]


def first_search(made: Identification, core: Ranges, is_seed: Seeds) -> Neighbourhood:
    """The islands of the first search that hold the seeds: see `whole_islands`."""
    return whole_islands(FirstSearch(made.scene), core, is_seed, made.ring_arcsec)


def second_search(made: Identification, core: Ranges, is_seed: Seeds) -> Neighbourhood | None:
    """The islands of the second search that hold the seeds; None where there is no such search.

    Rows that do not wait for it are no seeds, whatever `is_seed` says.
    """
    search = made.final.fast
    if not isinstance(search, SecondSearch):
        return None
    return whole_islands(_Waiting(made, search), core, is_seed, second_ring_arcsec(made))


def second_ring_arcsec(made: Identification) -> float:
    """How far from a row, as catalogued, the second search may find a partner of it.

    As far as the fastest star goes between the earliest and the latest epoch, and k sigma of both.
    """
    rows = [made.calibration.apply(each, n) for n, each in enumerate(made.extremes)]
    epochs = np.concatenate([each.epoch for each in rows])
    years = float(np.ptp(epochs[np.isfinite(epochs)]))
    sigma = [float(np.sqrt(largest_variance(r.covariance)).max(initial=0.0)) for r in rows]
    k = float(np.sqrt(made.rules.chi2_limit))
    return FASTEST_ARCSEC_YR * years + k * sum(sorted(sigma)[-2:]) + SLACK_ARCSEC


@dataclass(frozen=True, slots=True)
class _Waiting:
    """The rows that wait for the second search, and its candidates: a `Layer`."""

    made: Identification
    search: SecondSearch

    def rows(self, ranges: Ranges) -> list[Rows]:
        """Rows there that the first search has left alone."""
        made = self.made
        near = first_search(made, ranges, lambda _, rows: ranges.contains(rows.spatial))
        alone = identified(near.island_rows, made.rules).alone.rows
        both = zip(alone, self.search.deferred(alone), strict=True)
        return [r.take(np.flatnonzero(m & ranges.contains(r.spatial))) for r, m in both]

    def pairs(self, rows: list[Rows]) -> tuple[Ints, Ints]:
        """Nodes of the candidates that are not hopeless."""
        densities = self.made.learnt.densities
        left, right, _ = self.search.pairs(rows, self.made.rules, densities)
        return left, right
