"""The command `skyquarry`: each command reads the request, calls one function, writes the answer.

Nothing heavy is imported before a command runs, so that a cone search in a new process is fast.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NoReturn

if TYPE_CHECKING:
    import typer

    app: typer.Typer

__all__ = ["app", "main"]

_INTERRUPTED: Final = 130
_WITHOUT_PANDAS: Final = {"query", "shell"}
"""pyarrow would load it beside the first array, for 0.3 s, and drop a Ctrl-C that comes then."""


def main() -> None:
    """The console script; exit code 2 for the user's mistakes, a traceback for ours."""
    try:
        _run()
    except KeyboardInterrupt:  # while modules are loaded
        _end_at_once()
    except SystemExit as ended:
        if ended.code == _INTERRUPTED:
            _end_at_once()
        raise


def _run() -> None:
    from skyquarry.cli.commands import COMMANDS, application

    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy's: idle threads cost a short command
    gc.set_threshold(50_000, 20, 100)  # imports make a million objects and no garbage
    sys.setswitchinterval(0.001)  # what reads files must not wait for what is being imported
    asked = [word for word in _after_options(sys.argv[1:])[:1] if word in COMMANDS]
    if _WITHOUT_PANDAS.issuperset(asked) and asked:
        from skyquarry.engine.helpers import do_without_pandas

        do_without_pandas()
    try:
        application(asked or COMMANDS)(prog_name="skyquarry")
    finally:
        if "_duckdb" not in sys.modules:  # which tells at the end what was not collected
            gc.freeze()  # else Python looks for garbage in all of it, several times, before it ends


def _end_at_once() -> NoReturn:
    """After Ctrl-C: tidy up, and wait for no thread that is deaf to it."""
    with suppress(OSError):  # nobody may read it any more
        sys.stdout.flush()
    with suppress(KeyboardInterrupt):
        atexit._run_exitfuncs()  # noqa: SLF001  what the end of the interpreter would do, less it
    os._exit(_INTERRUPTED)


def _after_options(words: list[str]) -> list[str]:
    """The words from the command on: --archive PATH may stand before it."""
    if words[:1] == ["--archive"]:
        return words[2:]
    return words[1:] if words and words[0].startswith("--archive=") else words


def __getattr__(name: str) -> Any:
    """The application with all commands, made when it is asked for."""
    if name == "app":
        from skyquarry.cli.commands import application

        globals()["app"] = application()
        return globals()["app"]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
