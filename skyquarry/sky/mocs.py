"""Multi-order coverage maps (IVOA MOC 2.0) as regions, and as FITS, JSON and ASCII.

The only importer of mocpy. No path is opened here: bytes, text and open files come and go.
"""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from skyquarry.errors import RegionError
from skyquarry.sky import healpix
from skyquarry.sky.algebra import Region
from skyquarry.sky.covers import Cover, Scheme
from skyquarry.sky.ranges import MAX_ORDER, N_PIXELS, Ranges
from skyquarry.sky.vectors import to_radec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from skyquarry.sky.halfspaces import Cells, Floats, Mask, Relation

    Ints = NDArray[np.int64]


_WORD = re.compile(r"(?:(\d+)/)?(?:(\d+)(?:-(\d+))?)?")


@dataclass(frozen=True, slots=True)
class MocRegion(Region):
    """A set of HEALPix cells as a region; a point belongs to the cell that its index names."""

    ranges: Ranges
    order: int = MAX_ORDER
    """The order that the map is made for: written into files, at least that of its finest cell."""

    def __post_init__(self) -> None:
        if len(self.ranges) and self.ranges.stops[-1] > N_PIXELS:
            raise RegionError(
                f"the last range stops at {self.ranges.stops[-1]}, but the sky ends at {N_PIXELS}: "
                "a MOC needs order-29 HEALPix pixels"
            )
        finest = finest_order(self.ranges)
        if not finest <= self.order <= MAX_ORDER:
            raise RegionError(
                f"the MOC's order is {self.order}, but it has cells of order {finest}: it needs "
                f"{finest} to {MAX_ORDER}, or try ranges.coarsen({self.order})"
            )

    def _inside(self, xyz: Floats) -> Mask:
        found = np.asarray(np.isfinite(xyz).all(axis=1))
        ra, dec = to_radec(xyz[found])
        found[found] = self.ranges.contains(healpix.index(ra, dec))
        return found

    def relate(self, cells: Cells) -> Relation:
        """Exact for HEALPix cells; for others by the pixels that surely hold their circles."""
        if cells.spans is not None:
            starts, stops = cells.spans
            inside = self.ranges.covers(starts, stops)
            return inside.astype(np.int8) - (~self.ranges.overlaps(starts, stops)).astype(np.int8)
        inside, touched = around(self.ranges, cells)
        return inside.astype(np.int8) - (~touched).astype(np.int8)

    def cover(self, order: int | None = None, scheme: Scheme = "healpix") -> Cover:
        """As `Region.cover`; by HEALPix exact, and without an order that of the map."""
        if scheme != "healpix":
            return Region.cover(self, order, scheme)
        level = self.order if order is None else healpix.check_order(order)
        inner = self.ranges.shrink(level)
        return Cover(inner, self.ranges.coarsen(level) - inner)

    def area(self) -> float:
        """Square degrees, exact: a count of pixels."""
        return self.ranges.area_deg2()

    def to_fits(self) -> bytes:
        """The map as a FITS file of MOC 2.0 (ranges); the same map gives the same bytes."""
        buffer = io.BytesIO()
        _to_mocpy(self).serialize("fits").writeto(buffer)
        return buffer.getvalue()

    def to_json(self) -> str:
        """The map as JSON: {"order": [pixels], ...}."""
        return str(_to_mocpy(self).to_string("json"))

    def to_ascii(self) -> str:
        """The map as IVOA ASCII text: "3/0-1 5/77"."""
        return str(_to_mocpy(self).to_string("ascii"))


def read_moc(source: bytes | str | IO[bytes]) -> MocRegion:
    """The MOC in FITS (bytes or an open binary file), JSON or ASCII (text or bytes).

    Raises RegionError for what is no MOC of the sky in ICRS.

    >>> read_moc("3/0-1 5/77").to_ascii()
    '3/0-1 5/77'
    """
    if not isinstance(source, bytes | str) and not hasattr(source, "read"):
        raise RegionError(
            f"the MOC is {source!r:.60}; it needs bytes, a text or an open file: "
            'try read_moc("3/0-1 5/77")'
        )
    data = source if isinstance(source, bytes | str) else source.read()
    if isinstance(data, bytes) and data.startswith(b"SIMPLE"):
        return _from_fits(data)
    try:
        text = data.decode("ascii") if isinstance(data, bytes) else data
    except UnicodeDecodeError:
        raise RegionError(
            f"the MOC begins with {data[:20]!r}, which is neither FITS nor text: it needs to be "
            "FITS, JSON or ASCII; try unpacking it first"
        ) from None
    kind = "json" if text.lstrip().startswith("{") else "ascii"
    from mocpy import MOC

    for order, first, last in _json_cells(text) if kind == "json" else _ascii_cells(text):
        _check_cells(order, first, last)
    return _from_mocpy(_load(lambda: MOC.from_string(" ".join(text.split()), kind), text[:60]))


