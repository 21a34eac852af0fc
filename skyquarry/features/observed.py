"""A table seen through the role files of its surveys: which column is what, for features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.catalog.roles import Roles, Survey
from skyquarry.errors import ColumnError, UserError
from skyquarry.features.states import Light, light_of
from skyquarry.features.units import check_units
from skyquarry.surveys.load import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from skyquarry.catalog.roles import Band
    from skyquarry.features.reading import Columns

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

Named = str | Survey | Roles
Surveys = Named | list[Named] | tuple[Named, ...] | Mapping[str, Named] | None


@dataclass(frozen=True)
class SurveySeen:
    """A survey of a table: its roles in the names of the table's columns."""

    survey: Survey
    short: str
    """in the names of features: its first alias, whatever the table's prefix"""
    prefix: str
    roles: Roles
    columns: Columns
    renamed: Mapping[str, str]
    """{name in the role file: column of the table} for every column that was found"""
    _lights: dict[str, Light] = field(default_factory=dict)

    @cached_property
    def bands(self) -> dict[str, Band]:
        """Of each wavelength one: model magnitudes before those of the PSF, these before Kron's."""
        chosen: dict[str, Band] = {}
        for suffix in ("", "_model"):
            for band in self.roles.bands:
                base, _, kind = band.name.partition("_")
                if kind == suffix.lstrip("_"):
                    chosen[base] = band
        return chosen

    def band(self, name: str) -> Band | None:
        """The band of exactly that name, such as r_model."""
        return next((band for band in self.roles.bands if band.name == name), None)

    def light(self, band: Band) -> Light:
        """Its magnitudes in their four states."""
        if band.name not in self._lights:
            self._lights[band.name] = light_of(self, band)
        return self._lights[band.name]

    def has(self, *names: str) -> bool:
        """Whether the table has all these columns of the role file."""
        return all(name in self.renamed for name in names)

    def floats(self, name: str) -> Floats:
        """(n,) a column by its name in the role file; NaN throughout where the table lacks it."""
        column = self.renamed.get(name)
        return np.full(self.columns.rows, np.nan) if column is None else self.told(column)

    def plain(self, name: str) -> str | None:
        """The table's column of that name under the survey's prefix, told by the role or not."""
        column = f"{self.prefix}{name}"
        return column if column in self.columns.names else None

    def loose(self, name: str) -> Floats:
        """(n,) such a column; NaN throughout where the table lacks it."""
        column = self.plain(name)
        return np.full(self.columns.rows, np.nan) if column is None else self.told(column)

    def told(self, column: str) -> Floats:
        """(n,) a column by its name in the table; the survey's sentinels are NaN."""
        values = self.columns.floats(column)
        ours = self._ours.get(column, column)
        for code in self.survey.sentinels_of(ours):
            if not isinstance(code, str):
                empty = (values == code) | (values == np.float32(code))
                values = np.where(empty, np.nan, values) if empty.any() else values
        return values

    @cached_property
    def _ours(self) -> dict[str, str]:
        return {there: own for own, there in self.renamed.items()}

    def judged(self, name: str, rule: Callable[[str], bool]) -> Mask:
        """(n,) a rule on a text column; False where the table lacks it."""
        column = self.renamed.get(name)
        if column is None:
            return np.zeros(self.columns.rows, np.bool_)
        return self.columns.judged(column, rule)


@dataclass(frozen=True)
class Observed:
    """A table, the surveys in it, and what is known of the dust in front."""

    columns: Columns
    surveys: tuple[SurveySeen, ...]
    ebv: Floats | None = None
    """(n,) E(B-V) on the scale of Schlegel, Finkbeiner & Davis 1998"""
    ebv_columns: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """How many."""
        return self.columns.rows

    def survey(self, short: str) -> SurveySeen | None:
        """The survey of that short name."""
        return next((each for each in self.surveys if each.short == short), None)


def seen(columns: Columns, surveys: Surveys, names: Mapping[str, str]) -> tuple[SurveySeen, ...]:
    """The surveys of a table.

    `surveys`: one or several names (the columns may carry the name as a prefix, as in the wide
    table of a cross-match), or {prefix: name}. `names`: {name in the role file, or of a band:
    column of the table}. Raises ColumnError for a survey of which the table has no column.
    """
    found = _looked_for(columns, surveys, names)
    for each in found:
        if not each.renamed:
            raise ColumnError(
                f"survey {each.survey.name!r} has none of its columns in the table, which has "
                f"{', '.join(columns.names[:12])}: name another survey, rename the columns as this "
                f"one has them ({_first(each.survey)} ...), or tell features_of "
                f"columns={{'{_first(each.survey)}': 'your name'}}"
            )
    return found


def seen_in_part(
    columns: Columns, surveys: Surveys, names: Mapping[str, str]
) -> tuple[tuple[SurveySeen, ...], tuple[str, ...]]:
    """The surveys that a table has columns of, and the names of those that it has none of."""
    found = _looked_for(columns, surveys, names)
    missing = tuple(each.survey.name for each in found if not each.renamed)
    return tuple(each for each in found if each.renamed), missing


