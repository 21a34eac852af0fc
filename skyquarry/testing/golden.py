"""Fields with a truth that lie beside a checkout, as tables with roles: field4 and M67.

`field4` is a simulated field in four catalogues, in two placements of the same physics (across RA
0, over the pole); M67's western half is real, in thirteen surveys, with one table of which rows
are one star. Neither is copied into the project: a test that finds no folder skips.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from skyquarry.catalog.arrow import to_numpy
from skyquarry.catalog.roles import Band, Epoch, Motion, PositionError, Roles
from skyquarry.testing.scores import Parts, TruePairs, pair_keys

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

FIELD4: Final = ("gaia", "tmass", "wise", "ps1")


@dataclass(frozen=True, slots=True)
class Field:
    """Catalogues of one field, by name, and their roles."""

    catalogs: dict[str, pa.Table]
    roles: dict[str, Roles]

    def rows_of(self, name: str, ids: NDArray[Any]) -> Ints:
        """Row numbers of these ids in one catalogue; KeyError for an id that is not there."""
        order = {i: k for k, i in enumerate(self.catalogs[name][self.roles[name].id].to_pylist())}
        return np.array([order[i] for i in np.asarray(ids).tolist()], np.int64)


# ---------------------------------------------------------------- field4
def field4(folder: Path, placement: str) -> tuple[Field, dict[str, Parts]]:
    """The golden field in `folder`, "wrap" or "pole", and the parts of each catalogue's rows."""
    error = PositionError(
        "covariance", ("sigma_east_arcsec", "sigma_north_arcsec", "corr_east_north")
    )
    bands = {"gaia": "G", "tmass": "J", "wise": "W1", "ps1": "i"}
    motion = Motion("pmra_masyr", "pmdec_masyr", "pm_error_masyr", "pm_error_masyr")
    field = Field(
        {name: pq.read_table(folder / f"field4_{placement}_{name}.parquet") for name in FIELD4},
        {
            name: Roles(
                "ra_deg",
                "dec_deg",
                "id",
                epoch=Epoch("epoch_jyear"),
                position_error=error,
                motion=motion if name == "gaia" else None,
                bands=(Band(bands[name], "mag"),),
            )
            for name in FIELD4
        },
    )
    links = pq.read_table(folder / f"field4_{placement}_links.parquet")
    parts = {}
    for name in FIELD4:
        mine = links.filter(pc.equal(links["cat"], name))
        rows = field.rows_of(name, to_numpy(mine["det_id"]))
        parts[name] = Parts(rows, to_numpy(mine["obj_id"]), to_numpy(mine["is_primary"]))
    return field, parts


def primary_objects(parts: Parts, n_rows: int) -> Ints:
    """(n_rows,) the brightest object of each row, -1 for none."""
    told = np.full(n_rows, -1, np.int64)
    told[parts.row[parts.primary]] = parts.object[parts.primary]
    return told


# ---------------------------------------------------------------- M67
_GAIA_ARCSEC: Final = 0.001  # the excerpt lacks Gaia's errors of position
# Epoch and one sigma per axis that the tables, which have no errors, are taken to have.
_M67: Final = {
    "ps1": (2012.5, 0.05, "median_2"),
    "twomass": (2000.0, 0.10, "j_m"),
    "allwise": (2010.5, 0.10, "w1mpro"),
    "tycho2": (2000.0, 0.20, "vtmag"),
    "galex": (2006.0, 0.50, None),
    "sdss_star": (2004.0, 0.06, None),
    "sdss_gal": (2004.0, 0.40, None),
    "ukidss_las": (2008.0, 0.10, None),
    "apogee_payne": (2000.0, 0.10, None),
    "segue": (2004.0, 0.15, None),
    "lamost_dr3": (2000.0, 0.15, None),
    "sdss_spec": (2004.0, 0.15, None),
}
M67: Final = tuple(_M67)
"""The surveys of M67 beside Gaia DR2."""


