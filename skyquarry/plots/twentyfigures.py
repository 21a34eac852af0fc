"""Pictures of the twenty queries where the paper asks for one: counts in cells, and in trixels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.errors import UserError
from skyquarry.plots.canvas import GREY, canvas, polygons, style

if TYPE_CHECKING:
    import os

    import pyarrow as pa
    from numpy.typing import NDArray

    from skyquarry.plots.canvas import Figure

    Floats = NDArray[np.float64]

_PURPOSE: Final = "drawing the twenty queries"
_SIZE: Final = (7.2, 6.4)
_MARGINS: Final = {"left": 0.75, "right": 0.2, "bottom": 0.55, "top": 0.45}
_CELL: Final = 1.0 / 30.0
"""Degrees: two arc minutes."""
PICTURED: Final = ("12", "12mask", "13")
"""The queries that have a picture, in the constants of 2000 and of 2002."""


def picture_of(
    name: str, rows: pa.Table, path: str | os.PathLike[str], *, title: str = "", note: str = ""
) -> bool:
    """Draw the answer of a query into a file whose suffix says how; False where it has no picture.

    Query 12 (`x, y, n`): galaxies, or what is masked, in cells of two arc minutes, right ascension
    along ra cos(dec). Query 13 (`trixel, n`): galaxies in triangles of HTM. `note` stands below.
    Raises UserError for an answer without rows.

    Source: Szalay et al. 2000, queries 12 ("create a map") and 13 ("adequate for visualization").
    """
    short = name.removesuffix("-2002")
    if short not in PICTURED:
        return False
    if not rows.num_rows:
        raise UserError(
            f"query {name} found no row in this archive, so there is nothing to draw: make one "
            'that covers its box, as by simulate --sdss --region "RANGE 160 190 -5 5"'
        )
    with style(_PURPOSE):
        draw = _trixels if short == "13" else _cells
        figure = draw(rows, title or f"query {name}", "objects" if "mask" in short else "galaxies")
        figure.axes[0].annotate(note, (1.0, 0.0), (0.0, -36.0), xycoords="axes fraction",
                                textcoords="offset points", ha="right", fontsize=7.5,
                                color=GREY)  # fmt: skip
        figure.savefig(Path(path), dpi=130, bbox_inches="tight", pad_inches=0.12)
    return True


def _columns(rows: pa.Table, names: tuple[str, ...]) -> list[NDArray[Any]]:
    """Columns without the rows in which one of them is not known."""
    from skyquarry.catalog.arrow import to_numpy

    known = rows.select(list(names)).drop_null()
    return [to_numpy(known.column(name)) for name in names]


def _cells(rows: pa.Table, title: str, what: str) -> Figure:
    x, y, n = _columns(rows, ("x", "y", "n"))
    across = np.asarray(np.round(x), np.int64)
    up = np.asarray(np.round(np.asarray(y, float) / _CELL), np.int64)
    left, low = int(across.min()), int(up.min())
    shape = (int(up.max()) - low + 1, int(across.max()) - left + 1)
    image = np.zeros(shape)
    image[up - low, across - left] = n
    image[image == 0] = np.nan
    figure, axes = canvas("right ascension x cos(declination), degrees", "declination, degrees",
                          _SIZE, _MARGINS)  # fmt: skip
    extent = (left * _CELL, (left + shape[1]) * _CELL, low * _CELL, (low + shape[0]) * _CELL)
    drawn = axes.imshow(image, origin="lower", extent=extent, cmap="viridis", vmin=0,
                        vmax=_brightest(n), interpolation="nearest")  # fmt: skip
    return _finished(figure, axes, drawn, title, f"{what} in a cell of 2'")


def _trixels(rows: pa.Table, title: str, what: str) -> Figure:
    from skyquarry.sky import htm

    trixels, n = _columns(rows, ("trixel", "n"))
    corners = htm.corners(np.asarray(trixels, np.int64))
    outlines = _outlines(corners)
    figure, axes = canvas("right ascension, degrees", "declination, degrees", _SIZE, _MARGINS)
    drawn = polygons(axes, outlines, np.asarray(n, float), _brightest(n))
    dec = outlines[..., 1]
    axes.set_aspect(1.0 / max(float(np.cos(np.radians(dec.mean()))), 0.05))
    return _finished(figure, axes, drawn, title, f"{what} in a triangle of level 8")


def _outlines(corners: Floats) -> Floats:
    """(n, 3, 2) degrees; right ascensions of a trixel, and of all, on one side of 0h."""
    from skyquarry.sky.vectors import to_radec

    ra, dec = to_radec(corners.reshape(-1, 3))
    ra, dec = ra.reshape(-1, 3), dec.reshape(-1, 3)
    middle = np.degrees(np.arctan2(*(corners.sum(axis=(0, 1))[[1, 0]])))
    ra = (ra - middle + 180.0) % 360.0 + middle - 180.0
    if ra.mean() < 0.0:
        ra += 360.0
    return np.stack([ra, dec], axis=-1)


def _brightest(n: NDArray[Any]) -> float:
    """The end of the scale: clusters of galaxies may go beyond it."""
    return max(float(np.percentile(np.asarray(n, float), 99.5)), 1.0)


def _finished(figure: Figure, axes: Any, drawn: Any, title: str, what: str) -> Figure:
    axes.grid(visible=False)
    axes.set_title(title, fontsize=10.0)
    low, high = axes.get_xlim()
    axes.set_xlim(max(low, high), min(low, high))  # east is left
    beside = axes.inset_axes((1.02, 0.0, 0.025, 1.0))
    figure.colorbar(drawn, cax=beside, label=what, extend="max")
    return figure
