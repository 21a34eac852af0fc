"""How a kernel is compiled: kept on disk where that is possible, and run without it where not.

numba keeps machine code beside the source, or, where the installation is read-only, in the user's
own cache folder (on Linux `~/.cache/numba`), or wherever `NUMBA_CACHE_DIR` says. Where none of
these can be written (a container without a home) it would refuse to import; then we compile anew.
"""

from __future__ import annotations

import hashlib
import logging
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba.core.runtime import rtsys
from numba.np import linalg

F = TypeVar("F", bound=Callable[..., Any])
COMPILING = (
    "loops are being compiled for this machine, which takes seconds to a minute; it is done once, "
    "later processes find them"
)


def _spare_scipy() -> None:
    """Let numba take scipy's BLAS for granted: to look for it costs a third of a short command.

    numba imports `scipy.linalg` before it loads its first kernel, to see whether `np.dot` would
    compile. scipy is one of our dependencies; whatever does need it asks for it again.
    """
    asked = linalg.ensure_blas
    linalg.ensure_blas = lambda: None
    try:
        from numba.np import arraymath
    finally:
        linalg.ensure_blas = asked
    arraymath.ensure_blas = asked


_spare_scipy()


@cache
def _sources() -> str:
    """A hash of every file of kernels: one may call another of a different file."""
    root = Path(__file__).parent.parent
    found = sorted({*root.glob("**/*kernels.py"), *root.glob("**/kernels/*.py"), Path(__file__)})
    told = hashlib.sha256()
    for path in found:
        told.update(path.read_bytes())
    return told.hexdigest()


def _mark(compiled: Any) -> None:
    """Keep machine code only as long as no kernel changes: numba looks at the one file alone."""
    kept = getattr(getattr(compiled, "_cache", None), "_cache_file", None)
    stamp = getattr(kept, "_source_stamp", None)
    if stamp is not None:
        kept._source_stamp = (stamp, _sources())  # type: ignore[union-attr]  # noqa: SLF001


def _say_when_compiling(compiled: Any) -> None:
    """Tell, once a process, that machine code is being made: it may take a minute, once."""
    kept = compiled._cache  # noqa: SLF001
    load = _quick_load(kept)

    def told(signature: Any, context: Any) -> Any:
        found = load(signature, context)
        if found is None:
            _say()
        return found

    kept.load_overload = told


def _quick_load(kept: Any) -> Callable[[Any, Any], Any]:
    """How machine code is looked for: as numba does, but without all that compiling needs.

    numba's own way reads in every function that it knows, which takes a short command a tenth of
    its time; machine code that is there needs no more than numba's runtime. What does compile
    reads them in by itself.
    """
    if not hasattr(kept, "_load_overload"):  # nothing is kept
        load: Callable[[Any, Any], Any] = kept.load_overload
        return load

    def quick(signature: Any, context: Any) -> Any:
        rtsys.initialize(context)
        with kept._guard_against_spurious_io_errors():  # noqa: SLF001
            return kept._load_overload(signature, context)  # noqa: SLF001

    return quick


def _need_no_extensions() -> None:
    """In place of a look through all that is installed for extensions of numba: we use none."""


@cache
def _say() -> None:
    logging.getLogger("skyquarry").info(COMPILING)
    if sys.stderr is not None and sys.stderr.isatty():
        sys.stderr.write(f"skyquarry: {COMPILING}\n")


def kernel(function: F) -> F:
    """The function as machine code that releases the GIL; fastmath stays off.

    Division by zero gives inf as in numpy, not an exception: the test for it would keep a loop from
    being vectorised (HTM: 39 against 4 million points/s).
    """
    return compiled_with(function)


def compiled_with(function: F, **options: Any) -> F:
    """The same with more of numba's options.

    No kernel is handed to C or kept in a variable of another one: the wrapper for that, which
    takes as long to compile as a short kernel, is not made.
    """
    options = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True, **options}
    try:
        compiled = numba.njit(cache=True, **options)(function)
        _mark(compiled)
    except RuntimeError:  # "cannot cache function: no locator available"
        compiled = numba.njit(**options)(function)
    compiled._compilation_chain_init_hook = _need_no_extensions  # noqa: SLF001
    _say_when_compiling(compiled)
    return compiled  # type: ignore[no-any-return]
