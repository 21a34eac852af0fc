"""Which objects of a simulated SDSS get a spectrum: labels as real ones are, chosen and crowded.

A real training set is not a sample of the sky: bright galaxies, colours off the stellar locus and a
few stars by chance get a fibre, and none within 55" of a better target. What is learnt from them is
judged on everything, as truth allows here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.catalog.arrow import from_numpy, pc, to_numpy
from skyquarry.errors import DataError
from skyquarry.synthetic import chance
from skyquarry.synthetic.observe.surveys.sdss import BANDS, CATALOGUE
from skyquarry.synthetic.sdss.codes import Flag, PhotoType
from skyquarry.synthetic.sdss.selections import Chances, Looks, Shares, selected
from skyquarry.synthetic.sdss.targets import Candidates, with_fibers

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from skyquarry.engine.catalog import Catalog

    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

SURVEY: Final = CATALOGUE.instrument.survey
_ID: Final = "objID"
_NEEDS: Final = [
    _ID, "ra", "dec", "type", "mode", "flags", "petroMag_r", "petroR50_r",
    *(f"{kind}_{band}" for band in BANDS
      for kind in ("psfMag", "psfMagErr", "modelMag", "extinction")),
]  # fmt: skip


def with_spectra(objects: pa.Table, observed: Catalog, name: str, seed: int) -> Mask:
    """(n,) whether a matched object is among those that SDSS would have taken a spectrum of.

    objects: rows of a cross-match, with NAME_id. observed: the simulated SDSS catalogue `name`.
    Selections: `synthetic/sdss/selections.py`; its catalogue has no magnitudes of fibres, so that
    no galaxy is too bright for one. The catalogue is read tile by tile; targets, some 1 % of the
    rows, are held. Raises DataError where the catalogue is not a simulated SDSS.
    """
    lacks = [each for each in _NEEDS if each not in observed.stored.schema.names]
    if lacks:
        raise DataError(
            f"{name} has no column {', '.join(lacks[:6])}, but these tell whom SDSS would have "
            'chosen: take targeting = "none", or a sky that `skyquarry simulate` made'
        )
    parts = [_targets(batch, seed) for batch in observed.select(_NEEDS).stream()]
    every = _joined(parts)
    taken = every.owner[with_fibers(every, seed)]
    ids = objects[f"{name}_id"].combine_chunks()
    return np.asarray(to_numpy(pc.is_in(ids, value_set=from_numpy(taken).cast(ids.type))))


def _targets(rows: pa.RecordBatch, seed: int) -> Candidates:
    columns = {each: np.asarray(to_numpy(rows[each])) for each in _NEEDS}
    ids = columns[_ID].astype(np.int64)
    chances = Chances(*(chance.uniform(seed, what, ids) for what in ("targets", "mid z")))
    bits = selected(_looks(columns), chances, Shares())
    some = np.flatnonzero(bits)
    ra, dec = (columns[each][some] for each in ("ra", "dec"))
    return Candidates(ra, dec, ids[some], bits[some], some)


def _looks(columns: dict[str, Any]) -> Looks:
    """What the catalogue tells, magnitudes without the dust of the map."""

    def five(kind: str) -> Any:
        return np.stack([columns[f"{kind}_{band}"] for band in BANDS], axis=1).astype(np.float64)

    dust = five("extinction")
    return Looks(
        psf=five("psfMag") - dust,
        psf_error=five("psfMagErr"),
        model=five("modelMag") - dust,
        petro_r=columns["petroMag_r"] - dust[:, 2],
        half_light_r=columns["petroR50_r"].astype(np.float64),
        fiber_r=np.full(len(dust), np.nan),
        galaxy=columns["type"] == PhotoType.GALAXY,
        star=columns["type"] == PhotoType.STAR,
        usable=(columns["mode"] == 1) & ((columns["flags"] & int(Flag.SATURATED)) == 0),
    )


def _joined(parts: list[Candidates]) -> Candidates:
    made: dict[str, Any] = {
        each: np.concatenate([getattr(part, each) for part in parts])
        for each in Candidates.__slots__
    }
    return Candidates(**made)
