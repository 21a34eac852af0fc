"""The work of each stage: one call below, and what there is to tell of it."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from skyquarry.catalog.files import Folder
from skyquarry.catalog.formats import write_table
from skyquarry.pipeline.project.places import (
    ARCHIVE,
    CLASSIFIED,
    EXAMPLES,
    MATCHED,
    MODEL,
    beside,
    place_of,
    role_files,
    simulated_catalogues,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from skyquarry.engine.archive import Archive
    from skyquarry.engine.catalog import Catalog
    from skyquarry.learn.classifiers.protocol import Step
    from skyquarry.learn.scores import SkyMix
    from skyquarry.pipeline.project.settings import Project
    from skyquarry.pipeline.project.stages import Work
    from skyquarry.sky.algebra import Region

_TELL_S: Final = 10.0
"""between two lines about a training under way"""


def simulate(work: Work) -> dict[str, Any]:
    """The synthetic sky of all surveys that are simulated. Kept tables go on after a kill."""
    from skyquarry.pipeline.simulating import simulate

    names = work.stage.settings["surveys"]
    made = simulate(
        _region(work.project), work.stage.output, seed=work.project.seed, surveys=names,
        progress=work.progress, overwrite=True,
    )  # fmt: skip
    return {"simulated": True, "rows": rows_of(made, names)}


def rows_of(made: Archive, names: Sequence[str]) -> dict[str, int]:
    """Of the catalogues of a simulation; others of the archive were made of the one before."""
    return {name: int(made[name].stored.tiles.rows.sum()) for name in simulated_catalogues(names)}


def build(work: Work) -> dict[str, Any]:
    """A catalogue of files."""
    from skyquarry.pipeline.build import build

    settings = work.project.surveys[work.stage.settings["name"]]
    given = [settings.files] if isinstance(settings.files, str) else list(settings.files or ())
    files = list(work.stage.files[: len(given)])
    columns: dict[str, Any] = {} if settings.columns is None else asdict(settings.columns)
    made = build(
        files[0] if len(files) == 1 else files, work.stage.output, survey=_survey(work),
        progress=work.progress, overwrite=work.stage.output.exists(), **columns,
    )  # fmt: skip
    return _told(made)


def fetch(work: Work) -> dict[str, Any]:
    """A survey's rows in the project's region, from its service."""
    from skyquarry.pipeline.fetching import fetch

    settings = work.project.surveys[work.stage.settings["name"]]
    made = fetch(
        _survey(work), work.stage.output, region=_region(work.project), where=settings.where,
        tap=settings.tap, table=settings.table, progress=work.progress,
        overwrite=work.stage.output.exists(),
    )  # fmt: skip
    return _told(made)


def match(work: Work) -> dict[str, Any]:
    """The identification of the catalogues, as a catalogue with its report."""
    from skyquarry.engine.catalog import open_catalog
    from skyquarry.pipeline.crossmatching import crossmatch

    settings = dict(work.stage.settings)
    names = settings.pop("catalogs")
    settings["photometry"] = None if settings["photometry"] == "none" else "auto"
    catalogs = [open_catalog(place_of(work.project, name)) for name in names]
    plan = crossmatch(*catalogs, names=names, **settings)
    made = plan.to_catalog(work.stage.output, wide=True, overwrite=True)
    return _told(made)


def features(work: Work) -> dict[str, Any]:
    """The features of all matched objects, as a catalogue; killed, it goes on by tiles."""
    from skyquarry.pipeline.featuring import make_features

    settings = work.project.features
    assert settings is not None
    plan = make_features(
        work.project.folder / ARCHIVE / MATCHED, role_files(work.project), which=settings.which,
        ebv=settings.ebv, with_spectra=settings.with_spectra, columns=settings.columns or (),
    )  # fmt: skip
    made = plan.to_catalog(work.stage.output, overwrite=work.stage.output.exists())
    return _told(made)


def label(work: Work) -> dict[str, Any]:
    """Examples among the matched objects, some to train with and some to judge with."""
    from skyquarry.engine.archive import archive
    from skyquarry.engine.catalog import open_catalog
    from skyquarry.pipeline.examples import Choice, examples_of
    from skyquarry.pipeline.labelling import labels_of_table, labels_of_truth, varies_of_truth
    from skyquarry.pipeline.targeting import with_spectra

    settings, home = work.project.labels, work.project.folder / ARCHIVE
    assert settings is not None
    matched = open_catalog(home / MATCHED)
    names = work.stage.settings.get("names", [settings.catalog])
    ids = matched.select([f"{name}_id" for name in names]).to_table()
    varies = learnt = None
    if settings.source == "truth":
        codes = labels_of_truth(ids, archive(home), names)
        varies = varies_of_truth(ids, archive(home), names)
        if settings.targeting != "none":
            name = settings.targeting
            learnt = with_spectra(ids, open_catalog(home / name), name, work.project.seed)
    else:
        codes = labels_of_table(
            ids, _labels(work), catalog=settings.catalog or "", id=settings.id or "",
            label_set=settings.set or "",
        )  # fmt: skip
    choice = Choice(
        most_per_class=settings.most_per_class, least_per_class=settings.least_per_class,
        cell_order=settings.cell_order, test_share=settings.test_share, seed=work.project.seed,
    )  # fmt: skip
    made = examples_of(matched, codes, choice, varies, learnt)
    work.stage.output.mkdir(parents=True, exist_ok=True)
    for part, table in (("train", made.train), ("test", made.test)):
        write_table(table.to_batches(), table.schema, work.stage.output / f"{part}.parquet")
    rows = {"train": made.train.num_rows, "test": made.test.num_rows}
    said = [f"{name} {count:,}" for name, count in made.counts.items()]
    said += [f"{name} {count:,} left out" for name, count in made.left_out.items()]
    return {"rows": rows, "classes": made.counts, "left_out": made.left_out,
            "said": ", ".join(said)}  # fmt: skip


def train(work: Work) -> dict[str, Any]:
    """A model, learnt from the examples; a training that was killed goes on."""
    import pyarrow.parquet as pq

    from skyquarry.pipeline.examples import CELL, LABEL, VARIES, WEIGHT
    from skyquarry.pipeline.project.records import HIDDEN
    from skyquarry.pipeline.training import train

    settings = work.project.training
    assert settings is not None
    folder = work.project.folder
    rows = folder / EXAMPLES / "train.parquet"
    model = train(
        rows, label=LABEL, weights=WEIGHT, groups=CELL,
        variable=VARIES if VARIES in pq.read_schema(rows).names else None,
        survey=role_files(work.project), features=settings.features, ebv=settings.ebv,
        allow_leakage=settings.allow_leakage,
        learners=settings.learners, combine=settings.combine, threads=settings.threads,
        seed=work.project.seed, checkpoints=folder / HIDDEN / "checkpoints",
        telling=_Paced(work.say) if work.progress else None,
        said=None,
    )  # fmt: skip
    refused = len(model.told["recipe"]["refused"])
    work.say(
        f"  {len(model.features)} features used, {refused} columns refused: "
        f"{work.stage.output / 'README.md'} says which, and why"
    )
    model.save(work.stage.output, overwrite=True)
    return {"classes": list(model.classes), "features": len(model.features),
            "leakage": model.told["recipe"]["leakage"], "said": str(model)}  # fmt: skip


class _Paced:
    """Tells now and then how far a training is."""

    def __init__(self, say: Callable[[str], Any]) -> None:
        self.say, self.last_s = say, time.monotonic()

    def __call__(self, step: Step) -> None:
        now = time.monotonic()
        if now - self.last_s >= _TELL_S:
            self.last_s = now
            self.say(f"  {step.learner}: {step.done} of {step.of}")


def evaluate(work: Work) -> dict[str, Any]:
    """The model's scores at the mix of the match, as JSON and as a page."""
    from skyquarry.pipeline.evaluating import evaluate
    from skyquarry.pipeline.examples import CELL, LABEL
    from skyquarry.pipeline.models import load_model

    folder, output = work.project.folder, work.stage.output
    model = load_model(folder / MODEL)
    output.mkdir(parents=True, exist_ok=True)
    told = evaluate(
        model, folder / EXAMPLES / "test.parquet", label=LABEL, groups=CELL,
        mix=_mix(work.project, model.classes), page=output / "scores.html",
        seed=work.project.seed,
    )  # fmt: skip
    Folder.at(output).write_atomic("scores.json", json.dumps(told, indent=1).encode())
    overall = told["overall"]
    said = ", ".join(
        f"{name.replace('_', ' ')} {overall[name]['value']:.3f}"
        for name in ("accuracy", "balanced_accuracy", "macro_f1", "log_loss")
    )
    if not told["measured"]:
        said = f"not measured: {told['n_effective']:.0f} effective rows ({said})"
    doubts = "".join(f"; {each}" for each in told["doubts"])
    return {"classes": told["classes"], "overall": overall, "mix": told["mix"],
            "said": said + doubts}  # fmt: skip


