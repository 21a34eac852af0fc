import shutil

import numpy as np
import pyarrow as pa
import pytest

from skyquarry.engine.catalog import open_catalog
from skyquarry.errors import ColumnError, ExistsError, NotFoundError, UserError
from skyquarry.mine.likeness import Likeness
from skyquarry.mine.rare import Seen, rare
from skyquarry.mine.similar import similar
from skyquarry.mine.similarindex import SimilarIndex, similar_index
from skyquarry.testing.handmade import write_catalog

IN = ["u - g", "g - r"]
ERRORS = {"u": "e", "g": "e", "r": "e"}


@pytest.fixture(scope="module")
def noisy(stars, tmp_path_factory):
    """The stars with an error for each, some of them missing."""
    random = np.random.default_rng(8)
    table = stars.where("id < 6000").to_table()
    n = table.num_rows
    errors = pa.array(random.random(n) * 0.3, mask=random.random(n) < 0.05)
    home = tmp_path_factory.mktemp("similar") / "noisy"
    roles = stars.roles.to_properties()
    write_catalog(home, table.append_column("e", errors), properties=roles, max_rows=500)
    return open_catalog(home)


@pytest.fixture(scope="module")
def indexes(noisy, tmp_path_factory):
    home = tmp_path_factory.mktemp("indexes")
    plain = similar_index(noisy, IN, home / "plain", errors=False, cell_rows=100)
    sigma = similar_index(noisy, IN, home / "sigma", errors=ERRORS, cell_rows=100)
    return {False: plain, True: sigma}


def _naive(table, rows, *, with_errors):
    """Every distance, by the formula of the documentation."""
    u, g, r, e = (np.array(table[name].to_pylist(), float) for name in ("u", "g", "r", "e"))
    colours, squares = np.stack([u - g, g - r]), 2 * np.stack([e, e]) ** 2
    for row in rows:
        scale = squares + squares[:, [row]] + 0.01**2 if with_errors else 1.0
        yield np.sqrt((((colours - colours[:, [row]]) ** 2) / scale).sum(axis=0))


@pytest.mark.parametrize("with_errors", [False, True])
@pytest.mark.parametrize("with_index", [False, True])
def test_the_nearest_are_those_of_brute_force(noisy, indexes, with_errors, with_index):
    table = noisy.to_table()
    ids = np.array(table["id"])
    known = np.flatnonzero(~(np.array(table["u"].is_null()) | np.array(table["e"].is_null())))
    rows = known[[3, 500, 1500]]
    told = similar(
        table.take(rows), noisy, in_=IN, k=12, errors=ERRORS if with_errors else False,
        index=indexes[with_errors] if with_index else None,
    )  # fmt: skip
    assert told["object"].to_pylist() == [0] * 12 + [1] * 12 + [2] * 12
    assert told["rank"].to_pylist() == list(range(1, 13)) * 3
    for number, wanted in enumerate(_naive(table, rows, with_errors=with_errors)):
        wanted[rows[number]] = np.inf  # not its own like
        first = np.argsort(wanted, kind="stable")[:12]
        mine = np.array(told["object"]) == number
        assert np.array(told["id"])[mine].tolist() == ids[first].tolist()
        np.testing.assert_allclose(np.array(told["distance"])[mine], wanted[first], rtol=1e-9)


@pytest.mark.parametrize("with_index", [False, True])
def test_all_within_a_radius_are_found(noisy, indexes, with_index):
    table = noisy.to_table()
    row = int(np.flatnonzero(~np.array(table["u"].is_null()))[7])
    wanted = next(_naive(table, [row], with_errors=False))
    wanted[row] = np.inf
    index = indexes[False] if with_index else None
    told = similar(table.slice(row, 1), noisy, in_=IN, radius=0.2, errors=False, index=index)
    near = wanted <= 0.2
    assert set(told["id"].to_pylist()) == set(np.array(table["id"])[near].tolist())
    assert told.num_rows == near.sum() > 20
    few = similar(table.slice(row, 1), noisy, in_=IN, radius=0.2, k=5, errors=False, index=index)
    assert few.equals(told.slice(0, 5))


