"""`crossmatch`: which rows of several tables are the same object."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from skyquarry.cli.bars import patch_bar
from skyquarry.cli.options import ARCHIVE, Archive, Json, Limit, table_given
from skyquarry.cli.output import write_json, write_rows
from skyquarry.cli.words import listed
from skyquarry.errors import NotFoundError, UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from skyquarry.match.matchresult import MatchResult
    from skyquarry.pipeline.crossmatching import Crossmatch


def crossmatch(
    tables: Annotated[
        list[str],
        typer.Argument(
            metavar="A B [C ...]",
            help="Catalogues (name in the archive, path, URL) or files; FILE:SURVEY says what the "
            "columns of a file are.",
        ),
    ],
    *,
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            help="A file of one table (.parquet, .fits, .vot, .csv ...), or, without a suffix, a "
            "catalogue of the groups, with their pairs and members beside it.",
        ),
    ] = None,
    table: Annotated[
        Literal["pairs", "groups", "members", "wide"],
        typer.Option(
            "--table", help="The table that is written or shown; a catalogue: wide or not."
        ),
    ] = "pairs",
    names: Annotated[
        str | None,
        typer.Option("--names", help="What the tables are called, with commas between."),
    ] = None,
    constraint: Annotated[
        Literal["one_to_one", "many_to_one", "none"],
        typer.Option("--constraint", help="many_to_one: each row of A chooses by itself."),
    ] = "one_to_one",
    keep: Annotated[
        Literal["all", "best"], typer.Option("--keep", help="All candidates, or accepted pairs.")
    ] = "all",
    completeness: Annotated[
        float, typer.Option("--completeness", help="Share of the true pairs that is looked for.")
    ] = 0.9973,
    prior: Annotated[
        str,
        typer.Option(
            "--prior",
            help="auto (learnt), uniform, nway, or densities per square degree, as in "
            "gaia=2000,wise=5000,gaia+wise=900.",
        ),
    ] = "auto",
    photometry: Annotated[
        bool, typer.Option("--photometry/--no-photometry", help="Whether magnitudes are evidence.")
    ] = True,
    calibrate: Annotated[
        bool,
        typer.Option("--calibrate/--no-calibrate", help="Learn zero points and error floors."),
    ] = True,
    calibration: Annotated[
        str | None, typer.Option("--calibration", help="A saved calibration to use instead.")
    ] = None,
    save_calibration: Annotated[
        str | None, typer.Option("--save-calibration", help="A file (JSON) to keep it in.")
    ] = None,
    radius: Annotated[
        float | None,
        typer.Option("--radius", help="Greatest separation in arcsec; else as errors allow."),
    ] = None,
    default_error: Annotated[
        list[str],
        typer.Option(
            "--default-error",
            help="Arcsec, one sigma per axis, for rows without an error: 0.1 for all, or "
            "NAME=0.1 for one; may be said again.",
        ),
    ] = [],  # noqa: B006  (typer shows it, nobody changes it)
    fast_pass: Annotated[
        bool,
        typer.Option(
            "--fast-pass/--no-fast-pass", help="Search again for stars to 10.5 arcsec/yr."
        ),
    ] = True,
    force: Annotated[
        bool,
        typer.Option("--force", help="Run although the radius or the errors seem far too large."),
    ] = False,
    archive: Archive = ARCHIVE,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say what would be done, and do nothing.")
    ] = False,
    report: Annotated[
        str | None, typer.Option("--report", help="A page (.html) with the report and its plots.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Publish a new version over a catalogue.")
    ] = False,
    workers: Annotated[
        Literal["threads", "processes"],
        typer.Option("--workers", help="Where patches are matched."),
    ] = "threads",
    limit: Limit = 20,
    as_json: Json = False,
) -> None:
    """Find which rows of several tables are the same object, and how probable that is.

    Example: skyquarry crossmatch gaia.fits:gaia_dr3 wise.csv:allwise --out matched.parquet

    Errors, epochs and proper motions are used, and all candidates kept; five lines at the end say
    how good the result is.
    """
    from skyquarry.pipeline.crossmatching import crossmatch as planned

    wanted = _Wanted(out, table, report, save_calibration, overwrite)
    wanted.check(learnt=calibrate and calibration is None)
    plan = planned(
        *(table_given(word, archive) for word in tables),
        constraint=constraint,
        keep=keep,
        completeness=completeness,
        prior=_prior(prior),
        photometry="auto" if photometry else None,
        calibrate=calibrate if calibration is None else _loaded(calibration),
        radius_arcsec=radius,
        default_error_arcsec=_default_errors(default_error),
        names=None if names is None else listed(names),
        fast_pass=fast_pass,
        force=force,
    )
    if explain:
        typer.echo(plan.explain())
        return
    result, shown, told = wanted.run(plan, workers)
    if shown is not None and not as_json:
        _show(shown, limit)
    told |= wanted.kept(result)
    if as_json:
        write_json(told | {"report": result.report})
    else:
        _tell(told, result.verdict)


# ---------------------------------------------------------------- running and writing
@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is to come of a run, and where it goes."""

    out: str | None
    table: Literal["pairs", "groups", "members", "wide"]
    page: str | None
    calibration: str | None
    overwrite: bool

    def check(self, *, learnt: bool) -> None:
        """What would fail only after the work: said before it."""
        if self.page is not None:
            from skyquarry.pipeline.reports import check_page

            check_page(self.page)
        if self.out is not None:
            _check_out(self.out, overwrite=self.overwrite)
        if self.calibration is not None and not learnt:
            raise UserError(
                f"--save-calibration is {self.calibration}, but nothing is calibrated anew with "
                "--no-calibrate or --calibration: leave one of the two out"
            )

    def run(
        self, plan: Crossmatch, workers: Literal["threads", "processes"]
    ) -> tuple[MatchResult, Iterator[pa.RecordBatch] | None, dict[str, Any]]:
        """The result, the table where it is to be shown, and what was written; all passes made."""
        with patch_bar() as progress:
            result = plan.run(workers, progress=progress)
            if self.out is not None:
                return result, None, {"path": self.out, "rows": self._write(result, self.out)}
            batches = result.batches(self.table)
            return result, chain([next(batches)], batches), {}

    def _write(self, result: MatchResult, out: str) -> int:
        """One table to a file, or the groups to a catalogue; how many rows."""
        if PurePath(out).suffix:
            return result.save(out, self.table)
        from skyquarry.pipeline.crossmatching import write_catalog

        wide = self.table == "wide"
        return len(write_catalog(result, out, wide=wide, overwrite=self.overwrite))

    def kept(self, result: MatchResult) -> dict[str, str]:
        """Where the calibration and the page of the report were written."""
        told = {}
        if self.calibration is not None:
            result.made.calibration.save(self.calibration)
            told["calibration"] = self.calibration
        if self.page is not None:
            from skyquarry.pipeline.reports import report_page

            told["report_page"] = str(report_page(result, self.page))
        return told


