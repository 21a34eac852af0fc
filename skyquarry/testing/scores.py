"""How good an identification is, against a truth: purity, completeness, calibration.

Purity and completeness are those of the golden field (`golden/README.md`). A pair *shares* where
any object has light in both of its rows, and is *primary* where both rows have the same brightest
object; `purity_shared` and `purity_primary` are shares of the pairs found, and
`completeness_primary` is the share found of all pairs that are primary.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.errors import UserError
from skyquarry.sky.motion import propagate
from skyquarry.sky.vectors import separation_arcsec, to_xyz

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]


# ---------------------------------------------------------------- pairs
@dataclass(frozen=True, slots=True)
class Parts:
    """What the rows of one catalogue are made of: one entry a part."""

    row: Ints
    object: Ints
    primary: Mask
    """the part is the brightest of its row"""


@dataclass(frozen=True, slots=True)
class PairScore:
    """How good a list of pairs is."""

    n_matched: int
    n_true_primary: int
    purity_shared: float
    purity_primary: float
    completeness_primary: float


def parts_of(links: pa.Table, catalog: str) -> Parts:
    """The parts of one catalogue's rows, from a table of links as `CrossField` has it."""
    import pyarrow.compute as pc

    mine = links.filter(pc.equal(links["catalog"], catalog))
    row, thing = mine["row"].to_numpy(), mine["object"].to_numpy()
    return Parts(row, thing, mine["is_primary"].to_numpy())


@dataclass(frozen=True, slots=True)
class TruePairs:
    """Keys of all pairs of two catalogues that share an object, and of those that are primary."""

    shared: Ints
    primary: Ints


def true_pairs(left: Parts, right: Parts) -> TruePairs:
    """All pairs of rows with a common object; joined on it."""
    a, b = _joined(left.object, right.object)
    both = left.primary[a] & right.primary[b]
    keys = pair_keys(left.row[a], right.row[b])
    return TruePairs(np.unique(keys), np.unique(keys[both]))


def pair_keys(left: Ints, right: Ints) -> Ints:
    """One number a pair of rows (each below 2**31): pairs as sets."""
    return np.asarray(left, np.int64) << 31 | np.asarray(right, np.int64)


def score_pairs(left: Ints, right: Ints, truth: TruePairs) -> PairScore:
    """The score of pairs of rows (m,), (m,); a pair given twice counts once."""
    found = np.unique(pair_keys(left, right))
    shared, primary = np.isin(found, truth.shared), np.isin(found, truth.primary)
    n_true = len(truth.primary)
    return PairScore(
        len(found), n_true, _share(shared), _share(primary), _ratio(int(primary.sum()), n_true)
    )


def score_by_magnitude(
    left: Ints, right: Ints, truth: TruePairs, mag: Floats, edges: Floats
) -> list[tuple[float, float, PairScore]]:
    """(from, to, score) in bins of the left row's magnitude (n_left,); found and true alike."""

    def within(keys: Ints, k: int) -> Mask:
        of_left = np.asarray(mag)[keys >> 31]
        return np.asarray((of_left >= edges[k]) & (of_left < edges[k + 1]))

    keys = np.unique(pair_keys(left, right))
    told = []
    for k in range(len(edges) - 1):
        here = keys[within(keys, k)]
        true = TruePairs(
            truth.shared[within(truth.shared, k)], truth.primary[within(truth.primary, k)]
        )
        score = score_pairs(here >> 31, here & ((1 << 31) - 1), true)
        told.append((float(edges[k]), float(edges[k + 1]), score))
    return told


def _joined(left: Ints, right: Ints) -> tuple[Ints, Ints]:
    """All (i, j) with left[i] == right[j]."""
    order = np.argsort(right, kind="stable")
    low = np.searchsorted(right[order], left, "left")
    count = np.searchsorted(right[order], left, "right") - low
    i = np.repeat(np.arange(len(left)), count)
    start = np.repeat(np.cumsum(count) - count, count)
    return i, order[np.repeat(low, count) + np.arange(len(i)) - start]


def _share(mask: Mask) -> float:
    return _ratio(int(mask.sum()), len(mask))


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