def test_a_search_reads_few_cells(noisy, indexes):
    opened = SimilarIndex.open(indexes[False])
    assert len(opened.low) >= 40
    from skyquarry.mine.sought import Sought

    likeness = Likeness.of(noisy, IN, errors=False)
    sought = Sought(likeness, np.array([[1.0, 0.5]]), np.zeros((1, 2)), (), 5, None)
    assert sum(each.num_rows for each in opened.search(sought)) >= 5
    assert len(opened.read) <= 4


def test_executor_and_index_change_nothing(noisy, indexes):
    objects = noisy.where("u IS NOT NULL AND e IS NOT NULL AND id < 40")
    told = similar(objects, noisy, in_=IN, k=3, errors=ERRORS, executor="inline")
    assert told.equals(similar(objects, noisy, in_=IN, k=3, errors=ERRORS))
    index = indexes[True]
    assert told.equals(similar(objects, noisy, in_=IN, k=3, errors=ERRORS, index=index))


def test_an_index_of_something_else_is_refused(noisy, stars, indexes, tmp_path):
    one = noisy.where("id = 1")
    with pytest.raises(UserError, match="make another"):
        similar(one, noisy, in_=["u - r"], k=1, errors=False, index=indexes[False])
    with pytest.raises(UserError, match="make another"):
        similar(one, stars, in_=IN, k=1, errors=False, index=indexes[False])
    with pytest.raises(UserError, match="is cut"):
        similar(one, one, in_=IN, k=1, errors=False, index=indexes[False])
    with pytest.raises(NotFoundError, match="similar_index"):
        similar(one, noisy, in_=IN, k=1, errors=False, index=tmp_path / "none")
    with pytest.raises(ExistsError):
        similar_index(noisy, IN, indexes[False])


def test_an_index_of_a_catalogue_that_was_built_anew_in_its_place_is_refused(stars, tmp_path):
    """Of the same name, version and number of rows, but of other colours."""
    few = stars.where("id < 300").to_table()
    roles = stars.roles.to_properties()
    write_catalog(tmp_path / "few", few, properties=roles)
    index = similar_index(tmp_path / "few", ["g - r"], tmp_path / "index")
    moved = few.set_column(
        few.column_names.index("g"), "g", few["g"].take(list(range(299, -1, -1)))
    )
    shutil.rmtree(tmp_path / "few")
    write_catalog(tmp_path / "few", moved, properties=roles)
    with pytest.raises(UserError, match=r"has content .* make another"):
        similar(few.slice(0, 1), tmp_path / "few", in_=["g - r"], k=1, index=index)


def test_what_cannot_be_compared_is_told(noisy):
    one = noisy.where("u IS NULL").head(1).to_table()
    with pytest.raises(UserError, match="object 0 lacks"):
        similar(one, noisy, in_=IN, k=1)
    with pytest.raises(UserError, match="one is needed"):
        similar(one, noisy, in_=IN)
    with pytest.raises(UserError, match="radius is '1', but a number of 0 or more is needed"):
        similar(one, noisy, in_=IN, radius="1")
    with pytest.raises(UserError, match="no error of g"):
        similar(one, noisy, in_=IN, k=1, errors=True)
    with pytest.raises(UserError, match="no sum of columns"):
        similar(one, noisy, in_=["u / g"], k=1, errors=ERRORS)
    with pytest.raises(ColumnError, match="'z'"):
        similar(one, noisy, in_=["g - z"], k=1)
    with pytest.raises(ColumnError, match=r"the objects have no column '\w', but .* are"):
        similar(one.select(["id"]), noisy, in_=IN, k=1)
    with pytest.raises(UserError, match=r"the objects are 3, but a catalogue or a table"):
        similar(3, noisy, in_=IN, k=1)


