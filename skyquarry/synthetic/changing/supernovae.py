"""Supernovae in the galaxies of the truth.

Rates: 2.35e-5 of type Ia and 1.01e-4 of core collapse a year and Mpc3 at H0 = 70 (Perley et al.
2020, ApJ 904, 35), growing as (1 + z)**1.5 (Ia; Frohmaier et al. 2019) and (1 + z)**2.5 (both
exponents from memory). A galaxy has its share of them by its light in r, of 1.6e8 Suns a Mpc3 (the
truth's own; Blanton et al. 2003, ApJ 592, 819, have 1.3e8 in 0.1r); blue galaxies have 1.3 (Ia) and
2.0 (core collapse) times that, red ones 0.7 and 0.05 (after Li et al. 2011, MNRAS 412, 1473, from
memory). Types of core collapse: 60 % II, 5 % IIn, 35 % Ib, Ic and IIb (Li et al. 2011, MNRAS 412,
1441, rounded). Absolute magnitudes at maximum, without dust: Ia -19.25 in g with 0.12 mag of
scatter, x1 and c as those of Pantheon+ below z = 0.1 (Scolnic et al. 2022, ApJ 938, 113); II -16.95
+- 0.98, IIn -17.7 +- 1.0, Ibc -16.9 +- 0.9: between Richardson et al. 2014, AJ 147, 118, and Li et
al. 2011, so that samples to a magnitude have the types of ZTF's. Host dust of core collapse:
exponential, mean E(B-V) 0.1. What there is not: superluminous ones, tidal disruptions, 91T, 91bg,
hosts fainter than the surveys' limits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import ndtri

from skyquarry.sky import healpix
from skyquarry.synthetic import dust
from skyquarry.synthetic.bands import BAND, BANDS
from skyquarry.synthetic.beyond.cosmology import distance_modulus
from skyquarry.synthetic.blocks import ids_of
from skyquarry.synthetic.changing.cadence import BANDS as ZTF_BANDS
from skyquarry.synthetic.changing.cadence import FIRST_MJD, LAST_MJD, WAVELENGTHS_NM
from skyquarry.synthetic.changing.changes import Changes, Lit, Type, population_of
from skyquarry.synthetic.changing.explosions import TEMPLATES
from skyquarry.synthetic.observe.light import fluxes
from skyquarry.synthetic.observe.places import places, shifted
from skyquarry.synthetic.sources import Kind, Sources

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.synthetic.blocks import Block
    from skyquarry.synthetic.changing.cadence import Visits
    from skyquarry.synthetic.changing.changes import Ints
    from skyquarry.synthetic.observe.instruments import Instrument

    Floats = NDArray[np.float64]

NUMBER_IA, NUMBER_CC = 53, 54
NUMBER_SNAPSHOT_IA, NUMBER_SNAPSHOT_CC = 55, 56
_LIGHT_MPC3: Final = 1.6e8
"""so that volumes of this sky have the published rates in its own galaxies"""
_SUN_R: Final = 4.65
_G_R: Final = (BAND["sdss_g"], BAND["sdss_r"])
_MAGS: Final = {Type.SN_II: (-16.95, 0.98), Type.SN_IIN: (-17.7, 1.0), Type.SN_IBC: (-16.9, 0.9)}
_ALPHA, _R_G = 0.15, 3.6
"""magnitudes a unit of x1; R_g of the reddening of supernovae, host dust and their own together"""
_BEFORE_D, _AFTER_D = 40.0, 200.0
_ZTF_EXTINCTION: Final = np.array([BANDS[BAND[name]].extinction for name in ZTF_BANDS])


@dataclass(frozen=True)
class Supernovae:
    """Supernovae of one family that explode around ZTF's years, or around a survey's one look."""

    name: str
    number: int
    collapse: bool
    """core collapse; else type Ia"""
    rate_mpc3_year: float
    growth: float
    farthest: float
    """redshift beyond which none is bright enough"""
    red: float
    blue: float
    """rates of red and of blue galaxies over the mean by light"""
    snapshot: Instrument | None = None
    """the survey that looked once: magnitudes are those of its date; None: ZTF, magnitudes are
    none, as no other survey's images are of these years"""

    def drawn(self, block: Block, random: np.random.Generator) -> Sources:
        """None without galaxies: see `hosted`."""
        del block, random
        return Sources.of(0)

    def hosted(
        self, block: Block, random: np.random.Generator, others: Sources, ids: Ints
    ) -> Sources:
        """Supernovae of a block in its galaxies, which were drawn before."""
        galaxies = np.flatnonzero(
            (others.kind == Kind.GALAXY)
            & (others.redshift > 1e-3)
            & (others.redshift < self.farthest)
        )
        rate = self._rate(others, galaxies) * self._years()
        host = np.repeat(galaxies, random.poisson(rate))
        hosts = others.taken(host)
        ra, dec = _beside(hosts, block, random)
        made = Sources.of(
            len(host), ra_deg=ra, dec_deg=dec, kind=Kind.TRANSIENT, mags=np.inf,
            redshift=hosts.redshift, ebv=dust.total(block.seed, ra, dec), system=ids[host],
        )  # fmt: skip
        self._shone(made, block)
        return made

    def _years(self) -> float:
        if self.snapshot is not None:
            return (_BEFORE_D + _AFTER_D) / 365.25
        return (LAST_MJD - FIRST_MJD + _BEFORE_D + _AFTER_D) / 365.25

    def _rate(self, others: Sources, galaxies: Ints) -> Floats:
        """(n,) supernovae a year of each of these (n,) among others, as seen from here."""
        redshift, ebv = others.redshift[galaxies].astype(np.float64), others.ebv[galaxies]
        g, r = (others.mags[galaxies, band] - ebv * BANDS[band].extinction for band in _G_R)
        absolute = r - distance_modulus(redshift) - redshift
        light = 10.0 ** (-0.4 * (absolute - _SUN_R)) / _LIGHT_MPC3
        blue = g - r - 1.6 * redshift < 0.6
        share = np.where(blue, self.blue, self.red)
        per_year = self.rate_mpc3_year * (1.0 + redshift) ** (self.growth - 1.0)
        return np.asarray(light * share * per_year, np.float64)

    def _shone(self, made: Sources, block: Block) -> None:
        """Magnitudes on the date of the survey that looked once."""
        if self.snapshot is None or not len(made):
            return
        ids = ids_of(self.number, healpix.index(made.ra_deg, made.dec_deg))
        _, changes = self.found(made, ids, block.seed)
        some = Lit(made, ids, changes, np.zeros((len(made), 3)), block.seed)
        jyear = places(self.snapshot, made, block.seed).jyear
        bands = [BAND[channel.band] for channel in self.snapshot.channels]
        wavelengths, extinctions = (
            np.array([[getattr(BANDS[band], what) for band in bands]])
            for what in ("wavelength_nm", "extinction")
        )
        mjd = np.repeat((51_544.5 + (jyear - 2000.0) * 365.25)[:, None], len(bands), axis=1)
        flux = shining(some, mjd, wavelengths) * 10.0 ** (-0.4 * made.ebv[:, None] * extinctions)
        with np.errstate(divide="ignore"):
            mags = 22.5 - 2.5 * np.log10(flux)
        made.mags[:, bands] = np.where(mags < 30.0, mags, np.inf)

    @property
    def types(self) -> tuple[Type, ...]:
        """What it makes."""
        if self.collapse:
            return (Type.SN_II, Type.SN_IIN, Type.SN_IBC)
        return (Type.SN_IA,)

    def found(self, sources: Sources, ids: Ints, seed: int) -> tuple[Ints, Changes]:
        """All of the population."""
        which = np.flatnonzero(population_of(ids) == self.number)
        empty = Changes.of(np.empty(0, np.int8))
        some = Lit(sources.taken(which), ids[which], empty, np.empty((0, 3)), seed)
        made = _collapsed(some) if self.collapse else _thermonuclear(some)
        made.epoch_mjd[:] = self._epochs(some)
        return which, made

    def _epochs(self, some: Lit) -> Floats:
        drawn = some.uniform("supernovae.epoch")
        if self.snapshot is None:
            begin, end = FIRST_MJD - _AFTER_D, LAST_MJD + _BEFORE_D
            return begin + (end - begin) * drawn
        jyear = places(self.snapshot, some.sources, some.seed).jyear
        looked = 51_544.5 + (jyear - 2000.0) * 365.25
        return looked - _AFTER_D + (_AFTER_D + _BEFORE_D) * drawn

    def light(self, some: Lit, visits: Visits) -> Floats:
        """Their own light alone, without the host's."""
        wavelengths = WAVELENGTHS_NM[visits.band][None, :]
        mjd = np.broadcast_to(visits.mjd, (len(some), len(visits)))
        extinction = some.sources.ebv[:, None] * _ZTF_EXTINCTION[visits.band]
        return np.asarray(shining(some, mjd, wavelengths) * 10.0 ** (-0.4 * extinction))


