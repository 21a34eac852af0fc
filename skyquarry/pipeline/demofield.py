"""The demo's synthetic half: a field that four surveys see, matched, learnt from and classified.

It is a project like any other: its file lies in the demo's folder, to be changed and run again.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from skyquarry.catalog.files import Folder
from skyquarry.learn.classifiers.registry import installed
from skyquarry.pipeline.project.places import ARCHIVE, CLASSIFIED, MODEL, SCORES
from skyquarry.pipeline.project.reading import read_project
from skyquarry.pipeline.project.running import PROVENANCE, Runner

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Say = Callable[[str], Any]

FILE: Final = "field.toml"
NETWORK: Final = "network"
LEARNERS: Final = {
    "catboost": "{}",
    "xgboost": "{}",
    "forest": "{}",
    NETWORK: "{ epochs = 20 }     # half of its own: enough for so few objects",
}
"""with the settings that the project file gives them"""
FIELD: Final = """\
# The demo's synthetic field. Change what you like and run it again: skyquarry run field.toml
# does what the change asks for, and leaves the rest as it is.
folder = "field"
seed = 1

[region]
area_deg2 = 3
latitude_deg = 45             # Galactic

[surveys.sdss]
from = "simulate"
[surveys.twomass]
from = "simulate"
[surveys.allwise]
from = "simulate"
[surveys.gaia]
from = "simulate"

[match]

[features]                    # of every object, as a catalogue for other tools

[labels]
from = "truth"
most_per_class = 4000
least_per_class = 40
cell_order = 7

[training]
# Four surveys of different depth tell much by what they do not see: a galaxy is not in Gaia. In
# one table such a thing would be a fault, and training stops. Here it is the sky, and wanted.
allow_leakage = true
[training.learners]
LEARNERS

[classify]

[clusters]
richness = 10                 # a small field has few that are richer

[report]
title = "A simulated field of 3 square degrees"
"""


def own_text() -> str:
    """The demo's project file, with the learners that are installed."""
    lines = [f"{name} = {said}" for name, said in LEARNERS.items() if installed(name)]
    return FIELD.replace("LEARNERS", "\n".join(lines))


def run(folder: Path, text: str, say: Say) -> Runner:
    """The project of the folder, done; a project file that is there already is kept."""
    file = folder / FILE
    if not file.exists():
        Folder.at(folder).write_atomic(FILE, text.encode())
    elif file.read_text(encoding="utf-8") != text:
        say(f"  {file} is not the demo's own any more: it is run as it stands")
    if not installed(NETWORK):
        say("  torch is not installed, so that no network is trained: pip install 'skyquarry[nn]'")
    runner = Runner(read_project(file))
    runner.run(progress=True, say=lambda line: say(f"  {line}"))
    return runner


def told(runner: Runner) -> dict[str, Any]:
    """What came of it, as plain data: leakage, classes, scores, and where things are."""
    found: dict[str, Any] = {"project": str(runner.project.file), "folder": str(runner.folder)}
    train, scores = runner.records.of("train"), runner.folder / SCORES / "scores.json"
    if train is not None:
        found["leakage"] = train.told["leakage"]
    if scores.is_file():
        said = json.loads(scores.read_text(encoding="utf-8"))
        found |= {key: said[key] for key in ("mix", "n", "overall", "per_class", "not_measured")}
    places = {
        "classified": runner.folder / ARCHIVE / CLASSIFIED,
        "model": runner.folder / MODEL,
        "provenance": runner.folder / PROVENANCE,
    }
    return found | {name: str(path) for name, path in places.items() if path.exists()}


def lines_of(found: dict[str, Any]) -> list[str]:
    """The same in words."""
    return [*_score_lines(found), *leakage_lines(found)]


def _score_lines(found: dict[str, Any]) -> list[str]:
    if "overall" not in found:
        return []
    overall, count = found["overall"], f"{found['n']:,}"
    return [
        f"Judged by the truth, on {count} objects of cells of the sky that the model has not seen:",
        f"  accuracy {_value(overall['accuracy'])}, macro-F1 {_value(overall['macro_f1'])}",
        *(_class_line(each, found["not_measured"]) for each in found["per_class"]),
    ]


def _class_line(each: dict[str, Any], not_measured: list[str]) -> str:
    name = each["name"].replace("_", " ")
    few = ", too few to be sure" if each["name"] in not_measured else ""
    scores = f"purity {_value(each['purity'])}, completeness {_value(each['completeness'])}"
    return f"  {name:<14} {scores}, of {each['n']:,}{few}"


_LEAKAGE: Final = """\
What is missing speaks too. By the gaps in its row alone (which survey saw an object, and which did
not), without one measured number, a class is guessed with a balanced accuracy of {gaps:.2f}; blind
guesses have {chance:.2f}. Here this is physics: Gaia sees no faint star and hardly any galaxy. So
field.toml says allow_leakage = true. It binds the model to surveys as deep as these: where Gaia has
not looked at all, a gap says nothing, and the model would take stars for galaxies. In other tables
such gaps come from how the labels were collected; then they are a fault, and sq.train refuses it.
"""


def leakage_lines(found: dict[str, Any]) -> list[str]:
    """What the gaps alone tell, for someone who has never heard of leakage."""
    if "leakage" not in found:
        return []
    leak = found["leakage"]
    return _LEAKAGE.format(gaps=leak["of_nulls"], chance=leak["chance"]).splitlines()


def _value(each: dict[str, Any] | None) -> str:
    if each is None or each["value"] is None:
        return "not known"
    error = each.get("error")
    return f"{each['value']:.3f}" + ("" if error is None else f" +- {error:.3f}")
