"""What a run has learnt, frozen: with it the same rows give the same answer, to the bit.

Calibration, densities and the magnitude prior are all that islands of one answer share: with these
an island can be worked out again alone, to explain it, or because some of its rows have changed.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import pyarrow as pa

from skyquarry.errors import UserError
from skyquarry.match.calibration.calibrate import Calibration
from skyquarry.match.given.rows import Motions, Rows
from skyquarry.match.likelihood.fastpass import FastRule
from skyquarry.match.likelihood.motionprior import RULES
from skyquarry.match.priors.densities import Densities
from skyquarry.match.priors.learning import Learnt
from skyquarry.match.priors.photometry import MagnitudePrior

_OWN = "own"


@dataclass(frozen=True, slots=True)
class Frozen:
    """What the passes before the tables have found."""

    calibration: Calibration
    learnt: Learnt
    extremes: tuple[Rows, ...]
    """of each catalogue the rows that reach farthest, as catalogued, without ids"""
    fast: tuple[FastRule, ...] | None
    """which rows are searched twice; None: there was no second search"""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; numbers come back exactly. The caller's own photometry is only named."""
        used = self.learnt.photometry
        return {
            "calibration": self.calibration.to_dict(),
            "densities": self.learnt.densities.to_dict(),
            "photometry": used.to_dict() if isinstance(used, MagnitudePrior) else used and _OWN,
            "passes": self.learnt.passes,
            "motions": RULES,
            "extremes": [_plain(rows) for rows in self.extremes],
            "fast": None if self.fast is None else [asdict(rule) for rule in self.fast],
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any], photometry: Any = None) -> Frozen:
        """What `to_dict` gave; `photometry`: the caller's own, where the run had one.

        Raises UserError where it had one, and none is given; where it was learnt by other rules of
        motions.
        """
        if data.get("motions") != RULES:
            raise UserError(
                "the match was made by a skyquarry that expected other motions of stars, but a "
                "part of it can be worked out again only by the same prior: match the catalogues "
                "anew"
            )
        told = data["photometry"]
        if told == _OWN and photometry is None:
            raise UserError(
                "the match used photometry of the caller's own, which cannot be saved, but none "
                "was given: give the same object again, as photometry="
            )
        used = photometry if told in (None, _OWN) else MagnitudePrior.from_dict(told)
        learnt = Learnt(Densities.from_dict(data["densities"]), used, data["passes"])
        fast = data["fast"]
        return cls(
            Calibration.from_dict(data["calibration"]),
            learnt,
            tuple(_rows(each) for each in data["extremes"]),
            None if fast is None else tuple(FastRule(**rule) for rule in fast),
        )


def _plain(rows: Rows) -> dict[str, Any]:
    told = _arrays(rows)
    told["motions"] = None if rows.motions is None else _arrays(rows.motions)
    return told


def _arrays(of: Any) -> dict[str, Any]:
    """Fields that are numbers; ids are left out."""
    values = {each.name: getattr(of, each.name) for each in fields(of)}
    return {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in values.items()
        if isinstance(value, np.ndarray | float)
    }


def _rows(data: dict[str, Any]) -> Rows:
    """Rows whose ids are null."""
    whole = ("spatial", "rank", "row")
    told: dict[str, Any] = {
        name: np.array(value, np.int64 if name in whole else np.float64)
        for name, value in data.items()
        if isinstance(value, list)
    }
    n = len(told["spatial"])
    told["flags"] = told["flags"].astype(np.int32)
    told["covariance"] = told["covariance"].reshape(n, 3)
    motions = data["motions"]
    return Rows(
        **told,
        ids=pa.nulls(n),
        wide_arcsec=data["wide_arcsec"],
        motions=None if motions is None else _motions(motions, n),
    )


def _motions(data: dict[str, Any], n: int) -> Motions:
    arrays = {name: np.array(value, np.float64) for name, value in data.items()}
    for name, width in (("pm", 2), ("covariance", 3), ("cross", 4)):
        arrays[name] = arrays[name].reshape(n, width)
    return Motions(**arrays)
