"""What lies beyond our Galaxy: galaxies, quasars, clusters of galaxies, obscured nuclei."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skyquarry.synthetic.blocks import Population


def populations() -> tuple[Population, ...]:
    """Every population beyond our Galaxy, with its published parameters."""
    from skyquarry.synthetic.beyond.clusters import Clusters
    from skyquarry.synthetic.beyond.galaxies import Galaxies
    from skyquarry.synthetic.beyond.obscured import ObscuredNuclei
    from skyquarry.synthetic.beyond.quasars import QuasarPopulation

    return (Galaxies(), QuasarPopulation(), Clusters(), ObscuredNuclei())
