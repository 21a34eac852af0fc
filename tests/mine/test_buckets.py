import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from skyquarry.catalog.roles import Roles
from skyquarry.engine.catalog import open_catalog
from skyquarry.errors import ColumnError, PredicateError, UserError
from skyquarry.mine.buckets import buckets
from skyquarry.mine.colours import Colours
from skyquarry.mine.space import Space
from skyquarry.sky.regions import Cone
from skyquarry.sky.vectors import separation_arcsec, to_xyz
from skyquarry.testing.handmade import write_catalog


@pytest.fixture(scope="module")
def few(stars):
    return stars.where("id < 3000")


def _naive(table, margin, keep):
    """All pairs of rows in two colours, by brute force; the first along the sky is left."""
    u, g, r = (np.array(table[name].to_pylist(), float) for name in "ugr")
    left, right = np.triu_indices(table.num_rows, 1)
    near = np.abs((u - g)[left] - (u - g)[right]) <= margin
    near &= np.abs((g - r)[left] - (g - r)[right]) <= margin
    near &= keep(table.take(left), table.take(right))
    ids = np.array(table["id"])
    return set(zip(ids[left[near]].tolist(), ids[right[near]].tolist(), strict=True))


def _fainter(left, right):
    return np.array(left["g"]) > np.array(right["g"]) + 0.5


def _all(left, right):
    del right
    return np.ones(left.num_rows, bool)


def _told(table):
    pairs = list(zip(table["left_id"].to_pylist(), table["right_id"].to_pylist(), strict=True))
    assert len(set(pairs)) == len(pairs)
    return set(pairs)


@pytest.mark.parametrize("keep", [_all, _fainter])
@pytest.mark.parametrize(("margin", "width"), [(0.02, None), (0.02, 0.02), (0.3, 0.4)])
def test_pairs_in_two_colours_are_those_of_brute_force(few, keep, margin, width):
    by = Colours(["u - g", "g - r"], margin, width)
    plan = buckets(few, by, compare=keep, needs=["g"])
    assert _told(plan.to_table()) == _naive(few.to_table(), margin, keep)


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize(("step", "margin"), [(0.25, 0.25), (0.1, 0.1), (1e-9, 0.2)])
def test_numbers_that_stand_on_borders_and_are_equal_find_each_other(tmp_path, d, step, margin):
    random = np.random.default_rng(d)
    n = 500
    numbers = np.round(random.normal(-2.0, 1.0, (d, n)) / step) * step
    numbers[0, :3] = np.nan, np.inf, 1e300
    columns = {f"x{axis}": numbers[axis] for axis in range(d)}
    ra, dec = random.random(n) * 360.0, random.random(n) * 80.0
    table = pa.table({"id": np.arange(n), "ra": ra, "dec": dec, **columns})
    roles = Roles(ra="ra", dec="dec", id="id").to_properties()
    write_catalog(tmp_path / "grid", table, max_rows=100, properties=roles)
    few = open_catalog(tmp_path / "grid")
    told = _told(buckets(few, Colours(list(columns), margin)).to_table())
    left, right = np.triu_indices(n, 1)
    near = (np.abs(numbers[:, left] - numbers[:, right]) <= margin).all(axis=0)
    near &= np.isfinite(numbers[0, left])
    expected = {frozenset(pair) for pair in zip(left[near], right[near], strict=True)}
    assert {frozenset(pair) for pair in told} == expected
    assert len(told) == len(expected) > 10


