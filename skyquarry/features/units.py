"""Columns that state a unit are held to that of their survey: a flux is no magnitude."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from skyquarry.errors import ColumnError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from skyquarry.features.observed import SurveySeen
    from skyquarry.features.reading import Columns


def check_units(columns: Columns, surveys: Iterable[SurveySeen]) -> None:
    """Raises ColumnError for a column whose stated unit is not that of its role.

    A column without a unit, or with one that nobody knows, is taken at its role's word.
    """
    for survey in surveys:
        for column, needed in _units_of(survey):
            stated = columns.unit(column)
            if stated and _differ(stated, needed):
                raise ColumnError(
                    f"the column {column!r} is in {stated!r}, but {survey.survey.name} has it in "
                    f"{needed!r}: convert it, or name the survey whose columns these are"
                )


def _units_of(survey: SurveySeen) -> Iterator[tuple[str, str]]:
    """(column of the table, unit) of what features are made of."""
    roles = survey.roles
    for band in roles.bands:
        yield band.column, band.unit
        if band.error is not None:
            yield band.error, band.unit
    for parallax in (roles.parallax, roles.parallax_error):
        if parallax is not None:
            yield parallax, roles.parallax_unit
    motion = roles.motion
    if motion is not None:
        for each in (motion.pmra, motion.pmdec, motion.pmra_error, motion.pmdec_error):
            if each is not None:
                yield each, motion.unit


@lru_cache(maxsize=256)
def _differ(stated: str, needed: str) -> bool:
    """Whether both are known, and are not the same. The mag of mag(AB) is a mag."""
    if stated == needed:
        return False
    from astropy.units import Unit

    try:
        units = [Unit(each) for each in (stated, needed)]
    except ValueError:
        return False
    mine, theirs = (getattr(each, "function_unit", each) for each in units)
    return bool(mine != theirs)
