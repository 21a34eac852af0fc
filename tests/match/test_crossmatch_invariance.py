"""An identification is the same for any tiling, patches, workers, and order of its inputs."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

import skyquarry as sq
from skyquarry.catalog.tiling import tiles_from_counts
from skyquarry.ingest import buildplan
from skyquarry.ingest.spill import histogram
from skyquarry.match.given.rows import Flag
from skyquarry.match.runs import asked, identification
from skyquarry.match.runs.rowsource import Resident, Streamed
from skyquarry.testing.crosstables import CrossTable, cross_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skyquarry.match.matchresult import MatchResult

    Tables = list[CrossTable]
    Tilings = dict[tuple[int, int], str]

KINDS = ("pairs", "groups", "members")
ROW_NUMBERS = ("left_row", "right_row", "row")


@pytest.fixture(scope="module")
def tables() -> Tables:
    return cross_tables(240)


@pytest.fixture(scope="module")
def expected(tables: Tables) -> MatchResult:
    """The tables of the whole sky at once, in one thread."""
    result = sq.crossmatch(*[each.given for each in tables]).run("inline")
    assert len(result.made.patches) == 1
    assert result.made.learnt.photometry is not None
    assert result.pairs.num_rows > 300
    fast = np.asarray(result.pairs["flags"]) & Flag.FAST_PASS > 0
    assert 0 < fast.sum() < 100
    return result


@pytest.fixture(scope="module")
def tilings(tables: Tables, tmp_path_factory: pytest.TempPathFactory) -> Tilings:
    """{(catalogue's number, order): path} of catalogues with leaves of one order."""
    folder = tmp_path_factory.mktemp("tilings")
    building: Any = buildplan
    original = building.leaves_of

    def leaves_of(order: int) -> Any:
        def at(runs: Any, schema: pa.Schema, max_rows: int, without: Any = None) -> Any:
            pixels = np.concatenate([batch[0] for run in runs for batch in _pixels(run, schema)])
            cells, counts = histogram(pixels, order)
            return tiles_from_counts(cells, 2 * counts, order, max_rows=1)

        return at

    paths = {}
    for n, order in [(0, 3), (0, 6), (0, 9), (1, 4), (1, 7), (1, 8), (2, 5), (2, 3), (2, 9)]:
        building.leaves_of = leaves_of(order)
        try:
            path = folder / f"{order}" / tables[n].name
            options: dict[str, Any] = {
                "survey": tables[n].survey,
                "progress": False,
                "executor": "inline",
            }
            built = sq.build(tables[n].table, path, **options)
            assert {order} == set(built.stored.tiles.order.tolist())
        finally:
            building.leaves_of = original
        paths[n, order] = str(path)
    return paths


def _pixels(run: Any, schema: pa.Schema) -> Iterator[tuple[Any]]:
    share = run.share(0, 12 << 58)
    return ((batch.column("_healpix_29").to_numpy(),) for batch in share.batches(schema))


def assert_same(found: MatchResult, wanted: MatchResult, *, without: tuple[str, ...] = ()) -> None:
    """Every byte of every column, those that only the matcher sees too."""
    for kind in KINDS:
        mine, other = getattr(found.all, kind), getattr(wanted.all, kind)
        assert mine.schema == other.schema
        columns = [name for name in mine.column_names if name not in without]
        differing = [name for name in columns if not _plain(mine[name]).equals(_plain(other[name]))]
        assert not differing, (kind, differing)


def _plain(column: Any) -> Any:
    return column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column


def _given(tables: Tables) -> list[Any]:
    return [each.given for each in tables]


# ---------------------------------------------------------------- tilings


@pytest.mark.parametrize("orders", [(3, 4, 5), (6, 8, 3), (9, 7, 9)])
def test_catalogues_of_any_tiling_give_the_bytes_of_tables(
    tilings: Tilings, expected: MatchResult, orders: tuple[int, ...]
) -> None:
    paths = [tilings[each] for each in enumerate(orders)]
    found = sq.crossmatch(*paths).run("inline")
    assert found.members["row"].null_count == found.members.num_rows
    assert_same(found, expected, without=ROW_NUMBERS)


def test_catalogues_match_tables(tilings: Tilings, tables: Tables, expected: MatchResult) -> None:
    found = sq.crossmatch(tilings[0, 6], tables[1].given, tilings[2, 3]).run("inline")
    assert_same(found, expected, without=ROW_NUMBERS)


@pytest.mark.parametrize(("orders", "rows"), [((3, 8, 9), 60), ((9, 4, 3), 8)])
def test_catalogues_read_patch_by_patch_give_the_same(
    tilings: Tilings,
    expected: MatchResult,
    orders: tuple[int, ...],
    rows: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(asked, "RESIDENT_ROWS", 0)
    monkeypatch.setattr(identification, "PATCH_ROWS", rows)
    found = sq.crossmatch(*(tilings[each] for each in enumerate(orders))).run("inline")
    assert isinstance(found.made.source, Streamed)
    assert len(found.made.patches) > 10
    assert_same(found, expected, without=ROW_NUMBERS)


def test_catalogues_of_other_tilings_in_eight_threads_give_the_same(
    tilings: Tilings, expected: MatchResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asked, "RESIDENT_ROWS", 0)
    monkeypatch.setattr(identification, "PATCH_ROWS", 100)
    with ThreadPoolExecutor(8) as executor:
        found = sq.crossmatch(tilings[0, 9], tilings[1, 8], tilings[2, 3]).run(executor)
        assert_same(found, expected, without=ROW_NUMBERS)


# ---------------------------------------------------------------- patches, executors


@pytest.mark.parametrize("resident", [True, False])
@pytest.mark.parametrize("rows", [200, 20])
def test_patches_give_the_bytes_of_the_whole_sky(
    tables: Tables,
    expected: MatchResult,
    resident: bool,  # noqa: FBT001  a case of the test
    rows: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(identification, "PATCH_ROWS", rows)
    monkeypatch.setattr(asked, "RESIDENT_ROWS", 10**6 if resident else 0)
    opened: list[int] = []
    original = identification.Identification._across

    def across(self: Any, rows: Any) -> Any:
        opened.append(sum(len(each) for patch in rows for each in patch))
        return original(self, rows)

    monkeypatch.setattr(identification.Identification, "_across", across)
    found = sq.crossmatch(*_given(tables)).run("inline")
    assert isinstance(found.made.source, Resident if resident else Streamed)
    assert_same(found, expected)
    assert len(found.made.patches) >= 4
    assert opened[-1] > 5


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_any_number_of_threads_gives_the_same(
    tables: Tables, expected: MatchResult, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identification, "PATCH_ROWS", 60)
    with ThreadPoolExecutor(workers) as executor:
        found = sq.crossmatch(*_given(tables)).run(executor)
        assert_same(found, expected)


@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_any_executor_gives_the_same(
    tables: Tables, expected: MatchResult, executor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identification, "PATCH_ROWS", 200)
    found = sq.crossmatch(*_given(tables)).run(executor)
    assert_same(found, expected)


@pytest.mark.parametrize("options", [{"constraint": "many_to_one"}, {"constraint": "none"}])
def test_patches_give_the_same_under_every_constraint(
    tables: Tables, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = sq.crossmatch(*_given(tables), **options).run("inline")
    assert_same(whole, whole)
    monkeypatch.setattr(identification, "PATCH_ROWS", 30)
    found = sq.crossmatch(*_given(tables), **options).run("inline")
    assert len(found.made.patches) > len(whole.made.patches) == 1
    assert_same(found, whole)


def test_a_stream_gives_the_rows_of_the_table(
    tables: Tables, expected: MatchResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identification, "PATCH_ROWS", 60)
    plan = sq.crossmatch(*_given(tables))
    streamed = pa.Table.from_batches(plan.stream())
    keys = [
        (name, "ascending") for name in ("left_catalog", "right_catalog", "left_row", "right_row")
    ]
    sortable = [
        t.set_column(3, "left_catalog", _plain(t["left_catalog"]))
        .set_column(4, "right_catalog", _plain(t["right_catalog"]))
        .sort_by(keys)
        for t in (streamed, expected.pairs)
    ]
    assert sortable[0].combine_chunks().equals(sortable[1].combine_chunks())


# ---------------------------------------------------------------- order of rows, of catalogues


@pytest.mark.parametrize("seed", [8, 9])
def test_shuffled_rows_give_the_same(tables: Tables, expected: MatchResult, seed: int) -> None:
    random = np.random.default_rng(seed)
    mixed = [
        each.having(each.table.take(pa.array(random.permutation(each.table.num_rows))))
        for each in tables
    ]
    found = sq.crossmatch(*_given(mixed)).run("inline")
    assert_same(found, expected, without=ROW_NUMBERS)


SWAPS: list[tuple[tuple[int, ...], dict[str, Any]]] = [
    ((1, 0, 2), {}),
    ((2, 1, 0), {}),
    ((1, 2, 0), {"photometry": None}),
    ((2, 0, 1), {"calibrate": False}),
    ((1, 2, 0), {"constraint": "none"}),
    ((0, 2, 1), {"constraint": "many_to_one"}),
]
PAIR_FLOATS = (
    "sep_arcsec", "chi2", "lnB_pos", "lnB_phot", "ln_gain", "posterior", "posterior_geometry",
    "epoch_used",
)  # fmt: skip
GROUP_FLOATS = (
    "ra", "dec", "posterior", "runner_up", "lnB", "chi2", "ra_error", "dec_error", "ra_dec_corr",
    "epoch", "pmra", "pmdec", "pmra_error", "pmdec_error",
)  # fmt: skip


@pytest.mark.parametrize(("order", "options"), SWAPS)
def test_swapped_catalogues_exchange_their_roles(
    tables: Tables, order: tuple[int, ...], options: dict[str, Any]
) -> None:
    there = sq.crossmatch(*_given(tables), **options).run("inline")
    back = sq.crossmatch(*[tables[n].given for n in order], **options).run("inline")
    mine, other = _pairs(there), _pairs(back)
    assert mine.keys() == other.keys()
    for key in mine:
        assert_near(mine[key], other[key], PAIR_FLOATS)
        # Of rows that stand twice the earlier catalogue takes the lower: the ties alone differ.
        if not mine[key]["flags"] & Flag.TIE:
            assert mine[key]["is_match"] == other[key]["is_match"]
            assert mine[key]["mutual"] == other[key]["mutual"]
    one, two = _objects(there), _objects(back)
    assert one.keys() == two.keys()
    for key in one:
        for these, those in zip(one[key], two[key], strict=True):
            assert_near(these, those, GROUP_FLOATS)


def test_swapped_catalogues_of_two_see_each_other_from_the_other_side(tables: Tables) -> None:
    a, b = tables[0].given, tables[1].given
    mine = _pairs(sq.crossmatch(a, b).run("inline"))
    other = _pairs(sq.crossmatch(b, a).run("inline"))
    assert mine.keys() == other.keys()
    for key in mine:
        assert_near(mine[key], other[key], PAIR_FLOATS)
        assert mine[key]["is_match"] == other[key]["is_match"]
        assert (mine[key]["left_id"], mine[key]["right_id"]) == (
            other[key]["right_id"],
            other[key]["left_id"],
        )


def assert_near(these: dict[str, Any], those: dict[str, Any], names: tuple[str, ...]) -> None:
    """The same to 1e-12 of it, null where the other is."""
    for name in names:
        mine, other = these[name], those[name]
        assert (mine is None) == (other is None), name
        if mine is not None:
            assert mine == pytest.approx(other, rel=1e-12, abs=1e-12), name


def _objects(result: MatchResult) -> dict[tuple[int, ...], list[dict[str, Any]]]:
    """{the ids that an object is made of: its groups}, several only where rows stand twice."""
    names = sorted(result.asked.names)
    told: dict[tuple[int, ...], list[dict[str, Any]]] = {}
    for row in result.groups.to_pylist():
        told.setdefault(tuple(row[f"{name}_id"] or -1 for name in names), []).append(row)
    return told


def _pairs(result: MatchResult) -> dict[tuple[Any, ...], dict[str, Any]]:
    """{rows of a pair, whichever was left: the pair}; of rows that stand twice by number too."""
    told = {}
    for row in result.pairs.to_pylist():
        sides = sorted(
            (row[f"{s}_catalog"], row[f"{s}_id"], row[f"{s}_row"]) for s in ("left", "right")
        )
        told[tuple(sides)] = row
    return told


def test_tilings_cover_all_orders(tilings: Tilings) -> None:
    assert {order for _, order in tilings} == set(range(3, 10))
    assert len(list(itertools.chain(tilings))) == 9
