"""The classified objects counted, tile by tile: all that the page draws, in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from skyquarry.catalog.arrow import pc, to_numpy
from skyquarry.catalog.columns import SPATIAL
from skyquarry.errors import DataError
from skyquarry.features.making import features_of
from skyquarry.pipeline.brightness import magnitude_name
from skyquarry.pipeline.project.reporting.diagrams import all_names, bands_of, diagrams_of
from skyquarry.pipeline.project.reporting.skyplane import COARSE, Field, Whole, plane_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from skyquarry.catalog.stored import Stored
    from skyquarry.pipeline.project.reporting.diagrams import Diagram

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

BINS: Final = 110
"""along each side of a diagram"""
SAMPLE: Final = 1_500
"""objects of each class that are kept as they are, chosen by a hash of their place"""
FLAGS: Final = ("discovery", "follow_up", "shifted", "undersampled", "variable")
"""Columns that are true; `variable`: p_variable of 0.5 and more"""
MAG_EDGES: Final = np.arange(6.0, 28.01, 0.5)


@dataclass
class Tally:
    """Counts of K classes."""

    classes: tuple[str, ...]
    diagrams: tuple[Diagram, ...]
    bands: tuple[str, ...]
    plane: Field | Whole
    magnitude: str | None
    """the feature that objects are counted by"""
    counts: Ints = field(init=False)
    """(K,)"""
    flags: Ints = field(init=False)
    """(len(FLAGS), K)"""
    sky: NDArray[np.int32] = field(init=False)
    """(K, bins of the plane)"""
    planes: list[NDArray[np.int32]] = field(init=False)
    """(K, BINS, BINS) of each diagram: rows are y, columns x"""
    shown: Ints = field(init=False)
    """(diagrams, K): objects that stand in a diagram, within its limits or not"""
    by_magnitude: Ints = field(init=False)
    """(K, len(MAG_EDGES) - 1)"""
    samples: dict[str, pa.Table] = field(default_factory=dict)
    """by class: at most SAMPLE rows"""

    def __post_init__(self) -> None:
        kinds = len(self.classes)
        self.counts = np.zeros(kinds, np.int64)
        self.flags = np.zeros((len(FLAGS), kinds), np.int64)
        self.sky = np.zeros((kinds, self.plane.bins), np.int32)
        self.planes = [np.zeros((kinds, BINS, BINS), np.int32) for _ in self.diagrams]
        self.shown = np.zeros((len(self.diagrams), kinds), np.int64)
        self.by_magnitude = np.zeros((kinds, len(MAG_EDGES) - 1), np.int64)

    def add(self, rows: pa.Table, values: Mapping[str, Floats]) -> None:
        """Count a tile's classified rows, with features (n,) by name."""
        number = _numbers(rows["class"], self.classes)
        kinds = len(self.classes)
        self.counts += np.bincount(number, minlength=kinds)
        for line, name in enumerate(FLAGS):
            mine = _flagged(rows, name)
            self.flags[line] += np.bincount(number[mine], minlength=kinds)
        place = self.plane.bin_of(to_numpy(rows["ra"]), to_numpy(rows["dec"]))
        _count(self.sky, number, place)
        places: dict[str, Floats] = {}
        for line, diagram in enumerate(self.diagrams):
            x, y = diagram.of(values)
            there = np.isfinite(x)
            self.shown[line] += np.bincount(number[there], minlength=kinds)
            _count(self.planes[line].reshape(kinds, -1), number, _bin(x, y, diagram))
            places |= {f"x{line}": x, f"y{line}": y}
        if self.magnitude is not None:
            bins = np.searchsorted(MAG_EDGES, values[self.magnitude], side="right") - 1
            known = np.isfinite(values[self.magnitude]) & (bins < len(MAG_EDGES) - 1)
            _count(self.by_magnitude, number, np.where(known, bins, -1))
        self._sample(rows, number, places | {name: values[name] for name in self.bands})

    def _sample(self, rows: pa.Table, number: Ints, places: dict[str, Floats]) -> None:
        """Of each class the rows with the smallest hashes, whatever the order of the tiles."""
        lot = _hash(to_numpy(rows[SPATIAL]))
        for kind, name in enumerate(self.classes):
            mine = np.flatnonzero(number == kind)
            if len(mine) > SAMPLE:
                mine = mine[np.argsort(lot[mine], kind="stable")[:SAMPLE]]
            if not len(mine):
                continue
            new = rows.take(pa.array(mine)).append_column("lot", pa.array(lot[mine]))
            for each, value in places.items():
                new = new.append_column(each, pa.array(value[mine]))
            known = self.samples.get(name)
            new = new if known is None else pa.concat_tables([known, new])
            order = [("lot", "ascending"), (new.column_names[0], "ascending")]
            self.samples[name] = new.sort_by(order).slice(0, SAMPLE).combine_chunks()


