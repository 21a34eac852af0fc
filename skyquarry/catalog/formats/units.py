"""Units as VOUnit text, whichever dialect a file writes them in."""

from __future__ import annotations

import functools
import re

# Words that VOUnit shares with every dialect: no parser need be loaded for them.
SHARED = frozenset(
    [
        "deg",
        "arcmin",
        "arcsec",
        "mas",
        "uas",
        "rad",
        "mag",
        "d",
        "s",
        "h",
        "min",
        "yr",
        "a",
        "km",
        "m",
        "cm",
        "mm",
        "um",
        "nm",
        "pc",
        "kpc",
        "Mpc",
        "AU",
        "Jy",
        "mJy",
        "uJy",
        "K",
        "Hz",
        "kHz",
        "MHz",
        "GHz",
        "erg",
        "W",
        "J",
        "eV",
        "keV",
        "MeV",
        "GeV",
        "pix",
        "ct",
        "adu",
        "count",
        "electron",
        "photon",
        "Angstrom",
        "%",
    ]
)


@functools.lru_cache(maxsize=4096)
def vounit(text: str, dialect: str) -> str:
    """A unit in VOUnit text; as it was where it is of no dialect that is known.

    dialect: "fits", "cds", "vounit", "ogip" or "generic", as astropy calls them.
    """
    text = text.strip()
    if not text or text in SHARED or text in {"-", "---"}:
        return text.strip("-")
    return _translated(text, dialect) or text


def _translated(text: str, dialect: str) -> str | None:
    from astropy import units

    for spoken in dict.fromkeys((dialect, "vounit", "cds", "fits", "generic")):
        unit = units.Unit(text, format=spoken, parse_strict="silent")
        if isinstance(unit, units.UnrecognizedUnit):
            continue
        try:
            return str(unit.to_string("vounit"))
        except (ValueError, TypeError):
            return None
    return None


def fits_unit(text: str) -> str:
    """VOUnit text as FITS writes it; as it was where FITS has no word for it."""
    if not text or re.fullmatch(r"[A-Za-z]+", text):
        return text
    from astropy import units

    try:
        return str(units.Unit(text, format="vounit").to_string("fits"))
    except (ValueError, TypeError):
        return text
