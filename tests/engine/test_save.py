from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skyquarry.engine import save
from skyquarry.engine.catalog import open_catalog
from skyquarry.errors import ExistsError, UserError
from skyquarry.ingest.build import build
from skyquarry.sky.regions import Zone
from skyquarry.testing.handmade import write_catalog
from skyquarry.testing.skies import uniform_sky


def test_a_cut_becomes_a_sound_catalogue(cat, tmp_path):
    found = cat.region(Zone(0, 4)).where("r_mag < 22")
    made = found.to_catalog(tmp_path / "part")
    assert made.verify() == []
    assert made.to_table().equals(found.to_table())
    assert len(made) == made.to_table().num_rows > 500
    assert made.roles == cat.roles
    assert made.schema.field("r_mag").metadata[b"unit"] == b"mag"
    assert made.properties["obs_title"] == "A small sky"
    assert made.properties["prov_progenitor"] == "sky"
    assert not (tmp_path / "part" / ".writing.jsonl").exists()


def test_the_margin_and_the_index_are_carried_over(cat, tmp_path):
    made = cat.where("id < 15000").to_catalog(tmp_path / "part")
    assert made.stored.margin().margin_arcsec == 10.0
    assert made.stored.margin().n_rows > 0
    assert made.ids([17, 18_000]).to_table()["id"].to_pylist() == [17]
    assert len(made.ids([17]).plan().root) == 1


def test_every_margin_is_carried_over_the_default_first(tmp_path):
    write_catalog(tmp_path / "sky", uniform_sky(4_000), max_rows=100, margin_arcsec=[3_600, 600])
    part = open_catalog(tmp_path / "sky").region(Zone(-20, 20))
    made = part.to_catalog(tmp_path / "part")
    assert list(made.stored.margins) == ["v1/part_3600arcs", "v1/part_600arcs"]
    assert made.verify() == []
    assert made.stored.margin().n_rows > made.stored.margin(600).n_rows > 0


@pytest.mark.parametrize("executor", ["inline", "processes"])
def test_all_executors_write_the_same_tiles(cat, tmp_path, executor):
    for name, where in (("one", "threads"), ("two", executor)):
        cat.region(Zone(0, 4)).to_catalog(tmp_path / name, where, name="same")
    one, two = (sorted((tmp_path / n / "v1").rglob("Npix=*.parquet")) for n in ("one", "two"))
    assert [p.read_bytes() for p in one] == [p.read_bytes() for p in two]
    assert len(one) > 5


def test_a_killed_run_goes_on_where_it_was(cat, tmp_path, monkeypatch):
    found = cat.region(Zone(0, 4))
    written = []
    original = save.write_piece

    def dying(*args):
        if len(written) == 4:
            raise KeyboardInterrupt
        written.append(args[3])
        return original(*args)

    monkeypatch.setattr(save, "write_piece", dying)
    with pytest.raises(KeyboardInterrupt):
        found.to_catalog(tmp_path / "part", "inline")
    assert not (tmp_path / "part" / "collection.properties").exists()
    again = []
    monkeypatch.setattr(save, "write_piece", lambda *a: again.append(a[3]) or original(*a))
    made = found.to_catalog(tmp_path / "part", "inline")
    assert not set(again[:3]) & set(written)
    assert made.verify() == []
    assert made.to_table().equals(found.to_table())
    assert made.version == "v1"


def test_the_first_rows_can_be_written_too(cat, tmp_path):
    made = cat.where("r_mag < 23").head(300).to_catalog(tmp_path / "first")
    assert made.verify() == []
    assert made.to_table().equals(cat.where("r_mag < 23").to_table().slice(0, 300))


def test_a_cut_without_rows_becomes_an_empty_catalogue(cat, tmp_path):
    made = cat.where("id < 0").to_catalog(tmp_path / "none")
    assert len(made) == 0
    assert made.to_table().schema.equals(cat.schema)
    assert made.verify() == []


