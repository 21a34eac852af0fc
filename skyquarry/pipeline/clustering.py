"""Clusters of galaxies among classified objects: systems, in a table of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from skyquarry.catalog.arrow import from_numpy, pc, to_numpy
from skyquarry.catalog.classes import Class
from skyquarry.errors import ColumnError, UserError
from skyquarry.features.clusters import clusters_of
from skyquarry.features.making import features_of
from skyquarry.surveys.load import load

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from skyquarry.engine.catalog import Catalog
    from skyquarry.features.clusters import Found

    Floats = NDArray[np.float64]

_BANDS: Final = ("g", "r", "i")
_TOLD: Final = {
    "cluster_id": ("", "Number of the cluster, the richest first"),
    "ra": ("deg", "Right ascension of the brightest galaxy, ICRS"),
    "dec": ("deg", "Declination of the brightest galaxy, ICRS"),
    "richness": (
        "",
        "Red galaxies brighter than 0.2 L* within the radius, by membership probability",
    ),
    "richness_error": ("", "Poisson, and that membership is not sure"),
    "redshift": ("", "By the median colour of members"),
    "members": ("", "Galaxies that are members more probably than not"),
    "radius_arcsec": ("arcsec", "1.43 (richness / 100)^0.2 Mpc"),
    "brightest_id": ("", "The brightest galaxy, as in the match"),
    "brightest_mag": ("mag", "Its i magnitude, AB, without dust"),
    "gap_mag": ("mag", "From the brightest to the second"),
}
_SAME: Final = (
    "richness", "richness_error", "redshift", "members", "radius_arcsec", "brightest_mag",
    "gap_mag",
)  # fmt: skip


def clusters_among(
    matched: Catalog,
    classified: Catalog,
    surveys: Mapping[str, str],
    *,
    richness: float = 20.0,
) -> pa.Table:
    """Clusters (c rows) among the objects of a match that were classified as galaxies.

    matched: a wide match; classified: the same objects under a model. `surveys` tells whose columns
    those of each matched catalogue are, {prefix: survey}; the first one with magnitudes in g, r and
    i is taken. Richness and redshift are those of `features.clusters`: redshifts of 0.08 to 0.35.

    Raises UserError where no survey has g, r and i.
    """
    name, survey = _survey(surveys)
    galaxies = _galaxies(classified)
    parts = [_seen(batch, galaxies, name, survey) for batch in _batches(matched, name)]
    ids = pa.concat_arrays([each[0] for each in parts]) if parts else pa.array([], pa.int64())
    columns = np.concatenate([each[1] for each in parts], axis=1) if parts else np.empty((5, 0))
    ra, dec, colour, mag, error = columns
    found = clusters_of(ra, dec, colour, mag, g_r_error=error, richness=richness)
    return _table(found, ids)


def _survey(surveys: Mapping[str, str]) -> tuple[str, str]:
    for name, survey in surveys.items():
        if set(_BANDS) <= {band.name.partition("_")[0] for band in load(survey).roles.bands}:
            return name, survey
    raise UserError(
        f"clusters are found by magnitudes in g, r and i, but none of {', '.join(surveys)} has "
        "them: match a survey that does, as sdss"
    )


def _galaxies(classified: Catalog) -> pa.Array:
    """Ids of the objects that are galaxies more probably than anything else."""
    key = _key(classified)
    told = classified.select([key, "class"]).to_table()
    return told.filter(pc.equal(told["class"], Class.GALAXY.label))[key].combine_chunks()


def _key(catalog: Catalog) -> str:
    key = catalog.stored.roles.id
    if key is None:
        raise ColumnError(f"{catalog.name} has no ids, but galaxies are named by them")
    return key


def _batches(matched: Catalog, name: str) -> Iterator[pa.RecordBatch]:
    own = [each for each in matched.stored.schema.names if each.startswith(f"{name}_")]
    needed = [_key(matched), "ra", "dec", *own]
    return matched.select(list(dict.fromkeys(needed))).stream()


def _seen(
    batch: pa.RecordBatch, galaxies: pa.Array, name: str, survey: str
) -> tuple[pa.Array, Floats]:
    """Ids, and ra, dec, g - r and i without dust, error of g - r: (5, n) of the galaxies."""
    key = batch.schema.names[0]
    kept = batch.filter(pc.is_in(batch[key], value_set=galaxies))
    if not kept.num_rows:
        return kept[key], np.empty((5, 0))
    table = pa.Table.from_batches([kept])
    found = load(survey)
    short = found.aliases[0] if found.aliases else found.name
    wanted = [f"{short}_g-r_0", f"{short}_i", f"{short}_g_snr", f"{short}_r_snr", "ebv"]
    made = features_of(table, {name: survey}, which=wanted, absent="nan").columns(wanted)
    colour, mag, g_snr, r_snr, ebv = np.asarray(made.values, np.float64).T
    steps = next(
        band.extinction or 0.0 for band in found.roles.bands if band.name.partition("_")[0] == "i"
    )
    error = 1.0857362 * np.hypot(1.0 / g_snr, 1.0 / r_snr)
    ra, dec = (to_numpy(kept[each]) for each in ("ra", "dec"))
    return kept[key], np.stack([ra, dec, colour, mag - steps * ebv, error])


def _table(found: Found, ids: pa.Array) -> pa.Table:
    columns: dict[str, Any] = {
        "cluster_id": from_numpy(np.arange(1, len(found.row) + 1)),
        "ra": from_numpy(found.ra_deg),
        "dec": from_numpy(found.dec_deg),
        "brightest_id": ids.take(from_numpy(found.row)),
    } | {name: from_numpy(getattr(found, name)) for name in _SAME}
    fields = [
        pa.field(
            name, columns[name].type,
            metadata={"description": text} | ({"unit": unit} if unit else {}),
        )
        for name, (unit, text) in _TOLD.items()
    ]  # fmt: skip
    return pa.table([columns[name] for name in _TOLD], schema=pa.schema(fields))
