"""Rows that the second search has matched: pairs told of before it name a group that is no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from skyquarry.match.results.tables import Tables


def renamed(last: Tables) -> pa.Table:
    """`old` names of groups that were one row alone, and the `new` ones that their rows are in.

    `last`: the tables of the second search, which come after those of every patch.
    """
    members = last.members
    own = pc.binary_join_element_wise(
        members["catalog"].cast(pa.string()), members["id"].cast(pa.string()), ":"
    )
    other = pc.not_equal(own, members["group_id"])
    return pa.table({"old": own, "new": members["group_id"]}).filter(other)


def put_right(pairs: pa.Table, names: pa.Table) -> pa.Table:
    """The same pairs with a `home_group` that there is."""
    if not len(names):
        return pairs
    old, new = names["old"].combine_chunks(), names["new"].combine_chunks()
    place = pc.index_in(pairs["home_group"], old)
    if place.null_count == len(pairs):
        return pairs
    at = pairs.schema.get_field_index("home_group")
    home = pc.if_else(pc.is_valid(place), new.take(place.combine_chunks()), pairs["home_group"])
    return pairs.set_column(at, pairs.schema.field(at), home)
