"""`sq.fetch`: from a service to a catalogue, once; and what it refuses before any question."""

from __future__ import annotations

import socket
import sys
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

import skyquarry as sq
from skyquarry.errors import ExistsError, MissingExtraError, NotFoundError, RegionError, UserError
from skyquarry.surveys.fetch.patience import Patience
from skyquarry.surveys.load import load
from skyquarry.testing.tapserver import TapServer

pytest.importorskip("pyvo")
QUICK = Patience(tries=2, first_s=0.01, poll_s=0.005)
HERE = sq.Cone(10.0, -20.0, 3600.0 * 5)


def sources(n: int = 400) -> pa.Table:
    """Rows as the archive of 2MASS has them, and one with an error that is a code."""
    rng = np.random.default_rng(5)
    return pa.table(
        {
            "designation": [f"{i:016d}" for i in range(n)],
            "ra": np.append(10.0, rng.uniform(5, 15, n - 1)),
            "dec": np.append(-20.0, rng.uniform(-25, -15, n - 1)),
            "err_maj": rng.uniform(0.05, 0.2, n),
            "err_min": np.full(n, 0.05),
            "err_ang": rng.uniform(0, 180, n),
            "j_m": rng.uniform(8, 16, n),
            "j_msigcom": np.where(np.arange(n) == 0, 9.995, 0.03),
            "jdate": rng.uniform(2_451_000, 2_452_000, n),
        }
    )


@pytest.fixture
def server():
    with TapServer(sources(), name="fp_psc") as server:
        yield server


def test_a_survey_comes_with_its_roles_sentinels_and_footprint(server, tmp_path):
    found = sq.fetch("2mass", tmp_path / "2mass", region=HERE, tap=server.url, patience=QUICK)
    inside = HERE.contains(sq_xyz(sources()))
    assert found.count() == inside.sum()
    assert found.roles.id == "designation"
    assert found.roles.position_error.columns == ("err_maj", "err_min", "err_ang")
    assert found.report.sentinel_to_null == {"j_msigcom": 1}
    told = found.stored.properties
    assert told["skyquarry_survey"] == "twomass_psc"
    assert told["skyquarry_fetch_table"] == "fp_psc"
    assert told["skyquarry_footprint"] == "user"
    assert (tmp_path / ".fetch").is_dir()


def test_the_same_call_again_opens_what_is_there_and_asks_for_nothing(server, tmp_path):
    call = {"region": "CIRCLE 10 -20 5", "tap": server.url, "patience": QUICK}
    first = sq.fetch("2mass", tmp_path / "c", **call, keep_cells=False)
    assert not (tmp_path / ".fetch").exists()
    requests = sum(server.requests.values())
    again = sq.fetch("2mass", tmp_path / "c", **call)
    assert again.count() == first.count()
    assert sum(server.requests.values()) == requests
    with pytest.raises(ExistsError, match="made otherwise"):
        sq.fetch("2mass", tmp_path / "c", **call | {"region": "CIRCLE 10 -20 4"})
    with pytest.raises(ExistsError, match="made otherwise"):
        sq.fetch("2mass", tmp_path / "c", **call, margin_arcsec=60.0)
    newer = sq.fetch(
        "2mass", tmp_path / "c", **call | {"region": "CIRCLE 10 -20 4"}, overwrite=True
    )
    assert newer.count() < first.count()
    assert newer.stored.version == "v2"


def test_a_download_that_is_killed_before_it_is_built_is_not_asked_for_again(
    server, tmp_path, monkeypatch
):
    from skyquarry.pipeline import fetching

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    call = {"region": "CIRCLE 10 -20 5", "tap": server.url, "patience": QUICK}
    with monkeypatch.context() as held:
        held.setattr(fetching, "build", killed)
        with pytest.raises(KeyboardInterrupt):
            sq.fetch("2mass", tmp_path / "c", **call)
    requests = sum(server.requests.values())
    found = sq.fetch("2mass", tmp_path / "c", **call)
    assert sum(server.requests.values()) == requests
    assert found.count() == HERE.contains(sq_xyz(sources())).sum()


