"""FITS read: equal to astropy's reading, in parts, and hostile headers refused."""

from __future__ import annotations

import gzip
import pickle
import zlib

import numpy as np
import pyarrow as pa
import pytest
from astropy.io import fits
from astropy.table import Table

from skyquarry.catalog.formats import fits as ours
from skyquarry.catalog.formats import open_table
from skyquarry.errors import FormatError, IngestError, NotFoundError

REAL = [
    "labels/gaia_rv_4096.fits",
    "labels/s82_rrlyrae_sesar2010.fit",
    "clusters/redmapper_test_cluster_members.fit",
    "clusters/redmapper_test_dr8_gals_with_zred.fit",
    "lightcurves/DES-SN5YR_LOWZ_HEAD.FITS.gz",
    "lightcurves/DES-SN5YR_LOWZ_PHOT.FITS.gz",
    "xmatch/ngc188/gaia_results.fits",
    "xmatch/gd1/gd1_photo.fits",
]


def put(folder, *columns, name="a.fits", **cards):
    hdu = fits.BinTableHDU.from_columns(list(columns))
    hdu.header.update(cards)
    hdu.writeto(folder / name, overwrite=True)
    return folder / name


def equal_to_astropy(path):
    table = open_table(path).to_table()
    with fits.open(path) as hdus:
        data = hdus[1].data
        assert table.column_names == data.columns.names
        assert table.num_rows == len(data)
        for name in table.column_names:
            theirs = np.array(data[name].tolist(), np.asarray(data[name]).dtype)
            if theirs.dtype.kind == "U":  # blanks at the end have no meaning
                theirs = np.char.rstrip(theirs)
            values = np.array(table[name].to_pylist(), theirs.dtype.newbyteorder("="))
            np.testing.assert_array_equal(values.reshape(theirs.shape), theirs, err_msg=name)
    return table


@pytest.mark.parametrize("name", REAL)
def test_a_real_file_equals_astropys_reading(shared_data, name, monkeypatch):
    monkeypatch.setattr("skyquarry.catalog.formats.table.BATCH_BYTES", 100_000)
    table = open_table(shared_data / name).to_table()
    with fits.open(shared_data / name) as hdus:
        data, columns = hdus[1].data, hdus[1].columns
        assert table.column_names == columns.names
        for column in columns:
            theirs = np.asarray(data[column.name])
            found = table[column.name].to_pylist()
            if theirs.dtype.kind == "U":
                assert [text or "" for text in found] == [text.rstrip() for text in theirs], (
                    column.name
                )
                continue
            if column.null is not None:
                assert (np.equal(found, None) == (theirs == column.null)).all()
                found = [column.null if value is None else value for value in found]
            np.testing.assert_array_equal(
                np.array(found, theirs.dtype.newbyteorder("=")), theirs, err_msg=column.name
            )


def test_units_ucds_and_descriptions_of_astropys_comments_are_read(shared_data):
    schema = open_table(shared_data / "labels/gaia_rv_4096.fits").schema
    assert schema.field("pmra").metadata == {
        b"unit": b"mas.yr**-1",
        b"ucd": b"pos.pm;pos.eq.ra",
        b"description": b"Proper motion in right ascension direction",
    }
    vizier = open_table(shared_data / "labels/s82_rrlyrae_sesar2010.fit").schema
    assert vizier.field("Per").metadata == {b"unit": b"d", b"description": b"Period"}


