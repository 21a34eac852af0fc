"""Options of several words, with commas between."""

from __future__ import annotations

import typer


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
