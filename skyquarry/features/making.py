"""Features of a table: which, from which columns, and what was refused and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from skyquarry.catalog.rolekeys import nearest
from skyquarry.errors import ColumnError, UserError, one_of
from skyquarry.features.admitted import refusal
from skyquarry.features.observed import Observed, seen, seen_in_part
from skyquarry.features.protocol import Feature, Measure, Template
from skyquarry.features.reading import Columns
from skyquarry.features.reddening import ebv_of
from skyquarry.features.registry import FAMILIES, family, template_of
from skyquarry.surveys.load import load
from skyquarry.surveys.load import names as survey_names

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from skyquarry.features.observed import Surveys, SurveySeen
    from skyquarry.features.reddening import Dust

Which = str | Feature
AUTO: Final = "auto"
_UNUSED: Final = {
    True: "no feature is made of it: ask for it by name",
    False: "no feature is made of it, and it holds no numbers",
}


@dataclass(frozen=True)
class Features:
    """The features of a table's rows."""

    values: NDArray[np.float32]
    """(n, p), NaN where not measured"""
    used: tuple[Feature, ...]
    refused: tuple[tuple[str, str], ...]
    """(name, reason) of columns that were left out, and of features that cannot be made"""

    @property
    def names(self) -> tuple[str, ...]:
        """(p,) of the features."""
        return tuple(each.name for each in self.used)

    def columns(self, names: Sequence[str]) -> Features:
        """Some of them, in this order."""
        place = {each.name: number for number, each in enumerate(self.used)}
        unknown = [name for name in names if name not in place]
        if unknown:
            raise UserError(
                f"feature {unknown[0]!r} was asked for, but it was not made: "
                f"{nearest(unknown[0], place)}"
            )
        which = [place[name] for name in names]
        used = tuple(self.used[number] for number in which)
        return replace(self, values=np.ascontiguousarray(self.values[:, which]), used=used)

    def __str__(self) -> str:
        lines = [f"{len(self.used)} features of {len(self.values)} rows:"]
        lines += [f"  {each.name}: {each.formula}" + _unit(each.unit) for each in self.used]
        if self.refused:
            lines += [f"{len(self.refused)} refused:"]
            lines += [f"  {name}: {reason}" for name, reason in self.refused]
        return "\n".join(lines)


def _unit(unit: str) -> str:
    return f" [{unit}]" if unit else ""


def features_asked(which: Any) -> list[str | Feature]:
    """Names of features, families or columns, or features. Raises UserError for all else."""
    if isinstance(which, str | Feature):
        return [which]
    asked: list[Any] = list(which) if isinstance(which, Iterable) else [None]
    strange = [each for each in asked if not isinstance(each, str | Feature)]
    if strange:
        raise UserError(
            f"the features are to be {which!r:.60}, but names of features, families or columns are "
            "needed: try 'auto', or ['sdss_g-r']"
        )
    return asked


def features_of(  # noqa: PLR0913  a public face: each option stands alone
    table: Any,
    survey: Surveys = None,
    *,
    which: Which | Sequence[Which] = AUTO,
    with_spectra: bool = False,
    columns: Mapping[str, str] | None = None,
    ebv: Dust = None,
    positions: tuple[str, str] | None = None,
    absent: Literal["error", "nan"] = "error",
    telling: Callable[[str], Any] | None = None,
) -> Features:
    """Features of a table's rows: every row stays, whatever it lacks.

    Parameters
    ----------
    table : Arrow, pandas or astropy table, or mapping of arrays (n,) each
    survey : whose columns these are: a name, a role file's path, several, or {prefix: name}
    which : "auto" (all that roles of the surveys allow), or any of: "auto", a family's name, a
        feature's, a column's, an object that is a `Feature`
    with_spectra : let columns from spectra in (redshift, radial velocity, temperature ...)
    columns : {name in the role file, or of a band: column of the table}, for names of one's own
    ebv : E(B-V) on SFD's scale for dereddened colours: a column's name, values (n,), or the name of
        a dust map ("sfd"); None: the table's own, where it has one (ebv, extinction_r)
    positions : columns of right ascension and declination in degrees, for a dust map, where neither
        the survey nor their names tell which they are
    absent : what to do for features that the table's columns do not allow, and for surveys that it
        has none of: "nan" keeps the features' columns, empty
    telling : told what was used, refused, and why

    Raises UserError for a name that is nothing, and for a column that may not be learnt from;
    ColumnError where a survey or all that was asked for is not in the table.

    >>> table = {"u": [19.2], "g": [18.1], "r": [17.7], "i": [17.5], "z": [17.4]}
    >>> features_of(table, "sdss", which=["sdss_u-g", "sdss_r"]).values.round(2).tolist()
    [[1.1, 17.7]]
    """
    one_of("absent", absent, ("error", "nan"))
    read = Columns(table)
    asked = features_asked(which)
    if absent == "nan":
        surveys, missing = seen_in_part(read, survey, columns or {})
    else:
        surveys, missing = seen(read, survey, columns or {}), ()
    sky = ebv_of(Observed(read, surveys), ebv, positions)
    if not surveys and AUTO in asked:
        raise UserError(_no_survey(read))
    found = {each.name: (each, own.auto) for own in FAMILIES for each in own.found(sky)}
    choice = _Choice(sky, found, with_spectra=with_spectra, absent=absent)
    choice.refused += [(name, "the table has none of this survey's columns") for name in missing]
    used = list({each.name: each for one in asked for each in choice.of(one)}.values())
    _some(used, choice, asked)
    left: list[tuple[str, str]] = []
    if AUTO in asked:
        left = [*_of_no_use(sky, used), *_left_out(sky, used, with_spectra=with_spectra)]
    made = Features(_values(sky, used), tuple(used), (*choice.refused, *left))
    if telling is not None:
        telling(str(made))
    return made


