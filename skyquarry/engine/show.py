"""A catalogue as a sentence, and as a small table for notebooks. No row is read for either."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from skyquarry.engine.explain import shortened

if TYPE_CHECKING:
    from skyquarry.engine.catalog import Catalog

_MOST_COLUMNS = 40


def sentence(catalog: Catalog) -> str:
    """What the catalogue is, in one sentence."""
    stored, cut = catalog.stored, catalog.cut
    version = f" {stored.version}" if stored.version else ""
    rows = f"{stored.n_rows:,} rows of " if "hats_nrows" in stored.properties else ""
    n, tiles = len(catalog.columns), len(catalog.source.tiles)
    text = f"Catalog {catalog.name}{version}: {rows}{n} columns in {tiles:,} tiles"
    parts = [shortened(repr(part), 80) for part in (cut.region, cut.moved) if part is not None]
    if cut.predicate is not None:
        parts.append(f"where {shortened(cut.predicate.text, 80)}")
    parts += [f"a sample of {sample.fraction:g} by {sample.by}" for sample in cut.samples]
    if cut.ids is not None:
        parts.append(repr(cut.ids))
    if cut.limit is not None:
        parts.append(f"the first {cut.limit:,} rows")
    return f"{text}, cut to {'; '.join(parts)}" if parts else text


def html(catalog: Catalog) -> str:
    """The sentence, and the columns with unit and meaning; all text is escaped."""
    told = catalog.columns_table().to_pylist()
    names = ("column", "type", "unit", "ucd", "description")
    head = "".join(f"<th>{name}</th>" for name in names)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(row[name])}</td>" for name in names) + "</tr>"
        for row in told[:_MOST_COLUMNS]
    )
    more = len(told) - _MOST_COLUMNS
    rest = f"<p>and {more} more columns</p>" if more > 0 else ""
    return (
        f"<p>{escape(sentence(catalog))}</p>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{rest}"
    )
