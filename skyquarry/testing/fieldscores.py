"""How good an identification is on a field whose truth is known, by survey and magnitude.

The nearest and the mutual nearest within 1" are scored beside it. A survey that lists an object
twice, where its tiles overlap, is not held against anybody: such twins count as one row, and the
probabilities of a pair with either of them add up. Pairs scored are those of the first catalogue,
Gaia, with each other one.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pyarrow.compute as pc

from skyquarry.catalog.arrow import to_numpy
from skyquarry.testing import golden, scores

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from skyquarry.testing.crossfields import CrossField
    from skyquarry.testing.golden import Field

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Found = tuple[Ints, Ints]

EDGES: Final = np.array([0.0, 14.0, 16.0, 18.0, 19.0, 20.0, 30.0])
"""Bins of Gaia's G."""
IN_DOUBT: Final = (0.01, 0.99)
SURE: Final = 0.999


# ---------------------------------------------------------------- a field and its truth
@dataclass(frozen=True, slots=True)
class Judged:
    """A field, and what is true of its rows."""

    field: Field
    owner: dict[str, Ints]
    """(rows,) the brightest object of each row, -1 for a row of nothing"""
    first: dict[str, Ints]
    """(rows,) the row itself; of several of one object, the first of them"""
    truth: dict[str, scores.TruePairs]
    """by survey: pairs of rows of the first catalogue and first rows of the survey"""
    mag: Floats
    """(rows,) of the first catalogue"""

    @property
    def names(self) -> tuple[str, ...]:
        """The catalogues; pairs are judged between the first and each other one."""
        return tuple(self.field.catalogs)

    @property
    def lead(self) -> str:
        """The first catalogue."""
        return self.names[0]

    @property
    def surveys(self) -> tuple[str, ...]:
        """The other ones."""
        return self.names[1:]


def judged_crossfield(made: CrossField) -> Judged:
    """The frozen sky of `testing/crossfields.py`."""
    parts = {name: scores.parts_of(made.links, name) for name in made.catalogs}
    return _judged(golden.Field(made.catalogs, made.roles), parts, "phot_g_mean_mag")


def judged_field4(field: Field, parts: dict[str, scores.Parts]) -> Judged:
    """The golden field: what `golden.field4` returns."""
    return _judged(field, parts, "mag")


def _judged(field: Field, parts: dict[str, scores.Parts], mag: str) -> Judged:
    names = tuple(field.catalogs)
    owner = {n: golden.primary_objects(parts[n], field.catalogs[n].num_rows) for n in names}
    first = {n: _first_of(owner[n]) for n in names}
    single = {n: scores.Parts(first[n][p.row], p.object, p.primary) for n, p in parts.items()}
    truth = {n: scores.true_pairs(single[names[0]], single[n]) for n in names[1:]}
    return Judged(field, owner, first, truth, to_numpy(field.catalogs[names[0]][mag]))


def _first_of(owner: Ints) -> Ints:
    first = np.arange(len(owner))
    real = np.flatnonzero(owner >= 0)
    _, at, which = np.unique(owner[real], return_index=True, return_inverse=True)
    first[real] = real[at[which]]
    return first


# ---------------------------------------------------------------- purity and completeness
def sky_of(field: Field, name: str, *, moving: bool) -> scores.Sky:
    """The positions of a catalogue, with epochs and motions where `moving`."""
    table, roles = field.catalogs[name], field.roles[name]
    assert roles.ra is not None
    assert roles.dec is not None
    ra, dec = to_numpy(table[roles.ra]), to_numpy(table[roles.dec])
    if not moving:
        return scores.Sky(ra, dec)
    assert roles.epoch is not None
    epoch = roles.epoch.jyears(to_numpy(table[str(roles.epoch.column)]))
    if roles.motion is None:
        return scores.Sky(ra, dec, epoch)
    pm = (to_numpy(table[each]) for each in (roles.motion.pmra, roles.motion.pmdec))
    return scores.Sky(ra, dec, epoch, *pm)


def by_nearest(judged: Judged, name: str) -> dict[str, Found]:
    """Pairs of the lead and one survey by the nearest, and the mutual nearest, within 1"."""
    told = {}
    for moving, word in ((False, "raw"), (True, "pm")):
        left, right = (sky_of(judged.field, each, moving=moving) for each in (judged.lead, name))
        told[f"nearest {word}"] = scores.nearest(left, right, 1.0)[:2]
        told[f"mutual {word}"] = scores.mutual_nearest(left, right, 1.0)[:2]
    return told


def score_lines(
    judged: Judged, name: str, found: dict[str, Found], edges: Floats = EDGES
) -> list[dict[str, Any]]:
    """One line a method, of all magnitudes and of each bin of G: the fields of `PairScore`, f1."""
    truth = judged.truth[name]
    lines: list[dict[str, Any]] = []
    for method, (left, listed) in found.items():
        right = judged.first[name][listed]
        head = {"survey": name, "method": method}
        whole = scores.score_pairs(left, right, truth)
        lines.append(head | {"g_from": None, "g_to": None} | _told(whole))
        for low, high, score in scores.score_by_magnitude(left, right, truth, judged.mag, edges):
            lines.append(head | {"g_from": low, "g_to": high} | _told(score))
    return lines


