"""Satellite trails, ghosts, cosmic rays, defects: objects that are no sources, and masks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.sky.vectors import to_xyz
from skyquarry.synthetic import chance
from skyquarry.synthetic.observe.light import fluxes
from skyquarry.synthetic.observe.observing import spurious
from skyquarry.synthetic.observe.places import shifted
from skyquarry.synthetic.observe.surveys.sdss import INSTRUMENT
from skyquarry.synthetic.sdss.codes import Mode, PhotoType
from skyquarry.synthetic.sdss.moving import measured_of, owners
from skyquarry.synthetic.sdss.objects import Objects
from skyquarry.synthetic.sdss.scans import LENGTH_DEG, first_scan
from skyquarry.synthetic.sources import Sources

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.synthetic.blocks import Block
    from skyquarry.synthetic.sdss.settings import Archive

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

_FAULTS: Final = 7_003
_PIECE_ARCSEC: Final = 12.0
"""The deblender breaks a trail into objects about so long."""


@dataclass(frozen=True, slots=True)
class Masks:
    """Stretches of the sky (n,) that a fault covers: a rectangle, or a circle without length."""

    kind: Ints
    """(n,) PhotoType.TRAIL or GHOST"""
    number: Ints
    """(n,) of their own everywhere"""
    ra_deg: Floats
    dec_deg: Floats
    length_arcsec: Floats
    radius_arcsec: Floats
    """(n,) half the width of a trail"""
    pa_deg: Floats
    band: Ints
    """(n,) 0 to 4: the one in which it was seen"""

    def __len__(self) -> int:
        return len(self.kind)

    @staticmethod
    def concatenated(parts: list[Masks]) -> Masks:
        """One after the other."""
        names = Masks.__slots__
        joined: dict[str, Any] = {
            name: np.concatenate([getattr(part, name) for part in parts]) for name in names
        }
        return Masks(**joined)

    def covers(self, ra_deg: Floats, dec_deg: Floats) -> Mask:
        """(m,) positions that lie in one of them."""
        inside = np.zeros(len(ra_deg), np.bool_)
        xyz = to_xyz(ra_deg, dec_deg)
        for k in range(len(self)):
            ra, dec, pa = (np.radians(each[k]) for each in (self.ra_deg, self.dec_deg, self.pa_deg))
            east = np.array([-np.sin(ra), np.cos(ra), 0.0])
            north = np.array([-np.sin(dec) * np.cos(ra), -np.sin(dec) * np.sin(ra), np.cos(dec)])
            middle = to_xyz(self.ra_deg[k : k + 1], self.dec_deg[k : k + 1])[0]
            away = np.degrees(xyz - middle) * 3600.0
            along = away @ (np.sin(pa) * east + np.cos(pa) * north)
            across = away @ (np.cos(pa) * east - np.sin(pa) * north)
            past = np.maximum(np.abs(along) - 0.5 * self.length_arcsec[k], 0.0)
            near = np.hypot(past, across) < self.radius_arcsec[k]
            inside |= near & (xyz @ middle > 0)
        return inside


def masks_of(block: Block, archive: Archive) -> Masks:
    """Trails and ghosts with their middles in a block; a trail is no longer than a field."""
    random = chance.generator(block.seed, _FAULTS, block.pixel, 0)
    trails = int(random.poisson(archive.trails * block.area_deg2))
    ghosts = int(random.poisson(archive.ghosts * block.area_deg2))
    n = trails + ghosts
    ra, dec = block.uniform(n, random)
    trail = np.arange(n) < trails
    length = 3600.0 * LENGTH_DEG * random.uniform(0.3, 1.0, n)
    return Masks(
        np.where(trail, int(PhotoType.TRAIL), int(PhotoType.GHOST)),
        (np.int64(block.pixel) << 16) + np.arange(n),
        ra,
        dec,
        np.where(trail, length, 0.0),
        np.where(trail, random.uniform(2.0, 6.0, n), random.uniform(10.0, 40.0, n)),
        180.0 * random.random(n),
        random.integers(0, 5, n),
    )


def faulty(block: Block, archive: Archive) -> Objects:
    """Objects that faults make, of a block's own faults."""
    parts = [_spurious(block), *_specks(block, archive)]
    found = masks_of(block, archive)
    if len(found):
        parts.append(_in_masks(block, found))
    return Objects.concatenated(parts)


def _spurious(block: Block) -> Objects:
    """Noise above the threshold."""
    made = spurious(INSTRUMENT, [block.pixel], block.seed)
    return Objects.of(
        made, Sources.of(len(made)), first_scan(made.ra_deg, made.dec_deg), Mode.PRIMARY
    )


def _specks(block: Block, archive: Archive) -> list[Objects]:
    """Cosmic rays, defects of the chips, and what nobody can tell."""
    kinds = (
        (PhotoType.COSMIC_RAY, archive.cosmic_rays),
        (PhotoType.DEFECT, archive.defects),
        (PhotoType.UNKNOWN, archive.unknown),
    )
    parts = []
    for kind, density in kinds:
        random = chance.generator(block.seed, _FAULTS, block.pixel, 10 + int(kind))
        n = int(random.poisson(density * block.area_deg2))
        flux = np.zeros((n, 5))
        flux[np.arange(n), random.integers(0, 5, n)] = fluxes(random.uniform(16.0, 21.5, n))
        place = block.uniform(n, random)
        parts.append(_made(block, random, flux, place, 50 + int(kind), np.full(n, int(kind))))
    return parts


def _in_masks(block: Block, masks: Masks) -> Objects:
    """The pieces of trails, and two objects of each ghost."""
    random = chance.generator(block.seed, _FAULTS, block.pixel, 1)
    trail = masks.kind == PhotoType.TRAIL
    pieces = np.where(trail, np.ceil(masks.length_arcsec / _PIECE_ARCSEC), 2).astype(np.int64)
    of = np.repeat(np.arange(len(masks)), pieces)
    n = len(of)
    along = np.where(trail[of], masks.length_arcsec[of], masks.radius_arcsec[of]) * (
        random.random(n) - 0.5
    )
    pa = np.radians(masks.pa_deg[of])
    place = shifted(
        masks.ra_deg[of],
        masks.dec_deg[of],
        along[:, None] * np.stack([np.sin(pa), np.cos(pa)], axis=1),
    )
    flux = np.zeros((n, 5))
    flux[np.arange(n), masks.band[of]] = fluxes(random.uniform(16.5, 20.0, n))
    made = _made(block, random, flux, place, 49, masks.kind[of])
    made.trail_arcsec = np.where(trail[of], _PIECE_ARCSEC, 0.0)
    made.trail_pa = masks.pa_deg[of]
    return made


def _made(
    block: Block, random: np.random.Generator, flux: Floats, place: tuple[Floats, Floats],
    population: int, kind: Ints,
) -> Objects:  # fmt: skip
    n = len(flux)
    made = measured_of(flux, *place, owners(block.pixel, population, n), block.seed, random)
    given = kind.astype(np.int64)
    return Objects.of(made, Sources.of(n), first_scan(*place), Mode.PRIMARY, given_type=given)
