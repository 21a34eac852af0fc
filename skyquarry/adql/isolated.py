"""What runs in the process of an isolated query (`isolating`): limits first, then the query."""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
from contextlib import suppress
from typing import Any, BinaryIO, Final

from skyquarry.errors import RunError, SkyquarryError, UserError

_SHARE: Final = 0.6
"""Of its memory, what the database counts as its own: the rest is what it does not count."""
_FILE_BYTES: Final = 32 << 30


def serve(asked: dict[str, Any]) -> None:
    """Answer the one request, on what was the standard output."""
    out = _private_output()
    try:
        _answer(asked, out)
    except SkyquarryError as error:
        _tell(out, _told(error))
    except (MemoryError, RecursionError) as error:
        _tell(out, _told(RunError(f"the query needs more than its memory ({error!r:.60})")))
    except Exception as error:  # noqa: BLE001  a fault of ours must not show what lies here
        _tell(out, _told(RunError(f"the query failed ({type(error).__name__})")))
    out.flush()


def _private_output() -> BinaryIO:
    """The pipe to who asked; what anything else prints goes nowhere."""
    out = os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123  a device
        os.dup2(nowhere.fileno(), 1)
    return out


def _tell(out: BinaryIO, words: dict[str, Any]) -> None:
    out.write(json.dumps(words).encode() + b"\n")
    out.flush()


def _told(error: SkyquarryError) -> dict[str, Any]:
    line, column = getattr(error, "line", None), getattr(error, "column", None)
    told = {"fault": type(error).__name__, "message": str(error)}
    return {**told, "line": line, "column": column}


def _answer(asked: dict[str, Any], out: BinaryIO) -> None:
    import pyarrow as pa

    plan = _plan(asked)
    if asked["what"] == "explain":
        _tell(out, {"text": plan.explain()})
        return
    schema = plan.schema
    _tell(out, {})
    with pa.ipc.new_stream(out, schema) as writer:
        if asked["what"] == "rows":
            for batch in plan.stream():
                writer.write_batch(batch)
                out.flush()
    _tell(out, {})


def _plan(asked: dict[str, Any]) -> Any:
    """The query, in this process's bounds."""
    from dataclasses import replace

    import pyarrow as pa

    from skyquarry.adql.asking import query
    from skyquarry.adql.database import deadlines, kept

    kept.load()
    deadlines.begin()
    uploads = {name: pa.ipc.open_stream(sys.stdin.buffer).read_all() for name in asked["uploads"]}
    threading.Thread(target=_end_with_the_asker, args=(asked["folder"],), daemon=True).start()
    _bound(asked["memory"])
    plan = query(
        asked["adql"], asked["catalogs"], uploads,
        archive=asked["archive"], my=asked["my"], limit=asked["rows"], timeout=asked["seconds"],
        trusted=False,
    )  # fmt: skip
    if plan.into is not None:
        raise UserError("INTO is not for isolated queries: take the rows, and keep them yourself")
    memory = int(asked["memory"] * _SHARE)
    told = kept.Told("seconds=", asked["memory"] / 2**30)
    return replace(plan, limits=replace(plan.limits, memory_bytes=memory, told=told))


def _end_with_the_asker(folder: str) -> None:
    """Who asked holds the pipe open while the answer is wanted."""
    with suppress(OSError, ValueError):
        while sys.stdin.buffer.read(65_536):
            pass
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


def _bound(memory: int) -> None:
    """No more memory than is there already and may come on top; no core, no endless file."""
    try:
        import resource
    except ImportError:  # Windows has none of it: the clock and the database's own limits are left
        return
    bounds = [(resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, _FILE_BYTES)]
    with suppress(OSError, ValueError):
        bounds.append((resource.RLIMIT_AS, _in_use() + memory))
    for what, value in bounds:
        with suppress(OSError, ValueError):
            resource.setrlimit(what, (value, value))


def _in_use() -> int:
    """Bytes of address space of this process."""
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123  no file
        return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
