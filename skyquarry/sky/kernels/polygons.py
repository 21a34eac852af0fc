"""Polygons of many edges in loops over bare arrays (numba). `polygonedges.py` checks and wraps."""

from __future__ import annotations

import math

from skyquarry.sky.compiled import kernel


@kernel
def first_crossing(first, last, normals, low, high, order, edge):
    """The least pair (i, j), i < j, of edges that cross; (-1, -1) where none do.

    `low` and `high` (n, 3) are boxes that hold the edges, `order` (n,) sorts them by low[:, 0]: an
    edge is compared with those that begin, along the first axis, before it ends.
    """
    best_i, best_j = -1, -1
    n = order.size
    for at in range(n):
        i = order[at]
        for after in range(at + 1, n):
            j = order[after]
            if low[j, 0] > high[i, 0]:
                break
            if low[j, 1] > high[i, 1] or low[i, 1] > high[j, 1]:
                continue
            if low[j, 2] > high[i, 2] or low[i, 2] > high[j, 2]:
                continue
            one, other = min(i, j), max(i, j)
            if best_i >= 0 and (one > best_i or (one == best_i and other > best_j)):
                continue
            if _cross(first, last, normals, one, other, edge):
                best_i, best_j = one, other
    return best_i, best_j


@kernel
def _cross(first, last, normals, i, j, edge):
    """Whether all four triangles of the ends turn one way."""
    to_a = _dot(normals, i, first, j)
    to_b = _dot(normals, i, last, j)
    of_a = _dot(first, i, normals, j)
    of_b = _dot(last, i, normals, j)
    if to_a < -edge and to_b > edge and of_a > edge and of_b < -edge:
        return True
    return to_a > edge and to_b < -edge and of_a < -edge and of_b > edge


@kernel
def _dot(a, i, b, j):
    return a[i, 0] * b[j, 0] + a[i, 1] * b[j, 1] + a[i, 2] * b[j, 2]


@kernel
def slabs_counted(west, east, slabs, counts):
    """How many edges lie over each of the slabs of longitude; `counts` (slabs,) is filled."""
    for i in range(west.size):
        a, b = _slab(west[i], slabs), _slab(east[i], slabs)
        span = b - a if west[i] <= east[i] else b - a + slabs
        for step in range(min(span, slabs - 1) + 1):
            counts[(a + step) % slabs] += 1


@kernel
def slabs_filled(west, east, slabs, starts, members):
    """The edges over each slab, in `members` from starts[slab] on; `starts` is left at the ends."""
    for i in range(west.size):
        a, b = _slab(west[i], slabs), _slab(east[i], slabs)
        span = b - a if west[i] <= east[i] else b - a + slabs
        for step in range(min(span, slabs - 1) + 1):
            s = (a + step) % slabs
            members[starts[s]] = i
            starts[s] += 1


@kernel
def _slab(lon, slabs):
    """Which of the slabs a longitude, [-pi, pi], lies in."""
    at = int((lon + math.pi) * (0.5 * slabs / math.pi))
    return min(max(at, 0), slabs - 1)


@kernel
def crossed_oddly(  # noqa: PLR0917
    xyz, lon, west, east, eastward, normals, starts, members, found
):
    """Whether the meridian from each point (m, 3) to the pole crosses an odd number of edges.

    An edge owns its western end and not its eastern one. `starts` (slabs + 1,) says where the
    edges over each slab of longitude stand in `members`.
    """
    slabs = starts.size - 1
    for k in range(lon.size):
        odd = False
        s = _slab(lon[k], slabs)
        for at in range(starts[s], starts[s + 1]):
            i = members[at]
            if west[i] <= east[i]:
                within = west[i] <= lon[k] < east[i]
            else:
                within = west[i] <= lon[k] or lon[k] < east[i]
            if within:
                height = _dot(xyz, k, normals, i)
                odd ^= height < 0.0 if eastward[i] else height > 0.0
        found[k] = odd


@kernel
def near_an_edge(xyz, limit, sine, first, last, normals, found):
    """Whether an edge comes within a chord `limit` (m,) of each point; `sine` (m,) of its angle."""
    for k in range(found.size):
        near = False
        for i in range(first.shape[0]):
            if abs(_dot(xyz, k, normals, i)) <= sine[k] and _close(
                xyz, k, first, last, normals, i, limit[k]
            ):
                near = True
                break
        found[k] = near


@kernel
def on_an_edge(  # noqa: PLR0917
    xyz, lon, limit, sine, first, last, normals, starts, members, found
):
    """The same for one tiny `limit` and `sine`: of edges over a point's longitude, or beside it."""
    slabs = starts.size - 1
    for k in range(found.size):
        near = False
        low, high = _slab(lon[k] - 1e-9, slabs), _slab(lon[k] + 1e-9, slabs)
        for s in range(low, high + 1):
            for at in range(starts[s], starts[s + 1]):
                i = members[at]
                if abs(_dot(xyz, k, normals, i)) <= sine and _close(
                    xyz, k, first, last, normals, i, limit
                ):
                    near = True
        if abs(lon[k]) > math.pi - 1e-9:
            for s in (0, slabs - 1):
                for at in range(starts[s], starts[s + 1]):
                    i = members[at]
                    if _close(xyz, k, first, last, normals, i, limit):
                        near |= abs(_dot(xyz, k, normals, i)) <= sine
        found[k] = near


@kernel
def _close(xyz, k, first, last, normals, i, limit):
    """Whether a point near an edge's great circle is beside the edge, or near one of its ends."""
    px, py, pz = xyz[k, 0], xyz[k, 1], xyz[k, 2]
    ax, ay, az = first[i, 0], first[i, 1], first[i, 2]
    bx, by, bz = last[i, 0], last[i, 1], last[i, 2]
    nx, ny, nz = normals[i, 0], normals[i, 1], normals[i, 2]
    after = (ny * az - nz * ay) * px + (nz * ax - nx * az) * py + (nx * ay - ny * ax) * pz
    before = (by * nz - bz * ny) * px + (bz * nx - bx * nz) * py + (bx * ny - by * nx) * pz
    if after >= 0.0 and before >= 0.0:
        return True
    to_a = (px - ax) ** 2 + (py - ay) ** 2 + (pz - az) ** 2
    to_b = (px - bx) ** 2 + (py - by) ** 2 + (pz - bz) ** 2
    return min(to_a, to_b) <= limit * limit
