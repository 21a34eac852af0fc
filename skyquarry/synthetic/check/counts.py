"""How many sources a square degree there are, beside published counts.

The published ones stand in `data/published_counts.csv`, each with its reference; the column
`checked` says whether the number was read in a source, or is from memory.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.special import ndtr

from skyquarry.sky import healpix
from skyquarry.sky.frames import to_frame
from skyquarry.sky.vectors import to_radec, to_xyz
from skyquarry.synthetic.bands import BAND, BANDS
from skyquarry.synthetic.blocks import limits_of
from skyquarry.synthetic.check.fields import BLOCK_DEG2, STARS, drawn
from skyquarry.synthetic.check.report import BOUNDS, Verdict
from skyquarry.synthetic.sources import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from skyquarry.synthetic.blocks import Population
    from skyquarry.synthetic.check.fields import Field
    from skyquarry.synthetic.sources import Sources

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

PLACES: Final = {
    "field 30": (202.27, 28.80),
    "field 45": (90.0, 45.0),
    "field 60": (217.58, 59.91),
    "field 78": (301.28, 77.87),
    "field 90": (0.0, 90.0),
}
"""{name: Galactic longitude and latitude}; 30, 60 and 78 are reference fields of 2MASS"""
BELTS: Final = {"belt 25-35": (25.0, 35.0), "belt 55-65": (55.0, 65.0), "belt 75-90": (75.0, 90.0)}
"""{name: |b|} over which the brightest stars are counted, where fields have too few"""
_BELT_DEG2: Final = 150.0
_KINDS: Final = {
    "stars": (*STARS, Kind.WHITE_DWARF, Kind.BROWN_DWARF),
    "galaxies": (Kind.GALAXY,),
    "quasars": (Kind.QUASAR,),
    "white dwarfs": (Kind.WHITE_DWARF,),
    "brown dwarfs by photo-type": (Kind.BROWN_DWARF, Kind.MAIN_SEQUENCE),
}
_L0: Final = 20.0
_PHOTO_TYPE_SIGMA: Final = 1.0
"""errors of spectral types told from colours: Skrzypek et al. 2016, abstract, one subtype. M9
dwarfs are many more than L0 ones, so that more are taken for these than the other way"""
_ALL: Final = 10.0
"""the bright limit of counts that have none"""
_ENOUGH: Final = 10.0
"""A count is judged where so many sources are expected: fewer are off by 30 % by chance."""


@dataclass(frozen=True, slots=True)
class Published:
    """So many sources a square degree, and who says so."""

    kind: str
    """a class, `rows` of a survey, or `stern`: rows of AllWISE chosen by colour"""
    survey: str
    band: str
    """in its survey's own system; v is Johnson's V; parallax in mas"""
    bright: float
    faint: float
    z_low: float
    z_high: float
    where: str
    per_deg2: float
    source: str
    checked: bool

    @property
    def what(self) -> str:
        """In words."""
        where = f", {_where(self.where)}" if _where(self.where) else ""
        if self.kind == "rows":
            return f"rows of {self.survey}{where}"
        if self.kind == "stern":
            return "rows of allwise, W1-W2 > 0.8, W2 < 15.05"
        if np.isfinite(self.z_low):
            where = f", z {self.z_low:g} to {self.z_high:g}{where}"
        if self.band == "parallax":
            return f"{self.kind}, parallax above {self.bright:g} mas{where}"
        limits = (
            f"< {self.faint:g}" if self.bright == _ALL else f"{self.bright:g} to {self.faint:g}"
        )
        return f"{self.kind}, {_band(self.band)} {limits}{where}"


def _where(name: str) -> str:
    """A field or a belt in words; nothing for what lies all over the sky."""
    first, _, rest = name.partition(" ")
    return {"field": f"|b| = {rest}", "belt": f"|b| {rest.replace('-', ' to ')}"}.get(first, "")


def _band(name: str) -> str:
    return {"gaia_g": "G", "v": "V", "ukidss_j": "J"}.get(name, name[-1])


@cache
def published() -> tuple[Published, ...]:
    """All that are known."""
    text = (resources.files("skyquarry.synthetic") / "data" / "published_counts.csv").read_text()
    numbers = ("bright", "faint", "z_low", "z_high", "per_deg2")
    told = []
    for row in csv.DictReader(text.splitlines()):
        known: dict[str, Any] = dict(row)
        known |= {name: float(row[name]) if row[name] else float("nan") for name in numbers}
        told.append(Published(**(known | {"checked": row["checked"] == "yes"})))
    return tuple(told)


def belt(name: str, populations: Sequence[Population], seed: int, scale: float = 1.0) -> Field:
    """The stars brighter than G = 10.5 of blocks all around the Galaxy."""
    low, high = BELTS[name]
    pixels = np.arange(12 << 14)
    _, b = to_radec(to_frame(to_xyz(*healpix.center(pixels, 7)), "galactic"))
    inside = pixels[(np.abs(b) > low) & (np.abs(b) < high)]
    wanted = min(len(inside), max(1, round(scale * _BELT_DEG2 / BLOCK_DEG2)))
    blocks = inside[((np.arange(wanted) + 0.5) * len(inside) / wanted).astype(np.int64)]
    limits = limits_of({"gaia_g": 10.5})
    return drawn(name, blocks, seed, populations, (), limits=limits)


def measured(fields: Mapping[str, Field]) -> list[dict[str, Any]]:
    """One row a published count: the simulated one beside it, or None where there is no field."""
    rows = []
    for each in published():
        parts = [field for name, field in fields.items() if _holds(name, each.where)]
        area = sum(field.area_deg2 for field in parts)
        counted = sum(_counted(each, field) for field in parts)
        rows.append(
            {
                "what": each.what,
                "kind": each.kind,
                "where": each.where,
                "band": each.band,
                "published": each.per_deg2,
                "simulated": counted / area if area else None,
                "counted": counted,
                "area_deg2": area,
                "source": each.source,
                "checked": each.checked,
            }
        )
    return rows


def _holds(name: str, where: str) -> bool:
    return name == where or (where == "fields" and name.startswith("field"))


def _counted(each: Published, field: Field) -> int:
    if each.kind == "rows":
        return int(field.tables[each.survey].num_rows)
    if each.kind == "stern":
        w1, w2 = (field.column("allwise", f"w{k}mpro") for k in (1, 2))
        return int(((w1 - w2 > 0.8) & (w2 < 15.05)).sum())
    sources = field.sources
    told = _told(each, sources)
    some = field.only(_KINDS[each.kind]) & (told >= each.bright) & (told < each.faint)
    if np.isfinite(each.z_low):
        some &= (sources.redshift >= each.z_low) & (sources.redshift < each.z_high)
    if each.kind == "brown dwarfs by photo-type":
        beyond = (sources.spectral_type[some] - _L0) / _PHOTO_TYPE_SIGMA
        return round(float(np.nansum(ndtr(beyond))))
    return int(some.sum())


def _told(each: Published, sources: Sources) -> Floats:
    """(n,) what is counted by: magnitudes, of what lies beyond our Galaxy without its dust."""
    if each.band == "parallax":
        return sources.parallax_mas
    if each.band == "v":
        g, r = (sources.mags[:, BAND[f"sdss_{band}"]].astype(np.float64) for band in "gr")
        with np.errstate(invalid="ignore"):
            return g - 0.59 * (g - r) - 0.01
    band = BANDS[BAND[each.band]]
    mags = sources.mags[:, BAND[each.band]].astype(np.float64) - band.vega_to_ab
    if each.kind in ("galaxies", "quasars"):
        mags -= band.extinction * np.nan_to_num(sources.ebv)
    return np.asarray(mags)


def judged(rows: Sequence[Mapping[str, Any]]) -> list[Verdict]:
    """One check a row."""
    return [_verdict(row) for row in rows]


def _verdict(row: Mapping[str, Any]) -> Verdict:
    what = str(row["what"])
    if row["simulated"] is None:
        return Verdict.missing("counts", what, "no such field was made")
    if row["published"] * row["area_deg2"] < _ENOUGH:
        return Verdict.missing("counts", what, f"{row['area_deg2']:.3g} square degrees are too few")
    near = abs(row["simulated"] / row["published"] - 1.0) <= BOUNDS["counts"]
    note = "" if row["checked"] else "the published number is from memory"
    return Verdict(
        "counts", what, row["simulated"], row["published"], f"within {BOUNDS['counts']:.0%}", near,
        note,
    )  # fmt: skip
