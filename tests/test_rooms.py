"""How the modules hang together, beyond the layers that import-linter holds (pyproject.toml)."""

from __future__ import annotations

from graphlib import TopologicalSorter

import grimp
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

FACES = {
    ("skyquarry.engine.plan", "skyquarry.engine.save"),
    ("skyquarry.engine.catalog", "skyquarry.engine.children"),
    ("skyquarry.sky.algebra", "skyquarry.sky.mocs"),
}
"""Methods that hand on to what stands above their class: `plan.to_catalog(...)` and its like."""

LARGEST = 9
"""Files: `Catalog`, its plans, and where their methods are written."""


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


def test_types_too_are_named_in_small_circles_alone():
    """A class and the files of its methods name each other; a package's files do not all."""
    graph = grimp.build_graph("skyquarry", cache_dir=None)
    modules = sorted(graph.modules)
    number = {module: i for i, module in enumerate(modules)}
    arrows = [
        (number[one], number[each])
        for one in modules
        for each in graph.find_modules_directly_imported_by(one)
    ]
    ends = tuple(np.array(arrows).T)
    matrix = coo_array((np.ones(len(arrows)), ends), shape=(len(modules), len(modules)))
    _, circle = connected_components(matrix, connection="strong")
    _, sizes = np.unique(circle, return_counts=True)
    large = [
        [module for module, of in zip(modules, circle, strict=True) if of == i]
        for i in np.flatnonzero(sizes > LARGEST)
    ]
    assert large == []
