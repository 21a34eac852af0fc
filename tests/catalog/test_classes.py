import numpy as np
import pytest

from skyquarry.catalog.classes import (
    BRANCHES,
    DEFINITIONS,
    EIGHT,
    NAMES,
    Class,
    codes_of,
    giant_logg,
    names_of,
    of_star,
    of_truth,
    variable,
)
from skyquarry.errors import UserError
from skyquarry.synthetic.changing.changes import Type
from skyquarry.synthetic.changing.lightcurves import NAMES as TYPE_NAMES
from skyquarry.synthetic.sources import Kind


def test_the_eight_are_named_defined_and_stand_in_one_branch_each():
    assert NAMES == (
        "main_sequence", "giant", "white_dwarf", "brown_dwarf", "galaxy", "quasar",
        "galaxy_cluster", "transient",
    )  # fmt: skip
    assert set(DEFINITIONS) == {*EIGHT, Class.OTHER}
    assert sorted(each for branch in BRANCHES.values() for each in branch) == list(EIGHT)


def test_names_and_codes_are_two_ways_of_one_thing():
    codes = [-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 10]
    assert codes_of(names_of(codes).tolist()).tolist() == codes
    assert codes_of([None]).tolist() == [-1]


def test_an_unknown_class_is_named():
    with pytest.raises(UserError, match="'blazar' is none of main_sequence, giant"):
        codes_of(["galaxy", "blazar"])


def test_the_sun_arcturus_and_procyon_stand_where_they_belong():
    # (Teff, log g): the Sun; Arcturus (Ramirez & Allende Prieto 2011); Procyon, F5 IV-V; Sirius B
    found = of_star([5772, 4286, 6550, 25000], [4.44, 1.66, 4.0, 8.6])
    assert names_of(found).tolist() == ["main_sequence", "giant", "main_sequence", "white_dwarf"]


def test_the_line_of_giants_is_that_of_ciardi():
    assert giant_logg([4250, 5500, 6000]) == pytest.approx([4.0, 3.66, 3.5])


def test_a_subgiant_falls_on_the_side_of_the_line_where_it_lies():
    # at 5,000 K the line is at 3.8
    assert of_star([5000, 5000], [3.79, 3.81]).tolist() == [Class.GIANT, Class.MAIN_SEQUENCE]


def test_without_gravity_a_star_has_no_leaf_and_without_temperature_only_a_clear_one():
    found = of_star([5000, np.nan, np.nan, np.nan], [np.nan, 3.4, 3.7, 4.1])
    assert found.tolist() == [Class.UNLABELLED, Class.GIANT, Class.STAR, Class.MAIN_SEQUENCE]


def test_a_type_of_l0_is_a_brown_dwarf_and_m9_is_not():
    found = of_star([2200, 2400], [5.2, 5.2], [20.0, 19.5])
    assert found.tolist() == [Class.BROWN_DWARF, Class.MAIN_SEQUENCE]


def test_each_kind_of_a_truth_has_its_class():
    kinds = [int(each) for each in Kind]
    own = dict(zip(Kind, names_of(of_truth({"kind": np.array(kinds)})).tolist(), strict=True))
    assert own == {
        Kind.MAIN_SEQUENCE: "main_sequence", Kind.GIANT: "giant",
        Kind.WHITE_DWARF: "white_dwarf", Kind.BROWN_DWARF: "brown_dwarf", Kind.GALAXY: "galaxy",
        Kind.QUASAR: "quasar", Kind.TRANSIENT: "transient", Kind.ASTEROID: "other",
    }  # fmt: skip


def test_gravity_decides_among_stars_and_not_among_galaxies():
    truth = {
        "kind": np.array([2, 1, 5, 4]),
        "logg": np.array([4.3, 2.0, 2.0, np.nan]),
        "teff_k": np.array([5800.0, 4500.0, 4500.0, np.nan]),
        "spectral_type": np.array([np.nan, np.nan, np.nan, 27.0]),
    }
    found = names_of(of_truth(truth)).tolist()
    assert found == ["main_sequence", "giant", "galaxy", "brown_dwarf"]


def test_a_third_of_the_light_makes_a_variable_a_transient():
    kind = np.array([2, 2, 1, 1, 6, 3, 8, 9])
    types = ["RRab", "OSARG", "EA", "UV", "QSO", "UG", "SN Ia", "asteroid"]
    amplitude = [0.9, 0.05, 0.3, 4.0, 0.8, 3.0, np.nan, np.nan]
    found = names_of(of_truth({"kind": kind}, types, amplitude)).tolist()
    assert found == [
        "transient", "giant", "transient", "main_sequence", "quasar", "transient", "transient",
        "other",
    ]  # fmt: skip


def test_every_type_that_the_simulator_makes_is_judged():
    always = {name for name in TYPE_NAMES.values() if variable([name], [np.nan])[0]}
    never = {name for name in TYPE_NAMES.values() if not variable([name], [9.0])[0]}
    assert always == {"UG", "SN Ia", "SN II", "SN IIn", "SN Ibc"}
    assert never == {"QSO", "UV", "asteroid", "constant"}
    assert len(TYPE_NAMES) == len(Type)
