"""Names of functions that a user may define: ours, those of IVOA's catalogue, those of services.

ADQL calls any function that is not its own a user-defined function, and lets a service say which
it has. A query is of the language where such a function is known to someone; running it is another
matter (`calls`).
"""

from __future__ import annotations

from typing import Final

from skyquarry.adql.text import shapes
from skyquarry.adql.text.words import nearest

OURS: Final = (
    "IVO_HEALPIX_INDEX", "IVO_HEALPIX_CENTER", "IVO_HASHLIST_HAS", "IVO_STRING_AGG",
    "IVO_HASWORD", "IVO_NOCASEMATCH", "IVO_NORMAL_RANDOM", "IVO_TO_MJD", "IVO_TO_JD",
    "IVO_INTERVAL_OVERLAPS", "IVO_EPOCH_PROP", "IVO_EPOCH_PROP_POS", "IVO_GEOM_TRANSFORM",
    "GAIA_HEALPIX_INDEX", "GAVO_TO_MJD", "GAVO_TO_JD", "EPOCH_PROP", "EPOCH_PROP_POS",
    "ESDC_EPOCH_PROP", "ESDC_EPOCH_PROP_POS", "GALACTIC_LONGITUDE", "GALACTIC_LATITUDE", "HTM_ID",
    "IVO_APPLY_PM", "IVO_SPECCONV", "IVO_HISTOGRAM", "IVO_INTERVAL_HAS", "IVO_STDDEV",
    "IVO_VARIANCE", "IVO_CORR",
    "GAIA_EPOCH_PROP", "GAIA_EPOCH_PROP_POS", "BITWISE_AND", "BITWISE_OR", "HAS_FLAG",
    "ARRAY_ITEM", "ARRAY_ROW", "ARRAY_LENGTH", "ARRAY_SUM", "ARRAY_AVG", "ARRAY_MIN", "ARRAY_MAX",
)  # fmt: skip
"""Functions whose name we know; which of them run is `calls`'s to say."""
_ELSEWHERE: Final = frozenset((
    "STDDEV", "VARIANCE", "MEDIAN", "SQUARE", "CBRT", "GREATEST", "LEAST", "SIGN", "CONCAT",
    "LENGTH", "REPLACE", "TO_CHAR", "TO_NUMBER", "TO_DATE", "DIV", "RANGE_BBOX", "CENTER",
    "ISDOWNLOADABLE", "RANGE_S2D", "BITWISE_NOT", "BITWISE_XOR",
))  # fmt: skip
"""Without a prefix, at services that many queries were written for."""
_SERVICES: Final = frozenset((
    "IVO", "GAVO", "GAIA", "ESDC", "ESO", "ESA", "CADC", "CAOM", "CDS", "VIZIER", "SIMBAD",
    "MAST", "IRSA", "NED", "HEASARC", "SDSS", "WFAU", "ROE", "OSA", "NOIRLAB", "ALMA", "JVO",
    "AIP", "Q3C", "UDF", "SKYQUARRY", "ARI", "ASTRON", "CSC", "CXC", "DES", "EUCLID", "HSA",
    "HSC", "HST", "JWST", "LSST", "NAOJ", "NOAO", "OCA", "PADC", "RUBIN", "SKYMAPPER", "SSA",
    "STSCI", "VSA", "WSA", "XMM", "XSA",
))  # fmt: skip
"""Prefixes that services give to theirs, so that names of different services do not clash."""


FOREIGN: Final[set[str]] = set()
"""Those that the user of this process registered (`userfunctions`), in capitals."""


def is_function(key: str) -> bool:
    """Whether a function of this name, in capitals, is known to us or to some service."""
    prefix, _, rest = key.partition("_")
    return (
        key in OURS or key in FOREIGN or key in _ELSEWHERE or (bool(rest) and prefix in _SERVICES)
    )


def why_no_function(name: str) -> str:
    """What is wrong with a function that nobody knows."""
    known = [*shapes.SHAPES, *shapes.SET_FUNCTIONS, *OURS, "CAST"]
    hint = nearest(name, [each.lower() for each in known])
    prefixes = ", ".join(sorted(each.lower() + "_" for each in _SERVICES)[:6])
    return f"is no function of ADQL, and none that is known here: {hint}" + (
        "" if hint else f"a function of a service begins with its prefix ({prefixes} ...)"
    )