def test_what_is_there_is_not_lost(cat, tmp_path):
    first = cat.head(10).to_catalog(tmp_path / "part")
    with pytest.raises(ExistsError, match="overwrite=True"):
        cat.head(20).to_catalog(tmp_path / "part")
    second = cat.head(20).to_catalog(tmp_path / "part", overwrite=True)
    assert (first.version, second.version) == ("v1", "v2")
    assert (len(first.to_table()), len(open_catalog(tmp_path / "part"))) == (10, 20)


def test_a_catalogue_needs_positions(cat, tmp_path):
    with pytest.raises(UserError, match="the columns lack dec"):
        cat.select(["id", "ra"]).to_catalog(tmp_path / "part")


def test_a_result_is_saved_by_its_suffix(cat, tmp_path):
    found = cat.cone(12, 2, 3600).plan().run()
    rows = found.save(tmp_path / "part.parquet")
    assert pq.read_table(tmp_path / "part.parquet").num_rows == rows == found.table.num_rows
    assert cat.cone(12, 2, 3600).plan().run().save(tmp_path / "part") == rows
    assert open_catalog(tmp_path / "part").verify() == []


def test_a_report_tells_what_was_done_and_what_was_foreseen(cat):
    found = cat.region(Zone(0, 4)).plan().run()
    assert found.report["rows"] == 0
    table = found.table
    report = found.report
    assert (report["rows"], report["tiles"]) == (table.num_rows, len(found.plan.root))
    assert report["seconds"] > 0
    assert report["predicted"]["rows"] > 1000


def test_a_part_does_not_claim_the_rows_of_the_whole(sky, tmp_path):
    whole = build(sky.slice(0, 2000), tmp_path / "whole", progress=False)
    assert whole.sample(0.3).to_catalog(tmp_path / "part").verify() == []


def test_another_region_does_not_go_on_with_the_tiles_of_a_killed_run(cat, tmp_path, monkeypatch):
    first, second = (cat.region(f"MOC {cells}") for cells in ("3/256-300", "3/260-304"))
    original, written = save.write_piece, []

    def dying(*args):
        if len(written) == 4:
            raise KeyboardInterrupt
        written.append(args[3])
        return original(*args)

    monkeypatch.setattr(save, "write_piece", dying)
    with pytest.raises(KeyboardInterrupt):
        first.to_catalog(tmp_path / "part", "inline")
    monkeypatch.setattr(save, "write_piece", original)
    made = second.to_catalog(tmp_path / "part", "inline")
    assert made.to_table().equals(second.to_table())


def test_ids_that_repeat_are_owned_up_to(sky, tmp_path):
    rows = sky.slice(0, 2_000)
    twice = pa.concat_tables([rows, rows.slice(0, 30)])
    whole = build(twice, tmp_path / "whole", duplicates="flag", progress=False)
    assert whole.verify() == []
    made = whole.region(Zone(-90, 90)).to_catalog(tmp_path / "part")
    assert made.properties["skyquarry_duplicate_ids"] == "30"
    assert made.verify() == []
    alone = whole.where(f"id <> {rows['id'][0]}").to_catalog(tmp_path / "less")
    assert alone.properties["skyquarry_duplicate_ids"] == "29"


def test_a_margin_of_another_writer_is_cut_to_its_threshold(shared_data, tmp_path):
    far = open_catalog(shared_data / "hats/small_sky_order1_collection")
    made = far.to_catalog(tmp_path / "mine")
    assert made.verify() == []
    held = [made.stored.open_margin(name) for name in made.stored.margins]
    theirs = [far.stored.open_margin(name) for name in far.stored.margins]
    assert [margin.margin_arcsec for margin in held] == [3600.0, 7200.0]
    assert all(0 < ours.n_rows <= old.n_rows for ours, old in zip(held, theirs, strict=True))


def test_a_cut_is_saved_in_s3(cat, s3):
    found = cat.region(Zone(0, 4)).where("id < 9000")
    made = found.to_catalog(f"{s3}/part")
    assert made.to_table().equals(found.to_table())
    assert made.verify() == []
    assert [row["id"] for row in made.ids([8_000, 17]).to_table().to_pylist()]
    assert not [name for name in made.stored.home.list("v1") if name.startswith(".")]
