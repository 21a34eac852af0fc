"""The tutorial's times are those of the committed run."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_the_tutorial_says_what_the_committed_run_says(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    twentypage = importlib.import_module("twentypage")
    page = twentypage.PAGE.read_text(encoding="utf-8")
    told = json.loads(twentypage.RESULTS.read_text(encoding="utf-8"))
    assert twentypage.written(page, told) == page, "run python benchmarks/twentypage.py"
