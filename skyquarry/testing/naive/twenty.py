"""The twenty queries answered by numpy and pandas, without SQL: slow, plain, independent.

Each takes the tables and the boxes and gives sorted rows: `oracle(name)(sky, boxes)`.
"""

# ruff: noqa: D103  (a function a query; what each asks stands in `skyquarry.adql.twenty`)

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable

    from skyquarry.adql.twenty.asked import Boxes
    from skyquarry.engine.archive import Archive

    Rows = list[tuple[Any, ...]]
    Frame = Any
    """a pandas DataFrame, which has no types here"""

EDGE, BLENDED, CHILD, NODEBLEND, SATURATED, BINNED, MOVED = (
    1 << 2, 1 << 3, 1 << 4, 1 << 6, 1 << 18, 7 << 28, 1 << 31
)  # fmt: skip
STAR, GALAXY, H_ALPHA, H_BETA = 6, 3, 6564, 4862


class Sky:
    """The tables of an archive as pandas has them, floats in 64 bits."""

    photoobj: Frame
    specobj: Frame
    specline: Frame
    xcredshift: Frame
    photoz: Frame
    neighbors: Frame

    def __init__(self, archive: Archive) -> None:
        names = ("photoobj", "specobj", "specline", "xcredshift", "photoz", "neighbors")
        for name in names:
            table = archive[name].to_table().to_pandas()
            narrow = table.select_dtypes("float32").columns
            setattr(self, name, table.astype(dict.fromkeys(narrow, "float64")))
        photo = self.photoobj
        self.primary = photo[photo["mode"] == 1]
        self.star = self.primary[self.primary.type == 6]
        self.galaxy = self.primary[self.primary.type == 3]


def vectors(ra: Any, dec: Any) -> Any:
    ra, dec = np.radians(ra), np.radians(dec)
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=-1)


def apart_deg(one: Any, other: Any) -> Any:
    """By the tangent of half the angle, which is good for small ones and for large."""
    less, more = np.linalg.norm(one - other, axis=-1), np.linalg.norm(one + other, axis=-1)
    return np.degrees(2 * np.arctan2(less, more))


def ids(frame: Frame, *names: str) -> Rows:
    return sorted(map(tuple, frame[list(names or ("objID",))].to_numpy().tolist()))


def q1(sky: Sky, at: Boxes) -> Rows:
    g = sky.galaxy
    away = apart_deg(vectors(g.ra, g.dec), vectors(*at.cone))
    kept = g[(away <= at.cone_arcmin / 60) & (g["flags"].to_numpy() & SATURATED == 0)]
    order = np.argsort(away[np.isin(g.objID, kept.objID)], kind="stable")
    return [(each,) for each in kept.objID.to_numpy()[order].tolist()]


def q2_2002(sky: Sky, at: Boxes) -> Rows:
    g = sky.galaxy
    bright = g.g + g.rho
    return ids(g[(g.ra >= at.southern[0]) & (g.ra <= at.southern[1]) & (g.dec < 0)
                 & (bright >= 23) & (bright <= 25)])  # fmt: skip


def q2(sky: Sky, at: Boxes) -> Rows:
    """Supergalactic latitude by astropy."""
    from astropy.coordinates import SkyCoord

    del at
    g = sky.galaxy
    plane = SkyCoord(g.ra.to_numpy(), g.dec.to_numpy(), unit="deg").supergalactic.sgb.deg
    bright = g.g + g.rho
    return ids(g[(np.abs(plane) <= 10) & (g.dec < 0) & (bright >= 23) & (bright <= 25)])


def q3(sky: Sky, at: Boxes) -> Rows:
    g = sky.galaxy
    return ids(g[(g.r < 22) & (g.reddening_r > at.reddened)])


def _flat(sky: Sky, brightness: Callable[[Any], Any]) -> Rows:
    g = sky.galaxy
    return ids(g[brightness(g.r + g.rho) & (g.isoA_r >= 30) & (g.isoA_r <= 60)
                 & (np.hypot(g.q_r, g.u_r) > 0.5)])  # fmt: skip


def q4(sky: Sky, at: Boxes) -> Rows:
    del at
    return _flat(sky, lambda brightness: brightness > 24)


def q4_2002(sky: Sky, at: Boxes) -> Rows:
    del at
    return _flat(sky, lambda brightness: brightness < 24)


