"""The columns of the tables of an identification: name, type, unit, and what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from skyquarry.catalog.columns import describe
from skyquarry.match.given.rows import Flag

if TYPE_CHECKING:
    from skyquarry.match.results.tables import Shape

_NAME = pa.dictionary(pa.int32(), pa.string())
_D, _L, _I, _S, _B, _T = (
    pa.float64(),
    pa.int64(),
    pa.int32(),
    pa.int16(),
    pa.bool_(),
    pa.string(),
)

# (name, type, unit, description); None is the type of the ids.
PAIRS = (
    ("left_id", None, "", "id in the catalogue that was given earlier"),
    ("right_id", None, "", "id in the catalogue that was given later"),
    ("sep_arcsec", _D, "arcsec", "separation at the epoch compared"),
    ("left_catalog", _NAME, "", "name of the earlier catalogue"),
    ("right_catalog", _NAME, "", "name of the later catalogue"),
    ("left_row", _L, "", "row number in the table that was given; null for a catalogue on disk"),
    ("right_row", _L, "", "row number in the table that was given; null for a catalogue on disk"),
    ("pa_deg", _D, "deg", "direction from left to right, east of north"),
    ("dra_cosdec_arcsec", _D, "arcsec", "right minus left, towards east"),
    ("ddec_arcsec", _D, "arcsec", "right minus left, towards north"),
    ("epoch_used", _D, "yr", "Julian epoch at which the two are compared"),
    ("sigma_major_arcsec", _D, "arcsec", "larger axis of the combined error ellipse"),
    ("sigma_minor_arcsec", _D, "arcsec", "smaller axis of the combined error ellipse"),
    ("sigma_pa_deg", _D, "deg", "direction of the larger axis, east of north"),
    ("chi2", _D, "", "of the offset, 2 degrees of freedom"),
    ("norm_sep", _D, "", "square root of chi2"),
    ("lnB_pos", _D, "", "ln Bayes factor of the positions and motions"),
    ("lnB_phot", _D, "", "ln ratio of the magnitudes together; null where not listed alone"),
    ("ln_gain", _D, "", "ln odds of the pair against both rows being alone"),
    ("posterior", _D, "", "probability that both rows are one object"),
    ("posterior_geometry", _D, "", "the same without lnB_phot"),
    ("p_any", _D, "", "probability that the left row has any counterpart in the right catalogue"),
    ("p_i", _D, "", "probability of this counterpart, given that there is one"),
    ("rank", _I, "", "1 for the most probable candidate of the left row in the right catalogue"),
    ("n_candidates", _I, "", "how many candidates the left row has in the right catalogue"),
    ("n_mates", _I, "", "how many other left rows have the right row as their best"),
    ("multiplicity", _I, "", "how many candidates share the best gain"),
    ("mutual", _B, "", "each is the most probable of the other"),
    ("is_match", _B, "", "both rows are in one accepted group"),
    ("match_flag", pa.int8(), "", "1 best, 2 more than half as probable as the best, 0 other"),
    ("group_id", _T, "", "the accepted group of both; null where there is none"),
    ("home_group", _T, "", "the group of the left row"),
    ("flags", _I, "", "bits, as listed under Flags"),
)
GROUPS = (
    ("group_id", _T, "", "catalogue and id of the first member"),
    ("ra", _D, "deg", "combined position, ICRS, at `epoch`"),
    ("dec", _D, "deg", "combined position, ICRS, at `epoch`"),
    ("n", _S, "", "how many members"),
    ("catalogs", _L, "", "bit c set: there is a member of catalogue c"),
    ("posterior", _D, "", "probability that exactly these rows are one object"),
    ("runner_up", _D, "", "probability of the best other group that shares a row"),
    ("lnB", _D, "", "ln Bayes factor of positions and motions; 0 for one row"),
    ("chi2", _D, "", "of the positions and motions about their mean"),
    ("dof", _S, "", "degrees of freedom of chi2"),
    ("p_value", _D, "", "probability of a larger chi2"),
    ("ra_error", _D, "arcsec", "one sigma, times cos dec"),
    ("dec_error", _D, "arcsec", "one sigma"),
    ("ra_dec_corr", _D, "", "correlation of the two"),
    ("epoch", _D, "yr", "Julian epoch of the combined position"),
    ("pmra", _D, "mas/yr", "proper motion towards east, times cos dec; null where not told"),
    ("pmdec", _D, "mas/yr", "proper motion towards north"),
    ("pmra_error", _D, "mas/yr", "one sigma"),
    ("pmdec_error", _D, "mas/yr", "one sigma"),
    ("flags", _I, "", "bits, as listed under Flags"),
)
MEMBERS = (
    ("group_id", _T, "", "the group that the row is in; its own where it is alone"),
    ("catalog", _NAME, "", "name of the row's catalogue"),
    ("row", _L, "", "row number in the table that was given; null for a catalogue on disk"),
    ("id", None, "", "the row's id"),
    ("membership_posterior", _D, "", "probability of the group"),
    ("p_none", _D, "", "probability that the row is alone"),
    ("n", _S, "", "how many members the group has"),
    ("reason", _NAME, "", "why a row is alone: no candidate, candidates rejected, ..."),
    ("flags", _I, "", "bits of the row itself, as listed under Flags"),
)

FLAGS = {
    Flag.PM_APPLIED: "a measured proper motion moved a row to the epoch compared",
    Flag.PM_PRIOR: "a motion that nobody measured was allowed for, by the prior",
    Flag.ERROR_FLOOR: "a floor is more of the error than what the catalogue states",
    Flag.DEFAULT_ERROR: "a row has a default error, for want of a usable one",
    Flag.AMBIGUOUS: "groups: the runner-up has a probability above 0.1",
    Flag.SHARED: "pairs: the right row is the best of other left rows too",
    Flag.BLEND: "a suspected blend: the wide error of a row fits better than its own",
    Flag.TIE: "pairs: another candidate of one of the rows gains as much; the lower id won",
    Flag.HEURISTIC: "the island was too large to be solved exactly",
    Flag.FOOTPRINT_EDGE: "near the edge of a footprint",
    Flag.FAST_PASS: "found by the second search, for fast stars",
    Flag.OUTLIER: "groups: p_value is below 1 - completeness",
    Flag.DUPLICATE: "the catalogue has the id twice at this place",
    Flag.ZERO_POINT: "the zero point of a row was corrected, for the comparison only",
}
# Names of Gaia's tables of cross-matches (Marrese et al. 2019), and what they are here.
NEIGHBOURHOOD = (
    ("source_id", "left_id"),
    ("original_ext_source_id", "right_id"),
    ("angular_distance", "sep_arcsec"),
    ("score", "ln_gain"),
    ("posterior", "posterior"),
)
BEST_NEIGHBOUR = (
    ("source_id", "left_id"),
    ("original_ext_source_id", "right_id"),
    ("angular_distance", "sep_arcsec"),
    ("number_of_neighbours", "n_candidates"),
    ("number_of_mates", "n_mates"),
    ("best_neighbour_multiplicity", "multiplicity"),
    ("posterior", "posterior"),
)


def pairs_schema(shape: Shape, *, hidden: bool = False) -> pa.Schema:
    """The table of pairs; `hidden`: with the left row's order-29 pixel, and its number."""
    return _schema(PAIRS, shape, ("_spatial", "_node") if hidden else ())


