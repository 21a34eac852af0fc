"""`fetch` from the command line: a download built, a dry run, and mistakes that are named."""

from __future__ import annotations

import json

import pytest

from skyquarry.testing.tapserver import Fault, TapServer

from .conftest import stars

pytest.importorskip("pyvo")


@pytest.fixture
def server():
    with TapServer(stars(), name="catalogue.stars") as server:
        yield server


def test_a_cone_in_degrees_is_fetched_and_built(run, server, tmp_path):
    to = tmp_path / "out" / "stars"
    where = ("--tap", server.url, "--table", "catalogue.stars", "--cone", 350, -5, 30)
    told = json.loads(run("fetch", *where, "--to", to, "--json").stdout)
    assert told["rows_stored"] == told["rows_in"] > 100
    assert json.loads(run("info", to, "--json").stdout)["rows"] == told["rows_in"]
    asked = len(server.queries)
    run("fetch", *where, "--to", to)
    assert len(server.queries) == asked


def test_a_dry_run_shows_cells_queries_and_rows(run, server, tmp_path):
    to = ("--to", tmp_path / "x")
    told = run("fetch", "gaia", "--cone", 180, 30, 2, *to, "--dry-run").stdout
    assert "84 cells" in told
    assert "551,822 rows" in told
    assert "SELECT solution_id, source_id" in told
    data = json.loads(run("fetch", "2mass", "--region", "RANGE 350 10 -5 5", *to, "--dry-run",
                          "--json").stdout)  # fmt: skip
    assert data["rows_expected"] > 1_000_000
    assert all("FROM fp_psc" in cell["query"] for cell in data["cells"])
    assert not (tmp_path / ".fetch").exists()


def test_a_region_may_be_the_file_of_a_moc(run, tmp_path):
    from skyquarry.sky.regions import Cone

    (tmp_path / "moc.fits").write_bytes(Cone(10, 10, 3600).to_moc(8).to_fits())
    told = run("fetch", "wise", "--region", tmp_path / "moc.fits", "--to", tmp_path / "x",
               "--dry-run").stdout  # fmt: skip
    assert "allwise_p3as_psd" in told


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "neither --cone nor --region was given"),
        (("--cone", 1, 2, 3, "--region", "AllSky"), "--cone and --region were given"),
        (("--cone", 1, 99, 3), "99"),
        (("--cone", 1, 2, 3, "--where", "a = (1"), "brackets closed"),
    ],
)
def test_a_mistake_is_named_and_exits_with_2(run, tmp_path, words, said):
    assert said in run("fetch", "gaia", "--to", tmp_path / "x", *words, code=2).stderr


def test_a_service_that_denies_exits_with_1_and_says_so(run, server, tmp_path):
    server.manners.fault = lambda *_: Fault(status=403, message="members only")
    where = ("--tap", server.url, "--table", "catalogue.stars", "--cone", 350, -5, 30)
    told = run("fetch", *where, "--to", tmp_path / "x", code=1).stderr
    assert "HTTP 403: members only" in told