def _told(score: scores.PairScore) -> dict[str, Any]:
    return asdict(score) | {"f1": f1(score.purity_primary, score.completeness_primary)}


def f1(purity: float, completeness: float) -> float:
    """Harmonic mean of purity and completeness."""
    both = purity + completeness
    return 2.0 * purity * completeness / both if both > 0.0 else float("nan")


# ---------------------------------------------------------------- probabilities
class Probabilities(NamedTuple):
    """Of distinct pairs, twins added up."""

    p: Floats
    is_true: NDArray[np.bool_]
    """both rows have the same brightest object"""
    n_true: int
    """true pairs, candidates or not"""


def probabilities(judged: Judged, pairs: dict[str, pa.Table]) -> Probabilities:
    """Posteriors of the candidates of the lead and each survey, from its table of pairs."""
    told = [_probabilities_of(judged, name, table) for name, table in pairs.items()]
    return Probabilities(
        np.concatenate([each.p for each in told]),
        np.concatenate([each.is_true for each in told]),
        sum(each.n_true for each in told),
    )


def _probabilities_of(judged: Judged, name: str, pairs: pa.Table) -> Probabilities:
    of = [pc.cast(pairs[f"{side}_catalog"], "string") for side in ("left", "right")]
    mine = pairs.filter(pc.and_(pc.equal(of[0], judged.lead), pc.equal(of[1], name)))
    right = judged.first[name][to_numpy(mine["right_row"])]
    keys, which = np.unique(
        scores.pair_keys(to_numpy(mine["left_row"]), right), return_inverse=True
    )
    p = np.minimum(np.bincount(which, to_numpy(mine["posterior"]), len(keys)), 1.0)
    primary = judged.truth[name].primary
    return Probabilities(p, np.isin(keys, primary), len(primary))


@dataclass(frozen=True, slots=True)
class CalibrationScore:
    """How far probabilities are from frequencies: `scores.reliability`."""

    n: int
    n_doubt: int
    """0.01 < P < 0.99"""
    ece_doubt: float
    noise_doubt: float
    """what the plain error would be of perfect probabilities"""
    bias_doubt: float
    """mean P - share true"""
    ece_all: float
    sum_error: float
    """(sum of P - true pairs) / true pairs, signed; pairs that are no candidates count as lost"""


def calibration_score(told: Probabilities, bins: int = 10) -> CalibrationScore:
    """NaN for those in doubt where there are fewer than 4 a bin."""
    low, high = IN_DOUBT
    within = (told.p > low) & (told.p < high)
    doubt, noise, bias = (float("nan"),) * 3
    if within.sum() >= 4 * bins:
        seen = scores.reliability(told.p, told.is_true, low=low, high=high, bins=bins)
        doubt, noise = seen.ece, seen.ece_noise
        bias = float(told.p[within].mean() - told.is_true[within].mean())
    whole = scores.reliability(told.p, told.is_true, bins=bins)
    excess = float(told.p.sum() - told.n_true) / told.n_true
    return CalibrationScore(len(told.p), int(within.sum()), doubt, noise, bias, whole.ece, excess)


# ---------------------------------------------------------------- groups
def sure_groups(judged: Judged, result: Any, above: float = SURE) -> scores.GroupScore:
    """The groups whose probability is above a limit: how many of them are right."""
    names = judged.names
    group, catalog, row, posterior = golden.group_members(result, names)
    sure = posterior > above
    owners = [judged.owner[name] for name in names]
    return scores.score_groups(group[sure], catalog[sure], row[sure], owners)


# ---------------------------------------------------------------- all of it
@dataclass(frozen=True, slots=True)
class Judgement:
    """Everything that is measured of one field."""

    lines: list[dict[str, Any]]
    """of `score_lines`: methods nearest and mutual (raw, pm), "two" catalogues, "four" at once"""
    probabilities: dict[str, Probabilities]
    """by "two", "four"; and by "two NAME", "four NAME" of one survey"""
    sure: scores.GroupScore

    def line(self, survey: str, method: str) -> dict[str, Any]:
        """Over all magnitudes."""
        (told,) = (
            x
            for x in self.lines
            if (x["survey"], x["method"], x["g_from"]) == (survey, method, None)
        )
        return told

    def calibration(self, how: str) -> CalibrationScore:
        """Of the probabilities of this name."""
        return calibration_score(self.probabilities[how])


def judge(judged: Judged, **settings: Any) -> Judgement:
    """Cross-match the lead with each survey, and all at once, and score them."""
    identify, lead = golden.identify, judged.lead
    two = {n: identify(judged.field, (lead, n), **settings).pairs for n in judged.surveys}
    whole = identify(judged.field, judged.names, **settings)
    pairs = {"two": two, "four": dict.fromkeys(judged.surveys, whole.pairs)}
    lines, told = [], {}
    for name in judged.surveys:
        ours = {how: golden.matched_rows(of[name], lead, name) for how, of in pairs.items()}
        lines += score_lines(judged, name, by_nearest(judged, name) | ours)
        for how, of in pairs.items():
            told[f"{how} {name}"] = probabilities(judged, {name: of[name]})
    told |= {how: probabilities(judged, of) for how, of in pairs.items()}
    return Judgement(lines, told, sure_groups(judged, whole))
