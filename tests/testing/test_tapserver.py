"""The tests' TAP server answers pyvo as a service should, errors and overflow among it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from skyquarry.sky.polygons import Polygon
from skyquarry.sky.vectors import to_xyz
from skyquarry.testing.tapqueries import QueryError, answer
from skyquarry.testing.tapserver import TapServer

pyvo = pytest.importorskip("pyvo")
requests = pytest.importorskip("requests")


@pytest.fixture
def session():
    """pyvo leaves the answers that it has looked at open: closed here, before others are blamed."""
    answers = []
    with requests.Session() as session:
        session.hooks["response"].append(lambda answer, **_: answers.append(answer))
        yield session
        for answer in answers:
            answer.close()


@pytest.fixture(scope="module")
def stars() -> pa.Table:
    rng = np.random.default_rng(3)
    ra, dec = rng.uniform(0, 360, 500), np.degrees(np.arcsin(rng.uniform(-1, 1, 500)))
    mag = pa.array(rng.uniform(5, 20, 500), mask=rng.uniform(size=500) < 0.2)
    return pa.table({"id": np.arange(500), "ra": ra, "dec": dec, "mag": mag})


@pytest.mark.parametrize("serialization", ["binary2", "tabledata"])
@pytest.mark.parametrize("mode", ["run_sync", "run_async"])
def test_pyvo_gets_the_rows(stars, session, serialization, mode):
    with TapServer(stars, polls=0, serialization=serialization) as server:
        service = pyvo.dal.TAPService(server.url, session=session)
        found = getattr(service, mode)("SELECT id, ra FROM stars WHERE mag < 8 OR mag > 19")
        assert found.query_status == "OK"
    mag = stars["mag"].to_numpy()
    assert found.to_table()["id"].tolist() == np.flatnonzero((mag < 8) | (mag > 19)).tolist()


def test_pyvo_is_told_of_overflow(stars, session):
    with TapServer(stars, hard_limit=100) as server:
        service = pyvo.dal.TAPService(server.url, session=session)
        with pytest.warns(pyvo.dal.DALOverflowWarning):
            assert len(service.run_sync("SELECT * FROM stars")) == 100
        assert len(service.run_sync("SELECT TOP 100 * FROM stars")) == 100


def test_pyvo_is_told_of_errors_in_the_services_words(stars, session):
    with TapServer(stars, polls=0) as server:
        service = pyvo.dal.TAPService(server.url, session=session)
        with pytest.raises(pyvo.dal.DALQueryError, match="unknown column nothing"):
            service.run_sync("SELECT nothing FROM stars")
        with pytest.raises(pyvo.dal.DALQueryError, match="there is no table galaxies"):
            service.run_async("SELECT * FROM galaxies")


@pytest.mark.parametrize(
    ("where", "truth"),
    [
        ("mag IS NULL", lambda t: t["mag"].is_null().to_numpy()),
        ("NOT (ra BETWEEN 10 AND 350)", lambda t: ~between(t["ra"].to_numpy(), 10, 350)),
        ("dec < -1.5e1 AND id >= 9", lambda t: (t["dec"].to_numpy() < -15) & (np.arange(500) > 8)),
        ("1 = CONTAINS(POINT('ICRS', ra, dec), CIRCLE('ICRS', 0.0, 80.0, 30.0))",
         lambda t: apart(t, 0.0, 80.0) <= 30.0),
        ("CONTAINS(POINT('ICRS', ra, dec), POLYGON('ICRS', 350, -20, 20, -20, 10, 40)) = 1",
         lambda t: Polygon([(350, -20), (20, -20), (10, 40)]).contains(xyz(t))),
    ],
)  # fmt: skip
def test_conditions_are_worked_out_as_they_are_meant(stars, where, truth):
    found = answer(stars, "stars", f"SELECT id FROM stars WHERE {where}")["id"].to_pylist()
    assert found == np.flatnonzero(truth(stars)).tolist()
    counted = answer(stars, "stars", f"SELECT COUNT(*) AS n FROM stars WHERE {where}")
    assert counted["n"].to_pylist() == [len(found)]


@pytest.mark.parametrize(
    "adql", ["DROP TABLE stars", "SELECT", "SELECT * FROM stars WHERE x(1) = 1"]
)
def test_what_is_not_understood_is_refused(stars, adql):
    with pytest.raises(QueryError):
        answer(stars, "stars", adql)


def between(values: np.ndarray, low: float, high: float) -> np.ndarray:
    return (values >= low) & (values <= high)


def xyz(table: pa.Table) -> np.ndarray:
    return to_xyz(table["ra"].to_numpy(), table["dec"].to_numpy())


def apart(table: pa.Table, ra: float, dec: float) -> np.ndarray:
    return np.degrees(np.arccos(np.clip(xyz(table) @ to_xyz(ra, dec)[0], -1, 1)))
