"""`sq.make_features`: the features of a catalogue's rows, tile by tile, as a plan."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from skyquarry.engine import given
from skyquarry.engine.cost import in_time
from skyquarry.engine.executors import cpu_count
from skyquarry.errors import UserError
from skyquarry.features.making import AUTO, features_of
from skyquarry.features.protocol import Measure
from skyquarry.pipeline.widening import Widened, scan_of, widened

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from skyquarry.engine.catalog import CatalogLike
    from skyquarry.engine.plan import Plan
    from skyquarry.features.making import Which
    from skyquarry.features.observed import Surveys
    from skyquarry.features.protocol import Feature

_RATE: Final = 200_000.0
"""rows a second and core: what a cost is predicted with (benchmarks/results/features-1e6.json)"""


def make_features(  # noqa: PLR0913  a public face: each option stands alone
    catalog: CatalogLike,
    survey: Surveys = None,
    *,
    which: Which | Sequence[Which] = AUTO,
    with_spectra: bool = False,
    names: Mapping[str, str] | None = None,
    ebv: str | None = None,
    columns: Sequence[str] = (),
    telling: Callable[[str], Any] | None = None,
) -> Plan:
    """A plan of a catalogue's rows with their features; `to_catalog(path)` writes it, resumable.

    Each row keeps its id and position and gets the numbers (float32, null where not measured) that
    `features_of` makes of it, with unit and formula in the column's description. A tile after the
    other, in bounded memory, on any executor; killed and called again it goes on. What is made is
    decided by the catalogue's columns, so it is the same in every tile.

    Parameters
    ----------
    catalog
        A catalogue, or the path of one; of a cross-match's wide table as well.
    survey
        Whose columns these are: a name, a role file's path, several, or {prefix: name}.
    which
        "auto" (all that roles of the surveys allow), or any of: "auto", a family's name, a
        feature's, a column's, an object that is a `Feature`.
    with_spectra
        Let columns from spectra in (redshift, radial velocity, temperature ...).
    names
        {name in the role file, or of a band: column of the catalogue}, for names of one's own.
    ebv
        E(B-V) on SFD's scale: a column's name or that of a dust map ("sfd"); if not given, the
        catalogue's own, where it has one.
    columns
        Columns of the catalogue to keep, beside id and position.
    telling
        Is told what is made, what is refused, and why.

    Raises
    ------
    UserError
        For a name that is nothing, a column that may not be learnt from, or an ebv that is no name.
    ColumnError
        Where a survey, or all that was asked for, is not in the catalogue.
    ExistsError
        Where a feature has the name of a kept column.

    >>> sq.make_features("archive/field", "sdss").to_catalog("archive/features")  # doctest: +SKIP
    """
    if ebv is not None and not isinstance(ebv, str):
        raise UserError(
            f"ebv is a {type(ebv).__name__}, but of a catalogue a column's name or that of a dust "
            "map is needed: put the values into the catalogue (sq.add_column), and name the column"
        )
    called = {} if names is None else given.by_text(names, "names", {"parallax": "plx"})
    plan, root = scan_of(catalog, "features_of makes the features of a table")
    roles = root.source.roles
    asked: dict[str, Any] = {"with_spectra": with_spectra, "columns": called, "ebv": ebv}
    if roles.ra is not None:
        asked["positions"] = (roles.ra, roles.dec)
    none = root.source.schema.empty_table()
    made = features_of(none, survey, which=which, telling=telling, **asked)
    return widened(
        plan, root, columns, FeatureColumns.of_features(survey, made.used, asked), Featured
    )


@dataclass(frozen=True)
class FeatureColumns:
    """Columns of features: which, and how they are made of a tile's rows."""

    survey: Surveys
    which: tuple[Which, ...]
    """what each tile is asked for: names, and objects of the caller's own"""
    told: tuple[tuple[str, str, str, str], ...]
    """(name, unit, formula, source) of each"""
    asked: dict[str, Any]
    """how `features_of` is to make them"""

    @classmethod
    def of_features(
        cls, survey: Surveys, used: Sequence[Feature], asked: dict[str, Any]
    ) -> FeatureColumns:
        """As they were found in a table without rows."""
        which = tuple(each.name if isinstance(each, Measure) else each for each in used)
        told = tuple((each.name, each.unit, each.formula, each.source) for each in used)
        return cls(survey, which, told, asked)

    @property
    def fields(self) -> list[pa.Field]:
        """A column for each feature."""
        return [pa.field(name, pa.float32(), metadata=_about(unit, formula))
                for name, unit, formula, _ in self.told]  # fmt: skip

    @property
    def identity(self) -> str:
        """Equal where the same features are made in the same way."""
        text = json.dumps([str(self.survey), self.told, self.asked], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def of(self, table: pa.Table) -> list[pa.Array]:
        """The features (n,) of a tile's rows, null where they are not measured."""
        made = features_of(table, self.survey, which=self.which, **self.asked)
        values = np.ascontiguousarray(made.columns([name for name, *_ in self.told]).values.T)
        return [pa.array(each, pa.float32(), mask=np.isnan(each)) for each in values]


def _about(unit: str, formula: str) -> dict[str, str]:
    return {"description": formula} | ({"unit": unit} if unit else {})


@dataclass(frozen=True)
class Featured(Widened):
    """The rows of one catalogue under a cut, each with its features."""

    def working_s(self, rows: float) -> float:
        """Seconds of a core that the features of so many rows take."""
        return rows / _RATE

    def explain(self, workers: int | None = None) -> list[str]:
        """What will be done, line by line."""
        lines = super().explain(workers)
        work = self.working_s(self.cost(workers).rows_out) / (workers or cpu_count())
        told = f"{len(self.told.fields)} features: about {in_time(work)} of it"
        return [told, *(f"  {line}" for line in lines)]
