from __future__ import annotations

import hashlib
import json
from pathlib import Path

RESULTS = Path(__file__).resolve().parents[2] / "benchmarks" / "results"
FILES = {
    "sdss_dr17": "sdss_dr17_10k",
    "sdss_dr14": "sdss_dr14_10k",
    "ptsrc": "sdss_ptsrc_qso_star_wd",
    "muwclass": "muwclass_8class",
}


def test_the_committed_scores_are_of_the_labels_that_lie_here(shared_data):
    told = json.loads(max(RESULTS.glob("learn-*.json")).read_text())["figures"]
    tasks = [name for name in told if name in FILES]
    assert tasks
    for name in tasks:
        content = (shared_data / "labels" / f"{FILES[name]}.parquet").read_bytes()
        assert told[name]["sha256"] == hashlib.sha256(content).hexdigest()
