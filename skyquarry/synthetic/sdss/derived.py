"""Tables that follow from PhotoObj and the truth: PhotoTag, PhotoProfile, PhotoZ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.synthetic.observe.surveys.sdss import INSTRUMENT
from skyquarry.synthetic.sdss.images import Images

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.synthetic.sdss.photo import Photo

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

TAG: Final = (
    "objID", "run", "camcol", "field", "mode", "type", "flags", "parentID", "specObjID",
    "ra", "dec", "raErr", "decErr", "cx", "cy", "cz", "htmID", "u", "g", "r", "i", "z",
    *(f"modelMagErr_{band}" for band in "ugriz"), "petroR50_r", "isoA_r", "isoB_r", "q_r", "u_r",
    "rho", "reddening_r",
)  # fmt: skip
"""PhotoTag: the columns that most searches need (Szalay et al. 2000, section 3.2)"""
SHAPE: Final = (
    "objID", "run", "camcol", "field", "mode", "type", "flags", "parentID", "ra", "dec",
    "cx", "cy", "cz", "rowv", "colv", "u", "g", "r", "i", "z",
    *(f"{name}_{band}" for name in ("psfMag", "psfMagErr", "fiberMag", "petroMag", "reddening")
      for band in "ugriz"),
    *(f"{name}_{band}" for name in ("isoA", "isoB", "q", "u") for band in "gr"),
    "petroR50_r", "petroR90_r", "lDev_r", "lExp_r", "lStar_r",
)  # fmt: skip
"""PhotoShape: light within apertures, profiles, shapes and motion, in the bands that are asked"""
TAGS: Final = {"phototag": TAG, "photoshape": SHAPE}
"""Columns of photoobj that large scans read in its place, by the catalogue that has them"""
RADII_ARCSEC: Final = np.array([
    0.22, 0.68, 1.03, 1.76, 3.00, 4.63, 7.43, 11.42, 18.20, 28.20, 44.21, 69.00, 107.81, 168.20,
    263.00,
])  # fmt: skip
"""outer radii of the 15 annuli: Stoughton et al. 2002, table 7"""


def profiles(photo: Photo, brighter: float) -> dict[str, Any]:
    """PhotoProfile: of bright primary objects, 5 bands x 15 annuli, each a row."""
    r = photo.mags("petro")[0][:, 2]
    some = np.flatnonzero(photo.primary & (r < brighter))
    area = np.pi * np.diff(np.square(RADII_ARCSEC), prepend=0.0)
    means, errors = [], []
    bright = photo.objects.taken(some)
    images, made = Images.of(bright), bright.measured
    for number, channel in enumerate(INSTRUMENT.channels):
        fwhm = channel.fwhm_arcsec
        inside = np.stack([images.inside(radius, fwhm) for radius in RADII_ARCSEC], 1)
        light = np.diff(inside, axis=1, prepend=0.0) * made.total[:, number][:, None]
        # sky noise goes with the square root of the area: that of the PSF's area is the depth's
        psf = 4.0 * np.pi * (fwhm / 2.355) ** 2
        noise = channel.five_sigma / 5.0 * np.sqrt(area / psf)
        drawn = [bright.normal(photo.seed, f"prof.{number}.{k}") for k in range(15)]
        means.append((light + noise * np.stack(drawn, axis=1)) / area)
        errors.append(np.broadcast_to(noise / area, light.shape))
    shape = (len(some), 5, 15)
    band, annulus = (np.broadcast_to(each, shape).ravel() for each in np.ogrid[:5, :15])
    return {
        "objID": np.repeat(photo.ids[some], 75),
        "band": band.astype(np.int16),
        "bin": annulus.astype(np.int16),
        "profMean": np.stack(means, axis=1).astype(np.float32).ravel(),
        "profErr": np.stack(errors, axis=1).astype(np.float32).ravel(),
    }


def photo_z(photo: Photo) -> dict[str, Any]:
    """PhotoZ of primary galaxies: errors as Csabai et al. 2003, AJ 125, 580 have them.

    0.03 at r < 18, growing to 0.1 and more at r = 21; one in fifty is a number between 0 and 1.
    """
    objects, seed = photo.objects, photo.seed
    some = np.flatnonzero(photo.primary & photo.is_galaxy)
    r = photo.mags("model")[0][some, 2]
    error = 0.03 * np.exp(0.4 * np.clip(r - 18.0, 0.0, 5.0))
    true = objects.truth.redshift[some].astype(np.float64)
    lost = ~np.isfinite(true) | (objects.uniform(seed, "photoz lost")[some] < 0.02)
    drawn = np.nan_to_num(true) + error * objects.normal(seed, "photoz")[some]
    told = np.where(lost, objects.uniform(seed, "photoz wrong")[some], drawn)
    steep = photo.images.steep[some]
    return {
        "objID": photo.ids[some],
        "z": np.maximum(told, 0.0).astype(np.float32),
        "zErr": error.astype(np.float32),
        "t": (1.0 - steep).astype(np.float32),
        "quality": np.where(error < 0.06, 5, 3).astype(np.int16),
    }
