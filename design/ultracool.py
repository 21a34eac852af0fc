"""What SIMPLE's dwarfs say of the colours and the scatter of types M7 to T8.

    python design/ultracool.py DATA            # DATA/labels: files of SIMPLE; some seconds

Half of SIMPLE's dwarfs by cells of the sky (HEALPix order 4; a checksum of the cell's number tells
which) are asked here, the others by tests/synthetic/milkyway/test_ultracool.py. Printed are

- medians of colours at each type, by a line through the dwarfs about it (least absolute
  deviations): the rows of skyquarry/synthetic/data/ultracool.csv, where there are a dozen (M9
  is put halfway to the median of its own dwarfs, which the line from M8 to L0 passes by);
- for four ranges of types, what fits the spreads (half of the 16th to the 84th percentile) of all
  pairs of bands, squared, errors of measurement taken off: those of types along the sequence, one
  amount of redness with a coefficient for each band (H: 0), and each band's own scatter.

What was read off on 22 November 2026, rounded, is in skyquarry/synthetic/milkyway/ultracool.py.
"""

from __future__ import annotations

import sys
import zlib
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from scipy.optimize import least_squares

from skyquarry.learn.splits import sky_groups
from skyquarry.synthetic.milkyway.tables import table
from skyquarry.synthetic.milkyway.ultracool import TYPE_ERROR

BANDS = {
    "PAN-STARRS/PS1.r": "r", "PAN-STARRS/PS1.i": "i", "PAN-STARRS/PS1.z": "z",
    "PAN-STARRS/PS1.y": "y", "2MASS.J": "j", "2MASS.H": "h", "2MASS.Ks": "k", "WISE.W1": "w1",
    "WISE.W2": "w2", "WISE.W3": "w3", "GAIA3.G": "g", "GAIA3.Grp": "rp", "WFCAM.Y": "uy",
    "WFCAM.J": "uj", "WFCAM.H": "uh", "WFCAM.K": "uk",
}  # fmt: skip
STEPS = ("r_i", "i_z", "z_y", "y_j", "j_h", "h_k", "k_w1", "w1_w2", "w2_w3", "g_j", "g_rp",
         "uy_uj", "uj_j", "uh_h", "uk_k")  # fmt: skip
FITTED = ("r", "i", "z", "y", "j", "h", "k", "w1", "w2", "g", "rp")
RANGES = ((17.0, 20.0), (20.0, 23.0), (23.0, 30.0), (30.0, 39.0))
MOST_ERROR, LEAST = 0.12, 15


def simple(folder: Path) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """Types (M0 = 10), magnitudes and errors of half of SIMPLE's, the surest of each band."""
    known = pq.read_table(folder / "ultracool_simple.parquet").to_pydict()
    rows = pq.read_table(folder / "ultracool_simple_photometry.parquet").to_pydict()
    cells = sky_groups(np.array(known["ra"]), np.array(known["dec"]), 4)
    mine = [zlib.crc32(str(int(cell)).encode()) & 1 == 0 for cell in cells]
    names = [name for name, has in zip(known["source"], mine, strict=True) if has]
    place = {name: number for number, name in enumerate(names)}
    kinds = np.array(known["spt_code"], np.float64)[mine] - 50.0
    mags = {band: np.full(len(names), np.nan) for band in BANDS.values()}
    errors = {band: np.full(len(names), np.inf) for band in BANDS.values()}
    columns = (rows[name] for name in ("source", "band", "magnitude", "magnitude_error"))
    for source, name, mag, error in zip(*columns, strict=True):
        band, at = BANDS.get(name), place.get(source)
        if band and at is not None and None not in (mag, error) and error < errors[band][at]:
            mags[band][at], errors[band][at] = mag, error
    return kinds, mags, errors


def median_at(kinds: Any, colour: Any, kind: float, width: float) -> tuple[float, int]:
    """Of a colour at a type, and how many dwarfs tell it."""
    near = np.flatnonzero(np.isfinite(colour) & (abs(kinds - kind) <= 2.5 * width))
    if len(near) < 12:
        return np.nan, len(near)
    weight = np.exp(-0.5 * ((kinds[near] - kind) / width) ** 2)
    line = np.array([np.median(colour[near]), 0.0])
    basis = np.stack([np.ones(len(near)), kinds[near] - kind], axis=1)
    for _ in range(50):
        each = weight / np.maximum(abs(colour[near] - basis @ line), 1e-3)
        line = np.linalg.solve(basis.T @ (each[:, None] * basis), basis.T @ (each * colour[near]))
    return float(line[0]), len(near)


