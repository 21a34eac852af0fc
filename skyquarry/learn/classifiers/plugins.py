"""Where learners of others are: packages that offer some, and classes that a user names.

An installed package offers learners as entry points of the group `skyquarry.learners`, each by the
name of the learner; the environment variable SKYQUARRY_LEARNERS names classes (`module:Class`,
with commas between) to those who start programs. A model file names neither: nothing is imported
because a model says so.
"""

from __future__ import annotations

import os
from importlib import import_module, metadata
from typing import Any, Final

from skyquarry.errors import UserError

GROUP: Final = "skyquarry.learners"
VARIABLE: Final = "SKYQUARRY_LEARNERS"


def offered() -> dict[str, metadata.EntryPoint]:
    """What installed packages offer, by the names of the learners."""
    return {each.name: each for each in metadata.entry_points(group=GROUP)}


def loaded(offer: metadata.EntryPoint) -> Any:
    """The class of an offer. Raises UserError where it cannot be imported."""
    of = "a package" if offer.dist is None else offer.dist.name
    return _imported(offer.value, f"{of} offers the learner {offer.name!r} as {offer.value!r}")


def named(text: str) -> Any:
    """The class of `module:Class`. Raises UserError where it cannot be imported."""
    return _imported(text, f"the learner {text!r} is asked for")


def of_environment() -> list[Any]:
    """Classes that SKYQUARRY_LEARNERS names. Raises UserError where one cannot be imported."""
    texts = [each.strip() for each in os.environ.get(VARIABLE, "").split(",")]
    return [_imported(each, f"{VARIABLE} names the learner {each!r}") for each in texts if each]


def origin(kind: type) -> dict[str, Any]:
    """Where a class of others comes from, and the versions of what it needs."""
    top = kind.__module__.partition(".")[0]
    package = next(iter(metadata.packages_distributions().get(top, ())), None)
    needs = {each: _version(each) for each in getattr(kind, "extra", ())}
    return {
        "class": f"{kind.__module__}:{kind.__qualname__}",
        "package": package,
        "version": None if package is None else _version(package),
        "needs": needs,
    }


def _imported(text: str, who: str) -> Any:
    module, _, name = text.partition(":")
    if not module or not name:
        raise UserError(f"{who}, but module:Class is needed, as in: my_learners:LightGBM")
    try:
        found: Any = import_module(module.strip())
        for each in name.strip().split("."):
            found = getattr(found, each)
    except Exception as fault:  # whatever a module of others raises while it is imported
        raise UserError(
            f"{who}, but it cannot be imported ({type(fault).__name__}: {fault}): install what "
            f"has it, or name the folder of {module}.py in PYTHONPATH"
        ) from fault
    return found


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
