"""Tables that are given along with a query, as columns of Arrow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skyquarry.errors import QueryError

if TYPE_CHECKING:
    import pyarrow as pa


def as_arrow(given: Any, name: str) -> pa.Table:
    """A table of pyarrow, pandas or astropy, a dict of columns, or a file; NaN becomes null.

    Raises QueryError for what is none of these, or has columns that are no columns.
    """
    import pyarrow as pa

    try:
        table = _as_arrow(given, name)
        if not table.num_columns:
            raise QueryError(f"the upload {name!r} has no column, but a table needs one at least")
        return _without_nan(_doubled(table))
    except pa.ArrowException as error:
        raise QueryError(
            f"the upload {name!r} is no table whose columns have one kind of value and the same "
            f"length each ({str(error).splitlines()[0][:120]}): mend it before you give it"
        ) from None


def _as_arrow(given: Any, name: str) -> pa.Table:
    import pyarrow as pa

    from skyquarry.ingest.sourcetables import as_arrow as in_memory

    if isinstance(given, str) or hasattr(given, "__fspath__"):
        from skyquarry.catalog.formats import open_table

        return open_table(given).to_table()
    if isinstance(given, dict):
        return pa.table(given)
    _, table = in_memory(given)
    if table is not None:
        return table
    raise QueryError(
        f"the upload {name!r} is {given!r:.40} ({type(given).__name__}), but a table is needed: "
        "give one of pyarrow, pandas or astropy, numpy records, a dict of columns, or a file's "
        "path; a catalogue goes with catalogs=, and the rows of a plan are had by its to_table()"
    )


def _doubled(table: pa.Table) -> pa.Table:
    """Numbers of 16 bits as those of 32: the database has none so short."""
    import pyarrow as pa

    for i, field in enumerate(table.schema):
        if pa.types.is_float16(field.type):
            longer = field.with_type(pa.float32())
            table = table.set_column(i, longer, table.column(i).cast(pa.float32()))
    return table


def _without_nan(table: pa.Table) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    for i, field in enumerate(table.schema):
        column = table.column(i)
        if pa.types.is_floating(field.type) and pc.any(pc.is_nan(column)).as_py():
            mended = pc.if_else(pc.is_nan(column), pa.scalar(None, field.type), column)
            table = table.set_column(i, field, mended)
    return table
