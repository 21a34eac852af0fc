"""Pictures of the twenty queries: counts where they lie, in cells and in trixels."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

pytest.importorskip("matplotlib")

from skyquarry.errors import UserError
from skyquarry.plots import twentyfigures
from skyquarry.plots.twentyfigures import picture_of
from skyquarry.sky import htm
from skyquarry.sky.vectors import to_xyz

CELLS = pa.table({"x": [30.0, 31.0, 33.0, None], "y": [1.0, 1.0, 1.1, 1.0], "n": [4, 1, 9, 2]})


@pytest.fixture
def drawn(monkeypatch, tmp_path):
    """The figure of a query's picture, and its file."""
    figures = []
    real = twentyfigures._finished
    monkeypatch.setattr(
        twentyfigures, "_finished", lambda *given: figures.append(real(*given)) or figures[-1]
    )

    def of(name, rows):
        path = tmp_path / f"{name}.png"
        assert picture_of(name, rows, path, note="simulated")
        assert path.read_bytes()[1:4] == b"PNG"
        return figures[-1].axes[0]

    return of


def test_a_cell_is_drawn_where_it_lies(drawn):
    image = drawn("12-2002", CELLS).images[0]
    assert image.get_extent() == pytest.approx([1.0, 34 / 30, 1.0, 34 / 30])
    counts = np.ma.filled(image.get_array().astype(float), 0.0)
    assert counts[0].tolist() == [4, 1, 0, 0]
    assert counts[3].tolist() == [0, 0, 0, 9]


def test_a_trixel_is_drawn_with_its_corners_on_both_sides_of_0h(drawn):
    ids = htm.index(to_xyz(np.array([359.9, 0.1]), np.array([1.0, 1.0])), 8)
    axes = drawn("13", pa.table({"trixel": ids, "n": [7, 3]}))
    places = np.array([path.vertices[:3].mean(axis=0) for path in axes.collections[0].get_paths()])
    assert np.abs(places[:, 0] - places[0, 0]).max() < 1.0
    assert places[:, 1] == pytest.approx([1.0, 1.0], abs=0.4)
    assert axes.collections[0].get_array().tolist() == [7.0, 3.0]


def test_east_is_left(drawn):
    low, high = drawn("12", CELLS).get_xlim()
    assert low > high


def test_queries_that_are_no_map_and_answers_without_rows_are_not_drawn(tmp_path):
    assert not picture_of("5-2002", CELLS, tmp_path / "5.png")
    with pytest.raises(UserError, match="query 12mask found no row"):
        picture_of("12mask", CELLS.slice(0, 0), tmp_path / "12.png")
    assert not list(tmp_path.iterdir())
