"""What a check of a synthetic sky found: plain, frozen, ready for JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Final

PARTS: Final = ("loci", "counts", "separability", "cuts")
"""in the order of the page"""
BOUNDS: Final = {
    "offset_mean_mag": 0.05,
    "offset_most_mag": 0.10,
    "scatter": 0.20,
    "counts": 0.30,
    "auc": 0.75,
    "cuts": 0.10,
}
"""What a check must keep to. Of cuts no bound was ordered ("about"): 0.10 was chosen."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One check: what was measured, beside what is published or real."""

    part: str
    """of PARTS"""
    what: str
    measured: float | None
    """None: not measured, `note` says why"""
    expected: float | None
    bound: str
    """in words"""
    passed: bool | None
    note: str = ""

    @classmethod
    def missing(cls, part: str, what: str, why: str) -> Verdict:
        """A check for which there are no data."""
        return cls(part, what, None, None, "", None, why)


@dataclass(frozen=True, slots=True)
class Report:
    """How true a synthetic sky is."""

    sky: dict[str, Any]
    """what was judged: seed, fields, populations"""
    verdicts: tuple[Verdict, ...]
    loci: tuple[dict[str, Any], ...] = ()
    counts: tuple[dict[str, Any], ...] = ()
    separability: tuple[dict[str, Any], ...] = ()
    cuts: tuple[dict[str, Any], ...] = ()
    doubts: tuple[str, ...] = field(default=())
    """what to know of the check itself, in sentences"""

    @property
    def passed(self) -> int:
        """How many checks were kept."""
        return sum(each.passed is True for each in self.verdicts)

    @property
    def failed(self) -> int:
        """How many were not."""
        return sum(each.passed is False for each in self.verdicts)

    @property
    def unmeasured(self) -> int:
        """How many could not be judged."""
        return sum(each.passed is None for each in self.verdicts)

    def to_dict(self) -> dict[str, Any]:
        """Numbers, text, lists and dicts only."""
        told = asdict(self)
        return {"simulated": True, "bounds": dict(BOUNDS), "passed": self.passed,
                "failed": self.failed, "unmeasured": self.unmeasured} | told  # fmt: skip

    def lines(self) -> list[str]:
        """Each check in a line, part by part."""
        return [f"{_mark(each)} {each.part:<13} {_said(each)}" for each in self.verdicts]


def _mark(each: Verdict) -> str:
    return {True: "ok    ", False: "FAILS ", None: "none  "}[each.passed]


def _said(each: Verdict) -> str:
    if each.measured is None:
        return f"{each.what}: not measured, {each.note}"
    beside = "" if each.expected is None else f" beside {each.expected:.4g}"
    return f"{each.what}: {each.measured:.4g}{beside} ({each.bound})"
