"""Logistic regression on how much a row resembles landmarks: smooth, where trees have steps.

p = softmax(b + sum_j beta_j k(x, z_j)) with landmarks z drawn from the rows, and a normal prior of
beta with covariance ridge K^-1, K = k(z, z): the mode of a Gaussian process's posterior within the
span of the landmarks (Quinonero-Candela & Rasmussen 2005, JMLR 6, 1939, "subset of regressors").
Members differ in the length of their similarity, in their axes and landmarks; where values are
missing, also in whether these are filled in from what is measured (`filling`) or lie in the middle
with a number that tells of the gap. How far the prior lets each go, and how much each counts, is
learnt on inner folds of whole groups: gaps by chance are best filled, gaps that tell of the class
(too faint to be seen) are best told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

import numpy as np

from skyquarry.errors import DamagedError, UserError
from skyquarry.learn import arrays
from skyquarry.learn.blocks import blocks_of
from skyquarry.learn.calibration import softmax
from skyquarry.learn.checkpoints import write_whole
from skyquarry.learn.classifiers.filling import Filling, filling_of, filling_of_arrays
from skyquarry.learn.classifiers.pace import Learner, Pace, check_fitted, needed, training
from skyquarry.learn.classifiers.similarity import Landmarks, Scaling, arrays_of, of_arrays
from skyquarry.learn.onethread import one_thread
from skyquarry.learn.shares import shares
from skyquarry.learn.splits import folds

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from skyquarry.learn.checkpoints import Checkpoint
    from skyquarry.learn.classifiers.protocol import Telling
    from skyquarry.learn.examples import Examples

    Floats = NDArray[np.float64]

_FILE: Final = "kernel.safetensors"
_FORMAT: Final = "3"
_MEMBERS: Final = ((0.5, 0.5), (1.0, 0.25))
"""length of the similarity, and how far axes are made alike"""
_RIDGES: Final = (3.0, 10.0, 30.0, 100.0)
"""variances of the prior that are tried"""
_PLAIN: Final = 1
"""place of the ridge where classes are too few for folds"""
_FOLDS: Final = 3
_EQUAL: Final = 50.0
"""rows that equal shares of the members count as"""
_JITTER: Final = 1e-5
_BLOCK: Final = 2048
"""rows predicted at once: their similarities lie in the cache"""


@dataclass(frozen=True, slots=True)
class _Member:
    """What one similarity has learnt."""

    told: bool
    """whether it sees gaps told, or filled"""
    landmarks: Landmarks
    slope: NDArray[np.float32]
    """(m, K): beta"""
    shift: NDArray[np.float32]
    """(K,): b"""

    def probabilities(self, scaled: NDArray[np.float32]) -> Floats:
        scores = self.landmarks.likened(scaled) @ self.slope + self.shift
        return softmax(scores.astype(np.float64))


@dataclass(frozen=True, slots=True)
class _Sight:
    """How members see rows."""

    scaling: Scaling
    filling: Filling

    @classmethod
    def fitted(cls, values: NDArray[np.float32]) -> Self:
        scaling = Scaling.of(values)
        middle = scaling.apply(values)[:, : values.shape[1]]
        return cls(scaling, filling_of(middle, ~np.isfinite(values)))

    def of(self, values: NDArray[np.float32]) -> dict[bool, NDArray[np.float32]]:
        """Rows (n, p): gaps filled (False: (n, p)) and gaps told (True: (n, p + absent))."""
        told = self.scaling.apply(values)
        filled = self.filling.apply(told[:, : values.shape[1]], ~np.isfinite(values))
        return {False: filled, True: told}

    def members(self) -> tuple[tuple[bool, float, float], ...]:
        """Whether gaps are told, length and whitening of each; without gaps the first are all."""
        ways = (False, True) if len(self.scaling.absent) else (False,)
        return tuple((told, *each) for told in ways for each in _MEMBERS)

    def arrays(self) -> dict[str, NDArray[Any]]:
        return arrays_of(self.scaling, "scaling") | arrays_of(self.filling, "filling")

    @classmethod
    def of_arrays(cls, kept: Any) -> Self:
        return cls(of_arrays(Scaling, kept, "scaling"), filling_of_arrays(kept, "filling"))


class Kernel(Learner):
    """A smooth learner for tables of few columns; of many rows it takes some."""

    name: ClassVar[str] = "kernel"
    extra: ClassVar[tuple[str, ...]] = ("safetensors",)

    def __init__(self, *, landmarks: int = 512, rows: int = 20_000, threads: int = 1) -> None:
        """Settings: `rows` bounds those it learns from; whatever `threads`, one does the sums."""
        self.landmarks, self.rows, self.threads = landmarks, rows, threads
        self._sight: _Sight | None = None
        self._members: list[_Member] = []
        self._shares: Floats = np.ones(0)

    @one_thread()
    def fit(
        self,
        examples: Examples,
        *,
        valid: Examples | None = None,
        checkpoint: Checkpoint | None = None,
        telling: Telling | None = None,
        seed: int = 0,
    ) -> Self:
        """Learn; `valid` is not needed: how smooth to be is found on inner folds."""
        needed(self.name, self.extra, "learn")
        _ = valid
        self._classes = examples.classes
        mark = training(self, examples, None, seed, _FORMAT)
        run = _Run(self, examples, seed)
        saved = None if checkpoint is None else checkpoint.read(mark)
        if saved is not None:
            run.resume(saved.content)
        pace = Pace(self.name, run.of, telling)
        while run.done < run.of:
            run.step()
            pace.tell(run.done)
            if checkpoint is not None and checkpoint.due(run.done) and run.done < run.of:
                checkpoint.write(mark, run.done, run.to_bytes(), {})
        self._sight, self._members, self._shares = run.sight, run.members, run.shares()
        return self

    @one_thread()
    def predict_proba(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """(n, K) of (n, p): each row sums to 1."""
        check_fitted(self, self._sight)
        assert self._sight is not None
        out = np.zeros((len(values), len(self._classes)))
        for rows, block in blocks_of(values, _BLOCK):
            seen = self._sight.of(block)
            for share, member in zip(self._shares, self._members, strict=True):
                told = member.probabilities(seen[member.told])
                out[rows] += share * told[: rows.stop - rows.start]
        return np.asarray(out / out.sum(axis=1, keepdims=True))

    def explain(self, values: NDArray[np.float32]) -> NDArray[np.float64] | None:
        """None: the boosted trees tell what speaks for a class."""
        _ = values
        return None

    def save(self, folder: Path) -> None:
        """All arrays, and beside them classes and settings."""
        check_fitted(self, self._sight)
        assert self._sight is not None
        kept = self._sight.arrays() | {"shares": self._shares}
        kept |= _members_as_arrays(self._members)
        told = {"classes": self._classes, "settings": self.settings()}
        write_whole(folder / _FILE, arrays.to_bytes(kept, told))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote. Raises DamagedError, naming the file."""
        path = folder / _FILE
        kept, told = arrays.from_bytes(path.read_bytes(), str(path))
        made = cls(**told["settings"])
        made._classes = tuple(told["classes"])
        try:
            made._sight = _Sight.of_arrays(kept)
            made._shares = kept["shares"]
            made._members = _members_of_arrays(kept, len(made._shares))
        except (KeyError, TypeError) as error:
            raise DamagedError(
                f"{path} lacks {error}: take it from a copy, or train again"
            ) from error
        return made


