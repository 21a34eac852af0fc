"""Real objects of known class, from a folder that the user has: read, never shipped.

Files are known by their names (as `_FILES` tells); what is not there is not measured.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

UGRIZ: Final = tuple("ugriz")
Pairs = tuple[tuple[str, str], ...]
"""of bands whose magnitudes are subtracted"""


@dataclass(frozen=True)
class Real:
    """Real objects (n,) of one class."""

    mags: dict[str, Floats]
    """{band: (n,)}, in the survey's own system, NaN where it has none"""
    redshift: Floats
    kind: Floats
    """(n,) numeric spectral type (M0 = 10) where it is told"""
    group: NDArray[np.int64]
    """(n,) which piece of the sky an object lies in: folds of a cross-validation hold whole ones"""
    errors: dict[str, Floats] = field(default_factory=dict)
    """{band: (n,)} of magnitudes, where a simulated twin has no noise of its own"""
    together_mag: float = 0.0
    """scatter that those bands share: other totals than those of the bands without such errors"""

    def __len__(self) -> int:
        return len(self.group)

    def taken(self, which: Mask) -> Real:
        """Some of them."""
        mags, errors = (
            {band: told[which] for band, told in each.items()} for each in (self.mags, self.errors)
        )
        each = (self.redshift[which], self.kind[which], self.group[which])
        return Real(mags, *each, errors, self.together_mag)

    def colours(self, pairs: Pairs) -> Floats:
        """(n, pairs) differences of magnitudes."""
        return np.stack([self.mags[a] - self.mags[b] for a, b in pairs], axis=1)


class RealData:
    """A folder of real tables."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    def table(self, name: str) -> pa.Table | None:
        """The table of that name, or None."""
        import pyarrow.parquet as pq

        if self.folder is None:
            return None
        for place in (self.folder, self.folder / "labels"):
            path = place / f"{name}.parquet"
            if path.exists():
                return pq.read_table(path)
        return None

    def sdss(self, name: str, wanted: str) -> Real | None:
        """A class (GALAXY, QSO, STAR) of `sdss_dr14_10k` or `sdss_dr17_10k`: model magnitudes."""
        table = self.table(name)
        if table is None:
            return None
        ra, dec = ("ra", "dec") if "ra" in table.column_names else ("alpha", "delta")
        mags = {band: _floats(table, band) for band in UGRIZ}
        made = _real(mags, _cells(table, ra, dec), _floats(table, "redshift"))
        good = np.array(table["class"].to_pylist()) == wanted
        return made.taken(good & _sane(mags, UGRIZ))

    def dr5_quasars(self) -> Real | None:
        """Schneider et al. 2007, AJ 134, 102: PSF magnitudes."""
        table = self.table("sdss_dr5_qso")
        if table is None:
            return None
        mags = {band: _floats(table, f"{band}_mag") for band in UGRIZ}
        places = [str(each).strip()[:4] for each in table["SDSS"].to_pylist()]
        group = np.array([int(each) if each.isdigit() else 0 for each in places], np.int64)
        return _real(mags, group, _floats(table, "z")).taken(_sane(mags, UGRIZ))

    def point_sources(self, number: int) -> Real | None:
        """Colours alone; 1 quasars, 2 stars, 3 white dwarfs (Feigelson & Babu, astrodatR)."""
        table = self.table("sdss_ptsrc_qso_star_wd")
        if table is None:
            return None
        steps = [_floats(table, name) for name in ("u_g", "g_r", "r_i", "i_z")]
        mags = {"u": np.zeros(table.num_rows)}
        for (brighter, band), step in zip(zip("ugri", "griz", strict=True), steps, strict=True):
            mags[band] = mags[brighter] - step
        group = np.arange(table.num_rows, dtype=np.int64) // 20
        return _real(mags, group).taken(_floats(table, "Class") == number)

    def white_dwarfs(self) -> Real | None:
        """Spectroscopic white dwarfs with Gaia and SDSS magnitudes."""
        table = self.table("white_dwarfs_gaia_sdss")
        if table is None:
            return None
        mags = {band: _floats(table, f"{band}mag") for band in UGRIZ}
        mags |= {"G": _floats(table, "Gmag"), "BP": _floats(table, "BPmag")}
        mags["RP"] = _floats(table, "RPmag")
        return _real(mags, _cells(table, "RA_ICRS", "DE_ICRS")).taken(_sane(mags, UGRIZ))

    def lamost(self) -> Real | None:
        """Stars with SDSS and 2MASS magnitudes as LAMOST's input catalogue tells them."""
        table = self.table("lamost_dr_stars")
        if table is None:
            return None
        names = dict(zip("ugrizJH", range(1, 8), strict=True))
        mags = {band: _floats(table, f"mag{number}") for band, number in names.items()}
        mags = {band: np.where((told > 5) & (told < 30), told, np.nan)
                for band, told in mags.items()}  # fmt: skip
        return _real(mags, _cells(table, "ra", "dec")).taken(_sane(mags, UGRIZ))

    def gst_galaxies(self) -> Real | None:
        """SDSS galaxies with total 2MASS magnitudes: model magnitudes AB, JHK Vega.

        Two surveys' totals of a galaxy differ by more than photons: taken to be as much as SDSS's
        own two do in z, its Petrosian and its model flux (0.10 mag). Errors of the totals of 2MASS,
        which are extrapolated in each band by itself, are 1.2 times the told ones: H-K of these
        galaxies, alike to 0.03 mag, scatters by 1.1 to 1.35 times what is told.
        """
        table = self.table("gst_galaxies")
        if table is None:
            return None
        mags = {}
        for number, band in enumerate(UGRIZ):
            flux = _floats(table, f"MODELFLUX_{number}")
            mags[band] = 22.5 - 2.5 * np.log10(np.where(flux > 0, flux, np.nan))
        for band in "JHK":
            mags[band] = _floats(table, f"{band}_M_EXT")
        made = _real(mags, _cells(table, "RA", "DEC"), _floats(table, "Z"))
        errors = {band: _TOTALS * _floats(table, f"{band}_MSIG_EXT") for band in "JHK"}
        good = _sane(mags, tuple("ugrizJHK"))
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = _floats(table, "PETROFLUX_4")[good] / _floats(table, "MODELFLUX_4")[good]
            low, high = np.nanpercentile(2.5 * np.log10(ratio), [16, 84])
        return replace(made, errors=errors, together_mag=float(high - low) / 2).taken(good)

    def ultracool(self) -> Real | None:
        """L and T dwarfs of SIMPLE: one magnitude a band, Vega but for Pan-STARRS."""
        objects, photometry = (
            self.table("ultracool_simple"),
            self.table("ultracool_simple_photometry"),
        )
        if objects is None or photometry is None:
            return None
        names = objects["source"].to_pylist()
        place = {name: number for number, name in enumerate(names)}
        mags, errors = (
            {band: np.full(len(names), np.nan) for band in ULTRACOOL.values()} for _ in range(2)
        )
        told = ("source", "band", "magnitude", "magnitude_error")
        columns = (photometry[name].to_pylist() for name in told)
        for source, band, magnitude, error in zip(*columns, strict=True):
            if band in ULTRACOOL and source in place and magnitude is not None:
                mags[ULTRACOOL[band]][place[source]] = magnitude
                errors[ULTRACOOL[band]][place[source]] = np.nan if error is None else error
        kind = _floats(objects, "spt_code") - 50.0
        group = np.arange(len(names), dtype=np.int64)
        return replace(_real(mags, group, kind=kind), errors=errors)


