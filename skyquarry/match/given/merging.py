"""Rows of one catalogue from several places, as one."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skyquarry.catalog.arrow import to_numpy
from skyquarry.match.given.rows import Motions

if TYPE_CHECKING:
    from skyquarry.match.given.rows import Rows


def merged(parts: list[Rows]) -> Rows:
    """All of the rows, sorted by order-29 pixel, then id, then row; ranks are made to agree."""
    names = [f.name for f in fields(parts[0]) if f.name not in ("ids", "motions", "wide_arcsec")]
    arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    ids = pa.concat_arrays([flat(part.ids) for part in parts])
    if not pa.types.is_integer(ids.type):
        arrays["rank"] = to_numpy(pc.rank(ids, tiebreaker="dense").cast(pa.int64()))
    told: dict[str, Any] = {**arrays, "ids": ids, "motions": _motions(parts)}
    everything = replace(parts[0], **told)
    return everything.take(np.lexsort((arrays["row"], arrays["rank"], arrays["spatial"])))


def flat(ids: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Ids as one array."""
    return ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids


def _motions(parts: list[Rows]) -> Motions | None:
    told = [part.motions for part in parts]
    if any(each is None for each in told):
        return None
    names = [f.name for f in fields(Motions)]
    return Motions(*(np.concatenate([getattr(m, name) for m in told]) for name in names))
