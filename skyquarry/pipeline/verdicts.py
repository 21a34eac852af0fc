"""What a classified catalogue says of each object: the columns, and how they are made of a tile."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import pyarrow as pa

from skyquarry.catalog.arrow import from_numpy
from skyquarry.catalog.classes import Class

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from skyquarry.learn.density import Ratio
    from skyquarry.learn.model import Model
    from skyquarry.learn.scores import SkyMix
    from skyquarry.learn.shift import Alarm

    Floats = NDArray[np.float64]
    Singles = NDArray[np.float32]
    Mask = NDArray[np.bool_]

Explain = bool | Literal["all"]
"""Who gets reasons: True few, those flagged or ambiguous; "all" each row; False none"""

NOVEL: Final = 0.01
"""rate of false alarms of `follow_up`"""
SURE: Final = 0.9
"""probability of a discovery"""
RARE: Final = 0.05
"""share of the training set (or of the sky's mix) below which a class is a discovery"""
EXPLAINED: Final = 0.01
"""share of the rows of a tile that get reasons, at most: but one where it has fewer than 200"""
_REASONS: Final = 3
UNDERSAMPLED: Final = 10.0
"""density of the catalogue over the training set's, from which an object is flagged"""
LOT: Final = 65_536
"""rows judged at once: what is worked out on the way does not grow with the tile"""
VARIABLE: Final = "variable"
TOLD: Final = {
    "class": ("string", "the likeliest class"),
    "outcome": ("string", "class; other where shifted or follow_up; null if nothing is measured"),
    "probability": ("float32", "of that class"),
    "class_set": ("string", "classes that it may be, right nine times of ten for each; | between"),
    "uncertainty": ("float32", "entropy of the probabilities over the greatest there can be"),
    "tree_spread": ("float32", "deviation of the forest's trees: what more labels would lessen"),
    "novelty": ("float32", "1 - p-value that it resembles some class: 0.99 is one false in 100"),
    "distance": ("float32", "from the nearest class of the training set, as a normal deviate"),
    "density_ratio": ("float32", "density here of the catalogue over the training set; 20 at most"),
    "discovery": ("bool", "a rare class beyond doubt: p of 0.9, alone in its set, and not shifted"),
    "follow_up": ("bool", "resembles no class: 1 of 100 members of a class does so by chance"),
    "shifted": ("bool", "outside of the training set, as 1 of 25 of its kind are"),
    "undersampled": ("bool", "density_ratio of 10 or more: the training set has few of its kind"),
    "reasons": ("string", "what speaks for the class, for flagged or ambiguous objects only"),
}  # fmt: skip


@dataclass(frozen=True)
class Verdicts:
    """How a tile's rows are judged by a model."""

    model: Model
    mix: SkyMix | None = None
    """the sky that probabilities are brought to; None: the training mix"""
    explain: Explain = True
    ratio: Ratio | None = None
    """how dense the catalogue is beside the training set; None: not known"""

    def beside(self, table: pa.Table) -> Verdicts:
        """The same, of a catalogue of which this is a sample, by a model that keeps one too."""
        assert self.model.sample is not None
        return replace(self, ratio=self.model.sample.ratio_to(self.model.values(table)))

    @property
    def fields(self) -> list[pa.Field]:
        """The columns in their order: the verdicts, probabilities of classes and of branches."""
        told = [
            pa.field(name, pa.type_for_alias(kind), metadata={b"description": text.encode()})
            for name, (kind, text) in TOLD.items()
        ]
        about = "the training set" if self.mix is None else self.mix.name
        beside = self._beside
        columns = probability_columns([*self.model.classes, *beside])
        return told + [
            pa.field(
                column, pa.float32(),
                metadata={b"description": f"probability of {name} at the mix of {about}".encode()},
            )
            for name, column in probability_columns(self.model.classes).items()
        ] + [
            pa.field(columns[name], pa.float32(), metadata={b"description": text.encode()})
            for name, text in beside.items()
        ]  # fmt: skip

    @property
    def _beside(self) -> dict[str, str]:
        """What has a column beside the classes: branches whose name no class has, and variable."""
        told, model = {}, self.model
        if model.branches is not None:
            for name, holds in zip(model.branches.names, model.branches.holds, strict=True):
                words = " + ".join(model.classes[each] for each in holds)
                told[name] = f"of the branch {name}: {words}"
        if model.variable is not None:
            told[VARIABLE] = "that it varies, whatever its class"
        return {name: text for name, text in told.items() if name not in model.classes}

    @property
    def identity(self) -> str:
        """Equal for verdicts that give the same bytes."""
        told = hashlib.sha256(json.dumps(self.model.told, sort_keys=True, default=str).encode())
        if self.mix is not None:
            told.update(np.ascontiguousarray(self.mix.counts).tobytes())
            told.update(repr((self.mix.magnitude_edges, self.mix.latitude_edges)).encode())
        told.update(repr((self.explain, TOLD)).encode())
        return told.hexdigest()

    def of(self, table: pa.Table) -> list[pa.Array]:
        """The columns of a tile's rows."""
        starts = range(0, max(len(table), 1), LOT)
        judged = _Judged.joined([self._judged(table.slice(start, LOT)) for start in starts])
        words = pa.array([*self.model.classes, Class.OTHER.label], pa.string())
        outcome = np.where(judged.odd | judged.shifted, len(self.model.classes), judged.said)
        columns: list[Any] = [
            words.take(from_numpy(judged.said)),
            words.take(pa.array(outcome, mask=~judged.measured)),
            from_numpy(judged.top),
            self._names_of(judged.sets),
            from_numpy(judged.entropy),
            _known(judged.spread),
            from_numpy(judged.novelty),
            _known(judged.distance),
            _known(judged.ratio),
            from_numpy(judged.found),
            from_numpy(judged.odd),
            from_numpy(judged.shifted),
            from_numpy(judged.ratio >= UNDERSAMPLED),
            pa.array(self._reasons(table, judged), pa.string()),
        ]
        return columns + [from_numpy(np.ascontiguousarray(each)) for each in judged.beside.T]

    def _judged(self, table: pa.Table) -> _Judged:
        """What the model says of some rows; reasons apart."""
        values = self.model.values(table)
        at_training, spread = self.model.judge_with_spread(values)
        p = self._at_mix(at_training, values)
        sets = self.model.sets_of(at_training, values)
        said = p.argmax(axis=1)
        top = p[np.arange(len(p)), said]
        told = self._strange(values)
        odd = told.resembles <= NOVEL
        sure = (top >= SURE) & (sets.sum(axis=1) == 1) & sets[np.arange(len(p)), said]
        entropy = -(p * np.log(np.maximum(p, 1e-300))).sum(axis=1) / np.log(p.shape[1])
        leaves = [p[:, k] for k in range(p.shape[1])]
        return _Judged(
            self.model.measured(values), said, top.astype(np.float32), sets,
            np.clip(entropy, 0.0, 1.0).astype(np.float32),
            _singles(spread, len(p)), (1.0 - told.resembles).astype(np.float32),
            _singles(told.distance, len(p)),
            _singles(None if self.ratio is None else self.ratio.of(values), len(p)),
            (self._shares()[said] < RARE) & sure & ~odd & ~told.rows, odd,
            told.rows,  # of the row alone: the same in every tile and margin
            np.stack(leaves + self._of_branches(p, values), axis=1).astype(np.float32),
        )  # fmt: skip

    def _of_branches(self, p: Floats, values: NDArray[np.float32]) -> list[Floats]:
        """Those of `_beside`: sums of leaves, and the second head."""
        told, model = {}, self.model
        if model.branches is not None:
            summed = model.branches.probabilities(p).T
            told = dict(zip(model.branches.names, summed, strict=True))
        if model.variable is not None:
            told[VARIABLE] = model.variable.probability(values)
        return [told[name] for name in self._beside]

    def _at_mix(self, p: Floats, values: NDArray[np.float32]) -> Floats:
        if self.mix is None:
            return p
        from skyquarry.pipeline.brightness import at_mix, magnitude_name

        name = magnitude_name(self.model.features, self.model.units)
        magnitude = None
        if name is not None:
            magnitude = np.asarray(values[:, self.model.features.index(name)], np.float64)
        return at_mix(self.model, p, magnitude, self.mix)[0]

    def _names_of(self, sets: Mask) -> pa.Array:
        """(n,) the classes of each set, | between: few sets there are, each is spelled once."""
        words = np.array([name.replace("|", "/") for name in self.model.classes], dtype=object)
        packed = np.ascontiguousarray(np.packbits(sets, axis=1))
        rows = packed.view(np.dtype((np.void, packed.shape[1])))[:, 0]
        _, first, place = np.unique(rows, return_index=True, return_inverse=True)
        told = pa.array(["|".join(words[sets[row]]) for row in first.tolist()], pa.string())
        return told.take(from_numpy(place.ravel()))

    def _shares(self) -> Floats:
        if self.mix is None:
            return self.model.priors
        total = self.mix.counts.sum(axis=(0, 1))
        return np.asarray(total / total.sum())

    def _strange(self, values: NDArray[np.float32]) -> Alarm:
        """What is unlike the training set; nothing, where the model cannot tell."""
        from skyquarry.learn.shift import Alarm, alarm

        if self.model.novelty is None:
            none, sure = np.zeros(len(values), bool), np.ones(len(values))
            return Alarm(none, none, sure, sure, np.full(len(values), np.nan))
        return alarm(self.model.novelty, values)

    def _reasons(self, table: pa.Table, judged: _Judged) -> list[str | None]:
        """(n,) what speaks for the class said, of those rows that get reasons."""
        from skyquarry.learn.explanations import reasons, sentence

        told: list[str | None] = [None] * len(judged.said)
        rows = self._explained(judged)
        for start in range(0, len(rows), LOT):
            some = rows[start : start + LOT]
            values = self.model.values(table.take(from_numpy(some)))
            weights = self.model.ensemble.explain(values)
            if weights is None:
                break
            found = reasons(
                weights, values, self.model.features, self.model.classes, judged.said[some],
                units=self.model.units, most=_REASONS,
            )  # fmt: skip
            for row, each in zip(some.tolist(), found, strict=True):
                told[row] = sentence(each)
        return told

    def _explained(self, judged: _Judged) -> NDArray[np.intp]:
        """Rows with reasons: flagged ones, then ambiguous, the most uncertain first; few of all."""
        if self.explain == "all":
            return np.arange(len(judged.said))
        if not self.explain:
            return np.arange(0)
        flagged = judged.odd | judged.found
        wanted = np.flatnonzero(flagged | (judged.sets.sum(axis=1) != 1))
        order = np.lexsort((-judged.entropy[wanted], ~flagged[wanted]))
        return np.sort(wanted[order][: max(1, int(EXPLAINED * len(judged.said)))])


@dataclass(frozen=True, slots=True)
class _Judged:
    """What a model says of rows, (n,) each."""

    measured: Mask
    """that anything of the object itself is"""
    said: NDArray[np.intp]
    top: Singles
    sets: Mask
    """(n, K)"""
    entropy: Singles
    spread: Singles
    """of the trees; NaN where no forest tells"""
    novelty: Singles
    distance: Singles
    ratio: Singles
    """of densities; NaN where it is not known"""
    found: Mask
    """a rare class beyond doubt"""
    odd: Mask
    """resembles no class"""
    shifted: Mask
    beside: Singles
    """(n, ...) probabilities: of classes, of branches, that it varies"""

    @classmethod
    def joined(cls, parts: list[_Judged]) -> _Judged:
        """Parts one after another."""
        if len(parts) == 1:
            return parts[0]
        names = cls.__slots__
        return cls(*(np.concatenate([getattr(each, name) for each in parts]) for name in names))


def _singles(told: Floats | None, n: int) -> Singles:
    """(n,) float32, NaN where nothing is told: -inf is the distance of a row without values."""
    if told is None:
        return np.full(n, np.nan, np.float32)
    return np.where(np.isfinite(told), told, np.nan).astype(np.float32)


def _known(told: Singles) -> pa.Array:
    """NaN as null."""
    return pa.array(told, from_pandas=True)


def probability_columns(classes: Sequence[str]) -> dict[str, str]:
    """The column of each probability, no two alike in the eyes of a database: classes come first.

    >>> probability_columns(["a b", "A-B", "c"])
    {'a b': 'p_a_b', 'A-B': 'p_A_B_2', 'c': 'p_c'}
    """
    told: dict[str, str] = {}
    taken: set[str] = set()
    for name in classes:
        column = plain = probability_column(name)
        number = 1
        while column.lower() in taken:
            number += 1
            column = f"{plain}_{number}"
        taken.add(column.lower())
        told[name] = column
    return told


def probability_column(name: str) -> str:
    """The column of a class's probability, where no other class has the same: p_white_dwarf.

    >>> probability_column("LM-STAR")
    'p_LM_STAR'
    """
    return "p_" + "".join(letter if letter.isalnum() else "_" for letter in name)