# ---------------------------------------------------------------- the nearest, to compare with
@dataclass(frozen=True, slots=True)
class Sky:
    """Positions with their epochs and, where known, motions (NaN where not)."""

    ra_deg: Floats
    dec_deg: Floats
    epoch: Floats | None = None
    pmra_masyr: Floats | None = None
    pmdec_masyr: Floats | None = None


def nearest(left: Sky, right: Sky, radius_arcsec: float = 1.0) -> tuple[Ints, Ints, Floats]:
    """(left row, right row, separation) of the nearest right row of each left row that has one.

    With motions in `left` and epochs in both, a left row stands at the epoch of each right row. Of
    two that are equally near, the lower row is taken.
    """
    i, j, apart = _all_within(left, right, radius_arcsec)
    order = np.lexsort((j, apart, i))
    first = order[np.unique(i[order], return_index=True)[1]]
    return i[first], j[first], apart[first]


def mutual_nearest(left: Sky, right: Sky, radius_arcsec: float = 1.0) -> tuple[Ints, Ints, Floats]:
    """As `nearest`, where the left row is the nearest of its right row too."""
    i, j, apart = nearest(left, right, radius_arcsec)
    a, b, distance = _all_within(left, right, radius_arcsec)
    order = np.lexsort((a, distance, b))
    first = order[np.unique(b[order], return_index=True)[1]]
    kept = np.isin(pair_keys(i, j), pair_keys(a[first], b[first]))
    return i[kept], j[kept], apart[kept]


def _all_within(left: Sky, right: Sky, radius_arcsec: float) -> tuple[Ints, Ints, Floats]:
    from scipy.spatial import cKDTree

    a, b = to_xyz(left.ra_deg, left.dec_deg), to_xyz(right.ra_deg, right.dec_deg)
    reach = radius_arcsec + _greatest_way_arcsec(left, right) + 1e-6
    near = cKDTree(b).query_ball_point(a, 2.0 * np.sin(np.radians(reach / 3600.0) / 2.0))
    i = np.repeat(np.arange(len(a)), [len(each) for each in near])
    j = np.fromiter(itertools.chain.from_iterable(near), np.int64, len(i))
    apart = separation_arcsec(_at_epoch(left, i, right, j, a), b[j])
    kept = apart <= radius_arcsec
    return i[kept], j[kept], apart[kept]


def _motion(left: Sky, right: Sky) -> tuple[Floats, Floats, Floats, Floats] | None:
    """(epoch of left, of right, pmra, pmdec), motions without NaN; None where one is lacking."""
    if left.epoch is None or right.epoch is None or left.pmra_masyr is None:
        return None
    pmra, pmdec = np.nan_to_num(left.pmra_masyr), np.nan_to_num(np.asarray(left.pmdec_masyr))
    return np.asarray(left.epoch), np.asarray(right.epoch), pmra, pmdec


def _greatest_way_arcsec(left: Sky, right: Sky) -> Floats:
    """(n_left,): how far each left row may move to reach an epoch of the right."""
    motion = _motion(left, right)
    if motion is None or not len(right.ra_deg):
        return np.zeros(len(left.ra_deg))
    epoch, others, pmra, pmdec = motion
    span = np.maximum(np.abs(epoch - others.min()), np.abs(epoch - others.max()))
    return np.asarray(np.hypot(pmra, pmdec) * span * 1.01e-3)


def _at_epoch(left: Sky, i: Ints, right: Sky, j: Ints, places: Floats) -> Floats:
    motion = _motion(left, right)
    if motion is None:
        return places[i]
    epoch, others, pmra, pmdec = motion
    years = others[j] - epoch[i]
    return to_xyz(*propagate(left.ra_deg[i], left.dec_deg[i], pmra[i], pmdec[i], years))


