"""Matched objects with labels, as tables to train and to judge with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from skyquarry.catalog.arrow import from_numpy, pc, to_numpy
from skyquarry.catalog.classes import EIGHT, Class, names_of
from skyquarry.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from skyquarry.catalog.classes import Codes
    from skyquarry.engine.catalog import Catalog

    Mask = NDArray[np.bool_]

LABEL, WEIGHT, CELL = "label_class", "label_weight", "label_cell"
"""Columns that examples have beside those of the match."""
VARIES = "label_varies"
"""And where it is known which objects vary: 1, 0, or null."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which labelled objects become examples."""

    most_per_class: int = 20_000
    """more are thinned by chance; the weight of a row is what it stands for"""
    least_per_class: int = 50
    """a class of fewer is left out, and told"""
    cell_order: int = 7
    """HEALPix order of the cells of which none is on both sides: 0.21 square degrees at 7"""
    test_share: float = 0.2
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Examples:
    """Tables of the columns of the match, with LABEL, WEIGHT and CELL."""

    train: pa.Table
    test: pa.Table
    counts: dict[str, int]
    """labelled objects of each class"""
    left_out: dict[str, int]
    """of classes that are too few, or none of the eight"""


def examples_of(
    matched: Catalog,
    codes: Codes,
    choice: Choice | None = None,
    varies: Codes | None = None,
    learnt: Mask | None = None,
) -> Examples:
    """Examples among the objects of a match, by the codes (n,) of their classes.

    codes: in the order of the match's rows; and so varies, 1, 0 or -1: left out where too few of
    either are among the examples; and learnt, of which objects alone one may learn, while those to
    judge with are of all that have the classes which are learnt. Rows are read tile by tile, and
    only those chosen are held. Raises UserError where fewer than two classes are left.
    """
    choice = choice or Choice()
    if learnt is not None:
        return _learnt_of_some(matched, codes, choice, varies, learnt)
    kept, left_out = _classes(codes, choice)
    rows = np.flatnonzero(np.isin(codes, list(kept)))
    taken = _thinned(rows, codes[rows], choice)
    table = _read(matched, taken)
    counts = {name: kept[code] for code, name in zip(kept, _names(kept), strict=True)}
    table = _described(table, codes[taken], kept, choice)
    known = np.full(len(taken), -1, np.int8) if varies is None else varies[taken]
    if min((known == 0).sum(), (known == 1).sum()) >= 2 * choice.least_per_class:
        table = table.append_column(VARIES, pa.array(known, pa.int8(), mask=known < 0))
    test = _held_out(table, codes[taken], choice)
    return Examples(
        table.filter(from_numpy(~test)), table.filter(from_numpy(test)), counts, left_out
    )


def _learnt_of_some(
    matched: Catalog, codes: Codes, choice: Choice, varies: Codes | None, learnt: Mask
) -> Examples:
    """Those to judge with from the whole, those to learn of from some; no cell on both sides."""
    some = examples_of(
        matched, np.where(learnt, codes, Class.UNLABELLED).astype(np.int8), choice, varies
    )
    whole = examples_of(matched, codes, choice, varies)
    judged = pc.unique(whole.test[CELL].combine_chunks())
    rows = pa.concat_tables([some.train, some.test])
    train = rows.filter(pc.invert(pc.is_in(rows[CELL], value_set=judged)))
    told = pc.unique(train[LABEL].combine_chunks())
    test = whole.test.filter(pc.is_in(whole.test[LABEL], value_set=told))
    left_out = {name: n for name, n in whole.counts.items() if name not in some.counts}
    return Examples(train, test, some.counts, left_out | whole.left_out)


def _classes(codes: Codes, choice: Choice) -> tuple[dict[int, int], dict[str, int]]:
    """Members of the classes that are learnt, by code; and of those left out, by name."""
    found, counts = np.unique(codes[codes >= 0], return_counts=True)
    members = dict(zip(found.tolist(), counts.tolist(), strict=True))
    eight = {int(each) for each in EIGHT}
    kept = {c: n for c, n in members.items() if c in eight and n >= choice.least_per_class}
    if len(kept) < 2:
        told = ", ".join(f"{name} {members[code]}" for code, name in
                         zip(members, _names(members), strict=True))  # fmt: skip
        raise UserError(
            f"the labelled objects are {told or 'none'}, but two classes of "
            f"{choice.least_per_class} objects or more are needed: label more, or take a larger "
            "part of the sky"
        )
    rest = [code for code in members if code not in kept]
    return kept, {name: members[code] for code, name in zip(rest, _names(rest), strict=True)}


def _names(codes: dict[int, int] | list[int]) -> list[str]:
    names: list[str] = names_of(np.array(list(codes), np.int8)).tolist()
    return names


def _thinned(rows: NDArray[np.int64], codes: Codes, choice: Choice) -> NDArray[np.int64]:
    """At most so many rows of each class, in order."""
    random = np.random.default_rng((choice.seed, 1))
    taken = []
    for code in np.unique(codes):
        mine = rows[codes == code]
        if len(mine) > choice.most_per_class:
            mine = random.choice(mine, choice.most_per_class, replace=False)
        taken.append(mine)
    return np.sort(np.concatenate(taken))


def _read(matched: Catalog, rows: NDArray[np.int64]) -> pa.Table:
    """These rows of a catalogue, by their numbers, ascending."""
    return pa.Table.from_batches(list(_batches(matched, rows)))


def _batches(matched: Catalog, rows: NDArray[np.int64]) -> Iterator[pa.RecordBatch]:
    start = 0
    for batch in matched.stream():
        first, last = np.searchsorted(rows, [start, start + batch.num_rows])
        if last > first:
            yield batch.take(from_numpy(rows[first:last] - start))
        start += batch.num_rows


def _described(table: pa.Table, codes: Codes, kept: dict[int, int], choice: Choice) -> pa.Table:
    from skyquarry.sky.healpix import index

    ra, dec = (to_numpy(table[name]) for name in ("ra", "dec"))
    taken = {code: int((codes == code).sum()) for code in kept}
    weight = np.array([kept[code] / taken[code] for code in codes.tolist()])
    table = table.append_column(LABEL, pa.array(names_of(codes).tolist(), pa.string()))
    table = table.append_column(WEIGHT, from_numpy(weight))
    return table.append_column(CELL, from_numpy(index(ra, dec, choice.cell_order)))


def _held_out(table: pa.Table, codes: Codes, choice: Choice) -> Mask:
    from skyquarry.learn.splits import holdout

    cells = to_numpy(table[CELL])
    return holdout(codes.astype(np.int64), cells, choice.test_share, choice.seed)