def classify(work: Work) -> dict[str, Any]:
    """All matched objects with their classes, as a catalogue; killed, it goes on by tiles."""
    from skyquarry.pipeline.classifying import classify
    from skyquarry.pipeline.models import load_model

    settings, folder = work.project.classify, work.project.folder
    assert settings is not None
    model = load_model(folder / MODEL)
    plan = classify(
        model, folder / ARCHIVE / MATCHED, columns=settings.columns or (),
        mix=_mix(work.project, model.classes), explain=settings.explain, said=work.say,
    )  # fmt: skip
    return _told(plan.to_catalog(work.stage.output, overwrite=work.stage.output.exists()))


def clusters(work: Work) -> dict[str, Any]:
    """Systems of galaxies, as a catalogue of their own."""
    from skyquarry.engine.catalog import open_catalog
    from skyquarry.pipeline.build import build
    from skyquarry.pipeline.clustering import clusters_among

    home = work.project.folder / ARCHIVE
    table = clusters_among(
        open_catalog(home / MATCHED), open_catalog(home / CLASSIFIED), role_files(work.project),
        **work.stage.settings,
    )  # fmt: skip
    made = build(
        table, work.stage.output, id="cluster_id", ra="ra", dec="dec",
        progress=work.progress, overwrite=work.stage.output.exists(),
    )  # fmt: skip
    return _told(made)


