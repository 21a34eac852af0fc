"""The footprint of a survey: the MOC that its role file names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skyquarry.errors import NotFoundError, RegionError, UserError

if TYPE_CHECKING:
    from skyquarry.catalog.roles import Survey
    from skyquarry.sky.footprint import Footprint


def footprint_of(survey: Survey) -> Footprint | None:
    """The survey's own footprint, labelled so; None where its role file names no MOC.

    Raises NotFoundError where the MOC is not there, UserError where it is none.
    """
    moc = survey.footprint.moc
    if moc is None:
        return None
    from skyquarry.catalog.files import Folder
    from skyquarry.sky.footprint import Footprint

    folder, _, name = moc.rpartition("/")
    place = Folder.at(folder or ".")
    if not place.exists(name):
        raise NotFoundError(
            f"the role file of {survey.name} names the MOC {moc!r}, but there is no such file: put "
            "it there, or leave footprint.moc out"
        )
    try:
        return Footprint.from_moc(place.read_bytes(name), label="survey")
    except RegionError as fault:
        raise UserError(f"{moc}, the footprint of {survey.name}, is no MOC: {fault}") from None
