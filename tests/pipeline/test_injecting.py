"""Known sources among a catalogue's rows."""

import numpy as np
import pyarrow.parquet as pq
import pytest

import skyquarry as sq
from skyquarry.errors import ColumnError, UserError
from skyquarry.pipeline.injecting import SWALLOWED, inject
from skyquarry.synthetic.bands import N_BANDS
from skyquarry.synthetic.sources import Kind, Sources
from skyquarry.testing.points import simulated


@pytest.fixture(scope="module")
def sky(tmp_path_factory):
    return simulated(tmp_path_factory.mktemp("sky"), surveys=["sdss", "gaia"])


def new(mags, apart=0.004):
    """Stars in a row through the middle of the field, as bright in every band."""
    n = len(mags)
    ra = 180.0 + (np.arange(n) - n / 2) * apart
    every = np.repeat(np.asarray(mags, float)[:, None], N_BANDS, axis=1)
    made = Sources.of(n, ra_deg=ra, dec_deg=30.001, mags=every, kind=Kind.MAIN_SEQUENCE)
    return made.to_table(np.arange(n) + 7)


def test_bright_sources_are_found_and_the_links_tell_which(sky, tmp_path):
    made = inject(sky["sdss"], new(np.full(20, 18.0)), tmp_path / "new", seed=1)
    links = sq.open(tmp_path / "new_injected").to_table()
    assert len(set(links["truth_id"].to_pylist()) & set(range(7, 27))) >= 19
    rows = made.to_table()
    mine = rows.filter(
        [key in set(links["objID"].to_pylist()) for key in rows["objID"].to_pylist()]
    )
    assert np.median(mine["psfMag_r"].to_numpy()) == pytest.approx(18, abs=0.05)


def test_rows_that_were_there_stay_or_are_kept_aside(sky, tmp_path):
    made = inject(sky["sdss"], new(np.full(60, 14.5), apart=0.002), tmp_path / "new", seed=1)
    links = sq.open(tmp_path / "new_injected").to_table()
    before, after = sky["sdss"].to_table(), made.to_table()
    aside = pq.read_table(tmp_path / "new" / SWALLOWED)
    injected = set(links["objID"].to_pylist())
    kept = [row for row in after.to_pylist() if row["objID"] not in injected]
    assert sorted(map(repr, kept + aside.to_pylist())) == sorted(map(repr, before.to_pylist()))


def test_what_is_too_faint_is_not_found(sky, tmp_path):
    inject(sky["gaia"], new([18.0, 25.0]), tmp_path / "new", seed=1)
    found = sq.open(tmp_path / "new_injected").to_table()["truth_id"].to_pylist()
    assert found == [7]


def test_a_source_on_a_brighter_row_is_hidden_by_it(sky, tmp_path):
    rows = sky["sdss"].to_table().filter(sky["sdss"].to_table()["psfMag_r"].to_numpy() < 17)
    there = new(np.full(len(rows), 21.0))
    for name, column in (("ra_deg", "ra"), ("dec_deg", "dec")):
        place = there.column_names.index(name)
        there = there.set_column(place, there.schema.field(place), rows[column])
    inject(sky["sdss"], there, tmp_path / "new", seed=1)
    assert len(sq.open(tmp_path / "new_injected").to_table()) == 0


def test_the_same_seed_gives_the_same_rows_and_another_does_not(sky, tmp_path):
    mags = np.full(10, 19.0)
    told = [
        inject(sky["gaia"], new(mags), tmp_path / f"{k}", seed=seed).to_table()["ra"].to_pylist()
        for k, seed in enumerate((1, 1, 2))
    ]
    assert told[0] == told[1] != told[2]


def test_sources_outside_of_the_tiles_are_injected_too(sky, tmp_path):
    far = new(np.full(3, 17.0))
    place = far.column_names.index("dec_deg")
    far = far.set_column(place, far.schema.field(place), [[-60.0, -60.0, -60.0]])
    made = inject(sky["gaia"], far, tmp_path / "new", seed=1)
    assert len(made.cone(180, -60, 60).to_table()) == 3


@pytest.mark.parametrize(("drop", "message"), [("mag_sdss_r", "mag_sdss_r"), ("id", "lack id")])
def test_sources_without_a_column_are_refused(sky, tmp_path, drop, message):
    with pytest.raises(ColumnError, match=message):
        inject(sky["gaia"], new([17.0]).drop([drop]), tmp_path / "new", seed=1)


def test_a_catalogue_of_no_survey_is_refused(sky, tmp_path):
    with pytest.raises(UserError, match="can be simulated"):
        inject(sky["truth"], new([17.0]), tmp_path / "new", seed=1)


def test_ids_that_repeat_are_refused(sky, tmp_path):
    twice = new([17.0, 18.0])
    twice = twice.set_column(0, twice.schema.field(0), [[7, 7]])
    with pytest.raises(UserError, match="repeat"):
        inject(sky["gaia"], twice, tmp_path / "new", seed=1)


def test_a_part_of_a_catalogue_is_refused(sky, tmp_path):
    with pytest.raises(UserError, match="a part of gaia"):
        inject(sky["gaia"].cone(180, 30, 60), new([17.0]), tmp_path / "new", seed=1)
