"""Cool dwarfs are near and fast: what colours say of them, and that they are found."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

import skyquarry as sq
from skyquarry.match.given.cool import KNOWN_RED, cool_bands, coolness, reddest_usual
from skyquarry.match.given.values import Values
from skyquarry.surveys.load import load

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@pytest.mark.parametrize(
    ("survey", "bands", "colour"),
    # medians of M8 dwarfs of SIMPLE (skyquarry/synthetic/data/ultracool.csv)
    [
        ("sdss_dr18_photoobj", ("i", "z"), 1.67),
        ("panstarrs1", ("i", "y"), 2.17),
        ("twomass_psc", ("J", "Ks"), 1.13),
        ("allwise", ("W1", "W2"), 0.23),
    ],
)
def test_red_is_what_is_as_red_as_an_m8_dwarf(
    survey: str, bands: tuple[str, str], colour: float
) -> None:
    told = cool_bands(load(survey).roles)
    assert told is not None
    assert (told[0].name[:2].rstrip("_"), told[1].name[:2].rstrip("_")) == bands
    assert reddest_usual(told) == pytest.approx(colour, abs=0.01)


@pytest.mark.parametrize("survey", ["hipparcos2", "galex"])
def test_bands_in_which_such_dwarfs_are_not_seen_tell_nothing(survey: str) -> None:
    roles = load(survey).roles
    assert cool_bands(roles) is None
    assert np.isnan(coolness(Values(pa.table({"n": [1, 2]}), survey), roles)).all()


def test_optical_colours_tell_more_than_infrared_ones_and_a_missing_one_nothing() -> None:
    sdss = {"psfMag_i": [19.0, 22.5, 19.0, 19.0], "psfMag_z": [17.0, 20.5, 18.0, None]}
    wise = {"w1mpro": [14.0, 16.9, 14.0, None], "w2mpro": [13.5, 15.5, 14.0, 13.0]}
    optical, infrared = (
        coolness(Values(pa.table(table), name), load(name).roles)
        for name, table in (("sdss_dr18_photoobj", sdss), ("allwise", wise))
    )
    np.testing.assert_array_equal(optical, [0.5, 0.1, 1e-4, np.nan])
    np.testing.assert_array_equal(infrared, [0.003, KNOWN_RED, 3e-4, np.nan])


# ---------------------------------------------------------------- a small sky of three surveys

N_DWARFS, SIDE_DEG = 40, 0.7
BANDS = {
    "twomass": ("J", 1.235, "Ks", 2.159, "Vega"),
    "sdss": ("i", 0.748, "z", 0.893, "AB"),
    "allwise": ("W1", 3.353, "W2", 4.603, "Vega"),
}
EPOCHS = {"twomass": 2000.0, "sdss": 2004.0, "allwise": 2010.5}
ERRORS = {"twomass": 0.08, "sdss": 0.05, "allwise": 0.12}


def surveys(seed: int) -> list[Any]:
    """26,000, 15,000 and 2,000 rows a square degree; the dwarfs come first, at 200 to 500 mas/yr.

    Of the others those are seen that are bright enough; colours are those of stars and galaxies, of
    which many are as red as dwarfs in the infrared.
    """
    random = np.random.default_rng(seed)
    n = N_DWARFS + int(32_000 * SIDE_DEG**2)
    dwarf = np.arange(n) < N_DWARFS
    place = SIDE_DEG * random.random((2, n))
    speed = np.where(dwarf, random.uniform(0.2, 0.5, n), 0.0) / 3600.0
    towards = 2.0 * np.pi * random.random(n)
    i = np.where(dwarf, random.uniform(19.5, 21.5, n), 22.5 - random.exponential(1.2, n))
    w1 = i - np.where(dwarf, random.normal(6.5, 0.3, n), random.normal(4.3, 0.9, n))
    j = w1 + np.where(dwarf, random.normal(1.6, 0.2, n), random.normal(1.0, 0.4, n))
    told = {"twomass": (j, 1.5, 0.75), "sdss": (i, 2.1, 0.35), "allwise": (w1, 0.35, 0.15)}
    limits = {"twomass": 16.5, "sdss": 22.3, "allwise": 17.2}
    given = []
    for name, (mag, red, usual) in told.items():
        blue, blue_um, other, other_um, system = BANDS[name]
        colour = np.where(dwarf, random.normal(red, 0.15, n), random.normal(usual, 0.2, n))
        way = speed * (EPOCHS[name] - 2000.0)
        x, y = place + way * np.stack([np.sin(towards), np.cos(towards)])
        x, y = (each + random.normal(0.0, ERRORS[name] / 3600.0, n) for each in (x, y))
        seen = mag < limits[name]
        columns = {"id": np.arange(n), "ra": 150.0 + x, "dec": y, blue: mag, other: mag - colour}
        roles = {
            "id": "id", "ra": "ra", "dec": "dec", "epoch": {"jyear": EPOCHS[name]},
            "position_error": {"model": "circular", "columns": ["error"], "unit": "arcsec"},
            "bands": [
                {"name": blue, "column": blue, "system": system, "wavelength_um": blue_um},
                {"name": other, "column": other, "system": system, "wavelength_um": other_um},
            ],
        }  # fmt: skip
        columns["error"] = np.full(n, ERRORS[name])
        given.append((pa.table({key: each[seen] for key, each in columns.items()}), roles))
    return given


@pytest.fixture(scope="module", params=[1, 2])
def matched(request: pytest.FixtureRequest) -> dict[tuple[str, str], tuple[Floats, Floats, int]]:
    """Of each two surveys both ids of the accepted pairs, and how many dwarfs are in both."""
    given = surveys(request.param)
    pairs = sq.crossmatch(*given, names=list(BANDS)).run("inline").pairs
    told = pairs.filter(pairs["is_match"]).to_pandas()
    ids = {
        name: set(table["id"].to_pylist()) for name, (table, _) in zip(BANDS, given, strict=True)
    }
    both = {}
    for a, b in combinations(BANDS, 2):
        mine = told[(told.left_catalog == a) & (told.right_catalog == b)]
        observed = len(ids[a] & ids[b] & set(range(N_DWARFS)))
        both[a, b] = mine.left_id.to_numpy(), mine.right_id.to_numpy(), observed
    return both


@pytest.mark.parametrize("names", list(combinations(BANDS, 2)), ids=" x ".join)
def test_fast_red_dwarfs_without_a_motion_are_found(
    matched: dict[tuple[str, str], tuple[Floats, Floats, int]], names: tuple[str, str]
) -> None:
    """Of those that both surveys saw 0.8; of pairs with a dwarf's row 0.95 are true."""
    left, right, observed = matched[names]
    right_ones = ((left == right) & (left < N_DWARFS)).sum()
    with_dwarfs = ((left < N_DWARFS) | (right < N_DWARFS)).sum()
    assert observed >= 25
    assert right_ones >= 0.8 * observed
    assert right_ones >= 0.95 * with_dwarfs


@pytest.mark.parametrize("names", list(combinations(BANDS, 2)), ids=" x ".join)
def test_others_are_no_worse_for_it(
    matched: dict[tuple[str, str], tuple[Floats, Floats, int]], names: tuple[str, str]
) -> None:
    left, right, _ = matched[names]
    assert (left == right).mean() >= 0.995
