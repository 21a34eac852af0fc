"""The application: its commands by group, its version, and what becomes of an error."""

from __future__ import annotations

import errno
import os
import re
import sys
from importlib import import_module
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

import typer
from typer.core import TyperCommand, TyperGroup

from skyquarry.cli.options import VARIABLE
from skyquarry.errors import DataError, RunError, UserError

if TYPE_CHECKING:
    from collections.abc import Iterable

_REFUSALS = (
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG,
    errno.ENOSPC,
)  # fmt: skip
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Arrow says so without the name of the file"""
_LONG_OPTION = re.compile(r"--[A-Za-z][\w-]*(=.*)?$", re.DOTALL)


class Commands(TyperGroup):
    """The group of all commands: turns our errors into a message and an exit code."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The options of `skyquarry` itself."""
        return quick(super().get_params(ctx))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, its plain words taken as they are."""
        command = super().get_command(ctx, cmd_name)
        if command is not None:
            quick(command.get_params(ctx))
        return command

    def invoke(self, ctx: Any) -> Any:
        """Run the command; 2 for what the user or the data did wrong, 1 for a run that failed.

        What a path cannot do (read-only, not a folder, no permission) is the user's to mend; any
        other OSError is ours, and shows its traceback.
        """
        try:
            return super().invoke(ctx)
        except (UserError, DataError) as error:
            _say(error)
            raise typer.Exit(2) from None
        except RunError as error:
            _say(error)
            raise typer.Exit(1) from None
        except OSError as error:
            if error.errno in _FULL and error.filename is None:
                sys.stderr.write(
                    f"skyquarry: a file could not be written ({os.strerror(error.errno or 0)}), "
                    "but room is needed for it: make some, and give the command again\n"
                )
                raise typer.Exit(1) from None
            if error.errno not in _REFUSALS or error.filename is None:
                raise
            sys.stderr.write(
                f"skyquarry: {error.filename} cannot be used ({error.strerror}): choose another "
                "path, or mend this one\n"
            )
            raise typer.Exit(1 if error.errno == errno.ENOSPC else 2) from None


def quick(parameters: list[Any]) -> list[Any]:
    """The parameters; a text, a choice or a default among their values is taken as it stands.

    typer gives every value to pydantic, even such; to load that takes a tenth of a second, a sixth
    of a short command. Whatever else is given goes typer's own way.
    """
    for each in parameters:
        if getattr(each, "_runtime_param", False) is None:
            each._runtime_param = AsItStands(each)  # noqa: SLF001
    return parameters


class AsItStands:
    """What becomes of the value of a parameter: nothing, where it needs no work."""

    def __init__(self, parameter: Any) -> None:
        self.parameter = parameter
        kind = parameter.type_descriptor.annotation
        kinds = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
        self.text = str in kinds
        self.choices = {word for each in kinds if get_origin(each) is Literal
                        for word in get_args(each)}  # fmt: skip

    def coerce(self, value: Any, *, param: Any, ctx: Any) -> Any:
        """The value, or what typer makes of it."""
        given = isinstance(value, str) and (self.text or value in self.choices)
        if value is None or given or value is param.default:
            return value
        self.parameter._runtime_param = None  # noqa: SLF001
        return self.parameter.get_runtime_param().coerce(value, param=param, ctx=ctx)


class WithNegatives(TyperCommand):
    """A command whose arguments may be negative numbers: a declination is no option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse; a word like -5.39 is an argument, an unknown option is still a mistake."""
        known = {name for param in self.params for name in param.opts + param.secondary_opts}
        options = args[: args.index("--")] if "--" in args else args
        for word in options:
            if _LONG_OPTION.match(word) and word.partition("=")[0] not in known | {"--help"}:
                raise typer.BadParameter(f"no such option: {word}", ctx=ctx)
        ctx.ignore_unknown_options = True
        parsed: list[str] = super().parse_args(ctx, args)
        return parsed


def _say(error: Exception) -> None:
    told = str(error).replace("overwrite=True", "--overwrite")  # as a shell says it
    sys.stderr.write(f"skyquarry: {told}\n")


def _version(asked: bool) -> None:
    if asked:
        import skyquarry

        typer.echo(f"skyquarry {skyquarry.__version__}")
        raise typer.Exit


COMMANDS = {
    "ls": "archives.ls",
    "info": "archives.info",
    "verify": "archives.verify",
    "build": "building.build",
    "fetch": "fetching.fetch",
    "convert": "building.convert",
    "add-column": "adding.add_column",
    "tag": "tagging.tag",
    "cone": "searching.cone",
    "region": "searching.region",
    "sample": "searching.sample",
    "query": "querying.query",
    "shell": "shelling.shell",
    "twenty": "twenty.twenty",
    "pairs": "matching.pairs",
    "crossmatch": "crossmatching.crossmatch",
    "simulate": "simulating.simulate",
    "run": "projects.run",
    "clean": "projects.clean",
    "audit": "projects.audit",
    "report": "projects.report",
    "explain": "projects.explain",
    "features": "featuring.features",
    "train": "training.train",
    "repair": "training.repair",
    "classify": "judging.classify",
    "evaluate": "judging.evaluate",
    "map": "pictures.sky_map",
    "schema": "telling.schema",
    "cite": "telling.cite",
    "demo": "pictures.demo",
}
"""Each command, and the function that does it."""
BELOW = {"simulate": {"check": "checking.check"}}
"""Commands below another one, which then may stand alone too."""
_WITH_NEGATIVES = ("fetch", "cone", "region")


def application(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """The application with these commands: to describe one to typer takes as long as to run it."""
    made = typer.Typer(
        name="skyquarry",
        cls=Commands,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        help="Survey catalogues as an archive you can search, cross-match, mine and classify.",
        epilog="Start with: skyquarry demo",
    )
    made.callback()(skyquarry)
    for name in names:
        if name in BELOW:
            made.add_typer(_group(name), name=name)
        else:
            cls = WithNegatives if name in _WITH_NEGATIVES else None
            made.command(name, cls=cls)(_function(COMMANDS[name]))
    return made


def _group(name: str) -> typer.Typer:
    """A command with others below it."""
    group = typer.Typer()
    group.callback(invoke_without_command=True)(_function(COMMANDS[name]))
    for below, does in BELOW[name].items():
        group.command(below)(_function(does))
    return group


def _function(where: str) -> Any:
    module, _, function = where.partition(".")
    return getattr(import_module(f"skyquarry.cli.{module}"), function)


def skyquarry(
    ctx: typer.Context,
    *,
    archive: Annotated[
        str | None,
        typer.Option("--archive", metavar="PATH", help="The folder of named catalogues, for all."),
    ] = None,
    version: Annotated[  # noqa: ARG001  (its callback prints it)
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Survey catalogues as an archive you can search, cross-match, mine and classify."""
    if archive is not None:
        _use_archive(ctx, archive)


def _use_archive(ctx: typer.Context, path: str) -> None:
    """Every command's archive from here to the end of this call; its own --archive still wins."""
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = path

    def restore() -> None:
        os.environ.pop(VARIABLE, None)
        if before is not None:
            os.environ[VARIABLE] = before

    ctx.call_on_close(restore)