def test_every_scalar_form_equals_astropys_reading(tmp_path):
    rng = np.random.default_rng(2)
    ends = {"B": "u1", "I": "i2", "J": "i4", "K": "i8"}
    columns = []
    for letter, kind in ends.items():
        info = np.iinfo(kind)
        values = np.array([info.min, info.max, 0, 1], kind)
        columns.append(fits.Column(f"n{letter}", letter, array=values))
    for letter, zero, kind in [("B", -128, "i1"), ("I", 2**15, "u2"), ("J", 2**31, "u4"),
                               ("K", 2**63, "u8")]:  # fmt: skip
        info = np.iinfo(kind)
        values = np.array([info.min, info.max, 1, 2], kind)
        columns.append(fits.Column(f"z{letter}", letter, bzero=zero, array=values))
    columns.append(fits.Column("e", "E", array=rng.random(4).astype("f4")))
    columns.append(fits.Column("d", "3D", array=rng.random((4, 3))))
    columns.append(fits.Column("l", "L", array=[True, False, True, False]))
    columns.append(fits.Column("x", "11X", array=rng.random((4, 11)) > 0.5))
    columns.append(fits.Column("a", "5A", array=["ab", "abcde", " c", "d"]))
    table = equal_to_astropy(put(tmp_path, *columns))
    assert table.schema.field("zK").type == pa.uint64()
    assert table["zK"].to_pylist()[:2] == [0, 2**64 - 1]
    assert table.schema.field("d").type == pa.list_(pa.float64(), 3)


def test_scaled_columns_and_nulls_are_read(tmp_path):
    path = put(
        tmp_path,
        fits.Column("s", "I", null=-1, array=np.array([-1, 2], "i2")),
        fits.Column("n", "J", null=-9, array=np.array([-9, 4])),
        TSCAL1=0.5,
        TZERO1=10.0,
    )
    table = open_table(path).to_table()
    assert table.to_pydict() == {"s": [None, 11.0], "n": [None, 4]}


def test_a_text_that_begins_with_nul_is_null_and_blanks_at_the_end_go(tmp_path):
    path = put(tmp_path, fits.Column("s", "4A", array=["ab", "", "x"]))
    raw = path.read_bytes().replace(b"x\0\0\0", b"    ")
    path.write_bytes(raw)
    assert open_table(path).to_table()["s"].to_pylist() == ["ab", None, ""]


def test_texts_side_by_side_become_lists(tmp_path):
    path = put(tmp_path, fits.Column("s", "6A", dim="(3,2)", array=np.array([["a", "bcd"]] * 2)))
    assert open_table(path).to_table()["s"].to_pylist() == [["a", "bcd"]] * 2


def test_shape_of_a_cube_is_kept_as_tdim(tmp_path):
    path = put(tmp_path, fits.Column("c", "6E", dim="(3,2)", array=np.zeros((2, 2, 3), "f4")))
    field = open_table(path).schema.field("c")
    assert (field.type, field.metadata) == (pa.list_(pa.float32(), 6), {b"tdim": b"(3,2)"})


@pytest.mark.parametrize("suffix", ["fits", "fits.gz"])
def test_arrays_of_any_length_are_read_from_the_heap(tmp_path, suffix, monkeypatch):
    monkeypatch.setattr("skyquarry.catalog.formats.table.BATCH_BYTES", 40)
    lists = np.array(
        [np.arange(n, dtype="i4") for n in (3, 0, 5, 1)] + [np.arange(0)], dtype=object
    )
    path = put(
        tmp_path,
        fits.Column("v", "PJ()", array=lists),
        fits.Column("q", "QD()", array=lists),
        fits.Column("n", "J", array=np.arange(5)),
        name=f"a.{suffix}",
    )
    table = open_table(path).to_table()
    assert table["v"].to_pylist() == [v.tolist() for v in lists]
    assert table["q"].to_pylist() == [v.tolist() for v in lists]
    assert table.schema.field("q").type == pa.list_(pa.float64())


def test_a_pointer_outside_the_heap_is_refused(tmp_path):
    lists = np.array([np.arange(3, dtype="i4"), np.arange(2, dtype="i4")], dtype=object)
    path = put(tmp_path, fits.Column("v", "PJ()", array=lists))
    raw = bytearray(path.read_bytes())
    with fits.open(path) as hdus:
        start = hdus[1].fileinfo()["datLoc"]
    raw[start : start + 4] = (2**30).to_bytes(4, "big")
    path.write_bytes(raw)
    with pytest.raises(IngestError, match=r"a\.fits: column 'v' points to 1073741824 values"):
        open_table(path).to_table()


