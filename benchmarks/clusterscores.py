"""How good the finder of clusters of galaxies is: against the haloes of a synthetic sky.

    python benchmarks/clusterscores.py --out benchmarks/results

Galaxies and clusters alone are drawn (no star, no survey), over one HEALPix cell of order 2, 215
square degrees at high latitude, to the depth that the finder asks for. Magnitudes get the errors
that galaxies have in the simulated SDSS (5 sigma at g 22.45, r 22.1, i 21.75, and 0.02 at least),
dust is taken off as it was put on: what is judged is the finder, not star-galaxy separation. Groups
that lie behind each other by chance are in that sky, and are no clusters; nor are groups of less
than 1e14 solar masses. The first quarter of seed 9001 was seen while the finder was being made.

A system that was found and a halo belong together within the halo's radius 1.43 (richness /
100)^0.2 Mpc on the sky and 0.05 in redshift; the richest first, each once. Complete is the share of
haloes above a richness that were found; pure the share of systems above a richness on a halo.
Left out is what lies within half a degree of the border. Errors are those of a binomial share.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.features.clusters import clusters_of, radius_arcsec
from skyquarry.sky import healpix
from skyquarry.sky.frames import to_frame
from skyquarry.sky.vectors import separation_arcsec, to_radec, to_xyz
from skyquarry.surveys.load import load
from skyquarry.synthetic.bands import BAND
from skyquarry.synthetic.beyond import clusters as truth
from skyquarry.synthetic.beyond import populations
from skyquarry.synthetic.blocks import WIDE_ORDER, Block, limits_of, truth_of
from skyquarry.synthetic.sources import Kind

import record

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FIELD_ORDER: Final = 2
LEAST_Z, MOST_Z = 0.10, 0.33
"""redshifts judged: those the finder knows, less its errors at both ends"""
DEPTH_I: Final = 21.1
DEEP: Final = {"g": 22.45, "r": 22.1, "i": 21.75}
"""AB, five sigma, of galaxies of the simulated SDSS: 0.13 at g 22, 0.03 at r 20, 0.039 at i 20"""
RICHNESS: Final = (20.0, 30.0, 50.0)
LEAST_FOUND: Final = 5.0
"""richness of systems that haloes may be found as; purity is asked of richer ones alone"""
_LEAST_ERROR: Final = 0.02
_BORDER_ARCSEC: Final = 1_800.0
_NEAR_Z: Final = 0.05


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=9001)
    parser.add_argument("--field", type=int, help="HEALPix cell of order 2; default: a high one")
    parser.add_argument("--cells", type=int, default=256, help="of order 6, to draw of the field")
    parser.add_argument("--out")
    given = parser.parse_args()
    rows, told = scored(given.seed, given.field, given.cells)
    record.write("clusterscores", rows, told, given.out)


def scored(seed: int, field: int | None = None, cells: int = 256) -> tuple[int, dict[str, Any]]:
    """Galaxies drawn, and what is told of the finder; of `cells` of order 6 of a field."""
    field = highest() if field is None else field
    begun = time.process_time()
    ra, dec, colour, mag, error = drawn(field, cells, seed)
    made = time.process_time()
    found = clusters_of(ra, dec, colour, mag, g_r_error=error, richness=LEAST_FOUND)
    told = judged(found, haloes(field, seed), Inside(field, cells))
    told |= {
        "seed": seed, "cells": cells, "galaxies": len(ra),
        "area_deg2": round(cells * healpix.cell_area_deg2(WIDE_ORDER), 1),
        "cpu_s": {"galaxies": round(made - begun, 1),
                  "finder": round(time.process_time() - made, 1)},
    }  # fmt: skip
    return len(ra), told


def highest() -> int:
    """The cell of order 2 nearest to a galactic pole."""
    cells = np.arange(12 * 4**FIELD_ORDER)
    galactic = to_frame(to_xyz(*healpix.center(cells, FIELD_ORDER)), "galactic")
    return int(np.argmax(np.abs(to_radec(galactic)[1])))


def drawn(field: int, cells: int, seed: int) -> Floats:
    """(5, n) ra, dec, g - r and i without dust, error of g - r, of galaxies and cluster members."""
    limits = limits_of({"sdss_i": DEPTH_I})
    several = [each for each in populations() if each.name in ("galaxies", "clusters")]
    random, parts = np.random.default_rng(seed), []
    coefficients = {
        band.name.partition("_")[0]: band.extinction for band in load("sdss").roles.bands
    }
    first = field << 2 * (WIDE_ORDER - FIELD_ORDER)
    for cell in range(first, first + cells):
        sources, _ = truth_of(Block(cell, seed, limits, WIDE_ORDER), several)
        sources = sources.taken(sources.kind == Kind.GALAXY)
        seen, errors = {}, {}
        for name, deep in DEEP.items():
            true = sources.mags[:, BAND[f"sdss_{name}"]].astype(np.float64)
            noise = 0.2 * 10.0 ** (0.4 * (true - deep))  # of the flux
            flux = 1.0 + noise * random.standard_normal(len(true))
            with np.errstate(invalid="ignore"):
                seen[name] = true - 2.5 * np.log10(np.where(flux > 0, flux, np.nan))
            seen[name] += _LEAST_ERROR * random.standard_normal(len(true))
            seen[name] -= coefficients[name] * sources.ebv
            errors[name] = np.hypot(_LEAST_ERROR, 1.0857362 * noise)
        parts.append(np.stack([
            sources.ra_deg, sources.dec_deg, seen["g"] - seen["r"], seen["i"],
            np.hypot(errors["g"], errors["r"]),
        ]))  # fmt: skip
    return np.concatenate(parts, axis=1)


class Inside:
    """Whether places are in what was drawn, half a degree off its border."""

    def __init__(self, field: int, cells: int) -> None:
        first = field << 2 * (WIDE_ORDER - FIELD_ORDER)
        self.cells = np.arange(first, first + cells)

    def __call__(self, ra: Floats, dec: Floats) -> NDArray[np.bool_]:
        """(n,) by sixteen places around each."""
        xyz = to_xyz(ra, dec)
        inside = np.ones(len(ra), np.bool_)
        east = np.cross([0.0, 0.0, 1.0], xyz)
        east /= np.linalg.norm(east, axis=1, keepdims=True)
        north = np.cross(xyz, east)
        step = np.radians(_BORDER_ARCSEC / 3600.0)
        for turn in np.linspace(0.0, 2.0 * np.pi, 16, endpoint=False):
            away = xyz + step * (np.cos(turn) * east + np.sin(turn) * north)
            near = to_radec(away / np.linalg.norm(away, axis=1, keepdims=True))
            inside &= np.isin(healpix.index(*near, WIDE_ORDER), self.cells)
        return inside


def haloes(field: int, seed: int) -> dict[str, Floats]:
    """Place, redshift and richness of the true clusters of the field and about it."""
    population = next(each for each in populations() if each.name == "clusters")
    inner = np.arange(field << 2 * (truth.CELL_ORDER - FIELD_ORDER),
                      (field + 1) << 2 * (truth.CELL_ORDER - FIELD_ORDER))  # fmt: skip
    cells = np.unique(np.concatenate([inner, healpix.neighbours(inner, truth.CELL_ORDER).ravel()]))
    found = [truth.clusters_of(population, seed, cell) for cell in cells[cells >= 0].tolist()]
    kept = np.concatenate([each.system >= 0 for each in found])
    names = {"ra": "ra_deg", "dec": "dec_deg", "z": "redshift", "richness": "richness"}
    return {
        short: np.concatenate([getattr(each, name) for each in found])[kept]
        for short, name in names.items()
    }


def judged(found: Any, true: dict[str, Floats], inside: Inside) -> dict[str, Any]:
    """Shares found and right, by richness, and how richness and redshift compare."""
    halo_of, system_of = paired(found, true)
    judge_z = (true["z"] >= LEAST_Z) & (true["z"] <= MOST_Z) & inside(true["ra"], true["dec"])
    own_z = (found.redshift >= LEAST_Z) & (found.redshift <= MOST_Z)
    own_z &= inside(found.ra_deg, found.dec_deg)
    there = system_of >= 0
    counted = np.where(there, found.richness[system_of], 0.0)
    complete, pure = {}, {}
    for least in RICHNESS:
        some = judge_z & (true["richness"] >= least)
        complete[f"{least:g}"] = {
            "haloes": int(some.sum()),
            "found": _share(there[some]),
            "found_above_half": _share(counted[some] >= least / 2.0),
            "found_above": _share(counted[some] >= least),
        }
        some = own_z & (found.richness >= least)
        on = np.where(halo_of >= 0, true["richness"][halo_of], 0.0)[some]
        pure[f"{least:g}"] = {
            "systems": int(some.sum()), "on_a_halo": _share(on > 0),
            "on_half": _share(on >= least / 2.0), "on_one_above": _share(on >= least),
        }  # fmt: skip
    some = judge_z & there & (true["richness"] >= RICHNESS[0])
    ratio = counted[some] / true["richness"][some]
    off = found.redshift[system_of[some]] - true["z"][some]
    return {
        "complete": complete, "pure": pure,
        "richness_ratio": _spread(ratio), "redshift_error": _spread(off),
    }  # fmt: skip


def paired(found: Any, true: dict[str, Floats]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The halo (s,) of each system, and the system (h,) of each halo; -1 where there is none."""
    halo_of = np.full(len(found.row), -1, np.int64)
    system_of = np.full(len(true["z"]), -1, np.int64)
    if not len(found.row):
        return halo_of, system_of
    xyz = to_xyz(found.ra_deg, found.dec_deg)
    reach = radius_arcsec(true["richness"], true["z"])
    for halo in np.argsort(-true["richness"], kind="stable").tolist():
        place = to_xyz(true["ra"][halo : halo + 1], true["dec"][halo : halo + 1])
        apart = separation_arcsec(xyz, np.broadcast_to(place, xyz.shape))
        near = (apart <= reach[halo]) & (np.abs(found.redshift - true["z"][halo]) <= _NEAR_Z)
        free = np.flatnonzero(near & (halo_of < 0))
        if len(free):
            best = free[np.argmax(found.richness[free])]
            halo_of[best], system_of[halo] = halo, best
    return halo_of, system_of


def _share(right: NDArray[np.bool_]) -> dict[str, float | None]:
    if not len(right):
        return {"value": None, "error": None}
    share = float(right.mean())
    error = np.sqrt(max(share * (1 - share), 1.0 / len(right) ** 2) / len(right))
    return {"value": round(share, 4), "error": round(float(error), 4)}


def _spread(values: Floats) -> dict[str, float]:
    low, middle, high = np.percentile(values, [16, 50, 84]) if len(values) else [np.nan] * 3
    return {"p16": round(low, 4), "median": round(middle, 4), "p84": round(high, 4)}


if __name__ == "__main__":
    main()
