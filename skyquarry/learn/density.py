"""How dense a catalogue is beside the training set, object by object.

Where a catalogue has many times the training set's share of objects of a kind, what a model says of
them rests on few examples, however near they lie. The model keeps a sample of its training rows;
beside a sample of the catalogue a smooth learner (`domains.separator`) tells the ratio of their
densities (Sugiyama, Suzuki & Kanamori 2012, chapter 4).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.errors import DamagedError
from skyquarry.learn import arrays
from skyquarry.learn.checkpoints import write_whole
from skyquarry.learn.domains import LEAST_ROWS, Separator, separator

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Singles = NDArray[np.float32]
    Floats = NDArray[np.float64]

MOST_ROWS: Final = 4_000
"""of each sample: enough to see that one is ten times as dense"""
MOST: Final = 20.0
"""a greater ratio is told as this one: samples so small know no better"""
FILE: Final = "sample.safetensors"


@dataclass(frozen=True, slots=True)
class Ratio:
    """Density of a catalogue over that of the training set, both of share 1 in all."""

    columns: tuple[int, ...]
    learnt: Separator

    def of(self, values: Singles) -> Floats:
        """(n,) of features (n, p): 20 at most."""
        scores = self.learnt.quick_scores(values[:, list(self.columns)])
        return np.asarray(np.exp(np.minimum(scores, np.log(MOST))), np.float64)


@dataclass(frozen=True, slots=True)
class TrainingSample:
    """Some rows of a training set, in the features that tell best where they lie."""

    columns: tuple[int, ...]
    """which of the model's features"""
    values: Singles
    """(m, columns)"""

    @classmethod
    def of(cls, values: Singles, columns: Sequence[int], seed: int = 0) -> TrainingSample:
        """At most 4,000 of the rows (n, p)."""
        rows = np.sort(np.random.default_rng(seed).permutation(len(values))[:MOST_ROWS])
        kept = [int(each) for each in columns]
        return cls(tuple(kept), np.ascontiguousarray(values[rows][:, kept], np.float32))

    def ratio_to(self, values: Singles) -> Ratio | None:
        """Learnt of a sample of a catalogue, features (n, p); None where one has too few rows."""
        if min(len(values), len(self.values)) < LEAST_ROWS:
            return None
        return Ratio(self.columns, separator(self.values, values[:, list(self.columns)]))

    def save(self, folder: Path) -> None:
        """Write it into a folder that is there."""
        content = arrays.to_bytes({"values": self.values}, {"columns": list(self.columns)})
        write_whole(folder / FILE, content)

    @classmethod
    def load(cls, folder: Path, features: int) -> TrainingSample | None:
        """What `save` wrote; None where nothing was. Raises DamagedError, naming the file."""
        path = folder / FILE
        if not path.is_file():
            return None
        held, told = arrays.from_bytes(path.read_bytes(), str(path))
        columns, values = tuple(map(int, told.get("columns", ()))), held.get("values")
        if values is None or values.ndim != 2 or values.shape[1] != len(columns):
            raise DamagedError(f"{path} holds no sample of a training set: take it from a copy")
        if not columns or min(columns) < 0 or max(columns) >= features:
            raise DamagedError(f"{path} is of features that the model lacks: take it from a copy")
        return cls(columns, values)
