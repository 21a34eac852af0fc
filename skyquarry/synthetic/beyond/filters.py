"""How much of the light of each wavelength the 24 bands let through."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.errors import UserError
from skyquarry.synthetic.bands import BANDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_PANSTARRS: Final = {f"ps1_{band}": f"panstarrs-{band}" for band in "grizy"}
_WFCAM_UM: Final = {
    "ukidss_y": (0.97, 1.07),
    "ukidss_j": (1.17, 1.33),
    "ukidss_h": (1.49, 1.78),
    "ukidss_k": (2.03, 2.37),
}
"""Where WFCAM's curves rise and fall to a half: Hewett et al. 2006, MNRAS 367, 454, table 4."""
_EDGE: Final = 0.01
_ANGSTROMS: Final = {"Angstrom": 0.1, "micron": 1000.0, "nm": 1.0}


@lru_cache(maxsize=1)
def curves() -> tuple[tuple[Floats, Floats], ...]:
    """Wavelengths (n,) nm and photon responses (n,) of each of BANDS, in their order.

    Curves of the package speclite (its sources stand in its files); of UKIDSS, for which it has
    none, boxes with edges one per cent wide, which is good to some 0.02 mag for smooth spectra.
    """
    found = []
    for band in BANDS:
        name = band.filter or _PANSTARRS.get(band.name, "")
        found.append(_speclite(name) if name else _box(*_WFCAM_UM[band.name]))
    return tuple(found)


def packaged(package: str, *path: str) -> Path:
    """A data file inside of an installed package, which is not imported: that would be slow.

    Raises UserError where the package is not installed.
    """
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise UserError(
            f"the package {package} is not installed, but a synthetic sky needs its data: "
            "pip install 'skyquarry[simulate]'"
        )
    return Path(found.submodule_search_locations[0], *path)


def _speclite(name: str) -> tuple[Floats, Floats]:
    lines = packaged("speclite", "data", "filters", f"{name}.ecsv").read_text("utf-8").splitlines()
    unit = next(line for line in lines if "name: wavelength" in line)
    scale = next(factor for word, factor in _ANGSTROMS.items() if f"unit: {word}" in unit)
    rows = [line.split() for line in lines if line[:1].isdigit() or line[:1] == "."]
    wavelength, response = np.array(rows, np.float64).T
    return wavelength * scale, np.maximum(response, 0.0)


def _box(low_um: float, high_um: float) -> tuple[Floats, Floats]:
    low, high = 1000.0 * low_um, 1000.0 * high_um
    edges = [low * (1 - _EDGE), low * (1 + _EDGE), high * (1 - _EDGE), high * (1 + _EDGE)]
    return np.array(edges), np.array([0.0, 1.0, 1.0, 0.0])
