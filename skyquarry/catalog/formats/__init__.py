"""Tables in files: read and written as streams of Arrow batches, one module a format."""

from skyquarry.catalog.formats.registry import (
    READERS,
    WRITERS,
    format_of,
    open_table,
    write_table,
)
from skyquarry.catalog.formats.table import Part, TableFile

__all__ = ["READERS", "WRITERS", "Part", "TableFile", "format_of", "open_table", "write_table"]
