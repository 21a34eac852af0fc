"""Surveys in a model's recipe: role files of one's own are kept in it, whole.

A model goes to people who do not have the file, and the file may change after a training: what the
columns were is part of the model.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from skyquarry.catalog.roles import Roles, Survey
from skyquarry.surveys.load import load, parse

_KEPT: Final = ("name", "title", "aliases", "roles", "columns", "sentinels", "like")
"""what is said of columns; whom to thank, and where rows are fetched, is not"""


def survey_recipe(survey: Any) -> dict[str, Any]:
    """`survey` as JSON holds it: names; and `own_surveys`, what those that are not shipped say.

    `survey` is what `sq.train` takes. Raises UserError, NotFoundError for what is no survey.

    >>> survey_recipe(["sdss", "wise"])
    {'survey': ['sdss', 'wise'], 'own_surveys': {}}
    """
    own: dict[str, Any] = {}
    return {"survey": _mapped(survey, lambda one: _word(one, own)), "own_surveys": own}


def survey_of(recipe: Mapping[str, Any]) -> Any:
    """What `survey_recipe` was given, from the recipe alone; paths in those of older models."""
    own = {name: parse(each, f"the model's {name}") for name, each in
           recipe.get("own_surveys", {}).items()}  # fmt: skip
    return _mapped(recipe.get("survey"), lambda one: own.get(one, one))


def _mapped(survey: Any, one: Any) -> Any:
    if survey is None:
        return None
    if isinstance(survey, Mapping):
        return {str(prefix): one(each) for prefix, each in survey.items()}
    if isinstance(survey, str | os.PathLike | Survey | Roles):
        return one(survey)
    return [one(each) for each in survey]


def _word(one: Any, own: dict[str, Any]) -> str:
    """A shipped survey by its name, as it was given; another one's name, and what it says."""
    if isinstance(one, str) and not one.endswith(".toml"):
        return one
    found = _found(one)
    name, number = found.name, 1
    while name in own:
        number += 1
        name = f"{found.name}_{number}"
    own[name] = _plain({key: value for key, value in asdict(found).items() if key in _KEPT})
    return name


def _found(one: Any) -> Survey:
    if isinstance(one, Roles):
        return Survey(name="survey", title="roles that were given", roles=one)
    return one if isinstance(one, Survey) else load(one)


def _plain(value: Any) -> Any:
    """For JSON, without what is not said."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items() if each is not None}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value
