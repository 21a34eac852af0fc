"""Photometric evidence: what the magnitudes of a group's rows together say for one object.

The algebra (crossmatch.md 1.7; Salvato et al. 2018, MNRAS 473, 4937; Wilson & Naylor 2018, MNRAS
473, 5570). For two rows of magnitudes m1, m2 the full photometric factor is
    c(m1, m2) / (n1(m1) n2(m2)),
c the joint distribution in true pairs, n_i that of rows that are alone. It comes in two parts:
    c(m1, m2) / (c1(m1) c2(m2))   times   c1(m1) / n1(m1)   times   c2(m2) / n2(m2),
c_i the marginals of c. The last two are S18's q(m) / n(m), and `densities.Densities` holds them
already, as f_c(m | S) / f_c(m | {c}), wherever its prior is "auto". So `MagnitudePrior` gives the
first part only (`relative_to="matched"`): nothing is counted twice. With a prior that knows no
magnitudes ("uniform", "nway", given densities) `relative_to="field"` gives the whole.

With more rows the magnitudes are taken as a tree: such as c(m1, m2, m3) = c(m1, m2) c(m2, m3) /
c2(m2), so that the first part is the product over the edges. Of all trees it is the one whose edges
tell most of each other, which fits the joint distribution best (Chow & Liu 1968, IEEE Trans. Inf.
Theory 14, 462), whatever the order of the catalogues; rows without magnitude are left out of it.

The first part differs from set to set even where colours do not, for it is relative to marginals,
and those of X-ray sources are brighter: c_S = a_S(m1) b_S(m2) c(m1, m2), with a_S, b_S such that
the marginals are S's own. Without that a bright optical and infrared row would be told twice that
bright objects are X-ray sources.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from skyquarry.match.kernels.photometric import tree_ratios, with_magnitudes
from skyquarry.match.priors.densitysums import MAG_BINS, MAG_LOW, MAG_STEP, UNIT, distinct
from skyquarry.match.priors.jointmags import CLIP, FEWEST, PSEUDO, Joint, joints_of
from skyquarry.match.priors.magnitudes import MagnitudeScale
from skyquarry.match.priors.securepairs import Bright, MagnitudeSums, scales_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from skyquarry.match.given.rows import Rows
    from skyquarry.match.priors.densitysums import Summary
    from skyquarry.match.resolution.groups import Groups

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    _Trees = tuple[Ints, Ints, Ints, Ints, Ints, Floats, Floats, Floats]


class Photometry(Protocol):
    """Anything that can say how much likelier magnitudes are of one object than of several."""

    def ln_ratio(self, rows: list[Rows], groups: Groups) -> Floats:
        """(groups,) ln of that ratio: 0 where data are missing, within -10 and 10."""


@dataclass(frozen=True, slots=True)
class MagnitudePrior:
    """The magnitude prior: learnt from secure pairs, neutral where nothing is known."""

    scales: tuple[MagnitudeScale, ...]
    joints: dict[tuple[int, int, int], Joint]
    """by set of catalogues, a and b; the set 0 is for sets that are too rare to tell"""
    marginals: tuple[Floats, ...] | None
    """(k,) for each catalogue: ln c(m) / n(m) at the scale's centres; None: Densities has it"""

    @classmethod
    def fit(
        cls,
        sums: MagnitudeSums,
        summary: Summary,
        relative_to: Literal["matched", "field"] = "matched",
    ) -> MagnitudePrior | None:
        """From secure pairs, and for `relative_to="field"` all rows; None below 100 of them."""
        scales = scales_of(summary)
        joints = joints_of({key: each / UNIT for key, each in sums.pairs.items()}, scales)
        marginals = None
        if relative_to == "field":
            both = zip(scales, summary.magnitudes, sums.singles, strict=True)
            marginals = tuple(_marginal(s, m, n / UNIT) for s, m, n in both)
        if not joints and (marginals is None or not any(m.any() for m in marginals)):
            return None
        return cls(scales, joints, marginals)

    def ln_ratio(self, rows: list[Rows], groups: Groups) -> Floats:
        """(groups,) ln of the photometric factor: 0 for single rows and where data are missing."""
        total = np.zeros(len(groups))
        catalog = np.repeat(np.arange(len(rows)), [len(each) for each in rows])
        mag = np.concatenate([each.mag for each in rows])
        both = list(zip(self.scales, rows, strict=True))
        known = np.concatenate([np.isfinite(each.mag) & (len(scale) > 0) for scale, each in both])
        bright = with_magnitudes(groups.start, groups.nodes, catalog, known)
        kinds, kind = distinct(groups.catalogs.astype(np.int64) << len(rows) | bright)
        trees = self._trees(kinds.tolist(), len(rows))
        tree_ratios(groups.start, groups.nodes, catalog, mag, kind, *trees, total)
        if self.marginals is not None and any(line.any() for line in self.marginals):
            self._add_marginals(rows, groups, total)
        return np.clip(total, -CLIP, CLIP)

    def _trees(self, kinds: list[int], width: int) -> _Trees:
        """As `tree_ratios` takes them: the edges of each kind of group, and the distributions.

        kinds: the set, and behind it (`width` bits) those of it whose rows have magnitudes.
        """
        number = {key: n for n, key in enumerate(self.joints)}
        last = (1 << width) - 1
        trees = {bright: self._tree(bright) for bright in {kind & last for kind in kinds}}
        edges = [
            [
                (number.get((kind >> width, *edge), number[0, *edge]), *edge)
                for edge in trees[kind & last]
            ]
            for kind in kinds
        ]
        joints = list(self.joints.values())
        flat = [edge for some in edges for edge in some]
        return (
            _begins([len(each) for each in edges]),
            np.array(flat, np.int64).reshape(-1, 3),
            _begins([len(each.left) for each in joints]),
            _begins([len(each.right) for each in joints]),
            _begins([each.ln_ratio.size for each in joints]),
            np.concatenate([_NONE, *(each.left for each in joints)]),
            np.concatenate([_NONE, *(each.right for each in joints)]),
            np.concatenate([_NONE, *(each.ln_ratio.ravel() for each in joints)]),
        )

    def _add_marginals(self, rows: list[Rows], groups: Groups, total: Floats) -> None:
        bright = Bright.of(rows, groups, self.scales, np.diff(groups.start) > 1)
        for c, line in enumerate(self.marginals or ()):
            if line.any():
                mine = np.flatnonzero(bright.catalog == c)
                low, way = self.scales[c].between(bright.mag[mine])
                ratio = (1.0 - way) * line[low] + way * line[np.minimum(low + 1, len(line) - 1)]
                np.add.at(total, bright.group[mine], ratio)

    def _tree(self, bright: int) -> list[tuple[int, int]]:
        """The edges among these catalogues that tell most, none closing a ring (Kruskal)."""
        joints = ((key[1:], joint) for key, joint in self.joints.items() if not key[0])
        inside = [(e, j) for e, j in joints if bright >> e[0] & 1 and bright >> e[1] & 1]
        tree, part = list[tuple[int, int]](), list(range(16))
        for (a, b), _ in sorted(inside, key=lambda each: (-each[1].information, each[0])):
            if part[a] != part[b]:
                tree.append((a, b))
                part = [part[a] if each == part[b] else each for each in part]
        return tree

    def lines(self, names: tuple[str, ...]) -> list[str]:
        """A line for each pair of catalogues."""
        return [
            f"magnitudes of {names[a]} and {names[b]}: from {joint.n_pairs:,.0f} secure pairs, "
            f"at most a factor of {np.exp(joint.ln_ratio.max()):.3g}"
            for (catalogs, a, b), joint in self.joints.items()
            if not catalogs
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain data; numbers come back exactly."""
        return {
            "edges": [s.edges.tolist() for s in self.scales],
            "centers": [s.centers.tolist() for s in self.scales],
            "joints": [
                {
                    "catalogs": list(key),
                    "left": joint.left.tolist(),
                    "right": joint.right.tolist(),
                    "ln_ratio": joint.ln_ratio.tolist(),
                    "n_pairs": joint.n_pairs,
                    "information": joint.information,
                }
                for key, joint in self.joints.items()
            ],
            "marginals": None if self.marginals is None else [m.tolist() for m in self.marginals],
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> MagnitudePrior:
        """What `to_dict` gave."""
        both = zip(data["edges"], data["centers"], strict=True)
        joints = {
            (each["catalogs"][0], each["catalogs"][1], each["catalogs"][2]): Joint(
                np.array(each["left"], np.float64),
                np.array(each["right"], np.float64),
                np.array(each["ln_ratio"], np.float64),
                each["n_pairs"],
                each["information"],
            )
            for each in data["joints"]
        }
        lines = data["marginals"]
        return cls(
            tuple(MagnitudeScale(np.array(e, float), np.array(c, float)) for e, c in both),
            joints,
            None if lines is None else tuple(np.array(each, np.float64) for each in lines),
        )

    def save(self, path: Path) -> None:
        """As a JSON file."""
        path.write_text(json.dumps(self.to_dict()), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> MagnitudePrior:
        """From a file that `save` wrote."""
        return cls.from_dict(json.loads(path.read_text(encoding="utf-8")))


def _marginal(scale: MagnitudeScale, magnitudes: Ints, matched: Floats) -> Floats:
    """S18's ln q(m) / n(m): members of secure groups against all other rows; 0 below 100 rows."""
    n = float(matched.sum())
    if n < FEWEST:
        return np.zeros(len(scale))
    field = np.maximum(_rebinned(scale, magnitudes) - matched, 0.0) + 1.0
    field /= field.sum()
    share = (matched + PSEUDO * field) / (n + PSEUDO)
    return np.clip(np.log(share / field), -CLIP, CLIP)


_NONE = np.empty(0)


def _begins(sizes: list[int]) -> Ints:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


def _rebinned(scale: MagnitudeScale, magnitudes: Ints) -> Floats:
    steps = np.arange(MAG_BINS, dtype=np.float64) + 0.5
    place = scale.bins(np.asarray(MAG_LOW + MAG_STEP * steps, np.float64))
    return np.bincount(place, magnitudes, len(scale)).astype(np.float64)