def elliptical(g: Frame, *, sized: bool) -> Frame:
    flags = g["flags"].to_numpy()
    m = g.petroMag_r - g.reddening_r
    gr = (g.g - g.reddening_g) - (g.r - g.reddening_r)
    ri = (g.r - g.reddening_r) - (g.i - g.reddening_i)
    across = ri - gr / 4 - 0.18
    disc = m + 2.5 * np.log10(2 * 3.1415 * g.petroR50_r**2)
    first = (m < 19.2) & (m < 12.38 + 7 / 3 * gr + 4 * ri) & (np.abs(across) < 0.2)
    second = (m < 19.5) & (across > 0.45 - 4 * gr) & (gr > 1.35 + 0.25 * ri)
    if sized:
        first, second = first & (disc < 24.2), second & (disc < 23.3)
    alone = (flags & BLENDED == 0) | (flags & (NODEBLEND | CHILD) != 0)
    profile = (g.lDev_r > 1.1 * g.lExp_r) & (g.lExp_r > 0)
    good = (flags & BINNED != 0) & alone & (flags & (EDGE | SATURATED) == 0)
    sane = (g.petroMag_r > 0) & (g.g > 0) & (g.r > 0) & (g.i > 0)
    sizes = (g.petroMag_i > 17.5) & ((g.petroMag_r > 15.5) | (g.petroR50_r > 2))
    return g[profile & good & sane & sizes & (first | second)]


def q5(sky: Sky, at: Boxes) -> Rows:
    del at
    return ids(elliptical(sky.galaxy, sized=False))


def q6(sky: Sky, at: Boxes) -> Rows:
    del at
    parents = sky.star.parentID.value_counts()
    g = sky.galaxy[sky.galaxy.parentID > 0]
    times = g.parentID.map(parents).fillna(0).astype(int)
    return ids(g.loc[g.index.repeat(times)])


def _away_from_zero(values: Any) -> Any:
    return np.sign(values) * np.floor(np.abs(values) + 0.5)


def _colour_bins(sky: Sky) -> Frame:
    s = sky.star[sky.star[list("ugriz")].sum(axis=1) < 150]
    bins = pd.DataFrame({"objID": s.objID} | {
        a + b: _away_from_zero(s[a] - s[b]) for a, b in ("ug", "gr", "ri", "iz")
    })  # fmt: skip
    bins["n"] = bins.groupby(["ug", "gr", "ri", "iz"]).objID.transform("size")
    return bins


def q7_2002(sky: Sky, at: Boxes) -> Rows:
    del at
    bins = _colour_bins(sky).drop(columns="objID").drop_duplicates()
    return ids(bins, "ug", "gr", "ri", "iz", "n")


def q7(sky: Sky, at: Boxes) -> Rows:
    del at
    bins = _colour_bins(sky)
    return ids(bins[100 * bins.n < len(bins)], "objID", "n")


def q8(sky: Sky, at: Boxes) -> Rows:
    del at
    return ids(sky.specobj[sky.specobj.specClass == 0], "specObjID")


def q9(sky: Sky, at: Boxes) -> Rows:
    del at
    s = sky.specobj[sky.specobj.specClass.isin([3, 4]) & sky.specobj.z.between(2.5, 2.7)
                    & (sky.specobj.zConf > 0.9)]  # fmt: skip
    lines = sky.specline.assign(width=300000 * sky.specline.sigma / sky.specline.wave)
    wide = lines[lines.width > 2000].groupby("specObjID").width.max()
    s = s[s.specObjID.isin(wide.index)]
    return sorted(zip(s.specObjID.tolist(), wide[s.specObjID].tolist(), s.z.tolist(), strict=True))


def spectra_of_galaxies(sky: Sky) -> Frame:
    s = sky.specobj
    return s[s.objID.isin(sky.galaxy.objID)].set_index("specObjID").objID


def q10(sky: Sky, at: Boxes) -> Rows:
    del at
    line = sky.specline[(sky.specline.lineID == 6564) & (sky.specline.ew > 40)]
    found = line.specObjID.map(spectra_of_galaxies(sky)).dropna()
    return sorted((int(each),) for each in found)


def q10a(sky: Sky, at: Boxes) -> Rows:
    del at
    lines = sky.specline
    alpha = lines[(lines.lineID == 6564) & (lines.ew > 200)]
    beta = lines[(lines.lineID == 4862) & (lines.ew > 10)]
    of = spectra_of_galaxies(sky)
    return sorted(
        (int(of[a.specObjID]),)
        for a in alpha.itertuples() for b in beta.itertuples()
        if a.specObjID == b.specObjID and b.ew * 20 < a.ew and a.specObjID in of.index
    )  # fmt: skip