@dataclass
class _Choice:
    """From names to features."""

    sky: Observed
    found: Mapping[str, tuple[Measure, bool]]
    with_spectra: bool
    absent: str

    def __post_init__(self) -> None:
        self.refused: list[tuple[str, str]] = []

    def of(self, one: Which) -> list[Feature]:
        """The features that a word, or an object, stands for."""
        if not isinstance(one, str):
            return [one]
        if one == AUTO:
            told = [each for each, auto in self.found.values() if auto]
            return [*told, *(self._spectra() if self.with_spectra else [])]
        if one in self.found:
            return [self.found[one][0]]
        own = family(one)
        if own is not None:
            return list(own.found(self.sky))
        if one in self.sky.columns.names:
            return [self._column(one)]
        return self._spectral(one) or self._lacking(one)

    def _spectral(self, one: str) -> list[Feature]:
        """The feature of that name that comes from spectra; none where there is no such one."""
        made = [each for each in self._spectra() if each.name == one]
        if made and not self.with_spectra:
            raise UserError(
                f"feature {one!r} was asked for, but it is from a spectrum: leave it out, or say "
                "with_spectra=True"
            )
        return made

    def _lacking(self, one: str) -> list[Feature]:
        """A feature that the table's columns do not allow, empty. Raises for any other name."""
        template = template_of(one)
        if template is None or self.absent == "error":
            raise (ColumnError if template else UserError)(self._unknown(one, template))
        self.refused.append((one, f"the table lacks what it needs: {template.needs}"))
        return [_absent(one, template, self.sky.rows)]

    def _unknown(self, one: str, template: Template | None) -> str:
        if template is not None:
            return (
                f"feature {one!r} needs {template.needs}, but the table lacks that: leave it out, "
                "or keep its column empty with absent='nan'"
            )
        known = [*self.found, *self.sky.columns.names, *(each.name for each in FAMILIES), AUTO]
        return (
            f"{one!r} was asked for, but it is neither a feature, a family, nor a column: "
            f"{nearest(one, known)}"
        )

    def _column(self, name: str) -> Feature:
        """A column as it stands, if it may be learnt from."""
        reason = _reason(self.sky, name, with_spectra=self.with_spectra)
        if reason is not None:
            raise UserError(f"column {name!r} was asked for, but it is {reason}")
        if not self.sky.columns.is_number(name):
            raise ColumnError(
                f"column {name!r} is of type {self.sky.columns.arrow(name).type}, but a feature "
                "needs numbers: leave it out"
            )
        return _plain(self.sky, name, name)

    def _spectra(self) -> list[Feature]:
        """Columns of role files that come from spectra."""
        told: list[Feature] = []
        for survey in self.sky.surveys:
            for ours, there in survey.renamed.items():
                column = survey.survey.columns.get(ours)
                refused, let_in = (
                    refusal(ours, column, with_spectra=flag, is_band=_is_band(survey, there))
                    for flag in (False, True)
                )
                if refused and not let_in and self.sky.columns.is_number(there):
                    told.append(_plain(self.sky, there, f"{survey.short}_{ours}"))
        return told


