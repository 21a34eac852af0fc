"""The plots of a cross-match report, each from plain data to SVG text.

With `plots/sky.py` the only file that imports matplotlib, and only when a plot is drawn.
"""

from __future__ import annotations

from io import StringIO
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from skyquarry.errors import missing_extra

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SIZE: Final = (4.4, 3.1)
_SQUARES: Final = (4.4, 2.5)
_BROAD: Final = (11.0, 2.9)
_BLUE: Final = "#2b6cb0"
_ORANGE: Final = "#dd6b20"
_GREY: Final = "#718096"
_PALE: Final = "#bcd3ea"
_FEW: Final = 20  # rows of a bin: fewer say little of a rate
_COLOURS: Final = (_BLUE, _ORANGE, "#2f855a", "#805ad5", "#b83280", "#975a16", "#0987a0")
_STYLE: Final = {
    "font.size": 9.0,
    "font.family": "DejaVu Sans",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": _GREY,
    "axes.labelcolor": "#2d3748",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e2e8f0",
    "grid.linewidth": 0.7,
    "xtick.color": _GREY,
    "ytick.color": _GREY,
    "legend.frameon": False,
    "legend.fontsize": 8.0,
    "svg.hashsalt": "skyquarry",  # the same report, the same bytes
    "svg.fonttype": "path",  # a page needs no fonts
}
_MARGINS: Final = {"left": 0.62, "right": 0.14, "bottom": 0.48, "top": 0.32}
"""Inches around the axes: fixed, for to fit them to their labels takes as long as all the rest."""
_FOR_COUNTS: Final = _MARGINS | {"left": 0.82}


def separations(pair: Mapping[str, Any]) -> str:
    """Separations of matches in standard errors, beside the Rayleigh curve they should follow."""
    told = pair["separations"]
    edges, counts, expected = told["edges"], told["counts"], told["expected"]
    with _style():
        figure, axes = _canvas(
            "separation in standard errors", "matches in a bin", margins=_FOR_COUNTS
        )
        axes.stairs(counts, edges, fill=True, color=_PALE)
        axes.stairs(counts, edges, color=_BLUE, linewidth=1.0, label="matches")
        middle = [0.5 * (a + b) for a, b in pairwise(edges)]
        inside = [n for n, at in enumerate(middle) if at < told["limit"]]
        curve = [[values[n] for n in inside] for values in (middle, expected)]
        axes.plot(*curve, color=_ORANGE, linewidth=1.6, label="if errors are right")
        axes.set_xlim(0.0, min(edges[-1], told["limit"] * 1.15))
        axes.set_ylim(0.0, None)
        _in_thousands(axes)
        axes.axvline(told["limit"], color=_GREY, linewidth=0.8, linestyle=":")
        axes.legend(loc="upper right")
        return _svg(figure)


def probabilities(pair: Mapping[str, Any]) -> str:
    """Candidates by probability, with what magnitudes say and without."""
    told = pair["probability"]
    edges = told["edges"]
    places = range(len(edges) - 1)
    with _style():
        figure, axes = _canvas("posterior", "candidates", margins=_FOR_COUNTS | {"bottom": 0.86})
        without, with_ = told["without_photometry"], told["with_photometry"]
        width = 0.4 if with_ != without else 0.8
        left = [place - (0.2 if with_ != without else 0.0) for place in places]
        axes.bar(left, with_, width, color=_BLUE, label="all evidence")
        if with_ != without:
            right = [place + 0.2 for place in places]
            axes.bar(right, without, width, color=_ORANGE, label="positions alone")
            axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, borderpad=0.1)
        names = [f"{low:g}–{high:g}" for low, high in pairwise(edges)]
        axes.set_xticks(list(places), names, rotation=55, ha="right", rotation_mode="anchor")
        axes.tick_params(axis="x", length=0, labelsize=7.5)
        axes.grid(visible=False, axis="x")
        if max([*with_, *without, 0]) > 0:
            axes.set_yscale("log")
            axes.minorticks_off()
            axes.set_ylim(0.7, None)
        _in_thousands(axes)
        return _svg(figure)


def reliability(pair: Mapping[str, Any]) -> str:
    """How many candidates are true against how many were expected to be, by bin of probability."""
    table = pair["reliability"]
    with _style():
        figure, axes = _canvas("expected share of true candidates", "measured share")
        axes.plot([0, 1], [0, 1], color=_GREY, linewidth=0.8, linestyle="--")
        drawn = _points(axes, table, ("true", "error"), "simulated truth", _BLUE, "o")
        drawn += _points(axes, table, ("shifted", "shifted_error"), "shifted skies", _ORANGE, "s")
        _unmeasured(axes, table)
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(-0.05, 1.05)
        if drawn:
            axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3, borderpad=0.1,
                        columnspacing=1.0, handletextpad=0.3)  # fmt: skip
        else:
            axes.text(0.5, 0.25, "no truth to compare with:\nneither simulated nor shifted sky",
                      ha="center", color=_GREY)  # fmt: skip
        return _svg(figure)


def _unmeasured(axes: Axes, table: Sequence[Mapping[str, Any]]) -> None:
    """Bins with candidates of which nobody can tell how many are true: ticks at the foot."""
    x = [each["expected"] for each in table if each["true"] is None and each["shifted"] is None]
    if x and len(x) < len(table):
        axes.plot(x, [-0.025] * len(x), "|", color=_GREY, markersize=7.0, label="not measured")


