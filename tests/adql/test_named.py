"""Tags of rows that another table names: the rows of a query are the same, whatever is read.

A tag that promises every named row and lacks them all, as none is made, tells which was read: where
it is, rows are lost.
"""

from __future__ import annotations

import re
import shutil

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from skyquarry.adql import reads
from skyquarry.adql.asking import Compiler, query
from skyquarry.adql.recent import forget_all
from skyquarry.catalog.relations import NAMED_ROWS
from skyquarry.catalog.roles import Roles
from skyquarry.engine.catalog import open_catalog
from skyquarry.testing.handmade import write_catalog

ROWS, SPECTRA, PAIRS = 3_000, 240, 6_000
TAGS = ("specphoto", "specpairs", "around", "parents", "called")
ROLES = {**Roles(ra="ra", dec="dec", id="id").to_properties(), "skyquarry_nan": "null"}
SOURCES = {**Roles(ra="ra", dec="dec").to_properties(), "skyquarry_nan": "null"}


def _photo(random: np.random.Generator) -> pa.Table:
    """Objects, some without an id or with that of another, in three modes and types."""
    ids = random.permutation(ROWS) - 300
    ids[:40] = ids[40:80]
    return pa.table({
        "id": pa.array(ids, mask=random.random(ROWS) < 0.02),
        "ra": random.random(ROWS) * 30.0, "dec": random.random(ROWS) * 30.0 - 15.0,
        "mode": random.integers(1, 4, ROWS).astype(np.int8),
        "type": random.choice([3, 6], ROWS).astype(np.int16),
        "mag": pa.array(random.random(ROWS) * 6 + 14, mask=random.random(ROWS) < 0.05),
        "parent": pa.array(random.choice(ids[:90], ROWS), mask=random.random(ROWS) < 0.9),
        "name": [f"o{each % 900}" for each in ids], "wide": random.random(ROWS),
    })  # fmt: skip


def _spectra(random: np.random.Generator, ids: np.ndarray) -> pa.Table:
    """Spectra of objects: several of one, of none, and of such as are not there."""
    of = random.choice(np.concatenate([ids[:150], [-5_000, 77_777]]), SPECTRA)
    none = random.random(SPECTRA) < 0.1
    return pa.table({
        "sid": np.arange(SPECTRA), "ra": random.random(SPECTRA) * 30.0,
        "dec": random.random(SPECTRA) * 30.0 - 15.0, "id": pa.array(of, mask=none),
        "of32": pa.array(of.astype(np.int32), mask=none), "of_float": of.astype(np.float64),
        "cls": random.integers(0, 4, SPECTRA), "z": random.random(SPECTRA),
        "name": pa.array([f"o{each % 900}" for each in of], mask=none),
    })  # fmt: skip


def _pairs(random: np.random.Generator, ids: np.ndarray) -> pa.Table:
    one, other = random.choice(ids, PAIRS), random.choice(ids, PAIRS)
    return pa.table({
        "id": one, "ra": random.random(PAIRS) * 30.0, "dec": random.random(PAIRS) * 30.0 - 15.0,
        "other": pa.array(other, mask=random.random(PAIRS) < 0.02), "dist": random.random(PAIRS),
    })  # fmt: skip


def _plain(folder, seed=19):
    """The archive without tags."""
    random = np.random.default_rng(seed)
    photo = _photo(random)
    ids = np.asarray(photo["id"].drop_null())
    written = {"max_rows": 500, "margin_arcsec": None}
    write_catalog(folder / "photoobj", photo, properties=ROLES, index=None, **written)
    write_catalog(folder / "specobj", _spectra(random, ids), properties=SOURCES, index=None,
                  **written)  # fmt: skip
    write_catalog(folder / "pairs", _pairs(random, ids), properties=SOURCES, index=None, **written)
    return folder


