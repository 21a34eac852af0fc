"""Functions of a user: asked of tables, and what they gave looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skyquarry.engine.executors import is_lost
from skyquarry.errors import SkyquarryError, UserError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


def name_of(function: Any) -> str:
    """A function's name; of other callables, their class's."""
    return str(getattr(function, "__name__", type(function).__name__))


def asked_of(function: Callable[..., Any], *tables: pa.Table, who: str, what: str) -> Any:
    """What a user's function makes of a table, or of two of as many rows.

    Raises UserError where it fails, with its own error as the cause; what means that a worker or a
    connection was lost stays as it is, as such a task is tried again.
    """
    try:
        return function(*tables)
    except SkyquarryError:
        raise
    except Exception as error:
        if is_lost(error):
            raise
        columns = ", ".join(tables[0].schema.names)
        given = "a table" if len(tables) == 1 else "two tables"
        raise UserError(
            f"{who} failed with {type(error).__name__}: {error}; it was given {given} of "
            f"{tables[0].num_rows:,} rows ({columns:.200}) and has to give {what}"
        ) from error


def truths(told: Any, n: int, who: str, each: str) -> NDArray[np.bool_]:
    """(n,) what a function said of each row or pair; a null of Arrow's is no.

    Raises UserError for anything else than n truths.
    """
    if isinstance(told, pa.Array | pa.ChunkedArray) and pa.types.is_boolean(told.type):
        told = told.fill_null(False)
    keep = np.asarray(told)
    if keep.shape != (n,) or keep.dtype != bool:
        raise UserError(
            f"{who} gave {keep.dtype} of shape {keep.shape}, but a truth for each of {n} {each} "
            "is needed: return a boolean array as long as the table"
        )
    return keep
