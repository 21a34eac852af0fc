"""What is matched, and how: the sides of an identification and its settings, checked."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa

from skyquarry.errors import UserError, one_of
from skyquarry.match.likelihood.motionprior import MotionPrior
from skyquarry.match.results.tables import Shape
from skyquarry.match.runs.rowsource import RESIDENT_ROWS
from skyquarry.match.runs.rules import Rules

if TYPE_CHECKING:
    from skyquarry.match.calibration.calibrate import Calibration
    from skyquarry.match.given.reading import ErrorPolicy
    from skyquarry.match.given.sides import Side
    from skyquarry.match.priors.photometry import Photometry
    from skyquarry.match.runs.frozen import Frozen

Constraint = Literal["one_to_one", "many_to_one", "none"]
Keep = Literal["all", "best"]
HALF_A_TURN_ARCSEC = 648_000


@dataclass(frozen=True, slots=True)
class Settings:
    """How an identification is made; checked when the plan is."""

    constraint: Constraint = "one_to_one"
    keep: Keep = "all"
    completeness: float = 0.9973
    prior: Any = "auto"
    photometry: Literal["auto"] | Photometry | None = "auto"
    calibrate: bool | Calibration = True
    radius_arcsec: float | None = None
    fast_pass: bool = True
    force: bool = False

    def __post_init__(self) -> None:
        one_of("constraint", self.constraint, ("one_to_one", "many_to_one", "none"))
        one_of("keep", self.keep, ("all", "best"))
        if not isinstance(self.completeness, int | float) or not 0.0 < self.completeness < 1.0:
            raise UserError(
                f"completeness is {self.completeness!r}, but it is the share of true pairs that "
                "are looked for, between 0 and 1: 0.9973 is three sigma"
            )
        if isinstance(self.prior, str):
            one_of("prior", self.prior, ("auto", "uniform", "nway"))
        _check_teachers(self.photometry, self.calibrate)
        radius = self.radius_arcsec
        number = isinstance(radius, int | float)
        if radius is not None and not (number and 0.0 < radius <= HALF_A_TURN_ARCSEC):
            raise UserError(
                f"radius_arcsec is {radius!r}, but a limit for the separation of a pair needs more "
                f"than 0 and at most {HALF_A_TURN_ARCSEC:g} arcsec, half a turn: leave it out to "
                "search as far as the errors allow"
            )


def _check_teachers(photometry: object, calibrate: object) -> None:
    """Raise UserError for what cannot weigh magnitudes, or is no calibration."""
    if photometry not in ("auto", None) and not callable(getattr(photometry, "ln_ratio", None)):
        raise UserError(
            f"photometry is {photometry!r}, but it needs to be 'auto', None or an object with "
            "ln_ratio(rows, groups): try 'auto'"
        )
    if not isinstance(calibrate, bool) and not callable(getattr(calibrate, "apply", None)):
        raise UserError(
            f"calibrate is {calibrate!r}, but it needs to be True, False or a Calibration: try "
            "Calibration.load(path) for one that was saved"
        )


@dataclass(frozen=True)
class Asked:
    """Several catalogues, and how their rows are to be identified."""

    sides: tuple[Side, ...]
    names: tuple[str, ...]
    policies: tuple[ErrorPolicy, ...]
    settings: Settings
    learnt: Frozen | None = None
    """what an earlier run has learnt, taken as it is; None: learnt anew"""
    given: tuple[Any, ...] = ()
    """how each catalogue can be opened again, as plain data; None for one that was in memory"""

    @cached_property
    def shape(self) -> Shape:
        """What the tables of every patch have in common."""
        types = tuple(_id_type(side) for side in self.sides)
        return Shape(self.names, types, self.settings.keep)

    @cached_property
    def n_rows(self) -> int:
        """Rows of all catalogues, about."""
        return sum(side.n_rows for side in self.sides)

    @property
    def is_resident(self) -> bool:
        """Whether all rows are kept in memory during the run."""
        return self.n_rows <= RESIDENT_ROWS

    @cached_property
    def rules(self) -> Rules:
        """What holds for every patch."""
        asked = self.settings
        motion = MotionPrior(lost=1.0 - asked.completeness)
        return Rules(self.names, asked.constraint, asked.completeness, motion, asked.radius_arcsec)


def _id_type(side: Side) -> pa.DataType:
    name = str(side.roles.id)
    return side.schema.field(name).type if name in side.schema.names else pa.int64()
