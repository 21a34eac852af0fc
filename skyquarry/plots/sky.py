"""Maps of the whole sky: how many sources a square degree, in three frames and two projections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

import numpy as np
import numpy.typing as npt

from skyquarry.errors import UserError, missing_extra
from skyquarry.sky import healpix
from skyquarry.sky.frames import lonlat_from_frame

if TYPE_CHECKING:
    from os import PathLike

    from matplotlib.figure import Figure

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Projection = Literal["mollweide", "aitoff"]
MapFrame = Literal["icrs", "galactic", "ecliptic"]

_CODES: Final = {"mollweide": "MOL", "aitoff": "AIT"}
# (axes of FITS paper II, longitude in the middle, labels). RA runs from 24h left to 0h right.
_FRAMES: Final = {
    "icrs": (("RA---", "DEC--"), 180.0, ("RA", "Dec")),
    "galactic": (("GLON-", "GLAT-"), 0.0, ("Galactic longitude", "Galactic latitude")),
    "ecliptic": (("ELON-", "ELAT-"), 0.0, ("ecliptic longitude", "ecliptic latitude")),
}
_SUFFIXES: Final = (".png", ".pdf", ".svg", ".jpg", ".jpeg", ".tif", ".tiff", ".webp")
_FINEST: Final = 7  # 27 arcmin: two image pixels
_MEAN_COUNT: Final = 4.0  # fewer sources in a cell than this, and a map shows chance more than sky
_WIDTH: Final = 1600  # pixels; both projections are twice as wide as high
_HALF_WIDTH: Final = np.degrees(2.0 * np.sqrt(2.0))  # of both, in degrees of the projection plane
_EMPTY: Final = "0.82"  # grey: sky without a source, which no colour of the scale looks like


class Counted(Protocol):
    """Whatever knows its sources in each cell, such as a Catalog."""

    def counts(self, order: int, /) -> tuple[Ints, Ints]:
        """Pixels of an order that hold sources, and how many."""


def sky_map(
    source: Counted | tuple[Ints, Ints, int],
    path: str | PathLike[str] | None = None,
    *,
    projection: Projection = "mollweide",
    frame: MapFrame = "icrs",
    order: int | None = None,
    title: str | None = None,
) -> Figure:
    """A map of how dense a catalogue is: sources per square degree, colours in logarithm.

    `source` has a method `counts(order) -> (pixel, count)` or is a tuple (pixel, count, order).
    Without `order` cells are as fine as leaves some four sources in one that has any. RA grows to
    the left, as on the sky; sky without a source is grey. Returns the Figure; writes it to `path`
    (.png, .pdf, .svg) where one is given. Raises MissingExtraError without matplotlib.
    """
    _check_suffix(path)
    pixel, count, depth = _counts(source, order)
    name = getattr(source, "name", None)
    heading = title or (f"{name}: " if name else "") + f"{int(count.sum()):,} sources"
    return draw_counts(pixel, count, depth, path, projection=projection, frame=frame, title=heading)


def draw_counts(
    pixel: Ints,
    count: Ints,
    order: int,
    path: str | PathLike[str] | None = None,
    *,
    projection: Projection = "mollweide",
    frame: MapFrame = "icrs",
    title: str = "",
) -> Figure:
    """The same map from sources (n,) in HEALPix cells (n,) of one order, nested, ICRS."""
    _check(projection, frame)
    _check_suffix(path)
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise missing_extra("matplotlib", "plots", "drawing a sky map") from None
    wcs = map_wcs(projection, frame)
    image = density_image(pixel, count, order, wcs, frame)
    figure = Figure(figsize=(10.0, 6.3), dpi=150)
    axes = _sky_axes(figure, wcs, frame)
    _paint(figure, axes, image)
    axes.set_title(title, fontsize=13, pad=14)
    minutes = 60.0 * float(np.sqrt(healpix.cell_area_deg2(order)))
    note = (
        f"{projection.capitalize()}, {_name(frame)}; HEALPix order {order} ({minutes:.2g}′ cells)"
    )
    figure.text(0.985, 0.015, note, ha="right", fontsize=7, color="0.35")
    if path is not None:
        figure.savefig(path)
    return figure


def map_wcs(projection: Projection, frame: MapFrame, width: int = _WIDTH) -> Any:
    """The astropy WCS of a whole-sky image, `width` by half of it, longitude growing leftwards."""
    from astropy.wcs import WCS

    _check(projection, frame)
    axes, middle, _ = _FRAMES[frame]
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = [name + _CODES[projection] for name in axes]
    wcs.wcs.crval = [middle, 0.0]
    wcs.wcs.crpix = [0.5 * (width + 1), 0.5 * (width // 2 + 1)]
    step = 2.0 * _HALF_WIDTH / width
    wcs.wcs.cdelt = [-step, step]
    wcs.pixel_shape = (width, width // 2)
    return wcs


def density_image(pixel: Ints, count: Ints, order: int, wcs: Any, frame: MapFrame) -> Floats:
    """Sources per square degree (height, width) at the image's pixels; NaN beside the sky.

    Each image pixel looks up the cell that holds its centre, so that cells keep their shape.
    """
    width, height = wcs.pixel_shape
    x, y = np.meshgrid(np.arange(width, dtype=np.float64), np.arange(height, dtype=np.float64))
    lon, lat = wcs.wcs_pix2world(x.ravel(), y.ravel(), 0)
    on_sky = np.isfinite(lon) & np.isfinite(lat)
    ra, dec = lonlat_from_frame(lon[on_sky], lat[on_sky], frame)
    image = np.full(width * height, np.nan)
    image[on_sky] = _look_up(pixel, count, healpix.index(ra, dec, order))
    return (image / healpix.cell_area_deg2(order)).reshape(height, width)


def _look_up(pixel: Ints, count: Ints, wanted: Ints) -> Floats:
    """The count of each wanted cell, zero where it is not among the sorted cells."""
    if len(pixel) == 0:
        return np.zeros(wanted.size)
    along = np.argsort(pixel, kind="stable")
    cells, counts = np.asarray(pixel)[along], np.asarray(count)[along]
    where = np.minimum(np.searchsorted(cells, wanted), cells.size - 1)
    return np.where(cells[where] == wanted, counts[where], 0).astype(np.float64)


# ------------------------------------------------------------------ counts
def _counts(source: Any, order: int | None) -> tuple[Ints, Ints, int]:
    if isinstance(source, tuple):
        pixel, count, depth = (*map(np.asarray, source[:2]), int(source[2]))
        finest = healpix.check_order(depth)
        if order is not None and order > finest:
            raise UserError(
                f"order is {order}, but counts of order {finest} need it no finer; try {finest}"
            )
    elif hasattr(source, "counts"):
        finest = _FINEST if order is None else healpix.check_order(order)
        pixel, count = map(np.asarray, source.counts(finest))
    else:
        raise UserError(
            f"the source is a {type(source).__name__}, but a map needs a catalogue or a tuple "
            "(pixel, count, order); try sq.open(path)"
        )
    if order is not None:
        return *_coarsen(pixel, count, finest - order), order
    down = _enough(pixel, count, finest)
    return *_coarsen(pixel, count, down), finest - down


def _enough(pixel: Ints, count: Ints, order: int) -> int:
    """How many orders to go coarser for some sources in each cell that has any."""
    total = float(count.sum())
    for down in range(max(order - _FINEST, 0), order):
        if total >= _MEAN_COUNT * np.unique(pixel >> (2 * down)).size:
            return down
    return order


def _coarsen(pixel: Ints, count: Ints, down: int) -> tuple[Ints, Ints]:
    cells, where = np.unique(pixel >> (2 * down), return_inverse=True)
    return cells, np.bincount(where, weights=count, minlength=cells.size).astype(np.int64)


# ------------------------------------------------------------------ drawing
def _sky_axes(figure: Figure, wcs: Any, frame: MapFrame) -> Any:
    from astropy.visualization.wcsaxes import WCSAxes
    from astropy.visualization.wcsaxes.frame import EllipticalFrame

    axes = WCSAxes(figure, [0.06, 0.17, 0.9, 0.73], wcs=wcs, frame_class=EllipticalFrame)
    figure.add_axes(axes)
    width, height = wcs.pixel_shape
    axes.set_xlim(-0.5, width - 0.5)
    axes.set_ylim(-0.5, height - 0.5)
    _label(axes, frame)
    return axes


def _label(axes: Any, frame: MapFrame) -> None:
    """A grid of 30 degrees; longitudes along the equator, latitudes along the rim."""
    from astropy import units as u
    from matplotlib.patheffects import withStroke

    lon, lat = axes.coords
    _, middle, (lon_name, lat_name) = _FRAMES[frame]
    lon.set_ticks((middle + np.arange(-120.0, 121.0, 60.0)) % 360.0 * u.deg)  # none at the rim
    lat.set_ticks(np.arange(-60.0, 61.0, 30.0) * u.deg)
    halo = [withStroke(linewidth=2.0, foreground="black")]
    lon.set_ticklabel(color="white", size=9, path_effects=halo, exclude_overlapping=True)
    lat.set_ticklabel(color="black", size=9)
    lon.set_ticklabel_position("h")
    lat.set_ticklabel_position("c")
    for axis in (lon, lat):
        axis.set_major_formatter("d")
        axis.set_ticks_visible(False)
    lon.set_axislabel(" ")  # the label proper would lie on the map
    lat.set_axislabel(lat_name, fontsize=10)
    axes.text(0.5, -0.02, lon_name, transform=axes.transAxes, ha="center", va="top", fontsize=10)
    axes.grid(color="white", alpha=0.45, linewidth=0.6)


def _paint(figure: Figure, axes: Any, image: Floats) -> None:
    from matplotlib.colors import ListedColormap, LogNorm
    from matplotlib.patches import Patch
    from matplotlib.ticker import LogLocator, NullFormatter

    sky = np.where(np.isfinite(image), 1.0, np.nan)
    axes.imshow(sky, cmap=ListedColormap([_EMPTY]), origin="lower", interpolation="nearest")
    dense = np.where(image > 0.0, image, np.nan)
    if np.isfinite(dense).any():
        low, high = float(np.nanmin(dense)), float(np.nanmax(dense))
        norm = LogNorm(low, high if high > low else 10.0 * low)
        layer = axes.imshow(
            dense, cmap="inferno", norm=norm, origin="lower", interpolation="nearest"
        )
        place = figure.add_axes((0.26, 0.09, 0.48, 0.025))
        bar = figure.colorbar(layer, cax=place, orientation="horizontal")
        bar.set_label("sources per square degree", fontsize=10)
        bar.ax.tick_params(labelsize=9)
        few = high < 100.0 * low
        bar.ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if few else (1.0,)))
        bar.ax.xaxis.set_major_formatter(lambda value, _: f"{value:,g}")
        bar.ax.xaxis.set_minor_formatter(NullFormatter())
    if np.any(image == 0.0):
        empty = Patch(facecolor=_EMPTY, edgecolor="0.4", label="no source")
        figure.legend(handles=[empty], loc="lower left", fontsize=9, frameon=False)


def _name(frame: str) -> str:
    return "ICRS" if frame == "icrs" else frame.capitalize()


def _check(projection: str, frame: str) -> None:
    for what, value, known in (("projection", projection, _CODES), ("frame", frame, _FRAMES)):
        if value not in known:
            raise UserError(f"{what} is {value!r}, but a map needs one of {', '.join(known)}")


def _check_suffix(path: str | PathLike[str] | None) -> None:
    """A picture's suffix is known before the rows are counted and the map is drawn."""
    if path is not None and not str(path).lower().endswith(_SUFFIXES):
        raise UserError(f"the map was to be {path}, but it needs one of {', '.join(_SUFFIXES)}")
