"""All tables of the archive that belong to one patch of the sky."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.sky import healpix, htm
from skyquarry.sky.vectors import to_xyz
from skyquarry.synthetic.blocks import BLOCK_ORDER, Block
from skyquarry.synthetic.sdss import derived
from skyquarry.synthetic.sdss.epochs import observed, scans
from skyquarry.synthetic.sdss.families import with_families
from skyquarry.synthetic.sdss.faults import Masks, faulty, masks_of
from skyquarry.synthetic.sdss.meanings import table_of
from skyquarry.synthetic.sdss.moving import around, moving, nothing
from skyquarry.synthetic.sdss.objects import Objects
from skyquarry.synthetic.sdss.photo import Photo
from skyquarry.synthetic.sdss.settings import Archive
from skyquarry.synthetic.sdss.spectra import Spectra
from skyquarry.synthetic.sdss.targets import Candidates, Fibers, importance, with_fibers
from skyquarry.synthetic.simulation import PATCH_BLOCKS, read_around
from skyquarry.synthetic.sources import Kind, Sources

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from skyquarry.synthetic.simulation import Simulation, Truth

    Ints = NDArray[np.int64]

AROUND_ORDER: Final = 10
"""Sources in cells of this order (206") around a patch are seen with it: more than the 30" that a
member of a blend lies away from the brightest one and the 55" of two fibres, wherever cells are
narrow."""
CHILDREN: Final = {
    "photoprofile": ("photoobj", "objID"),
    "photoz": ("photoobj", "objID"),
    "spectarget": ("photoobj", "objID"),
    "specline": ("specobj", "specObjID"),
    "xcredshift": ("specobj", "specObjID"),
}
"""{table without positions: (its parent, the column of the parent's key)}"""
PLACED: Final = {"photoobj": "objID", "specobj": "specObjID", "mask": "maskID"}
"""{table with positions that is made patch by patch: its key}"""


@dataclass(frozen=True)
class Patches:
    """How the patches of a sky become tables."""

    sky: Simulation
    archive: Archive = field(default_factory=Archive)

    def blocks(self) -> list[Ints]:
        """Blocks in groups that are observed together.

        With those beside the region: a blend that reaches in may be at home there.
        """
        every = self.sky.drawn
        return [every[start : start + PATCH_BLOCKS] for start in range(0, len(every), PATCH_BLOCKS)]

    def tables(self, truth: Truth, blocks: Ints) -> dict[str, pa.Table]:
        """{table: its rows of the blocks that lie in the region}."""
        return self.made(*read_around(truth, blocks, AROUND_ORDER), blocks)

    def empty(self) -> dict[str, pa.Table]:
        """The tables without rows: for their columns."""
        nothing = np.empty(0, np.int64)
        return self.made(Sources.of(0), nothing, nothing)

    def made(self, sources: Sources, ids: Ints, blocks: Ints) -> dict[str, pa.Table]:
        """Of true sources of the blocks and those around.

        Asteroids among them are left out: `moving` makes some that have velocities.
        """
        fixed = np.flatnonzero(sources.kind != Kind.ASTEROID)
        sources, ids = sources.taken(fixed), ids[fixed]
        photo, beside = self._photo(sources, ids, blocks)
        masks = self._masks(blocks)
        spectra = self._spectra(photo, beside)
        numbers = np.zeros(len(photo.objects), np.int64)
        numbers[spectra.which] = spectra.fibers.ids
        columns = photo.columns(masks, numbers)
        told = {
            "photoobj": columns,
            "photoprofile": derived.profiles(photo, self.archive.profile_mag),
            "photoz": derived.photo_z(photo),
            "spectarget": _targets(photo, spectra),
            "specobj": spectra.columns(),
            "specline": spectra.lines(),
            "xcredshift": spectra.templates(),
            "mask": _mask_columns(masks, blocks),
        }
        return self._inside({name: table_of(each) for name, each in told.items()})

    def _photo(self, sources: Sources, ids: Ints, blocks: Ints) -> tuple[Photo, Photo]:
        """All objects of the blocks, and those that the first scan sees around them."""
        seed, parts = self.sky.seed, []
        beside: Objects | None = None
        for scan in scans(self.archive, seed):
            seen = observed(scan, sources, ids, seed)
            seen = with_families(seen, self.archive.blend_arcsec)
            home = _at_home(seen, blocks)
            parts.append(seen.taken(home))
            beside = seen.taken(~home) if beside is None else beside
        near = around(blocks)
        others = (moving(near, self.archive, seed), self._faults(near))
        parts += [things.taken(_at_home(things, blocks)) for things in others]
        assert beside is not None
        return Photo(Objects.concatenated(parts), seed), Photo(beside, seed)

    def _faults(self, blocks: Ints) -> Objects:
        made = [faulty(self._block(pixel), self.archive) for pixel in blocks]
        return Objects.concatenated([nothing(self.sky.seed), *made])

    def _block(self, pixel: int) -> Block:
        return Block(int(pixel), self.sky.seed, np.empty(0, np.float32))

    def _masks(self, blocks: Ints) -> Masks:
        """Of the blocks and those beside them."""
        made = [masks_of(self._block(pixel), self.archive) for pixel in around(blocks)]
        return Masks.concatenated(made or [_no_masks()])

    def _spectra(self, photo: Photo, beside: Photo) -> Spectra:
        seed = self.sky.seed
        candidates = Candidates.of(photo, self.archive, around=False).joined(
            Candidates.of(beside, self.archive, around=True)
        )
        taken = with_fibers(candidates, seed) & (candidates.place >= 0)
        which, bits = candidates.place[taken], candidates.bits[taken]
        objects = photo.objects
        block = healpix.index(objects.place_ra[which], objects.place_dec[which], BLOCK_ORDER)
        first = importance(bits, objects.measured.owner[which], seed)
        fibers = Fibers.of(block, first, seed)
        room = fibers.plate >= 0
        return Spectra(photo, which[room], fibers.taken(room), bits[room], self.archive, seed)

    def _inside(self, tables: dict[str, pa.Table]) -> dict[str, pa.Table]:
        """Only rows in the region, and what belongs to them."""
        from skyquarry.catalog.arrow import from_numpy, pc

        for name in PLACED:
            ra, dec = (tables[name][each].to_numpy() for each in ("ra", "dec"))
            inside = self.sky.region.contains(to_xyz(ra, dec))
            if not inside.all():
                tables[name] = tables[name].filter(from_numpy(inside))
        objects = tables["photoobj"]["objID"].combine_chunks()
        spectra = tables["specobj"]
        tables["specobj"] = spectra.filter(pc.is_in(spectra["objID"], value_set=objects))
        for name, (parent, key) in CHILDREN.items():
            keys = tables[parent][key].combine_chunks()
            tables[name] = tables[name].filter(pc.is_in(tables[name][key], value_set=keys))
        return tables


def _at_home(objects: Objects, blocks: Ints) -> NDArray[np.bool_]:
    """(n,) objects that are at home in the blocks."""
    place = healpix.index(objects.place_ra, objects.place_dec, BLOCK_ORDER)
    return np.asarray(np.isin(place, blocks))


def _targets(photo: Photo, spectra: Spectra) -> dict[str, Any]:
    """SpecTarget: what the plates were drilled for."""
    which = spectra.which
    return {
        "specTargetID": spectra.fibers.ids + 2,
        "objID": photo.ids[which],
        "specObjID": spectra.fibers.ids,
        "plate": spectra.fibers.plate.astype(np.int32),
        "fiberID": spectra.fibers.fiber.astype(np.int16),
        "primTarget": spectra.bits.astype(np.int32),
        "run": photo.objects.spots.run[which].astype(np.int16),
        "camcol": photo.objects.spots.camcol[which].astype(np.int16),
        "field": photo.objects.spots.field[which].astype(np.int16),
    }


def _mask_columns(masks: Masks, blocks: Ints) -> dict[str, Any]:
    """Masks with their middles in the blocks."""
    home = np.isin(healpix.index(masks.ra_deg, masks.dec_deg, BLOCK_ORDER), blocks)
    return {
        "maskID": masks.number[home],
        "ra": masks.ra_deg[home],
        "dec": masks.dec_deg[home],
        "htmID": htm.index_radec(masks.ra_deg[home], masks.dec_deg[home], 20),
        "type": masks.kind[home].astype(np.int16),
        "band": masks.band[home].astype(np.int16),
        "length_arcsec": masks.length_arcsec[home].astype(np.float32),
        "radius_arcsec": masks.radius_arcsec[home].astype(np.float32),
        "pa_deg": masks.pa_deg[home].astype(np.float32),
    }


def _no_masks() -> Masks:
    none, floats = np.empty(0, np.int64), np.empty(0)
    return Masks(none, none, floats, floats, floats, floats, floats, none)
