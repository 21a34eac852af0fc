"""What each function of ADQL takes: the grammar's rules about arguments, as a table.

A letter an argument (appendix A of ADQL 2.1):
    N  a numeric value        S  a character value     G  a geometry or what may be one
    P  a point: POINT(...), CENTROID(...), a column or a function of a user
    V  any value              U  a whole number, unsigned     I  the same with or without a sign
    T  a text in quotes
A star repeats the last one, once or more often. A function may have several shapes.
"""

from __future__ import annotations

from typing import Final, Literal

from skyquarry.adql.text.syntax import (
    CONDITIONS,
    Arithmetic,
    Call,
    Cast,
    ColumnName,
    Null,
    Number,
    Parenthesis,
    Signed,
    Text,
    Value,
)

Category = Literal["any", "numeric", "text", "geometry", "null", "condition"]

_ONE = ("ABS", "CEILING", "DEGREES", "EXP", "FLOOR", "LOG", "LOG10", "RADIANS", "SQRT")
_TRIGONOMETRY = ("ACOS", "ASIN", "ATAN", "COS", "COT", "SIN", "TAN")
SHAPES: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys(_ONE + _TRIGONOMETRY, ("N",)),
    **dict.fromkeys(("ATAN2", "MOD", "POWER"), ("NN",)),
    **dict.fromkeys(("ROUND", "TRUNCATE"), ("N", "NI")),
    "PI": ("",),
    "RAND": ("", "U"),
    "LOWER": ("S",),
    "UPPER": ("S",),
    "COALESCE": ("V*",),
    "IN_UNIT": ("NT",),
    "AREA": ("G",),
    "CENTROID": ("G",),
    "COORDSYS": ("G",),
    "COORD1": ("P",),
    "COORD2": ("P",),
    "CONTAINS": ("GG",),
    "INTERSECTS": ("GG",),
    "DISTANCE": ("PP", "NNNN"),
    "POINT": ("NN",),
    "CIRCLE": ("NNN", "PN"),
    "BOX": ("NNNN", "PNN"),
    "REGION": ("S",),
    "POLYGON": (),
}
"""POLYGON's corners are counted by `polygon_fits`."""
SET_FUNCTIONS: Final = ("AVG", "COUNT", "MAX", "MIN", "SUM")
WITH_FRAME: Final = ("POINT", "CIRCLE", "BOX", "POLYGON")
"""May begin with the name of a coordinate system: a text, maybe empty, or NULL. Deprecated."""
CATEGORIES: Final[dict[str, Category]] = {
    **dict.fromkeys(SHAPES, "numeric"),
    **dict.fromkeys(("LOWER", "UPPER", "COORDSYS"), "text"),
    **dict.fromkeys(("POINT", "CIRCLE", "BOX", "POLYGON", "REGION", "CENTROID"), "geometry"),
    "COALESCE": "any",
}
CAST_TYPES: Final = (
    "SMALLINT", "INTEGER", "BIGINT", "REAL", "DOUBLE PRECISION", "CHAR", "VARCHAR", "TIMESTAMP",
    "POINT", "CIRCLE", "POLYGON",
)  # fmt: skip
_NAMES: Final = {
    "N": "a number", "S": "a text", "G": "a geometry", "P": "a point", "V": "a value",
    "U": "a whole number", "I": "a whole number", "T": "a text in single quotes",
}  # fmt: skip


def category(node: object) -> Category:
    """What a node may stand for in the grammar; "any" where only its type would tell."""
    if isinstance(node, CONDITIONS):
        return "condition"
    if isinstance(node, Null):
        return "null"
    if isinstance(node, Signed):
        return "numeric"
    if isinstance(node, Arithmetic):
        return "text" if node.operator == "||" else "numeric"
    if isinstance(node, Call):
        return CATEGORIES.get(node.key, "any")
    return "any"


def accepts(letter: str, node: Value) -> bool:
    """Whether an argument is what a letter of a shape asks for."""
    kind = category(node)
    if letter == "V":
        return kind != "condition"
    if letter in "NSG":
        return kind in ("any", {"N": "numeric", "S": "text", "G": "geometry"}[letter])
    if letter == "P":
        return _is_point(node)
    if letter == "T":
        return isinstance(node, Text)
    if letter == "I" and isinstance(node, Signed):
        node = node.of
    return isinstance(node, Number) and isinstance(node.value, int)


def _is_point(node: Value) -> bool:
    if isinstance(node, Call):
        return node.key in ("POINT", "CENTROID") or node.key not in (*SHAPES, *SET_FUNCTIONS)
    if isinstance(node, Cast):
        return node.type == "POINT"
    return isinstance(node, ColumnName | Parenthesis)


def fits(name: str, arguments: tuple[Value, ...]) -> bool:
    """Whether a function of ADQL takes these arguments, the coordinate system left out."""
    if name == "POLYGON":
        return polygon_fits(arguments)
    return any(_fits(shape, arguments) for shape in SHAPES[name])


def _fits(shape: str, arguments: tuple[Value, ...]) -> bool:
    if shape.endswith("*"):
        shape = shape[0] * max(len(arguments), 1)
    if len(shape) != len(arguments):
        return False
    return all(map(accepts, shape, arguments))


def polygon_fits(arguments: tuple[Value, ...]) -> bool:
    """Three corners at least, each two numbers or each a point."""
    n = len(arguments)
    pairs = n >= 6 and n % 2 == 0 and all(accepts("N", each) for each in arguments)
    return pairs or (n >= 3 and all(accepts("P", each) for each in arguments))


def without_frame(name: str, arguments: tuple[Value, ...]) -> tuple[Value, ...]:
    """The arguments of a geometry without the coordinate system that may stand first."""
    if name not in WITH_FRAME or not arguments:
        return arguments
    first = arguments[0]
    if isinstance(first, Text | Null) or category(first) == "text":
        return arguments[1:]
    named = not isinstance(first, Number) and category(first) == "any"
    if named and not fits(name, arguments) and fits(name, arguments[1:]):
        return arguments[1:]
    return arguments


def told(name: str) -> str:
    """What a function takes, in words."""
    if name == "POLYGON":
        return "POLYGON(ra, dec, ra, dec, ra, dec, ...) or POLYGON(point, point, point, ...)"
    return " or ".join(
        f"{name}({', '.join(_NAMES[letter] for letter in shape if letter != '*')}"
        f"{', ...' if shape.endswith('*') else ''})"
        for shape in SHAPES[name]
    )
