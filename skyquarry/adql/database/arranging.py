"""How tables in memory are joined, remembered: to look into each takes longer than to join them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from skyquarry.adql.database.standing import Key, key_of, seeing
from skyquarry.adql.joins.ordering import arranged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skyquarry.adql.joins.joinplan import Arranged, Plan
    from skyquarry.adql.reads import GivenRead

_MOST: Final = 64
"""Queries, by their text; the last asked last."""
_KNOWN: OrderedDict[Key, Arranged] = OrderedDict()
_LOCK = threading.Lock()


def arrangement(sql: str, plans: Sequence[Plan], reads: Sequence[GivenRead]) -> Arranged:
    """The query with its joins in an order, by a look into these tables or others like them.

    Whatever their rows are, the answer is the same.
    """
    tables = {read.name: read.table_here() for read in reads}
    key = key_of(sql, tables)
    with _LOCK:
        known = _KNOWN.get(key)
        if known is not None:
            _KNOWN.move_to_end(key)
            return known
    with seeing(tables) as connection:
        made = arranged(sql, plans, reads, connection)
    with _LOCK:
        _KNOWN[key] = made
        while len(_KNOWN) > _MOST:
            _KNOWN.popitem(last=False)
    return made


def forget_all() -> None:
    """Look into every table anew."""
    with _LOCK:
        _KNOWN.clear()