def _tag(folder, name, of, by, column, key=None, columns=None):
    whole = open_catalog(folder / of)
    some = whole.named_by(folder / by, column, key).select(
        columns or whole.source.stored.schema.names
    )
    return some.to_catalog(folder / name, overwrite=(folder / name).exists())


POPULAR = ["id", "ra", "dec", "mode", "type", "mag", "name"]


def _tags(folder):
    _tag(folder, "specphoto", "photoobj", "specobj", "id", columns=POPULAR)
    _tag(folder, "specpairs", "pairs", "specobj", "id")
    _tag(folder, "around", "photoobj", "specpairs", "other", "id", columns=POPULAR)
    _tag(folder, "parents", "photoobj", "photoobj", "parent", "id", columns=POPULAR)
    _tag(folder, "called", "photoobj", "specobj", "name", columns=POPULAR)
    return folder


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return _plain(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def home(plain, tmp_path_factory):
    folder = tmp_path_factory.mktemp("named") / "archive"
    shutil.copytree(plain, folder)
    return _tags(folder)


@pytest.fixture
def own(home, tmp_path):
    shutil.copytree(home, tmp_path / "own")
    return tmp_path / "own"


@pytest.fixture(autouse=True)
def many(monkeypatch):
    """As if a few rows were many; no plan is kept of a test in which they were not."""
    monkeypatch.setattr(reads, "_MUCH", 100)
    forget_all()


def _rows(adql, archive, executor=None, **more):
    found = query(adql, archive=archive, **more).to_table(executor).to_pylist()
    return sorted(str(each) for each in found)


def _read(adql, archive, **more):
    """The tags that are read, as `explain` says."""
    told = query(adql, archive=archive, **more).explain()
    return sorted(re.findall(r"of (\w+), a tag of the [\d,]+ rows", told))


BY = "JOIN specobj AS s ON p.id = s.id"
READ = {
    f"SELECT p.id, s.sid FROM photoobj AS p {BY}": ["specphoto"],
    f"SELECT p.id, s.sid FROM Galaxy AS p {BY} WHERE p.mag < 18 AND s.cls > 1": ["specphoto"],
    f"SELECT p.id, s.sid FROM PhotoPrimary AS p {BY} WHERE p.dec > 0 OR s.z > 0.5": ["specphoto"],
    "SELECT p.mag, s.sid FROM photoobj AS p, specobj AS s WHERE s.id = p.id": ["specphoto"],
    "SELECT id, mag, z FROM photoobj JOIN specobj USING (id)": ["specphoto"],
    "SELECT s.sid, p.mag FROM specobj AS s LEFT JOIN photoobj AS p ON p.id = s.id": ["specphoto"],
    "SELECT s.sid, p.mag FROM photoobj AS p RIGHT JOIN specobj AS s ON p.id = s.id "
    "AND p.mag < 17": ["specphoto"],
    f"SELECT COUNT(*) AS n, ROUND(AVG(p.mag), 9) AS m FROM Star AS p {BY} GROUP BY s.cls": [
        "specphoto"
    ],
    f"SELECT TOP 7 p.id, s.sid FROM photoobj AS p {BY} ORDER BY s.sid, p.id": ["specphoto"],
    "SELECT p.id, n.other FROM specobj AS s JOIN photoobj AS p ON p.id = s.id JOIN pairs AS n ON "
    "n.id = p.id AND n.dist < 0.5": ["specpairs", "specphoto"],
    "SELECT p.id FROM (SELECT id, mag FROM photoobj WHERE mag < 19) AS p JOIN specobj AS s "
    "ON s.id = p.id": ["specphoto"],
    "WITH w AS (SELECT p.id, s.z FROM photoobj AS p JOIN specobj AS s ON p.id = s.id) "
    "SELECT COUNT(*) AS n FROM w WHERE z > 0.3": ["specphoto"],
    "SELECT a.id AS one, b.id AS two FROM photoobj AS a JOIN specobj AS s ON a.id = s.id "
    "JOIN photoobj AS b ON b.mag = a.mag": ["specphoto"],
    "SELECT a.id, n.other, b.mag FROM photoobj AS a JOIN specobj AS s ON a.id = s.id JOIN pairs "
    "AS n ON n.id = a.id AND n.id = s.id JOIN photoobj AS b ON b.id = n.other WHERE n.dist < 0.5":
        ["around", "specpairs", "specphoto"],
    "SELECT s.sid, g.mag FROM specobj AS s JOIN pairs AS n ON n.id = s.id JOIN Galaxy AS g "
    "ON g.id = n.other": ["around", "specpairs"],
    "SELECT s.sid, g.mag FROM specobj AS s LEFT JOIN (pairs AS n JOIN photoobj AS g "
    "ON g.id = n.other) ON n.id = s.id": ["around", "specpairs"],
    "SELECT c.id AS child, p.mag FROM photoobj AS c JOIN photoobj AS p ON c.parent = p.id":
        ["parents"],
    "SELECT p.id, s.sid FROM photoobj AS p JOIN specobj AS s ON p.name = s.name": ["called"],
    "SELECT sid FROM specobj WHERE z < 0.9 AND id NOT IN (SELECT p.id FROM photoobj AS p "
    "JOIN specobj AS s ON p.id = s.id WHERE p.mag < 18 AND p.id IS NOT NULL)": ["specphoto"],
    "SELECT id, mag FROM photoobj WHERE id IN (SELECT id FROM specobj WHERE cls > 1)": [
        "specphoto"
    ],
    "SELECT p.id FROM Galaxy AS p WHERE p.mag < 19 AND EXISTS (SELECT s.sid FROM specobj AS s "
    "WHERE s.id = p.id AND s.z > 0.2)": ["specphoto"],
    "SELECT p.id, n.other FROM photoobj AS p JOIN pairs AS n ON n.id = p.id AND p.id IN "
    "(SELECT DISTINCT s.id FROM specobj AS s WHERE s.id IS NOT NULL)": ["specpairs", "specphoto"],
    "SELECT n.other, p.mag FROM pairs AS n LEFT JOIN photoobj AS p ON p.mag < n.dist + 14 AND "
    "p.id IN (SELECT id FROM specobj) WHERE n.dist < 0.1": ["specphoto"],
    "SELECT p.mag FROM photoobj AS p WHERE p.id IN (SELECT n.other FROM pairs AS n JOIN specobj "
    "AS s ON n.id = s.id WHERE s.z < 0.5)": ["around", "specpairs"],
    "SELECT s.sid FROM specobj AS s WHERE NOT EXISTS (SELECT p.id FROM photoobj AS p JOIN "
    "specobj AS t ON p.id = t.id WHERE t.sid = s.sid AND p.mag < 18)": ["specphoto"],
}  # fmt: skip
WHOLE = (
    "SELECT p.id FROM photoobj AS p WHERE p.id IN (SELECT s.id FROM specobj AS s) OR p.mag < 15",
    (
        "SELECT p.id FROM photoobj AS p WHERE NOT p.id IN (SELECT s.id FROM specobj AS s WHERE "
        "s.id IS NOT NULL)"
    ),
    (
        "SELECT p.id, n.dist FROM photoobj AS p LEFT JOIN pairs AS n ON n.dist < 0.001 AND p.id IN "
        "(SELECT s.id FROM specobj AS s)"
    ),
    (
        "SELECT p.id, n.dist FROM pairs AS n FULL JOIN photoobj AS p ON n.other = p.parent AND "
        "p.id IN (SELECT s.id FROM specobj AS s)"
    ),
    "SELECT p.id FROM photoobj AS p WHERE p.id IN (SELECT s.id + 0 FROM specobj AS s)",
    (
        "SELECT p.id FROM ((SELECT id FROM photoobj) ORDER BY id OFFSET 1500) AS p WHERE p.id IN "
        "(SELECT id FROM specobj)"
    ),
    (
        "SELECT p.id FROM photoobj AS p WHERE NOT EXISTS (SELECT n.id FROM pairs AS n WHERE "
        "n.dist < 0.5 AND p.id IN (SELECT s.id FROM specobj AS s))"
    ),
    (
        "SELECT p.id FROM photoobj AS p WHERE EXISTS (SELECT COUNT(*) FROM specobj AS s WHERE "
        "s.id = p.id)"
    ),
    (
        "SELECT p.id FROM photoobj AS p WHERE EXISTS (SELECT t.sid FROM specobj AS t LEFT JOIN "
        "specobj AS s ON s.id = p.id)"
    ),
    (
        "SELECT p.id FROM photoobj AS p WHERE EXISTS (SELECT t.sid FROM specobj AS t LEFT JOIN "
        "(pairs AS n JOIN specobj AS s ON s.id = p.id) ON n.dist = t.z)"
    ),
    (
        "SELECT p.id FROM photoobj AS p WHERE EXISTS (SELECT s.sid FROM specobj AS s WHERE s.id "
        "= p.id OR s.z < 0.01)"
    ),
    "SELECT p.id, s.sid FROM photoobj AS p LEFT JOIN specobj AS s ON p.id = s.id",
    "SELECT p.id, s.sid FROM specobj AS s RIGHT JOIN photoobj AS p ON p.id = s.id",
    "SELECT p.id, s.sid FROM photoobj AS p FULL JOIN specobj AS s ON p.id = s.id",
    "SELECT id, z FROM photoobj FULL JOIN specobj USING (id)",
    f"SELECT p.wide, s.sid FROM photoobj AS p {BY}",
    "SELECT p.id, s.sid FROM photoobj AS p JOIN specobj AS s ON p.id = s.id OR p.mag < 14.1",
    (
        "SELECT p.id, s.sid FROM photoobj AS p JOIN specobj AS s ON p.mag < 14.1 WHERE s.cls = 1 "
        "AND NOT p.id = s.id"
    ),
    "SELECT p.id, s.sid FROM photoobj AS p JOIN specobj AS s ON p.id = s.of32",
    "SELECT p.id, s.sid FROM photoobj AS p JOIN specobj AS s ON p.id = s.of_float",
    "SELECT p.id, s.sid FROM photoobj AS p JOIN specobj AS s ON p.id = s.id + 1",
    "SELECT id FROM photoobj WHERE id NOT IN (SELECT id FROM specobj WHERE id IS NOT NULL)",
    (
        "SELECT p.id FROM photoobj AS p WHERE NOT EXISTS (SELECT s.sid FROM specobj AS s "
        "WHERE s.id = p.id)"
    ),
    "SELECT id FROM photoobj EXCEPT SELECT id FROM specobj",
    (
        "SELECT p.id, s.sid FROM (SELECT TOP 300 id FROM photoobj ORDER BY mag, id) AS p "
        "JOIN specobj AS s ON p.id = s.id"
    ),
    (
        "SELECT p.id, s.sid FROM (SELECT id FROM photoobj ORDER BY id, mag OFFSET 1500) AS p "
        "JOIN specobj AS s ON p.id = s.id"
    ),
    (
        "SELECT p.id, s.sid FROM ((SELECT id FROM photoobj) ORDER BY id OFFSET 1500) AS p "
        "JOIN specobj AS s ON p.id = s.id"
    ),
    (
        "SELECT p.id, p.n, s.sid FROM (SELECT id, COUNT(*) AS n FROM photoobj GROUP BY id) AS p "
        "JOIN specobj AS s ON p.id = s.id"
    ),
    (
        "SELECT p.id, s.sid FROM (SELECT id FROM photoobj UNION SELECT parent FROM photoobj) AS p "
        "JOIN specobj AS s ON p.id = s.id"
    ),
    (
        "WITH p AS (SELECT id, mag FROM photoobj) SELECT a.id FROM p AS a JOIN specobj AS s "
        "ON a.id = s.id JOIN p AS b ON b.mag = a.mag"
    ),
    "SELECT COUNT(*) AS n FROM photoobj",
    "SELECT p.id, s.sid FROM photoobj AS p JOIN specobj AS s ON p.parent = s.id",
    "SELECT n.id, g.mag FROM pairs AS n JOIN photoobj AS g ON g.id = n.other",
)


@pytest.mark.parametrize("adql", READ)
def test_named_rows_are_read_where_a_join_asks_no_other(adql, home, plain):
    assert _read(adql, home) == READ[adql]
    before = _rows(adql, plain)
    assert len(before) > 2 or "COUNT" in adql
    assert _rows(adql, home) == before
    assert _rows(adql, home, "threads") == before


@pytest.mark.parametrize("adql", WHOLE)
def test_where_other_rows_matter_the_table_itself_is_read(adql, home, plain):
    assert _read(adql, home) == []
    before = _rows(adql, plain)
    assert before
    assert _rows(adql, home) == before


def test_a_row_comes_as_often_as_without_a_tag(home, plain):
    """Several spectra of one object, several objects of one id."""
    adql = f"SELECT p.id, COUNT(*) AS n FROM photoobj AS p {BY} GROUP BY p.id"
    found = query(adql, archive=home).to_table()
    assert max(found["n"].to_pylist()) > 2
    assert _rows(adql, home) == _rows(adql, plain)
    assert len(open_catalog(home / "specphoto")) > len(found)


# ---------------------------------------------------------------- drawn at random
def _drawn(random: np.random.Generator) -> str:
    """A query of joins of any kind, by keys that name rows or do not, with conditions."""

    def one(*some: str) -> str:
        return some[int(random.integers(len(some)))]

    on = one("a.id = s.id", "s.id = a.id AND s.cls > 1", "a.name = s.name", "a.id = s.of32",
             "a.id = s.id OR a.mag = s.z", "a.id = s.id AND a.mag < 19")  # fmt: skip
    kind = one("", "", "", "LEFT ", "RIGHT ", "FULL ")
    text = f"{one('photoobj', 'Galaxy', 'PhotoPrimary')} AS a {kind}JOIN specobj AS s ON {on}"
    names = ["a.id", "s.sid", "a.mag"]
    if random.random() < 0.6:
        key = one("s.id", "a.id", "s.id", "a.parent")
        kind = one("", "", "", "LEFT ", "RIGHT ") if "FULL" not in text else ""
        text += f" {kind}JOIN pairs AS n ON n.id = {key}"
        names += ["n.other", "n.dist"]
        if random.random() < 0.7:
            kind = one("", "", "LEFT ", "RIGHT ")
            text += f" {kind}JOIN {one('photoobj', 'Star')} AS b ON b.id = n.other"
            names += ["b.mag AS theirs"]
    tests = ["s.cls IN (1, 2)", "a.mag < 17.5", "s.z > 0.4", "a.id = s.id", "a.dec > 0",
             "s.id IS NOT NULL", "NOT s.cls = 3", "a.mag IS NULL OR s.z < 0.7",
             "a.id NOT IN (SELECT x.id FROM specobj AS x WHERE x.cls = 0 AND x.id IS NOT NULL)",
             "EXISTS (SELECT x.sid FROM specobj AS x WHERE x.id = a.id AND x.z < 0.8)",
             "a.id IN (SELECT y.id FROM photoobj AS y JOIN specobj AS x ON x.id = y.id)",
             "a.id IS NOT NULL"]  # fmt: skip
    chosen = random.choice(tests, int(random.integers(0, 3)), replace=False)
    where = f" WHERE {one(' AND ', ' AND ', ' OR ').join(f'({each})' for each in chosen)}"
    where = where if len(chosen) else ""
    if random.random() < 0.3:
        return f"SELECT s.cls, COUNT(*) AS n, MIN(a.mag) AS m FROM {text}{where} GROUP BY s.cls"
    return f"SELECT {one('', 'DISTINCT ')}{', '.join(names)} FROM {text}{where}"


def _nested(random: np.random.Generator) -> str:
    """A query with IN and EXISTS, affirmed and denied, of queries that name rows or do not."""

    def one(*some: str) -> str:
        return some[int(random.integers(len(some)))]

    inner = one("specobj AS s", "specobj AS s", "specobj AS s JOIN pairs AS n ON n.id = s.id",
                "pairs AS n LEFT JOIN specobj AS s ON s.id = n.id")  # fmt: skip
    more = one("", "s.z > 0.5", "s.cls = 1 OR s.z < 0.2", "s.id < a.id", "a.id = s.id")
    where = f" WHERE {more}" if more else ""
    both = f" AND ({more})" if more else ""
    test = one(
        f"a.id {one('', '', 'NOT ')}IN (SELECT {one('', 'DISTINCT ')}s.id FROM {inner}{where})",
        f"{one('', '', 'NOT ')}EXISTS (SELECT s.sid FROM {inner} WHERE s.id = a.id{both})",
        f"{one('', 'NOT ')}EXISTS (SELECT s.sid FROM {inner} WHERE s.id = a.id OR s.z < 0.001)",
        "a.id IN (SELECT s.id FROM specobj AS s GROUP BY s.id HAVING COUNT(*) > 1)",
        "a.id IN (SELECT TOP 9 s.id FROM specobj AS s ORDER BY s.id)",
        "a.id IN (SELECT s.id FROM specobj AS s UNION SELECT b.parent FROM photoobj AS b)",
    )
    beside = one("a.mag < 18", "a.type = 3", "a.dec > -5", f"NOT ({test})", "a.parent IS NOT NULL")
    where = f"{test} {one('AND', 'AND', 'OR')} {beside}"
    if random.random() < 0.6:
        return f"SELECT a.id, a.mag FROM {one('photoobj', 'Star')} AS a WHERE {where}"
    kind = one("", "LEFT ", "RIGHT ")
    on = f"c.id = a.id AND ({where})"
    return f"SELECT a.id, c.other FROM photoobj AS a {kind}JOIN pairs AS c ON {on}"


def test_drawn_queries_within_conditions_have_the_same_rows(home, plain):
    random = np.random.default_rng(16)
    read = 0
    for _ in range(120):
        adql = _nested(random)
        read += bool(_read(adql, home))
        assert _rows(adql, home) == _rows(adql, plain), adql
    assert 25 < read < 100


def test_drawn_queries_have_the_same_rows_with_tags_and_without(home, plain):
    random = np.random.default_rng(6)
    read = 0
    for _ in range(160):
        adql = _drawn(random)
        read += bool(_read(adql, home))
        before = _rows(adql, plain)
        assert all(_rows(adql, home) == before for _ in range(2)), adql
    assert 60 < read < 150


# ---------------------------------------------------------------- which are read
FIRST = f"SELECT p.id, s.sid FROM photoobj AS p {BY}"


def _emptied(folder, name):
    """A tag that promises as before, and has no row: who reads it finds nothing."""
    told = open_catalog(folder / name).properties[NAMED_ROWS]
    shutil.rmtree(folder / name)
    whole = open_catalog(folder / "photoobj")
    made = whole.where("mag < -99").select(POPULAR).to_catalog(folder / name)
    path = made.stored.folder.path("hats.properties")
    with open(path, "a") as file:  # noqa: PTH123
        file.write(f"{NAMED_ROWS} = {told}\n")


def test_a_tag_of_an_earlier_version_of_either_is_not_read(own, plain):
    before = _rows(FIRST, own)
    assert _read(FIRST, own) == ["specphoto"]
    spectra = open_catalog(own / "specobj").to_table()
    more = pa.concat_tables([spectra, spectra.slice(0, 3)])
    write_catalog(own / "specobj", more, properties=SOURCES, index=None, max_rows=500,
                  margin_arcsec=None)  # fmt: skip
    assert _read(FIRST, own) == []
    assert len(_rows(FIRST, own)) >= len(before)
    _tag(own, "specphoto", "photoobj", "specobj", "id", columns=POPULAR)
    assert _read(FIRST, own) == ["specphoto"]  # the plan that was kept has noticed
    write_catalog(own / "photoobj", open_catalog(own / "photoobj").to_table().slice(0, 2_000),
                  properties=ROLES, index=None, max_rows=500, margin_arcsec=None)  # fmt: skip
    assert _read(FIRST, own) == []


def test_a_tag_named_by_a_stale_tag_is_not_read(own):
    adql = next(text for text in READ if READ[text] == ["around", "specpairs"])
    assert _read(adql, own) == ["around", "specpairs"]
    before = _rows(adql, own)
    shutil.rmtree(own / "specpairs")
    assert _read(adql, own) == []
    assert _rows(adql, own) == before
    _tag(own, "specpairs", "pairs", "specobj", "id", columns=["id", "other", "ra", "dec"])
    assert _read(adql, own) == ["specpairs"]
    assert _rows(adql, own) == before


def test_columns_that_are_added_leave_who_names_rows_as_he_was(own):
    """The rows of the spectra are the same, and those of the objects."""
    import skyquarry as sq

    before = _rows(FIRST, own)
    sq.add_column(own / "specobj", "twice", "2 * z")
    assert _read(FIRST, own) == ["specphoto"]
    assert _rows(FIRST, own) == before
    sq.add_column(own / "photoobj", "half", "mag / 2")
    assert _read(FIRST, own) == ["specphoto"]
    assert _rows(FIRST, own) == before
    assert _read(FIRST.replace("p.id,", "p.half,"), own) == []
    assert open_catalog(own / "specphoto").verify() == []
    _tag(own, "specphoto", "photoobj", "specobj", "id", columns=POPULAR)
    assert _read(FIRST, own) == ["specphoto"]
    sq.add_column(own / "specobj", "thrice", "3 * z")
    assert _read(FIRST, own) == ["specphoto"]
    assert _rows(FIRST, own) == before
    assert open_catalog(own / "specphoto").verify() == []
    sq.add_column(own / "specphoto", "wide", "mag * 2")  # not what the catalogue calls so
    assert _read(FIRST, own) == []
    assert _rows(FIRST.replace("p.id,", "p.wide,"), own) != before


def test_a_column_that_was_added_otherwise_names_other_rows(own, tmp_path):
    """Two versions of one parent have its rows, and each a column of its own by one name."""
    import skyquarry as sq

    adql = "SELECT p.id, s.z FROM photoobj AS p JOIN specobj AS s ON p.id = s.chosen"
    shutil.copytree(own / "specobj", tmp_path / "before")
    sq.add_column(own / "specobj", "chosen", "id")
    _tag(own, "specphoto", "photoobj", "specobj", "chosen", "id", columns=POPULAR)
    assert _read(adql, own) == ["specphoto"]
    shutil.rmtree(own / "specobj")
    shutil.copytree(tmp_path / "before", own / "specobj")
    sq.add_column(own / "specobj", "chosen", "id + 1")
    assert _read(adql, own) == []


def test_uploads_samples_and_cut_catalogues(home, plain):
    """Tables that stand where who names rows stood: any of its rows do, others do not."""
    some = {"theirs": {"id": [1, 2, 3, 2], "n": [1, 2, 3, 4]}}
    adql = "SELECT p.id, s.n FROM photoobj AS p JOIN theirs AS s ON p.id = s.id"
    assert _read(adql, home, uploads=some) == []
    assert _rows(adql, home, uploads=some) == _rows(adql, plain, uploads=some)
    assert _read(FIRST, home, sample=0.5) == []
    assert _rows(FIRST, home, sample=0.5) == _rows(FIRST, plain, sample=0.5)
    for folder in (home, plain):
        cut = {"specobj": open_catalog(folder / "specobj").where("cls = 1"),
               "photoobj": open_catalog(folder / "photoobj")}  # fmt: skip
        told = query(FIRST, catalogs=cut).explain()
        assert ("a tag of the" in told) == (folder == home)
        found = sorted(map(str, query(FIRST, catalogs=cut).to_table().to_pylist()))
        assert found == _rows(f"{FIRST} WHERE s.cls = 1", plain)
    cut = {"specobj": open_catalog(home / "specobj"),
           "photoobj": open_catalog(home / "photoobj").where("mode = 1")}  # fmt: skip
    assert "a tag of the" not in query(FIRST, catalogs=cut).explain()


def test_the_tag_is_what_is_read(own):
    assert _rows(FIRST, own)
    _emptied(own, "specphoto")
    assert _read(FIRST, own) == ["specphoto"]
    assert _rows(FIRST, own) == []
    assert _rows(WHOLE[0], own)


def test_few_rows_are_looked_up_in_the_catalogue(home, monkeypatch):
    monkeypatch.setattr(reads, "_MUCH", 5_000)
    assert _read(FIRST, home) == []


def test_a_plan_is_kept_while_its_tags_stand(own, monkeypatch):
    planned = []
    whole = Compiler.whole
    monkeypatch.setattr(Compiler, "whole", lambda *given: planned.append(1) or whole(*given))
    before = [_rows(FIRST, own) for _ in range(3)]
    assert len(planned) == 1
    shutil.rmtree(own / "specphoto")
    assert _rows(FIRST, own) == before[0]
    assert len(planned) == 2


def test_sql_for_a_cluster_names_the_table_itself(home):
    plan = query(FIRST, archive=home)
    assert "/specphoto/v1/specphoto/dataset/" in plan.to_sql("duckdb")
    assert 'FROM "photoobj"' in plan.to_sql("trino")
    assert "specphoto" not in plan.to_sql("trino")


def test_where_none_is_named_nothing_is_read_and_the_rows_are_the_same(own):
    """The tag has no file; SQL that is printed names those of the table itself."""
    none = {**SOURCES, "skyquarry_nan": "null"}
    apart = pa.table(
        {"id": pa.array([None, 90_000], pa.int64()), "ra": [1.0, 2.0], "dec": [0.0, 0.0]}
    )
    write_catalog(own / "lost", apart, properties=none, index=None, margin_arcsec=None)
    _tag(own, "of_lost", "photoobj", "lost", "id", columns=POPULAR)
    inner = "SELECT p.id FROM photoobj AS p JOIN lost AS s ON p.id = s.id"
    kept = "SELECT s.ra, p.id FROM lost AS s LEFT JOIN photoobj AS p ON p.id = s.id"
    for adql, rows in ((inner, 0), (kept, 2)):
        assert _read(adql, own) == ["of_lost"]
        assert len(_rows(adql, own)) == rows
        printed = query(adql, archive=own).to_sql("duckdb")
        assert "/photoobj/v1/photoobj/dataset/" in printed
        assert len(duckdb.sql(printed).fetchall()) == rows


def test_a_promise_that_cannot_be_read_is_none(own):
    before = _rows(FIRST, own)
    path = open_catalog(own / "specphoto").stored.folder.path("hats.properties")
    with open(path) as file:  # noqa: PTH123
        text = file.read()
    with open(path, "w") as file:  # noqa: PTH123
        file.write(text.replace('"by": "specobj"', '"whom": "specobj"'))
    assert _read(FIRST, own) == []
    assert _rows(FIRST, own) == before
