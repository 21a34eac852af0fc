"""Where a shape stands: a centre in any frame, checked at the door and turned into ICRS."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from skyquarry.errors import PositionError, RegionError
from skyquarry.sky.frames import rotation

Floats = NDArray[np.float64]


def direction(lon_deg: float, lat_deg: float, frame: str) -> Floats:
    """The ICRS unit vector (3,) of a position in `frame`.

    Raises PositionError for a position off the sky or an unknown frame.
    """
    if not (math.isfinite(lon_deg) and -90.0 <= lat_deg <= 90.0):
        raise PositionError(
            f"the position is ({lon_deg}, {lat_deg}) in {frame}, but it needs a finite longitude "
            "and a latitude from -90 to 90 degrees: are they degrees, and in this order?"
        )
    lon, lat = math.radians(lon_deg), math.radians(lat_deg)
    along = math.cos(lat)
    return to_icrs(np.array((along * math.cos(lon), along * math.sin(lon), math.sin(lat))), frame)


def plain_numbers(shape: object, *names: str) -> None:
    """Make these fields of a shape plain Python numbers, so that text and equality are exact.

    Raises RegionError for what is no number: a text, a Quantity, a list.
    """
    for name in names:
        value = getattr(shape, name)
        if type(value) is float or type(value) is int:
            continue
        if type(value) is np.ndarray and value.shape == ():
            value = value[()]
        if not isinstance(value, np.integer | np.floating):
            raise _no_number(name, value)
        object.__setattr__(shape, name, value.item())


def _no_number(name: str, value: object) -> RegionError:
    unit = "arcseconds" if name.endswith("_arcsec") else "degrees"
    return RegionError(
        f"{name} is {value!r}, but a shape needs a plain number of {unit}: try "
        f"float(...), of a Quantity .to_value('{unit[:-1]}')"
    )


def to_icrs(vectors: Floats, frame: str) -> Floats:
    """Vectors (..., 3) of `frame` in ICRS."""
    return vectors if frame == "icrs" else np.asarray(vectors @ rotation(frame))


def north_and_east(lon_deg: float, lat_deg: float, frame: str) -> tuple[Floats, Floats]:
    """The tangent vectors (3,) at a position towards the frame's north and east, in ICRS."""
    lon, lat = math.radians(lon_deg), math.radians(lat_deg)
    north = (-math.sin(lat) * math.cos(lon), -math.sin(lat) * math.sin(lon), math.cos(lat))
    east = (-math.sin(lon), math.cos(lon), 0.0)
    return to_icrs(np.array(north), frame), to_icrs(np.array(east), frame)


def check_latitudes(low_deg: float, high_deg: float) -> None:
    """Raises RegionError unless -90 <= low <= high <= 90."""
    if not -90.0 <= low_deg <= high_deg <= 90.0:
        raise RegionError(
            f"latitudes run from {low_deg} to {high_deg} degrees; a band needs "
            "-90 <= lowest <= highest <= 90: try the lower one first"
        )
