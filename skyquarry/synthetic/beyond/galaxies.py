"""Galaxies of the field: red and blue, clustered, with sizes, shapes, dust, 24 magnitudes."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.synthetic import dust as galactic_dust
from skyquarry.synthetic.bands import BAND, BANDS
from skyquarry.synthetic.beyond import shapes
from skyquarry.synthetic.beyond.clustering import Web, placed
from skyquarry.synthetic.beyond.cosmology import (
    comoving_mpc,
    distance_modulus,
    kpc_per_arcsec,
    volume_mpc3_deg2,
)
from skyquarry.synthetic.beyond.galaxyseds import galaxy_table
from skyquarry.synthetic.beyond.luminosity import BLUE, RED, Sequence, elapsed
from skyquarry.synthetic.sources import Kind, Sources

if TYPE_CHECKING:
    from collections.abc import Sequence as Several

    from numpy.typing import NDArray

    from skyquarry.synthetic.blocks import Block

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_STEP: Final = 0.02
_EDGES: Final = np.expm1(0.003 + _STEP * np.arange(64))
"""(64,) redshifts from 0.003 to 2.5, even in ln(1 + z)."""
_SHELL: Final = 3
"""Bins of redshift in a shell of the web: 180 Mpc at low, 100 at high redshift."""
_FAINTEST: Final = -12.0
_WIDTH: Final = 0.1
_MAGNITUDES: Final = np.arange(-26.0, _FAINTEST, _WIDTH)
WEB: Final = Web(tuple(_EDGES[::_SHELL].tolist()))
_EXTINCTION: Final = np.array([band.extinction for band in BANDS], np.float32)
_SUN_R: Final = 4.65


@dataclass(frozen=True)
class Galaxies:
    """Red and blue galaxies by `luminosity`, `galaxyseds`, `shapes` and `clustering`."""

    name: str = "galaxies"
    number: int = 20
    red: Sequence = RED
    blue: Sequence = BLUE
    red_bias: float = 1.15
    blue_bias: float = 0.9
    """of the logarithm of the density: red galaxies cluster more (Zehavi et al. 2011; ours)"""

    def drawn(self, block: Block, random: np.random.Generator) -> Sources:
        """Galaxies of a block that some survey could see."""
        found = [
            self._sequence(block, random, kind, bias)
            for kind, bias in ((0, self.red_bias), (1, self.blue_bias))
        ]
        return Sources.concatenated(found)

    def _sequence(
        self, block: Block, random: np.random.Generator, kind: int, bias: float
    ) -> Sources:
        sequence = (self.red, self.blue)[kind]
        bins = _expected(sequence, block.limits.tobytes())
        densities = WEB.densities(block, bias)
        rates = bins.per_deg2 * block.area_deg2 * densities.mean(axis=1)[bins.shell]
        which = np.repeat(np.arange(len(rates)), random.poisson(rates))
        redshift = _redshifts(bins.redshift[which], random)
        absolute = bins.absolute[which] + _WIDTH * random.random(len(which))
        some = Drawn.of(redshift, absolute, sequence, red=kind == 0, random=random)
        visible = block.visible(some.mags)
        ra, dec = placed(densities, bins.shell[which][visible], block, random)
        return some.taken(visible).seen(block, ra, dec, random)


@dataclass(frozen=True, slots=True)
class Drawn:
    """Galaxies (n,) whose redshift and luminosity are known, before they are seen."""

    redshift: Floats
    absolute: Floats
    """M_r at rest"""
    red: NDArray[np.bool_]
    axis_ratio: Floats
    mags: NDArray[np.float32]
    """(n, 24) without the dust of our Galaxy"""
    today: Floats
    """M_r that it will have faded to"""

    @classmethod
    def of(
        cls,
        redshift: Floats,
        absolute: Floats,
        sequence: Sequence,
        *,
        red: bool,
        random: np.random.Generator,
        scatter: float | None = None,
    ) -> Drawn:
        """Colours, dust and magnitudes drawn; `scatter` of u-r in place of that of the sequence."""
        n = len(redshift)
        ratio = shapes.early_axis_ratio(random, n) if red else shapes.late_axis_ratio(random, n)
        dust = 0.01 * random.standard_normal(n)
        if not red:
            dust = 3.0 * dust + shapes.inclined_dust(ratio)
        table = galaxy_table()
        mean, width = sequence.colour(absolute, redshift)
        width = width if scatter is None else np.full(n, scatter)
        other = (table.reddening * _DUST_SPREAD[red]) ** 2 + _ULTRAVIOLET**2
        own = np.sqrt(np.maximum(width**2 - other, 0.0))
        colour = mean + table.reddening * dust + own * random.standard_normal(n)
        if scatter is None and sequence.frosted[0] > 0:
            share, bluer = sequence.frosted
            colour -= bluer * random.exponential(size=n) * (random.random(n) < share)
        mags = table.at(redshift, colour, dust, absolute + distance_modulus(redshift))
        mags[:, BAND["sdss_u"]] += _ULTRAVIOLET * random.standard_normal(n)
        mags[:, _DUSTY] += _WARMTH[red] * random.standard_normal(n).astype(np.float32)[:, None]
        today = absolute + sequence.brighter * elapsed(redshift)
        return cls(redshift, absolute, np.full(n, red), ratio, mags, today)

    @staticmethod
    def concatenated(parts: Several[Drawn]) -> Drawn:
        """One after the other."""
        names = [field.name for field in fields(Drawn)]
        return Drawn(*(np.concatenate([getattr(each, name) for each in parts]) for name in names))

    def taken(self, which: NDArray[np.bool_]) -> Drawn:
        """Some of them, by a mask (n,)."""
        return Drawn(*(getattr(self, field.name)[which] for field in fields(self)))

    def seen(
        self,
        block: Block,
        ra_deg: Floats,
        dec_deg: Floats,
        random: np.random.Generator,
        system: Ints | int = -1,
    ) -> Sources:
        """Those that some survey could see through the dust of our Galaxy."""
        ebv = galactic_dust.total(block.seed, ra_deg, dec_deg)
        mags = self.mags + ebv.astype(np.float32)[:, None] * _EXTINCTION
        made = Sources.of(
            len(ra_deg),
            ra_deg=ra_deg,
            dec_deg=dec_deg,
            kind=Kind.GALAXY,
            mags=mags,
            redshift=self.redshift,
            half_light_arcsec=self._radius_arcsec(random),
            sersic=shapes.sersic_index(random, self.today, self.red),
            axis_ratio=self.axis_ratio,
            position_angle_deg=180.0 * random.random(len(ra_deg)),
            ebv=ebv,
            mass_msun=self._mass(),
            system=system,
        )
        return made.taken(block.visible(mags))

    def _radius_arcsec(self, random: np.random.Generator) -> Floats:
        """Along the major axis: radii of Shen et al. are those of circles of the same area."""
        late, early = shapes.late_radius_kpc(self.today), shapes.early_radius_kpc(self.today)
        kpc, spread = (np.where(self.red, e, l) for e, l in zip(early, late, strict=True))
        drawn = kpc * np.exp(spread * random.standard_normal(len(kpc)))
        circle = drawn * shapes.shrunk(self.redshift, self.red) / kpc_per_arcsec(self.redshift)
        return np.asarray(circle / np.sqrt(self.axis_ratio))

    def _mass(self) -> Floats:
        """Stars in solar masses: Bell et al. 2003, ApJS 149, 289, appendix 2, by g-r of the ridge.

        log10(M / L_r) = -0.306 + 1.097 (g-r), less 0.15 for Kroupa's initial mass function.
        """
        g_r = np.where(self.red, 0.77, 0.50 - 0.06 * (self.today + 20.0))
        return np.asarray(10 ** (-0.456 + 1.097 * g_r - 0.4 * (self.absolute - _SUN_R)))


_DUSTY: Final = np.array([BAND["wise_w3"], BAND["wise_w4"]])
_WARMTH: Final = (np.float32(0.45), np.float32(0.3))
"""Scatter in W3 and W4 of blue and of red galaxies of the same colour, mag (ours)."""
_ULTRAVIOLET: Final = 0.06
"""Scatter in u of galaxies alike in all else, mag: what 5,000 SDSS galaxies have about our spectra,
less its noise; part of the width of u-r."""
_DUST_SPREAD: Final = (0.075, 0.01)
"""Standard deviation of the extra E(B-V) of blue and of red galaxies, part of the width of u-r."""


@dataclass(frozen=True, slots=True)
class Bins:
    """Bins of redshift and luminosity that hold galaxies some survey could see."""

    redshift: Ints
    shell: Ints
    absolute: Floats
    """bright edge"""
    per_deg2: Floats


@lru_cache(maxsize=8)
def _expected(sequence: Sequence, limits: bytes) -> Bins:
    """Galaxies in a square degree, in bins where one in a hundred could be seen (0.1 s)."""
    low, high = _EDGES[:-1], _EDGES[1:]
    middle = np.sqrt((1 + low) * (1 + high)) - 1
    z, m = (each.ravel() for each in np.meshgrid(middle, _MAGNITUDES, indexing="ij"))
    rates = sequence.density(m + _WIDTH / 2, z) * _WIDTH
    rates *= np.repeat(volume_mpc3_deg2(low, high), len(_MAGNITUDES))
    visible = _brightest(sequence, z, m, np.frombuffer(limits, np.float32)) & (rates > 1e-7)
    shells = np.arange(len(low)) // _SHELL
    places = np.repeat(np.arange(len(low)), len(_MAGNITUDES))[visible]
    return Bins(places, shells[places], m[visible], rates[visible])


def _brightest(
    sequence: Sequence, z: Floats, m: Floats, limits: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """(n,) whether a galaxy of common colour at the bright, near end of a bin could be seen."""
    table, seen = galaxy_table(), np.zeros(len(z), bool)
    near = np.maximum((1 + z) * np.exp(-_STEP / 2) - 1, 1e-4)
    mean, width = sequence.colour(m, near)
    for sigmas in (-1.5, 0.0, 1.5):
        mags = table.at(near, mean + sigmas * width, np.zeros(len(z)))
        seen |= (mags + (m + distance_modulus(near))[:, None] < limits).any(axis=1)
    return seen


def _redshifts(places: Ints, random: np.random.Generator) -> Floats:
    """(n,) redshifts in bins, as many as there is volume."""
    cubes = _cubes()
    drawn = cubes[places] + random.random(len(places)) * (cubes[places + 1] - cubes[places])
    grid, distances = _distances()
    return np.interp(np.cbrt(drawn), distances, grid)


@lru_cache(maxsize=1)
def _cubes() -> Floats:
    return np.asarray(comoving_mpc(_EDGES) ** 3)


@lru_cache(maxsize=1)
def _distances() -> tuple[Floats, Floats]:
    grid = np.expm1(np.linspace(0.0, np.log1p(_EDGES[-1]) + 0.01, 2000))
    return grid, comoving_mpc(grid)
