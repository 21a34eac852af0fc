"""One file a survey: what its telescope can do, and the columns of its catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from skyquarry.synthetic.observe.surveys import allwise, gaia, panstarrs, sdss, twomass, ukidss

if TYPE_CHECKING:
    from skyquarry.synthetic.observe.rows import Catalogue

CATALOGUES: Final[dict[str, Catalogue]] = {
    each.instrument.name: each
    for each in (
        sdss.CATALOGUE,
        twomass.CATALOGUE,
        allwise.CATALOGUE,
        gaia.CATALOGUE,
        panstarrs.CATALOGUE,
        ukidss.CATALOGUE,
    )
}
"""{short name: what makes its catalogue}"""
MAIN: Final = ("sdss", "twomass", "allwise", "gaia")
"""The four surveys of the project's main job."""
