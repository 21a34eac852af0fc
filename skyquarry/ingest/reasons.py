"""Why a row is set aside, and what the table of such rows is called."""

from __future__ import annotations

FILE, ROW, REASON = "_file", "_row", "_reason"
"""What a rejects table has beside the columns of the input: the file, the row in it counted from
zero, and why the row was set aside."""

REASONS = (
    "",
    "no position (null or NaN)",
    "position is infinite",
    "|dec| > 90",
    "ra outside -180 to 360",
    "ra is not a number",
    "dec is not a number",
    "ra is a plain number beside a sexagesimal dec",
    "duplicate id",
    "no parent",
)
(
    OK,
    NO_POSITION,
    INFINITE,
    DEC_BEYOND,
    RA_BEYOND,
    RA_UNREADABLE,
    DEC_UNREADABLE,
    TWO_STYLES,
    DUPLICATE,
    NO_PARENT,
) = range(len(REASONS))

REASONS_QUOTED = ": "
"""Between a reason and the value that it quotes."""