_TOTALS: Final = 1.2
"""true over told errors of totals of 2MASS: `RealData.gst_galaxies`"""
ULTRACOOL: Final = {
    "GAIA3.G": "G", "GAIA3.Grp": "RP", "PAN-STARRS/PS1.i": "ps_i", "PAN-STARRS/PS1.z": "ps_z",
    "PAN-STARRS/PS1.y": "ps_y", "2MASS.J": "J", "2MASS.H": "H", "2MASS.Ks": "K",
    "WISE.W1": "W1", "WISE.W2": "W2",
}  # fmt: skip
"""bands of SIMPLE and what they are called here"""


def _real(
    mags: dict[str, Floats],
    group: NDArray[np.int64],
    redshift: Floats | None = None,
    kind: Floats | None = None,
) -> Real:
    unknown = np.full(len(group), np.nan)
    return Real(
        mags, unknown if redshift is None else redshift, unknown if kind is None else kind, group
    )


def _floats(table: pa.Table, name: str) -> Floats:
    column = table[name]
    if column.null_count:
        import pyarrow.compute as pc

        column = pc.fill_null(column.cast("float64"), float("nan"))
    return np.asarray(column.to_numpy(), np.float64)


def _sane(mags: dict[str, Floats], bands: tuple[str, ...]) -> Mask:
    told = np.stack([mags[band] for band in bands])
    return np.asarray(((told > 5) & (told < 30)).all(axis=0))


def _cells(table: pa.Table, ra: str, dec: str) -> NDArray[np.int64]:
    from skyquarry.sky import healpix

    return np.asarray(healpix.index(_floats(table, ra), _floats(table, dec), 4))
