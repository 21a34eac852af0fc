"""Nuclei behind dust: as bright in the infrared as quasars, mostly galaxies elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.synthetic.bands import BAND
from skyquarry.synthetic.beyond.cosmology import distance_modulus
from skyquarry.synthetic.beyond.galaxies import Drawn
from skyquarry.synthetic.beyond.galaxyseds import galaxy_table
from skyquarry.synthetic.beyond.luminosity import BLUE, RED, elapsed
from skyquarry.synthetic.beyond.quasars import STEP, WIDTH, Bins
from skyquarry.synthetic.beyond.quasarseds import quasar_table
from skyquarry.synthetic.sources import Kind, Sources

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.synthetic.blocks import Block

    Floats = NDArray[np.float64]

NUMBER: Final = 23
"""in the ids of these sources, most of which are of kind galaxy: nothing else tells them"""
_EDGES: Final = np.expm1(np.arange(np.log(1.05), np.log(4.5), STEP))
_BRIGHTEST: Final = -28.0
_I, _W1, _W2 = BAND["sdss_i"], BAND["wise_w1"], BAND["wise_w2"]


@dataclass(frozen=True)
class ObscuredNuclei:
    """Nuclei that give a good part of the light of their galaxy in W1 and W2, and are no quasars.

    All behind dust (type 2), and those not behind dust that are fainter than the faintest quasars.
    Weaker ones count as what happens in galaxies. Where stars outshine the nucleus in i, its kind
    is galaxy, else quasar: a red point. Hosts come on top of the galaxies of the field.
    """

    name: str = "obscured nuclei"
    number: int = NUMBER
    faintest: float = -19.0
    """M_g (z = 2) that they would have without dust"""
    quasars: float = -21.0
    """the same of the faintest quasars: `QuasarPopulation.faintest`"""
    for_each: float = 2.0
    """obscured nuclei for one that is not, of any luminosity: 1.4 by Mateos et al. 2017, ApJ 841,
    L18 (58 per cent of all are of type 2, whatever their luminosity), 2.8 by Lacy et al. 2013, ApJS
    208, 24 (390 and 137 among those selected in the mid-infrared)"""
    host: float = -21.6
    host_scatter: float = 0.6
    """M_r today of hosts: near the break, whatever the nucleus (Hickox et al. 2009, ApJ 696, 891;
    figures ours)"""
    red_hosts: float = 0.4
    """share of hosts on the red sequence (ours: X-ray AGN in the green valley, infrared ones
    slightly bluer, the same paper)"""
    scattered: float = 0.01
    """part of the light of disc and lines that comes out around the dust (Zakamska et al. 2006, AJ
    132, 1496: up to 3 per cent; from memory)"""
    dust: tuple[float, float] = (0.4, 10.0)
    """E(B-V) in front of disc and lines, as many in each decade (ours; Assef et al. 2013, ApJ 772,
    26, find such a wide range)"""
    torus_scatter: float = 0.30
    """of natural logarithms, as of quasars"""
    least: float = 0.25
    """Mean share of a nucleus in W1 and W2: with it a near galaxy has W1-W2 = 0.33, where the wedge
    of Spitzer candidates begins (Stern et al. 2005, ApJ 631, 163: 0.18 + 0.2 ([5.8]-[8.0]), which
    is at least 0.6; from memory)"""

    def drawn(self, block: Block, random: np.random.Generator) -> Sources:
        """Such galaxies of a block that some survey could see; they do not cluster."""
        bins = _expected(self, block.limits.tobytes())
        which = np.repeat(
            np.arange(len(bins.per_deg2)), random.poisson(bins.per_deg2 * block.area_deg2)
        )
        which = random.permutation(which)  # the last ones have red hosts
        n = len(which)
        redshift = np.expm1(np.log1p(bins.redshift[which]) + STEP * random.random(n))
        nucleus = bins.absolute[which] + WIDTH * random.random(n)
        hosts, nuclei = self._hosts(redshift, random), self._nuclei(redshift, nucleus, random)
        mags, share = _together(hosts.mags, nuclei)
        kept = (share[:, [_W1, _W2]] @ [0.5, 0.5] >= self.least) & block.visible(mags)
        both, outshone = replace(hosts, mags=mags).taken(kept), share[kept, _I] > 0.5
        rows = np.arange(len(outshone))
        made = both.seen(block, *block.uniform(len(rows), random), random, rows)
        points, made.system[:] = outshone[made.system], -1
        made.kind[points], made.half_light_arcsec[points] = Kind.QUASAR, 0.0
        made.sersic[points], made.mass_msun[points] = np.nan, np.nan
        made.axis_ratio[points], made.position_angle_deg[points] = 1.0, 0.0
        return made

    def _hosts(self, redshift: Floats, random: np.random.Generator) -> Drawn:
        """Blue ones first."""
        blue, parts = len(redshift) - round(self.red_hosts * len(redshift)), []
        for some, sequence in ((redshift[:blue], BLUE), (redshift[blue:], RED)):
            today = self.host + self.host_scatter * random.standard_normal(len(some))
            absolute = today - sequence.brighter * elapsed(some)
            parts.append(Drawn.of(some, absolute, sequence, red=sequence is RED, random=random))
        return Drawn.concatenated(parts)

    def _nuclei(
        self, redshift: Floats, absolute: Floats, random: np.random.Generator
    ) -> NDArray[np.float32]:
        """(n, 24) magnitudes."""
        n, (low, high) = len(redshift), self.dust
        torus = np.exp(self.torus_scatter * random.standard_normal(n))
        dust = low * (high / low) ** random.random(n)
        bare = random.random(n) * (1.0 + self.for_each) < (absolute > self.quasars)
        dust = np.where(bare, 0.1 * dust / high, dust)
        return _nuclei(self, redshift, absolute, dust, torus)


def _nuclei(
    population: ObscuredNuclei, redshift: Floats, absolute: Floats, dust: Floats, torus: Floats
) -> NDArray[np.float32]:
    mags = quasar_table().obscured(redshift, dust, torus, population.scattered)
    return mags + (absolute + distance_modulus(redshift)).astype(np.float32)[:, None]


def _together(
    host: NDArray[np.float32], nucleus: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(n, 24) magnitudes of both, and the share of the nucleus."""
    share = 1.0 / (1.0 + 10.0 ** (0.4 * (nucleus - host)))
    return nucleus + np.float32(2.5) * np.log10(share), share


@lru_cache(maxsize=8)
def _expected(population: ObscuredNuclei, limits: bytes) -> Bins:
    """Nuclei in a square degree, in bins in which one might count and be seen."""
    bins = Bins.of(_EDGES, _BRIGHTEST, population.faintest)
    z, m = bins.redshift, bins.absolute
    rates = bins.per_deg2 * (population.for_each + (m + WIDTH / 2 > population.quasars))
    reach = 2.5 * population.host_scatter
    none = np.zeros(len(z))
    hosts = galaxy_table().at(
        z, none + 2.0, none, population.host - RED.brighter * elapsed(z) + distance_modulus(z)
    )
    torus = none + np.exp(2.5 * population.torus_scatter)
    own = _nuclei(population, z, m, none, torus)
    brightest, _ = _together(hosts - reach, own)
    _, share = _together(hosts + reach, own)
    seen = (brightest - 0.3 < np.frombuffer(limits, np.float32)).any(axis=1)
    seen &= (share[:, _W1] + share[:, _W2] > 2 * population.least) & (rates > 1e-9)
    return replace(bins, per_deg2=rates).taken(seen)
