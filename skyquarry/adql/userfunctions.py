"""`@sq.function`: a function of the user's own, over Arrow arrays, that queries call by its name.

It is code of who runs this process, and so is there for their queries alone: what is asked with
`trusted=False`, of the command line or in another process, does not see it.
"""

from __future__ import annotations

import inspect
import re
import typing
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from skyquarry.adql.kinds import WORDS, Kind
from skyquarry.adql.text.names import FOREIGN, is_function
from skyquarry.adql.text.reserved import RESERVED
from skyquarry.adql.text.shapes import SHAPES
from skyquarry.errors import QueryError, UserError

if TYPE_CHECKING:
    from collections.abc import Callable

    from skyquarry.adql.making import Maker
    from skyquarry.adql.terms import Term
    from skyquarry.adql.text.syntax import Call

_TYPES: Final[dict[Any, tuple[Kind, str]]] = {
    float: ("float", "DOUBLE"),
    int: ("integer", "BIGINT"),
    str: ("text", "VARCHAR"),
    bool: ("boolean", "BOOLEAN"),
    datetime: ("time", "TIMESTAMP"),
}
"""What an annotation means: the kind of a value, and the database's type."""


@dataclass(frozen=True, slots=True)
class UserFunction:
    """A function that a user registered."""

    name: str
    call: Callable[..., Any]
    """Arrow arrays in, an Arrow array out: checked."""
    takes: tuple[Any, ...]
    gives: Any

    @property
    def sql_name(self) -> str:
        """What the database calls it."""
        return f"sky_user_{self.name.lower()}"

    @property
    def usage(self) -> str:
        """As one calls it."""
        return f"{self.name}({', '.join(_TYPES[each][0] for each in self.takes)})"


USERS: Final[dict[str, UserFunction]] = {}
"""By name, in capitals."""


def function(given: Callable[..., Any] | None = None, *, name: str | None = None) -> Any:
    """Register a function over Arrow arrays, which queries then call by its name.

    Annotations say what it takes and gives, a value of each row: float, int, str, bool or datetime.
    It gets `pyarrow.Array`s of one length, nulls among them, and gives an array as long, of pyarrow
    or numpy; NaN counts as null. The same name again replaces it.

    >>> import pyarrow.compute as pc
    >>> @sq.function
    ... def dereddened(mag: float, ebv: float) -> float:
    ...     return pc.subtract(mag, pc.multiply(ebv, 2.7))
    >>> sky.query("SELECT dereddened(g, ebv) AS g0 FROM stars")  # doctest: +SKIP

    Raises UserError for a name that ADQL or a service has, or annotations that say nothing.
    """
    if given is None:
        return lambda each: function(each, name=name)
    called = name or str(getattr(given, "__name__", ""))
    _check_name(called)
    takes, gives = _annotated(given, called)
    USERS[called.upper()] = UserFunction(called, _checked(given, called, gives), takes, gives)
    FOREIGN.add(called.upper())
    return given


def _check_name(name: str) -> None:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
        raise UserError(
            f"the function's name is {name!r}, but letters A to Z, digits and _ are needed: give "
            "one by name="
        )
    key = name.upper()
    taken = key in RESERVED or key in SHAPES or (is_function(key) and key not in USERS)
    if taken:
        raise UserError(
            f"the function's name is {name!r}, which ADQL or a service has already: give another "
            "by name="
        )


def _annotated(given: Callable[..., Any], name: str) -> tuple[tuple[Any, ...], Any]:
    """The types of arguments and result."""
    hints = typing.get_type_hints(given)
    parameters = inspect.signature(given).parameters.values()
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    takes = tuple(hints.get(each.name) for each in parameters)
    gives = hints.get("return")
    known = all(each in _TYPES for each in (*takes, gives))
    if not known or not takes or any(each.kind not in plain for each in parameters):
        raise UserError(
            f"the function {name} has the signature {inspect.signature(given)}, but each argument "
            "and the result needs float, int, str, bool or datetime: def f(x: float) -> float"
        )
    return takes, gives


