from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skyquarry.catalog import versions
from skyquarry.catalog.columns import SPATIAL, VO_CONTENT, describe, from_voparquet, meaning
from skyquarry.catalog.encoding import Options, encode
from skyquarry.catalog.files import Folder
from skyquarry.catalog.properties import parse
from skyquarry.catalog.stored import open_stored
from skyquarry.catalog.tree import pack_counts, unpack_counts
from skyquarry.catalog.writer import TileRecord, VersionWriter
from skyquarry.errors import UserError
from skyquarry.testing.handmade import with_spatial, write_catalog
from skyquarry.testing.skies import clumpy_sky

ORDER = 8


@pytest.fixture(scope="module")
def rows():
    return with_spatial(clumpy_sky(5_000))


def cells_of(rows):
    cell = rows[SPATIAL].to_numpy() >> 2 * (29 - ORDER)
    return [(int(p), rows.filter(pa.array(cell == p))) for p in np.unique(cell)]


def begin(path, rows, **options):
    return VersionWriter.begin(
        Folder.at(path), "demo", rows.schema, id="id", margin_arcsec=None, **options
    )


def written(path, rows, **options):
    writer = begin(path, rows, **options)
    records = [writer.write_tile(ORDER, pixel, part) for pixel, part in cells_of(rows)]
    writer.finish(records)
    writer.publish()
    return Path(path), records


def tree(path):
    return {p.relative_to(path).as_posix(): p.read_bytes() for p in path.rglob("*") if p.is_file()}


def test_numbers_are_compressed_for_speed_or_for_room():
    assert Options().numbers == "lz4"
    table = with_spatial(clumpy_sky(2_000))
    chunks = {}
    for numbers in ("zstd", "lz4"):
        encoded = encode(table, Options(numbers=numbers))
        held = pq.ParquetFile(pa.BufferReader(encoded.data))
        assert held.read().equals(table)
        group = held.metadata.row_group(0)
        columns = (group.column(i) for i in range(group.num_columns))
        chunks[numbers] = {each.path_in_schema: each.compression for each in columns}
    assert set(chunks["zstd"].values()) == {"ZSTD"}
    assert chunks["lz4"]["ra"] == chunks["lz4"][SPATIAL] == "LZ4"


def test_for_scans_numbers_are_stored_as_they_are_or_by_a_dictionary():
    table = with_spatial(clumpy_sky(4_000))
    few = pa.array(np.repeat(np.float32([0.0, np.nan, 2.5, 1e30]), 1_000), from_pandas=True)
    table = table.append_column("few", few)
    kind = np.random.default_rng(1).integers(0, 7, 4_000)
    for name, values in (
        ("kind", kind.astype(np.int16)), ("flag", kind.astype(np.int8)), ("bits", kind << 30),
        ("field", np.repeat(np.arange(40, dtype=np.int16), 100)),
    ):  # fmt: skip
        table = table.append_column(name, pa.array(values))
    encoded = encode(table, Options(numbers="none"))
    held = pq.ParquetFile(pa.BufferReader(encoded.data))
    assert held.read().equals(table)
    group = held.metadata.row_group(0)
    chunk = {c.path_in_schema: c for c in map(group.column, range(group.num_columns))}
    assert {chunk[name].compression for name in ("few", "ra", SPATIAL)} == {"UNCOMPRESSED"}
    kept = {name for name in chunk if chunk[name].has_dictionary_page}
    assert {"few", "bits", "field"} <= kept
    assert not kept & {"ra", "kind", "flag"}  # what changes from row to row is asked sooner so
    assert "PLAIN" in chunk["ra"].encodings


def test_the_rows_come_back_from_the_leaves(tmp_path, rows):
    path, records = written(tmp_path / "demo", rows)
    leaves = [pq.read_table(path / "v1/demo" / record.path) for record in records]
    assert pa.concat_tables(leaves).equals(rows)
    assert sum(record.rows for record in records) == len(rows)


def test_a_leaf_is_encoded_as_we_say(tmp_path, rows):
    path, records = written(tmp_path / "demo", rows, options=Options(row_group_rows=100))
    footer = pq.read_metadata(path / "v1/demo" / records[0].path)
    chunk = {
        footer.row_group(0).column(i).path_in_schema: footer.row_group(0).column(i)
        for i in range(footer.num_columns)
    }
    assert footer.row_group(0).num_rows == 100
    assert footer.row_group(0).sorting_columns[0].column_index == 0
    assert "BYTE_STREAM_SPLIT" in chunk["ra"].encodings
    assert "DELTA_BINARY_PACKED" in chunk[SPATIAL].encodings
    assert {c.compression for c in chunk.values()} == {"LZ4"}
    assert all(c.is_stats_set and c.has_column_index and c.has_offset_index for c in chunk.values())
    assert VO_CONTENT in footer.metadata