def spread(values: Any) -> float:
    low, high = np.percentile(values, [16, 84])
    return 0.5 * float(high - low)


def sequence() -> tuple[Any, dict[str, Any]]:
    """Types, and magnitudes less that in J, of the table."""
    own = table("ultracool.csv")
    y = own["y_j"]
    z, h = y + own["z_y"], -own["j_h"]
    i, k = z + own["i_z"], h - own["h_k"]
    w1 = k - own["k_w1"]
    known = {
        "r": i + own["r_i"], "i": i, "z": z, "y": y, "j": 0.0 * y, "h": h, "k": k, "w1": w1,
        "w2": w1 - own["w1_w2"], "g": own["g_j"], "rp": own["g_j"] - own["g_rp"],
    }  # fmt: skip
    return own["spectral_type"], known


def spreads(low: float, high: float, kinds: Any, mags: Any, errors: Any) -> list[tuple[Any, ...]]:
    """Of each pair of bands: numbers of both, variance, its error, variance by errors of types."""
    types, known = sequence()
    told = []
    for a, b in combinations(range(len(FITTED)), 2):
        one, other = FITTED[a], FITTED[b]
        error = np.hypot(errors[one], errors[other])
        some = (error < MOST_ERROR) & (kinds >= low) & (kinds < high)
        some &= np.isfinite(mags[one] - mags[other])
        if some.sum() < LEAST:
            continue
        here, colour = kinds[some], known[one] - known[other]
        left = (mags[one] - mags[other])[some] - np.interp(here, types, colour)
        slope = np.interp(here + 0.5, types, colour) - np.interp(here - 0.5, types, colour)
        along = TYPE_ERROR**2 * np.mean(slope**2)
        square = spread(left) ** 2
        told.append((a, b, square - np.mean(error[some] ** 2), square / np.sqrt(some.sum() / 2),
                     along))  # fmt: skip
    return told


def fitted(told: list[tuple[Any, ...]]) -> tuple[Any, Any]:
    """Redness (11,) and own scatter (11,) of the bands."""
    a, b, variance, error, along = (np.array(column) for column in zip(*told, strict=True))
    n, pivot = len(FITTED), FITTED.index("h")

    def off(given: Any) -> Any:
        redness, own = given[:n].copy(), given[n:]
        redness[pivot] = 0.0
        model = along + (redness[a] - redness[b]) ** 2 + own[a] ** 2 + own[b] ** 2
        return np.concatenate([(model - variance) / error, 0.2 * given[:n], 2.0 * own])

    first = (0.3, 0.25, 0.2, 0.15, 0.08, 0.0, -0.05, -0.1, -0.12, 0.2, 0.2)
    starts = np.random.default_rng(0).uniform(0.5, 1.5, (6, n))
    found = min(
        (least_squares(off, np.concatenate([each * first, np.full(n, 0.04)])) for each in starts),
        key=lambda each: float(each.cost),
    )
    return found.x[:n], abs(found.x[n:])


def main() -> None:
    kinds, mags, errors = simple(Path(sys.argv[1]) / "labels")
    print("type " + " ".join(f"{step:>7}" for step in STEPS))
    for kind in np.arange(17.0, 39.0):
        row = []
        for one, other in (step.split("_") for step in STEPS):
            sure = np.hypot(errors[one], errors[other]) < 0.15
            colour = np.where(sure, mags[one] - mags[other], np.nan)
            row.append(median_at(kinds, colour, kind, 0.5 if kind < 23.0 else 0.9)[0])
        print(f"{kind:4.0f} " + " ".join(f"{each:7.3f}" for each in row))
    for low, high in RANGES:
        told = spreads(low, high, kinds, mags, errors)
        redness, own = fitted(told)
        used = sorted({each for pair in told for each in pair[:2]})
        print(f"\ntypes {low:g} to {high:g}, {len(told)} pairs of bands")
        for word, values in (("redness", redness), ("own", own)):
            print(f"{word:8}" + ", ".join(f"{FITTED[k]} {values[k]:.3f}" for k in used))


if __name__ == "__main__":
    main()
