"""The colours of classes: the same on every plot, told apart by colour-blind eyes too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_KNOWN: Final = {
    "main_sequence": "#e69f00",
    "giant": "#d55e00",
    "white_dwarf": "#56b4e9",
    "brown_dwarf": "#8c4a2f",
    "galaxy": "#009e73",
    "quasar": "#0072b2",
    "galaxy_cluster": "#cc79a7",
    "transient": "#6a3d9a",
    "star": "#e69f00",
    "other": "#7f7f7f",
    "object": "#2b6cb0",
}
"""Okabe & Ito 2008, Color Universal Design, with a brown and a purple for two more classes."""
_FREE: Final = ("#0072b2", "#d55e00", "#009e73", "#e69f00", "#cc79a7", "#56b4e9", "#6a3d9a",
                "#8c4a2f", "#7f7f7f", "#222222")  # fmt: skip


def colours_of(classes: Sequence[str]) -> dict[str, str]:
    """A colour for each class: that of its name, for other names those that are left."""
    taken = {_KNOWN[name] for name in classes if name in _KNOWN}
    left = [each for each in _FREE if each not in taken] or list(_FREE)
    others = [name for name in classes if name not in _KNOWN]
    free = {name: left[number % len(left)] for number, name in enumerate(others)}
    return {name: _KNOWN.get(name) or free[name] for name in classes}
