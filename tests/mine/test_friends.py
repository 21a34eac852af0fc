import numpy as np
import pyarrow as pa
import pytest

from skyquarry.errors import ColumnError, UserError
from skyquarry.mine.friends import duplicates, friends_of_friends
from skyquarry.sky.vectors import separation_arcsec, to_xyz
from skyquarry.testing.handmade import write_catalog


@pytest.fixture(scope="module")
def crowd(stars):
    return stars.where("ra > 10 AND ra < 12 AND dec > 0 AND dec < 1")


def _naive(table, length, agree=None):
    """Groups by brute force: every pair is looked at, links are followed to the end."""
    xyz = to_xyz(np.array(table["ra"]), np.array(table["dec"]))
    left, right = np.triu_indices(table.num_rows, 1)
    near = separation_arcsec(xyz[left], xyz[right]) <= length
    if agree is not None:
        value, most = agree
        near &= np.abs(value[left] - value[right]) <= most
    friends = [set() for _ in range(table.num_rows)]
    for i, j in zip(left[near].tolist(), right[near].tolist(), strict=True):
        friends[i].add(j)
        friends[j].add(i)
    groups, done = [], set()
    for row in range(table.num_rows):
        if row in done or not friends[row]:
            continue
        group, todo = set(), [row]
        while todo:
            each = todo.pop()
            if each not in group:
                group.add(each)
                todo += friends[each]
        done |= group
        groups.append(sorted(group))
    return groups


def _told(rows):
    ids, group = rows["id"].to_pylist(), rows["group"].to_pylist()
    found = {}
    for row, number in zip(ids, group, strict=True):
        found.setdefault(number, []).append(row)
    return [found[number] for number in sorted(found)]


@pytest.mark.parametrize("length", [20.0, 45.0, 60.0])
def test_groups_are_those_of_brute_force_and_stand_along_the_sky(crowd, length):
    table = crowd.to_table()
    ids = table["id"].to_pylist()
    wanted = [[ids[row] for row in group] for group in _naive(table, length)]
    rows = friends_of_friends(crowd, length).to_table()
    assert len(wanted) > 20
    assert _told(rows) == wanted
    sizes = {number: len(group) for number, group in enumerate(wanted)}
    assert rows["members"].to_pylist() == [sizes[n] for n in rows["group"].to_pylist()]


def test_groups_reach_over_many_tiles(stars, crowd):
    tiles = stars.source.tiles.find(np.array(crowd.select(["_healpix_29"]).to_table()[0]))
    assert len(np.unique(tiles)) > 3
    rows = friends_of_friends(crowd, 200.0).to_table()
    assert max(rows["members"].to_pylist()) > 1000


def test_tiling_and_executor_change_nothing(stars, tmp_path):
    from skyquarry.engine.catalog import open_catalog

    roles = stars.roles.to_properties()
    write_catalog(tmp_path / "one", stars.to_table(), properties=roles, max_rows=20_000)
    one = open_catalog(tmp_path / "one")
    assert len(one.source.tiles) < len(stars.source.tiles)
    plan = friends_of_friends(stars, 90.0, columns=["g"])
    rows = plan.to_table("inline")
    assert rows.equals(plan.to_table())
    assert rows.equals(friends_of_friends(one, 90.0, columns=["g"]).to_table())
    assert rows.column_names == ["id", "group", "members", "g"]


def test_friends_agree_in_numbers_too(crowd):
    table = crowd.to_table()
    ids, u = table["id"].to_pylist(), np.array(table["u"].to_pylist(), float)
    wanted = [[ids[row] for row in group] for group in _naive(table, 90.0, (u, 0.5))]
    assert _told(friends_of_friends(crowd, 90.0, within={"u": 0.5}).to_table()) == wanted


def test_small_groups_are_left_out_and_the_others_numbered_anew(crowd, tmp_path):
    every = friends_of_friends(crowd, 60.0).to_table()
    some = friends_of_friends(crowd, 60.0, least=4, folder=tmp_path).to_table()
    large = [group for group in _told(every) if len(group) >= 4]
    assert _told(some) == large
    assert some["group"].to_pylist()[0] == 0
    assert list(tmp_path.iterdir()) == []


def test_of_a_row_that_stands_several_times_one_is_kept(tmp_path):
    from skyquarry.catalog.roles import Roles
    from skyquarry.engine.catalog import open_catalog

    table = pa.table({
        "id": [1, 2, 3, 4, 5], "ra": [10.0, 10.0, 10.0, 50.0, 50.00001],
        "dec": [0.0] * 5, "r": [18.0, 18.1, 18.3, 20.0, 20.0], "e": [0.3, None, 0.1, 0.2, 0.3],
    })  # fmt: skip
    roles = Roles(ra="ra", dec="dec", id="id")
    write_catalog(tmp_path / "some", table, properties=roles.to_properties())
    some = open_catalog(tmp_path / "some")
    found = duplicates(some, 0.5, best="e")
    kept = dict(zip(found["id"].to_pylist(), found["keep"].to_pylist(), strict=True))
    assert kept == {1: False, 2: False, 3: True, 4: True, 5: False}
    assert sorted(duplicates(some, 0.5, within={"r": 0.15})["id"].to_pylist()) == [1, 2, 4, 5]
    first = duplicates(some, 0.5)
    assert first["keep"].to_pylist() == [True, False, False, True, False]
    assert first["id"].to_pylist() == some.to_table()["id"].to_pylist()
    assert duplicates(some.where("id = 4"), 0.5).num_rows == 0


def test_what_cannot_be_is_refused(crowd):
    with pytest.raises(UserError, match="least is 1"):
        friends_of_friends(crowd, 1.0, least=1)
    with pytest.raises(UserError, match="first 5 rows"):
        friends_of_friends(crowd.head(5), 1.0)
    with pytest.raises(ColumnError, match="'z'"):
        friends_of_friends(crowd, 1.0, within={"z": 0.1})
    with pytest.raises(UserError, match=r"within of .u. is -1"):
        friends_of_friends(crowd, 1.0, within={"u": -1})
    assert "linked" in friends_of_friends(crowd, 1.0).explain()