def tallied(
    matched: Stored,
    classified: Stored | None,
    classes: tuple[str, ...],
    surveys: Mapping[str, str],
    magnitude: str | None = None,
) -> Tally:
    """All objects of a match, counted by their classes, or as the one class where none was told.

    `classified`: the match under a model, and `classes` those of the model; `surveys`: whose
    columns those of each matched catalogue are; `magnitude`: the feature that objects are counted
    by, else the usual one. Raises DataError where the two catalogues do not belong together.
    """
    known = _known(matched, surveys, magnitude)
    if magnitude not in known:
        bands = bands_of(known)
        magnitude = magnitude_name(bands, ["mag"] * len(bands))
    pixels, _ = matched.skymap(COARSE)
    made = Tally(classes, diagrams_of(known), bands_of(known), plane_of(pixels), magnitude)
    own = [*made.bands, *([magnitude] if magnitude else [])]
    wanted = list(dict.fromkeys([*own, *(f for each in made.diagrams for f in each.features)]))
    pairs = _tiles(matched, classified) if classified else _unclassified(matched, classes[0])
    for rows, table in pairs:
        values: dict[str, Any] = {}
        if wanted:
            told = features_of(table, surveys, which=wanted, absent="nan")
            values = {name: told.values[:, n].astype(float) for n, name in enumerate(told.names)}
        made.add(rows, values)
    return made


def _known(matched: Stored, surveys: Mapping[str, str], magnitude: str | None) -> tuple[str, ...]:
    """Which of the features that a page may want can be made of the match."""
    if not surveys:
        return ()
    asked = [*all_names(), *([magnitude] if magnitude else [])]
    told = features_of(matched.schema.empty_table(), surveys, which=asked, absent="nan")
    refused = {name for name, _ in told.refused}
    return tuple(name for name in told.names if name not in refused)


def _tiles(matched: Stored, classified: Stored) -> Iterator[tuple[pa.Table, pa.Table]]:
    """Of each tile the classified rows, and the same rows of the match."""
    key = str(matched.roles.id)
    for number in range(len(classified.tiles)):
        rows = classified.read(number, [*_told(classified), SPATIAL])
        where = matched.tiles.find(to_numpy(rows[SPATIAL])[:1])
        table = matched.read(int(where[0])) if rows.num_rows else matched.schema.empty_table()
        place = pc.index_in(rows[key], value_set=table[key].combine_chunks())
        if place.null_count:
            raise DataError(
                f"{classified.name} has objects that {matched.name} has not, but it has to be made "
                "of it: classify it again"
            )
        yield rows, table.take(place.combine_chunks())


def _unclassified(matched: Stored, name: str) -> Iterator[tuple[pa.Table, pa.Table]]:
    """Of each tile the rows of the match, all of one class."""
    for number in range(len(matched.tiles)):
        table = matched.read(number, [*_told(matched), SPATIAL])
        rows = table.select([str(matched.roles.id), "ra", "dec", SPATIAL])
        yield rows.append_column("class", pa.repeat(pa.scalar(name), rows.num_rows)), table


def _told(classified: Stored) -> list[str]:
    return [name for name in classified.schema.names if name != SPATIAL]


def _flagged(rows: pa.Table, name: str) -> NDArray[np.bool_]:
    """(n,) whether a flag is set; a model without a second head calls nothing variable."""
    if name in rows.column_names:
        return np.asarray(to_numpy(rows[name].combine_chunks().fill_null(False)), np.bool_)
    if f"p_{name}" in rows.column_names:
        return np.asarray(to_numpy(rows[f"p_{name}"]) >= 0.5)
    return np.zeros(rows.num_rows, np.bool_)


def _numbers(words: pa.ChunkedArray, classes: tuple[str, ...]) -> Ints:
    place = pc.index_in(words, value_set=pa.array(classes, pa.string()))
    return np.asarray(to_numpy(place.combine_chunks()), np.int64)


def _count(into: NDArray[Any], number: Ints, place: Ints) -> None:
    """Add one at (class, place) for each row whose place is not -1."""
    there = place >= 0
    bins = into.shape[1]
    flat = np.bincount(number[there] * bins + place[there], minlength=into.size)
    into += flat.reshape(into.shape).astype(into.dtype)


def _bin(x: Floats, y: Floats, diagram: Diagram) -> Ints:
    """(n,) the bin of each object, rows along y; -1 outside the limits."""
    places = []
    for value, axis in ((x, diagram.x), (y, diagram.y)):
        with np.errstate(invalid="ignore"):
            place = np.floor((value - axis.low) / (axis.high - axis.low) * BINS)
            places.append(np.where((place >= 0) & (place < BINS), place, -1.0))
    inside = (places[0] >= 0) & (places[1] >= 0)
    return np.where(inside, places[1] * BINS + places[0], -1).astype(np.int64)


def _hash(pixel: Ints) -> Ints:
    """(n,) numbers that hang on the place and on nothing else (splitmix64, Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        z = pixel.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return ((z ^ (z >> np.uint64(31))) >> np.uint64(1)).astype(np.int64)
