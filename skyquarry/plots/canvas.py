"""What the plots of all reports share: sizes, colours, a canvas, SVG text.

With `plots/sky.py` the only file that imports matplotlib, and only when a plot is drawn.
"""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING, Any, Final

from skyquarry.errors import missing_extra

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes as Axes  # noqa: PLC0414  (others take it from here)
    from matplotlib.figure import Figure as Figure  # noqa: PLC0414  (the same)

SIZE: Final = (4.4, 3.1)
BROAD: Final = (11.0, 2.9)
BLUE: Final = "#2b6cb0"
ORANGE: Final = "#dd6b20"
GREY: Final = "#718096"
PALE: Final = "#bcd3ea"
COLOURS: Final = (BLUE, ORANGE, "#2f855a", "#805ad5", "#b83280", "#975a16", "#0987a0")
_STYLE: Final = {
    "font.size": 9.0,
    "font.family": "DejaVu Sans",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": "#2d3748",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e2e8f0",
    "grid.linewidth": 0.7,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "legend.frameon": False,
    "legend.fontsize": 8.0,
    "svg.hashsalt": "skyquarry",  # the same report, the same bytes
    "svg.fonttype": "path",  # a page needs no fonts
}
MARGINS: Final = {"left": 0.62, "right": 0.14, "bottom": 0.48, "top": 0.32}
"""Inches around the axes: fixed, for to fit them to their labels takes as long as all the rest."""
FOR_COUNTS: Final = MARGINS | {"left": 0.82}


def style(purpose: str) -> Any:
    """How all plots look, as a context. Raises MissingExtraError without matplotlib."""
    try:
        from matplotlib import rc_context
    except ImportError:
        raise missing_extra("matplotlib", "plots", purpose) from None
    return rc_context(_STYLE)


def canvas(
    x: str,
    y: str,
    size: tuple[float, float] = SIZE,
    margins: Mapping[str, float] = MARGINS,
) -> tuple[Figure, Axes]:
    """One plot with the names of its axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=size)
    axes = figure.add_subplot()
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    _set_margins(figure, margins)
    return figure, axes


def in_thousands(axes: Axes) -> None:
    """Counts as 20k and 3M: powers of ten have to be typeset, which takes its time."""
    from matplotlib.ticker import EngFormatter

    axes.yaxis.set_major_formatter(EngFormatter(sep=""))


def two(
    x: str,
    y: str,
    size: tuple[float, float] = SIZE,
    margins: Mapping[str, float] = MARGINS,
) -> tuple[Figure, tuple[Axes, Axes]]:
    """Two plots beside each other."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=size)
    left, right = figure.subplots(1, 2)
    for axes in (left, right):
        axes.set_xlabel(x)
    left.set_ylabel(y)
    _set_margins(figure, margins)
    return figure, (left, right)


def row_of(number: int, x: str, size: tuple[float, float]) -> tuple[Figure, tuple[Axes, ...]]:
    """As many plots beside each other, with one name for all their x axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=size)
    plots = figure.subplots(1, number, squeeze=False)[0]
    for axes in plots:
        axes.set_xlabel(x)
    _set_margins(figure, MARGINS | {"left": 0.42, "top": 0.52, "between": 0.32})
    return figure, tuple(plots)


def grid_of(
    rows: int, columns: int, size: tuple[float, float], margins: Mapping[str, float]
) -> tuple[Figure, tuple[Axes, ...]]:
    """Plots in rows and columns, row by row; `margins` also says what is `between` and `above`."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=size)
    plots = figure.subplots(rows, columns, squeeze=False)
    _set_margins(figure, margins)
    figure.subplots_adjust(hspace=margins.get("above", 0.3))
    return figure, tuple(plots.ravel())


def polygons(axes: Axes, outlines: Any, values: Any, highest: float) -> Any:
    """Polygons (n, corners, 2) coloured by their values (n,) from 0 to `highest`."""
    from matplotlib.collections import PolyCollection

    drawn = PolyCollection(list(outlines), array=values, cmap="viridis", edgecolors="white",
                           linewidths=0.15)  # fmt: skip
    drawn.set_clim(0, highest)
    axes.add_collection(drawn)
    axes.autoscale()
    return drawn


def shades(colour: str, *, pale: float = 0.12) -> Any:
    """A scale from a pale tint of a colour over the colour to a dark shade; NaN is clear."""
    from matplotlib.colors import LinearSegmentedColormap, to_rgb

    own = to_rgb(colour)
    light = tuple(1.0 - pale * 2.0 * (1.0 - each) for each in own)
    dark = tuple(0.45 * each for each in own)
    return LinearSegmentedColormap.from_list("shades", [light, own, dark])


def _set_margins(figure: Figure, margins: Mapping[str, float]) -> None:
    wide, high = figure.get_size_inches()
    figure.subplots_adjust(
        left=margins["left"] / wide,
        right=1.0 - margins["right"] / wide,
        bottom=margins["bottom"] / high,
        top=1.0 - margins["top"] / high,
        wspace=margins.get("between", 0.3),
    )


def svg(figure: Figure) -> str:
    """Drawn once: `savefig` draws twice, the first time to see what room things take."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    text = StringIO()
    FigureCanvasSVG(figure).print_svg(text, metadata={"Date": None})
    return text.getvalue()
