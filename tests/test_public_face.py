"""What `import skyquarry` promises: its names, and that it is light."""

from __future__ import annotations

import subprocess
import sys

import pytest

import skyquarry

PROMISED = {
    "Archive", "Box", "Catalog", "Colours", "Cone", "Convex", "Ellipse", "Footprint", "Model",
    "Plan", "Polygon", "Ranges", "Region", "Result", "Roles", "ScanMachine", "Space", "Zone",
    "add_column", "archive", "buckets", "build", "cell_statistics", "classify", "correlation",
    "crossmatch", "duplicates", "evaluate", "features_of", "fetch", "friends_of_friends",
    "function", "inject", "isolated_query", "lenses", "load_model", "make_features",
    "match_table", "neighbours", "open", "open_match", "pair_counts", "pairs", "plan_build",
    "plan_fetch", "query", "rare", "region", "repair", "river", "similar", "similar_index",
    "simulate", "sweep_once", "train", "update_match",
}  # fmt: skip
HEAVY = ("numba", "astropy", "duckdb", "torch", "matplotlib", "pandas", "dask", "numpy", "pyarrow")


def test_the_public_names_are_these_and_no_others():
    assert set(skyquarry.__all__) == PROMISED


@pytest.mark.parametrize("name", sorted(PROMISED))
def test_each_public_name_loads_and_is_documented(name):
    assert getattr(skyquarry, name).__doc__.strip()


def test_a_name_that_is_not_there_says_so():
    with pytest.raises(AttributeError, match="no attribute 'telescope'"):
        _ = skyquarry.telescope


def test_importing_skyquarry_loads_nothing_heavy():
    code = f"import sys, skyquarry; print([m for m in {HEAVY!r} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
