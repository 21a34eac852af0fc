"""A part of the sky as it is, made ready once to tell what rows that are brought there may meet.

Islands and reaches of the rows that stay are worked out once. A row that is brought joins the
islands of those within reach of it: so these rows together are all that its own island can hold,
however long the chain, and the rest of the sky need not be looked at again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from skyquarry.match.geometry.search import find_pairs
from skyquarry.match.likelihood.epochs import Meeting
from skyquarry.match.resolution.groups import offsets
from skyquarry.match.resolution.islands import islands
from skyquarry.match.runs.nearby import agreeing, limited, points

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.match.geometry.search import Points
    from skyquarry.match.given.rows import Rows
    from skyquarry.match.likelihood.epochs import Reach
    from skyquarry.match.runs.rules import Rules

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


class Surroundings:
    """Rows of every catalogue, their islands, and how far each reaches."""

    def __init__(self, rows: list[Rows], rules: Rules) -> None:
        self.rows, self._rules = rows, rules
        self._start = offsets(rows)
        left, right = agreeing(rows, rules)
        self._islands = islands(int(self._start[-1]), left, right)
        self._between = [
            _Between(a, b, rows[a], rows[b], rules)
            for a, b in rules.catalog_pairs()
            if len(rows[a]) and len(rows[b])
        ]

    def around(self, brought: list[Rows]) -> list[Ints]:
        """Of each catalogue the rows, ascending, whose islands these rows, of each, may join."""
        met = [np.empty(0, np.int64)]
        for each in self._between:
            met.append(self._start[each.b] + each.met_in_b(brought[each.a]))
            met.append(self._start[each.a] + each.met_in_a(brought[each.b]))
        return self._whole(np.concatenate(met))

    def islands_of(self, chosen: dict[int, Ints]) -> list[Ints]:
        """Of each catalogue the rows, ascending, of the islands that hold one of these rows."""
        met = [self._start[number] + some for number, some in chosen.items()]
        return self._whole(np.concatenate([np.empty(0, np.int64), *met]))

    def _whole(self, nodes: Ints) -> list[Ints]:
        touched = np.zeros(len(self._islands), bool)
        touched[self._islands.label[nodes]] = True
        inside = np.split(touched[self._islands.label], self._start[1:-1])
        return [np.flatnonzero(each) for each in inside]


class _Between:
    """Two catalogues, and where each row of them is looked for by rows of the other."""

    def __init__(self, a: int, b: int, of_a: Rows, of_b: Rows, rules: Rules) -> None:
        self.a, self.b, self._rules = a, b, rules
        self._rows = of_a, of_b
        self._meeting = Meeting.of(of_a, of_b, np.sqrt(rules.chi2_limit), rules.motion)
        self._places = [
            self._placed(rows, self._meeting.reach(rows, others))
            for rows, others in ((of_a, of_b), (of_b, of_a))
        ]

    def met_in_a(self, brought: Rows) -> Ints:
        """Rows of the first catalogue within reach of these rows of the second."""
        return self._met(brought, 0)

    def met_in_b(self, brought: Rows) -> Ints:
        """Rows of the second catalogue within reach of these rows of the first."""
        return self._met(brought, 1)

    def _met(self, brought: Rows, side: int) -> Ints:
        if not len(brought):
            return np.empty(0, np.int64)
        here, radius, _ = self._placed(brought, self._meeting.reach(brought, self._rows[side]))
        there, reach, order = self._places[side]
        found = find_pairs(here, there, radius, right_radius_arcsec=reach)
        return np.asarray(order[found.right])

    def _placed(self, rows: Rows, reach: Reach) -> tuple[Points, Floats, Ints]:
        """Where rows are looked for, sorted; how far they reach; and which row each is."""
        where, order = points(rows, reach)
        return where, limited(reach, self._rules)[order], order
