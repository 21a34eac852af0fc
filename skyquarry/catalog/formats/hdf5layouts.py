"""Where the columns of a table lie in an HDF5 file: the layouts that are met."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skyquarry.catalog.formats.astropynotes import flat, load_yaml, unit_of
from skyquarry.errors import FormatError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator

NOTES = ".__table_column_meta__"
MASK = ".__mask__"


@dataclass(frozen=True)
class Column:
    """Where one column lies."""

    name: str
    path: str
    """The dataset."""
    member: str | None = None
    """Its member, where the dataset is compound."""
    index: int | None = None
    """Its place along the second axis, where the dataset holds several columns."""
    mask: str | None = None
    """A dataset that is true where the value is missing."""
    about: str | None = None
    """The item whose attributes say what the column means."""


def find_table(file: Any, wanted: str | None, name: str) -> str:
    """The path of the table asked for, or of the only one. Raises NotFoundError listing them."""
    if wanted is not None and wanted in file:
        return wanted
    found = list(_tables(file, "/"))
    if wanted is None and len(found) == 1:
        return found[0]
    asked = "a table" if wanted is None else f"table {wanted!r}"
    raise NotFoundError(
        f"{name} was asked for {asked}, but holds {', '.join(found) or 'none'}; one of them is "
        "needed: pass table= with its path"
    )


def _tables(group: Any, path: str) -> Iterator[str]:
    """The paths of everything that looks like a table."""
    import h5py

    if _is_frame(group) or _is_vaex(group) or _columns_inside(group):
        yield path
        return
    for key, item in group.items():
        inner = f"{path.rstrip('/')}/{key}"
        if isinstance(item, h5py.Dataset):
            if item.dtype.names and not key.endswith(NOTES):
                yield inner
        elif not key.startswith("_i_"):  # PyTables' own indexes
            yield from _tables(item, inner)


def _is_frame(group: Any) -> bool:
    return str(_plain(group.attrs.get("pandas_type"))) in {"frame", "frame_table"}


def _is_vaex(group: Any) -> bool:
    return (
        "columns" in group
        and str(_plain(group.attrs.get("type"))) in {"table", "None"}
        and all(hasattr(item, "keys") and "data" in item for item in group["columns"].values())
    )


def _plain(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _columns_inside(group: Any) -> list[str]:
    """The datasets of a group that are plain columns."""
    import h5py

    return [
        key
        for key, item in group.items()
        if isinstance(item, h5py.Dataset)
        and item.shape
        and not item.dtype.names
        and not key.endswith((NOTES, MASK))
    ]


def columns_of(file: Any, path: str, name: str) -> Iterator[Column]:
    """The columns of the table at a path. Raises FormatError for a layout that is not known."""
    import h5py

    item = file[path]
    if isinstance(item, h5py.Dataset):
        if not item.dtype.names:
            raise FormatError(
                f"{name} holds an array at {path!r}, but a table is needed: pass table= with the "
                "path of a group or a compound dataset"
            )
        yield from (Column(member, path, member) for member in item.dtype.names)
    elif _is_frame(item):
        yield from _frame_columns(item, path, name)
    elif _is_vaex(item):
        for key in item["columns"]:
            yield _vaex_column(item["columns"][key], f"{path.rstrip('/')}/columns/{key}", key, name)
    else:
        for key in item.attrs.get("columns", _columns_inside(item)):
            inner = f"{path.rstrip('/')}/{_plain(key)}"
            mask = f"{inner}{MASK}"
            yield Column(_plain(key), inner, None, None, mask if mask in file else None, inner)


def _vaex_column(group: Any, path: str, key: str, name: str) -> Column:
    if "indices" in group:
        raise FormatError(
            f"{name} holds the texts of column {key!r} as vaex packs them (indices and bytes), "
            "which is not read: export them as CSV, or as fixed-width text"
        )
    return Column(
        key, f"{path}/data", None, None, f"{path}/mask" if "mask" in group else None, path
    )


def _frame_columns(group: Any, path: str, name: str) -> Iterator[Column]:
    """A pandas frame: fixed blocks, or the table of PyTables."""
    if str(_plain(group.attrs.get("pandas_type"))) == "frame_table":
        table = f"{path.rstrip('/')}/table"
        yield from (Column(member, table, member) for member in group["table"].dtype.names)
        return
    where: dict[str, Column] = {}
    for block in range(int(group.attrs["nblocks"])):
        values = f"{path.rstrip('/')}/block{block}_values"
        _refuse_pickled(group[f"block{block}_values"], values, name)
        for index, item in enumerate(group[f"block{block}_items"][:]):
            where[str(_plain(item))] = Column(str(_plain(item)), values, None, index)
    for item in group["axis0"][:]:
        yield where[str(_plain(item))]


def _refuse_pickled(dataset: Any, path: str, name: str) -> None:
    if dataset.dtype.kind == "O" or len(dataset.shape) != 2:
        raise FormatError(
            f"{name} holds pickled objects at {path}, which are never unpickled: write the frame "
            "again with format='table', or as Parquet"
        )


def notes_of(file: Any, path: str) -> dict[str, dict[str, str]]:
    """What astropy wrote about the columns beside a dataset: unit, description, ucd, utype."""
    if f"{path}{NOTES}" not in file:
        return {}
    lines = [str(_plain(line)) for line in file[f"{path}{NOTES}"][:].tolist()]
    try:
        header = flat(load_yaml("\n".join(lines)))
    except ValueError:
        return {}
    columns = header.get("datatype") or []
    return {str(c["name"]): _note(c) for c in columns if isinstance(c, dict) and "name" in c}


def _note(column: dict[str, Any]) -> dict[str, str]:
    meta = flat(column.get("meta"))
    told = {"unit": unit_of(column.get("unit")), "description": column.get("description")}
    told |= {key: meta.get(key) for key in ("ucd", "utype")}
    return {key: text for key, text in told.items() if isinstance(text, str) and text}
