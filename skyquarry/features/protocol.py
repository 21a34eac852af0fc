"""What a feature is, and how the features of a family are told and made."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from skyquarry.features.observed import Observed

    Values = NDArray[np.floating]


@runtime_checkable
class Feature(Protocol):
    """A number for each row of a table. Registering one's own is passing it in `which`."""

    @property
    def name(self) -> str:
        """As in models and explanations."""

    @property
    def unit(self) -> str:
        """In VOUnit; "" for none."""

    @property
    def formula(self) -> str:
        """What is computed, in words and symbols."""

    @property
    def source(self) -> str:
        """The paper or place that the formula is from."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the table that it is made of."""

    def of(self, sky: Observed) -> Values:
        """(n,) values, NaN where not measured."""


@dataclass(frozen=True, slots=True)
class Template:
    """Features of one formula for many bands and surveys, as the reference tells them."""

    pattern: str
    """the name, with {survey}, {band}, {a}, {b} where these stand"""
    unit: str
    formula: str
    source: str
    needs: str

    def measure(self, columns: tuple[str, ...], of: Callable[[], Values], **words: str) -> Measure:
        """One feature of the template."""
        known = {key: value for key, value in words.items() if f"{{{key}}}" in self.formula}
        formula = self.formula
        for key, value in known.items():
            formula = formula.replace(f"{{{key}}}", value)
        name = self.pattern.format(**words)
        return Measure(name, self.unit, formula, self.source, columns, of)

    def fits(self, name: str) -> bool:
        """Whether a feature of this name could be one of the template's."""
        text = re.escape(self.pattern)
        return re.fullmatch(re.sub(r"\\\{\w+\\\}", r"[A-Za-z0-9]+", text), name) is not None


@dataclass(frozen=True, slots=True)
class Measure:
    """A feature of ours, bound to the columns of one table."""

    name: str
    unit: str
    formula: str
    source: str
    columns: tuple[str, ...]
    made: Callable[[], Values]

    def of(self, sky: Observed) -> Values:  # noqa: ARG002  bound to it when it was found
        """(n,) values, NaN where not measured."""
        return self.made()


@dataclass(frozen=True, slots=True)
class Family:
    """The features of a file."""

    name: str
    title: str
    templates: tuple[Template, ...]
    found: Callable[[Observed], list[Measure]]
    """those that the columns of a table allow"""
    auto: bool = True
    """whether "auto" takes them; else they are asked for by the family's or their own name"""


@dataclass(frozen=True, slots=True)
class AsItIs:
    """The values (n,) of a measure that is a column of the table already."""

    sky: Observed
    column: str

    def __call__(self) -> Values:
        """(n,) as the column has them; NaN where it is null."""
        return self.sky.columns.floats(self.column)
