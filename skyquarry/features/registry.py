"""The families of features: what "auto" takes from, and what the reference shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from skyquarry.features.astrometry import ASTROMETRY
from skyquarry.features.colours import COLOURS, PRECISION
from skyquarry.features.matchquality import MATCH_QUALITY
from skyquarry.features.morphology import MORPHOLOGY
from skyquarry.features.neighbours import NEIGHBOURS
from skyquarry.features.variability import VARIABILITY

if TYPE_CHECKING:
    from skyquarry.features.protocol import Family, Template

FAMILIES: Final[tuple[Family, ...]] = (
    COLOURS,
    ASTROMETRY,
    MORPHOLOGY,
    VARIABILITY,
    NEIGHBOURS,
    MATCH_QUALITY,
    PRECISION,
)


def family(name: str) -> Family | None:
    """The family of that name."""
    return next((each for each in FAMILIES if each.name == name), None)


def template_of(name: str) -> Template | None:
    """The template that a feature of this name is of: the most particular one that fits."""
    known = (template for each in FAMILIES for template in each.templates)
    fits = [template for template in known if template.fits(name)]
    return min(fits, key=lambda each: each.pattern.count("{"), default=None)
