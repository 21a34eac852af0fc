"""Which objects to look at next: rare ones beyond doubt, unusual ones, and those that tell most.

Ranked by the information that a spectrum is expected to bring which tells the class: the entropy of
the class before less the mean of that after, in bits (Lindley 1956, Ann. Math. Stat. 27, 986),

    gain = H(p) - sum_k p_k H(class | told that it is k) = -sum_k p_k log2 p_k,

as nothing is left open once the class is told. Of an object that resembles no class it is the least
that is to be learnt: p knows only the known classes. What the same label would teach the model is
the disagreement of its learners (Houlsby et al. 2011, arXiv:1112.5745, eq. 2),

    model_gain = H(mean_m p_m) - mean_m H(p_m).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from skyquarry.catalog.arrow import from_numpy, pc, to_numpy
from skyquarry.learn.explanations import reasons, sentence
from skyquarry.pipeline.verdicts import probability_columns

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from skyquarry.catalog.stored import Stored
    from skyquarry.engine.catalog import Catalog
    from skyquarry.learn.model import Model

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

_REASONS: Final = 3
_BLOCK: Final = 2_000
"""objects explained at once"""


@dataclass(frozen=True, slots=True)
class Listing:
    """One list: its file's name, and what stands in it."""

    name: str
    title: str
    flag: str | None
    """the column that says who is in it; None: everyone"""
    note: str


LISTINGS: Final = (
    Listing("rare", "Rare objects beyond doubt", "discovery",
            "A rare class with a probability of 0.9 and more, alone in its set of possible "
            "classes; those that a spectrum would tell most of first."),
    Listing("unusual", "Unusual objects", "follow_up",
            "Objects that resemble no class: of the members of a class one in a hundred does so "
            "by chance. Artefacts and blends stand here too."),
    Listing("telling", "Objects that would tell most", None,
            "Of all objects those whose class is least certain: a spectrum is worth most here, "
            "where one can be had."),
)  # fmt: skip
_COLUMNS: Final = {
    "rank": ("", "1 is the first to look at: by gain, then by id"),
    "gain": ("bit", "expected entropy reduction by its spectrum: -sum p log2 p (Lindley 1956)"),
    "model_gain": ("bit", "what its class would teach the model (Houlsby et al. 2011, eq. 2)"),
    "reason": ("", "what speaks most for or against the class"),
}  # fmt: skip


def entropy_bits(p: Floats) -> Floats:
    """(n,) of probabilities (n, K), along the last axis.

    >>> entropy_bits(np.array([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]])).tolist()
    [1.0, 0.0]
    """
    told: Floats = -(p * np.log2(np.where(p > 0.0, p, 1.0))).sum(axis=-1) + 0.0
    return told


def disagreement_bits(parts: Floats) -> Floats:
    """(n,) of what learners say (L, n, K): 0 where all say the same."""
    told: Floats = np.maximum(
        entropy_bits(parts.mean(axis=0)) - entropy_bits(parts).mean(axis=0), 0
    )
    return told


def listed(
    matched: Catalog, classified: Stored, model: Model, bands: Sequence[str], most: int
) -> dict[str, pa.Table]:
    """The lists by name: at most so many rows each, in bounded memory.

    `bands`: features of the match that stand in a column each. An object of which nothing is
    measured is in none: its doubt is the mix's.
    """
    names = list(probability_columns(model.classes).values())
    best: dict[str, pa.Table] = {}
    for tile in _tiles(classified):
        rows = tile.filter(pc.is_valid(tile["outcome"]))
        p = np.stack([to_numpy(rows[name]).astype(float) for name in names], axis=1)
        told = rows.append_column("gain", from_numpy(entropy_bits(p)))
        for each in LISTINGS:
            best[each.name] = _best(best.get(each.name), told, each.flag, most)
    return {name: _complete(rows, matched, model, bands) for name, rows in best.items()}


def _tiles(classified: Stored) -> Iterator[pa.Table]:
    for number in range(len(classified.tiles)):
        yield classified.read(number, list(classified.default_columns))


def _best(known: pa.Table | None, rows: pa.Table, flag: str | None, most: int) -> pa.Table:
    """The foremost of those known and new."""
    mine = rows if flag is None else rows.filter(rows[flag])
    joined = mine if known is None else pa.concat_tables([known, mine])
    order = [("gain", "descending"), (joined.column_names[0], "ascending")]
    return joined.sort_by(order).slice(0, most).combine_chunks()


def _complete(rows: pa.Table, matched: Catalog, model: Model, bands: Sequence[str]) -> pa.Table:
    """With ranks, magnitudes, what the learners say, and reasons for all."""
    key = str(matched.roles.id)
    table = matched.ids(rows[key].to_pylist()).to_table()
    table = table.take(pc.index_in(rows[key], value_set=table[key].combine_chunks()))
    values = model.values(table)
    said = np.array([model.classes.index(each) for each in rows["class"].to_pylist()], np.intp)
    told = {
        "rank": pa.array(np.arange(1, rows.num_rows + 1)),
        "id": rows[key],
        **{name: rows[name] for name in ("ra", "dec", "class", "probability")},
        "gain": rows["gain"],
        "model_gain": from_numpy(disagreement_bits(model.ensemble.parts(values))),
        **{name: rows[name] for name in ("novelty", "distance", "tree_spread", "density_ratio",
                                         "class_set", "discovery", "follow_up", "shifted",
                                         "undersampled")},
        **{name: rows[name] for name in probability_columns(model.classes).values()},
        **{name: _column(values, model, name) for name in bands if name in model.features},
        "reason": pa.array(_reasons(rows["reasons"].to_pylist(), values, said, model), pa.string()),
    }  # fmt: skip
    return pa.table(
        list(told.values()), schema=pa.schema([_field(n, c, rows) for n, c in told.items()])
    )


def _column(values: NDArray[np.float32], model: Model, name: str) -> pa.Array:
    return pa.array(values[:, model.features.index(name)], from_pandas=True)


def _field(name: str, column: Any, rows: pa.Table) -> pa.Field:
    """With the meaning of ours, or of the catalogue's."""
    if name in _COLUMNS:
        unit, text = _COLUMNS[name]
        told = {"unit": unit, "description": text}
    elif name in rows.column_names:
        return rows.schema.field(name)
    elif name == "id":
        told = {"description": "of the object in the match"}
    else:
        told = {"unit": "mag", "description": "magnitude, in the survey's own system"}
    return pa.field(name, column.type, metadata={k: v for k, v in told.items() if v})


def _reasons(
    known: list[str | None], values: NDArray[np.float32], said: NDArray[np.intp], model: Model
) -> list[str | None]:
    """Those that the catalogue has, and for the others those that the learners give."""
    told = list(known)
    missing = np.array([row for row, each in enumerate(known) if not each], np.intp)
    for start in range(0, len(missing), _BLOCK):
        some = missing[start : start + _BLOCK]
        weights = model.ensemble.explain(values[some])
        if weights is None:
            break
        found = reasons(
            weights, values[some], model.features, model.classes, said[some], units=model.units,
            most=_REASONS,
        )  # fmt: skip
        for row, each in zip(some.tolist(), found, strict=True):
            told[row] = sentence(each)
    return told