def test_repeated_values_get_a_dictionary_unless_they_are_small_integers(tmp_path):
    number = np.arange(4_000)
    rows = pa.table(
        {
            SPATIAL: number,
            "ra": number * 1e-3,
            "dec": number * 1e-3,
            "flag": number % 3 << 20,
            "type": number % 3,
            "band": pa.array(["abc"[i % 3] for i in number]),
            "name": pa.array([f"star {i}" for i in number]),
        }
    )
    writer = VersionWriter.begin(Folder.at(tmp_path / "d"), "d", rows.schema, margin_arcsec=None)
    record = writer.write_tile(0, 0, rows)
    row_group = pq.read_metadata(tmp_path / "d/v1/d" / record.path).row_group(0)
    kept = {
        row_group.column(i).path_in_schema
        for i in range(row_group.num_columns)
        if row_group.column(i).has_dictionary_page
    }
    assert kept == {"flag", "band"}
    codecs = {row_group.column(i).path_in_schema: row_group.column(i).compression
              for i in range(row_group.num_columns)}  # fmt: skip
    assert {name for name, codec in codecs.items() if codec == "ZSTD"} == {"band", "name"}


def test_records_go_through_a_journal(tmp_path, rows):
    writer = begin(tmp_path / "demo", rows)
    pixel, part = cells_of(rows)[0]
    record = writer.write_tile(ORDER, pixel, part)
    assert TileRecord.from_json(json.loads(json.dumps(record.to_json()))) == record
    file = tmp_path / "demo/v1/demo" / record.path
    assert record.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert record.bytes == file.stat().st_size
    low, high, nulls, values, *_ = record.statistics["ra"]
    assert (low, high) == (min(part["ra"].to_pylist()), max(part["ra"].to_pylist()))
    assert (nulls, values) == (0, len(part))