def test_parts_are_row_ranges_that_travel(tmp_path, monkeypatch):
    monkeypatch.setattr(ours, "PART_ROWS", 40)
    path = put(tmp_path, fits.Column("n", "J", array=np.arange(100)))
    parts = [pickle.loads(pickle.dumps(p)) for p in open_table(path).parts()]
    assert [p.key for p in parts] == ["rows 0-40", "rows 40-80", "rows 80-100"]
    assert [n for p in parts for b in p.batches(7) for n in b["n"].to_pylist()] == list(range(100))


def test_the_table_is_chosen_by_number_or_name(tmp_path):
    one = fits.BinTableHDU.from_columns([fits.Column("a", "J", array=[1])], name="FIRST")
    two = fits.BinTableHDU.from_columns([fits.Column("b", "J", array=[2])], name="SECOND")
    fits.HDUList([fits.PrimaryHDU(np.zeros((3, 3))), one, two]).writeto(tmp_path / "a.fits")
    found = [open_table(tmp_path / "a.fits", hdu=h).schema.names for h in (None, 1, 2, "second")]
    assert found == [["a"], ["a"], ["b"], ["b"]]
    with pytest.raises(NotFoundError, match=r"hdu 0, but has 0  \(primary\)"):
        open_table(tmp_path / "a.fits", hdu=0)
    with pytest.raises(NotFoundError, match="2 SECOND"):
        open_table(tmp_path / "a.fits", hdu="third")


def test_complex_columns_are_refused_by_name(tmp_path):
    path = put(tmp_path, fits.Column("vis", "C", array=np.array([1j])))
    with pytest.raises(FormatError, match=r"a\.fits: column 'vis' holds complex numbers"):
        open_table(path)


def test_an_ascii_table_equals_astropys_reading(tmp_path):
    columns = [
        fits.Column("n", "I6", ascii=True, array=np.array([1, -22])),
        fits.Column("f", "F8.3", ascii=True, unit="mag", array=np.array([1.5, -2.25])),
        fits.Column("e", "D25.17", ascii=True, array=np.array([1e-30, np.pi])),
        fits.Column("s", "A5", ascii=True, array=["ab", "cde"]),
    ]
    fits.TableHDU.from_columns(columns).writeto(tmp_path / "a.fits")
    equal_to_astropy(tmp_path / "a.fits")
    assert open_table(tmp_path / "a.fits").schema.field("f").metadata == {b"unit": b"mag"}


def test_rows_that_are_not_there_are_refused_before_reading(tmp_path):
    path = put(tmp_path, fits.Column("n", "J", array=np.arange(10)))
    card = b"NAXIS2  =                   10"
    path.write_bytes(path.read_bytes().replace(card, b"NAXIS2  =        9000000000000"))
    with pytest.raises(IngestError, match=r"a\.fits has 8640 bytes, but NAXIS2 = 9000000000000 "):
        open_table(path)


def test_a_packed_file_that_says_too_many_rows_is_refused_while_reading(tmp_path):
    path = put(tmp_path, fits.Column("n", "J", array=np.arange(10)))
    card = b"NAXIS2  =                   10"
    raw = path.read_bytes().replace(card, b"NAXIS2  =                 5000")
    (tmp_path / "b.fits.gz").write_bytes(gzip.compress(raw))
    with pytest.raises(IngestError, match=r"b\.fits\.gz ends after row 720, .* NAXIS2 = 5000"):
        open_table(tmp_path / "b.fits.gz").to_table()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"TFORM1  = 'J", b"TFORM1  = 'Y", "TFORM1 of column 'n' is 'Y'"),
        (b"NAXIS1  =                    4", b"NAXIS1  =                    5", "NAXIS1 = 5"),
        (b"NAXIS2  =                   10", b"NAXIS2  =                 'ab'", "NAXIS2 is 'ab'"),
        (b"END" + b" " * 77, b" " * 80, "no END card"),
    ],
)
def test_a_header_that_contradicts_itself_is_refused(tmp_path, old, new, message):
    path = put(tmp_path, fits.Column("n", "J", array=np.arange(10)))
    path.write_bytes(path.read_bytes().replace(old, new))
    with pytest.raises(IngestError, match=rf"a\.fits.*{message}"):
        open_table(path)