def _ascii_cells(text: str) -> Iterator[tuple[int, int | None, int | None]]:
    """(order, first, last) of every word, None where it has none; ends where it is no MOC."""
    order = -1
    for word in re.split(r"[\s,]+", text.strip()):
        parts = _WORD.fullmatch(word)
        if parts is None or (parts[1] is None and order < 0):
            return
        order = order if parts[1] is None else int(parts[1])
        first = None if parts[2] is None else int(parts[2])
        yield order, first, first if parts[3] is None else int(parts[3])


def _json_cells(text: str) -> Iterator[tuple[int, int | None, int | None]]:
    """As `_ascii_cells`; RegionError for JSON of another shape."""
    try:
        told = json.loads(text)
    except ValueError:
        return  # which mocpy explains
    for order, cells in told.items():
        whole = order.isdecimal() and isinstance(cells, list)
        if not (whole and all(type(cell) is int for cell in cells)):
            raise RegionError(
                f"the MOC has {order!r}: {cells!r:.60}, which cannot be read: it needs orders and "
                'lists of pixels, as {"3": [0, 1], "5": [77]}'
            )
        yield int(order), None, None
        yield from ((int(order), cell, cell) for cell in cells)


def _check_cells(order: int, first: int | None, last: int | None) -> None:
    """RegionError for what mocpy would silently bend: an order, or cells, that are not there."""
    known = 0 <= order <= MAX_ORDER
    if known and (first is None or last is None or 0 <= first <= last < 12 << 2 * order):
        return
    cells = "" if first is None else str(first) if first == last else f"{first}-{last}"
    raise RegionError(
        f"the MOC has '{order}/{cells}', which no map of the sky has: orders go from 0 to "
        f"{MAX_ORDER}, and pixels from 0 up to 12 * 4**order - 1, the lower one first"
    )


def around(ranges: Ranges, cells: Cells) -> tuple[Mask, Mask]:
    """Whether all, or any, of the pixels that surely hold each cell's circle are in a set.

    Within a base cell a point moves by at most 1.5 cells of order 0 a radian (see `cellsearch`), so
    a circle whose radius is a third of a pixel's span stays among that pixel's neighbours. Circles
    larger than a third of a radian are called "not all, perhaps some".
    """
    inside, touched = np.zeros(len(cells), bool), np.ones(len(cells), bool)
    order = np.floor(np.log2(1.0 / (3.0 * cells.radius)))
    for level in np.unique(order[order >= 0]).astype(int).tolist():
        some = np.flatnonzero(order == level)
        depth = min(level, MAX_ORDER)
        pixel = healpix.index(*to_radec(cells.centers[some]), depth)
        nine = np.column_stack([pixel, healpix.neighbours(pixel, depth)])
        real = nine >= 0
        starts, stops = healpix.pixel_range(depth, np.where(real, nine, 0).ravel())
        covered = ranges.covers(starts, stops).reshape(nine.shape)
        met = ranges.overlaps(starts, stops).reshape(nine.shape)
        inside[some] = (covered | ~real).all(axis=1)
        touched[some] = (met & real).any(axis=1)
    return inside, touched


def finest_order(ranges: Ranges) -> int:
    """The order of the finest cell that a set of pixels needs."""
    if not len(ranges):
        return 0
    bits = int(np.bitwise_or.reduce(ranges.starts | ranges.stops))
    zeros = (bits & -bits).bit_length() - 1
    return max(MAX_ORDER - zeros // 2, 0)


def _from_fits(data: bytes) -> MocRegion:
    """FITS in either encoding, ranges or unique numbers; any frame but equatorial is refused."""
    from mocpy import MOC

    at = data.find(b"COORDSYS=")
    frame = data[at + 9 : at + 30].split(b"/")[0].strip(b" '\"").decode("ascii", "replace")
    if at >= 0 and frame[:1] not in ("C", "I"):
        raise RegionError(
            f"the MOC's COORDSYS is {frame!r}, but it needs C (ICRS): "
            "try making it in equatorial coordinates"
        )
    found = _load(lambda: MOC.from_fits(io.BytesIO(data)), f"FITS of {len(data):,} bytes")
    if not isinstance(found, MOC):
        raise RegionError(
            f"the FITS file holds a {type(found).__name__}, but a map of the sky alone is needed: "
            "try its spatial part"
        )
    return _from_mocpy(found)


def _load(read: Any, what: str) -> Any:
    try:
        return read()
    except BaseException as fault:
        # A damaged file makes the Rust code panic, which Python sees as no Exception.
        if not isinstance(fault, OSError | ValueError) and "Panic" not in type(fault).__name__:
            raise
        raise RegionError(
            f"the MOC is {what!r}, which cannot be read ({' '.join(str(fault).split())}): it needs "
            'cells such as "3/0-1 5/77" that do not overlap; try mocpy to mend it'
        ) from fault


def _from_mocpy(moc: Any) -> MocRegion:
    edges = np.asarray(moc.to_depth29_ranges).reshape(-1, 2).astype(np.int64)
    return MocRegion(Ranges(edges[:, 0], edges[:, 1]), int(moc.max_order))


def _to_mocpy(region: MocRegion) -> Any:
    from mocpy import MOC

    edges = np.column_stack([region.ranges.starts, region.ranges.stops]).astype(np.uint64)
    return MOC.from_depth29_ranges(region.order, edges)
