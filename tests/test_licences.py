"""No GPL code comes with an install that a user asks for: only `dev` may draw it in."""

from __future__ import annotations

import re
from importlib import metadata

import pytest
from packaging.requirements import Requirement

NOT_FOR_USERS = {"dev", "lightcurves-gpl"}
# LGPL is not GPL: a program may use it and keep its own licence.
GPL = re.compile(r"(?<![A-Z])A?GPL|GNU (Affero )?General Public", re.IGNORECASE)
LGPL = re.compile(r"LGPL|Lesser General Public", re.IGNORECASE)


def requirements(name: str, extras: set[str]) -> list[Requirement]:
    wanted = []
    for text in metadata.requires(name) or []:
        need = Requirement(text)
        environments = [{"extra": extra} for extra in (extras or {""})]
        if need.marker is None or any(need.marker.evaluate(env) for env in environments):
            wanted.append(need)
    return wanted


def closure(name: str, extras: set[str]) -> set[str]:
    seen: set[tuple[str, frozenset[str]]] = set()
    queue = [(name, frozenset(extras))]
    while queue:
        item = queue.pop()
        if item in seen:
            continue
        seen.add(item)
        try:
            needs = requirements(item[0], set(item[1]))
        except metadata.PackageNotFoundError:
            continue  # wanted on another platform only
        queue += [(need.name.lower(), frozenset(need.extras)) for need in needs]
    return {name for name, _ in seen}


def licence(name: str) -> str:
    meta = metadata.metadata(name)
    classifiers = [c for c in meta.get_all("Classifier", []) if c.startswith("License")]
    # A long License field is the licence's whole text, which may speak of others' licences.
    field = meta.get("License") or ""
    return " ".join([meta.get("License-Expression") or "", field[:80], *classifiers])


def user_distributions() -> list[str]:
    extras = set(metadata.metadata("skyquarry").get_all("Provides-Extra", [])) - NOT_FOR_USERS
    installed = {d.metadata["Name"].lower() for d in metadata.distributions()}
    return sorted(closure("skyquarry", extras) & installed)


def test_the_closure_of_what_users_install_is_found():
    assert {"numpy", "astropy", "matplotlib", "skyquarry"} <= set(user_distributions())


@pytest.mark.parametrize("name", user_distributions())
def test_no_gpl_distribution_comes_with_a_users_install(name):
    text = licence(name)
    assert not GPL.search(LGPL.sub("", text)), f"{name}: {text}"