def q11(sky: Sky, at: Boxes) -> Rows:
    del at
    red = set(sky.xcredshift[sky.xcredshift.tempNo == 8].specObjID)
    strange = sky.specline[(sky.specline.lineID == 0)]
    known = sky.specline[sky.specline.lineID != 0]
    out = set()
    for spectrum in red & set(strange[strange.ew > 10].specObjID):
        mine = strange[strange.specObjID == spectrum].wave.to_numpy()
        theirs = known[known.specObjID == spectrum].wave.to_numpy()
        if not (np.abs(mine[:, None] - theirs) < 0.01).any():
            out.add((int(spectrum),))
    return sorted(out)


def _gridded(rows: Frame, at: Boxes) -> Rows:
    ra0, ra1, dec0, dec1 = at.grid
    rows = rows[rows.ra.between(ra0, ra1) & rows.dec.between(dec0, dec1)]
    y = np.floor(30 * rows.dec) / 30
    x = np.floor(30 * rows.ra * np.cos(np.radians(y)))
    return ids(pd.DataFrame({"x": x, "y": y}).value_counts().reset_index(name="n"), "x", "y", "n")


def q12(sky: Sky, at: Boxes) -> Rows:
    g = sky.galaxy
    return _gridded(g[(g.u - g.g > 1) & (g.r < 21.5)], at)


def q12mask(sky: Sky, at: Boxes) -> Rows:
    return _gridded(sky.photoobj[sky.photoobj.type.isin([0, 1, 2, 4, 7])], at)