def _show(batches: Iterator[pa.RecordBatch], limit: int) -> None:
    first = next(batches)
    more = "--out FILE writes them"
    write_rows(
        chain([first], batches), first.schema, out=None, as_json=False, limit=limit, more=more
    )


def _tell(told: dict[str, Any], verdict: str) -> None:
    """What was written where, then the verdict."""
    if "path" in told:
        typer.echo(f"{told['rows']:,} rows written to {told['path']}")
    if "report_page" in told:
        typer.echo(f"the report was written to {told['report_page']}")
    if "calibration" in told:
        typer.echo(f"the calibration was written to {told['calibration']}")
    typer.echo(verdict)


# ---------------------------------------------------------------- words to values
def _check_out(out: str, *, overwrite: bool) -> None:
    if not PurePath(out).suffix:
        from skyquarry.pipeline.crossmatching import check_target

        check_target(out, overwrite=overwrite)
        return
    from skyquarry.catalog.formats.registry import check_name

    check_name(out)


def _loaded(path: str) -> Any:
    from skyquarry.match.calibration.calibrate import Calibration

    if not Path(path).is_file():
        raise NotFoundError(
            f"--calibration is {path!r}, but a file that --save-calibration wrote is needed: check "
            "the path"
        )
    return Calibration.load(path)


def _prior(text: str) -> Any:
    """A word, or densities per square degree by tuples of names.

    >>> _prior("gaia=2000,wise=5000,gaia+wise=900")
    {('gaia',): 2000.0, ('wise',): 5000.0, ('gaia', 'wise'): 900.0}
    """
    if "=" not in text:
        return text
    densities = {}
    for part in text.split(","):
        key, _, value = part.partition("=")
        name = tuple(each.strip() for each in key.split("+"))
        densities[name] = _number(value, f"--prior is {text!r}", "as in gaia=2000,gaia+wise=900")
    return densities


def _default_errors(words: list[str]) -> Any:
    """None, one number for all, or numbers by name.

    >>> _default_errors(["0.1"]), _default_errors(["gaia=0.001", "wise=0.3"])
    (0.1, {'gaia': 0.001, 'wise': 0.3})
    """
    if not words:
        return None
    if len(words) == 1 and "=" not in words[0]:
        return _number(words[0], f"--default-error is {words[0]!r}", "as in 0.1 or wise=0.1")
    found = {}
    for word in words:
        name, _, value = word.rpartition("=")
        if not name:
            raise UserError(
                f"--default-error is {word!r} beside others, but then each needs a name: as in "
                f"wise={word}"
            )
        found[name] = _number(value, f"--default-error is {word!r}", "as in wise=0.1")
    return found


def _number(text: str, given: str, example: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UserError(f"{given}, but {text!r} is no number: {example}") from None