class _Run:
    """A fit under way: of each member all ridges on each inner fold, then the best on all rows."""

    def __init__(self, learner: Kernel, examples: Examples, seed: int) -> None:
        some = _some(examples, learner.rows, seed)
        self.sight = _Sight.fitted(some.values)
        self.seen, self.kinds = self.sight.of(some.values), self.sight.members()
        self.label = np.eye(len(some.classes))[some.labels]
        self.weight = some.weights / some.weights.mean()
        self.seed, self.count = seed, min(learner.landmarks, len(some))
        self.fold = _inner_folds(some, seed)
        self.each = 1 if self.fold is None else _FOLDS + 1
        self.of = len(self.kinds) * self.each
        self.done = 0
        self.true = np.ones((len(self.kinds), len(_RIDGES), len(some)))
        """probability of each row's class, by a fit to the other folds"""
        self.members: list[_Member] = []
        self._problem: _Problem | None = None

    def step(self) -> None:
        """All ridges of one member on one inner fold, or the member itself."""
        member, turn = divmod(self.done, self.each)
        if self._problem is None:
            self._problem = self._made(member)
        if turn < self.each - 1:
            self._try(self._problem, member, turn)
        else:
            slope, shift = self._problem.path(slice(None), self._ridges(member))[-1]
            likeness, told = self._problem.landmarks, self.kinds[member][0]
            self.members.append(_Member(told, likeness, _single(slope), _single(shift)))
            self._problem = None
        self.done += 1

    def shares(self) -> Floats:
        """(members,) how much each counts."""
        if self.fold is None:
            return np.full(len(self.kinds), 1.0 / len(self.kinds))
        best = [self.true[each, self._best(each)] for each in range(len(self.kinds))]
        return shares(np.stack(best), self.weight, _EQUAL)

    def to_bytes(self) -> bytes:
        """What the rest of the fit depends on."""
        kept = {"true": self.true} | _members_as_arrays(self.members)
        return arrays.to_bytes(kept, {"done": self.done, "members": len(self.members)})

    def resume(self, content: bytes) -> None:
        """Go on from what `to_bytes` gave."""
        kept, told = arrays.from_bytes(content, "the checkpoint of the kernel")
        self.true, self.done = kept["true"].copy(), told["done"]
        self.members = _members_of_arrays(kept, told["members"])

    def _made(self, member: int) -> _Problem:
        told, length, whitening = self.kinds[member]
        random = np.random.default_rng([self.seed, member])
        drawn = random.permutation(len(self.label))[: self.count]
        landmarks = Landmarks.of(self.seen[told], drawn, length, whitening)
        return _Problem(landmarks, self.seen[told], self.label, self.weight)

    def _try(self, problem: _Problem, member: int, turn: int) -> None:
        out = self.fold == turn
        for number, (slope, shift) in enumerate(problem.path(~out, _RIDGES)):
            p = softmax(problem.likened[out] @ slope + shift)
            self.true[member, number, out] = np.maximum((p * self.label[out]).sum(axis=1), 1e-15)

    def _best(self, member: int) -> int:
        return int(np.argmax(np.log(self.true[member]) @ self.weight))

    def _ridges(self, member: int) -> tuple[float, ...]:
        """Up to the best: each is the way to the next."""
        return _RIDGES[: 1 + (_PLAIN if self.fold is None else self._best(member))]