def test_every_executor_gives_the_same_rows_and_leaves_nothing_behind(few, tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    plan = buckets(few, Colours(["g - r"], 0.001), columns=["id", "g"], folder=tmp_path)
    tables = [plan.to_table("inline"), plan.to_table()]
    with ThreadPoolExecutor(8) as pool:
        tables.append(plan.to_table(pool))
    assert tables[0].column_names == ["left_id", "left_g", "right_id", "right_g"]
    assert tables[0].num_rows > 100
    assert all(table.equals(tables[0]) for table in tables)
    assert list(tmp_path.iterdir()) == []


def test_rows_without_a_colour_are_counted_and_all_others_have_one_home(few):
    result = buckets(few, Colours(["u - g"], 0.001)).run("inline")
    assert result.table.num_rows > 0
    told = result.report
    assert told["rows in buckets"] == few.where("u IS NOT NULL").count()
    assert told["without a bucket"] == few.where("u IS NULL").count()
    assert told["kept"] == result.table.num_rows


def _kind(table):
    return np.array([{"star": 1, "galaxy": 2}[kind] for kind in table["kind"].to_pylist()])


def test_a_function_says_which_rows_meet(few):
    cut = few.where("id < 60")
    plan = buckets(cut, _kind, needs=["kind"], columns=["id", "kind"])
    table = plan.to_table()
    assert table["left_kind"].equals(table["right_kind"])
    counts = [cut.where(f"kind = '{kind}'").count() for kind in ("star", "galaxy")]
    assert table.num_rows == sum(n * (n - 1) // 2 for n in counts)


@pytest.mark.parametrize("executor", [None, "inline"])
def test_on_the_sky_those_within_a_separation_meet(stars, executor):
    crowd = stars.region(Cone(12.0, 0.5, 1200.0))
    table = crowd.to_table()
    xyz = to_xyz(np.array(table["ra"]), np.array(table["dec"]))
    left, right = np.triu_indices(table.num_rows, 1)
    near = separation_arcsec(xyz[left], xyz[right]) <= 120.0
    g = np.array(table["g"])
    near &= g[left] > g[right] + 0.5
    ids = np.array(table["id"])
    plan = buckets(crowd, Space(arcmin=2), compare=_fainter, columns=["id"], needs=["g"])
    told = _told(plan.to_table(executor))
    assert told == set(zip(ids[left[near]].tolist(), ids[right[near]].tolist(), strict=True))
    assert len(told) > 50
    assert "_fainter keeps" in plan.explain()


def test_what_cannot_be_is_refused_before_work_starts(few):
    with pytest.raises(UserError, match="one of them, above 0"):
        Space(arcsec=1, arcmin=1)
    with pytest.raises(UserError, match="one of them, above 0"):
        Space(arcmin=0)
    with pytest.raises(UserError, match="one of them, above 0"):
        Space(arcmin="1")
    with pytest.raises(UserError, match=r"by is 3, but it says where rows meet: try Space"):
        buckets(few, 3)
    with pytest.raises(UserError, match="compare is 5, but a function of two tables"):
        buckets(few, Space(arcmin=1), compare=5)
    with pytest.raises(UserError, match="head"):
        buckets(few.head(5), Colours(["u - g"], 0.1))
    with pytest.raises(ColumnError, match="'z'"):
        buckets(few, Colours(["g - z"], 0.1))
    with pytest.raises(PredicateError, match="no number"):
        buckets(few, Colours(["g < r"], 0.1))
    with pytest.raises(UserError, match="margins above 0"):
        Colours(["u - g"], 0.0)
    with pytest.raises(UserError, match="boxes as wide"):
        Colours(["u - g"], 0.1, 0.05)


def test_too_many_pairs_and_wrong_answers_are_told_and_leave_nothing(few, tmp_path):
    crowd = buckets(few, Colours(["u - g"], 5.0), folder=tmp_path, most_pairs=1_000)
    with pytest.raises(UserError, match="more than 1,000 pairs are within"):
        crowd.to_table()
    numbers = buckets(
        few,
        Colours(["u - g"], 0.001),
        folder=tmp_path,
        compare=lambda left, right: left["id"].to_numpy(),
    )
    with pytest.raises(UserError, match="a truth for each"):
        numbers.to_table()
    keys = buckets(few, lambda table: table["g"].to_numpy(), needs=["g"], folder=tmp_path)
    with pytest.raises(UserError, match="a whole number for each"):
        keys.to_table()
    assert list(tmp_path.iterdir()) == []


def test_a_users_function_that_fails_is_named_with_what_it_was_given(few):
    def blind(*tables):
        return tables[0]["no such band"]

    where = r"blind failed with KeyError: .*no such band.* of [\d,]+ rows \(.*needs="
    for machine in (
        buckets(few, blind, needs=["g"]),
        buckets(few, Space(arcsec=60), compare=blind, needs=["g"]),
        buckets(few, Colours(["u - g"], 0.1), compare=blind),
    ):
        with pytest.raises(UserError, match=where) as told:
            machine.to_table("inline")
        assert isinstance(told.value.__cause__, KeyError)


def test_pairs_of_which_a_comparison_says_null_are_not_kept(few):
    def fainter(left, right):
        known = pc.if_else(pc.greater(left["g"], 20.0), left["g"], None)
        return pc.less(known, right["g"])

    def known_fainter(left, right):
        return pc.and_(pc.greater(left["g"], 20.0), pc.less(left["g"], right["g"]))

    found, wanted = (
        buckets(few, Colours(["u - g"], 0.01), compare=each, needs=["g"]).to_table()
        for each in (fainter, known_fainter)
    )
    assert 0 < found.num_rows == wanted.num_rows


def test_partitions_without_a_row_are_compared_too(few, tmp_path):
    one = few.where("id = 17")
    alone = buckets(one, Colours(["u - g"], 0.1), folder=tmp_path).to_table()
    assert alone.num_rows == 0
    assert "left_id" in alone.column_names
    everywhere = buckets(one, lambda table: np.zeros(len(table), np.int64), folder=tmp_path)
    assert everywhere.to_table().num_rows == 0


def test_a_plan_says_what_it_would_do(few):
    plan = buckets(few, Colours(["u - g"], 0.1))
    assert "share a bucket (Colours)" in plan.explain()
    assert repr(plan) == f"Plan: {plan.explain()}"
    assert pa.types.is_int64(buckets(few, Colours(["u - g"], 0.1)).schema.field("left_id").type)