def test_the_same_rows_give_the_same_bytes_from_any_thread(tmp_path, rows, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    one, _ = written(tmp_path / "a/demo", rows)
    writer = begin(tmp_path / "b/demo", rows)
    with ThreadPoolExecutor(2) as pool:
        records = list(pool.map(lambda c: writer.write_tile(ORDER, *c), cells_of(rows)[::-1]))
    writer.finish(records)
    writer.publish()
    assert tree(one) == tree(tmp_path / "b/demo")
    text = parse((one / "v1/demo/hats.properties").read_bytes())
    assert text["hats_creation_date"] == "2023-11-14T22:13UTC"


def test_the_properties_count_what_was_written(tmp_path, rows):
    path, records = written(tmp_path / "demo", rows, properties={"skyquarry_epoch": 2016.0})
    told = parse((path / "v1/demo/hats.properties").read_bytes())
    assert told["hats_nrows"] == str(len(rows))
    assert told["hats_order"] == str(ORDER)
    assert told["hats_max_rows"] == str(max(r.rows for r in records))
    assert told["hats_col_healpix"] == SPATIAL
    assert told["skyquarry_epoch"] == "2016.0"
    assert (path / "v1/demo/properties").read_bytes() == (
        path / "v1/demo/hats.properties"
    ).read_bytes()


def test_units_are_read_back_from_the_header_of_any_file(tmp_path, rows):
    path, records = written(tmp_path / "demo", rows)
    for rel in ("dataset/_common_metadata", "dataset/_metadata", records[0].path):
        schema = pq.read_schema(path / "v1/demo" / rel)
        bare = pa.schema([f.remove_metadata() for f in schema], metadata=schema.metadata)
        assert meaning(from_voparquet(bare).field("ra")) == meaning(rows.schema.field("ra"))


def test_checksums_cover_every_file_of_the_version(tmp_path, rows):
    path, _ = written(tmp_path / "demo", rows)
    home = Folder.at(path / "v1")
    told = versions.read_checksums(home)
    assert sorted(told) == sorted(set(versions.walk(home)) - {"checksums.sha256"})
    assert all(versions.sha256_of(home, rel) == told[rel] for rel in told)


def test_statistics_hold_the_extremes_of_each_tile(tmp_path, rows):
    path, records = written(tmp_path / "demo", rows)
    table = pq.read_table(path / "v1/demo/per_partition_statistics.parquet")
    assert table["Npix"].to_pylist() == [r.pixel for r in records]
    assert table["row_group_index"].to_pylist() == [0] * len(records)
    for number, (_, part) in enumerate(cells_of(rows)):
        assert table["g_mag::min_value"][number].as_py() == min(part["g_mag"].to_pylist())
        assert table["id::max_value"][number].as_py() == max(part["id"].to_pylist())
        assert table["id::row_count"][number].as_py() == len(part)
    assert table.schema.field("g_mag::min_value").type == pa.float32()


def test_extremes_of_half_floats_and_decimals_are_those_of_their_values():
    values = [-3.5, 9.0, 10.0, None, 0.25, 65504.0]
    table = pa.table(
        {
            "h": pa.array(np.array([0.0 if v is None else v for v in values], "f2")),
            "d": pa.array(values, pa.float64()).cast(pa.decimal128(9, 2)),
        }
    )
    told = encode(table, Options(row_group_rows=2)).statistics
    assert told["h"][:2] == [-3.5, 65504.0]
    assert told["d"][:3] == ["-3.50", "65504.00", 1]


@pytest.mark.parametrize("properties", [{}, {"skyquarry_nan": "null"}])
def test_a_catalogue_may_hold_half_floats(tmp_path, rows, properties):
    narrow = rows.select([SPATIAL, "id", "ra", "dec"]).slice(0, 500)
    half = np.linspace(-1, 1, len(narrow)).astype("f2")
    told = narrow.append_column("h", pa.array(half))
    path, _ = written(tmp_path / "demo", told, properties=properties)
    stored = open_stored(path)
    assert (stored.statistics(["h"])["h"].low, stored.statistics(["h"])["h"].high) == (-1.0, 1.0)
    found = pa.concat_tables(stored.read(n, ["h"]) for n in range(len(stored.tiles)))
    assert sorted(found["h"].to_pylist()) == sorted(half.tolist())
    assert len(stored.read(0, ["h"], bounds={"h": (2.0, None)})) == 0


def test_an_empty_catalogue_is_one_too(tmp_path, rows):
    writer = begin(tmp_path / "demo", rows)
    writer.finish([])
    writer.publish()
    told = parse((tmp_path / "demo/v1/demo/hats.properties").read_bytes())
    assert told["hats_nrows"] == "0"
    assert (tmp_path / "demo/v1/demo/partition_info.csv").read_text().count("\n") == 1


def test_large_footers_leave_metadata_out(tmp_path, rows, monkeypatch):
    monkeypatch.setattr("skyquarry.catalog.tree.METADATA_LIMIT", 100)
    path, _ = written(tmp_path / "demo", rows)
    assert not (path / "v1/demo/dataset/_metadata").exists()
    assert "demo/dataset/_metadata" not in versions.read_checksums(Folder.at(path / "v1"))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda t: t.drop(["g_mag"]), r"lack the columns \['g_mag'\]"),
        (lambda t: t.append_column("x", t["id"]), r"have \['x'\] beyond"),
        (lambda t: t.take(pa.array([1, 0])), "falls after row 0"),
        (lambda t: t.slice(0, 0), "has 0 rows"),
        (lambda t: t.set_column(0, SPATIAL, pa.array(np.zeros(len(t), np.int64))), "lie inside"),
        (lambda t: t.set_column(1, "id", pa.array(["x"] * len(t))), "do not fit the schema"),
    ],
)
def test_rows_that_do_not_belong_are_refused(tmp_path, rows, spoil, message):
    writer = begin(tmp_path / "demo", rows)
    pixel, part = cells_of(rows)[0]
    with pytest.raises(UserError, match=message):
        writer.write_tile(ORDER, pixel, spoil(part))
    assert not (tmp_path / "demo/v1/demo").exists()


def test_margin_rows_have_to_lie_outside_their_cell(tmp_path, rows):
    writer = VersionWriter.begin(Folder.at(tmp_path / "demo"), "demo", rows.schema)
    pixel, part = cells_of(rows)[0]
    with pytest.raises(UserError, match="lie outside the tile"):
        writer.write_margin(ORDER, pixel, part)
    assert writer.write_margin(ORDER, pixel + 500, part).rows == len(part)
    with pytest.raises(UserError, match=r"rows of margin number 1 .* begun with 1"):
        writer.write_margin(ORDER, pixel + 500, part, number=1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ra": "RA"}, "lacks RA"),
        ({"id": "objID"}, "lacks objID"),
        ({"margin_arcsec": -1.0}, "margin_arcsec is -1.0"),
        ({"margin_arcsec": float("nan")}, "margin_arcsec is nan"),
        ({"margin_arcsec": (5, 60, 5.0)}, "names 5 arcsec twice"),
    ],
)
def test_a_bad_beginning_is_told_before_anything_is_written(tmp_path, rows, change, message):
    with pytest.raises(UserError, match=message):
        VersionWriter.begin(Folder.at(tmp_path / "demo"), "demo", rows.schema, **change)
    assert not (tmp_path / "demo").exists()