def q13(sky: Sky, at: Boxes) -> Rows:
    """Trixels by the ids that rows carry: 12 levels below the eighth are two bits each."""
    del at
    g = sky.galaxy
    g = g[(0.7 * g.u - 0.5 * g.g - 0.2 * g.i < 1.25) & (g.r < 21.75)]
    told = g.groupby(g.htmID // 4**12).agg(ra=("ra", "mean"), dec=("dec", "mean"), n=("ra", "size"))
    return ids(told.reset_index(), "htmID", "ra", "dec", "n")


def _neighbours(sky: Sky, left: Frame, right: Frame, within_deg: float) -> Frame:
    near = sky.neighbors[sky.neighbors.distanceMins < within_deg * 60]
    pairs = near[["objID", "NeighborObjID"]].merge(left, on="objID")
    return pairs.merge(right, left_on="NeighborObjID", right_on="objID", suffixes=("", "_2"))


def q14(sky: Sky, at: Boxes) -> Rows:
    del at
    stars = sky.photoobj[sky.photoobj.type == 6]
    both = _neighbours(sky, sky.star, stars, 0.5 / 3600)
    both = both[both.run != both.run_2]
    sane, varies = np.ones(len(both), bool), np.zeros(len(both), bool)
    for band in "ugriz":
        one, other = both[f"psfMag_{band}"], both[f"psfMag_{band}_2"]
        errors = np.abs(both[f"psfMagErr_{band}"]) + np.abs(both[f"psfMagErr_{band}_2"])
        sane &= one.between(1, 27) & other.between(1, 27)
        varies |= np.abs(one - other) > 0.1 + errors
    return ids(both[sane & varies].drop_duplicates("objID"))


def q15_2002(sky: Sky, at: Boxes) -> Rows:
    del at
    p = sky.photoobj
    speed2 = p.rowv**2 + p.colv**2
    kept = speed2.between(50, 1000) & (p.rowv >= 0) & (p.colv >= 0)
    return ids(p[kept])


def q15(sky: Sky, at: Boxes) -> Rows:
    del at
    p = sky.photoobj
    speed = np.hypot(p.rowv, p.colv)
    moved = p["flags"].to_numpy() & MOVED != 0
    return ids(p[(speed > 0) & (speed / 3600 * 4 * 71.72 < 2) & moved])


def q15b(sky: Sky, at: Boxes) -> Rows:
    del at
    p = sky.photoobj
    fiber = p[[f"fiberMag_{band}" for band in "ugriz"]].min(axis=1)

    def trails(band: str) -> Frame:
        return p[(p[f"q_{band}"]**2 + p[f"u_{band}"]**2 > 0.111111)
                 & (p[f"isoA_{band}"] / p[f"isoB_{band}"] > 1.5) & (p[f"isoA_{band}"] > 2)
                 & (p.parentID == 0) & p[f"fiberMag_{band}"].between(6, 22)
                 & (p[f"fiberMag_{band}"] <= fiber)]  # fmt: skip

    both = trails("r").merge(trails("g"), on=["run", "camcol"], suffixes=("_1", "_2"))
    away = apart_deg(vectors(both.ra_1, both.dec_1), vectors(both.ra_2, both.dec_2))
    kept = (np.abs(both.field_1 - both.field_2) <= 1) & (away < 4 / 60)
    kept &= np.abs(both.fiberMag_r_1 - both.fiberMag_g_2) < 2
    return ids(both[kept], "objID_1", "objID_2")


def q16_2002(sky: Sky, at: Boxes) -> Rows:
    del at
    p = sky.primary
    gr, ri = p.g - p.r, p.r - p.i
    kept = ((p.u - p.g > 2) | (p.u > 22.3)) & p.i.between(0, 19) & (gr > 1) & (p.i - p.z < 0.25)
    return ids(p[kept & ((ri < 0.08 + 0.42 * (gr - 0.96)) | (gr > 2.26))], "objID", "type")


def q16(sky: Sky, at: Boxes) -> Rows:
    del at
    s = sky.star
    kept = (np.abs(s.r - s.i - 2.3) < 0.2) | (s.r > 23)
    return ids(s[kept & (np.abs(s.i - s.z - 2.3) < 0.2) & (s.z < 20.5)])


def q17(sky: Sky, at: Boxes) -> Rows:
    del at
    s = sky.star
    white = s[(s.u - s.g < 0.4) & (s.g - s.r < 0.7) & (s.r - s.i > 0.4) & (s.i - s.z > 0.4)]
    both = _neighbours(sky, white[["objID"]], s[["objID"]], 3 / 3600)
    return ids(both.drop_duplicates("objID"))


def _alike(both: Frame) -> Rows:
    same = np.ones(len(both), bool)
    for a, b in ("ug", "gr", "ri", "iz"):
        same &= np.abs((both[a] - both[b]) - (both[f"{a}_2"] - both[f"{b}_2"])) < 0.05
    return ids(both[same & (both.objID < both.objID_2)].drop_duplicates("objID"))


def q18_2002(sky: Sky, at: Boxes) -> Rows:
    del at
    p = sky.primary[["objID", *"ugriz"]]
    return _alike(_neighbours(sky, p, p, 1.0))


def q18(sky: Sky, at: Boxes) -> Rows:
    from scipy.spatial import cKDTree

    del at
    p = sky.primary[["objID", "ra", "dec", *"ugriz"]].reset_index(drop=True)
    xyz = vectors(p.ra, p.dec)
    one, other = cKDTree(xyz).query_pairs(2 * np.sin(np.radians(1 / 60) / 2) * 1.001,
                                          output_type="ndarray").T  # fmt: skip
    near = apart_deg(xyz[one], xyz[other]) < 1 / 60
    one, other = one[near], other[near]
    first = np.where(p.objID[one].to_numpy() < p.objID[other].to_numpy(), one, other)
    second = one + other - first
    right = p.loc[second].reset_index(drop=True).add_suffix("_2")
    both = pd.concat([p.loc[first].reset_index(drop=True), right], axis=1)
    return _alike(both)


def q19(sky: Sky, at: Boxes) -> Rows:
    del at
    dark = sky.specline[(sky.specline.lineID != 0) & (sky.specline.ew < -10)]
    s = sky.specobj[sky.specobj.specClass.isin([3, 4]) & sky.specobj.specObjID.isin(dark.specObjID)]
    both = _neighbours(sky, s[["objID", "specObjID"]], sky.galaxy[["objID"]], 10 / 3600)
    return ids(both.drop_duplicates("specObjID"), "specObjID")


def q20(sky: Sky, at: Boxes) -> Rows:
    ra0, ra1, dec0, dec1 = at.red
    red = elliptical(sky.galaxy, sized=True)
    red = red[red.ra.between(ra0, ra1) & red.dec.between(dec0, dec1)]
    z = sky.photoz.set_index("objID").z
    both = _neighbours(sky, red[["objID"]], sky.galaxy[["objID"]], 1.0)
    near = np.abs(both.objID.map(z) - both.objID_2.map(z)) < 0.05
    return ids(both[near].groupby("objID").size().reset_index(name="n"), "objID", "n")


ORACLES: Final = {
    "1": q1, "2": q2, "3": q3, "4": q4, "5": q5, "6": q6, "7": q7, "8": q8, "9": q9, "10": q10,
    "11": q11, "12": q12, "12mask": q12mask, "13": q13, "14": q14, "15": q15, "16": q16,
    "17": q17, "18": q18, "19": q19, "20": q20,
    "2-2002": q2_2002, "4-2002": q4_2002, "7-2002": q7_2002, "10A-2002": q10a,
    "15-2002": q15_2002, "15B-2002": q15b, "16-2002": q16_2002, "18-2002": q18_2002,
}  # fmt: skip
"""those without a form of their own for 2002 have the constants of 2000"""


def oracle(name: str) -> Callable[[Sky, Boxes], Rows]:
    """The slow twin of a query."""
    return ORACLES.get(name) or ORACLES[name.removesuffix("-2002")]