def _points(
    axes: Axes,
    table: Sequence[Mapping[str, Any]],
    keys: tuple[str, str],
    label: str,
    colour: str,
    marker: str,
) -> int:
    """Shares and their standard errors, named by `keys`; how many are known."""
    known = [each for each in table if each[keys[0]] is not None]
    if known:
        x, y, error = ([each[name] for each in known] for name in ("expected", *keys))
        axes.errorbar(
            x, y, error, fmt=marker, color=colour, markersize=4.5, linewidth=1.0, label=label
        )
    return len(known)


def rates(rows: Sequence[Mapping[str, Any]]) -> str:
    """The share of matched rows by magnitude; dots grow with bins, lines leave out small ones."""
    with _style():
        figure, axes = _canvas("magnitude of the catalogue", "matched share", _BROAD)
        for number, row in enumerate(rows):
            bins = row["by_magnitude"]
            if not bins:
                continue
            colour = _COLOURS[number % len(_COLOURS)]
            x = [0.5 * (each["mag"] + each["to"]) for each in bins]
            y = [each["rate"] for each in bins]
            most = max(each["rows"] for each in bins)
            size = [6.0 + 40.0 * each["rows"] / most for each in bins]
            told = [n for n, each in enumerate(bins) if each["rows"] >= _FEW]
            axes.plot([x[n] for n in told], [y[n] for n in told], color=colour, linewidth=1.2)
            axes.scatter(x, y, size, color=colour, label=row["name"], linewidths=0)
        axes.set_ylim(-0.03, 1.05)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(loc="best", markerscale=0.8)
        return _svg(figure)


def offsets(catalog: Mapping[str, Any]) -> str:
    """Offsets of mutual nearest pairs from the reference, before and after calibration."""
    sample = catalog["sample"]
    with _style():
        figure, (before, after) = _two(
            "east (mas)", "north (mas)", _SQUARES, _FOR_COUNTS | {"between": 0.12}
        )
        after.tick_params(labelleft=False)
        reach = _reach(sample)
        for axes, first, name, colour in (
            (before, 0, "as catalogued", _ORANGE),
            (after, 2, "calibrated", _BLUE),
        ):
            x, y = ([1e3 * row[first + part] for row in sample] for part in (0, 1))
            axes.scatter(x, y, 5.0, color=colour, alpha=0.55, linewidths=0)
            axes.axhline(0.0, color=_GREY, linewidth=0.8)
            axes.axvline(0.0, color=_GREY, linewidth=0.8)
            axes.set_xlim(reach, -reach)  # east is left, as on the sky
            axes.set_ylim(-reach, reach)
            axes.set_aspect("equal")
            axes.set_title(name, fontsize=9.0, color=colour)
        return _svg(figure)


def _reach(sample: Sequence[Sequence[float]]) -> float:
    """What holds nine in ten of the offsets, before and after."""
    sizes = sorted(abs(value) for row in sample for value in row)
    return 1e3 * 1.3 * sizes[int(0.95 * (len(sizes) - 1))] if sizes and sizes[-1] > 0 else 1.0


def errors(catalog: Mapping[str, Any]) -> str:
    """Floor, scale and wide share of a catalogue by magnitude."""
    told = catalog["errors"]
    edges = told["edges"]
    with _style():
        figure, (left, right) = _two("magnitude", "")
        ends = [edges[0] - 1.0, *edges, edges[-1] + 1.0]
        left.stairs([1e3 * s for s in told["floor_arcsec"]], ends, color=_BLUE, baseline=None)
        left.set_title("error floor (mas)", fontsize=9.0)
        left.set_ylim(0.0, None if any(told["floor_arcsec"]) else 1.0)
        right.stairs(told["scale"], ends, color=_BLUE, baseline=None, label="errors times")
        right.stairs(told["wide"], ends, color=_ORANGE, baseline=None, label="wide share")
        right.set_title("scale, wide share", fontsize=9.0)
        right.set_ylim(0.0, None)
        right.legend(loc="best")
        return _svg(figure)


# ------------------------------------------------------------------ canvas
def _style() -> Any:
    try:
        from matplotlib import rc_context
    except ImportError:
        raise missing_extra("matplotlib", "plots", "drawing a match report") from None
    return rc_context(_STYLE)


def _canvas(
    x: str,
    y: str,
    size: tuple[float, float] = _SIZE,
    margins: Mapping[str, float] = _MARGINS,
) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=size)
    axes = figure.add_subplot()
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    _set_margins(figure, margins)
    return figure, axes


def _in_thousands(axes: Axes) -> None:
    """Counts as 20k and 3M: powers of ten have to be typeset, which takes its time."""
    from matplotlib.ticker import EngFormatter

    axes.yaxis.set_major_formatter(EngFormatter(sep=""))


def _two(
    x: str,
    y: str,
    size: tuple[float, float] = _SIZE,
    margins: Mapping[str, float] = _MARGINS,
) -> tuple[Figure, tuple[Axes, Axes]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=size)
    left, right = figure.subplots(1, 2)
    for axes in (left, right):
        axes.set_xlabel(x)
    left.set_ylabel(y)
    _set_margins(figure, margins)
    return figure, (left, right)


def _set_margins(figure: Figure, margins: Mapping[str, float]) -> None:
    wide, high = figure.get_size_inches()
    figure.subplots_adjust(
        left=margins["left"] / wide,
        right=1.0 - margins["right"] / wide,
        bottom=margins["bottom"] / high,
        top=1.0 - margins["top"] / high,
        wspace=margins.get("between", 0.3),
    )


def _svg(figure: Figure) -> str:
    """Drawn once: `savefig` draws twice, the first time to see what room things take."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    text = StringIO()
    FigureCanvasSVG(figure).print_svg(text, metadata={"Date": None})
    return text.getvalue()
