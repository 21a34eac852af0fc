"""What is given wrongly is told by its name, and a path is as good as the catalogue there."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import skyquarry as sq
from skyquarry.errors import ColumnError, ExistsError, UserError

COLOURS = ["u - g", "g - r"]
MACHINES = {
    "buckets": lambda c: sq.buckets(c, sq.Space(arcsec=20)).to_table(),
    "cell_statistics": lambda c: sq.cell_statistics(c, ["g - r"], order=3),
    "correlation": lambda c: sq.correlation(c, c, edges_arcsec=[1, 10]),
    "duplicates": lambda c: sq.duplicates(c, 20.0, within={"g": 1.0}),
    "friends_of_friends": lambda c: sq.friends_of_friends(c, 20.0).to_table(),
    "lenses": lambda c: sq.lenses(c, 30.0, colours=COLOURS, within=1.0, brightness="r").to_table(),
    "pair_counts": lambda c: sq.pair_counts(c, edges_arcsec=[0, 20]),
    "rare": lambda c: sq.rare(c, COLOURS, 0.01).to_table(),
    "similar": lambda c: sq.similar(OBJECTS, c, in_=COLOURS, k=3),
    "ScanMachine": lambda c: sq.ScanMachine(c).catalog.count(),
    "sweep_once": lambda c: sq.sweep_once([c])[0],
}
OBJECTS = pa.table({"u": [20.0, 21.0], "g": [19.0, 19.5], "r": [18.0, 19.0]})


@pytest.mark.parametrize("name", MACHINES)
def test_a_path_is_as_good_as_the_catalogue_there(name, stars):
    machine = MACHINES[name]
    assert machine(stars.stored.home.root) == machine(stars)


@pytest.mark.parametrize("given", [None, 5, pd.DataFrame({"ra": [1.0]}), b"gaia", ["gaia"]])
@pytest.mark.parametrize("name", [*MACHINES, "neighbours", "similar_index"])
def test_what_is_no_catalogue_is_told(name, given, tmp_path):
    more = {
        "neighbours": lambda c: sq.neighbours(c, 30.0),
        "similar_index": lambda c: sq.similar_index(c, COLOURS, tmp_path / "index"),
    }
    kind = type(given).__name__
    with pytest.raises(UserError, match=rf"a {kind} is given, but a catalogue is needed: give sq"):
        (MACHINES | more)[name](given)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda c: sq.rare(c, "g - r"), r"in_ is 'g - r', but a list of texts is needed: try \["),
        (lambda c: sq.rare(c, None), "in_ is None, but a list of texts"),
        (lambda c: sq.rare(c, [1]), r"in_ is \[1\], but a list of texts"),
        (lambda c: sq.rare(c, COLOURS, "0.1"), "share is '0.1', but a number above 0 is"),
        (lambda c: sq.rare(c, COLOURS, 2.5), "share is 2.5, but a part of 1 is needed"),
        (lambda c: sq.rare(c, COLOURS, width=np.nan), "width is nan, but a number above 0"),
        (lambda c: sq.cell_statistics(c, 5), "of is 5, but a list of texts"),
        (lambda c: sq.lenses(c, colours=None, brightness="r"), "colours is None"),
        (lambda c: sq.lenses(c, colours=COLOURS, brightness=None), r"brightness is \[None\]"),
        (lambda c: sq.lenses(c, colours=COLOURS, brightness="r", within="x"), "within of 'u - g'"),
        (lambda c: sq.lenses(c, colours=COLOURS, brightness="r", differ=None), "differ is None"),
        (lambda c: sq.duplicates(c, within=0.1), r"within is 0.1, but a mapping of texts is"),
        (lambda c: sq.duplicates(c, within={"g": True}), "within of 'g' is True, but a number"),
        (lambda c: sq.pair_counts(c, edges_arcsec="1, 10"), "edges_arcsec is '1, 10', but two or"),
        (lambda c: sq.pair_counts(c, edges_arcsec=[10, 1]), "rising numbers, 0 or above, are"),
        (lambda c: sq.pair_counts(c, edges_arcsec=[-1, 1]), "rising numbers, 0 or above, are"),
        (lambda c: sq.neighbours(c, nearest="5"), "nearest is '5', but 1 or more is needed"),
        (lambda c: sq.similar(OBJECTS, c, in_=COLOURS, k=1, scatter="1"), "scatter is '1'"),
        (lambda c: sq.similar(OBJECTS, c, in_=COLOURS, k=1, errors=0.1), "errors is 0.1"),
        (lambda c: sq.similar(7, c, in_=COLOURS, k=1), "the objects are 7, but a catalogue or"),
        (lambda c: sq.similar_index(c, COLOURS, "ix", cell_rows=None), "cell_rows is None"),
        (lambda c: sq.similar_index(c, COLOURS, "s3://b/ix"), "not on this machine"),
        (sq.sweep_once, "but a list of catalogues is needed"),
    ],
)
def test_an_argument_of_another_kind_is_told_by_its_name(ask, words, stars):
    with pytest.raises(UserError, match=words):
        ask(stars)


def test_objects_of_any_table_are_the_same(stars):
    found = sq.similar(OBJECTS, stars, in_=COLOURS, k=3)
    frame = OBJECTS.to_pandas()
    assert sq.similar(frame, stars, in_=COLOURS, k=3) == found
    with pytest.raises(ColumnError, match="the objects have no column 'r'"):
        sq.similar(frame[["u", "g"]], stars, in_=COLOURS, k=3)


def test_an_index_takes_the_place_of_nothing_but_an_index(stars, tmp_path):
    (tmp_path / "thesis.tex").write_text("ten years")
    for overwrite in (False, True):
        with pytest.raises(ExistsError, match="exists already, and an index would be written over"):
            sq.similar_index(stars, COLOURS, tmp_path, overwrite=overwrite)
    assert [each.name for each in tmp_path.iterdir()] == ["thesis.tex"]
    home = sq.similar_index(stars, COLOURS, tmp_path / "index")
    with pytest.raises(ExistsError, match="or say overwrite=True"):
        sq.similar_index(stars, COLOURS, home)
    assert sq.similar_index(stars, COLOURS, home, overwrite=True) == home
