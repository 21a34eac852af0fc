"""The machines' works on pairs of the sky, each beside scipy's KD-tree over unit vectors in memory.

Scipy's positions and magnitudes are read from the same files; that is counted with its time.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np

from miningtimes import Duck, compared, timed

RIVALS: list[str] = []
"""an interpreter that has treecorr"""
EDGES = [0.0, 10.0, 20.0, 30.0]
MAGNITUDES = ["u_mag", "g_mag", "r_mag"]


def unit_vectors(ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
    ra, dec = np.radians(ra), np.radians(dec)
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=1)


def chord(arcsec: Any) -> Any:
    return 2.0 * np.sin(np.radians(np.asarray(arcsec) / 3600.0) / 2.0)


def read(duck: Duck, *names: str) -> tuple[np.ndarray, list[np.ndarray]]:
    """Unit vectors, and more columns of the same rows."""
    ra, dec, *more = duck.columns(["ra", "dec", *names]).T
    return unit_vectors(ra, dec), more


def pairs_within(xyz: np.ndarray, arcsec: float) -> np.ndarray:
    from scipy.spatial import cKDTree

    return cKDTree(xyz).query_pairs(float(chord(arcsec)), output_type="ndarray")


def near(catalog: Any, duck: Duck, repeats: int) -> dict[str, Any]:
    import skyquarry as sq

    def counted() -> int:
        return int(sq.pair_counts(catalog, edges_arcsec=[0.0, 10.0])["pairs"][0].as_py())

    counts, ours = timed(counted, repeats, len(catalog))
    theirs, found = timed(lambda: len(pairs_within(read(duck)[0], 10.0)), repeats)
    assert ours == found, f"{ours} and {found} pairs"
    return {"pairs": ours, "pair_counts": counts, "scipy": theirs} | compared(counts, theirs)


def bins(catalog: Any, duck: Duck, repeats: int) -> dict[str, Any]:
    import skyquarry as sq

    def tree() -> list[int]:
        from scipy.spatial import cKDTree

        made = cKDTree(read(duck)[0])
        # From the second bin on: scipy's first one has each row with itself, and pairs twice.
        return (made.count_neighbors(made, chord(EDGES), cumulative=False)[2:] // 2).tolist()

    def counted() -> list[int]:
        return sq.pair_counts(catalog, edges_arcsec=EDGES)["pairs"].to_pylist()

    counts, ours = timed(counted, repeats, len(catalog))
    theirs, found = timed(tree, repeats)
    assert ours[1:] == found, f"{ours} and {found} pairs"
    told = {"pairs": ours, "pair_counts": counts, "scipy": theirs} | compared(counts, theirs)
    return told | by_treecorr(catalog, duck, counts, ours, repeats)


def by_treecorr(
    catalog: Any, duck: Duck, counts: dict[str, float], ours: list[int], repeats: int
) -> dict[str, Any]:
    if not RIVALS:
        return {}
    files = sorted(map(str, Path(catalog.stored.folder.root, "dataset").rglob("*.parquet")))
    asked = {"files": files, "edges": EDGES, "threads": duck.threads, "repeats": repeats}
    script = str(Path(__file__).parent / "rival_counts.py")
    done = subprocess.run(
        [*RIVALS, script], input=json.dumps(asked), capture_output=True, text=True, check=True
    )
    theirs = json.loads(done.stdout)
    assert theirs.pop("pairs") == ours, "treecorr counts other pairs"
    return {"treecorr": theirs} | compared(counts, theirs, "treecorr")


def linked(pairs: np.ndarray, n: int) -> np.ndarray:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(len(pairs), bool), pairs.T), shape=(n, n))
    return connected_components(links, directed=False)[1]


def friends(catalog: Any, duck: Duck, repeats: int) -> dict[str, Any]:
    import skyquarry as sq

    def tree() -> int:
        xyz, _ = read(duck)
        return int((np.bincount(linked(pairs_within(xyz, 2.0), len(xyz))) > 1).sum())

    def grouped() -> int:
        return len(np.unique(sq.friends_of_friends(catalog, 2.0).to_table()["group"].to_numpy()))

    ours, groups = timed(grouped, repeats, len(catalog))
    theirs, found = timed(tree, repeats)
    assert groups == found, f"{groups} and {found} groups"
    return {"groups": groups, "friends_of_friends": ours, "scipy": theirs} | compared(ours, theirs)


def duplicates(catalog: Any, duck: Duck, repeats: int) -> dict[str, Any]:
    import skyquarry as sq

    def tree() -> int:
        xyz, (r,) = read(duck, "r_mag")
        pairs = pairs_within(xyz, 1.0)
        pairs = pairs[np.abs(r[pairs[:, 0]] - r[pairs[:, 1]]) <= 0.5]
        group = linked(pairs, len(xyz))
        rows = np.flatnonzero(np.bincount(group)[group] > 1)
        along = rows[np.lexsort((r[rows], group[rows]))]
        return int(np.append(True, np.diff(group[along]) != 0).sum())

    def kept() -> int:
        told = sq.duplicates(catalog, 1.0, within={"r_mag": 0.5}, best="r_mag")
        return int(told["keep"].to_numpy().sum())

    ours, rows = timed(kept, repeats, len(catalog))
    theirs, found = timed(tree, repeats)
    assert rows == found, f"{rows} and {found} rows are kept"
    return {"kept": rows, "duplicates": ours, "scipy": theirs} | compared(ours, theirs)


def lenses(catalog: Any, duck: Duck, repeats: int) -> dict[str, Any]:
    import skyquarry as sq

    def tree() -> int:
        xyz, (u, g, r) = read(duck, *MAGNITUDES)
        i, j = pairs_within(xyz, 10.0).T
        keep = np.abs(r[i] - r[j]) > 0.1
        for colour in (u - g, g - r):
            keep &= np.abs(colour[i] - colour[j]) <= 0.05
        return int(keep.sum())

    asked = {"colours": ["u_mag - g_mag", "g_mag - r_mag"], "within": 0.05,
             "brightness": "r_mag", "differ": 0.1}  # fmt: skip
    plan = sq.lenses(catalog, 10.0, **asked)
    ours, rows = timed(lambda: plan.to_table().num_rows, repeats, len(catalog))
    theirs, found = timed(tree, repeats)
    assert rows == found, f"{rows} and {found} pairs"
    return {"pairs": rows, "lenses": ours, "scipy": theirs} | compared(ours, theirs)
