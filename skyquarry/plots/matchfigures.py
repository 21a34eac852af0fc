"""The plots of a cross-match report, each from plain data to SVG text."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from skyquarry.plots.canvas import (
    BLUE,
    BROAD,
    COLOURS,
    FOR_COUNTS,
    GREY,
    ORANGE,
    PALE,
    canvas,
    in_thousands,
    style,
    svg,
    two,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from skyquarry.plots.canvas import Axes

_SQUARES: Final = (4.4, 2.5)
_FEW: Final = 20  # rows of a bin: fewer say little of a rate


def separations(pair: Mapping[str, Any]) -> str:
    """Separations of matches in standard errors, beside the Rayleigh curve they should follow."""
    told = pair["separations"]
    edges, counts, expected = told["edges"], told["counts"], told["expected"]
    with style("drawing a match report"):
        figure, axes = canvas(
            "separation in standard errors", "matches in a bin", margins=FOR_COUNTS
        )
        axes.stairs(counts, edges, fill=True, color=PALE)
        axes.stairs(counts, edges, color=BLUE, linewidth=1.0, label="matches")
        middle = [0.5 * (a + b) for a, b in pairwise(edges)]
        inside = [n for n, at in enumerate(middle) if at < told["limit"]]
        curve = [[values[n] for n in inside] for values in (middle, expected)]
        axes.plot(*curve, color=ORANGE, linewidth=1.6, label="if errors are right")
        axes.set_xlim(0.0, min(edges[-1], told["limit"] * 1.15))
        axes.set_ylim(0.0, None)
        in_thousands(axes)
        axes.axvline(told["limit"], color=GREY, linewidth=0.8, linestyle=":")
        axes.legend(loc="upper right")
        return svg(figure)


def probabilities(pair: Mapping[str, Any]) -> str:
    """Candidates by probability, with what magnitudes say and without."""
    told = pair["probability"]
    edges = told["edges"]
    places = range(len(edges) - 1)
    with style("drawing a match report"):
        figure, axes = canvas("posterior", "candidates", margins=FOR_COUNTS | {"bottom": 0.86})
        without, with_ = told["without_photometry"], told["with_photometry"]
        width = 0.4 if with_ != without else 0.8
        left = [place - (0.2 if with_ != without else 0.0) for place in places]
        axes.bar(left, with_, width, color=BLUE, label="all evidence")
        if with_ != without:
            right = [place + 0.2 for place in places]
            axes.bar(right, without, width, color=ORANGE, label="positions alone")
            axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, borderpad=0.1)
        names = [f"{low:g}–{high:g}" for low, high in pairwise(edges)]
        axes.set_xticks(list(places), names, rotation=55, ha="right", rotation_mode="anchor")
        axes.tick_params(axis="x", length=0, labelsize=7.5)
        axes.grid(visible=False, axis="x")
        if max([*with_, *without, 0]) > 0:
            axes.set_yscale("log")
            axes.minorticks_off()
            axes.set_ylim(0.7, None)
        in_thousands(axes)
        return svg(figure)


def reliability(pair: Mapping[str, Any]) -> str:
    """How many candidates are true against how many were expected to be, by bin of probability."""
    table = pair["reliability"]
    with style("drawing a match report"):
        figure, axes = canvas("expected share of true candidates", "measured share")
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle="--")
        drawn = _points(axes, table, ("true", "error"), "simulated truth", BLUE, "o")
        drawn += _points(axes, table, ("shifted", "shifted_error"), "shifted skies", ORANGE, "s")
        _unmeasured(axes, table)
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(-0.05, 1.05)
        if drawn:
            axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3, borderpad=0.1,
                        columnspacing=1.0, handletextpad=0.3)  # fmt: skip
        else:
            axes.text(0.5, 0.25, "no truth to compare with:\nneither simulated nor shifted sky",
                      ha="center", color=GREY)  # fmt: skip
        return svg(figure)


def _unmeasured(axes: Axes, table: Sequence[Mapping[str, Any]]) -> None:
    """Bins with candidates of which nobody can tell how many are true: ticks at the foot."""
    x = [each["expected"] for each in table if each["true"] is None and each["shifted"] is None]
    if x and len(x) < len(table):
        axes.plot(x, [-0.025] * len(x), "|", color=GREY, markersize=7.0, label="not measured")


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
    with style("drawing a match report"):
        figure, axes = canvas("magnitude of the catalogue", "matched share", BROAD)
        for number, row in enumerate(rows):
            bins = row["by_magnitude"]
            if not bins:
                continue
            colour = COLOURS[number % len(COLOURS)]
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
        return svg(figure)


def offsets(catalog: Mapping[str, Any]) -> str:
    """Offsets of mutual nearest pairs from the reference, before and after calibration."""
    sample = catalog["sample"]
    with style("drawing a match report"):
        figure, (before, after) = two(
            "east (mas)", "north (mas)", _SQUARES, FOR_COUNTS | {"between": 0.12}
        )
        after.tick_params(labelleft=False)
        reach = _reach(sample)
        for axes, first, name, colour in (
            (before, 0, "as catalogued", ORANGE),
            (after, 2, "calibrated", BLUE),
        ):
            x, y = ([1e3 * row[first + part] for row in sample] for part in (0, 1))
            axes.scatter(x, y, 5.0, color=colour, alpha=0.55, linewidths=0)
            axes.axhline(0.0, color=GREY, linewidth=0.8)
            axes.axvline(0.0, color=GREY, linewidth=0.8)
            axes.set_xlim(reach, -reach)  # east is left, as on the sky
            axes.set_ylim(-reach, reach)
            axes.set_aspect("equal")
            axes.set_title(name, fontsize=9.0, color=colour)
        return svg(figure)


def _reach(sample: Sequence[Sequence[float]]) -> float:
    """What holds nine in ten of the offsets, before and after."""
    sizes = sorted(abs(value) for row in sample for value in row)
    return 1e3 * 1.3 * sizes[int(0.95 * (len(sizes) - 1))] if sizes and sizes[-1] > 0 else 1.0


def errors(catalog: Mapping[str, Any]) -> str:
    """Floor, scale and wide share of a catalogue by magnitude."""
    told = catalog["errors"]
    edges = told["edges"]
    with style("drawing a match report"):
        figure, (left, right) = two("magnitude", "")
        ends = [edges[0] - 1.0, *edges, edges[-1] + 1.0]
        left.stairs([1e3 * s for s in told["floor_arcsec"]], ends, color=BLUE, baseline=None)
        left.set_title("error floor (mas)", fontsize=9.0)
        left.set_ylim(0.0, None if any(told["floor_arcsec"]) else 1.0)
        right.stairs(told["scale"], ends, color=BLUE, baseline=None, label="errors times")
        right.stairs(told["wide"], ends, color=ORANGE, baseline=None, label="wide share")
        right.set_title("scale, wide share", fontsize=9.0)
        right.set_ylim(0.0, None)
        right.legend(loc="best")
        return svg(figure)
