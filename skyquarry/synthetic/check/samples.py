"""What is compared with what: real sets and their simulated twins, chosen in the same way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.synthetic.bands import BANDS
from skyquarry.synthetic.blocks import limits_of
from skyquarry.synthetic.check.fields import STARS, drawn, spread
from skyquarry.synthetic.check.realdata import UGRIZ, Real, RealData
from skyquarry.synthetic.sources import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from skyquarry.synthetic.blocks import Population
    from skyquarry.synthetic.check.fields import Field

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Draw:
    """Sources of one class over blocks that are spread over SDSS's northern cap."""

    kinds: tuple[int, ...]
    area_deg2: float
    limits: Mapping[str, float]
    """{band: faintest AB magnitude made}"""
    surveys: tuple[str, ...]
    beside: tuple[int, ...] = ()
    """kinds that are made with them, for cuts to stumble over"""


DRAWS: Final = {
    "stars": Draw(
        STARS,
        25.0,
        {"sdss_r": 22.0},
        ("sdss", "twomass", "gaia"),
        (Kind.WHITE_DWARF, Kind.BROWN_DWARF, Kind.QUASAR),
    ),
    "galaxies": Draw((Kind.GALAXY,), 80.0, {"sdss_r": 19.9, "sdss_i": 20.2}, ("sdss",)),
    "quasars": Draw((Kind.QUASAR,), 300.0, {"sdss_g": 22.6, "sdss_i": 20.6}, ("sdss",)),
    "white dwarfs": Draw((Kind.WHITE_DWARF,), 500.0, {"gaia_g": 20.6}, ("sdss", "gaia")),
    "brown dwarfs": Draw((Kind.BROWN_DWARF,), 600.0, {"ukidss_j": 19.4}, ()),
    "late dwarfs": Draw((Kind.BROWN_DWARF, Kind.MAIN_SEQUENCE), 100.0, {"ukidss_j": 18.14}, ()),
}
"""{class: what is drawn of it}: areas give some hundred objects a bin, where the sky has them"""


def draw(
    name: str,
    populations: Sequence[tuple[Population, frozenset[int]]],
    seed: int,
    scale: float = 1.0,
) -> Field:
    """The sources of a class, from the populations that hold it; `scale` times the usual area."""
    plan = DRAWS[name]
    wanted = {*plan.kinds, *plan.beside}
    some = [each for each, kinds in populations if not kinds or kinds & wanted]
    limits = limits_of({band: limit + 0.3 for band, limit in plan.limits.items()})
    return drawn(
        name,
        spread(scale * plan.area_deg2),
        seed,
        some,
        plan.surveys,
        limits=limits,
        spurious=False,
    )


def simulated(field: Field, name: str) -> Real:
    """The sources of a class as a real table would tell them: what the surveys measured.

    SDSS's model magnitudes as ugriz and its PSF magnitudes as psf_u ...; Gaia's, 2MASS's in their
    own systems; the truth, in each survey's own system, as true_<band>. `pair` is 1 where a source
    is an unresolved pair of stars, else 0.
    """
    kept = np.flatnonzero(field.only(DRAWS[name].kinds))
    mags: dict[str, Floats] = {}
    for survey, columns in _COLUMNS.items():
        if survey in field.tables:
            told = field.seen(survey, list(columns.values()))[kept]
            mags |= {band: told[:, number] for number, band in enumerate(columns)}
    sources = field.sources.taken(kept)
    for number, band in enumerate(BANDS):
        true = sources.mags[:, number].astype(np.float64) - band.vega_to_ab
        mags[f"true_{band.name}"] = np.where(np.isfinite(true), true, np.nan)
    mags["pair"] = sources.companion.astype(np.float64)
    from skyquarry.sky import healpix

    cells = np.asarray(healpix.index(sources.ra_deg, sources.dec_deg, 4))
    return Real(
        mags, sources.redshift.astype(np.float64), sources.spectral_type.astype(np.float64), cells
    )


_COLUMNS: Final = {
    "sdss": {band: f"modelMag_{band}" for band in UGRIZ}
    | {f"psf_{band}": f"psfMag_{band}" for band in UGRIZ},
    "gaia": {"G": "phot_g_mean_mag", "BP": "phot_bp_mean_mag", "RP": "phot_rp_mean_mag"},
    "twomass": {"J": "j_m", "H": "h_m", "K": "k_m"},
}


# ------------------------------------------------------------------ ways of choosing
def _all(mags: Mapping[str, Floats]) -> Mask:
    return np.ones(len(next(iter(mags.values()))), np.bool_)


def first_ten_thousand(mags: Mapping[str, Floats]) -> Mask:
    """As the query behind sdss_dr14_10k, which ends at u = 19.6 and g = 20."""
    return np.asarray((mags["u"] < 19.55) & (mags["g"] < 19.9))


def main_sample(mags: Mapping[str, Floats]) -> Mask:
    """SDSS's main galaxy sample, by model magnitudes (Strauss et al. 2002, AJ 124, 1810)."""
    return np.asarray(mags["r"] < 17.8)


def lowz(mags: Mapping[str, Floats]) -> Mask:
    """BOSS's galaxies at low redshift (Dawson et al. 2013, AJ 145, 10, section 2.1)."""
    g, r, i = (mags[band] for band in "gri")
    parallel = 0.7 * (g - r) + 1.2 * (r - i - 0.18)
    perpendicular = (r - i) - (g - r) / 4 - 0.18
    return np.asarray(
        (r > 16) & (r < 19.6) & (abs(perpendicular) < 0.2) & (r < 13.5 + parallel / 0.3)
    )


