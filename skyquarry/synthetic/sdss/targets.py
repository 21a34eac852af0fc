"""Which targets get a fibre, and on which plate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.synthetic import chance
from skyquarry.synthetic.blocks import BLOCK_ORDER
from skyquarry.synthetic.observe.neighbours import neighbours
from skyquarry.synthetic.sdss.codes import Flag, PhotoType, Target
from skyquarry.synthetic.sdss.numbers import spectrum_ids
from skyquarry.synthetic.sdss.selections import Chances, Looks, Shares, selected

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.synthetic.sdss.photo import Photo
    from skyquarry.synthetic.sdss.settings import Archive

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

COLLISION_ARCSEC: Final = 55.0
"""Two fibres of a plate are no nearer to each other; a third of the sky is on two plates."""
_SECOND_CHANCE: Final = 0.33
_FIBERS: Final = 40
"""of a plate for each of its 16 blocks: 640 in all"""
PLATE_ORDER: Final = 5
PLATES: Final = 2
"""Plates are laid on HEALPix cells 1.8 degrees wide, two on each."""
_FIRST_PLATE: Final = 266


@dataclass(frozen=True, slots=True)
class Candidates:
    """Targets (n,) of a patch and what is around it."""

    ra_deg: Floats
    dec_deg: Floats
    owner: Ints
    bits: Ints
    """(n,) of Target"""
    place: Ints
    """(n,) among the objects of the patch; -1 around it"""

    @classmethod
    def of(cls, photo: Photo, archive: Archive, *, around: bool) -> Candidates:
        """Those among some objects; `around`: objects that are not in the patch."""
        bits = target_bits(photo, archive)
        some = np.flatnonzero(bits)
        made = photo.objects.measured
        place = np.full(len(some), -1) if around else some
        return cls(made.ra_deg[some], made.dec_deg[some], made.owner[some], bits[some], place)

    def joined(self, other: Candidates) -> Candidates:
        """Both."""
        parts: dict[str, Any] = {
            name: np.concatenate([getattr(self, name), getattr(other, name)])
            for name in self.__slots__
        }
        return Candidates(**parts)


def target_bits(photo: Photo, archive: Archive) -> Ints:
    """(n,) why an object is a target; 0 for none."""
    bad = Flag.SATURATED | Flag.EDGE | Flag.COSMIC_RAY | Flag.MOVED
    psf, errors = photo.mags("psf")
    looks = Looks(
        psf=psf - photo.reddening,
        psf_error=errors,
        model=photo.mags("model")[0] - photo.reddening,
        petro_r=photo.mags("petro")[0][:, 2] - photo.reddening[:, 2],
        half_light_r=photo.petro_half[:, 2],
        fiber_r=photo.mags("fiber")[0][:, 2],
        galaxy=photo.is_galaxy,
        star=photo.type == PhotoType.STAR,
        usable=photo.primary & ((photo.flags & int(bad)) == 0),
    )
    objects, seed = photo.objects, photo.seed
    chances = Chances(objects.uniform(seed, "targets"), objects.uniform(seed, "mid z"))
    return selected(looks, chances, Shares(archive.targets, archive.mid_z))


def importance(bits: Ints, owner: Ints, seed: int) -> Floats:
    """(n,) which target comes first: quasars, red galaxies, main galaxies, others; then a hash."""
    rare = (bits & int(Target.QSO_CAP | Target.QSO_HIZ)) > 0
    red = (bits & int(Target.GALAXY_RED)) > 0
    main = (bits & int(Target.GALAXY)) > 0
    rank = np.where(rare, 3.0, np.where(red, 2.0, np.where(main, 1.0, 0.0)))
    return np.asarray(rank + chance.uniform(seed, "sdss.fibers", owner))


def with_fibers(candidates: Candidates, seed: int) -> Mask:
    """(n,) targets that no more important one within 55" keeps from the plate.

    No chains: each target is judged by those beside it alone.
    """
    owner = candidates.owner
    rank = importance(candidates.bits, owner, seed)
    near = neighbours(candidates.ra_deg, candidates.dec_deg, COLLISION_ARCSEC)
    beaten = np.zeros(len(owner), np.bool_)
    beaten[near.seen[rank[near.other] > rank[near.seen]]] = True
    return np.asarray(~beaten | (chance.uniform(seed, "sdss.plates", owner) < _SECOND_CHANCE))


@dataclass(frozen=True, slots=True)
class Fibers:
    """Where targets (n,) were plugged."""

    plate: Ints
    fiber: Ints
    mjd: Ints
    ids: Ints
    """(n,) specObjIDs"""

    def taken(self, which: Mask) -> Fibers:
        """Some of them."""
        return Fibers(*(getattr(self, name)[which] for name in self.__slots__))

    @classmethod
    def of(cls, block: Ints, rank_by: Floats, seed: int) -> Fibers:
        """Of targets that hold every one in their blocks (n,): 40 a plate, the first ones first.

        `rank_by` (n,): their importance. The plate is -1 where two plates have no room.
        """
        order = np.lexsort((-rank_by, block))
        first = np.flatnonzero(np.diff(block[order], prepend=-1))
        count = np.diff(np.append(first, len(order)))
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order)) - np.repeat(first, count)
        tile, within = np.divmod(rank, _FIBERS)
        plate = plate_of(block >> 2 * (BLOCK_ORDER - PLATE_ORDER), tile)
        mjd = plate_mjd(plate, seed)
        inside = block & ((1 << 2 * (BLOCK_ORDER - PLATE_ORDER)) - 1)
        fiber = 1 + _FIBERS * inside + within
        ids = np.where(tile < PLATES, spectrum_ids(plate, mjd, fiber), -1)
        return cls(np.where(tile < PLATES, plate, -1), fiber, mjd, ids)


def plate_of(cell: Ints, tile: Ints) -> Ints:
    """(n,) numbers of plates: a cell of order 5, and which of the plates laid on it."""
    return _FIRST_PLATE + PLATES * cell + np.minimum(tile, PLATES - 1)


def plate_mjd(plate: Ints, seed: int) -> Ints:
    """(n,) nights between 2000 and 2009."""
    days = chance.uniform(seed, "sdss.plate", plate) * 3300
    return 51_600 + np.floor(days).astype(np.int64)