class _Problem:
    """The regression of one member."""

    def __init__(
        self, landmarks: Landmarks, scaled: NDArray[np.float32], label: Floats, weight: Floats
    ) -> None:
        self.landmarks, self.label, self.weight = landmarks, label, weight
        self.likened = landmarks.likened(scaled)
        points = landmarks.points.astype(np.float64)
        square = (points**2).sum(axis=1)
        far = np.maximum(0.5 * (square[:, None] + square) - points @ points.T, 0.0)
        self.own = 1.0 / (1.0 + far)
        self.own[np.diag_indices(len(points))] = 1.0 + _JITTER

    def path(self, rows: Any, ridges: tuple[float, ...]) -> list[tuple[Floats, Floats]]:
        """Beta (m, K) and b (K,) of the rows for each ridge, found from those of the one before."""
        likened, label, weight = self.likened[rows], self.label[rows], self.weight[rows]
        slope = np.zeros((likened.shape[1], label.shape[1]))
        shift = np.log(np.maximum(weight @ label, 0.5) / weight.sum())
        told = []
        for ridge in ridges:
            slope, shift = _solved(likened, label, weight, self.own / ridge, slope, shift)
            told.append((slope, shift))
        return told


def _solved(
    likened: NDArray[np.float32],
    label: Floats,
    weight: Floats,
    stiff: Floats,
    slope: Floats,
    shift: Floats,
) -> tuple[Floats, Floats]:
    """The slope (m, K) and shift (K,) of greatest likelihood plus prior, by L-BFGS from others.

    Unknowns are turned by R, R^T R = k^T diag(c) k + stiff with c the mean over the classes of
    p (1 - p) at the beginning, so that the curvature is nearly the same in all directions.
    """
    from scipy.linalg import cholesky, solve_triangular
    from scipy.optimize import minimize

    m, kinds = slope.shape
    p = softmax(likened @ slope + shift)
    curve = weight * (p * (1.0 - p)).mean(axis=1)
    curve = np.maximum(curve, 1e-3 * curve.max())
    bent = likened * np.sqrt(curve)[:, None]
    root = cholesky(bent.T @ bent + stiff, check_finite=False)
    flat = float(np.sqrt(curve.sum()))

    def moved(x: Floats) -> tuple[Floats, Floats]:
        turned = solve_triangular(root, x[:-kinds].reshape(m, kinds), check_finite=False)
        return slope + turned, shift + x[-kinds:] / flat

    def loss(x: Floats) -> tuple[float, Floats]:
        here, aside = moved(x)
        scores = (likened @ _single(here)).astype(np.float64) + aside
        scores -= scores.max(axis=1, keepdims=True)
        raised = np.exp(scores)
        total = raised.sum(axis=1, keepdims=True)
        lost = np.log(total[:, 0]) - (scores * label).sum(axis=1)
        pull = stiff @ here
        wrong = (raised / total - label) * weight[:, None]
        uphill = (likened.T @ _single(wrong)).astype(np.float64) + pull
        tilt = solve_triangular(root, uphill, trans="T", check_finite=False)
        value = float(weight @ lost) + 0.5 * float((pull * here).sum())
        return value, np.concatenate([tilt.ravel(), wrong.sum(axis=0) / flat])

    options = {"maxiter": 200, "ftol": 1e-5, "gtol": 1e-3}
    start = np.zeros(m * kinds + kinds)
    return moved(minimize(loss, start, jac=True, method="L-BFGS-B", options=options).x)


