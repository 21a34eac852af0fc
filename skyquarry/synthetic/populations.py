"""What the sky is made of, by default."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skyquarry.synthetic.blocks import Population


def usual() -> tuple[Population, ...]:
    """Every population there is, with its published parameters."""
    from skyquarry.synthetic import beyond
    from skyquarry.synthetic.changing import populations as changing
    from skyquarry.synthetic.milkyway.populations import POPULATIONS

    return (*POPULATIONS, *beyond.populations(), *changing.POPULATIONS)