def test_any_table_of_any_service_is_built_by_its_own_columns(tmp_path):
    table = sources().select(["designation", "ra", "dec", "j_m"])
    table = table.rename_columns(["Name", "RAJ2000", "DEJ2000", "Jmag"])
    with TapServer(table, name="II/1/stars") as server:
        found = sq.fetch(
            None,
            tmp_path / "stars",
            region=HERE,
            tap=server.url,
            table="II/1/stars",
            where="Jmag < 12",
            margin_arcsec=None,
            patience=QUICK,
        )
    assert all('FROM "II/1/stars"' in query for query in server.queries)
    bright = (sources()["j_m"].to_numpy() < 12) & HERE.contains(sq_xyz(sources()))
    assert found.count() == bright.sum()
    assert (found.roles.ra, found.roles.dec) == ("RAJ2000", "DEJ2000")


def test_a_survey_at_another_service_is_known_by_its_other_spellings(tmp_path):
    renamed = sources().rename_columns(
        ["2MASS", "RAJ2000", "DEJ2000", "errMaj", "errMin", "errPA", "Jmag", "e_Jmag", "JD"]
    )
    with TapServer(renamed, name="II/246/out") as server:
        found = sq.fetch(
            "2mass",
            tmp_path / "v",
            region=HERE,
            tap=server.url,
            table="II/246/out",
            patience=QUICK,
        )
    assert found.roles.id == "2MASS"
    assert found.roles.epoch.column == "JD"


def test_a_region_without_a_row_builds_nothing(server, tmp_path):
    with pytest.raises(NotFoundError, match="has no row in the region"):
        sq.fetch("2mass", tmp_path / "c", region="CIRCLE 200 20 1", tap=server.url, patience=QUICK)
    assert not (tmp_path / "c").exists()


def test_a_plan_needs_no_network_and_no_pyvo(monkeypatch, tmp_path):
    def refuses(*_: object) -> None:
        raise AssertionError("a plan asked the network")

    monkeypatch.setattr(socket, "socket", refuses)
    monkeypatch.setitem(sys.modules, "pyvo", None)
    plan = sq.plan_fetch("gaia", tmp_path / "gaia", region=sq.Cone(180, 30, 7200))
    told = plan.explain()
    assert "gaiadr3.gaia_source from https://gea.esac.esa.int/tap-server/tap" in told
    assert "some 551,822 rows expected" in told
    assert "WHERE source_id BETWEEN" in told
    assert len(plan.as_data()["cells"]) == len(plan.download.cells)
    with pytest.raises(MissingExtraError, match=r"pip install 'skyquarry\[fetch\]'"):
        plan.run(progress=False)


def test_what_cannot_be_is_said_before_anything_is_asked(tmp_path):
    with pytest.raises(UserError, match="no survey was given, so a TAP service and a table"):
        sq.plan_fetch(None, tmp_path / "c", region=HERE)
    with pytest.raises(UserError, match="galex names no service"):
        sq.plan_fetch("galex", tmp_path / "c", region=HERE)
    with pytest.raises(RegionError):
        sq.plan_fetch("gaia", tmp_path / "c", region="CIRCLE 1 2")
    with pytest.raises(UserError, match="region is None"):
        sq.plan_fetch("gaia", tmp_path / "c", region=None)
    with pytest.raises(UserError, match="where is 'a; b'"):
        sq.plan_fetch("gaia", tmp_path / "c", region=HERE, where="a; b")
    with pytest.raises(UserError, match="is in a store"):
        sq.plan_fetch("gaia", "s3://bucket/c", region=HERE)
    galactic = replace(load("gaia"), roles=replace(load("gaia").roles, frame="galactic"))
    with pytest.raises(UserError, match="but cells are cut in ICRS"):
        sq.plan_fetch(galactic, tmp_path / "c", region=HERE)


def test_the_whole_of_a_large_table_is_left_to_its_files(tmp_path):
    plan = sq.plan_fetch("gaia", tmp_path / "c", region="AllSky", max_rows=2_000)
    with pytest.raises(UserError, match="build from the survey's bulk files"):
        plan.explain()


def sq_xyz(table: pa.Table) -> np.ndarray:
    from skyquarry.sky.vectors import to_xyz

    return to_xyz(table["ra"].to_numpy(), table["dec"].to_numpy())