def _some(examples: Examples, rows: int, seed: int) -> Examples:
    """All, or as many as it may learn from."""
    if len(examples) <= rows:
        return examples
    drawn = np.random.default_rng([seed, len(examples)]).permutation(len(examples))[:rows]
    return examples.take(np.sort(drawn))


def _inner_folds(examples: Examples, seed: int) -> NDArray[np.int8] | None:
    """None where a class is too rare to be in each."""
    try:
        return folds(examples.labels, examples.groups, _FOLDS, seed)
    except UserError:
        return None


def _members_as_arrays(members: list[_Member]) -> dict[str, NDArray[Any]]:
    kept: dict[str, NDArray[Any]] = {}
    for number, each in enumerate(members):
        kept |= arrays_of(each.landmarks, f"{number}")
        kept |= {f"{number}.slope": each.slope, f"{number}.shift": each.shift}
        kept[f"{number}.told"] = np.array([each.told])
    return kept


def _members_of_arrays(kept: Any, count: int) -> list[_Member]:
    return [
        _Member(
            bool(kept[f"{n}.told"][0]),
            of_arrays(Landmarks, kept, f"{n}"),
            kept[f"{n}.slope"],
            kept[f"{n}.shift"],
        )
        for n in range(count)
    ]


def _single(numbers: Floats) -> NDArray[np.float32]:
    return numbers.astype(np.float32)