def test_long_texts_in_headers_are_put_together(tmp_path):
    said = "what it means, at 'great' length: " * 6
    path = put(tmp_path, fits.Column("n", "J", array=[1]), TCOMM1=said)
    assert open_table(path).schema.field("n").metadata[b"description"].decode() == said.strip()


def packed_table(path, values, method, rows_a_tile, pack):
    """A tile-compressed table of one 32-bit column, written as section 10.3 says."""
    tiles = [values[i : i + rows_a_tile] for i in range(0, len(values), rows_a_tile)]
    blobs = np.array([np.frombuffer(pack(t), "u1") for t in tiles], dtype=object)
    hdu = fits.BinTableHDU.from_columns([fits.Column("n", "1PB()", array=blobs)])
    cards = {"ZTABLE": True, "ZTILELEN": rows_a_tile, "ZNAXIS1": 4, "ZNAXIS2": len(values),
             "ZPCOUNT": 0, "ZFORM1": "1J", "ZCTYP1": method}  # fmt: skip
    hdu.header.update(cards)
    hdu.writeto(path)


def gzip_1(tile):
    return gzip.compress(tile.astype(">i4").tobytes())


def gzip_2(tile):
    return gzip.compress(tile.astype(">i4").view("u1").reshape(-1, 4).T.tobytes())


def rice(tile):
    from astropy.io.fits.hdu.compressed._codecs import Rice1

    return bytes(Rice1(blocksize=32, bytepix=4, tilesize=len(tile)).encode(tile.astype("i4")))


@pytest.mark.parametrize(
    ("method", "pack"), [("GZIP_1", gzip_1), ("GZIP_2", gzip_2), ("RICE_1", rice)]
)
def test_a_compressed_table_is_unpacked(tmp_path, method, pack):
    values = np.random.default_rng(3).integers(-1000, 1000, 250)
    packed_table(tmp_path / "a.fits", values, method, 100, pack)
    opened = open_table(tmp_path / "a.fits")
    assert opened.n_rows == 250
    assert opened.to_table()["n"].to_pylist() == values.tolist()


def test_a_compressed_tile_of_the_wrong_size_is_refused(tmp_path):
    packed_table(tmp_path / "a.fits", np.arange(20), "GZIP_1", 10, lambda t: zlib.compress(b"abc"))
    with pytest.raises(
        IngestError, match="a tile of column 'n' holds 3 bytes, but 10 rows need 40"
    ):
        open_table(tmp_path / "a.fits").to_table()


def test_a_truncated_gzip_names_the_byte(shared_data, tmp_path):
    whole = (shared_data / "lightcurves/DES-SN5YR_LOWZ_PHOT.FITS.gz").read_bytes()
    (tmp_path / "cut.FITS.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(IngestError, match=rf"cut\.FITS\.gz is a damaged .* byte {len(whole) // 2}"):
        open_table(tmp_path / "cut.FITS.gz").to_table()


def test_an_image_alone_is_no_table(shared_data):
    with pytest.raises(NotFoundError, match="asked for a table, but has 0"):
        open_table(shared_data / "images/w5.fits")


def test_masked_columns_of_astropy_come_as_nulls(tmp_path):
    table = Table({"n": np.ma.array([1, 2], mask=[True, False])})
    table.write(tmp_path / "a.fits")
    assert open_table(tmp_path / "a.fits").to_table()["n"].to_pylist() == [None, 2]
