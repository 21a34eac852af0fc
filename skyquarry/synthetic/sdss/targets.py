"""Which objects get a spectrum, and on which plate: SDSS's own selections, with their biases.

Main galaxies: Strauss et al. 2002, AJ 124, 1810. Luminous red galaxies: Eisenstein et al. 2001, AJ
122, 2267. Quasars: Richards et al. 2002, AJ 123, 2945, whose locus is a table here, and whose
exclusion boxes are from memory. Stars and serendipity: Stoughton et al. 2002, section 4.8.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.synthetic import chance
from skyquarry.synthetic.blocks import BLOCK_ORDER
from skyquarry.synthetic.observe.neighbours import neighbours
from skyquarry.synthetic.sdss.codes import Flag, Target
from skyquarry.synthetic.sdss.numbers import spectrum_ids

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
LOCUS: Final = np.array([
    (0.85, 0.20, 0.05, 0.00), (0.95, 0.30, 0.09, 0.02), (1.15, 0.40, 0.13, 0.04),
    (1.40, 0.50, 0.17, 0.06), (1.75, 0.65, 0.23, 0.10), (2.10, 0.85, 0.31, 0.15),
    (2.40, 1.05, 0.40, 0.20), (2.60, 1.25, 0.52, 0.28), (2.60, 1.38, 0.70, 0.38),
    (2.60, 1.42, 1.00, 0.55), (2.60, 1.45, 1.40, 0.75), (2.70, 1.50, 1.90, 1.05),
])  # fmt: skip
"""u-g, g-r, r-i, i-z along the stellar locus, after Covey et al. 2007, AJ 134, 2398, figure 3"""
_WIDTHS: Final = np.array([0.15, 0.06, 0.05, 0.05])
_LOCUS_SIGMAS: Final = 4.0


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
    flags, objects, seed = photo.flags, photo.objects, photo.seed
    psf = photo.mags("psf")[0] - photo.reddening
    bad = Flag.SATURATED | Flag.EDGE | Flag.COSMIC_RAY | Flag.MOVED
    usable = photo.primary & ((flags & int(bad)) == 0) & (psf[:, 2] > 14.5)
    usable &= (photo.type == 3) | (photo.type == 6)
    star = usable & (photo.type == 6)
    chances = objects.uniform(seed, "targets")
    told = np.zeros(len(objects), np.int64)
    galaxies = _galaxies(photo, usable & photo.is_galaxy)
    for bit, rows in {**galaxies, **_quasars(photo, psf, usable, star, archive.mid_z)}.items():
        told |= np.where(rows, int(bit), 0)
    for bit, rows, share in _stars(psf, star, usable):
        told |= np.where(rows & (chances < share * archive.targets), int(bit), 0)
    return told


def _galaxies(photo: Photo, usable: Mask) -> dict[Target, Mask]:
    petro = photo.mags("petro")[0] - photo.reddening
    model = photo.mags("model")[0] - photo.reddening
    r, half = petro[:, 2], photo.petro_half[:, 2]
    bright = r + 2.5 * np.log10(2.0 * np.pi * half**2)
    fiber = photo.mags("fiber")[0][:, 2]
    main = (r < 17.77) & (bright < 24.5) & (fiber > 15.0)
    gr, ri = model[:, 1] - model[:, 2], model[:, 2] - model[:, 3]
    across, along = ri - gr / 4 - 0.18, 0.7 * gr + 1.2 * (ri - 0.18)
    first = (r < 13.1 + along / 0.3) & (r < 19.2) & (np.abs(across) < 0.2) & (bright < 24.2)
    second = (r < 19.5) & (across > 0.45 - gr / 6) & (gr > 1.3 + 0.25 * ri) & (bright < 24.2)
    red = (first | second) & (r > 15.0)
    return {Target.GALAXY: usable & main, Target.GALAXY_RED: usable & red}


def _quasars(
    photo: Photo, psf: Floats, usable: Mask, star: Mask, mid_z: float
) -> dict[Target, Mask]:
    """Point sources far from the stellar locus, and blue extended ones."""
    colours = -np.diff(psf, axis=1)
    ug, gr, ri, iz = colours.T
    errors = photo.mags("psf")[1]
    wide2 = _WIDTHS**2 + errors[:, :-1] ** 2 + errors[:, 1:] ** 2
    near = np.flatnonzero(usable & (psf[:, 3] < 20.2))
    distance = np.full(len(psf), 0.0)
    away = (colours[near, None, :] - _on_locus()[None]) ** 2 / wide2[near, None, :]
    distance[near] = np.sqrt(away.sum(axis=2).min(axis=1)) if len(near) else 0.0
    outside = distance > _LOCUS_SIGMAS
    dwarf = (ug < 0.7) & (gr < -0.1) & (ri < -0.1)
    hot = (ug > 0.7) & (ug < 1.4) & (gr < 0.0) & (ri < 0.0)  # A stars
    composite = (gr < 0.7) & (ri > 0.4) & (iz > 0.4)  # a white and a red dwarf
    excluded = dwarf | hot | composite
    bright = usable & (psf[:, 3] < 19.1) & ~excluded
    middle = star & (ug > 0.6) & (ug < 1.5) & (gr > 0.0) & (gr < 0.2) & (np.abs(ri - 0.15) < 0.25)
    middle &= np.abs(iz - 0.15) < 0.25
    sampled = photo.objects.uniform(photo.seed, "mid z") < mid_z
    cap = bright & star & ~middle & outside & (ug < 2.2) & (gr < 1.0)
    cap |= bright & ~star & (ug < 0.6) & (gr < 0.5)
    cap |= bright & middle & sampled
    u_out = (ug > 1.5) | (psf[:, 0] > 20.6)
    high = star & (psf[:, 3] < 20.2) & outside & u_out & (gr > 0.7)
    high &= ((ri < 0.44 * gr - 0.358) | (gr > 2.1)) & (iz < 0.25) & ~excluded
    return {Target.QSO_CAP: cap, Target.QSO_HIZ: high}


def _on_locus() -> Floats:
    """(m, 4) colours at 0.2 steps between the rows of the table."""
    steps = np.linspace(0.0, len(LOCUS) - 1.0, 5 * (len(LOCUS) - 1) + 1)
    return np.stack([np.interp(steps, np.arange(len(LOCUS)), each) for each in LOCUS.T], axis=1)


def _stars(psf: Floats, star: Mask, usable: Mask) -> list[tuple[Target, Mask, float]]:
    """(bit, rows, part of them that is observed): shares are ours, densities as SDSS's."""
    ug, gr, ri, _ = (-np.diff(psf, axis=1)).T
    r = psf[:, 2]
    white = star & (gr < -0.2) & (ug < 0.4) & (r < 20.0)
    branch = star & (gr > -0.4) & (gr < 0.0) & (ug > 0.8) & (ug < 1.5) & (r < 19.0)
    red = star & (ri > 1.0) & (r < 19.5)
    return [
        (Target.STAR_WHITE_DWARF, white, 0.5),
        (Target.STAR_BHB, branch, 0.5),
        (Target.STAR_RED_DWARF, red, 0.01),
        (Target.SERENDIP_MANUAL, star & (r < 19.0), 0.003),
        (Target.SERENDIP_DISTANT, usable & (psf[:, 2] < 20.0) & (psf[:, 2] > 18.0), 0.002),
    ]


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