def _looked_for(
    columns: Columns, surveys: Surveys, names: Mapping[str, str]
) -> tuple[SurveySeen, ...]:
    if surveys is None:
        return ()
    given = _given(surveys)
    found = tuple(_one(columns, text, own, names) for text, own in given)
    shorts = [each.short for each in found]
    twice = sorted({each for each in shorts if shorts.count(each) > 1})
    if twice:
        raise UserError(f"survey {twice[0]!r} is given twice: features have one set of each")
    check_units(columns, found)
    return found


def _given(surveys: Any) -> list[tuple[str | None, Survey]]:
    """(prefix or None to look for it, survey)."""
    if isinstance(surveys, Mapping):
        return [(prefix, _survey(own)) for prefix, own in surveys.items()]
    several = surveys if isinstance(surveys, list | tuple) else [surveys]
    return [(None, _survey(own)) for own in several]


def _survey(own: Named) -> Survey:
    if isinstance(own, Roles):
        return Survey(name="survey", title="roles that were given", roles=own)
    return own if isinstance(own, Survey) else load(own)


def _one(
    columns: Columns, prefix: str | None, survey: Survey, names: Mapping[str, str]
) -> SurveySeen:
    """A survey with the prefix that fits most of its columns."""
    short = survey.aliases[0] if survey.aliases else survey.name
    tried = [f"{each}_" for each in (short, survey.name, *survey.aliases)]
    prefixes = ["", *dict.fromkeys(tried)] if prefix is None else [_joined(prefix, columns.names)]
    fits = [_fitted(columns, each, survey, short, names) for each in prefixes]
    return max(fits, key=lambda each: len(each.renamed))


def _first(survey: Survey) -> str:
    return next(iter(band.column for band in survey.roles.bands), next(iter(survey.columns), "ra"))


def _joined(prefix: str, names: Iterable[str]) -> str:
    """A prefix as columns carry it: with the underscore, unless it is there or not used."""
    if not prefix or prefix.endswith("_"):
        return prefix
    return f"{prefix}_" if any(name.startswith(f"{prefix}_") for name in names) else prefix


def _fitted(
    columns: Columns, prefix: str, survey: Survey, short: str, names: Mapping[str, str]
) -> SurveySeen:
    bare = {name[len(prefix) :]: name for name in columns.names if name.startswith(prefix)}
    bare |= {own: there for own, there in names.items() if there in columns.names}
    roles, _ = survey.roles.fitted(bare)
    roles = _with_plain_bands(roles, survey.roles, bare, names)
    renamed = _found(survey, bare, roles)
    return SurveySeen(survey, short, prefix, roles.renamed(bare), columns, renamed)


def _found(survey: Survey, bare: Mapping[str, str], fitted: Roles) -> dict[str, str]:
    """{name in the role file: column of the table} of roles and of all described columns."""
    lower = {name.lower(): there for name, there in bare.items()}
    spelled = {ours: theirs for theirs, ours in survey.roles.spellings.items() if theirs in bare}
    found: dict[str, str] = {}
    for name in dict.fromkeys([*survey.columns, *survey.roles.columns()]):
        there = bare.get(name) or lower.get(name.lower()) or bare.get(spelled.get(name, ""))
        if there is not None:
            found[name] = there
    for band in fitted.bands:
        found.setdefault(band.column, bare[band.column])
    return found


_PLAIN: Final = (
    ("{b}", ("e_{b}", "{b}_err", "err_{b}", "sig_{b}", "{b}err")),
    ("{b}_mag", ("sig_{b}_mag", "e_{b}_mag", "{b}_mag_err", "{b}_magerr")),
    ("{b}mag", ("e_{b}mag", "{b}mag_err", "{b}magerr")),
    ("mag_{b}", ("mag_{b}_err", "magerr_{b}", "e_mag_{b}")),
)
"""How tables without a survey's own names call a band, and its error"""


def _with_plain_bands(
    fitted: Roles, full: Roles, bare: Mapping[str, str], names: Mapping[str, str]
) -> Roles:
    """The roles with bands found by their own names (u, g_mag ...), where no column is of a role.

    One spelling for all bands, and two bands at least: the one z of a table of quasars is its
    redshift.
    """
    bases = {band.name: band for band in full.bands if "_" not in band.name}
    if fitted.bands or not bases:
        return fitted
    enough = min(2, len(bases))
    told = {name: name for name in bases if name in names}
    if len(told) < enough:
        spelled: list[dict[str, str]] = [
            {name: text.format(b=name) for name in bases if text.format(b=name) in bare}
            for text, _ in _PLAIN
        ]
        told |= spelled[int(np.argmax([len(each) for each in spelled]))]
    if len(told) < enough:
        return fitted
    bands = [
        replace(bases[name], column=column, error=_error(name, column, bare))
        for name, column in told.items()
    ]
    return replace(fitted, bands=tuple(bands))


def _error(name: str, column: str, bare: Mapping[str, str]) -> str | None:
    for text, errors in _PLAIN:
        if text.format(b=name) == column:
            for each in errors:
                if each.format(b=name) in bare:
                    return each.format(b=name)
    return None
