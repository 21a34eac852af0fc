"""How a kernel is compiled: kept on disk where that is possible, and run without it where not.

numba keeps machine code beside the source, or, where the installation is read-only, in the user's
own cache folder (on Linux `~/.cache/numba`), or wherever `NUMBA_CACHE_DIR` says. Where none of
these can be written (a container without a home) it would refuse to import; then we compile anew.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """The function as machine code that releases the GIL; fastmath stays off.

    Division by zero gives inf as in numpy, not an exception: the test for it would keep a loop from
    being vectorised (HTM: 39 against 4 million points/s).
    """
    try:
        compiled = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError:  # "cannot cache function: no locator available"
        compiled = numba.njit(nogil=True, error_model="numpy")(function)
    return compiled  # type: ignore[no-any-return]
