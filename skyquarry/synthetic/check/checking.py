"""All parts of a check, one after the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.synthetic.check import counts, cuts, loci, lociofsamples, separability
from skyquarry.synthetic.check.fields import STARS, around, drawn, kinds_of
from skyquarry.synthetic.check.realdata import RealData
from skyquarry.synthetic.check.report import PARTS, Report, Verdict
from skyquarry.synthetic.check.samples import DRAWS, SAMPLES, draw, simulated
from skyquarry.synthetic.sources import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from skyquarry.synthetic.blocks import Population
    from skyquarry.synthetic.check.fields import Field

SURVEYS: Final = ("sdss", "twomass", "allwise", "gaia")
"""that look at the fields"""


@dataclass(frozen=True)
class Asked:
    """What is to be checked, and how much sky is made for it."""

    populations: tuple[Population, ...]
    seed: int
    real: Path | None
    area_deg2: float = 1.0
    """of each field"""
    scale: float = 1.0
    """times the usual area of the draws of one class"""
    parts: tuple[str, ...] = PARTS
    trees: int = separability.TREES
    given: Mapping[str, Field] = field(default_factory=dict)
    """fields of an archive, in place of those that are made"""


def checked(asked: Asked) -> Report:
    """How true the sky of these populations and this seed is."""
    kinds = [(each, kinds_of(each, asked.seed)) for each in asked.populations]
    made = {f"draw {name}": draw(name, kinds, asked.seed, asked.scale) for name in DRAWS}
    told: dict[str, Any] = {}
    verdicts: list[Verdict] = []
    if "loci" in asked.parts or "separability" in asked.parts:
        judged = {sample.kind for sample in SAMPLES.values()}
        twins = {name: simulated(made[f"draw {name}"], name) for name in DRAWS if name in judged}
        _beside_real(asked, twins, told, verdicts)
    if "counts" in asked.parts or "cuts" in asked.parts:
        _fields(asked, made, [each for each, what in kinds if _stellar(what)], told, verdicts)
    verdicts.sort(key=lambda each: PARTS.index(each.part))
    return Report(
        _sky(asked), tuple(verdicts), **{name: tuple(rows) for name, rows in told.items()},
        doubts=tuple(_doubts(asked, kinds)),
    )  # fmt: skip


def _beside_real(
    asked: Asked, twins: Mapping[str, Any], told: dict[str, Any], verdicts: list[Verdict]
) -> None:
    data = RealData(asked.real)
    if "loci" in asked.parts:
        found = lociofsamples.measured(data, twins, np.random.default_rng(asked.seed))
        told["loci"] = [each for each in found.values() if not isinstance(each, str)]
        for name, each in found.items():
            if isinstance(each, str):
                verdicts.append(Verdict.missing("loci", name, each))
            else:
                verdicts.extend(loci.judged(each))
    if "separability" in asked.parts:
        if asked.real is not None:
            separability.needs_catboost()
        rows = separability.measured(
            data, twins, np.random.default_rng(asked.seed), trees=asked.trees
        )
        told["separability"] = rows
        verdicts.extend(separability.judged(rows))


def _fields(
    asked: Asked,
    made: Mapping[str, Field],
    stellar: Sequence[Population],
    told: dict[str, Any],
    verdicts: list[Verdict],
) -> None:
    fields = {
        name: drawn(name, around(*place, asked.area_deg2), asked.seed, asked.populations, SURVEYS)
        for name, place in counts.PLACES.items()
        if name not in asked.given
    } | dict(asked.given)
    if "counts" in asked.parts:
        belts = {name: counts.belt(name, stellar, asked.seed, asked.scale) for name in counts.BELTS}
        told["counts"] = counts.measured({**made, **belts, **fields})
        verdicts.extend(counts.judged(told["counts"]))
    if "cuts" in asked.parts:
        told["cuts"] = cuts.measured(fields, made["draw stars"])
        verdicts.extend(cuts.judged(told["cuts"]))


def _stellar(kinds: frozenset[int]) -> bool:
    return not kinds or bool(kinds & {*STARS, Kind.WHITE_DWARF, Kind.BROWN_DWARF})


def _sky(asked: Asked) -> dict[str, Any]:
    return {
        "seed": asked.seed,
        "populations": [each.name for each in asked.populations],
        "field_deg2": asked.area_deg2,
        "scale": asked.scale,
        "archive": sorted(asked.given),
    }


def _doubts(asked: Asked, kinds: Sequence[tuple[Population, frozenset[int]]]) -> list[str]:
    """What the numbers do not say by themselves."""
    known = set().union(*(what for _, what in kinds))
    lacking = [
        kind.name.replace("_", " ").lower()
        for kind in Kind
        if kind not in known and kind <= Kind.QUASAR
    ]
    sentences = []
    if lacking:
        sentences.append(f"No population draws {', '.join(lacking)} in the blocks that were tried.")
    if asked.real is None:
        sentences.append(
            "No folder of real data was given: loci and separability are not measured."
        )
    return sentences
