"""The files that 2MASS, AllWISE and Gaia are given out in build from their folder."""

from __future__ import annotations

import bz2
import gzip

import pytest

import skyquarry as sq
from skyquarry.surveys.load import load

TWOMASS = (
    "1.119851|-89.91861|0.11|0.06|90|00042876-8955069 |12.467|0.018|0.021|359.4|12.131|0.025|0.026"
    "|224.7|11.963|0.023|0.025|133.7|AAA|222|111|000|666666|37.2|205|12|0|0|1301|s|2000-09-22|65"
    "|302.941|-27.204|19.9|2451809.7124|1.00|1.10|0.91|12.471|0.011|12.132|0.012|11.952|0.021"
    "|297900|57400|ns|0|1|U|0.6|230|15.4|13.2|1|\\N|59038|1357874|267\n"
)


def allwise_row(name: str, ra: float, mag: float) -> str:
    """A row with what a role needs, and nothing else."""
    told = {
        "designation": name, "ra": ra, "dec": 10.5, "sigra": 0.05, "sigdec": 0.06, "cntr": 12345,
        "sigradec": -0.01, "source_id": f"0000p105_ac51-{name}", "w1mpro": mag, "w1sigmpro": 0.02,
        "cc_flags": "00d0", "ph_qual": "AABU", "w1mjdmean": 55400.12345678, "nb": 1, "na": 0,
    }  # fmt: skip
    names = [column.partition(" ")[0] for column in load("allwise").bulk.columns]
    return "|".join(str(told.get(column, "")) for column in names) + "|\n"


GAIA = """# %ECSV 1.0
# ---
# delimiter: ','
# datatype:
# -
#   name: solution_id
#   datatype: int64
#   description: Solution Identifier
# -
#   name: designation
#   datatype: string
# -
#   name: source_id
#   datatype: int64
# -
#   name: ref_epoch
#   datatype: float64
#   unit: yr
# -
#   name: ra
#   datatype: float64
#   unit: deg
# -
#   name: dec
#   datatype: float64
#   unit: deg
# -
#   name: parallax
#   datatype: float64
#   unit: mas
# -
#   name: phot_g_mean_mag
#   datatype: float32
#   unit: mag
# -
#   name: duplicated_source
#   datatype: bool
# meta:
#   name: GaiaSource
solution_id,designation,source_id,ref_epoch,ra,dec,parallax,phot_g_mean_mag,duplicated_source
1636148068921376768,"Gaia DR3 4295806720",4295806720,2016.0,44.99615,0.00561,0.354,17.64,"False"
1636148068921376768,"Gaia DR3 34361129088",34361129088,2016.0,45.00432,0.02104,null,21.2,"True"
"""


def test_the_files_of_2mass_build_from_their_folder(tmp_path):
    (tmp_path / "psc").mkdir()
    for part, ra in (("aaa", 1.119851), ("baa", 200.5)):
        text = TWOMASS.replace("1.119851|", f"{ra}|").replace("00042876", f"{int(ra):08d}")
        (tmp_path / "psc" / f"psc_{part}.gz").write_bytes(gzip.compress(text.encode()))
    (tmp_path / "psc" / "format_psc.html").write_text("<html>")
    found = sq.build(tmp_path / "psc", tmp_path / "2mass", survey="2mass")
    assert found.count() == 2
    rows = found.to_table().to_pylist()
    assert {row["designation"] for row in rows} == {"00000001-8955069", "00000200-8955069"}
    assert rows[0]["cc_flg"] == "000"
    assert rows[0]["ext_key"] is None
    assert rows[0]["coadd"] == 267
    assert found.roles.epoch.column == "jdate"


@pytest.mark.parametrize("source", ["folder", "glob", "list"])
def test_the_files_of_allwise_build_however_they_are_named(tmp_path, source):
    (tmp_path / "wise").mkdir()
    for i in (1, 2):
        text = allwise_row(f"J{i}", 20.0 * i, 10.0 + i)
        path = tmp_path / "wise" / f"wise-allwise-cat-part0{i}.bz2"
        path.write_bytes(bz2.compress(text.encode()))
    files = sorted(map(str, (tmp_path / "wise").iterdir()))
    given = {"folder": tmp_path / "wise", "glob": f"{tmp_path}/wise/*.bz2", "list": files}[source]
    found = sq.build(given, tmp_path / "allwise", survey="allwise")
    assert sorted(found.to_table()["w1mpro"].to_pylist()) == [11.0, 12.0]
    assert found.roles.position_error.cross == "signed_sqrt"
    assert found.to_table()["w1mjdmean"].to_pylist() == [55400.12345678] * 2


def test_the_files_of_gaia_build_from_their_folder(tmp_path):
    (tmp_path / "gdr3").mkdir()
    packed = gzip.compress(GAIA.encode())
    (tmp_path / "gdr3" / "GaiaSource_000000-003111.csv.gz").write_bytes(packed)
    (tmp_path / "gdr3" / "_MD5SUM.txt").write_text("0  GaiaSource_000000-003111.csv.gz")
    found = sq.build(tmp_path / "gdr3", tmp_path / "gaia", survey="gaia")
    table = found.to_table()
    assert table["source_id"].to_pylist() == [4295806720, 34361129088]
    assert table["parallax"].to_pylist() == [0.354, None]
    assert table["duplicated_source"].to_pylist() == [False, True]


def test_another_table_in_the_folder_of_a_survey_is_read_as_what_it_is(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "stars.csv").write_text("designation,ra,dec\na,10,20\nb,11,21\n")
    assert sq.build(tmp_path / "mine", tmp_path / "c", survey="2mass").count() == 2
