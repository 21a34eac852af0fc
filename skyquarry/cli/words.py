"""The words of options: several with commas between, and how errors of the library name them."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import typer

from skyquarry.errors import SkyquarryError

if TYPE_CHECKING:
    from collections.abc import Callable

Taken = ParamSpec("Taken")
Given = TypeVar("Given")
UPLOAD = "uploads={'mine': table}"
"""How the library says that a table may come along."""


def in_options(**options: str) -> Callable[[Callable[Taken, Given]], Callable[Taken, Given]]:
    """Errors of a command name its options, where the library's name its keywords.

    `options`: by keyword. One is named where it is told as `keyword is VALUE` or `keyword=`.
    """
    named = re.compile(rf"(?<![\w.-])({'|'.join(options)})(=| is (?=\S))")

    def wrapped(command: Callable[Taken, Given]) -> Callable[Taken, Given]:
        @functools.wraps(command)
        def run(*args: Taken.args, **given: Taken.kwargs) -> Given:
            try:
                return command(*args, **given)
            except SkyquarryError as error:
                told = str(error).replace(UPLOAD, "--upload mine=FILE")
                error.args = (named.sub(lambda it: options[it[1]] + it[2].replace("=", ""), told),)
                raise

        return run

    return wrapped


def listed(text: str | None) -> list[str]:
    """The words; none for no text."""
    return [word.strip() for word in (text or "").split(",") if word.strip()]


def one_or_more(text: str | None) -> str | list[str] | None:
    """One word as it stands, several as a list."""
    words = listed(text)
    return words[0] if len(words) == 1 else words or None


def pair(text: str | None) -> tuple[str, str] | None:
    """Two columns. Raises BadParameter for more or fewer."""
    if text is None:
        return None
    words = listed(text)
    if len(words) != 2:
        raise typer.BadParameter(f"{text!r} names no two columns: try ra,dec")
    return words[0], words[1]
