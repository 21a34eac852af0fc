"""What is fetched: a table at a service, which of its columns and rows, and how it is asked for."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from skyquarry.catalog.services import Service
from skyquarry.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from skyquarry.catalog.roles import Survey

WHOLE_SKY_DEG2 = 41_252.96


@dataclass(frozen=True, slots=True)
class Target:
    """A table at a TAP service."""

    service: Service
    ra: str | None
    """Its column of right ascension, ICRS degrees; None: the service is asked."""
    dec: str | None
    columns: tuple[str, ...] | None
    """None: all."""
    where: str | None
    """ADQL that each row must meet, beside its place."""
    survey: Survey | None
    chosen: bool = False
    """Whether a person named the columns: then each has to be there."""

    @property
    def title(self) -> str:
        """What messages call it."""
        return f"{self.service.table} of {self.service.tap}"

    @property
    def rows_a_deg2(self) -> float | None:
        """Rows in a square degree, in the mean over the survey's footprint."""
        if self.service.rows is None:
            return None
        area = None if self.survey is None else self.survey.footprint.area_deg2
        return self.service.rows / (area or WHOLE_SKY_DEG2)


def target_of(
    survey: Survey | None,
    *,
    columns: Sequence[str] | str | None = None,
    where: str | None = None,
    **changes: Any,
) -> Target:
    """The target that a survey's role file names, with what a person wants otherwise.

    changes: fields of `catalog.services.Service`; those that are None leave what the file says.
    Raises UserError where neither tells a service and a table.
    """
    given = {name: value for name, value in changes.items() if value is not None}
    service = _service(survey, given)
    if survey is not None and (survey.roles.frame, survey.roles.position_unit) != ("icrs", "deg"):
        raise UserError(
            f"the positions of {survey.name} are {survey.roles.frame} in "
            f"{survey.roles.position_unit}, but cells are cut in ICRS degrees: give --ra and --dec "
            "of columns that are, with a role file that says so"
        )
    roles = None if survey is None else survey.roles
    return Target(
        service,
        service.ra or (roles.ra if roles else None),
        service.dec or (roles.dec if roles else None),
        _columns(survey, service, columns),
        _condition(where),
        survey,
        chosen=columns is not None,
    )


def _service(survey: Survey | None, given: Mapping[str, Any]) -> Service:
    known = {each.name for each in fields(Service)}
    strange = sorted(set(given) - known)
    if strange:
        raise UserError(f"{strange[0]!r} was given, but a service has {', '.join(sorted(known))}")
    told = None if survey is None else survey.service
    if told is None:
        if "tap" not in given or "table" not in given:
            what = "no survey was given" if survey is None else f"{survey.name} names no service"
            raise UserError(
                f"{what}, so a TAP service and a table are needed: give both, as in "
                "--tap https://tapvizier.cds.unistra.fr/TAPVizieR/tap --table II/246/out"
            )
        return Service(**given)
    if given.keys() & {"tap", "table"}:  # another place: what its columns are called is not known
        told = replace(told, ra=None, dec=None, note=None)
    return replace(told, **given)


def _columns(
    survey: Survey | None, service: Service, columns: Sequence[str] | str | None
) -> tuple[str, ...] | None:
    if columns == "*":
        return None
    if isinstance(columns, str):
        columns = [name.strip() for name in columns.split(",") if name.strip()]
    if columns is not None:
        return tuple(dict.fromkeys(columns))
    if survey is None or service.select == "all" or not survey.columns:
        return None
    return tuple(survey.columns)


def _condition(where: str | None) -> str | None:
    if where is None or not where.strip():
        return None
    if ";" in where or "--" in where or where.count("(") != where.count(")"):
        raise UserError(
            f"where is {where!r}, but one ADQL condition is needed, without ; and -- and with its "
            "brackets closed: as in phot_g_mean_mag < 18"
        )
    return where.strip()
