"""Where densities begin: a guess from counts, values that were given, or nway's rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import numpy as np

from skyquarry.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from skyquarry.match.priors.footprints import Coverage

    Floats = NDArray[np.float64]

DEG2_SR = (180.0 / np.pi) ** 2
MAX_CATALOGS = 16
_MATCHED = 0.5
_NEVER = 1e-12
"""A set that a given prior leaves out is so much rarer than the rarest that it names."""


def check(names: Sequence[str], prior: object) -> None:
    """Raise UserError for a prior that is none, or names that are too many or repeat."""
    if len(names) > MAX_CATALOGS or len(set(names)) < len(names):
        raise UserError(
            f"the catalogues are {', '.join(names)}, but at most {MAX_CATALOGS} can be matched, "
            "each under a name of its own: try renaming or matching some of them first"
        )
    if isinstance(prior, Mapping):
        _check_given(tuple(names), prior)
    elif prior not in ("auto", "uniform", "nway"):
        raise UserError(
            f"prior is {prior!r}; it needs to be 'auto', 'uniform', 'nway' or densities per square "
            "degree by tuples of names: try prior='auto'"
        )


def _check_given(names: tuple[str, ...], prior: Mapping[tuple[str, ...], float]) -> None:
    for key, value in prior.items():
        if not key or not set(key) <= set(names) or len(set(key)) < len(key):
            raise UserError(
                f"the prior has a density for {key!r}, but a key needs to be a tuple of some of "
                f"the catalogues {', '.join(names)}: try {names[:2]!r}"
            )
        if not np.isfinite(value) or value < 0.0:
            raise UserError(
                f"the prior's density of {'+'.join(key)} is {value!r}, but it needs to be a number "
                "of objects per square degree, 0 or more: try leaving that set out"
            )
    if not any(value > 0.0 for value in prior.values()):
        raise UserError(
            "the prior has no density above 0, but at least one set of catalogues must occur: "
            f"try prior={{({names[0]!r},): 1000.0, ...}}, or 'auto'"
        )


def first(
    names: tuple[str, ...],
    coverage: Coverage,
    rows: list[int],
    prior: object,
    completeness: float,
) -> tuple[Floats, Literal["em", "fixed", "nway"]]:
    """Densities (2^N,) per sr to begin with, and whether they are learnt or stay."""
    if isinstance(prior, Mapping):
        return _given(names, prior), "fixed"
    density = _row_densities(coverage, rows)
    if prior == "nway":
        return _nway(density, completeness), "nway"
    return _guess(density), "em"


def _row_densities(coverage: Coverage, rows: list[int]) -> Floats:
    """(N,) rows per sr of each catalogue where it looked."""
    areas = coverage.areas_sr()
    sky = [sum(a for o, a in areas.items() if o >> c & 1) for c in range(len(rows))]
    return np.array([max(n, 0.5) / (a or 4.0 * np.pi) for n, a in zip(rows, sky, strict=True)])


def _guess(density: Floats) -> Floats:
    """Half of the rows of the sparsest catalogue of a set are such objects, half are alone."""
    n = len(density)
    nu = np.zeros(1 << n)
    for mask in range(1, 1 << n):
        inside = [c for c in range(n) if mask >> c & 1]
        nu[mask] = _MATCHED * density[inside].min()
    return nu


def _nway(density: Floats, completeness: float) -> Floats:
    """Densities that give nway's weights (Salvato et al. 2018, doc/math of nway 4.8).

    A group with the primary (the first) catalogue weighs B prod c^(1/(k-1)) / (4 pi nu_i) over its
    other members, "no counterpart" weighs 1: with nu_{i} = nu_i for single rows and nu_S =
    nu_1 c^((|S|-1)/(k-1)) the general formula gives just that. Sets without the primary do not
    occur.
    """
    n = len(density)
    nu = np.zeros(1 << n)
    for mask in range(1, 1 << n):
        inside = [c for c in range(n) if mask >> c & 1]
        if mask & 1:
            nu[mask] = density[0] * completeness ** ((len(inside) - 1) / max(n - 1, 1))
        elif len(inside) == 1:
            nu[mask] = density[inside[0]]
    return nu


def _given(names: tuple[str, ...], prior: Mapping[tuple[str, ...], float]) -> Floats:
    nu = np.zeros(1 << len(names))
    for key, value in prior.items():
        nu[sum(1 << names.index(name) for name in key)] = value * DEG2_SR
    nu[nu == 0.0] = _NEVER * nu[nu > 0.0].min()
    nu[0] = 0.0
    return nu


def set_name(names: tuple[str, ...], mask: int) -> str:
    """Such as gaia+wise."""
    return "+".join(name for c, name in enumerate(names) if mask >> c & 1)
