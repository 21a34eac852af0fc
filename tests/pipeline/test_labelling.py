"""Labels of matched objects: from a truth, and from tables of labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest

import skyquarry as sq
from skyquarry.catalog.classes import Class
from skyquarry.errors import ColumnError, UserError
from skyquarry.pipeline.labelling import labels_of_table, labels_of_truth, varies_of_truth
from skyquarry.synthetic.sources import Kind

if TYPE_CHECKING:
    from pathlib import Path

    from skyquarry.engine.archive import Archive


@pytest.fixture(scope="module")
def sky(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    folder: Path = tmp_path_factory.mktemp("labels")
    return sq.simulate("CIRCLE 180 30 0.05", folder / "sky", seed=3, surveys=("sdss", "gaia"))


def objects(sky: Archive) -> pa.Table:
    """Every row of SDSS as an object of its own; and one that nothing has seen."""
    ids = sky["sdss"].select(["objID"]).to_table()["objID"].combine_chunks()
    nothing = pa.array([None], ids.type)
    gaia = pa.nulls(len(ids) + 1, pa.int64())
    return pa.table({"sdss_id": pa.concat_arrays([ids, nothing]), "gaia_id": gaia})


def test_a_row_is_of_the_class_of_its_brightest_source(sky: Archive) -> None:
    rows = objects(sky)
    codes = labels_of_truth(rows, sky, ["gaia", "sdss"])
    links = sky["sdss_truth"].to_table().to_pandas()
    kinds = sky["truth"].select(["id", "kind"]).to_table().to_pandas().set_index("id")["kind"]
    main = links.sort_values("share").groupby("objID")["truth_id"].last()
    for row, code in zip(rows["sdss_id"].to_pylist()[:-1], codes[:-1], strict=True):
        if row not in main.index:
            assert code == Class.OTHER
        elif kinds[main[row]] == Kind.GALAXY:
            assert code == Class.GALAXY
        elif kinds[main[row]] == Kind.QUASAR:
            assert code == Class.QUASAR
        else:
            assert code in {Class.MAIN_SEQUENCE, Class.GIANT, Class.WHITE_DWARF,
                            Class.BROWN_DWARF, Class.TRANSIENT, Class.OTHER}  # fmt: skip
    assert {Class.GALAXY, Class.MAIN_SEQUENCE} <= set(codes.tolist())
    assert codes[-1] == Class.UNLABELLED


def test_the_first_catalogue_that_has_a_row_says_whose_light_it_is(sky: Archive) -> None:
    stars = sky["gaia"].select(["source_id"]).to_table()["source_id"].combine_chunks()
    links = sky["sdss_truth"].to_table().to_pandas()
    kinds = sky["truth"].select(["id", "kind"]).to_table().to_pandas().set_index("id")["kind"]
    galaxies = links[links["truth_id"].map(kinds) == Kind.GALAXY].groupby("objID").filter(
        lambda one: len(one) == 1
    )  # fmt: skip
    mixed = pa.table({"sdss_id": galaxies["objID"].to_numpy()[:1], "gaia_id": stars[:1]})
    assert labels_of_truth(mixed, sky, ["sdss", "gaia"]).tolist() == [Class.GALAXY]
    assert labels_of_truth(mixed, sky, ["gaia", "sdss"]).tolist() != [Class.GALAXY]


def test_a_table_of_labels_is_joined_by_ids() -> None:
    rows = pa.table({"sdss_id": pa.array([5, None, 7, 9])})
    labels = pa.table({"specobj": ["9", "5"], "class": ["QSO", "GALAXY"]})
    codes = labels_of_table(rows, labels, catalog="sdss", id="specobj", label_set="sdss")
    assert codes.tolist() == [Class.GALAXY, -1, -1, Class.QUASAR]


def test_an_id_with_two_classes_is_refused() -> None:
    rows = pa.table({"sdss_id": [5]})
    labels = pa.table({"id": [5, 5, 6], "class": ["QSO", "GALAXY", "QSO"]})
    with pytest.raises(UserError, match="give id 5 two classes"):
        labels_of_table(rows, labels, catalog="sdss", id="id", label_set="sdss")


def test_an_id_that_stands_twice_with_one_class_is_no_fault() -> None:
    rows = pa.table({"sdss_id": [5]})
    labels = pa.table({"id": [5, 5], "class": ["QSO", "QSO"]})
    codes = labels_of_table(rows, labels, catalog="sdss", id="id", label_set="sdss")
    assert codes.tolist() == [Class.QUASAR]


@pytest.mark.parametrize(
    ("catalog", "id_", "message"),
    [("wise", "id", "no column wise_id"), ("sdss", "idd", "no column 'idd'")],
)
def test_what_is_missing_is_named(catalog: str, id_: str, message: str) -> None:
    rows, labels = pa.table({"sdss_id": [5]}), pa.table({"id": [5], "class": ["QSO"]})
    with pytest.raises(ColumnError, match=message):
        labels_of_table(rows, labels, catalog=catalog, id=id_, label_set="sdss")


def test_ids_of_another_kind_are_refused() -> None:
    rows, labels = pa.table({"sdss_id": [5]}), pa.table({"id": ["x"], "class": ["QSO"]})
    with pytest.raises(
        ColumnError, match=r"of type string .*, but those of the match are of type int64"
    ):
        labels_of_table(rows, labels, catalog="sdss", id="id", label_set="sdss")


def test_variables_are_transient_where_the_sky_tells_of_them(sky: Archive) -> None:
    from skyquarry.pipeline.labelling import _classes

    class Told:
        """A sky with a table of variables."""

        def names(self) -> list[str]:
            return [*sky.names(), "variables"]

        def __getitem__(self, name: str) -> object:
            return sky[name] if name != "variables" else Table()

    class Table:
        def select(self, _: object) -> Table:
            return self

        def to_table(self) -> pa.Table:
            return pa.table({"id": stars[:1], "type": ["RRab"], "amplitude_mag": [0.9]})

    truth = sky["truth"].select(["id", "kind"]).to_table()
    stars = truth.filter(pa.compute.equal(truth["kind"], 1))["id"].combine_chunks()
    codes = _classes(Told(), np.asarray(stars[:2]))  # type: ignore[arg-type]
    assert codes[0] == Class.TRANSIENT
    assert codes[1] != Class.TRANSIENT


def test_what_varies_is_told_by_the_amplitude_and_unknown_without_a_table(sky: Archive) -> None:
    rows = objects(sky)
    assert (varies_of_truth(rows, sky, ["gaia", "sdss"]) == -1).all()
    links = sky["sdss_truth"].to_table().to_pandas().sort_values("share")
    main = links.groupby("objID")["truth_id"].last()
    wanted = [main[row] for row in rows["sdss_id"].to_pylist()[:-1] if row in main.index][:3]

    class Told:
        """A sky with a table of variables: of 0.9, 0.02 and 0.15 mag."""

        def names(self) -> list[str]:
            return [*sky.names(), "variables"]

        def __getitem__(self, name: str) -> object:
            return sky[name] if name != "variables" else Table()

    class Table:
        def select(self, _: object) -> Table:
            return self

        def to_table(self) -> pa.Table:
            types = pa.array(["RRab", "UV", "QSO"])
            amplitudes = pa.array([0.9, 0.02, 0.15], pa.float32())
            return pa.table({"id": wanted, "type": types, "amplitude_mag": amplitudes})

    told = varies_of_truth(rows, Told(), ["gaia", "sdss"])  # type: ignore[arg-type]
    ids = rows["sdss_id"].to_pylist()
    for row, code in zip(ids[:-1], told[:-1].tolist(), strict=True):
        known = main.get(row)
        assert code == (-1 if known is None else int(known in (wanted[0], wanted[2])))
    assert told[-1] == -1
    assert (told == 1).sum() >= 2