def _checked(given: Callable[..., Any], name: str, gives: Any) -> Callable[..., Any]:
    """The function with whole arrays in, and an array of the right type and length out."""

    def call(*columns: Any) -> Any:
        import pyarrow as pa

        arrays = [c.combine_chunks() if isinstance(c, pa.ChunkedArray) else c for c in columns]
        try:
            made = given(*arrays)
        except Exception as error:
            raise QueryError(f"the function {name} failed: {error!r}") from error
        try:
            if isinstance(made, str):  # which is a sequence, too
                raise TypeError("one text")  # noqa: TRY301  told as all others
            found = _as_array(made, gives)
        except Exception as error:
            raise QueryError(
                f"the function {name} gave {type(made).__name__} {made!r:.60}, but an array of "
                f"{gives.__name__} is needed, with one value for each row of its arguments "
                f"({error})"
            ) from error
        if len(found) != len(arrays[0]):
            raise QueryError(
                f"the function {name} gave {len(found)} values for {len(arrays[0])} rows: one for "
                "each is needed"
            )
        return found

    # the database counts the parameters
    names = inspect.signature(given).parameters
    bare = [inspect.Parameter(n, inspect.Parameter.POSITIONAL_OR_KEYWORD) for n in names]
    call.__signature__ = inspect.Signature(bare)  # type: ignore[attr-defined]
    return call


def _as_array(found: Any, gives: Any) -> Any:
    import pyarrow as pa

    types = {
        float: pa.float64(), int: pa.int64(), str: pa.string(), bool: pa.bool_(),
        datetime: pa.timestamp("us"),
    }  # fmt: skip
    if isinstance(found, pa.ChunkedArray):
        found = found.combine_chunks()
    if not isinstance(found, pa.Array):
        found = pa.array(found)
    found = found.cast(types[gives])
    if gives is float:
        import pyarrow.compute as pc

        found = pc.if_else(pc.is_nan(found), pa.scalar(None, pa.float64()), found)
    return found


def called(maker: Maker, tree: Call, arguments: tuple[Term, ...]) -> Term:
    """The value of such a function; QueryError for other arguments, or where it is not trusted."""
    known = USERS[tree.key]
    if not maker.state.trusted:
        raise maker.error(
            tree, "is a function of this process's user, which queries of strangers may not call"
        )
    if len(arguments) != len(known.takes):
        raise maker.error(tree, f"has other arguments than it takes: {known.usage}")
    sql = ", ".join(
        _argument(maker, known, each, type_)
        for each, type_ in zip(arguments, known.takes, strict=True)
    )
    maker.state.functions.add(known.sql_name)
    kind = _TYPES[known.gives][0]
    return maker.made(f"{known.sql_name}({sql})", kind, tree, arguments, name=known.name)


def _argument(maker: Maker, known: UserFunction, given: Term, type_: Any) -> str:
    """An argument as the type that the function takes."""
    from skyquarry.adql.calls.casting import moment

    kind, sql_type = _TYPES[type_]
    if kind in ("float", "integer", "boolean"):
        found = maker.number(given, known.name)
        if kind == "integer" and found.kind == "float":
            raise maker.error(given, f"is a number, but {known.name} takes a whole number here")
        return f"CAST({found.sql} AS {sql_type})"
    if kind == "time":
        given = moment(maker, given) or given
    if given.kind not in (kind, "null"):
        raise maker.error(
            given, f"is {WORDS[given.kind]}, but {known.name} takes {WORDS[kind]} here"
        )
    return f"CAST({given.sql} AS {sql_type})"


def sql_function(name: str) -> tuple[Callable[..., Any], tuple[str, ...], str]:
    """What the database knows a user's function by: itself, and its types.

    Raises QueryError in a process where it was never registered.
    """
    known = USERS.get(name.removeprefix("sky_user_").upper())
    if known is None:
        raise QueryError(
            f"the function {name.removeprefix('sky_user_')} is not known in this process: a query "
            "that calls it runs where it was registered, without executor="
        )
    takes = tuple(_TYPES[each][1] for each in known.takes)
    return known.call, takes, _TYPES[known.gives][1]
