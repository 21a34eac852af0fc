"""A project from a synthetic sky to a model, in small."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

import skyquarry as sq
from skyquarry.catalog.formats import open_table
from skyquarry.pipeline.project.reading import read_project
from skyquarry.pipeline.project.running import Runner

if TYPE_CHECKING:
    from pathlib import Path


def test_the_model_tells_galaxies_from_stars_of_cells_that_it_has_not_seen(folder: Path) -> None:
    model = sq.load_model(folder / "model")
    assert set(model.classes) == {"galaxy", "main_sequence"}
    test = open_table(folder / "examples" / "test.parquet")
    (part,) = test.parts()
    rows = next(part.batches())
    right = model.predict(rows) == np.array(rows["label_class"].to_pylist())
    assert right.mean() > 0.8


def test_the_label_is_no_column_that_a_model_needs(folder: Path) -> None:
    matched = sq.open(folder / "archive" / "matched").to_table()
    p = sq.load_model(folder / "model").predict_proba(matched)
    assert p.shape == (matched.num_rows, 2)
    np.testing.assert_allclose(p.sum(axis=1), 1.0, rtol=1e-6)


def test_the_scores_are_at_the_mix_of_the_match(folder: Path) -> None:
    told = json.loads((folder / "scores" / "scores.json").read_text())
    assert told["mix"] == "all labelled objects of the match"
    assert 0.8 < told["overall"]["accuracy"]["value"] <= 1.0
    assert "<html" in (folder / "scores" / "scores.html").read_text()


def test_every_matched_object_is_classified(folder: Path) -> None:
    matched = sq.open(folder / "archive" / "matched")
    made = sq.open(folder / "archive" / "classified").to_table()
    assert made.num_rows == matched.stored.n_rows
    assert {"group_id", "sdss_id", "p_galaxy", "p_main_sequence"} <= set(made.column_names)


def test_every_matched_object_has_its_features(folder: Path) -> None:
    matched = sq.open(folder / "archive" / "matched").to_table()
    made = sq.open(folder / "archive" / "features").to_table()
    assert made.column_names == [
        "group_id", "ra", "dec", "sdss_id", "sdss_g-r", "gaia_parallax"
    ]  # fmt: skip
    assert made["group_id"].equals(matched["group_id"])
    g, r = (matched[f"sdss_psfMag_{band}"].to_numpy() for band in "gr")
    seen = np.isfinite(g) & np.isfinite(r) & (np.minimum(g, r) > 0)
    assert 100 < seen.sum() < len(seen)
    assert np.isnan(made["sdss_g-r"].to_numpy()[~seen]).all()
    model = sq.load_model(folder / "model")
    assert np.array_equal(made["sdss_g-r"].to_numpy(), model.values(matched)[:, 0], equal_nan=True)


def test_clusters_are_a_table_of_their_own(folder: Path) -> None:
    made = sq.open(folder / "archive" / "clusters")
    assert {"cluster_id", "ra", "dec", "richness", "redshift", "brightest_id"} <= set(
        made.to_table().column_names
    )
    assert made.stored.n_rows == 0  # 0.02 square degrees


def test_every_catalogue_of_a_simulation_is_seen_to_be_gone(folder: Path) -> None:
    """Without sdss_truth nothing was to be done, and labels failed for want of it."""
    project = read_project(folder.with_suffix(".toml"))
    for name in ("truth", "sdss", "gaia", "sdss_truth", "gaia_truth"):
        place = folder / "archive" / name
        place.rename(place.with_name("away"))
        try:
            assert Runner(project).states()[0].why == "its output is gone", name
        finally:
            place.with_name("away").rename(place)
    assert Runner(project).states()[0].why == ""
