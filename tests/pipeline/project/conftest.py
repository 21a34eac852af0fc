"""A small project, run once: from a synthetic sky to a classified catalogue and its report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from skyquarry.pipeline.project.reading import read_project
from skyquarry.pipeline.project.running import Runner

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """
[region]
text = "CIRCLE 180 30 0.08"
[surveys.sdss]
from = "simulate"
[surveys.gaia]
from = "simulate"
[match]
[features]
which = ["sdss_g-r", "gaia_parallax"]
columns = ["sdss_id"]
[labels]
least_per_class = 20
cell_order = 12
[training]
features = ["sdss_g-r", "sdss_r-i", "sdss_psf-total"]
learners = ["catboost"]
allow_leakage = true
threads = 1
[classify]
columns = ["sdss_id"]
[clusters]
[report]
price_per_hour = 0.5
"""


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("matplotlib", reason="the extra plots is not installed")
    pytest.importorskip("catboost", reason="the extra learn is not installed")
    file = tmp_path_factory.mktemp("learning") / "field.toml"
    file.write_text(TEXT)
    runner = Runner(read_project(file))
    said: list[str] = []
    runner.run(say=said.append)
    assert any("main_sequence" in line and "left out" in line for line in said)
    assert any(line.lstrip().startswith("done in") and "macro f1" in line for line in said)
    assert all(state.why == "" for state in runner.states())
    return runner.folder