def cmass(mags: Mapping[str, Floats]) -> Mask:
    """BOSS's galaxies of constant mass (the same)."""
    g, r, i = (mags[band] for band in "gri")
    d = (r - i) - (g - r) / 8
    return np.asarray(
        (i > 17.5) & (i < 19.86 + 1.6 * (d - 0.8)) & (i < 19.9) & (d > 0.55) & (r - i < 2)
    )


def far_quasars(mags: Mapping[str, Floats]) -> Mask:
    """SDSS's targets at redshifts beyond 3: Richards et al. 2002, AJ 123, 2945, section 3.4.2.

    The box in u-g and g-r, from memory. Its quasars are those behind thick clouds of hydrogen: blue
    ones are missed (Worseck & Prochaska 2011, ApJ 728, 23: u-g < 2 from redshift 3 to 3.5; from
    memory), so that without the box more than half of the simulated ones have no real twin.
    """
    u, g, r, i, z = (mags.get(f"psf_{band}", mags[band]) for band in UGRIZ)
    return np.asarray(
        (i < 20.2) & (u > 20.6) & (u - g > 1.5) & (g - r < 1.2) & (r - i < 0.3) & (i - z > -1.0)
        & (g - r < 0.44 * (u - g) - 0.56)
    )  # fmt: skip


def brighter(band: str, limit: float, bright: float = 14.5) -> Callable[..., Mask]:
    """Between two magnitudes; none is so bright that SDSS saturates."""
    return lambda mags: (mags[band] < limit) & (mags[band] > bright)


def single_white_dwarf(mags: Mapping[str, Floats]) -> Mask:
    """Whose spectrum is of type DA, DB or DC: beside an M dwarf it would be another, as DA+M."""
    alone = mags.get("pair", np.zeros(1)) == 0
    return np.asarray(brighter("g", 19.05)(mags) & alone)


def any_white_dwarf(mags: Mapping[str, Floats]) -> Mask:
    """The real ones have no magnitudes. In i-z they scatter as in noise to g = 20.3.

    More than half of SDSS's white dwarfs with spectra are fainter than g = 19 (Gentile Fusillo et
    al. 2015, MNRAS 448, 2260: 8,701 are not).
    """
    return _all(mags) if abs(mags["u"]).max() < 1e-9 else brighter("g", 20.3)(mags)


@dataclass(frozen=True)
class Sample:
    """A real set, its class, and the way in which objects are chosen among both."""

    name: str
    kind: str
    """of DRAWS"""
    real: Callable[[RealData], Real | None]
    chosen: Callable[[Mapping[str, Floats]], Mask] = _all

    def pair(self, data: RealData, made: Real) -> tuple[Real, Real] | None:
        """The real and the simulated objects that were chosen; None without the real ones."""
        real = self.real(data)
        if real is None:
            return None
        return self.both(real, made)

    def both(self, real: Real, made: Real) -> tuple[Real, Real]:
        """Those of each that are chosen."""
        with np.errstate(invalid="ignore"):
            return real.taken(self.chosen(real.mags)), made.taken(self.chosen(made.mags))


def _sdss(name: str, wanted: str) -> Callable[[RealData], Real | None]:
    return lambda data: data.sdss(name, wanted)


SAMPLES: Final = {
    each.name: each
    for each in (
        Sample("SDSS DR14 galaxies", "galaxies", _sdss("sdss_dr14_10k", "GALAXY"),
               lambda m: main_sample(m) & first_ten_thousand(m)),
        Sample("SDSS DR17 main galaxies", "galaxies", _sdss("sdss_dr17_10k", "GALAXY"),
               main_sample),
        Sample("SDSS DR17 LOWZ galaxies", "galaxies", _sdss("sdss_dr17_10k", "GALAXY"), lowz),
        Sample("SDSS DR17 CMASS galaxies", "galaxies", _sdss("sdss_dr17_10k", "GALAXY"), cmass),
        Sample("GST galaxies with 2MASS", "galaxies", RealData.gst_galaxies,
               lambda m: (m["r"] < 17.6) & (m["K"] < 13.5)),
        Sample("SDSS DR5 quasars", "quasars", RealData.dr5_quasars,
               lambda m: m.get("psf_i", m["i"]) < 19.3),
        Sample("SDSS DR5 quasars beyond z 2.6", "quasars", RealData.dr5_quasars, far_quasars),
        Sample("SDSS DR14 quasars", "quasars", _sdss("sdss_dr14_10k", "QSO"), first_ten_thousand),
        Sample("SDSS DR17 quasars", "quasars", _sdss("sdss_dr17_10k", "QSO"), brighter("i", 20.5)),
        Sample("SDSS DR14 stars", "stars", _sdss("sdss_dr14_10k", "STAR"),
               lambda m: first_ten_thousand(m) & brighter("r", 19.0)(m)),
        Sample("SDSS DR17 stars", "stars", _sdss("sdss_dr17_10k", "STAR"), brighter("r", 20.5)),
        Sample("SDSS point-source stars", "stars", lambda data: data.point_sources(2),
               lambda m: _all(m) if abs(m["u"]).max() < 1e-9 else brighter("r", 19.0)(m)),
        Sample("LAMOST stars", "stars", RealData.lamost, brighter("r", 17.5)),
        Sample("Gaia white dwarfs", "white dwarfs", RealData.white_dwarfs,
               single_white_dwarf),
        Sample("SDSS point-source white dwarfs", "white dwarfs",
               lambda data: data.point_sources(3), any_white_dwarf),
        Sample("SIMPLE L and T dwarfs", "brown dwarfs", RealData.ultracool),
    )
}  # fmt: skip