def _plain(sky: Observed, column: str, name: str) -> Measure:
    """A column as it stands, its sentinels NaN."""
    owner = next((each for each in sky.surveys if column in each.renamed.values()), None)
    read = sky.columns.floats if owner is None else owner.told
    return Measure(name, "", f"the column {column}", "the table", (column,), lambda: read(column))


def _absent(name: str, template: Template, rows: int) -> Measure:
    """A feature of a model that this table has no columns for."""
    return Measure(
        name, template.unit, template.formula, template.source, (),
        lambda: np.full(rows, np.nan, np.float32),
    )  # fmt: skip


def _is_band(survey: SurveySeen, column: str) -> bool:
    return any(column in (band.column, band.error) for band in survey.roles.bands)


def _reason(sky: Observed, name: str, *, with_spectra: bool) -> str | None:
    """Why a column of the table may not be learnt from."""
    band = any(_is_band(each, name) for each in sky.surveys)
    band |= name == "z" and {"g", "r", "i"} <= set(sky.columns.names)
    for survey in sky.surveys:
        ours = next((own for own, there in survey.renamed.items() if there == name), None)
        if ours is not None:
            column = survey.survey.columns.get(ours)
            return refusal(ours, column, with_spectra=with_spectra, is_band=band)
    bare = next(
        (name[len(each.prefix) :] for each in sky.surveys
         if each.prefix and name.startswith(each.prefix)),
        name,
    )  # fmt: skip
    return refusal(bare, with_spectra=with_spectra, is_band=band)


def _left_out(
    sky: Observed, used: Sequence[Feature], *, with_spectra: bool
) -> list[tuple[str, str]]:
    """Columns of the table that no feature is made of."""
    taken = {column for each in used for column in each.columns}
    left = [name for name in sky.columns.names if name not in taken]
    return [
        (
            name,
            _reason(sky, name, with_spectra=with_spectra) or _UNUSED[sky.columns.is_number(name)],
        )
        for name in left
    ]


def _of_no_use(sky: Observed, used: Sequence[Feature]) -> list[tuple[str, str]]:
    """Surveys that were named and of which no feature was made."""
    taken = {column for each in used for column in each.columns}
    return [
        (survey.survey.name, "the survey was named, but no feature can be made of its columns")
        for survey in sky.surveys
        if not taken & set(survey.renamed.values())
    ]


def _some(used: Sequence[Feature], choice: _Choice, asked: Sequence[Which]) -> None:
    """At least one feature has columns."""
    if used and any(each.columns for each in used):
        return
    names = ", ".join(str(getattr(each, "name", each)) for each in asked[:5])
    there = ", ".join(choice.sky.columns.names[:12])
    raise ColumnError(
        f"the features are to be {names}, but the table has columns for none of it ({there}): "
        "name its surveys with survey=, or list columns of it as features"
    )


def _values(sky: Observed, used: Sequence[Feature]) -> NDArray[np.float32]:
    """(n, p) of all features; infinite is not measured."""
    values = np.empty((len(used), sky.rows), np.float32)
    with np.errstate(all="ignore"):
        for number, each in enumerate(used):
            told = each.of(sky)
            if np.shape(told) != (sky.rows,):
                raise UserError(
                    f"feature {each.name!r} gave an array of shape {np.shape(told)}, but a table "
                    f"of {sky.rows} rows needs ({sky.rows},): correct its of()"
                )
            values[number] = told
    return _by_row(values)


_BLOCK: Final = 512
"""Rows turned at once, so that a block stays in the cache"""


def _by_row(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, p) of (p, n); infinite is not measured."""
    turned = np.empty(values.shape[::-1], np.float32)
    for start in range(0, len(turned), _BLOCK):
        block = turned[start : start + _BLOCK]
        block[...] = values[:, start : start + _BLOCK].T
        block[np.isinf(block)] = np.nan
    return turned


def _no_survey(columns: Columns) -> str:
    """What to say where "auto" has no role to go by."""
    fits = {}
    for name in survey_names():
        survey = load(name)
        try:
            fits[name] = len(seen(columns, survey, {})[0].roles.bands)
        except ColumnError:
            continue
    best = max(fits, key=lambda name: fits[name], default=None)
    hint = f"survey={best!r} fits its columns" if best and fits[best] else "name its surveys"
    return (
        "the features are to be 'auto' without a survey, but only columns to which a role gives a "
        f"name are taken by themselves: {hint}, or list columns of it as features"
    )