def test_objects_of_other_types_are_told_before_work(noisy):
    one = noisy.where("u IS NOT NULL").head(1).select(["id", "u", "g", "r"]).to_table()
    for name, told in (("id", "the objects' id is string, but the catalogue's is int64"),
                       ("u", "the objects' column 'u' is string, but numbers are")):  # fmt: skip
        place = one.schema.get_field_index(name)
        text = one.set_column(place, name, pa.array(["x"]))
        with pytest.raises(ColumnError, match=told):
            similar(text, noisy, in_=IN, k=1, errors=False)
    with pytest.raises(UserError, match="scatter is 1e-300, but a number above 1e-100"):
        similar(one, noisy, in_=IN, k=1, errors=ERRORS, scatter=1e-300)


@pytest.mark.parametrize("widest", [3, 3_000, 2**61])
def test_cells_are_numbered_whatever_their_span(widest):
    random = np.random.default_rng(4)
    cells = random.integers(-widest, widest, (3, 500))
    cells[:, 250:] = cells[:, :250]
    seen = Seen.of(cells, np.arange(500))
    wanted, counts = np.unique(cells, axis=1, return_counts=True)
    told = np.array([np.frombuffer(key.ljust(24, b"\0"), ">i8") for key in seen.keys]).T
    along = np.lexsort(told[::-1])
    assert told[:, along].tolist() == wanted.tolist()
    assert seen.counts[along].tolist() == counts.tolist()
    assert told[:, seen.at].tolist() == cells.tolist()


def test_no_row_is_in_no_cell():
    seen = Seen.of(np.empty((2, 0), np.int64), np.empty(0, np.int64))
    assert len(seen.keys) == len(seen.counts) == len(seen.at) == 0


def test_the_rarest_are_those_of_the_emptiest_cells(stars):
    table = stars.to_table()
    u, g, r = (np.array(table[name].to_pylist(), float) for name in "ugr")
    cells = np.floor(np.stack([u - g, g - r], axis=1) / 0.5)
    rows = np.flatnonzero(np.isfinite(cells).all(axis=1))
    _, at, counts = np.unique(cells[rows], axis=0, return_inverse=True, return_counts=True)
    own = counts[at.ravel()]
    limit = max(c for c in np.unique(own) if (own <= c).sum() <= 0.01 * len(rows))
    wanted = rows[own <= limit]
    told = rare(stars, ["u - g", "g - r"], 0.01, width=0.5).to_table()
    assert 0 < told.num_rows <= 0.01 * len(rows)
    assert told["id"].to_pylist() == np.array(table["id"])[wanted].tolist()
    assert told["cell_rows"].to_pylist() == own[own <= limit].tolist()
    assert rare(stars, ["g - r"], 1e-9).to_table().num_rows == 0
    with pytest.raises(UserError, match="share is 2"):
        rare(stars, ["g - r"], 2)
    with pytest.raises(ColumnError, match="select it"):
        rare(stars.select(["id"]), ["g - r"])


def test_objects_in_other_units_are_compared_in_those_of_the_catalogue(tmp_path):
    magnitude = pa.field("u", pa.float64(), metadata={"unit": "mag"})
    numbers = np.arange(9.0)
    fields = [("id", pa.int64()), ("ra", pa.float64()), ("dec", pa.float64())]
    schema = pa.schema([*(pa.field(*each) for each in fields), magnitude])
    columns = [pa.array(range(9)), pa.array(numbers), pa.array(numbers), pa.array(numbers)]
    properties = {"hats_col_ra": "ra", "hats_col_dec": "dec", "skyquarry_id": "id"}
    write_catalog(tmp_path / "t", pa.table(columns, schema=schema), properties=properties)
    there = open_catalog(tmp_path / "t")

    def objects(value, unit):
        return pa.table([[value]], schema=pa.schema([magnitude.with_metadata({"unit": unit})]))

    for given in (objects(4100.0, "mmag"), objects(4.1, "mag"), objects(4.1, "")):
        told = similar(given, there, in_=["u"], k=1, errors=False)
        assert told["id"].to_pylist() == [4]
        assert told["distance"].to_pylist() == pytest.approx([0.1])
    for other in ("Jy", "no unit"):
        with pytest.raises(ColumnError, match=f"objects' u is in '{other}', but the .* in 'mag'"):
            similar(objects(1.0, other), there, in_=["u"], k=1, errors=False)
