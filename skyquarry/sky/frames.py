"""The four frames of the sky as rotations of unit vectors.

Each matrix takes ICRS vectors into the frame and is the one astropy uses (tested to 1e-9 arcsec):

- galactic: IAU 1958 poles carried to FK5 J2000 and from there to ICRS, as astropy's `Galactic`;
- ecliptic: mean ecliptic and equinox of J2000 with the ICRS frame bias, IAU 2006 obliquity
  84381.406", as astropy's `BarycentricMeanEcliptic(equinox="J2000")` (ERFA `ecm06`);
- supergalactic: de Vaucouleurs' frame on top of the Galactic one, as astropy's `Supergalactic`.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from skyquarry.errors import PositionError
from skyquarry.sky.vectors import Floats, to_radec, to_xyz

Frame = Literal["icrs", "galactic", "ecliptic", "supergalactic"]
FRAMES: Final[tuple[str, ...]] = get_args(Frame)

_ROTATIONS: Final[dict[str, tuple[tuple[float, float, float], ...]]] = {
    "icrs": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "galactic": (
        (-0.05487565771259163, -0.8734370519556159, -0.48383507361671546),
        (0.4941094371927268, -0.4448297212232952, 0.7469821839866676),
        (-0.8676661375596576, -0.19807633727300053, 0.4559838136873016),
    ),
    "ecliptic": (
        (0.9999999999999941, -7.078368960971556e-08, 8.056213977613186e-08),
        (3.2897004077419646e-08, 0.9174821299149584, 0.39777699944404793),
        (-1.0207044725484355e-07, -0.39777699944404304, 0.9174821299149556),
    ),
    "supergalactic": (
        (0.37501555570303163, 0.34135887185624736, 0.8618801851683191),
        (-0.8983204377276124, -0.09572710024885117, 0.4287851600030194),
        (0.2288749093754372, -0.9350456902649068, 0.270750499492446),
    ),
}


def rotation(frame: str) -> Floats:
    """The (3, 3) matrix that takes ICRS vectors into `frame`; its transpose leads back.

    Raises PositionError for a frame that is not one of FRAMES.
    """
    rows = _ROTATIONS.get(frame.lower()) if isinstance(frame, str) else None
    if rows is None:
        raise PositionError(
            f"frame is {frame!r}, but a frame needs to be one of {', '.join(FRAMES)}; "
            "try converting the positions to ICRS first"
        )
    return np.array(rows)


def to_frame(xyz: npt.ArrayLike, frame: str) -> Floats:
    """ICRS unit vectors (n, 3) as seen in `frame`.

    >>> centre = to_frame(to_xyz(266.40498829, -28.93617776), "galactic")
    >>> abs(centre).round(8).tolist()
    [[1.0, 0.0, 0.0]]
    """
    return _turned(xyz, rotation(frame).T)


def from_frame(xyz: npt.ArrayLike, frame: str) -> Floats:
    """Unit vectors (n, 3) of `frame` as seen in ICRS."""
    return _turned(xyz, rotation(frame))


def _turned(xyz: npt.ArrayLike, matrix: Floats) -> Floats:
    """The product (n, 3) with a matrix, a row at a time: BLAS's last bit depends on how many."""
    x, y, z = np.moveaxis(np.asarray(xyz, dtype=np.float64), -1, 0)[..., None]
    return np.asarray(x * matrix[0] + y * matrix[1] + z * matrix[2])


def lonlat_to_frame(
    ra_deg: npt.ArrayLike, dec_deg: npt.ArrayLike, frame: str
) -> tuple[Floats, Floats]:
    """ICRS degrees as (longitude in [0, 360), latitude) degrees of `frame`."""
    return to_radec(to_frame(to_xyz(ra_deg, dec_deg), frame))


def lonlat_from_frame(
    lon_deg: npt.ArrayLike, lat_deg: npt.ArrayLike, frame: str
) -> tuple[Floats, Floats]:
    """(longitude, latitude) degrees of `frame` as ICRS (ra_deg in [0, 360), dec_deg)."""
    return to_radec(from_frame(to_xyz(lon_deg, lat_deg), frame))
