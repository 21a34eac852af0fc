# ruff: noqa: INP001  (a script, in no package)
"""Write docs/reference/commands.md and python.md from the code: `python docs/generate.py`.

A test compares what lies there with what this makes, so that the reference cannot fall behind.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

REFERENCE = Path(__file__).parent / "reference"


def commands() -> str:
    """Every command of the shell, with its example and options, as Markdown."""
    from typer.main import get_command

    from skyquarry.cli import app

    pages = ["# Commands", "", "Made from the code by `docs/generate.py`.", ""]
    for name, command in sorted(get_command(app).commands.items()):  # type: ignore[attr-defined]
        pages += [f"## skyquarry {name}", "", *help_of(command), ""]
    pages += ["Exit code 2 stands for a mistake in what was asked or in the data; the message says"]
    pages += ["what was given, what is needed, and what to try."]
    return "\n".join(pages) + "\n"


def help_of(command: Any) -> list[str]:
    """The command's help, its example as code, and a table of its options."""
    lines = []
    for line in inspect.cleandoc(command.help or "").replace("\b", "").splitlines():
        shell = re.match(r"(Example: )?(skyquarry .*)", line)
        lines += ["", f"    {shell[2]}", ""] if shell else [line]
    lines += ["", "| option | meaning | default |", "|---|---|---|"]
    return lines + [row_of(each) for each in command.params if each.name != "help"]


def row_of(parameter: Any) -> str:
    """One row of that table."""
    names = ", ".join([*parameter.opts, *parameter.secondary_opts])
    if parameter.param_type_name == "argument":
        names = (parameter.metavar or parameter.name).upper()
    given = parameter.default if isinstance(parameter.default, str | int | float) else ""
    meaning = " ".join((getattr(parameter, "help", None) or "").split()).replace("|", "\\|")
    return f"| `{names}` | {meaning} | {'' if given is False else given} |"


def python() -> str:
    """Every public name of the package with its signature and docstring, as Markdown."""
    import skyquarry

    pages = [
        "# Python",
        "",
        "Made from the code by `docs/generate.py`; `import skyquarry as sq`.",
        "",
    ]
    for name in sorted(skyquarry.__all__, key=str.lower):
        thing = getattr(skyquarry, name)
        pages += [f"## `sq.{name}{signature(thing)}`", "", *fenced(thing), ""]
        if inspect.isclass(thing):
            pages += methods(thing)
    return "\n".join(pages) + "\n"


def methods(thing: type) -> list[str]:
    """The public methods and properties that the class itself, or a base of ours, defines."""
    lines = []
    for name in sorted(vars(thing)):
        member = inspect.getattr_static(thing, name)
        made = isinstance(member, property | classmethod | staticmethod) or inspect.isfunction(
            member
        )
        if name.startswith("_") or not made or not inspect.getdoc(getattr(thing, name)):
            continue
        shown = "" if isinstance(member, property) else signature(getattr(thing, name))
        lines += [f"### `.{name}{shown}`", "", *fenced(getattr(thing, name)), ""]
    return lines


def signature(thing: Any) -> str:
    """The signature as one would write it, without quotes around types."""
    try:
        text = str(inspect.signature(thing))
    except (TypeError, ValueError):
        return ""
    text = re.sub(r"(: |-> )'([^']*)'", r"\1\2", re.sub(r"\(self(, )?", "(", text))
    return re.sub(r"<object object at 0x[0-9a-f]+>|<factory>", "...", text)


def fenced(thing: Any) -> list[str]:
    """The docstring, as it stands."""
    return ["```text", inspect.getdoc(thing) or "", "```"]


def main() -> None:
    """Write both pages."""
    (REFERENCE / "commands.md").write_text(commands(), encoding="utf-8")
    (REFERENCE / "python.md").write_text(python(), encoding="utf-8")


if __name__ == "__main__":
    main()