def report(work: Work) -> dict[str, Any]:
    """The page, and the lists."""
    from skyquarry.pipeline.project.reporting.writing import write_report

    return write_report(work.project, work.stage.output)


def _mix(project: Project, classes: tuple[str, ...]) -> SkyMix:
    """How many objects of each class the match has, as far as they have labels."""
    import numpy as np

    from skyquarry.learn.scores import SkyMix
    from skyquarry.pipeline.project.records import Records

    record = Records(project.folder).of("label")
    assert record is not None
    counts = [float(record.told["classes"][name]) for name in classes]
    return SkyMix(np.array([[counts]]), (), name="all labelled objects of the match")


def _labels(work: Work) -> pa.Table:
    from skyquarry.pipeline.labelled import table_of

    tables = [table_of(path) for path in work.stage.files]
    return pa.concat_tables(tables, promote_options="default")


def _region(project: Project) -> Region:
    from skyquarry.pipeline.skyasked import field

    where = project.region
    assert where is not None
    return field(
        where.area_deg2, latitude_deg=where.latitude_deg, longitude_deg=where.longitude_deg,
        region=where.text,
    )  # fmt: skip


def _survey(work: Work) -> str | None:
    """A survey by its name, or by its role file beside the project's."""
    given = work.project.surveys[work.stage.settings["name"]].survey
    if given is not None and given.endswith(".toml"):
        return str(beside(work.project, given))
    return given


def _told(made: Catalog) -> dict[str, Any]:
    """Rows, tiles, and rows that were set aside, with their reasons."""
    told: dict[str, Any] = {"rows": int(made.stored.n_rows), "tiles": len(made.stored.tiles)}
    aside = json.loads(made.properties.get("skyquarry_rejected") or "{}")
    if aside:
        reasons = ", ".join(f"{count:,} {why}" for why, count in aside.items())
        told["set_aside"] = aside
        told["said"] = f"{told['rows']:,} rows, and set aside: {reasons} (rejects.parquet)"
    return told
