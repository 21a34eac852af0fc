"""`classify` and `evaluate`: a model on a catalogue, and how good it is on a table with labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from skyquarry.cli.options import Json  # noqa: TC001  (typer reads it)
from skyquarry.cli.output import check_out, write_json, write_out
from skyquarry.cli.words import listed, pair
from skyquarry.errors import one_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def evaluate(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="The folder of a model.")],
    table: Annotated[
        str, typer.Argument(metavar="TABLE", help="A file or catalogue with labels: path or URL.")
    ],
    *,
    label: Annotated[str, typer.Option("--label", help="The column of classes.")] = "class",
    groups: Annotated[
        str, typer.Option("--groups", help="sky, a column, or none: the cells of the errors.")
    ] = "sky",
    positions: Annotated[
        str | None, typer.Option("--positions", help="Columns of positions, as in: alpha,delta")
    ] = None,
    magnitude: Annotated[
        str | None, typer.Option("--magnitude", help="The column or feature to bin by.")
    ] = None,
    mix: Annotated[
        str | None, typer.Option("--mix", help="sky: scores at the mix of the sky, by r and |b|.")
    ] = None,
    importance: Annotated[
        bool, typer.Option("--importance", help="Tell what each feature is worth, by shuffling.")
    ] = False,
    report: Annotated[
        str | None, typer.Option("--report", help="Write a page with plots: scores.html.")
    ] = None,
    out: Annotated[str | None, typer.Option("--out", help="Write all numbers as JSON.")] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the bootstrap.")] = 0,
    as_json: Json = False,
) -> None:
    """Score a model on a table with labels, class by class, with errors by cells of the sky.

    Example: skyquarry evaluate model other.parquet --label class --report scores.html
    """
    from skyquarry.pipeline.evaluating import evaluate as score

    check_out(out)
    told = score(
        model, table, label=label, groups=None if groups == "none" else groups,
        positions=pair(positions), magnitude=magnitude, mix=_mix(mix), importance=importance,
        page=report, seed=seed,
    )  # fmt: skip
    if out is not None:
        write_out(told, out)
    if as_json:
        write_json(told)
        return
    for line in _lines(told):
        typer.echo(line)


def classify(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="The folder of a model.")],
    catalog: Annotated[str, typer.Argument(metavar="CATALOG", help="A catalogue: path or URL.")],
    *,
    to: Annotated[str, typer.Option("--to", help="Where the classified catalogue is written.")],
    columns: Annotated[
        str | None, typer.Option("--columns", help="Columns to keep, with commas between.")
    ] = None,
    mix: Annotated[
        str | None, typer.Option("--mix", help="sky: probabilities at the mix of the sky.")
    ] = None,
    explain: Annotated[
        str,
        typer.Option("--explain", help="Who gets reasons: some (flagged, ambiguous), all or none."),
    ] = "some",
    plan: Annotated[bool, typer.Option("--plan", help="Say what it would do, and end.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="A new version of a catalogue that is there.")
    ] = False,
) -> None:
    """Classify a catalogue, tile by tile; killed and started again, it goes on.

    Example: skyquarry classify model archive/field --to archive/classified
    """
    from skyquarry.pipeline.classifying import classify as run

    one_of("explain", explain, tuple(_EXPLAIN))
    made = run(
        model, catalog, columns=listed(columns), mix=_mix(mix), explain=_EXPLAIN[explain],
        said=lambda text: typer.echo(text, err=True),
    )  # fmt: skip
    if plan:
        typer.echo(made.explain())
        return
    found = made.to_catalog(to, overwrite=overwrite)
    typer.echo(f"{len(found):,} objects classified: {to}")
    blank = found.where("outcome IS NULL").count()
    if blank:
        typer.echo(
            f"of {blank:,} nothing that the model knows is measured: they have no outcome, and the "
            "probabilities of the mix",
            err=True,
        )


_EXPLAIN: Final[dict[str, bool | Literal["all"]]] = {"some": True, "all": "all", "none": False}


def _mix(name: str | None) -> Literal["sky"] | None:
    if name is None:
        return None
    one_of("mix", name, ("sky",))
    return "sky"


def _lines(told: Mapping[str, Any]) -> Iterator[str]:
    """The scores, as the page has them at its top."""
    yield f"{told['n']:,} objects, {told['mix']}"
    for name in ("accuracy", "balanced_accuracy", "macro_f1", "log_loss", "auc", "ece"):
        value = _value(told["overall"][name])
        less = "" if told["measured"] else f"  not measured: {told['n_effective']:.0f} effective"
        yield f"{name.replace('_', ' '):18} {value}{less}"
    wide = max(len(each["name"]) for each in told["per_class"])
    for each in told["per_class"]:
        if each["measured"]:
            yield (
                f"{each['name']:{wide}}  purity {_value(each['purity'])}  "
                f"completeness {_value(each['completeness'])}"
            )
        else:
            yield f"{each['name']:{wide}}  not measured: {each['n_effective']:.0f} effective"
    if told["shift"] is not None:
        yield from _shifted(told["shift"])
    if "importance" in told:
        for each in told["importance"]["features"]:
            error = 0.0 if each["error"] is None else each["error"]
            yield f"{each['name']}  shuffled: log-loss + {each['rise']:.4f} +- {error:.4f}"
    yield from told["doubts"]


def _shifted(told: Mapping[str, Mapping[str, float | None]]) -> Iterator[str]:
    """How far the scores are from those on unseen rows of the training set."""
    known = [
        f"{name.replace('_', ' ')} {each['change']:+.4f} +- {each['error']:.4f}"
        for name, each in told.items()
        if each["change"] is not None
    ]
    if known:
        yield f"against unseen rows of its training set: {', '.join(known)}"


def _value(told: Mapping[str, float | None]) -> str:
    if told["value"] is None:
        return "-"
    return f"{told['value']:.4f}" + ("" if told["error"] is None else f" +- {told['error']:.4f}")