def shining(some: Lit, mjd: Floats, wavelength_nm: Floats) -> Floats:
    """(n, v) nanomaggies at times (n, v) and wavelengths (1, v), outside of our Galaxy's dust."""
    changes, redshift = some.changes, some.sources.redshift.astype(np.float64)
    rest = np.broadcast_to(wavelength_nm, mjd.shape) / (1.0 + redshift)[:, None]
    time = (mjd - changes.epoch_mjd[:, None]) / ((1.0 + redshift) * changes.shape)[:, None]
    flux = np.zeros(mjd.shape)
    for kind, template in TEMPLATES.items():
        mine = changes.type == kind
        if mine.any():
            flux[mine] = template.at(rest[mine], time[mine])
    # An extinction law as steep as 1 / wavelength**1.3 tells reddening at each wavelength.
    reddened = changes.colour[:, None] * _R_G * (rest / 477.0) ** -1.3
    peak = changes.peak_mag + distance_modulus(redshift) - 2.5 * np.log10(1.0 + redshift)
    return np.asarray(flux * fluxes(peak)[:, None] * 10.0 ** (-0.4 * reddened))


def _thermonuclear(some: Lit) -> Changes:
    x1 = _lopsided(ndtri(some.uniform("ia.x1")), 0.1, 1.4, 0.85)
    colour = _lopsided(ndtri(some.uniform("ia.c")), -0.07, 0.045, 0.13)
    scatter = 0.12 * ndtri(some.uniform("ia.scatter"))
    return Changes.of(
        np.full(len(some), Type.SN_IA), shape=0.98 + 0.091 * x1, colour=colour + 0.07,
        peak_mag=-19.25 - _ALPHA * x1 + scatter - 0.07 * _R_G,
    )  # fmt: skip


