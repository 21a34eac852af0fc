"""Which catalogues looked where, and how large that is: known fields, known rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray

from skyquarry.match.priors.fields import Counts
from skyquarry.match.priors.footprints import Coverage
from skyquarry.sky import healpix
from skyquarry.sky.footprint import Footprint
from skyquarry.sky.ranges import Ranges
from skyquarry.sky.vectors import to_radec

if TYPE_CHECKING:
    from pathlib import Path

Floats = NDArray[np.float64]
DEG2 = (180.0 / np.pi) ** 2


def circle(rng: np.random.Generator, n: int, radius_deg: float) -> tuple[NDArray[np.int64], float]:
    """Rows in a circle somewhere on the sky, poles and 0h not left out, and its area in sr."""
    cap = 1.0 - np.cos(np.radians(radius_deg))
    z = 1.0 - rng.random(n) * cap
    around = rng.uniform(0.0, 2.0 * np.pi, n)
    ring = np.sqrt(1.0 - z * z)
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    xyz = np.stack([ring * np.cos(around), ring * np.sin(around), z], axis=1) @ turn
    return healpix.index(*to_radec(xyz)), 2.0 * np.pi * cap


def box(
    rng: np.random.Generator, n: int, width_deg: float, ra: float = 359.9, dec: float = 20.0
) -> tuple[NDArray[np.int64], float]:
    """Rows in a box in RA and Dec, across 0h, and its area in sr."""
    low, high = np.sin(np.radians([dec, dec + width_deg]))
    east = rng.uniform(0.0, 2.0 * width_deg, n)
    north = np.degrees(np.arcsin(rng.uniform(low, high, n)))
    return healpix.index(ra + east, north), float(np.radians(2.0 * width_deg) * (high - low))


@pytest.mark.parametrize("n", [200, 1_000, 10_000, 100_000])
@pytest.mark.parametrize("seed", range(4))
def test_the_area_of_a_field_is_known_to_ten_per_cent(n: int, seed: int) -> None:
    rng = np.random.default_rng(1000 * seed + n)
    shape = circle if seed % 2 else box
    spatial, truth = shape(rng, n, rng.uniform(0.1, 3.0))
    areas = Coverage.of([Counts.of(spatial)], [None]).areas_sr()
    assert set(areas) == {1}
    assert areas[1] == pytest.approx(truth, rel=0.1 if n < 10_000 else 0.02)


@pytest.mark.parametrize("place", ["wrap", "pole"])
def test_field4_has_the_densities_it_was_made_with(golden: Path, place: str) -> None:
    import pyarrow.parquet as pq

    names = ("gaia", "tmass", "wise", "ps1")
    tables = [pq.read_table(golden / f"field4_{place}_{name}.parquet") for name in names]
    counts = [
        Counts.of(healpix.index(np.asarray(t["ra_deg"]), np.asarray(t["dec_deg"]))) for t in tables
    ]
    areas = Coverage.of(counts, [None] * 4).areas_sr()
    rows = (golden / f"field4_{place}_set_densities.csv").read_text().splitlines()[1:]
    truth = np.mean([float(r.split(",")[1]) / float(r.split(",")[2]) for r in rows])
    assert areas[15] == pytest.approx(truth, rel=0.1)
    assert sum(areas.values()) == pytest.approx(truth, rel=0.1)


def test_two_lists_of_one_field_have_it_in_common() -> None:
    rng = np.random.default_rng(3)
    few, truth = box(rng, 1_800, 1.0)
    many, _ = box(rng, 200_000, 1.0)
    coverage = Coverage.of([Counts.of(few), Counts.of(many)], [None, None])
    areas = coverage.areas_sr()
    assert areas[3] == pytest.approx(truth, rel=0.05)
    assert areas.get(1, 0.0) + areas.get(2, 0.0) < 0.03 * truth
    assert (coverage.observed_at(many) == 3).mean() > 0.97


def test_sky_that_one_survey_has_not_seen_is_told_from_sky_it_has() -> None:
    rng = np.random.default_rng(4)
    left, area = box(rng, 30_000, 1.0, ra=10.0)
    right, _ = box(rng, 30_000, 1.0, ra=11.0)
    areas = Coverage.of([Counts.of(left), Counts.of(right)], [None, None]).areas_sr()
    assert [areas[1], areas[2], areas[3]] == pytest.approx([area / 2] * 3, rel=0.06)


def test_a_map_that_was_given_is_taken_at_its_word_less_its_masks() -> None:
    given = Footprint(Ranges.from_cells(5, [100, 101]), "survey")
    ra, dec = healpix.center([100], 5)
    holes = given.masked(ra, dec, [1800.0])
    empty = Counts.of(np.empty(0, np.int64))
    coverage = Coverage.of([empty, empty], [given, holes])
    areas = coverage.areas_sr()
    hole = np.pi * 0.25 / DEG2
    assert coverage.labels == ("survey", "survey")
    assert sum(areas.values()) == pytest.approx(given.area_deg2() / DEG2, rel=1e-12)
    assert areas[1] == pytest.approx(hole, rel=0.03)
    assert coverage.observed_at(healpix.index(ra, dec)).tolist() == [1]


def test_a_map_of_the_whole_survey_is_not_that_of_a_cut_of_it() -> None:
    spatial, area = box(np.random.default_rng(8), 20_000, 1.0)
    survey = Footprint(Ranges.whole(), "survey")
    coverage = Coverage.of([Counts.of(spatial)], [survey])
    assert coverage.labels == ("estimate",)
    assert coverage.areas_sr()[1] == pytest.approx(area, rel=0.02)


def test_counts_do_not_depend_on_how_the_sky_was_cut() -> None:
    rng = np.random.default_rng(5)
    spatial, _ = circle(rng, 5_000, 1.0)
    whole = Counts.of(spatial)
    parts = Counts.union([Counts.of(part) for part in np.array_split(spatial, 7)])
    assert (whole.pixel == parts.pixel).all()
    assert (whole.count == parts.count).all()


def test_areas_in_cells_add_up() -> None:
    rng = np.random.default_rng(6)
    a, _ = box(rng, 3_000, 4.0)
    b, _ = box(rng, 900, 3.0)
    coverage = Coverage.of([Counts.of(a), Counts.of(b)], [None, None])
    _, masks, area = coverage.areas_in_cells(6)
    for mask, total in coverage.areas_sr().items():
        assert area[masks == mask].sum() == pytest.approx(total, rel=1e-12)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 11])
def test_a_list_of_a_few_rows_has_a_field_that_holds_them(n: int) -> None:
    spatial, _ = circle(np.random.default_rng(n), n, 1.0)
    coverage = Coverage.of([Counts.of(spatial)], [None])
    assert (coverage.observed_at(spatial) == 1).all()
    assert all(area > 0.0 for area in coverage.areas_sr().values())


def test_a_coverage_comes_back_as_it_was() -> None:
    spatial, _ = circle(np.random.default_rng(9), 500, 1.0)
    one = Coverage.of([Counts.of(spatial)], [None])
    two = Coverage.from_dict(one.to_dict())
    assert (one.edges == two.edges).all()
    assert one.areas_sr() == two.areas_sr()
