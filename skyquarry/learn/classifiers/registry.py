"""The learners by name; one of another package is made known by `register`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from skyquarry.errors import NotFoundError, UserError

if TYPE_CHECKING:
    from skyquarry.learn.classifiers.protocol import Classifier

_HOMES: Final[dict[str, tuple[str, str]]] = {
    "catboost": ("skyquarry.learn.classifiers.catboost", "CatBoost"),
    "xgboost": ("skyquarry.learn.classifiers.xgboost", "XGBoost"),
    "forest": ("skyquarry.learn.classifiers.forest", "Forest"),
    "extratrees": ("skyquarry.learn.classifiers.forest", "ExtraTrees"),
    "kernel": ("skyquarry.learn.classifiers.kernel", "Kernel"),
    "discriminant": ("skyquarry.learn.classifiers.discriminant", "Discriminant"),
    "network": ("skyquarry.learn.classifiers.network", "Network"),
}
_YOURS: dict[str, type[Classifier]] = {}
_NEEDED: Final = ("settings", "fit", "predict_proba", "explain", "save", "load")
USUAL: Final = ("catboost", "xgboost", "forest", "network")
"""what an ensemble of many rows is made of, where nobody says otherwise"""
FEW: Final = ("catboost", "xgboost", "forest", "extratrees", "kernel", "discriminant")
"""of few rows, where the smooth learners are ones that need few"""


def register(kind: type[Classifier]) -> None:
    """Make a learner known by its name, so that a model that holds it can be loaded.

    Raises UserError for what is no class of a `protocol.Classifier`, or has the name of one of
    ours: models that hold that one could not be read any more.
    """
    name = getattr(kind, "name", None)
    lacking = [each for each in _NEEDED if not callable(getattr(kind, each, None))]
    lacking += [] if isinstance(getattr(kind, "extra", None), tuple) else ["extra"]
    if not isinstance(kind, type) or not isinstance(name, str) or lacking:
        what = "name" if not isinstance(name, str) else ", ".join(lacking) or "a class"
        raise UserError(
            f"{kind!r:.80} lacks {what}, but a learner is a class as protocol.Classifier says: see "
            "learnsuite.ClassifierSuite, which proves one"
        )
    if name in _HOMES:
        raise UserError(
            f"{kind.__qualname__} is called {name!r}, but that is one of ours, which models are "
            "read with: call it otherwise"
        )
    _YOURS[name] = kind


def names() -> tuple[str, ...]:
    """Those known."""
    return (*_HOMES, *_YOURS)


def kind_of(name: str) -> type[Classifier]:
    """The class of a learner. Raises NotFoundError."""
    if name in _YOURS:
        return _YOURS[name]
    if name not in _HOMES:
        raise NotFoundError(
            f"there is no learner {name!r}, but there are {', '.join(names())}: choose one, or "
            "register yours"
        )
    module, kind = _HOMES[name]
    found: Any = getattr(import_module(module), kind)
    return found  # type: ignore[no-any-return]


def installed(name: str) -> bool:
    """Whether what the learner needs is installed."""
    from importlib.util import find_spec

    return all(find_spec(package) is not None for package in kind_of(name).extra)
