"""Names of features as astronomers write them."""

from __future__ import annotations

import re
from typing import Final

_BAND: Final = r"[A-Za-z][A-Za-z]?\d?"
_COLOUR: Final = re.compile(
    rf"[a-z][a-z0-9]*_({_BAND})(?:-(?:[a-z][a-z0-9]*_)?({_BAND}))?(_0|_below|_above)?"
)
_ENDS: Final = {"_0": " (dereddened)", "_below": " (at most)", "_above": " (at least)"}
_OF: Final = re.compile(r"(that )?(\S+?)( = | is not measured)")


def read_feature(name: str) -> str:
    """A magnitude or colour without its survey, other names without underscores.

    >>> read_feature("wise_W1-W2"), read_feature("gaia_G-sdss_r_0"), read_feature("gaia_ruwe")
    ('W1−W2', 'G−r (dereddened)', 'gaia ruwe')
    """
    found = _COLOUR.fullmatch(name)
    if found is None:
        return name.replace("_", " ")
    first, second, end = found.groups()
    return f"{first}−{second}{_ENDS.get(end, '')}" if second else name.replace("_", " ")


def read_reason(text: str) -> str:
    """A reason with its feature so.

    >>> read_reason("wise_W1-W2 = -1.1 mag speaks for quasar")
    'W1−W2 = −1.1 mag speaks for quasar'
    >>> read_reason("that gaia_parallax is not measured speaks for galaxy")
    'that gaia parallax is not measured speaks for galaxy'
    """
    told = _OF.sub(lambda m: f"{m[1] or ''}{read_feature(m[2])}{m[3]}", text, count=1)
    return told.replace(" = -", " = −")
