"""How the modules hang together, beyond the layers that import-linter holds (pyproject.toml)."""

from __future__ import annotations

from graphlib import TopologicalSorter

import grimp

FACES = {
    ("skyquarry.engine.plan", "skyquarry.engine.save"),
    ("skyquarry.engine.catalog", "skyquarry.engine.children"),
    ("skyquarry.sky.algebra", "skyquarry.sky.mocs"),
}
"""Methods that hand on to what stands above their class: `plan.to_catalog(...)` and its like."""


def test_nothing_that_runs_imports_itself_in_a_circle():
    graph = grimp.build_graph("skyquarry", exclude_type_checking_imports=True, cache_dir=None)
    imports = {
        module: {
            each
            for each in graph.find_modules_directly_imported_by(module)
            if (module, each) not in FACES
        }
        for module in graph.modules
    }
    TopologicalSorter(imports).prepare()  # CycleError tells the circle
    assert all(each in graph.find_modules_directly_imported_by(one) for one, each in FACES)
