"""What a calibration is: the zero point and the errors of each catalogue; how rows are mended.

It serves the evidence only: positions that a user gets back are as they were.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.errors import DamagedError, UserError
from skyquarry.match.calibration.errormodel import ErrorModel
from skyquarry.match.calibration.residuals import displaced, turned
from skyquarry.match.calibration.tails import UNSEEN, Tail
from skyquarry.match.calibration.words import line
from skyquarry.match.calibration.zeropoint import ZeroPoint
from skyquarry.match.given.rows import Flag, Rows
from skyquarry.sky.vectors import to_radec, to_xyz

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

_FORMAT: Final = "skyquarry calibration 1"


@dataclass(frozen=True, slots=True)
class CatalogCalibration:
    """What one catalogue needs, and what that rests on."""

    zero: ZeroPoint
    errors: ErrorModel
    pairs: int = 0
    """mutual nearest pairs with the reference that were seen"""
    used: int = 0
    """of which this many served: a sample, and those whose motion is known"""
    offset_arcsec: tuple[float, float] = (0.0, 0.0)
    """the zero point taken out at the middle of the pairs, east and north"""
    offset_error_arcsec: float = 0.0
    """its standard error, per axis"""
    median_before: float = float("nan")
    """median chi2 of the pairs that are not by chance, as stated; 1.386 where errors are right"""
    median_after: float = float("nan")
    note: str = ""
    """why nothing was done, or not all of it"""
    sample: tuple[tuple[float, float, float, float], ...] = ()
    """a few offsets for a plot, arcsec: east and north before, east and north after"""
    tail: Tail = UNSEEN
    """how far apart the pairs lie that are not by chance"""

    @classmethod
    def neutral(cls, note: str = "", pairs: int = 0, used: int = 0) -> CatalogCalibration:
        """The catalogue as it is; `note` says why."""
        return cls(ZeroPoint.none(), ErrorModel.none(), pairs, used, note=note)

    @property
    def is_neutral(self) -> bool:
        """The catalogue is used as it is."""
        return self.zero.is_zero and self.errors.is_neutral

    def to_dict(self) -> dict[str, Any]:
        """Plain data, null for NaN."""
        return {
            "zero": self.zero.to_dict(),
            "errors": self.errors.to_dict(),
            "pairs": self.pairs,
            "used": self.used,
            "offset_arcsec": list(self.offset_arcsec),
            "offset_error_arcsec": self.offset_error_arcsec,
            "median_before": _or_none(self.median_before),
            "median_after": _or_none(self.median_after),
            "note": self.note,
            "sample": [list(each) for each in self.sample],
            "tail": self.tail.to_dict(),
        }

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> CatalogCalibration:
        """What `to_dict` gave."""
        whole = dict(plain)
        whole["zero"] = ZeroPoint.from_dict(plain["zero"])
        whole["errors"] = ErrorModel.from_dict(plain["errors"])
        whole["offset_arcsec"] = tuple(plain["offset_arcsec"])
        whole["sample"] = tuple(tuple(each) for each in plain["sample"])
        whole["tail"] = Tail.from_dict(plain["tail"]) if "tail" in plain else UNSEEN
        for name in ("median_before", "median_after"):
            whole[name] = float("nan") if plain[name] is None else plain[name]
        return cls(**whole)


@dataclass(frozen=True, slots=True)
class Calibration:
    """What every catalogue of a run needs before its rows are compared."""

    names: tuple[str, ...]
    reference: int
    """number of the catalogue that the others were compared with"""
    catalogs: tuple[CatalogCalibration, ...]

    @classmethod
    def none(cls, names: Sequence[str]) -> Calibration:
        """Every catalogue as it is."""
        return cls(tuple(names), 0, tuple(CatalogCalibration.neutral() for _ in names))

    @property
    def common_floor_arcsec(self) -> tuple[float, ...]:
        """For each catalogue the part of its floor that all its rows share: the least of its bins.

        Detections of one catalogue have it in common; it does not average away (section 6).
        """
        return tuple(min(each.errors.floor_arcsec) for each in self.catalogs)

    def chi2_within(self, completeness: float) -> float:
        """The chi2 that this share of the true pairs that were seen lies within; 0: not known.

        Of the catalogues, the greatest: rows of two of them are as unlike as either's errors are.
        """
        return max(each.tail.chi2_within(completeness) for each in self.catalogs)

    def apply(self, rows: Rows, number: int) -> Rows:
        """The rows of catalogue `number` as the evidence should see them.

        Positions lose the zero point, covariances become k^2 C + s^2 I, `wide` and `wide_arcsec`
        are set, and flags say so. `spatial` and the order of the rows stay.
        """
        mine = self.catalogs[number]
        return rows if mine.is_neutral else _with_errors(_shifted(rows, mine.zero), mine.errors)

    def lines(self) -> list[str]:
        """What was found, one sentence a catalogue."""
        return [line(self, number) for number in range(len(self.names))]

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as in the file and in the report."""
        return {
            "format": _FORMAT,
            "names": list(self.names),
            "reference": self.reference,
            "catalogs": [each.to_dict() for each in self.catalogs],
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Calibration:
        """What `to_dict` gave; raises UserError for anything else."""
        if plain.get("format") != _FORMAT:
            raise UserError(
                f"the calibration says format {plain.get('format')!r}, but {_FORMAT!r} is needed; "
                "try a file that Calibration.save wrote"
            )
        found = tuple(CatalogCalibration.from_dict(each) for each in plain["catalogs"])
        return cls(tuple(plain["names"]), int(plain["reference"]), found)

    def save(self, path: str | PathLike[str]) -> None:
        """Write it as JSON; all digits are kept."""
        text = json.dumps(self.to_dict(), indent=1, allow_nan=False)
        Path(path).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Calibration:
        """The calibration that `save` wrote."""
        try:
            plain = json.loads(Path(path).read_text(encoding="utf-8"))
            return cls.from_dict(plain)
        except (json.JSONDecodeError, KeyError, TypeError) as problem:
            raise DamagedError(
                f"{path} is no calibration ({problem}), but a JSON file that Calibration.save "
                "wrote is needed; try to calibrate anew"
            ) from None


# ------------------------------------------------------------------ apply
def _shifted(rows: Rows, zero: ZeroPoint) -> Rows:
    if zero.is_zero or not len(rows):
        return rows
    xyz = to_xyz(rows.ra_deg, rows.dec_deg)
    offset = zero.offset(xyz)
    new = displaced(xyz, -offset)
    ra, dec = to_radec(new)
    flags = np.where(offset.any(axis=1), int(Flag.ZERO_POINT), 0).astype(np.int32)
    return replace(
        rows,
        ra_deg=ra,
        dec_deg=dec,
        covariance=turned(rows.covariance, xyz, new),
        flags=rows.flags | flags,
    )


def _with_errors(rows: Rows, errors: ErrorModel) -> Rows:
    if errors.is_neutral:
        return rows
    k, s, f = errors.at(rows.mag)
    covariance = rows.covariance * (k * k)[:, None]
    larger = 0.5 * (covariance[:, 0] + covariance[:, 1])
    covariance[:, :2] += (s * s)[:, None]
    flags = np.where(s * s > larger, int(Flag.ERROR_FLOOR), 0).astype(np.int32)
    motions = rows.motions
    if motions is not None:
        motions = replace(motions, cross=motions.cross * k[:, None])
    return replace(
        rows,
        covariance=covariance,
        motions=motions,
        wide=f,
        wide_arcsec=errors.wide_arcsec,
        flags=rows.flags | flags,
    )


def _or_none(value: float) -> float | None:
    return value if np.isfinite(value) else None
