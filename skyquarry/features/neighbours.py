"""Features of the surroundings, as `environment.environment_of` makes them from whole tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from skyquarry.features.protocol import AsItIs, Family, Measure, Template

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from skyquarry.features.observed import Observed

    Floats = NDArray[np.floating]

_NEEDS = "environment_of: rows with a margin of 7 arcmin"
# fmt: off
_TOLD: Final = (
    Template("near_{a}-{b}_red_1", "", "galaxies within 1' of colour {a} - {b} within 0.1 mag and "
             "at most 2 mag fainter, less those expected from 3' to 7'",
             "after Gladders & Yee 2000, AJ 120, 2148", _NEEDS),
    Template("near_{a}-{b}_red_3", "", "the same within 3'",
             "after Gladders & Yee 2000, AJ 120, 2148", _NEEDS),
    Template("near_{a}-{b}_sigma_5", "arcmin**-2", "5 over pi times the square of the distance to "
             "the fifth of them", "Dressler 1980, ApJ 236, 351", _NEEDS),
    Template("near_host_dlr", "", "least of separation over half-light radius, of galaxies within "
             "60 arcsec", "Sullivan et al. 2006, ApJ 648, 868; Gupta et al. 2016, AJ 152, 154",
             _NEEDS),
)
# fmt: on


def _found(sky: Observed) -> list[Measure]:
    found = []
    for column in sky.columns.names:
        template = next((each for each in _TOLD if each.fits(column)), None)
        if template is not None:
            a, _, b = column.removeprefix("near_").partition("_")[0].partition("-")
            found.append(template.measure((column,), AsItIs(sky, column), a=a, b=b))
    return found


NEIGHBOURS: Final = Family(
    "neighbours", "Surroundings: neighbours of a galaxy's own colour, and the nearest galaxy",
    _TOLD, _found,
)  # fmt: skip
