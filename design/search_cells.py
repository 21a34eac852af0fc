"""How fast x and y of a base cell can change along the sky: the slopes in `match/kernels/boxes.py`.

    python design/search_cells.py

The slope of x at a place is its change, in base cells, for a radian in the steepest direction. It
follows from how the place moves when x and y do: J (3, 2) has these tangent vectors as columns, and
the rows of its pseudo-inverse are the gradients of x and y on the sky. Measured by differences on a
grid that reaches to 1e-4 of the edges of the base cells (November 2026):
    base cells 0-3 and 8-11 (a pole is a corner): 1.4503, along an edge near the pole
    base cells 4-7 (on the equator), and anywhere with |dec| below 41.8 degrees: 1.0207, at 41.8
In formulas (Calabretta & Roukema 2007, section 5, for the projection): on the meridian of an edge
at distance t from a pole the slope is sqrt(6 cos^2(t/2) + 24 / (pi cos(t/2))^2) / 2: 1.4519 at the
pole and less farther off. On the equatorial part it is
sqrt((1.5 cos dec)^2 + (4 / (pi cos dec))^2) / 2: 1.0208 at the border of the caps (|dec| 41.81)
and less inside. So 1.5 and 1.03 hold everywhere.
"""

from __future__ import annotations

import numpy as np

from skyquarry.match.kernels.boxes import FLAT, FLAT_DEG, STEEP
from skyquarry.sky.cellsearch import center_xyz

ORDER = 29
STEP = 1 << 12  # pixels of the difference quotients: 8e-6 of a base cell


def slopes(face: int, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(greater of the slopes of x and y, dec_deg), each (n,), at pixels (x, y) of a base cell."""

    def at(across: int, up: int) -> np.ndarray:
        return center_xyz(ORDER, np.full(x.size, face), x + across, y + up)

    size = 2.0 * STEP / (1 << ORDER)
    jacobian = np.stack([at(STEP, 0) - at(-STEP, 0), at(0, STEP) - at(0, -STEP)], axis=2) / size
    gradients = np.linalg.pinv(jacobian)  # (n, 2, 3)
    steepest = np.linalg.norm(gradients, axis=2).max(axis=1)
    return steepest, np.degrees(np.arcsin(at(0, 0)[:, 2]))


def grid(points: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixels strewn over a base cell, closer together towards its edges."""
    steps = np.linspace(0.0, np.pi, points)
    along = ((1e-4 + (1.0 - 2e-4) * 0.5 * (1.0 - np.cos(steps))) * (1 << ORDER)).astype(np.int64)
    x, y = np.meshgrid(along, along)
    return x.ravel(), y.ravel()


def main() -> None:
    x, y = grid(1000)
    flat = 0.0
    for face in (0, 4, 8):
        slope, dec = slopes(face, x, y)
        worst = int(np.argmax(slope))
        print(f"base cell {face}: {slope[worst]:.4f} at dec {dec[worst]:.1f}")
        assert slope[worst] < STEEP
        flat = max(flat, float(slope[np.abs(dec) < FLAT_DEG].max()))
    print(f"below |dec| {FLAT_DEG}: {flat:.4f}")
    assert flat < FLAT


if __name__ == "__main__":
    main()
