"""What a result is under Gaia's names, and what it keeps of how it was made."""

from __future__ import annotations

import json
from importlib import metadata

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import skyquarry as sq
from skyquarry.catalog.formats import open_table
from skyquarry.errors import UserError
from skyquarry.testing.crosstables import SURVEYS, cross_tables

NAMES = tuple(name for name, *_ in SURVEYS)
GAIA = {  # Marrese et al. 2019: their names, and ours
    "source_id": "left_id",
    "original_ext_source_id": "right_id",
    "angular_distance": "sep_arcsec",
}
BEST = {
    "number_of_neighbours": "n_candidates",
    "number_of_mates": "n_mates",
    "best_neighbour_multiplicity": "multiplicity",
}


@pytest.fixture(scope="module")
def plan():
    return sq.crossmatch(
        *[each.given for each in cross_tables(150, seed=3, spread=2e-4)], completeness=0.99
    )


@pytest.fixture(scope="module")
def result(plan):
    return plan.run("inline")


# ---------------------------------------------------------------- Gaia's names
def pairs_of(result, left, right):
    pairs = result.pairs
    names = (pc.cast(pairs[f"{side}_catalog"], "string") for side in ("left", "right"))
    both = [pc.equal(*each) for each in zip(names, (left, right), strict=True)]
    return pairs.filter(pc.and_(*both))


@pytest.mark.parametrize(("left", "right"), [NAMES[:2], (NAMES[0], NAMES[2]), NAMES[1:]])
def test_the_neighbourhood_is_every_candidate_under_gaias_names(result, left, right):
    pairs = pairs_of(result, left, right)
    found = result.neighbourhood(left, right)
    ours = GAIA | {"score": "ln_gain", "posterior": "posterior"}
    assert found.column_names == list(ours)
    assert found.num_rows == pairs.num_rows > 30
    assert all(found[name].equals(pairs[own]) for name, own in ours.items())


@pytest.mark.parametrize(("left", "right"), [NAMES[:2], (NAMES[0], NAMES[2]), NAMES[1:]])
def test_the_best_neighbour_is_every_match_under_gaias_names(result, left, right):
    pairs = pairs_of(result, left, right)
    pairs = pairs.filter(pairs["is_match"])
    found = result.best_neighbour(left, right)
    ours = GAIA | BEST | {"posterior": "posterior"}
    assert found.column_names == list(ours)
    assert found.num_rows == pairs.num_rows > 30
    assert all(found[name].equals(pairs[own]) for name, own in ours.items())
    assert len(set(found["source_id"].to_pylist())) == found.num_rows


def test_the_first_two_catalogues_are_neighbours_by_default(result):
    assert result.neighbourhood().equals(result.neighbourhood(*NAMES[:2]))
    assert result.best_neighbour().equals(result.best_neighbour(*NAMES[:2]))


@pytest.mark.parametrize(("left", "right"), [("wise", "gaia"), ("tmass", "tmass")])
def test_neighbours_of_a_later_catalogue_in_an_earlier_one_are_refused(result, left, right):
    with pytest.raises(UserError, match=f"of '{left}' in '{right}' .* earlier .*: try two"):
        result.neighbourhood(left, right)


# ---------------------------------------------------------------- provenance
def test_provenance_names_inputs_settings_calibration_and_versions(plan, result):
    told = result.provenance
    assert told["skyquarry"] == metadata.version("skyquarry")
    assert told["python"].count(".") == 2
    assert [each["name"] for each in told["inputs"]] == list(NAMES)
    for each, side in zip(told["inputs"], plan.node.sides, strict=True):
        assert each["rows"] == side.n_rows
        assert each["fingerprint"] == side.fingerprint
    assert told["settings"]["completeness"] == 0.99
    assert told["settings"]["constraint"] == "one_to_one"
    assert told["calibration"] == result.made.calibration.to_dict()
    assert told["densities_per_deg2"]
    assert told["passes"] >= 1


def test_the_fingerprint_of_an_input_follows_its_rows():
    tables = cross_tables(30)[:2]
    changed = tables[0].table.set_column(1, "ra", pc.add(tables[0].table["ra"], 1e-9))
    prints = [
        [each["fingerprint"] for each in sq.crossmatch(*given).run("inline").provenance["inputs"]]
        for given in (
            [each.given for each in tables],
            [tables[0].having(changed).given, tables[1].given],
        )
    ]
    assert prints[0][0] != prints[1][0]
    assert prints[0][1] == prints[1][1]


@pytest.mark.parametrize("kind", ["pairs", "groups"])
@pytest.mark.parametrize("suffix", ["parquet", "fits", "vot", "ecsv"])
def test_saved_files_keep_the_provenance(result, tmp_path, suffix, kind):
    path = tmp_path / f"{kind}.{suffix}"
    result.save(path, kind)
    told = open_table(path).schema.metadata[b"skyquarry_crossmatch"]
    assert json.loads(told) == result.provenance


def test_astropy_reads_the_provenance_of_a_fits_file(result, tmp_path):
    from astropy.io import fits

    result.save(tmp_path / "pairs.fits")
    told = fits.getheader(tmp_path / "pairs.fits", 1)["SKYQPROV"]
    assert json.loads(told) == result.provenance


def test_a_catalogue_keeps_the_provenance_among_its_properties(plan, result, tmp_path):
    made = plan.to_catalog(tmp_path / "found", "inline")
    assert json.loads(made.properties["skyquarry_crossmatch"]) == result.provenance
    again = sq.open(tmp_path / "found")
    assert json.loads(again.properties["skyquarry_crossmatch"]) == result.provenance


def test_parquet_has_the_provenance_in_its_own_metadata(result, tmp_path):
    result.save(tmp_path / "wide.parquet", "wide")
    told = pq.read_schema(tmp_path / "wide.parquet").metadata[b"skyquarry_crossmatch"]
    assert json.loads(told)["inputs"] == result.provenance["inputs"]
