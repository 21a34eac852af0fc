"""A person at a terminal: lines with history and completion; prompt_toolkit's one importer."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from skyquarry.catalog.userfolder import cache_folder
from skyquarry.cli.shell.completing import Completer
from skyquarry.cli.shell.statements import is_whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from skyquarry.cli.shell.session import Session

PROMPT: Final = "sky> "
MORE: Final = "...> "
_MOST: Final = 10_000
"""Lines of history that readline keeps."""


def reader_of(session: Session) -> Callable[[], str]:
    """What reads one text that can run; EOFError at the end, KeyboardInterrupt at Ctrl-C."""
    try:
        return prompting(session)
    except ImportError:
        return plainly(session)


def history_file() -> Path | None:
    """Where the statements of former sessions are; None where nothing can be written."""
    folder = cache_folder()
    if folder is None:
        return None
    path = folder / "history"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
    except OSError:
        return None
    return path


def prompting(session: Session, **streams: Any) -> Callable[[], str]:
    """By prompt_toolkit: a statement may have many lines, and is edited as a whole.

    `streams` are its input and output, where they are not the terminal's.
    """
    from prompt_toolkit import PromptSession
    from prompt_toolkit.application import get_app
    from prompt_toolkit.completion import ThreadedCompleter
    from prompt_toolkit.filters import Condition
    from prompt_toolkit.history import FileHistory, InMemoryHistory

    completer = Completer(session)

    @Condition
    def unfinished() -> bool:
        text = get_app().current_buffer.text
        return bool(text.strip()) and not is_whole(text)

    path = history_file()
    prompt: Any = PromptSession(
        PROMPT,
        multiline=unfinished,
        prompt_continuation=MORE,
        history=InMemoryHistory() if path is None else FileHistory(str(path)),
        completer=ThreadedCompleter(offers(completer)),
        complete_while_typing=False,
        **streams,
    )

    def read() -> str:
        completer.forget()
        return str(prompt.prompt())

    return read


def offers(completer: Completer) -> Any:
    """What prompt_toolkit asks for words."""
    from prompt_toolkit.completion import Completer as Offers
    from prompt_toolkit.completion import Completion

    class Offered(Offers):
        def get_completions(self, document: Any, complete_event: Any) -> Any:  # noqa: ARG002
            back, words = completer.words(document.text_before_cursor, document.text_after_cursor)
            for each in words:
                yield Completion(each, start_position=-back)

    return Offered()


def plainly(session: Session) -> Callable[[], str]:
    """By the terminal's own lines, with readline where Python has it."""
    _use_readline(Completer(session))

    def read() -> str:
        text = input(PROMPT)
        while text.strip() and not is_whole(text):
            text += "\n" + input(MORE)
        return text

    return read


def _use_readline(completer: Completer) -> None:
    """History and completion, where there is a readline."""
    try:
        import readline
    except ImportError:
        return
    import atexit

    def offered(_: str, number: int) -> str | None:
        line = readline.get_line_buffer()
        at = readline.get_endidx()
        words = completer.words(line[:at], line[at:])[1]
        return words[number] if number < len(words) else None

    readline.set_completer_delims(" \t\n,()=<>+-*/.;|'")  # a point: columns replace columns
    readline.set_completer(offered)
    readline.parse_and_bind("tab: complete")
    path = history_file()
    if path is not None:
        with suppress(OSError):
            readline.read_history_file(path)
        readline.set_history_length(_MOST)
        atexit.register(_keep_history, readline, path)


def _keep_history(readline: Any, path: Path) -> None:
    with suppress(OSError):
        readline.write_history_file(path)


def is_terminal() -> bool:
    """Whether a person types and sees."""
    return sys.stdin.isatty() and sys.stdout.isatty()