# ---------------------------------------------------------------- probabilities
@dataclass(frozen=True, slots=True)
class Reliability:
    """How far probabilities are from frequencies, in bins of equal count."""

    n: int
    ece: float
    """expected calibration error, debiased: `ece_plain` times the square root of the share of the
    mean square gap that the scatter of counts leaves unexplained (the debiased square of Kumar,
    Liang & Ma 2019, arXiv 1909.10155); 0 where scatter explains all of it"""
    ece_plain: float
    """mean over bins of |mean P - share true|"""
    ece_noise: float
    """what `ece_plain` is expected to be of perfectly calibrated probabilities, from scatter"""
    mean_p: Floats
    true_share: Floats
    count: Ints


def reliability(
    p: Floats, is_true: Mask, *, low: float = -np.inf, high: float = np.inf, bins: int = 15
) -> Reliability:
    """The calibration of probabilities p (n,) over low < p < high.

    Bins hold equal numbers, so that many easy rows cannot dilute the few that are in doubt. The
    variance of a bin's gap is mean(p (1 - p)) / count. Raises UserError with fewer than 4 rows a
    bin, where nothing could be seen.
    """
    within = (p > low) & (p < high)
    p, true = np.asarray(p)[within], np.asarray(is_true)[within].astype(np.float64)
    if len(p) < 4 * bins:
        raise UserError(
            f"{len(p)} probabilities lie between {low} and {high}, but {bins} bins need "
            f"{4 * bins}: take more rows or fewer bins"
        )
    parts = np.array_split(np.argsort(p, kind="stable"), bins)
    count = np.array([len(part) for part in parts])
    mean_p = np.array([p[part].mean() for part in parts])
    share = np.array([true[part].mean() for part in parts])
    variance = np.array([np.mean(p[part] * (1.0 - p[part])) for part in parts]) / count
    gap, weight = np.abs(mean_p - share), count / len(p)
    square = float(weight @ gap**2)
    signal = max(0.0, square - float(weight @ variance)) / square if square else 0.0
    plain = float(weight @ gap)
    noise = float(weight @ np.sqrt(2.0 * variance / np.pi))
    return Reliability(len(p), plain * signal**0.5, plain, noise, mean_p, share, count)


def sum_error(p: Floats, n_true: int) -> float:
    """|sum of p - true pairs| / true pairs."""
    return abs(float(np.sum(p)) - n_true) / n_true


# ---------------------------------------------------------------- groups
@dataclass(frozen=True, slots=True)
class GroupScore:
    """How good groups are, single rows left out."""

    n_groups: int
    n_true: int
    """objects that are the brightest part of rows in two catalogues or more"""
    right: float
    """share of the groups that hold exactly the rows of one object"""
    pure: float
    """share of the groups whose rows all have the same brightest object, be there more or not"""
    found: float
    """share of the true groups that are among the groups, exactly"""


def score_groups(group: Ints, catalog: Ints, row: Ints, primary: list[Ints]) -> GroupScore:
    """The score of groups, one entry a member: group number, catalogue number, row in it.

    `primary[c]` (rows of c,) is the brightest object of each row, -1 for none. A row of an object
    that stands twice in a catalogue makes no difference: the group needs one of the two.
    """
    owner = np.concatenate(primary)
    first = np.cumsum([0, *(len(each) for each in primary)])
    thing = owner[first[np.asarray(catalog)] + np.asarray(row)]
    names, member = np.unique(group, return_inverse=True)
    size = np.bincount(member, minlength=len(names))
    lead = np.full(len(names), -1, np.int64)
    lead[member] = thing
    same = np.bincount(member, lead[member] == thing, len(names)) == size
    pure = same & (lead >= 0)
    objects = np.unique(np.concatenate([each[each >= 0] for each in primary]))
    seen = sum(np.isin(objects, each).astype(np.int64) for each in primary)
    seen_in = dict(zip(objects.tolist(), np.atleast_1d(seen).tolist(), strict=True))
    whole = np.array([seen_in.get(int(o), 0) for o in lead]) == size
    several = size > 1
    right = pure & whole & several
    n_true = int(np.sum(np.atleast_1d(seen) > 1))
    found = len(np.unique(lead[right]))
    return GroupScore(
        int(several.sum()),
        n_true,
        _share(right[several]),
        _share(pure[several]),
        _ratio(found, n_true),
    )
