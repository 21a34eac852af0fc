"""A small sky with near misses planted: rows that one condition of the twenty queries keeps out.

Each is a copy of an object that is an answer, changed so that it breaks that condition and no
other: a query that forgets the condition gives it. What the small sky has too little of (galaxies
of low surface brightness, far quasars, dusty nuclei) is planted as well.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from skyquarry.testing.handmade import write_catalog
from skyquarry.testing.naive import twenty as slow
from skyquarry.testing.smallsky import INNER

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from skyquarry.engine.archive import Archive

TABLES: Final = ("photoobj", "specobj", "specline", "xcredshift", "photoz", "neighbors")
_FIRST_ID: Final = 10**15
"""new objects and spectra are numbered from here"""
_FAR: Final = {"ra": 250.0, "dec": -40.0}
"""45 degrees off the supergalactic plane"""
_DIM: Final = 24.5


@dataclass
class Garden:
    """Tables as pandas has them, and the rows that are added."""

    tables: dict[str, pd.DataFrame]
    planted: dict[str, list[pd.DataFrame]] = field(default_factory=dict)
    last: int = _FIRST_ID

    def photo(self, old: int, **changes: Any) -> int:
        """A copy of an object, its neighbours and its redshift with it: the new one's id."""
        new = self._copied("photoobj", "objID", old, **changes)
        for name in ("neighbors", "photoz"):
            self._add(name, self._rows(name, "objID", old).assign(objID=new))
        return new

    def pair(self, of: tuple[int, int], one: dict[str, Any], other: dict[str, Any]) -> None:
        """Copies of two neighbours, who are each other's alone."""
        new = [
            self._copied("photoobj", "objID", old, **changes)
            for old, changes in zip(of, (one, other), strict=True)
        ]
        rows = self._rows("neighbors", "objID", of[0])
        rows = rows[rows.NeighborObjID == of[1]]
        self._add("neighbors", rows.assign(objID=new[0], NeighborObjID=new[1]))

    def spectrum(
        self, old: int, line: Callable[[pd.DataFrame], pd.DataFrame] | None = None, **changes: Any
    ) -> None:
        """A second spectrum of an object, its lines changed by `line`."""
        new = self._copied("specobj", "specObjID", old, **changes)
        self._add("xcredshift", self._rows("xcredshift", "specObjID", old).assign(specObjID=new))
        lines = self._rows("specline", "specObjID", old).assign(specObjID=new)
        self._add("specline", lines if line is None else line(lines))

    def _copied(self, name: str, key: str, old: int, **changes: Any) -> int:
        self.last += 1
        rows = self._rows(name, key, old)
        assert len(rows) == 1, (name, key, old)
        told = {each: value(rows) if callable(value) else value for each, value in changes.items()}
        self._add(name, rows.assign(**told | {key: self.last}))
        return self.last

    def _rows(self, name: str, key: str, value: int) -> pd.DataFrame:
        table = self.tables[name]
        return table[table[key] == value]

    def _add(self, name: str, rows: pd.DataFrame) -> None:
        self.planted.setdefault(name, []).append(rows)


def planted(archive: Archive, folder: Path) -> Archive:
    """The archive with near misses, written anew in `folder`."""
    from skyquarry.engine.archive import archive as opened

    sky = slow.Sky(archive)
    garden = Garden({name: archive[name].to_table().to_pandas() for name in TABLES})
    for plant in (_photometry, _elliptical, _rare, _moving, _trails, _far, _spectra, _variable):
        plant(garden, sky)
    for name in TABLES:
        whole = pd.concat([garden.tables[name], *garden.planted.get(name, [])])
        table = pa.Table.from_pandas(whole, archive[name].to_table().schema, preserve_index=False)
        roles = archive[name].roles.to_properties()
        write_catalog(folder / name, table, properties=roles, max_rows=50_000, index=None)
    return opened(folder)


