"""What a user should doubt in a result: sentences that facts trigger, the gravest first."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from skyquarry.match.calibration.calibrate import Calibration

_SCALE: Final = 0.05  # errors that are off by more deserve a word
_SIGMAS: Final = 3.0
_MANY_AMBIGUOUS: Final = 0.05
_MANY_FALSE: Final = 0.05
_FEW_PAIRS: Final = 100
_FAR_FROM_SHIFT: Final = 3.0


@dataclass(frozen=True, slots=True)
class Facts:
    """What the run knows that its tables do not say; catalogues by name."""

    estimated_footprints: tuple[str, ...] = ()
    """catalogues whose footprint was estimated from where their rows are"""
    default_errors: dict[str, int] = field(default_factory=dict)
    """rows whose error is a default"""
    assumed_errors: dict[str, str] = field(default_factory=dict)
    """the error model of catalogues without errors, in words"""
    unknown_epochs: dict[str, int] = field(default_factory=dict)
    """rows without epoch"""
    invalid: dict[str, int] = field(default_factory=dict)
    """rows set aside"""
    islands: int = 0
    heuristic_islands: int = 0
    """islands too large for an exact solution"""
    secure_pairs: int | None = None
    """pairs that the magnitude prior was learnt from; None where none was asked for"""
    photometry: bool = False
    """magnitudes took part"""
    fast_pass: str = ""
    """what the search for fast stars can have missed, in words"""
    uncounted_ids: tuple[str, ...] = ()
    """catalogues on disk of which nobody knows whether their ids repeat: no doubt of this run"""
    notes: tuple[str, ...] = ()
    """other sentences"""

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        told = asdict(self)
        return {name: list(v) if isinstance(v, tuple) else v for name, v in told.items()}


def doubts(
    rows: Sequence[Mapping[str, Any]],
    pairs: Sequence[Mapping[str, Any]],
    calibration: Calibration | None,
    facts: Facts,
) -> list[str]:
    """The sentences; none where nothing is in doubt."""
    return [
        *_of_strangers(rows, pairs),
        *_of_pairs(pairs),
        *_of_errors(facts, {each["name"]: each["rows"] for each in rows}),
        *_of_calibration(calibration),
        *_of_method(facts),
        *facts.notes,
    ]


def _of_strangers(
    rows: Sequence[Mapping[str, Any]], pairs: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    """Catalogues with rows of which none has any candidate."""
    known = {each[side] for each in pairs for side in ("left", "right")}
    alone = [each["name"] for each in rows if each["rows"] and each["name"] not in known]
    if alone and sum(1 for each in rows if each["rows"]) > 1:
        yield (
            f"No row of {_list(alone)} has a candidate in another catalogue: do they overlap, in "
            "place and in epoch, are positions in degrees, and errors as large as they are?"
        )


def _of_pairs(pairs: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for each in pairs:
        both = f"{each['left']} and {each['right']}"
        if not each["accepted"]:
            yield f"No pair of {both} was accepted; do they overlap, in place and in epoch?"
            continue
        yield from _of_scale(each["rayleigh"], both)
        ambiguous = each["flags"].get("ambiguous", 0) / each["accepted"]
        if ambiguous > _MANY_AMBIGUOUS:
            yield (
                f"{100 * ambiguous:.2g} % of the matches of {both} have a rival above 10 %: "
                "look at all candidates."
            )
        share = each["expected_false_share"]
        if share > _MANY_FALSE:
            yield (
                f"{100 * share:.2g} % of the matches of {both} are expected to be false: "
                "cut at a posterior."
            )
        yield from _of_shift(each, both)


def _of_scale(test: Mapping[str, Any], both: str) -> Iterator[str]:
    if test["scale"] is None:
        yield f"{test['pairs']} matches of {both} are too few to test their errors."
        return
    off = test["scale"] - 1.0
    if abs(off) > _SCALE and abs(off) > _SIGMAS * test["scale_error"]:
        how = "larger" if off > 0 else "smaller"
        yield (
            f"Errors of {both} seem {how} than used, by a factor of {test['scale']:.3g}: "
            "probabilities are off."
        )


def _of_shift(pair: Mapping[str, Any], both: str) -> Iterator[str]:
    sky = pair["shifted"]
    if sky is None or sky["false"] is None or not sky["matched"]:
        return
    by_shift = sky["false"] / sky["matched"]
    told = pair["expected_false_share"]
    if by_shift > _FAR_FROM_SHIFT * max(told, 0.002):
        yield (
            f"A shifted sky gives {100 * by_shift:.2g} % of chance among the nearest of {both}, "
            f"probabilities say {100 * told:.2g} %."
        )


def _of_errors(facts: Facts, rows: Mapping[str, int]) -> Iterator[str]:
    for name, words in sorted(facts.assumed_errors.items()):
        yield f"{name} has no errors of its own: {words} was assumed."
    default = {n: k for n, k in facts.default_errors.items() if n not in facts.assumed_errors}
    yield from _counted(default, rows, "have a default error")
    yield from _counted(facts.unknown_epochs, rows, "have no epoch: they were not moved")
    yield from _counted(facts.invalid, {}, "could not be used")


def _counted(counts: Mapping[str, int], rows: Mapping[str, int], what: str) -> Iterator[str]:
    """One sentence of all catalogues; `rows`: of how many, where that is known."""
    parts = [
        f"{count:,}{f' of {rows[name]:,}' if rows.get(name) else ''} rows of {name}"
        for name, count in sorted(counts.items())
        if count
    ]
    if parts:
        yield f"{_list(parts)} {what}."


def _list(parts: Sequence[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def _of_calibration(calibration: Calibration | None) -> Iterator[str]:
    if calibration is None:
        yield "Errors and zero points were taken as stated: calibration was off."
        return
    for name, each in zip(calibration.names, calibration.catalogs, strict=True):
        if each.note:
            yield f"{name} was not {'' if each.is_neutral else 'wholly '}calibrated: {each.note}."
        elif each.errors.chance > 0.5:
            yield (
                f"{100 * each.errors.chance:.0f} % of the pairs that calibrated {name} are by "
                "chance: its errors are uncertain."
            )


def _of_method(facts: Facts) -> Iterator[str]:
    if facts.estimated_footprints:
        many = len(facts.estimated_footprints) > 1
        which = "footprints" if many else "footprint"
        yield (
            f"The {which} of {_list(facts.estimated_footprints)} {'were' if many else 'was'} "
            f"estimated from {'their' if many else 'its'} rows: absent may be not observed."
        )
    if facts.heuristic_islands:
        of = f" of {facts.islands:,}" if facts.islands else ""
        yield (
            f"{facts.heuristic_islands:,}{of} islands were too large to be solved exactly; "
            "their rows have the flag 256."
        )
    if not facts.photometry and facts.secure_pairs is not None and facts.secure_pairs < _FEW_PAIRS:
        yield (
            f"Magnitudes were not used: {facts.secure_pairs} secure pairs are fewer than the "
            f"{_FEW_PAIRS} that are needed."
        )
    if facts.fast_pass:
        yield facts.fast_pass