def _collapsed(some: Lit) -> Changes:
    drawn = some.uniform("collapse.type")
    kind = np.select([drawn < 0.60, drawn < 0.65], [Type.SN_II, Type.SN_IIN], Type.SN_IBC)
    mean, width = (np.array([_MAGS[Type(each)][k] for each in kind]) for k in (0, 1))
    stretch = np.clip(1.0 + 0.15 * ndtri(some.uniform("collapse.stretch")), 0.6, 1.5)
    return Changes.of(
        kind, shape=stretch, colour=-0.1 * np.log(some.uniform("collapse.dust")),
        peak_mag=mean + width * np.clip(ndtri(some.uniform("collapse.mag")), -2.2, 2.5),
    )  # fmt: skip


def _lopsided(normal: Floats, mode: float, below: float, above: float) -> Floats:
    """Two half Gaussians with one mode: numbers (n,) from normal ones, weights as their widths."""
    from scipy.special import ndtr

    drawn = ndtr(normal)
    share = below / (below + above)
    low = below * ndtri(np.clip(0.5 * drawn / share, 1e-6, 0.5))
    high = above * ndtri(np.clip(0.5 + 0.5 * (drawn - share) / (1.0 - share), 0.5, 1 - 1e-6))
    return np.asarray(mode + np.where(drawn < share, low, high))


def _beside(hosts: Sources, block: Block, random: np.random.Generator) -> tuple[Floats, Floats]:
    """Positions (n,) that follow an exponential disc's light; the host's where that is outside."""
    n = len(hosts)
    radius = hosts.half_light_arcsec / 1.678 * np.minimum(random.gamma(2.0, 1.0, n), 8.0)
    turn = random.uniform(0.0, 2.0 * np.pi, n)
    along, across = radius * np.cos(turn), radius * np.sin(turn) * hosts.axis_ratio
    angle = np.radians(hosts.position_angle_deg)
    east = along * np.sin(angle) + across * np.cos(angle)
    north = along * np.cos(angle) - across * np.sin(angle)
    ra, dec = shifted(hosts.ra_deg, hosts.dec_deg, np.stack([east, north], axis=1))
    inside = block.contains(ra, dec)
    return np.where(inside, ra, hosts.ra_deg), np.where(inside, dec, hosts.dec_deg)
