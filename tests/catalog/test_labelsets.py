from collections import Counter

import numpy as np
import pytest

from skyquarry.catalog.classes import Class, names_of
from skyquarry.catalog.labelsets import LABEL_SETS, class_of, of_spectral_type
from skyquarry.errors import ColumnError, NotFoundError


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("G2V", "main_sequence"), ("K3III", "giant"), ("B0Iab", "giant"), ("M8III:", "giant"),
        ("A2IV", "main_sequence"), ("G8IV", "star"), ("O6III/V", "star"), ("G9IIIb", "giant"),
        ("F5", "star"), ("K0", "star"), ("dM4", "main_sequence"), ("sdM7", "main_sequence"),
        ("WDhotter", "white_dwarf"), ("DA", "white_dwarf"), ("CarbonWD", "white_dwarf"),
        ("L5.5", "brown_dwarf"), ("T2", "brown_dwarf"), ("sdL3.5", "brown_dwarf"),
        ("Ldwarf", "brown_dwarf"), ("CV", "transient"), ("WN4.5", "other"), ("sdB", "other"),
        ("Carbon_lines", "star"), ("", ""), ("STARFORMING", ""), ("BROADLINE", ""),
    ],
)  # fmt: skip
def test_a_spectral_type_tells_as_much_as_it_tells(text, own):
    assert names_of([of_spectral_type(text)]).tolist() == [own]


def _names(table, label_set):
    return names_of(class_of(table, label_set)).tolist()


def test_sdss_stars_have_a_leaf_only_where_the_subclass_tells_one():
    table = {
        "class": np.array(["STAR", "STAR", "STAR", "QSO", "GALAXY"]),
        "subclass": np.array(["M4", "WD", "K3III", "BROADLINE", "AGN"]),
    }
    assert _names(table, "sdss") == ["star", "white_dwarf", "giant", "quasar", "galaxy"]


def test_lamost_gravity_wins_over_the_subclass_and_sentinels_tell_nothing():
    table = {
        "class": np.array(["STAR", "STAR", "STAR"]),
        "subclass": np.array(["A4III", "K1", "K1"]),
        "logg": np.array([4.1, 2.1, -9999.0]),
        "teff": np.array([8200.0, 4600.0, -9999.0]),
    }
    assert _names(table, "lamost") == ["main_sequence", "giant", "star"]


def test_an_x_ray_nucleus_is_a_quasar_only_where_simbad_says_so():
    table = {
        "Class": np.array(["AGN", "AGN", "CV", "YSO", "LM-STAR", "HM-STAR", "NS"]),
        "SubClass": np.array(["A;AGN|X", "A;*|Sy1", "NL;X", "D;*", "GKg_a|Binary", "O6V;*", ""]),
    }
    assert _names(table, "muwclass") == [
        "galaxy", "quasar", "transient", "other", "giant", "main_sequence", "other",
    ]  # fmt: skip
    assert _names({"Class": np.array(["AGN"])}, "muwclass") == [""]


def test_broad_lines_are_told_by_the_flags_of_vvds():
    table = {"ds_spectra.Z": [0.0, 0.7, 1.9, 2.1], "ds_spectra.ZFLAGS": [4, 3, 14, 213]}
    assert _names(table, "vvds") == ["star", "galaxy", "quasar", "quasar"]


def test_amplitude_decides_among_variables():
    table = {"LCtype": [1, 5, 6], "Ampl": [0.8, 0.2, 0.1]}
    assert _names(table, "linear") == ["transient", "star", "main_sequence"]
    table = {"Type": ["LPV", "LPV", "DPV"], "A_1": [0.02, 1.1, 0.1]}
    assert _names(table, "ogle3") == ["giant", "transient", "star"]


def test_gcvs_has_no_amplitudes_so_that_only_large_types_are_told():
    table = {"VarType": ["M         ", "EA", "RRAB:", "UGSU", "INB", "BY", "CST:", "SRB", "NA"]}
    assert _names(table, "gcvs") == [
        "transient", "", "transient", "transient", "other", "", "", "", "transient",
    ]  # fmt: skip


def test_tables_of_every_kind_are_read():
    import pandas as pd
    import pyarrow as pa
    from astropy.table import MaskedColumn, Table

    told = ["QSO", None, "STAR"]
    for table in (
        pa.table({"class": told}),
        pd.DataFrame({"class": told}),
        Table({"class": MaskedColumn(["QSO", "", "STAR"], mask=[False, True, False])}),
    ):
        assert class_of(table, "sdss").tolist() == [Class.QUASAR, Class.UNLABELLED, Class.STAR]


def test_an_unknown_set_and_a_missing_column_are_named():
    with pytest.raises(NotFoundError, match=r"'sdsss', but there is none of that name.*sdss"):
        class_of({"class": ["STAR"]}, "sdsss")
    with pytest.raises(ColumnError, match="'sdss' needs the column 'class', but the table has Cl"):
        class_of({"Class": ["STAR"]}, "sdss")


FILES = {
    "labels/sdss_dr17_10k": ("sdss", {"galaxy": 2991, "star": 1027, "quasar": 919}),
    "labels/lamost_dr_stars": ("lamost", {"main_sequence": 1383, "giant": 200}),
    "labels/ultracool_simple": ("simple", {"brown_dwarf": 1269, "main_sequence": 370, "": 177}),
    "labels/white_dwarfs_gaia_sdss": ("white_dwarfs", {"white_dwarf": 3539}),
    "labels/sdss_ptsrc_qso_star_wd": (
        "point_sources", {"star": 2500, "quasar": 1000, "white_dwarf": 1000},
    ),
    "labels/muwclass_8class": (
        "muwclass",
        {"quasar": 701, "other": 651, "star": 299, "main_sequence": 165, "galaxy": 141,
         "transient": 31, "giant": 23},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_real_label_files_map_as_counted(shared_data, name):
    import pyarrow.parquet as pq

    path = shared_data / f"{name}.parquet"
    label_set, expected = FILES[name]
    assert Counter(_names(pq.read_table(path), label_set)) == expected


def test_every_set_says_what_it_does():
    assert all(each.says and each.title and each.columns for each in LABEL_SETS.values())


def test_words_of_ours_are_read_as_they_are_and_no_other():
    words = ["White dwarf", "giant", "MAIN-SEQUENCE", None, "star", "other"]
    assert class_of({"class": words}, "classes").tolist() == [3, 2, 1, -1, 10, 0]
    with pytest.raises(ColumnError, match="has 'dwarf', but the label set 'classes' knows other"):
        class_of({"class": ["giant", "dwarf"]}, "classes")
