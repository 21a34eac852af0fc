"""The plots of a project's report, each from plain data to SVG text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.plots.canvas import canvas, shades, style, svg
from skyquarry.plots.classcolours import colours_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from skyquarry.plots.canvas import Axes

    Floats = NDArray[np.float64]

_PURPOSE: Final = "drawing the report of a project"
_FEW: Final = 400
"""objects of a class up to which each is a point of its own"""
_FEW_ALONE: Final = 1_500
"""the same where there is one class: no other is hidden"""
_SHARES: Final = (0.9, 0.5)
"""of a class within its outer and inner line"""
_SIZE: Final = (5.3, 4.5)
_MARGINS: Final = {"left": 0.66, "right": 0.12, "bottom": 0.52, "top": 0.12}


# ------------------------------------------------------------------ diagrams
def diagram(told: Mapping[str, Any], classes: Sequence[str]) -> str:
    """All objects in grey by density; of each class lines around half and nine tenths of it.

    A class of few objects is drawn point by point, above the others.
    """
    colours = colours_of(classes)
    x, y = told["x"], told["y"]
    with style(_PURPOSE):
        figure, axes = canvas(_named(x), _named(y), _SIZE, _MARGINS)
        extent = (x["low"], x["high"], y["low"], y["high"])
        _all(axes, told["counts"].sum(axis=0), extent)
        order = sorted(range(len(classes)), key=lambda k: -told["shown"][k])
        few = _FEW if len(classes) > 1 else _FEW_ALONE
        for k in order:
            name, n = classes[k], told["shown"][k]
            if n > few:
                _lines(axes, told["counts"][k], extent, colours[name])
            elif n:
                px, py = told["points"][name]
                axes.plot(px, py, "o", color=colours[name], markersize=3.6, zorder=4,
                          markeredgecolor="white", markeredgewidth=0.4)  # fmt: skip
        axes.set_xlim(x["low"], x["high"])
        axes.set_ylim(*((y["high"], y["low"]) if y["upward"] else (y["low"], y["high"])))
        _cropped(axes, told)
        return svg(figure)


def _named(axis: Mapping[str, Any]) -> str:
    return f"{axis['words']} ({axis['unit']})" if axis["unit"] else str(axis["words"])


def _all(axes: Axes, counts: NDArray[np.int64], extent: tuple[float, float, float, float]) -> None:
    """Density of everything, in the logarithm, pale."""
    shown = np.where(counts > 0, np.log10(np.maximum(counts, 1)) + 0.3, np.nan)
    axes.imshow(shown, origin="lower", extent=extent, aspect="auto", cmap=shades("#9aa5b1"),
                vmin=0.0, vmax=max(2.2 * float(np.nanmax(shown, initial=0.3)), 1.0),
                interpolation="nearest", zorder=1)  # fmt: skip


def _lines(
    axes: Axes, counts: NDArray[np.int64], extent: tuple[float, float, float, float], colour: str
) -> None:
    """Lines around given shares of a class, lightly filled."""
    from scipy.ndimage import gaussian_filter

    smooth = gaussian_filter(counts.astype(float), 1.3)
    levels = _levels(smooth)
    if len(levels) < 2:
        return
    side = counts.shape[0]
    step_x, step_y = (extent[1] - extent[0]) / side, (extent[3] - extent[2]) / side
    at_x = extent[0] + step_x * (np.arange(side) + 0.5)
    at_y = extent[2] + step_y * (np.arange(side) + 0.5)
    top = float(smooth.max()) * 1.001
    axes.contourf(at_x, at_y, smooth, levels=[*levels, top], colors=[colour, colour],
                  alpha=0.22, zorder=2)  # fmt: skip
    axes.contour(at_x, at_y, smooth, levels=levels, colors=[colour], linewidths=(1.0, 1.7),
                 zorder=3)  # fmt: skip


def _levels(smooth: Floats) -> list[float]:
    """Densities above which the given shares of all lie, ascending."""
    flat = np.sort(smooth.ravel())[::-1]
    total = np.cumsum(flat)
    if total[-1] <= 0.0:
        return []
    found = [float(flat[np.searchsorted(total, share * total[-1])]) for share in _SHARES]
    return sorted(set(found))


def _cropped(axes: Axes, told: Mapping[str, Any]) -> None:
    """The limits drawn in to where there is anything."""
    counts = told["counts"].sum(axis=0)
    for which, along in (("x", 0), ("y", 1)):
        axis = told[which]
        there = np.flatnonzero(counts.sum(axis=along) > 0)
        if not len(there):
            continue
        step = (axis["high"] - axis["low"]) / counts.shape[0]
        low = axis["low"] + step * max(there[0] - 2, 0)
        high = axis["low"] + step * min(there[-1] + 3, counts.shape[0])
        limits = (high, low) if axis["upward"] else (low, high)
        (axes.set_xlim if which == "x" else axes.set_ylim)(*limits)


# ------------------------------------------------------------------ counts
def by_magnitude(told: Mapping[str, Any], classes: Sequence[str]) -> str:
    """How many objects of each class, by magnitude."""
    colours, edges = colours_of(classes), np.array(told["edges"])
    with style(_PURPOSE):
        name = str(told["name"]).replace("_", " ")
        figure, axes = canvas(f"{name} (mag)", f"objects per {edges[1] - edges[0]:g} mag",
                              (11.0, 3.3), _MARGINS | {"left": 0.95})  # fmt: skip
        for k, each in enumerate(classes):
            counts = told["counts"][k].astype(float)
            if counts.any():
                counts[counts == 0] = np.nan
                axes.stairs(np.nan_to_num(counts, nan=0.5), edges, color=colours[each],
                            linewidth=1.6, baseline=None)  # fmt: skip
        axes.set_yscale("log")
        axes.set_ylim(bottom=0.7)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,g}")
        there = np.flatnonzero(told["counts"].sum(axis=0) > 0)
        if len(there):
            axes.set_xlim(edges[there[0]], edges[there[-1] + 1])
        return svg(figure)
