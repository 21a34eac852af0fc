"""What lies beyond our Galaxy: galaxies, quasars, clusters of galaxies."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skyquarry.simulate.blocks import Population


def populations() -> tuple[Population, ...]:
    """Every population beyond our Galaxy, with its published parameters."""
    from skyquarry.simulate.beyond.clusters import Clusters
    from skyquarry.simulate.beyond.galaxies import Galaxies
    from skyquarry.simulate.beyond.quasars import QuasarPopulation

    return (Galaxies(), QuasarPopulation(), Clusters())