def _one(rows: list[tuple[Any, ...]]) -> int:
    return int(rows[len(rows) // 2][0])


def _flags(add: int = 0, drop: int = 0) -> Callable[[pd.DataFrame], Any]:
    return lambda rows: (rows["flags"] | add) & ~drop


def _photometry(garden: Garden, sky: slow.Sky) -> None:
    garden.photo(_one(slow.q1(sky, INNER)), flags=_flags(slow.SATURATED))
    garden.photo(_one(slow.q2(sky, INNER)), **_FAR)
    for (flat,) in slow.q4_2002(sky, INNER)[:10]:
        garden.photo(flat, rho=lambda rows: _DIM - rows.r)


def _elliptical(garden: Garden, sky: slow.Sky) -> None:
    """Of queries 5 and 20, whose conditions are the same."""
    large = {"petroR50_r": 3.0}
    plain = {f"reddening_{band}": 0.0 for band in "gri"}
    misses: tuple[dict[str, Any], ...] = (
        {"lExp_r": -0.1},
        {"flags": _flags(drop=slow.BINNED)},
        {"flags": _flags(slow.BLENDED, slow.NODEBLEND | slow.CHILD)},
        {"flags": _flags(slow.EDGE)},
        {"petroMag_r": 15.2, "petroR50_r": 1.5},
        {"petroMag_r": -1.0, **large},
        # g - r and r - i of which 0.18 + (g - r) / 4 is not far, with one magnitude below 0
        {"g": -0.1, "r": 0.3, "i": 0.2, "petroMag_r": 11.0, **plain, **large},
        {"g": 1.0, "r": -0.1, "i": 0.5, "petroMag_r": 16.0, **plain, "reddening_i": 1.055},
        {"g": 1.18, "r": 0.3, "i": -0.1, "petroMag_r": 15.8, **plain},
    )
    for base in (_one(slow.q5(sky, INNER)), _one(slow.q20(sky, INNER))):
        for changes in misses:
            garden.photo(base, **changes)


def _rare(garden: Garden, sky: slow.Sky) -> None:
    faint = {band: lambda rows, band=band: rows[band] + 20.0 for band in "ugriz"}
    garden.photo(_one(slow.q7(sky, INNER)), **faint)


def _moving(garden: Garden, sky: slow.Sky) -> None:
    base = _one(slow.q15(sky, INNER))
    garden.photo(base, rowv=0.0, colv=0.0)
    garden.photo(base, flags=_flags(drop=slow.MOVED))


def _trails(garden: Garden, sky: slow.Sky) -> None:
    """Of query 15B: of a pair, one image that is no trail."""
    one, other = slow.q15b(sky, INNER)[0]
    bright = dict.fromkeys("ugriz", 18.0)
    for base, band in ((one, "r"), (other, "g")):
        misses: list[dict[str, Any]] = [
            {f"q_{band}": 0.1, f"u_{band}": 0.1},
            {f"isoA_{band}": 1.5, f"isoB_{band}": 0.9},
            {f"isoA_{band}": 12.0, f"isoB_{band}": 10.0},
            {"parentID": 1},
        ]
        for dim in "ugriz":
            if dim != band:
                fibers = bright | {band: 18.0, dim: 17.9}
                misses.append({f"fiberMag_{each}": value for each, value in fibers.items()})
        for changes in misses:
            _both_trails(garden, (one, other), base, changes)
        _both_trails(garden, (one, other), base, _fiber(23.0), other=_fiber(21.5))
    _both_trails(garden, (one, other), other, {"field": lambda rows: rows.field + 3})


def _fiber(mag: float) -> dict[str, Any]:
    return {f"fiberMag_{band}": mag for band in "ugriz"}


def _both_trails(
    garden: Garden,
    pair: tuple[int, int],
    changed: int,
    changes: dict[str, Any],
    other: dict[str, Any] | None = None,
) -> None:
    """A run of their own, so that no other trail stands beside them."""
    run = {"run": 10_000 + garden.last % 10_000}
    for base in pair:
        usual = _fiber(18.0) if other is None else other
        more = changes if base == changed else {}
        garden.photo(base, **run | usual | {"parentID": 0} | more)


def _far(garden: Garden, sky: slow.Sky) -> None:
    base = _one(slow.q16_2002(sky, INNER))
    magnitudes = {"u": 23.5, "g": 20.0, "r": 18.4, "i": 18.2, "z": 18.1}
    for changes in ({"u": 21.0}, {"g": 19.3, "r": 18.4, "i": 18.5, "z": 18.4}, {"z": 17.5}):
        garden.photo(base, **magnitudes | changes)
    star = int(sky.star.objID.iloc[0])
    for step in range(10):
        garden.photo(star, r=24.1, i=21.8, z=19.5 + 0.01 * step)
    garden.photo(star, r=22.8, i=21.8, z=19.5)


def _spectra(garden: Garden, sky: slow.Sky) -> None:
    quasar = int(slow.q9(sky, INNER)[0][0])
    garden.spectrum(quasar, specClass=2)
    garden.spectrum(quasar, zConf=0.5)
    garden.spectrum(quasar, lambda lines: lines.assign(sigma=0.0))
    strange = int(slow.q11(sky, INNER)[0][0])
    garden.spectrum(strange, _as_known)
    dusty = sky.specline[(sky.specline.lineID == slow.H_ALPHA)]
    dusty = dusty[dusty.specObjID.isin(slow.spectra_of_galaxies(sky).index)]
    beta = sky.specline[sky.specline.lineID == slow.H_BETA].specObjID
    bases = dusty[dusty.specObjID.isin(beta)].specObjID.tolist()
    for base in bases[:10]:
        garden.spectrum(base, _widths(300.0, 12.0))
    garden.spectrum(bases[0], _widths(100.0, 12.0, third=300.0))


def _as_known(lines: pd.DataFrame) -> pd.DataFrame:
    """A known line where the unknown one is."""
    unknown = lines[lines.lineID == 0].wave.iloc[0]
    beside = lines[lines.lineID == 0].assign(lineID=slow.H_ALPHA, wave=unknown)
    return pd.concat([lines, beside])


def _widths(
    alpha: float, beta: float, third: float | None = None
) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """H alpha and H beta of these widths; another line of a third."""

    def changed(lines: pd.DataFrame) -> pd.DataFrame:
        known = lines[lines.lineID.isin([slow.H_ALPHA, slow.H_BETA])]
        widths = np.where(known.lineID == slow.H_ALPHA, alpha, beta)
        known = known.assign(ew=widths.astype(np.float32))
        if third is None:
            return known
        more = known[known.lineID == slow.H_ALPHA].assign(lineID=5008, ew=np.float32(third))
        return pd.concat([known, more])

    return changed


def _variable(garden: Garden, sky: slow.Sky) -> None:
    """Of query 14: of a pair, one magnitude that was not measured."""
    base = _one(slow.q14(sky, INNER))
    stars = sky.photoobj[sky.photoobj.type == slow.STAR]
    near = sky.neighbors[(sky.neighbors.objID == base) & (sky.neighbors.distanceMins < 0.5 / 60)]
    near = near[near.NeighborObjID.isin(stars.objID)]
    runs = stars.set_index("objID").run
    other = int(near[near.NeighborObjID.map(runs) != runs[base]].NeighborObjID.iloc[0])
    for band in "ugriz":
        # both differ in another band, so that one unknown magnitude alone keeps them out
        differs = {f"psfMag_{each}": 18.0 for each in "ugriz"}
        fainter = {f"psfMag_{each}": 22.0 for each in "ugriz"}
        unknown = {f"psfMag_{band}": -9999.0}
        garden.pair((base, other), differs | unknown, fainter)
        garden.pair((base, other), differs, fainter | unknown)
