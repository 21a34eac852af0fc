"""The learners by name; one of another package is made known by `register`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from skyquarry.errors import NotFoundError

if TYPE_CHECKING:
    from skyquarry.learn.classifiers.protocol import Classifier

_HOMES: dict[str, tuple[str, str]] = {
    "catboost": ("skyquarry.learn.classifiers.catboost", "CatBoost"),
    "xgboost": ("skyquarry.learn.classifiers.xgboost", "XGBoost"),
    "forest": ("skyquarry.learn.classifiers.forest", "Forest"),
    "extratrees": ("skyquarry.learn.classifiers.forest", "ExtraTrees"),
    "kernel": ("skyquarry.learn.classifiers.kernel", "Kernel"),
    "discriminant": ("skyquarry.learn.classifiers.discriminant", "Discriminant"),
    "network": ("skyquarry.learn.classifiers.network", "Network"),
}
USUAL: Final = ("catboost", "xgboost", "forest", "network")
"""what an ensemble of many rows is made of, where nobody says otherwise"""
FEW: Final = ("catboost", "xgboost", "forest", "extratrees", "kernel", "discriminant")
"""of few rows, where the smooth learners are ones that need few"""


def register(kind: type[Classifier]) -> None:
    """Make a learner known by its name, so that a model that holds it can be loaded."""
    _HOMES[kind.name] = (kind.__module__, kind.__qualname__)


def names() -> tuple[str, ...]:
    """Those known."""
    return tuple(_HOMES)


def kind_of(name: str) -> type[Classifier]:
    """The class of a learner. Raises NotFoundError."""
    if name not in _HOMES:
        raise NotFoundError(
            f"there is no learner {name!r}, but there are {', '.join(_HOMES)}: choose one, or "
            "register yours"
        )
    module, kind = _HOMES[name]
    found: Any = getattr(import_module(module), kind)
    return found  # type: ignore[no-any-return]


def installed(name: str) -> bool:
    """Whether what the learner needs is installed."""
    from importlib.util import find_spec

    return all(find_spec(package) is not None for package in kind_of(name).extra)
