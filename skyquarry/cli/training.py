"""`train` and `repair`: a table with labels becomes a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from skyquarry.cli.options import Json, Spectra, Surveys, Which  # noqa: TC001  (typer reads them)
from skyquarry.cli.output import write_json
from skyquarry.cli.words import listed, one_or_more, pair

if TYPE_CHECKING:
    from skyquarry.learn.classifiers.protocol import Step


def train(
    table: Annotated[
        str, typer.Argument(metavar="TABLE", help="A file or catalogue with labels: path or URL.")
    ],
    *,
    out: Annotated[str, typer.Option("--out", help="The folder of the new model.")],
    label: Annotated[str, typer.Option("--label", help="The column of classes.")] = "class",
    survey: Surveys = None,
    features: Which = "auto",
    groups: Annotated[
        str, typer.Option("--groups", help="sky, a column, or none: what no split may cut.")
    ] = "sky",
    positions: Annotated[
        str | None, typer.Option("--positions", help="Columns of positions, as in: alpha,delta")
    ] = None,
    variable: Annotated[
        str | None,
        typer.Option("--variable", help="A column that tells which objects vary, or: light."),
    ] = None,
    finer: Annotated[
        str | None,
        typer.Option("--finer", help="A column of kinds within classes, learnt apart and summed."),
    ] = None,
    learners: Annotated[
        str | None,
        typer.Option(
            "--learners", help="Some of catboost,xgboost,forest,network; yours: module:Class."
        ),
    ] = None,
    weights: Annotated[
        str | None, typer.Option("--weights", help="A column of positive weights.")
    ] = None,
    ebv: Annotated[
        str | None,
        typer.Option("--ebv", help="E(B-V), for dereddened colours: a column, or a map: sfd."),
    ] = None,
    with_spectra: Spectra = False,
    allow_leakage: Annotated[
        bool,
        typer.Option("--allow-leakage", help="Train although what is missing tells the class."),
    ] = False,
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, help="Of each learner; else one a core.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Another seed, another model.")] = 0,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Put the model in place of one that is there.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Train a model to tell classes apart; killed and started again, it goes on.

    Example: skyquarry train labels.parquet --label class --survey sdss --out model
    """
    from pathlib import Path

    from skyquarry.learn.modelsaving import check_free, checkpoints_beside
    from skyquarry.pipeline.project.reporting.cards import card_beside
    from skyquarry.pipeline.training import train as run

    check_free(out, overwrite=overwrite)
    model = run(
        table,
        label=label,
        survey=one_or_more(survey),
        features=one_or_more(features) or "auto",
        groups=None if groups == "none" else groups,
        positions=pair(positions),
        variable=variable,
        finer=finer,
        learners=None if learners is None else listed(learners),
        weights=weights,
        ebv=ebv,
        with_spectra=with_spectra,
        allow_leakage=allow_leakage,
        threads=threads,
        seed=seed,
        checkpoints=checkpoints_beside(out),
        telling=None if as_json else _Told(),
        said=None if as_json else lambda text: typer.echo(text, err=True),
    )
    model.save(out, overwrite=overwrite)
    card_beside(Path(out))
    if as_json:
        write_json({"path": out, "classes": model.classes, **model.told})
    else:
        typer.echo(f"{model}\nin {out}")


def repair(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="The folder of the old model.")],
    table: Annotated[
        str, typer.Argument(metavar="TABLE", help="A few hundred labels from where it is wrong.")
    ],
    *,
    out: Annotated[str, typer.Option("--out", help="The folder of the new model.")],
    label: Annotated[str, typer.Option("--label", help="The column of classes.")] = "class",
    groups: Annotated[
        str, typer.Option("--groups", help="sky, a column, or none: what no split may cut.")
    ] = "sky",
    positions: Annotated[
        str | None, typer.Option("--positions", help="Columns of positions, as in: alpha,delta")
    ] = None,
    learners: Annotated[
        str | None,
        typer.Option(
            "--learners", help="Some of catboost,xgboost,forest,network; yours: module:Class."
        ),
    ] = None,
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, help="Of each learner; else one a core.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Another seed, another model.")] = 0,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Put the model in place of one that is there.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Teach an old model another survey or depth with a few hundred labels.

    Example: skyquarry repair model deep_labels.parquet --label class --out model-deep
    """
    from pathlib import Path

    from skyquarry.learn.modelsaving import check_free, checkpoints_beside
    from skyquarry.pipeline.project.reporting.cards import card_beside
    from skyquarry.pipeline.repairing import repair as run

    check_free(out, overwrite=overwrite)
    made = run(
        model,
        table,
        label=label,
        groups=None if groups == "none" else groups,
        positions=pair(positions),
        learners=None if learners is None else listed(learners),
        threads=threads,
        seed=seed,
        checkpoints=checkpoints_beside(out),
        telling=None if as_json else _Told(),
    )
    made.save(out, overwrite=overwrite)
    card_beside(Path(out))
    if as_json:
        write_json({"path": out, "classes": made.classes, **made.told})
    else:
        typer.echo(f"{made}\nin {out}")


class _Told:
    """A line for each learner as it ends, and for a long one now and then."""

    def __init__(self) -> None:
        self.last = 0.0

    def __call__(self, step: Step) -> None:
        import time

        now = time.monotonic()
        if step.done < step.of and now - self.last < 5.0:
            return
        self.last = now
        left = "" if step.seconds_left is None else f", {step.seconds_left:.0f} s left"
        score = "" if step.score is None else f", log-loss {step.score:.4f}"
        typer.echo(f"{step.learner}: {step.done} of {step.of}{score}{left}", err=True)
