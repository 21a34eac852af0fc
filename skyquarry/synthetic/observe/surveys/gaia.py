"""Gaia DR3: Gaia Collaboration 2023, A&A 674, A1; errors of the mission's science performance page.

Astrometric errors: sigma_parallax = sqrt(40 + 800 z + 30 z2) microarcseconds with z = 10^(0.4
(max(G, 13) - 15)), positions and motions in fixed ratios to it (ESA, "Gaia science performance",
astrometric performance, DR3 values). Corrected flux excess: Riello et al. 2021, A&A 649, A3, table
2 and equation 18.

What is in the catalogue: Gaia detects on board what is as sharp as a star, so that of galaxies it
has the compact ones and the hearts of some others (de Bruijne et al. 2015, A&A 576, A74; de Souza
et al. 2014, A&A 568, A124: discs are hardly seen); DR3 has 2.9 million of them with 94 % purity
(Bailer-Jones et al. 2023, A&A 674, A41), 100 to 150 a square degree off the plane. Of stars it has
what Cantat-Gaudin et al. 2023, A&A 669, A55, found: see `_Catalogued`. The PSF of G is wide across
the scan (mirrors of 1.45 m by 0.5 m, pixels of 0.06" by 0.18", motion): 0.25" is the mean of 0.16"
and 0.4", from memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.sky.compiledcells import cells_at
from skyquarry.sky.frames import to_frame
from skyquarry.sky.vectors import to_radec, to_xyz
from skyquarry.synthetic.observe.instruments import Channel, Dates, Instrument
from skyquarry.synthetic.observe.rows import Catalogue, Columns, Rows, single

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

_POSITION: Final = (0.80, 0.70)
_MOTION: Final = (1.03, 0.89)
"""errors along ra and dec over that of the parallax"""
_ZERO_POINT_MAS: Final = -0.03
"""of parallaxes: Lindegren et al. 2021, A&A 649, A4, for quasars -0.02 to -0.04"""


def parallax_error_mas(g_mag: Floats) -> Floats:
    """(n,) at magnitudes G (n,), Vega."""
    z = 10.0 ** (0.4 * (np.maximum(g_mag, 13.0) - 15.0))
    return np.asarray(1e-3 * np.sqrt(40.0 + 800.0 * z + 30.0 * z * z))


@dataclass(frozen=True, slots=True)
class _Astrometry:
    """The mission's errors, by magnitude alone."""

    def errors_mas(self, mag: Floats, fwhm_over_snr: Floats) -> Floats:
        """(n, 2), ra and dec."""
        del fwhm_over_snr
        return np.outer(
            parallax_error_mas(np.clip(np.nan_to_num(mag, nan=21.0), 3, 21.5)), _POSITION
        )


@dataclass(frozen=True, slots=True)
class _Catalogued:
    """Cantat-Gaudin et al. 2023: 1 - (0.5 (1 + tanh((G - G0) / w)))^s, by M10.

    M10 is the median G of sources with at most 10 transits. By their relations for M10 > 20.52,
    20.98 gives the three numbers below and 0.69 at G = 21, which their map has off the plane (0.67
    to 0.74 in the cells that their documentation prints). It is one number here: where Gaia looked
    oftener it sees deeper, which no position tells.
    """

    middle: float = 21.175
    width: float = 0.0993
    shape: float = 0.325

    def chance(self, mag: Floats) -> Floats:
        """(n,) at magnitudes G (n,)."""
        rise = 0.5 * (1.0 + np.tanh((np.nan_to_num(mag, nan=99.0) - self.middle) / self.width))
        return np.asarray(1.0 - rise**self.shape)


INSTRUMENT: Final = Instrument(
    name="gaia",
    survey="gaia_dr3",
    channels=(
        Channel("gaia_g", 25.0, 0.25, 3.0, 0.0015, 0.001),
        Channel("gaia_bp", 21.4, 2.1, 4.0, 0.004, 0.002),
        Channel("gaia_rp", 21.1, 2.1, 4.0, 0.004, 0.002),
    ),
    reference="gaia_g",
    resolution_arcsec=0.5,
    threshold=137.7,
    detect=("gaia_g",),
    dates=Dates(2016.0, 2016.0, seen_from_earth=False),
    centroids=_Astrometry(),
    offset_mas=0.02,
    understated=1.05,
    lost_fields=0.001,
    mask_mag=3.0,
    mask_arcsec=5.0,
    points=True,
    completeness=_Catalogued(),
    below_mag=0.1,
)
"""threshold: G of some 21.4, where one source of 250 is catalogued"""
_ZERO_FLUX: Final = {"g": 25.6873668671, "bp": 25.3385422158, "rp": 24.7478955012}
"""magnitude of one electron a second, Vega: Riello et al. 2021, table 4"""


def _columns(rows: Rows) -> Columns:
    made, n = rows.measured, len(rows)
    fine = cells_at(made.ra_deg, made.dec_deg, 12)
    lon, lat = to_radec(to_frame(to_xyz(made.ra_deg, made.dec_deg), "galactic"))
    told: Columns = {
        "source_id": (fine << 35) | ((rows.cell & 63) << 20) | rows.rank,
        "ref_epoch": np.full(n, 2016.0),
        "ra": made.ra_deg,
        "ra_error": single(made.error_mas[:, 0]),
        "dec": made.dec_deg,
        "dec_error": single(made.error_mas[:, 1]),
        "ra_dec_corr": np.zeros(n, np.float32),
    }
    told |= _motions(rows, _solved(rows)) | _photometry(rows)
    return told | {"l": lon, "b": lat}