def groups_schema(shape: Shape, *, hidden: bool = False) -> pa.Schema:
    """The table of groups; `hidden`: with the pixels of its members."""
    schema = _schema(GROUPS, shape, ())
    for name, kind in zip(shape.names, shape.id_types, strict=True):
        told = describe(pa.field(f"{name}_id", kind), description=f"id of the member in {name}")
        schema = schema.append(told)
    if hidden:
        for name in (*(f"_{n}" for n in range(len(shape.names))), "_spatial"):
            schema = schema.append(pa.field(name, _L))
    return schema


def members_schema(shape: Shape, *, hidden: bool = False) -> pa.Schema:
    """The table of members; `hidden`: with their order-29 pixels and magnitudes."""
    schema = _schema(MEMBERS, shape, ("_spatial",) if hidden else ())
    return schema.append(pa.field("_mag", _D)) if hidden else schema


def _schema(
    columns: tuple[tuple[object, ...], ...], shape: Shape, hidden: tuple[str, ...]
) -> pa.Schema:
    fields = []
    for name, kind, unit, text in columns:
        field = pa.field(str(name), shape.id_type if kind is None else kind)
        meaning = {"unit": str(unit)} if unit else {}
        fields.append(describe(field, description=str(text), **meaning))
    return pa.schema([*fields, *(pa.field(name, _L) for name in hidden)])
