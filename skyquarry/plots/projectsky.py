"""Maps of a classified sky: one for each class, of a field or of the whole sky."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.plots.canvas import GREY, grid_of, shades, style, svg
from skyquarry.plots.classcolours import colours_of
from skyquarry.plots.evaluationfigures import words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from skyquarry.plots.canvas import Axes

    Floats = NDArray[np.float64]
    Counts = NDArray[np.int64]

_PURPOSE: Final = "drawing a map of classes"
_A_ROW: Final = {False: 4, True: 3}
"""maps in a row, of a field and of the whole sky"""
_MEAN: Final = 4.0
"""objects in a square, as far as the squares are made larger"""
_COARSEST: Final = 24
"""squares along a field, at least"""
_HOSTS: Final = "galaxy"
"""on whose map clusters are drawn"""
_POINTS: Final = 1_500
"""objects of a class up to which each is a point of its own"""


def sky_maps(told: Mapping[str, Any], classes: Sequence[Mapping[str, Any]]) -> str:
    """A map of each class that has objects, with all in one frame; east is left, north is up."""
    shown = [k for k, each in enumerate(classes) if each["n"]]
    draw = _whole if told["plane"]["whole"] else _field
    wide, high = (3.7, 2.15) if told["plane"]["whole"] else (2.75, 2.9)
    columns = min(len(shown), _A_ROW[told["plane"]["whole"]])
    rows = -(-len(shown) // columns)
    size = (0.8 + wide * columns, 0.5 + high * rows)
    margins = {"left": 0.8, "right": 0.1, "bottom": 0.5, "top": 0.3, "between": 0.16, "above": 0.22}
    with style(_PURPOSE):
        figure, plots = grid_of(rows, columns, size, margins)
        frame = None if told["plane"]["whole"] else _frame(told["counts"])
        for place, (axes, k) in enumerate(zip(plots, shown, strict=False)):
            name = classes[k]["name"]
            axes.set_title(f"{words(name)}: {classes[k]['n']:,}", fontsize=9.0)
            colour = colours_of([each["name"] for each in classes])[name]
            draw(axes, told, k, colour, frame)
            if not told["plane"]["whole"]:
                _named(axes, place, columns, last=place + columns >= len(shown))
        for axes in plots[len(shown) :]:
            axes.set_visible(False)
        return svg(figure)


def _named(axes: Axes, place: int, columns: int, *, last: bool) -> None:
    """Names of axes at the rim alone."""
    if last:
        axes.set_xlabel("degrees east")
    else:
        axes.set_xticklabels([])
    if place % columns == 0:
        axes.set_ylabel("degrees north")
    else:
        axes.set_yticklabels([])


# ------------------------------------------------------------------ a field
def _frame(counts: Counts) -> tuple[int, int]:
    """The first and last square, in both directions, that hold anything: a square frame."""
    side = round(counts.shape[1] ** 0.5)
    image = counts.sum(axis=0).reshape(side, side)
    there = np.concatenate([np.flatnonzero(image.any(axis=along)) for along in (0, 1)])
    if not len(there):
        return 0, side
    return max(int(there.min()) - 2, 0), min(int(there.max()) + 3, side)


def _field(axes: Axes, told: Mapping[str, Any], k: int, colour: str, frame: Any) -> None:
    half = told["plane"]["half_deg"]
    side = round(told["counts"].shape[1] ** 0.5)
    first, last = frame
    low, high = (2.0 * half * each / side - half for each in frame)
    counts = told["counts"][k].reshape(side, side)[first:last, first:last]
    if counts.sum() > _POINTS:
        image, factor = _rebinned(counts)
        reach = low + (2.0 * half / side) * factor * image.shape[0]
        shown = np.where(image > 0, image, np.nan)
        axes.imshow(
            shown,
            origin="lower",
            extent=(low, reach, low, reach),
            cmap=shades(colour),
            vmin=0.0,
            vmax=float(np.nanpercentile(shown, 99.5)),
            aspect="equal",
            interpolation="nearest",
            zorder=1.0,
        )  # fmt: skip  (above the grid)
    else:
        east, north = told["points"].get(told["classes"][k], ((), ()))
        axes.plot(east, north, "o", color=colour, markersize=2.4, markeredgewidth=0.0)
        axes.set_aspect("equal")
    if told["classes"][k] == _HOSTS:
        _circles(axes, told.get("clusters", ()))
    axes.set_xlim(high, low)  # east is left
    axes.set_ylim(low, high)


def _circles(axes: Axes, clusters: Any) -> None:
    """Clusters of galaxies (c, 3): east, north, radius."""
    angle = np.linspace(0.0, 2.0 * np.pi, 49)
    for east, north, radius in clusters:
        axes.plot(east + radius * np.cos(angle), north + radius * np.sin(angle), color="#7b1e58",
                  linewidth=0.9)  # fmt: skip


def _rebinned(counts: Counts) -> tuple[Counts, int]:
    """Squares joined until some objects lie in each that has any; and how many along a side."""
    factor = 1
    image = counts
    while image.sum() < _MEAN * (image > 0).sum() and image.shape[0] > 2 * _COARSEST:
        factor += 1
        image = _joined(counts, factor)
    return image, factor


def _joined(counts: Counts, factor: int) -> Counts:
    side = -(-counts.shape[0] // factor)
    padded = np.zeros((side * factor, side * factor), counts.dtype)
    padded[: counts.shape[0], : counts.shape[1]] = counts
    joined: Counts = padded.reshape(side, factor, side, factor).sum(axis=(1, 3))
    return joined


# ------------------------------------------------------------------ the whole sky
def _whole(axes: Axes, told: Mapping[str, Any], k: int, colour: str, _: Any) -> None:
    """Mollweide, equatorial, right ascension growing to the left from 24h to 0h."""
    from skyquarry.plots.sky import density_image, map_wcs

    counts = told["counts"][k]
    order = round(np.log2(len(counts) / 12.0) / 2.0)
    wcs = map_wcs("mollweide", "icrs", 420)
    pixel = np.flatnonzero(counts)
    image = density_image(pixel, counts[pixel], order, wcs, "icrs")
    ground = np.where(np.isfinite(image), 0.06, np.nan)
    axes.imshow(ground, origin="lower", cmap=shades("#9aa5b1"), vmin=0.0, vmax=1.0)
    shown = np.where(image > 0, np.log10(np.maximum(image, 1e-9)), np.nan)
    ra, dec = told["points"].get(told["classes"][k], ((), ()))
    if 0 < counts.sum() <= _POINTS and len(ra):
        x, y = wcs.wcs_world2pix(np.asarray(ra), np.asarray(dec), 0)
        axes.plot(x, y, "o", color=colour, markersize=2.2, markeredgewidth=0.0)
    elif np.isfinite(shown).any():
        low, high = np.nanmin(shown), np.nanmax(shown)
        axes.imshow(shown, origin="lower", cmap=shades(colour), vmin=low - 0.3, vmax=high + 0.1,
                    interpolation="nearest")  # fmt: skip
    _graticule(axes, wcs)
    axes.set_axis_off()


def _graticule(axes: Axes, wcs: Any) -> None:
    along = np.linspace(-89.9, 89.9, 61)
    for ra in np.arange(0.01, 360.1, 60.0):
        x, y = wcs.wcs_world2pix(np.full(61, min(ra, 359.99)), along, 0)
        axes.plot(x, y, color=GREY, linewidth=0.4, alpha=0.6)
    around = np.linspace(0.01, 359.99, 121)
    for dec in (-60.0, -30.0, 0.0, 30.0, 60.0):
        x, y = wcs.wcs_world2pix(around, np.full(121, dec), 0)
        axes.plot(x, y, color=GREY, linewidth=0.4, alpha=0.6)
