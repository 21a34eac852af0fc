"""How surveys write down an epoch and a position's error, and both in one unit."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  (read by get_type_hints)
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from skyquarry.catalog.rolekeys import check_choices
from skyquarry.errors import UserError

TimeFormat = Literal["jyear", "byear", "mjd", "jd", "iso", "unix"]

ARCSEC = {
    "arcsec": 1.0,
    "mas": 1e-3,
    "uas": 1e-6,
    "arcmin": 60.0,
    "deg": 3600.0,
    "rad": 3600.0 * 180.0 / np.pi,
}
"""Arcseconds in each unit of angle."""

AB_FLUX = {
    "Jy": 3631.0, "mJy": 3631e3, "uJy": 3631e6, "nJy": 3631e9,
    "nanomaggy": 1e9, "nanomaggies": 1e9, "nmgy": 1e9, "nMgy": 1e9, "maggy": 1.0, "mgy": 1.0,
}  # fmt: skip
"""Flux of AB magnitude 0 in each unit."""

# columns that each error model takes: (fewest, most)
_ERROR_COLUMNS = {"circular": (1, 1), "ellipse": (3, 3), "covariance": (2, 3), "fixed": (0, 0)}


@dataclass(frozen=True, slots=True)
class Epoch:
    """When a row's position holds: a column's time, or one Julian year for all rows."""

    column: str | None = None
    jyear: float | None = None
    format: TimeFormat = "jyear"
    offset: float = 0.0
    """`column` holds a time in `format` less `offset` (Tycho-2: years since 1990);
    `jyear` is the epoch of rows whose column is null, or of all where there is no column."""

    def __post_init__(self) -> None:
        check_choices(self)
        if self.column is None and self.jyear is None:
            raise UserError("an epoch has neither column nor jyear: give one of the two")

    def jyears(self, values: Any) -> np.ndarray:
        """Julian years of the column's values (n,); rows without one take `jyear`, or NaN."""
        years = _as_jyear(np.asarray(values), self.format, self.offset)
        return years if self.jyear is None else np.where(np.isnan(years), self.jyear, years)


@dataclass(frozen=True, slots=True)
class PositionError:
    """How uncertain a position is, and by which convention the survey writes it down."""

    model: Literal["circular", "ellipse", "covariance", "fixed"]
    columns: tuple[str, ...] = ()
    unit: str = "arcsec"
    factor: float = 1.0
    cross: Literal["correlation", "signed_sqrt", "covariance"] = "correlation"
    fixed_arcsec: float | None = None
    """circular: (sigma); ellipse: (major, minor, position angle in degrees east of north);
    covariance: (sigma of ra * cos dec, sigma of dec, and where there is one the cross term);
    fixed: none, `fixed_arcsec` holds for each axis of every row. `factor` turns a column's number
    into one sigma per axis (a 95 % radius: 1 / 2.4477). `cross`: what the third column of a
    covariance is; `signed_sqrt` is WISE's, whose covariance is c * |c|."""

    def __post_init__(self) -> None:
        check_choices(self)
        fewest, most = _ERROR_COLUMNS[self.model]
        if not fewest <= len(self.columns) <= most:
            need = f"{fewest}" if fewest == most else f"{fewest} or {most}"
            raise UserError(
                f"columns is {list(self.columns)}, but the model {self.model!r} takes {need}: "
                "see PositionError for their order"
            )
        if self.model == "fixed" and self.fixed_arcsec is None:
            raise UserError("fixed_arcsec is missing: the model 'fixed' needs one sigma per axis")

    def covariance_arcsec2(self, columns: Mapping[str, Any], n_rows: int) -> np.ndarray:
        """Covariances (n, 3) in arcsec^2: east-east, north-north, east-north; NaN where unknown."""
        if self.model == "fixed":
            variance = float(self.fixed_arcsec or 0.0) ** 2
            return np.tile([variance, variance, 0.0], (n_rows, 1))
        values = [np.asarray(columns[name], dtype=np.float64) for name in self.columns]
        scale = self.factor * ARCSEC[self.unit]
        if self.model == "circular":
            variances = (values[0] * scale) ** 2
            return np.column_stack([variances, variances, np.zeros(n_rows)])
        if self.model == "ellipse":
            return _from_ellipse(values[0] * scale, values[1] * scale, np.radians(values[2]))
        east, north = values[0] * scale, values[1] * scale
        cross = self._cross_term(values, east, north, scale)
        return np.column_stack([east**2, north**2, cross])

    def _cross_term(
        self, values: list[np.ndarray], east: np.ndarray, north: np.ndarray, scale: float
    ) -> np.ndarray:
        if len(values) == 2:
            return np.zeros_like(east)
        if self.cross == "correlation":
            return np.asarray(values[2] * east * north)
        if self.cross == "signed_sqrt":
            return np.asarray(values[2] * np.abs(values[2]) * scale**2)
        return np.asarray(values[2] * scale**2)


def _from_ellipse(major: np.ndarray, minor: np.ndarray, angle_rad: np.ndarray) -> np.ndarray:
    """Covariance of an ellipse, angle east of north (Pineau et al. 2017, equations 8 to 10)."""
    sin, cos = np.sin(angle_rad), np.cos(angle_rad)
    return np.column_stack(
        [
            (major * sin) ** 2 + (minor * cos) ** 2,
            (major * cos) ** 2 + (minor * sin) ** 2,
            (major**2 - minor**2) * sin * cos,
        ]
    )


def _as_jyear(values: np.ndarray, time_format: str, offset: float) -> np.ndarray:
    if time_format == "iso":
        days = values.astype("datetime64[us]") - np.datetime64("2000-01-01T12:00:00", "us")
        return np.where(
            np.isnat(days), np.nan, 2000.0 + days / np.timedelta64(1, "us") / 86_400e6 / 365.25
        )
    numbers = values.astype(np.float64) + offset
    if time_format == "jyear":
        return numbers
    if time_format == "byear":  # Lieske 1979: JD = 2415020.31352 + (B - 1900) * 365.242198781
        numbers = 2415020.31352 + (numbers - 1900.0) * 365.242198781
    elif time_format == "unix":
        numbers = numbers / 86_400.0 + 2440587.5
    elif time_format == "mjd":
        return 2000.0 + (numbers - 51544.5) / 365.25
    return 2000.0 + (numbers - 2451545.0) / 365.25