def _solved(rows: Rows) -> NDArray[np.int16]:
    """3 two parameters, 31 five, 95 six: of faint or extended sources most have no motion."""
    mag = rows.mag("gaia_g")
    width = rows.truth.half_light_arcsec * np.sqrt(rows.truth.axis_ratio)
    chance = np.where(width > 0.3, 0.1, 1.0 / (1.0 + np.exp((mag - 20.75) / 0.12)))
    full = rows.uniform("solved") < chance
    colour = rows.uniform("colour") < 1.0 / (1.0 + np.exp((mag - 19.0) / 1.0))
    told: NDArray[np.int16] = np.where(full, np.where(colour, 31, 95), 3).astype(np.int16)
    return told


def _motions(rows: Rows, solved: NDArray[np.int16]) -> Columns:
    """Parallax and proper motion where they were solved for."""
    sigma = parallax_error_mas(np.clip(np.nan_to_num(rows.mag("gaia_g"), nan=21.0), 3, 21.5))
    sigma = np.where(solved == 95, 1.15 * sigma, sigma)
    there = solved != 3
    truth = rows.truth
    parallax = truth.parallax_mas + _ZERO_POINT_MAS
    parallax = parallax + INSTRUMENT.understated * sigma * rows.normal("parallax")
    told = {"parallax": parallax, "parallax_error": sigma, "parallax_over_error": parallax / sigma}
    for axis, name, true in ((0, "pmra", truth.pmra_masyr), (1, "pmdec", truth.pmdec_masyr)):
        error = _MOTION[axis] * sigma
        told[name] = true + INSTRUMENT.understated * error * rows.normal(name)
        told[f"{name}_error"] = error
    told["pm"] = np.hypot(told["pmra"], told["pmdec"])
    double = {"parallax", "pmra", "pmdec"}
    empty = {
        name: np.where(there, each, np.nan)
        if name in double
        else single(np.where(there, each, np.nan))
        for name, each in told.items()
    }
    return empty | _quality(rows, solved)


def _quality(rows: Rows, solved: NDArray[np.int16]) -> Columns:
    """How well the solution fits: pairs of stars and galaxies fit badly."""
    n = len(rows)
    bad = rows.truth.companion & (rows.uniform("wobble") < 0.3)
    mixed = rows.measured.neighbour + 2.0 * rows.truth.half_light_arcsec
    ruwe = np.exp(0.06 * rows.normal("ruwe")) * (
        1.0 + mixed + np.where(bad, rows.uniform("bad"), 0.0)
    )
    none = solved == 3
    return {
        "astrometric_params_solved": solved,
        "ruwe": single(np.where(none, np.nan, ruwe)),
        "visibility_periods_used": (12 + np.floor(10 * rows.uniform("periods"))).astype(np.int16),
        "duplicated_source": np.zeros(n, np.bool_),
        "phot_g_n_obs": (200 + np.floor(250 * rows.uniform("n_obs"))).astype(np.int16),
    }


def _photometry(rows: Rows) -> Columns:
    """Fluxes in electrons a second, magnitudes, and the excess of BP and RP over G."""
    told: Columns = {}
    made = rows.measured
    electrons = {}
    for number, (band, zero) in enumerate(_ZERO_FLUX.items()):
        per_unit = 10.0 ** (0.4 * (zero - (22.5 - INSTRUMENT.channels[number].vega_to_ab)))
        # BP and RP are sums over a window of 3.5" x 2.1", not fits of a PSF: all the light counts
        flux = made.flux[:, number] if band == "g" else made.total[:, number]
        error = made.flux_error[:, number] if band == "g" else made.total_error[:, number]
        there = flux > error
        electrons[band] = np.where(there, flux * per_unit, np.nan)
        mag = zero - 2.5 * np.log10(np.where(there, electrons[band], 1.0))
        told[f"phot_{band}_mean_flux"] = electrons[band]
        told[f"phot_{band}_mean_flux_error"] = single(np.where(there, error * per_unit, np.nan))
        told[f"phot_{band}_mean_mag"] = single(np.where(there, mag, np.nan))
    bp_rp = told["phot_bp_mean_mag"] - told["phot_rp_mean_mag"]
    told["bp_rp"] = bp_rp
    told["phot_bp_rp_excess_factor"] = single(_excess(rows, electrons, bp_rp))
    return told


def _excess(rows: Rows, electrons: dict[str, Floats], bp_rp: NDArray[np.float32]) -> Floats:
    """(BP + RP) / G: what the colour of a point asks, times the light that G's PSF misses."""
    made = rows.measured
    with np.errstate(divide="ignore", invalid="ignore"):
        missed = made.total[:, 0] / made.flux[:, 0]
        noise = (electrons["bp"] + electrons["rp"]) / electrons["g"]
        relative = np.hypot(
            electrons["bp"] * made.total_error[:, 1] / made.total[:, 1],
            electrons["rp"] * made.total_error[:, 2] / made.total[:, 2],
        ) / (electrons["bp"] + electrons["rp"])
    expected = expected_excess(bp_rp.astype(np.float64))
    told = expected * missed * (1.0 + relative * rows.normal("excess"))
    return np.where(np.isfinite(noise), told, np.nan)


def expected_excess(bp_rp: Floats) -> Floats:
    """(n,) excess factor of an isolated star of a colour: Riello et al. 2021, table 2."""
    x = bp_rp
    blue = 1.154360 + 0.033772 * x + 0.032277 * x**2
    middle = 1.162004 + 0.011464 * x + 0.049255 * x**2 - 0.005879 * x**3
    red = 1.057572 + 0.140537 * x
    return np.asarray(np.where(x < 0.5, blue, np.where(x < 4.0, middle, red)))


CATALOGUE: Final = Catalogue(
    INSTRUMENT,
    "source_id",
    _columns,
    magnitudes=tuple(f"phot_{band}_mean_mag" for band in _ZERO_FLUX),
)
