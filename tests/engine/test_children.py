from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from skyquarry.engine.catalog import open_catalog
from skyquarry.errors import NotFoundError
from skyquarry.testing.handmade import write_catalog


@pytest.fixture
def family(tmp_path, sky):
    """A parent and its spectra: none, one or some for each object."""
    parent = sky.slice(0, 3000)
    write_catalog(tmp_path / "photo", parent, max_rows=400, margin_arcsec=None)
    random = np.random.default_rng(1)
    rows = random.integers(0, 3000, 2500)
    spectra = pa.table(
        {
            "spec": np.arange(2500),
            "objID": parent["id"].to_numpy()[rows],
            "ra": parent["ra"].to_numpy()[rows],
            "dec": parent["dec"].to_numpy()[rows],
            "r_mag": random.random(2500),
        }
    )
    properties = {"skyquarry_parent": str(tmp_path / "photo"), "skyquarry_parent_on": "objID"}
    properties |= {"skyquarry_parent_key": "id"}
    write_catalog(
        tmp_path / "spec",
        spectra,
        max_rows=300,
        margin_arcsec=None,
        index=None,
        kind="source",
        properties=properties,
    )
    return open_catalog(tmp_path / "photo"), parent, spectra


def test_children_are_found_beside_their_parent(family):
    photo, _, _ = family
    assert list(photo.children()) == ["spec"]
    assert photo.children()["spec"].children() == {}


def test_a_child_is_joined_tile_by_tile(family):
    photo, parent, spectra = family
    plan = photo.where("kind = 'star'").select(["id", "r_mag"]).join_child("spec")
    table = plan.to_table()
    assert table.column_names == ["id", "r_mag", "spec", "spec_r_mag"]
    stars = {row["id"]: row["r_mag"] for row in parent.to_pylist() if row["kind"] == "star"}
    expected = [
        (row["objID"], stars[row["objID"]], row["spec"], row["r_mag"])
        for row in spectra.to_pylist()
        if row["objID"] in stars
    ]
    found = [tuple(row.values()) for row in table.to_pylist()]
    assert sorted(found, key=lambda r: r[2]) == sorted(expected, key=lambda r: r[2])
    assert table.schema.equals(plan.schema)
    assert len(plan.root) == len(photo.source.tiles)
    assert "each row with its rows of spec" in plan.explain()


def test_processes_give_the_same_rows(family):
    photo, _, _ = family
    plan = photo.cone(12, 2, 200_000).join_child("spec", columns=["spec"])
    assert plan.to_table("processes").equals(plan.to_table("inline"))
    assert plan.to_table().num_rows > 50


def test_a_child_that_is_not_there_is_named(family):
    photo, _, _ = family
    with pytest.raises(NotFoundError, match=r"no child table 'lines' of photo beside it \(spec\)"):
        photo.join_child("lines")
