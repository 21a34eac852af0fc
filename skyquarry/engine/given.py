"""What callers give, checked at the door: an error names it before any work starts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from skyquarry.engine.asked import real_number
from skyquarry.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def texts(given: Any, name: str, example: Sequence[str], *, least: int = 1) -> tuple[str, ...]:
    """Texts of arithmetic; a text alone is not taken for a list of letters. Raises UserError."""
    if isinstance(given, str) and given:
        _refuse(given, name, "a list of texts", [given])
    found = tuple(given) if isinstance(given, Iterable) else (None,)
    if len(found) < least or not all(isinstance(each, str) for each in found):
        _refuse(given, name, "a list of texts", [*example])
    return found


def number(given: Any, name: str, example: float, *, above: float = -np.inf) -> float:
    """A number above another one, and not infinite. Raises UserError."""
    found = real_number(given)
    if found is None or not above < found < np.inf:
        needed = "a number" if above == -np.inf else f"a number above {above:g}"
        _refuse(given, name, needed, example)
    return found


def at_least(given: Any, name: str, example: float, *, least: float = 0.0) -> float:
    """A number not below another one, and not infinite. Raises UserError."""
    found = real_number(given)
    if found is None or not least <= found < np.inf:
        _refuse(given, name, f"a number of {least:g} or more", example)
    return found


def by_text(given: Any, name: str, example: Mapping[str, Any]) -> dict[str, Any]:
    """Something for each of some texts. Raises UserError."""
    if not isinstance(given, Mapping):
        _refuse(given, name, "a mapping of texts", dict(example))
    return dict(given)


def rising(given: Any, name: str, example: Sequence[float]) -> NDArray[np.float64]:
    """Two or more rising numbers, 0 or above. Raises UserError."""
    needed = "two or more rising numbers, 0 or above,"
    try:
        found = np.asarray(given, np.float64)
    except (TypeError, ValueError):
        _refuse(given, name, needed, [*example])
    is_list = found.ndim == 1 and len(found) > 1
    if not is_list or not found[0] >= 0.0 or not bool((np.diff(found) > 0.0).all()):
        _refuse(given, name, needed, [*example])
    return found


def _refuse(given: Any, name: str, needed: str, example: Any) -> NoReturn:
    """Raise the error."""
    verb = "are" if needed.startswith("two") else "is"
    raise UserError(f"{name} is {given!r:.80}, but {needed} {verb} needed: try {example!r}")