def test_a_schema_without_the_spatial_column_is_refused(tmp_path, rows):
    with pytest.raises(UserError, match="_healpix_29 is missing"):
        begin(tmp_path / "demo", rows.drop([SPATIAL]))


def test_nested_columns_are_written(tmp_path):
    curve = pa.array([{"t": [1.0, 2.0], "band": ["g", "r"]}, {"t": [], "band": []}])
    rows = pa.table({SPATIAL: [0, 1], "ra": [0.0, 1.0], "dec": [0.0, 1.0], "lc": curve})
    schema = rows.schema.set(1, describe(rows.schema.field("ra"), unit="deg"))
    writer = VersionWriter.begin(Folder.at(tmp_path / "d"), "d", schema, margin_arcsec=None)
    record = writer.write_tile(0, 0, rows)
    writer.finish([record])
    assert pq.read_table(tmp_path / "d/v1/d" / record.path).equals(rows)
    assert record.statistics["lc.t.list.element"][:2] == [1.0, 2.0]


def test_counts_travel_as_text():
    pixel, count = np.array([3, 9, 1000]), np.array([1, 2, 3])
    back = unpack_counts(pack_counts(pixel, count))
    assert np.array_equal(back[0], pixel)
    assert np.array_equal(back[1], count)
    assert [len(part) for part in unpack_counts(pack_counts(pixel[:0], count[:0]))] == [0, 0]


class Crash(BaseException):
    """What the machine does; nothing may catch it."""


def state(path):
    """The current version and whether all its files are those that its checksums tell of."""
    collection = Folder.at(path)
    version = versions.current(collection)
    home = collection.join(version)
    told = versions.read_checksums(home)
    assert told
    assert all(versions.sha256_of(home, rel) == told[rel] for rel in told)
    return version


def test_a_crash_at_any_step_of_writing_leaves_the_old_version(tmp_path, monkeypatch):
    table, path = clumpy_sky(300), tmp_path / "stars"
    write_catalog(path, table, max_rows=200)
    original, done, steps = Folder.write_atomic, [0], [0]

    def counted(self, rel, content, **options):
        steps[0] += 1
        if steps[0] == done[0]:
            raise Crash
        original(self, rel, content, **options)

    monkeypatch.setattr(Folder, "write_atomic", counted)
    seen = []
    while not seen or seen[-1] == "v1":
        done[0], steps[0] = done[0] + 1, 0
        try:
            write_catalog(path, table, max_rows=200)
        except Crash:
            assert state(path) == "v1"
        seen.append(state(path))
    assert len(seen) > 20
    assert seen[-1] == f"v{len(seen)}"  # the first crashed before it had claimed v2


def test_a_version_is_written_to_a_store(tmp_path, rows, s3):
    writer = VersionWriter.begin(
        Folder.at(f"{s3}/demo"), "demo", rows.schema, id="id", margin_arcsec=None
    )
    records = [writer.write_tile(ORDER, pixel, part) for pixel, part in cells_of(rows)]
    writer.finish(records)
    writer.publish()
    far, (near, _) = Folder.at(f"{s3}/demo"), written(tmp_path / "demo", rows)
    assert versions.current(far) == "v1"
    assert versions.versions(far) == ["v1"]
    told = versions.read_checksums(far.join("v1"))
    ours = versions.read_checksums(Folder.at(near / "v1"))
    dated = {"demo/hats.properties", "demo/properties"}
    assert {k: v for k, v in told.items() if k not in dated} == {
        k: v for k, v in ours.items() if k not in dated
    }
    assert all(versions.sha256_of(far.join("v1"), rel) == told[rel] for rel in told)


@pytest.fixture
def s3():
    """An empty bucket on an S3 server of this machine."""
    pytest.importorskip("s3fs", reason="S3 needs s3fs: pip install 'skyquarry[s3]'")
    pytest.importorskip("moto.server", reason="a stand-in for S3: pip install moto[server]")
    from skyquarry.testing.stores import bucket

    with bucket() as url:
        yield url
