"""Settings of learners, judged before anything is learnt."""

from __future__ import annotations

import difflib
import inspect
import math
from typing import TYPE_CHECKING, Any

from skyquarry.errors import UserError
from skyquarry.learn.classifiers.registry import asked, kind_of

if TYPE_CHECKING:
    from collections.abc import Mapping


def check_learners(learners: Any, where: str = "learners") -> None:
    """Names, or settings by name, as `sq.train` takes them; None is right.

    Raises NotFoundError for a learner that nobody knows, and UserError for a setting that it does
    not have, or of another kind than its own, and for a class that cannot be imported.
    """
    if learners is None:
        return
    if not isinstance(learners, str) and not hasattr(learners, "__iter__"):
        raise UserError(f"{where} is {learners!r}, but names are needed, or settings by name")
    learners = asked(learners)
    for name in [learners] if isinstance(learners, str) else list(learners):
        kind_of(name)
        if hasattr(learners, "items"):
            check_settings(name, learners[name], f"{where}.{name}")


def check_settings(name: str, settings: Mapping[str, Any], where: str) -> None:
    """Settings of one learner: keys that it knows, numbers where it has numbers."""
    if not hasattr(settings, "items"):
        raise UserError(
            f"{where} is {settings!r}, but settings are needed: {{}} for the usual ones"
        )
    known = inspect.signature(kind_of(name)).parameters
    if any(each.kind is each.VAR_KEYWORD for each in known.values()):
        return  # a learner of the user's own, which takes what it likes
    for key, value in settings.items():
        if key not in known:
            raise UserError(
                f"{where} says {key!r}, but it knows {', '.join(known)}: {_tried(key, known)}"
            )
        _check_value(f"{where}.{key}", value, known[key].default)


def _tried(key: str, known: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(key, known, n=1)
    return f"did you mean {near[0]!r}?" if near else "leave it out"


def _check_value(where: str, value: Any, usual: Any) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(usual, bool) or not isinstance(usual, int | float):
        return  # words and choices are judged by who knows them
    if isinstance(usual, int) and not (number and value == int(value) and value >= 1):
        needed = "a whole number of 1 or more"
    elif isinstance(usual, float) and not (number and math.isfinite(value) and value >= 0.0):
        needed = "a number of 0 or more"
    else:
        return
    raise UserError(f"{where} is {value!r}, but {needed} is needed: it is {usual} where not said")
