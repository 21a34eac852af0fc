"""Slow obvious twins of the engine: conditions worked out row by row, in Python's own arithmetic.

A condition is a nested tuple here, never a text: ("<", ("column", "mag"), ("number", 18)).
"""

from __future__ import annotations

import math
from typing import Any

Row = dict[str, Any]
Truth = bool | None
_SIGNS = {"+": "+", "-": "-", "*": "*", "/": "/"}


def text_of(node: tuple[Any, ...]) -> str:  # noqa: PLR0911 (one line a word)
    """The condition as `where` would be given it, every part in parentheses."""
    word, *rest = node
    if word == "column":
        return '"' + str(rest[0]).replace('"', '""') + '"'
    if word in ("number", "truth", "null", "text"):
        return _literal(word, *rest)
    if word == "negative":
        return f"(- {text_of(rest[0])})"
    if word == "not":
        return f"(NOT {text_of(rest[0])})"
    if word == "missing":
        return f"({text_of(rest[0])} IS NULL)"
    if word == "in":
        return f"({text_of(rest[0])} IN ({', '.join(map(text_of, rest[1]))}))"
    if word == "between":
        return f"({text_of(rest[0])} BETWEEN {text_of(rest[1])} AND {text_of(rest[2])})"
    return f"({text_of(rest[0])} {word.upper()} {text_of(rest[1])})"


def _literal(word: str, value: Any = None) -> str:
    if word == "null":
        return "NULL"
    if word == "text":
        return "'" + str(value).replace("'", "''") + "'"
    return repr(value).upper() if word == "truth" else repr(value)


def worth(node: tuple[Any, ...], row: Row) -> Any:  # noqa: C901, PLR0911 (one line a word)
    """The value of a condition, or a part of one, for one row; null is None, and so is NaN.

    Raises OverflowError where an integer leaves 64 bits.
    """
    word, *rest = node
    if word in ("number", "truth", "text"):
        return rest[0]
    if word == "null":
        return None
    if word == "column":
        return _known(row[rest[0]])
    if word == "and":
        return _and(worth(rest[0], row), worth(rest[1], row))
    if word == "or":
        return _not(_and(_not(worth(rest[0], row)), _not(worth(rest[1], row))))
    if word == "not":
        return _not(worth(rest[0], row))
    if word == "missing":
        return worth(rest[0], row) is None
    if word == "in":
        return _one_of(worth(rest[0], row), [worth(each, row) for each in rest[1]])
    if word == "between":
        value, low, high = (worth(each, row) for each in rest)
        return _and(_compare(">=", value, low), _compare("<=", value, high))
    if word == "negative":
        return _arithmetic("-", 0, worth(rest[0], row))
    left, right = worth(rest[0], row), worth(rest[1], row)
    return _arithmetic(word, left, right) if word in _SIGNS else _compare(word, left, right)


def _known(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def _and(left: Truth, right: Truth) -> Truth:
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def _not(value: Truth) -> Truth:
    return None if value is None else not value


def _one_of(value: Any, choices: list[Any]) -> Truth:
    found: Truth = False
    for choice in choices:
        found = _not(_and(_not(found), _not(_compare("=", value, choice))))
    return found


def _compare(sign: str, left: Any, right: Any) -> Truth:
    if left is None or right is None:
        return None
    if isinstance(left, float) or isinstance(right, float):
        left, right = float(left), float(right)
    signs = {
        "<": left < right,
        "<=": left <= right,
        ">": left > right,
        ">=": left >= right,
        "=": left == right,
        "<>": left != right,
    }
    return bool(signs[sign])


def _arithmetic(sign: str, left: Any, right: Any) -> Any:
    if left is None or right is None or (sign == "/" and right == 0):
        return None
    if isinstance(left, float) or isinstance(right, float):
        return _known(_of_floats(sign, float(left), float(right)))
    if sign == "/":
        found = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
    else:
        found = left + right if sign == "+" else left - right if sign == "-" else left * right
    if not -(2**63) <= found < 2**63:
        raise OverflowError(f"{left} {sign} {right}")
    return found


def _of_floats(sign: str, left: float, right: float) -> float:
    try:
        if sign == "/":
            return left / right
        return left + right if sign == "+" else left - right if sign == "-" else left * right
    except OverflowError:
        return math.inf if (left > 0) == (right > 0) else -math.inf


# ---------------------------------------------------------------- sampling
def scrambled(key: int, seed: int = 0) -> int:
    """SplitMix64 of one key, in Python's integers."""
    whole = 2**64
    z = (key + (seed + 1) * 0x9E3779B97F4A7C15) % whole
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % whole
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % whole
    return z ^ (z >> 31)


# ---------------------------------------------------------------- statistics
def summary(values: list[Any]) -> tuple[int, int, Any, Any, float | None]:
    """(count, nulls, lowest, highest, mean) of values of which None and NaN are missing."""
    known = [value for value in values if _known(value) is not None]
    if not known:
        return 0, len(values), None, None, None
    mean = math.fsum(known) / len(known)
    return len(known), len(values) - len(known), min(known), max(known), mean
