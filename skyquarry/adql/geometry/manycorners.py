"""Polygons of many corners: a function of Python, as conditions on each edge would take too long.

Not convex and of 50 edges: 3 s of 200,000 rows by conditions, 0.3 s by the function. Its name
carries the corners along, so that whatever process runs a part can make it; other engines are given
the conditions.
"""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from skyquarry.sky.polygons import Polygon

PREFIX: Final = "sky_polygon_"


def carried(polygon: Polygon) -> str:
    """The function's name, and after "=" the polygon's corners."""
    corners = np.array(polygon.vertices, "<f8").tobytes()
    digest = hashlib.sha256(corners).hexdigest()[:16]
    return f"{PREFIX}{digest}={base64.b64encode(corners).decode()}"


def polygon_of(name: str) -> Polygon:
    """The polygon that such a name carries."""
    from skyquarry.sky.polygons import Polygon

    corners = np.frombuffer(base64.b64decode(name.partition("=")[2]), "<f8").reshape(-1, 2)
    return Polygon(corners.tolist())


@lru_cache(maxsize=32)
def holding(name: str) -> Callable[[Any, Any], Any]:
    """The function of (ra, dec), Arrow arrays of degrees, that such a name stands for."""
    import pyarrow as pa

    from skyquarry.sky.vectors import to_xyz

    polygon = polygon_of(name)

    def holds(ra: Any, dec: Any) -> Any:
        lon, lat = (np.asarray(each.to_numpy(zero_copy_only=False), float) for each in (ra, dec))
        known = np.isfinite(lon) & (np.abs(lat) <= 90.0)
        found = np.zeros(len(lon), dtype=bool)
        found[known] = polygon.contains(to_xyz(lon[known], lat[known]))
        return pa.array(found, mask=~known)

    return holds
