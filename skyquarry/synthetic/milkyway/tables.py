"""Published tables that stars are made from, read once a process."""

from __future__ import annotations

from functools import cache
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.errors import UserError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_TYPES: Final = {
    "O": -50,
    "B": -40,
    "A": -30,
    "F": -20,
    "G": -10,
    "K": 0,
    "M": 10,
    "L": 20,
    "T": 30,
    "Y": 40,
}
_INSTALL: Final = "pip install 'skyquarry[simulate]'"


@cache
def table(name: str) -> dict[str, Floats]:
    """Columns (n,) of a table of our own in synthetic/data, whose first lines tell its source."""
    text = (resources.files("skyquarry.synthetic") / "data" / name).read_text("utf-8")
    rows = [line.split(",") for line in text.splitlines() if not line.startswith("#")]
    numbers = np.array(rows[1:], float)
    return {column: numbers[:, place] for place, column in enumerate(rows[0])}


def file_of(package: str, *path: str) -> Path:
    """A data file inside of an installed package, which is not imported.

    Raises UserError where the package is not installed.
    """
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise UserError(
            f"no package {package} here, but a synthetic sky needs its data: {_INSTALL}"
        )
    return Path(found.submodule_search_locations[0], *path)


@cache
def dwarfs() -> dict[str, Floats]:
    """E. Mamajek's mean dwarf sequence, version 2022.04.16, hot to cold: columns (n,), NaN unknown.

    Pecaut & Mamajek 2013, ApJS 208, 9, table 5, as it has been updated since: the data of the
    package MeanStars. `spectral_type` counts from M0 = 10, one a subtype.
    """
    lines = file_of("MeanStars", "EEM_dwarf_UBVIJHK_colors_Teff.txt").read_text().splitlines()
    first = next(place for place, line in enumerate(lines) if line.startswith("SpT "))
    names = lines[first].split()[:31]
    rows = []
    for line in lines[first + 1 :]:
        if line.startswith("#"):
            break
        rows.append(line.split()[:31])
    columns = {
        name: np.array([_number(row[place]) for row in rows])
        for place, name in enumerate(names)
        if name != "SpT"
    }
    columns["spectral_type"] = np.array([_numeric_type(row[0]) for row in rows])
    return columns


def _number(text: str) -> float:
    return np.nan if not text.strip(".") else float(text.rstrip(":*"))


def _numeric_type(text: str) -> float:
    return _TYPES[text[0]] + float(text[1:].rstrip("V"))
