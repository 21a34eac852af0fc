"""Labelled objects of a boosted synthetic sky: made, matched as any sky is, and what they weigh.

Three fields at |b| = 35, 50 and 70; SDSS, 2MASS, AllWISE and Gaia, matched with `sq.crossmatch` at
its defaults. An object is labelled by the source with the largest part in its row (SDSS first, then
2MASS, AllWISE, Gaia), as a project labels it. Light curves of that source, in ZTF's cadence, are
joined by its id, constant or not: forced photometry at the object. Kept are objects within the
limits of their class (rare ones to half a magnitude in truth too), and of those at the end of the
main sequence all that are as bright in the infrared as brown dwarfs have to be: the others are what
these are mistaken for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
from skyboost import LATE, STRATA, BoostedSky, stratum_of

from skyquarry.catalog.arrow import from_numpy, to_numpy
from skyquarry.catalog.classes import Class, names_of, of_truth
from skyquarry.engine.archive import archive
from skyquarry.features.lightcurves import variability_of
from skyquarry.pipeline.crossmatching import crossmatch
from skyquarry.pipeline.examples import CELL, LABEL, WEIGHT
from skyquarry.pipeline.labelling import PHYSICS, sources_of_truth
from skyquarry.pipeline.simulating import Run
from skyquarry.pipeline.skyasked import field
from skyquarry.sky.healpix import index
from skyquarry.sky.ranges import Ranges
from skyquarry.synthetic.blocks import BLOCK_ORDER
from skyquarry.synthetic.changing.changes import Type
from skyquarry.synthetic.changing.lightcurves import NAMES, found, light_curves
from skyquarry.synthetic.observe.surveys import MAIN
from skyquarry.synthetic.populations import usual
from skyquarry.synthetic.simulation import StoredTruth

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from skyquarry.engine.archive import Archive
    from skyquarry.engine.catalog import Catalog
    from skyquarry.sky.algebra import Region

FIELDS: Final = ((90.0, 35.0), (150.0, 50.0), (60.0, 70.0))
"""galactic longitude and latitude"""
FAINTEST_R, FAINTEST_J, FAINTEST_W1 = 20.0, 16.5, 15.5
LEAST_DETECTIONS: Final = 6
STRATUM: Final = "label_stratum"
BRIGHT: Final = "label_r"
"""the magnitude that r <= 20 is asked of, for scores by magnitude"""
_NEEDED: Final = ("ra", "dec", "sdss_modelMag_r", "twomass_j_m", "allwise_w1mpro")


def region(area_deg2: float) -> Region:
    """The fields, of so many square degrees together."""
    several = [
        field(area_deg2 / len(FIELDS), longitude_deg=lon, latitude_deg=lat) for lon, lat in FIELDS
    ]
    whole = several[0]
    for each in several[1:]:
        whole |= each
    return whole


def made(path: Path, area_deg2: float, seed: int) -> Archive:
    """The sky and its match, as catalogues in a folder; kept where they are there."""
    sky = BoostedSky(region(area_deg2), seed, usual(), MAIN)
    path.mkdir(parents=True, exist_ok=True)
    Run(sky, path, "inline", False, False).truth_and_surveys()
    home = archive(path)
    if "matched" not in home.names():
        plan = crossmatch(*[home[name] for name in MAIN], names=list(MAIN))
        plan.to_catalog(path / "matched", "inline", wide=True)
    return archive(path)


def sample(home: Archive, seed: int) -> pa.Table:
    """The objects within limits: columns of the match, light curves' statistics, labels, weights.

    A row's weight is what it stands for in a sky that is not boosted.
    """
    matched = home["matched"]
    few = matched.select([f"{name}_id" for name in MAIN] + list(_NEEDED)).to_table()
    source, _ = sources_of_truth(few, home, MAIN)
    told = _Told.of(home, source, seed)
    place = told.place(source)
    kept = np.flatnonzero((place >= 0) & _within(few, told, place))
    place = place[kept]
    table = _rows(matched, kept)
    weight = np.append([each.weight for each in STRATA], 1.0)[told.stratum[place]]
    ra, dec = (to_numpy(table[name]) for name in ("ra", "dec"))
    more: dict[str, Any] = {
        LABEL: pa.array(names_of(told.codes[place]).tolist(), pa.string()),
        WEIGHT: from_numpy(weight),
        CELL: from_numpy(index(ra, dec, BLOCK_ORDER)),
        STRATUM: from_numpy(told.stratum[place]),
        BRIGHT: table["sdss_modelMag_r"],
    }
    for name in told.curves.column_names:
        if name != "id":
            more[name] = told.curves[name].take(told.curve.take(from_numpy(place)))
    for name, column in more.items():
        table = table.append_column(name, column)
    return table


def _rows(matched: Catalog, rows: NDArray[np.int64]) -> pa.Table:
    """These rows of a catalogue, by their numbers, ascending."""
    start, parts = 0, []
    for batch in matched.stream():
        first, last = np.searchsorted(rows, [start, start + batch.num_rows])
        parts.append(batch.take(from_numpy(rows[first:last] - start)))
        start += batch.num_rows
    return pa.Table.from_batches(parts)


class _Told:
    """What the truth says of the sources that objects are of; (n,) each, ids rising."""

    def __init__(self, parts: list[tuple[Any, ...]]) -> None:
        self.ids = np.concatenate([each[0] for each in parts])
        order = np.argsort(self.ids)
        self.ids = self.ids[order]
        names = ("codes", "types", "stratum", "late", "detections")
        for number, name in enumerate(names, 1):
            setattr(self, name, np.concatenate([each[number] for each in parts])[order])
        self.curves = pa.concat_tables([each[-1] for each in parts], promote_options="default")
        known = to_numpy(self.curves["id"])
        by_id = np.argsort(known)
        at = np.minimum(np.searchsorted(known[by_id], self.ids), len(known) - 1)
        there = known[by_id[at]] == self.ids
        self.curve = pa.array(by_id[at], mask=~there)

    @classmethod
    def of(cls, home: Archive, source: NDArray[np.int64], seed: int) -> _Told:
        truth = StoredTruth(home["truth"].stored)
        wanted = np.unique(source[source >= 0])
        blocks = np.unique(wanted >> 38)
        return cls([_of_block(truth, int(block), wanted, seed) for block in blocks])

    def place(self, source: NDArray[np.int64]) -> NDArray[np.int64]:
        at = np.minimum(np.searchsorted(self.ids, source), len(self.ids) - 1)
        return np.where(self.ids[at] == source, at, -1)


def _of_block(
    truth: StoredTruth, block: int, wanted: NDArray[np.int64], seed: int
) -> tuple[Any, ...]:
    """Ids, classes, strata ... of the wanted sources of a block, and their light curves."""
    sources, ids = truth.sources(Ranges.from_cells(BLOCK_ORDER, np.array([block])))
    kept = np.isin(ids, wanted)
    sources, ids = sources.taken(kept), ids[kept]
    some = found(sources, ids, seed)
    types, amplitude = np.full(len(ids), "", object), np.full(len(ids), np.nan)
    types[some.place] = [NAMES[Type(each)] for each in some.changes.type]
    amplitude[some.place] = some.changes.amplitude_mag
    physics = {name: getattr(sources, name) for name in PHYSICS}
    codes = of_truth(physics, types.astype(np.str_), amplitude)
    late = (codes == Class.MAIN_SEQUENCE) & (sources.spectral_type >= LATE)
    variables, curves = light_curves(block, sources, ids, seed, constants=1.0)
    counted = dict(
        zip(to_numpy(variables["id"]).tolist(), to_numpy(variables["detections"]).tolist(),
            strict=True)
    )  # fmt: skip
    detections = np.array([counted.get(each, 0) for each in ids.tolist()], np.int64)
    statistics = variability_of(curves)
    return ids, codes, types, stratum_of(sources, ids, seed), late, detections, statistics


def _within(few: pa.Table, told: _Told, place: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(n,) objects within the limits of their class."""
    r, j, w1 = (to_numpy(few[name].combine_chunks().fill_null(np.nan)) for name in _NEEDED[2:])
    code = told.codes[place]
    optical, infrared = r <= FAINTEST_R, (j <= FAINTEST_J) | (w1 <= FAINTEST_W1)
    common = np.isin(code, [Class.MAIN_SEQUENCE, Class.GALAXY])
    rare = np.isin(code, [Class.GIANT, Class.WHITE_DWARF, Class.QUASAR])
    inside = (common | rare) & optical
    inside |= ((code == Class.BROWN_DWARF) | told.late[place]) & infrared
    inside |= (code == Class.TRANSIENT) & (told.detections[place] >= LEAST_DETECTIONS)
    # of what is boosted none that is fainter in truth, and bright by another's light or a flare
    boosted = told.stratum[place] >= 0
    inside &= boosted | (common & optical)
    return np.asarray(inside & (place >= 0))
