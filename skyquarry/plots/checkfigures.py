"""The plots of the check of a synthetic sky, each from plain data to SVG text."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any, Final

from skyquarry.plots.canvas import BLUE, GREY, ORANGE, SIZE, canvas, grid_of, style, svg

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from skyquarry.plots.canvas import Axes, Figure

_PURPOSE: Final = "drawing the check of a synthetic sky"
_BAND: Final = "#cbd5e0"
_GOOD: Final = "#c6e6d1"
_LINE_INCHES: Final = 0.21
_PLOT: Final = (2.05, 1.83)
"""Inches of the plot of one colour"""
_GRID: Final = {
    "left": 0.42,
    "right": 0.14,
    "bottom": 0.48,
    "top": 0.52,
    "between": 0.32,
    "above": 0.62,
}
"""Inches; between and above: parts of a plot"""
_MOST_IN_A_ROW: Final = 5
"""plots; more stand in two rows, or they are too small to be read on a page"""
_NAMES: Final = {"left": 4.7, "right": 0.2, "bottom": 0.48, "top": 0.36}
"""Inches: room for what is compared, left of the axes"""


def locus(told: Mapping[str, Any]) -> str:
    """One small plot a colour: medians and scatter of real objects as a band, simulated as dots."""
    colours = told["colours"]
    columns = len(colours) if len(colours) <= _MOST_IN_A_ROW else ceil(len(colours) / 2)
    rows = ceil(len(colours) / columns)
    with style(_PURPOSE):
        size = (_PLOT[0] * columns + 0.5, _PLOT[1] * rows + 0.52)
        figure, plots = grid_of(rows, columns, size, _GRID)
        for axes in plots[len(colours) :]:
            axes.remove()
        for number, (axes, colour) in enumerate(zip(plots, colours, strict=False)):
            axes.set_title(_in_mag(colour), fontsize=9.0)
            axes.set_xlabel(_in_mag(told["along"]))
            _of_colour(axes, told["bins"], number)
        handles, labels = plots[0].get_legend_handles_labels()
        if handles:
            figure.legend(handles, labels, loc="upper right", ncols=2, borderpad=0.0,
                          bbox_to_anchor=(0.999, 1.0))  # fmt: skip
        return svg(figure)


def _in_mag(name: str) -> str:
    """A colour with its unit; another name as it is."""
    told = name.replace("ps_", "PS1 ")
    return f"{told} (mag)" if "-" in told and " type" not in told else told


def _of_colour(axes: Axes, bins: Sequence[Mapping[str, Any]], number: int) -> None:
    known = [(each, each["colours"][number]) for each in bins]
    known = [(each, told) for each, told in known if told["real_median"] is not None]
    for place, (each, told) in enumerate(known):
        low, high = (
            told["real_median"] - told["real_width"],
            told["real_median"] + told["real_width"],
        )
        axes.fill_between([each["low"], each["high"]], low, high, color=_BAND, linewidth=0,
                          label="real: median, scatter" if place == 0 else None)  # fmt: skip
        axes.plot([each["low"], each["high"]], [told["real_median"]] * 2, color=GREY, linewidth=1.4)
    axes.locator_params(nbins=4)
    if known:
        x = [0.5 * (each["low"] + each["high"]) for each, _ in known]
        y, wide = ([told[name] for _, told in known] for name in ("made_median", "made_width"))
        axes.errorbar(x, y, wide, fmt="o", color=BLUE, markersize=3.5, linewidth=1.2,
                      label="simulated: the same")  # fmt: skip
    else:
        axes.text(0.5, 0.5, "too few", ha="center", color=GREY, transform=axes.transAxes)
        axes.set_xticks([])
        axes.set_yticks([])


def counts(rows: Sequence[Mapping[str, Any]], bound: float) -> str:
    """Simulated over published counts, one line each; the band is what is allowed."""
    known = [each for each in rows if each["simulated"] is not None]
    with style(_PURPOSE):
        figure, axes = _lines([each["what"] for each in known], "simulated / published")
        axes.axvspan(1 - bound, 1 + bound, color=_GOOD, linewidth=0)
        axes.axvline(1.0, color=GREY, linewidth=0.8)
        for place, each in enumerate(known):
            ratio = each["simulated"] / each["published"]
            luck = ratio / max(each["counted"], 1) ** 0.5
            colour = BLUE if abs(ratio - 1) <= bound else ORANGE
            axes.errorbar(ratio, place, xerr=luck, fmt="o" if each["checked"] else "s",
                          color=colour, markersize=4.0, linewidth=1.0)  # fmt: skip
        _from_memory(axes)
        axes.set_xlim(0.0, 2.2)
        return svg(figure)


def _from_memory(axes: Axes) -> None:
    axes.plot([], [], "s", color=GREY, markersize=4.0, label="published number from memory")
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), borderpad=0.1)


def separability(rows: Sequence[Mapping[str, Any]], bound: float) -> str:
    """Areas under the curve, one line each: 0.5 is chance."""
    known = [each for each in rows if each["auc"] is not None]
    with style(_PURPOSE):
        figure, axes = _lines([each["name"] for each in known], "area under the curve")
        axes.axvspan(0.5, bound, color=_GOOD, linewidth=0)
        for place, each in enumerate(known):
            colour = BLUE if each["auc"] < bound else ORANGE
            axes.plot([0.5, each["auc"]], [place, place], color=colour, linewidth=1.2)
            axes.plot(each["auc"], place, "o", color=colour, markersize=5.0)
        axes.set_xlim(0.48, 1.0)
        return svg(figure)


def cuts(rows: Sequence[Mapping[str, Any]]) -> str:
    """Purity and completeness of each cut on the synthetic sky, beside the published ones."""
    told = [
        (f"{each['name']}: {what}", each[what], each[f"published_{what}"])
        for each in rows
        for what in ("purity", "completeness")
        if each[what] is not None
    ]
    with style(_PURPOSE):
        figure, axes = _lines([name for name, _, _ in told], "share")
        for place, (_, ours, published) in enumerate(told):
            if published is not None:
                axes.plot([ours, published], [place, place], color=_BAND, linewidth=2.0)
                axes.plot(published, place, "D", color=GREY, markersize=4.5)
            axes.plot(ours, place, "o", color=BLUE, markersize=5.0)
        axes.plot([], [], "o", color=BLUE, markersize=5.0, label="synthetic sky")
        axes.plot([], [], "D", color=GREY, markersize=4.5, label="published")
        axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, borderpad=0.1)
        axes.set_xlim(0.0, 1.03)
        return svg(figure)


def _lines(names: Sequence[str], x: str) -> tuple[Figure, Axes]:
    """Axes with a named line for each, the first on top."""
    high = _LINE_INCHES * max(len(names), 1) + _NAMES["bottom"] + _NAMES["top"]
    figure, axes = canvas(x, "", (2.2 * SIZE[0], high), _NAMES)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", length=0, labelsize=8.0, labelcolor="#2d3748")
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    return figure, axes
