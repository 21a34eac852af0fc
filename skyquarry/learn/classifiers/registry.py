"""The learners by name; one of another package is made known by `register`, or by `plugins`."""

from __future__ import annotations

import re
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from skyquarry.errors import NotFoundError, UserError
from skyquarry.learn.classifiers import plugins

if TYPE_CHECKING:
    from collections.abc import Sequence

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
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")
_TAKEN: Final = ("base", "variable")
"""folders of a model beside those of its learners"""
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
    if not _NAME.fullmatch(name) or name.lower() in _TAKEN:
        raise UserError(
            f"{kind.__qualname__} is called {name!r}, but a model keeps a learner in a folder of "
            f"its name: take letters, digits, _ and -, and not {' or '.join(_TAKEN)}"
        )
    if name in _HOMES:
        raise UserError(
            f"{kind.__qualname__} is called {name!r}, but that is one of ours, which models are "
            "read with: call it otherwise"
        )
    _YOURS[name] = kind


def names() -> tuple[str, ...]:
    """Those known, and those that installed packages offer."""
    return tuple(dict.fromkeys((*_HOMES, *_YOURS, *plugins.offered())))


def ours(name: str) -> bool:
    """Whether the learner is one that comes with skyquarry."""
    return name in _HOMES


def asked(learners: Any) -> Any:
    """Names, or settings by name, as users give them: `module:Class` is made known by its name.

    Raises UserError where it cannot be imported, or is no learner.
    """
    if isinstance(learners, str):
        return _asked(learners)
    if hasattr(learners, "items"):
        return {_asked(name): settings for name, settings in learners.items()}
    return learners if learners is None else [_asked(name) for name in learners]


def kind_of(name: str) -> type[Classifier]:
    """The class of a learner. Raises NotFoundError."""
    if name not in _YOURS and name not in _HOMES:
        _look_for(name)
    if name in _YOURS:
        return _YOURS[name]
    if name not in _HOMES:
        raise NotFoundError(
            f"there is no learner {name!r}, but there are {', '.join(names())}: choose one, or "
            "name yours as module:Class"
        )
    module, kind = _HOMES[name]
    found: Any = getattr(import_module(module), kind)
    return found  # type: ignore[no-any-return]


def kinds_of(told: Sequence[str], where: str, come: dict[str, Any]) -> tuple[type[Classifier], ...]:
    """The classes of the learners of a model in a folder.

    `come` is what the model knows of those that are not ours: `plugins.origin` by name. Raises
    NotFoundError, which says where such a one comes from.
    """
    for name in told:
        try:
            kind_of(name)
        except NotFoundError as fault:
            raise NotFoundError(_wanted(name, where, come.get(name))) from fault
    return tuple(kind_of(name) for name in told)


def _wanted(name: str, where: str, come: dict[str, Any] | None) -> str:
    """What to do about a model's learner that nobody knows here."""
    of = "my_learners:Class" if come is None else str(come["class"])
    was = "" if come is None else f": {of} of {come['package'] or 'no installed package'}"
    if come is not None and come["package"]:
        was += f" {come['version']}"
    needs = [] if come is None else [f"{k} {v or ''}".strip() for k, v in come["needs"].items()]
    also = f", which needs {', '.join(needs)}" if needs else ""
    return (
        f"{where} has a learner {name!r} that does not come with skyquarry{was}{also}. It has to "
        "be known here before the model is read, and nothing is imported because a model says so: "
        f"install the package that offers it, set {plugins.VARIABLE}={of}, or in Python call "
        "skyquarry.learn.classifiers.registry.register with its class"
    )


def _asked(name: Any) -> Any:
    if not isinstance(name, str) or ":" not in name:
        return name
    kind = plugins.named(name)
    register(kind)
    return kind.name


def _look_for(name: str) -> None:
    """Make known what is named in the environment, and what a package offers by this name."""
    for kind in plugins.of_environment():
        register(kind)
    offer = plugins.offered().get(name)
    if name in _YOURS or offer is None:
        return
    kind = plugins.loaded(offer)
    register(kind)
    if kind.name != name:
        raise UserError(
            f"a package offers the learner {name!r}, but {offer.value} is called {kind.name!r}: "
            "its entry point has to have the same name"
        )


def installed(name: str) -> bool:
    """Whether what the learner needs is installed."""
    from importlib.util import find_spec

    return all(find_spec(package) is not None for package in kind_of(name).extra)
