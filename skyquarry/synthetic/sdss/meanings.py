"""Units and meanings of the archive's columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from skyquarry.catalog.arrow import from_numpy

if TYPE_CHECKING:
    from collections.abc import Mapping

_TOLD: Final = {
    "objID": ("", "Packed number of the object: sky version, rerun, run, camcol, field, object"),
    "skyVersion": ("", "1"),
    "run": ("", "Number of the scan"),
    "rerun": ("", "Number of the processing"),
    "camcol": ("", "Camera column, 1 to 6"),
    "field": ("", "Number of the field within run and camera column"),
    "obj": ("", "Number of the object within the field"),
    "mode": ("", "1 primary, 2 secondary, 3 family (the parent of a blend)"),
    "nChild": ("", "Objects that a blend was cut into"),
    "parentID": ("", "objID of the blend that the object was cut from; 0 for none"),
    "type": ("", "0 unknown, 1 cosmic ray, 2 defect, 3 galaxy, 4 ghost, 6 star, 7 trail"),
    "flags": ("", "Bits as SDSS's photometric pipeline sets them"),
    "insideMask": ("", "1 inside of a satellite's trail or a ghost"),
    "specObjID": ("", "Number of the spectrum; 0 for none"),
    "fieldID": ("", "Packed number of the field"),
    "mjd": ("d", "Modified Julian date of the observation"),
    "ra": ("deg", "Right ascension, ICRS, at the date of the observation"),
    "dec": ("deg", "Declination, ICRS, at the date of the observation"),
    "raErr": ("arcsec", "Error of ra times cos(dec)"),
    "decErr": ("arcsec", "Error of dec"),
    "cx": ("", "x of the unit vector"),
    "cy": ("", "y of the unit vector"),
    "cz": ("", "z of the unit vector"),
    "htmID": ("", "20-deep HTM id"),
    "rowc": ("pixel", "Row within the field"),
    "colc": ("pixel", "Column within the field"),
    "rowv": ("arcsec.h**-1", "Velocity along rows; 0 where below 4 sigma"),
    "rowvErr": ("arcsec.h**-1", "Error of rowv"),
    "colv": ("arcsec.h**-1", "Velocity along columns; 0 where below 4 sigma"),
    "colvErr": ("arcsec.h**-1", "Error of colv"),
    "rho": ("", "5 ln(petroR50_r / arcsec)"),
    "psfMag": ("mag", "PSF asinh magnitude"),
    "modelMag": ("mag", "Asinh magnitude of the better model"),
    "petroMag": ("mag", "Petrosian asinh magnitude"),
    "fiberMag": ("mag", 'Asinh magnitude within 3"'),
    "reddening": ("mag", "Galactic extinction, Schlegel, Finkbeiner & Davis 1998"),
    "petroRad": ("arcsec", "Petrosian radius"),
    "petroR50": ("arcsec", "Radius of half the Petrosian flux"),
    "petroR90": ("arcsec", "Radius of 90 % of the Petrosian flux"),
    "isoA": ("arcsec", "Major axis of the isophote of 25 mag/arcsec2"),
    "isoB": ("arcsec", "Minor axis of the isophote of 25 mag/arcsec2"),
    "isoPhi": ("deg", "Position angle of the major axis, from north to east"),
    "deVRad": ("arcsec", "Half-light radius of the de Vaucouleurs fit, major axis"),
    "expRad": ("arcsec", "Half-light radius of the exponential fit, major axis"),
    "deVAB": ("", "Axis ratio of the de Vaucouleurs fit"),
    "expAB": ("", "Axis ratio of the exponential fit"),
    "lDev": ("", "Likelihood of the de Vaucouleurs fit"),
    "lExp": ("", "Likelihood of the exponential fit"),
    "lStar": ("", "Likelihood of the PSF fit"),
    "z": ("", "Redshift"),
    "zErr": ("", "Error of the redshift"),
    "zConf": ("", "Confidence in the redshift, 0 to 1"),
    "zStatus": ("", "1 failed, 3 cross-correlation, 9 cross-correlation with high confidence"),
    "specClass": ("", "0 unknown, 1 star, 2 galaxy, 3 quasar, 4 quasar of high z, 6 late star"),
    "primTarget": ("", "Bits of the reasons for which the spectrum was taken"),
    "sn_i": ("", "Signal to noise a pixel in i"),
    "velDisp": ("km.s**-1", "Velocity dispersion"),
    "plate": ("", "Number of the plate"),
    "fiberID": ("", "Number of the fibre, 1 to 640"),
    "lineID": ("", "Wavelength as in SpecLineNames; 0 for an unknown line"),
    "wave": ("Angstrom", "Observed wavelength"),
    "sigma": ("Angstrom", "Observed width"),
    "ew": ("Angstrom", "Observed equivalent width, emission positive"),
    "tempNo": ("", "Template that fits best: 8 elliptical"),
    "bin": ("", "Annulus, 0 to 14"),
    "band": ("", "0 to 4: u g r i z"),
    "profMean": ("", "Mean nanomaggies/arcsec2 in the annulus"),
    "profErr": ("", "Error of profMean"),
    "distanceMins": ("arcmin", "Separation"),
    "ebv": ("mag", "E(B-V) on the scale of Schlegel, Finkbeiner & Davis 1998"),
}


def _meaning(name: str) -> dict[str, str]:
    root, _, band = name.rpartition("_")
    known = _TOLD.get(name)
    if known is not None:
        unit, text = known
    elif len(band) == 1 and band in "ugriz" and root.removesuffix("Err") in _TOLD:
        unit, text = _TOLD[root.removesuffix("Err")]
        text = f"{'Error: ' if root.endswith('Err') else ''}{text}, {band}"
    elif len(name) == 1 and name in "ugriz":
        unit, text = "mag", f"Asinh magnitude of the better model, {name}"
    else:
        return {}
    return {"unit": unit, "description": text} if unit else {"description": text}


def table_of(columns: Mapping[str, Any]) -> pa.Table:
    """A table of columns (n,); NaN is null. `z` beside `i` is a magnitude, else a redshift."""
    fields, arrays = [], []
    photometric = "i" in columns
    for name, values in columns.items():
        array = _array(values)
        told = _meaning(name)
        if name == "z" and photometric:
            told = {"unit": "mag", "description": "Asinh magnitude of the better model, z"}
        if name in ("q", "u") or name[:2] in ("q_", "u_"):
            told = {"description": f"Stokes {name[0].upper()} of the image, {name[2:]}"}
        if name == "u" and photometric:
            told = {"unit": "mag", "description": "Asinh magnitude of the better model, u"}
        fields.append(pa.field(name, array.type, metadata=told or None))
        arrays.append(array)
    return pa.table(arrays, schema=pa.schema(fields))


def _array(values: Any) -> pa.Array:
    if isinstance(values, pa.Array):
        return values
    if values.dtype.kind == "f":
        empty = ~np.isfinite(values)
        return pa.array(values, mask=empty) if empty.any() else pa.array(values)
    return from_numpy(np.ascontiguousarray(values))
