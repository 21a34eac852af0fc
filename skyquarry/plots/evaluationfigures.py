"""The plots of an evaluation, each from plain data to SVG text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from skyquarry.plots.canvas import BLUE, GREY, ORANGE, SIZE, canvas, row_of, style, svg
from skyquarry.plots.classcolours import colours_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from skyquarry.plots.canvas import Axes

_PURPOSE: Final = "drawing an evaluation"
_A_ROW: Final = 4
_NAMES: Final = {"ncols": 8, "borderpad": 0.0, "columnspacing": 1.2, "handlelength": 1.4}
_CELL_INCHES: Final = 0.52


def words(name: str) -> str:
    """A class as it is read."""
    return name.replace("_", " ")


def confusion(classes: Sequence[str], table: Sequence[Sequence[float]]) -> str:
    """Of each true class (a line) the share that is said to be each class."""
    shares = [[each / sum(row) if sum(row) else 0.0 for each in row] for row in table]
    side = _CELL_INCHES * len(classes)
    size = (max(side + 2.0, 4.4), max(side + 1.35, 3.1))
    margins = {"left": 1.45, "right": size[0] - 1.45 - side, "bottom": 1.2, "top": 0.15}
    margins["top"] = size[1] - 1.2 - side
    with style(_PURPOSE):
        figure, axes = canvas("said", "true", size, margins)
        axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0, aspect="auto")
        names = [words(each) for each in classes]
        axes.set_xticks(range(len(classes)), names, rotation=40, ha="right")
        axes.set_yticks(range(len(classes)), names)
        axes.grid(visible=False)
        axes.tick_params(length=0, labelcolor="#2d3748")
        for i, row in enumerate(shares):
            for j, share in enumerate(row):
                if share >= 0.0005:
                    axes.text(j, i, _percent(share), ha="center", va="center", fontsize=8.0,
                              color="white" if share > 0.55 else "#2d3748")  # fmt: skip
        return svg(figure)


def _percent(share: float) -> str:
    """Of 1 as per cent, three digits at most."""
    return f"{100 * share:.0f}" if share >= 0.095 else f"{100 * share:.1f}"


def reliability(curves: Mapping[str, Sequence[Mapping[str, float]]]) -> list[str]:
    """Small plots, one a class, four a line: fraction against probability."""
    names, colours = [each for each in curves if curves[each]], colours_of(list(curves))
    told = []
    for start in range(0, len(names), _A_ROW):
        part = names[start : start + _A_ROW]
        with style(_PURPOSE):
            figure, plots = row_of(_A_ROW, "probability", (11.0, 2.75))
            for axes, name in zip(plots, part, strict=False):
                _of_class(axes, name, curves[name], colours[name])
            for axes in plots[len(part) :]:
                axes.set_visible(False)
            told.append(svg(figure))
    return told


def _of_class(axes: Axes, name: str, points: Sequence[Mapping[str, float]], colour: str) -> None:
    axes.set_title(words(name), fontsize=9.0)
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8)
    x, y, error = ([each[what] for each in points] for what in ("p", "fraction", "error"))
    axes.errorbar(x, y, error, fmt="o", color=colour, markersize=3.5, linewidth=1.1)
    axes.set_xlim(-0.03, 1.03)
    axes.set_ylim(-0.03, 1.03)


def purity_completeness(
    curves: Mapping[str, Sequence[Mapping[str, float]]], cuts: Sequence[Mapping[str, Any]]
) -> str:
    """What purity costs in completeness, a line a class; cuts as crosses."""
    with style(_PURPOSE):
        figure, axes = canvas("completeness", "purity", (2.5 * SIZE[0], 1.2 * SIZE[1]),
                              {"left": 0.62, "right": 2.4, "bottom": 0.48, "top": 0.2})  # fmt: skip
        colours = colours_of(list(curves))
        for name, points in curves.items():
            if points:
                axes.plot(
                    [each["completeness"] for each in points], [each["purity"] for each in points],
                    color=colours[name], linewidth=1.5, label=words(name),
                )  # fmt: skip
        known = [each for each in cuts if each["purity"] is not None]
        for each in known:
            axes.plot(each["completeness"], each["purity"], "x", color=colours[each["class"]],
                      markersize=7.0)  # fmt: skip
        if known:
            axes.plot([], [], "x", color=GREY, markersize=7.0, label="physics cut")
        axes.set_xlim(0.0, 1.01)
        axes.set_ylim(0.0, 1.02)
        if known or any(curves.values()):
            axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
        return svg(figure)


def by_bins(bins: Sequence[Mapping[str, Any]], along: str) -> str:
    """Purity and completeness of each class, and the overall accuracy, along bins."""
    with style(_PURPOSE):
        figure, plots = row_of(3, along, (11.0, 3.1))
        names = [each["name"] for each in bins[0]["per_class"]]
        colours = colours_of(names)
        for axes, what in zip(plots[:2], ("completeness", "purity"), strict=True):
            axes.set_title(what, fontsize=9.0)
            for number, name in enumerate(names):
                _along(axes, bins, number, what, colours[name])
            axes.set_ylim(-0.02, 1.03)
        _overall(plots[2], bins)
        handles, labels = plots[0].get_legend_handles_labels()
        if handles:
            figure.legend(handles, labels, loc="upper left", bbox_to_anchor=(0.03, 1.0), **_NAMES)
        return svg(figure)


def _along(
    axes: Axes, bins: Sequence[Mapping[str, Any]], number: int, what: str, colour: str
) -> None:
    """Bins where the class is measured."""
    told = [
        (0.5 * (each["low"] + each["high"]), each["per_class"][number][what])
        for each in bins
        if each["per_class"][number]["measured"]
    ]
    told = [(x, each) for x, each in told if each["value"] is not None]
    if told:
        name = bins[0]["per_class"][number]["name"]
        axes.errorbar(
            [x for x, _ in told], [each["value"] for _, each in told],
            [each["error"] or 0.0 for _, each in told], fmt="o-",
            color=colour, markersize=3.0, linewidth=1.2, label=words(name),
        )  # fmt: skip


def _overall(axes: Axes, bins: Sequence[Mapping[str, Any]]) -> None:
    axes.set_title("all classes", fontsize=9.0)
    for what, colour, name in (("accuracy", BLUE, "accuracy"), ("macro_f1", ORANGE, "macro-F1")):
        told = [
            (0.5 * (each["low"] + each["high"]), each["overall"][what])
            for each in bins
            if each["measured"] and each["overall"][what]["value"] is not None
        ]
        axes.errorbar(
            [x for x, _ in told], [each["value"] for _, each in told],
            [each["error"] or 0.0 for _, each in told], fmt="o-", color=colour, markersize=3.0,
            linewidth=1.2, label=name,
        )  # fmt: skip
    axes.set_ylim(-0.02, 1.03)
    axes.legend(loc="lower left")