def m67(folder: Path) -> tuple[Field, dict[str, TruePairs]]:
    """Gaia DR2 ("gaia_dr2") and the surveys `M67` in `folder`, and the true pairs of each."""
    from skyquarry.surveys.load import load

    gaia = pq.read_table(folder / "gaia_dr2.parquet")
    catalogs, roles = {"gaia_dr2": gaia}, {}
    fitted = load("gaia_dr2").roles.fitted(gaia.column_names)[0]
    error = PositionError("fixed", fixed_arcsec=_GAIA_ARCSEC)
    roles["gaia_dr2"] = replace(fitted, position_error=error)
    for name, (epoch, sigma, mag) in _M67.items():
        table = pq.read_table(folder / f"{name}.parquet")
        ra, dec = ("plug_ra", "plug_dec") if "plug_ra" in table.column_names else ("ra", "dec")
        bands = (Band(mag, mag),) if mag is not None and name != "ps1" else ()
        error = PositionError("fixed", fixed_arcsec=sigma)
        # ids are not all unique, so that rows go by their number
        roles[name] = Roles(ra, dec, epoch=Epoch(jyear=epoch), position_error=error, bands=bands)
        catalogs[name] = _as_float64(table, (ra, dec))
    field = Field(catalogs, roles)
    truth = pq.read_table(folder / "truth.parquet")
    return field, {name: _m67_pairs(field, name, truth) for name in M67}


def _as_float64(table: pa.Table, names: tuple[str, ...]) -> pa.Table:
    import pyarrow as pa

    for name in names:
        at = table.column_names.index(name)
        table = table.set_column(at, name, table[name].cast(pa.float64()))
    return table


def _m67_pairs(field: Field, name: str, truth: pa.Table) -> TruePairs:
    """True pairs of Gaia and one survey, whose rows the truth names by position."""
    roles, table = field.roles[name], field.catalogs[name]
    place = zip(table[roles.ra].to_pylist(), table[roles.dec].to_pylist(), strict=True)
    row_at = {each: k for k, each in enumerate(place)}
    has = truth.filter(truth[f"{name}_ra"].is_valid())
    left = field.rows_of("gaia_dr2", to_numpy(has["gaia_source_id"]))
    there = zip(has[f"{name}_ra"].to_pylist(), has[f"{name}_dec"].to_pylist(), strict=True)
    keys = np.unique(pair_keys(left, np.array([row_at[each] for each in there], np.int64)))
    return TruePairs(keys, keys)


# ---------------------------------------------------------------- the matcher on them
def identify(field: Field, names: tuple[str, ...], **settings: Any) -> Any:
    """The `MatchResult` of a cross-match of these catalogues of a field."""
    from skyquarry.pipeline.crossmatching import crossmatch

    sides = [(field.catalogs[name], field.roles[name]) for name in names]
    return crossmatch(*sides, names=names, **settings).run()


def matched_rows(pairs: pa.Table, left: str, right: str) -> tuple[Ints, Ints]:
    """(left rows, right rows) of the pairs of two catalogues that a result calls matches."""
    names = (pc.cast(pairs[f"{side}_catalog"], "string") for side in ("left", "right"))
    of_left, of_right = names
    wanted = pc.and_(pc.and_(pc.equal(of_left, left), pc.equal(of_right, right)), pairs["is_match"])
    kept = pairs.filter(wanted)
    return to_numpy(kept["left_row"]), to_numpy(kept["right_row"])


def group_members(result: Any, names: tuple[str, ...]) -> tuple[Ints, Ints, Ints, NDArray[Any]]:
    """(group number, catalogue number, row, posterior of its group) of every member."""
    members, groups = result.members, result.groups
    order = {g: k for k, g in enumerate(groups["group_id"].to_pylist())}
    number = np.array([order[g] for g in members["group_id"].to_pylist()], np.int64)
    catalogs = pc.index_in(pc.cast(members["catalog"], "string"), value_set=_strings(names))
    return (
        number,
        to_numpy(catalogs).astype(np.int64),
        to_numpy(members["row"]),
        to_numpy(groups["posterior"])[number],
    )


def _strings(names: tuple[str, ...]) -> pa.Array:
    import pyarrow as pa

    return pa.array(names, pa.string())
