"""Project files: what they say, and what is refused before any work."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from skyquarry.errors import NotFoundError, UserError
from skyquarry.pipeline.project.reading import read_project
from skyquarry.pipeline.project.stages import stages_of
from skyquarry.pipeline.project.words import duration_s, size_bytes, told_bytes, told_s

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = """
seed = 3
[region]
text = "CIRCLE 180 30 0.2"
[surveys.sdss]
from = "simulate"
[surveys.gaia]
from = "simulate"
[surveys.mine]
from = "files"
files = "mine.csv"
columns = { ra = "RA", dec = "DEC" }
[match]
catalogs = ["sdss", "gaia"]
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "field.toml"
    path.write_text(text)
    return path


def test_features_are_of_matched_objects(tmp_path: Path) -> None:
    made = read_project(written(tmp_path, WHOLE + '[features]\nwhich = ["sdss_g-r"]\n'))
    assert [stage.name for stage in stages_of(made)][-2:] == ["match", "features"]
    alone = WHOLE[: WHOLE.index("[match]")] + "[features]\n"
    with pytest.raises(UserError, match=r"has \[features\] and no \[match\], but features are of"):
        read_project(written(tmp_path, alone))


def test_stages_stand_after_those_that_they_need(tmp_path: Path) -> None:
    stages = stages_of(read_project(written(tmp_path, WHOLE)))
    assert [each.name for each in stages] == ["simulate", "build mine", "match"]
    assert stages[2].needs == ("simulate",)


def test_the_folder_is_beside_the_file_and_has_its_name(tmp_path: Path) -> None:
    assert read_project(written(tmp_path, WHOLE)).folder == tmp_path / "field"


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('from = "files"', 'from = "filez"', "from is 'filez', but it is one of 'files', 'simu"),
        ("seed = 3", "sead = 3", "says 'sead', but it knows .* did you mean 'seed'"),
        ("seed = 3", "seed = 'x'", "seed is 'x', but a whole number is needed"),
        ("seed = 3", "seed = true", "seed is True, but a whole number is needed"),
        ("seed = 3", "seed = -3", "seed is -3, but 0 to"),
        ('files = "mine.csv"', "", 'surveys.mine is from = "files" and says no files'),
        ('"sdss", "gaia"]', '"sdss", "wise"]', "names 'wise', but the project has sdss, gaia"),
        ('"sdss", "gaia"]', '"sdss"]', "has 1 catalogue, but two or more"),
        ("[region]\ntext", "[area]\ntext", "says 'area'"),
        ('[region]\ntext = "CIRCLE 180 30 0.2"', "", "needs a part of the sky"),
        ('from = "simulate"', 'from = "simulate"\nwhere = "g < 3"', "says where, which from"),
        ("seed = 3", "seed = ", "is no TOML"),
        ("[match]", "[match]\ncompleteness = '1'", "completeness is '1', but a number is needed"),
        ('[region]\ntext = "CIRCLE 180 30 0.2"', "region = 3", "region is 3, but a table"),
    ],
)  # fmt: skip
def test_a_wrong_word_is_refused_by_its_name(
    tmp_path: Path, before: str, after: str, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        read_project(written(tmp_path, WHOLE.replace(before, after, 1)))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="is not there, but a project file is needed"):
        read_project(tmp_path / "no.toml")


@pytest.mark.parametrize(
    ("text", "seconds"), [("3h50m", 13_800), ("90s", 90), ("1d", 86_400), ("1.5h", 5_400)]
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert duration_s(text) == seconds


@pytest.mark.parametrize(("text", "size"), [("15GB", 15 * 10**9), ("500 MiB", 500 * 2**20)])
def test_sizes_are_read(text: str, size: int) -> None:
    assert size_bytes(text) == size


@pytest.mark.parametrize("text", ["", "3", "h", "-3h", "3x", "0s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="try 3h50m"):
        duration_s(text)


@pytest.mark.parametrize("text", ["", "15", "GB", "15 gigs", "-1GB"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="try 15GB"):
        size_bytes(text)


def test_figures_are_told_as_people_read_them() -> None:
    assert [told_s(0.44), told_s(12.2), told_s(200), told_s(7500)] == [
        "0.4 s", "12 s", "3 min 20 s", "2 h 5 min",
    ]  # fmt: skip
    assert [told_bytes(812), told_bytes(3_400_000), told_bytes(2e15)] == [
        "812 B", "3.4 MB", "2000.0 TB",
    ]  # fmt: skip


LEARNING = (
    WHOLE
    + """
[labels]
least_per_class = 20
[training]
learners = ["catboost"]
[classify]
"""
)


def test_errors_may_be_of_each_catalogue(tmp_path: Path) -> None:
    said = 'catalogs = ["sdss", "gaia"]\ndefault_error_arcsec = { sdss = 0.1, gaia = 1 }'
    project = read_project(written(tmp_path, LEARNING.replace('catalogs = ["sdss", "gaia"]', said)))
    assert project.match is not None
    assert project.match.default_error_arcsec == {"sdss": 0.1, "gaia": 1.0}


def test_labels_and_training_follow_the_match(tmp_path: Path) -> None:
    stages = stages_of(read_project(written(tmp_path, LEARNING)))
    assert [each.name for each in stages[2:]] == ["match", "label", "train", "evaluate", "classify"]
    assert stages[3].needs == ("match", "simulate")
    assert stages[4].needs == ("label",)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('[training]\nlearners = ["catboost"]\n', "", r"has \[classify\] and no \[training\]"),
        ("[labels]\nleast_per_class = 20\n", "", r"has \[training\] and no \[labels\]"),
        ('[match]\ncatalogs = ["sdss", "gaia"]\n', "", r"but there is no \[match\]"),
        ("[labels]", '[labels]\nid = "objid"', "say id, which from"),
        ("[labels]", '[labels]\nfrom = "files"', "say no files"),
        ("[labels]", ('[labels]\nfrom="files"\nfiles="x"\nid="i"\nset="sdss"\ncatalog="sdss"\n'
         'targeting = "sdss"'), "are chosen already"),
        ("[labels]", "[labels]\nmost_per_class = 0", "most_per_class is 0, but 1 or more"),
        ("[labels]", "[labels]\ncell_order = 40", "cell_order is 40, but 0 to 29 is needed"),
        ("[labels]", "[labels]\ntest_share = 1.0", "test_share is 1.0, but a share between"),
        ('["sdss", "gaia"]', '["mine", "mine2"]\n[surveys.mine2]\nfrom = "files"\nfiles = "x"',
         "none of mine, mine2 is simulated"),
        ("[labels]", '[labels]\nfrom="files"\nfiles="x"\nid="i"\nset="sdss"\ncatalog="mine"',
         "catalog is 'mine', but matched are sdss, gaia"),
        ("[labels]", '[labels]\nfrom="files"\nfiles="x"\nid="i"\nset="kind"\ncatalog="sdss"',
         "set is 'kind', but known are classes, sdss"),
        ('["sdss", "gaia"]', '["sdss", "gaia"]\ndefault_error_arcsec = { sds = 0.1 }',
         "default_error_arcsec names 'sds', but matched are sdss, gaia"),
    ],
)  # fmt: skip
def test_labels_that_cannot_be_had_are_told(
    tmp_path: Path, before: str, after: str, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        read_project(written(tmp_path, LEARNING.replace(before, after, 1)))


def test_spectra_are_of_a_simulated_sdss_that_is_matched(tmp_path: Path) -> None:
    text = LEARNING.replace("[labels]", '[labels]\ntargeting = "sdss"')
    labels = read_project(written(tmp_path, text)).labels
    assert labels is not None
    assert labels.targeting == "sdss"
    without = text.replace('["sdss", "gaia"]', '["gaia", "mine"]')
    with pytest.raises(UserError, match=r"simulated and matched are gaia: add \[surveys.sdss\]"):
        read_project(written(tmp_path, without))


def test_learners_may_have_settings_of_their_own(tmp_path: Path) -> None:
    said = "learners = { catboost = { rounds = 20 }, forest = {} }"
    text = LEARNING.replace('learners = ["catboost"]', said)
    training = read_project(written(tmp_path, text)).training
    assert training is not None
    assert training.learners == {"catboost": {"rounds": 20}, "forest": {}}


def test_reasons_are_for_few_for_all_or_for_none(tmp_path: Path) -> None:
    learnt = WHOLE + '[labels]\nfrom = "truth"\n[training]\n[classify]\n'
    for said, meant in (("", True), ('explain = "all"', "all"), ("explain = false", False)):
        settings = read_project(written(tmp_path, learnt + said)).classify
        assert settings is not None
        assert settings.explain == meant
    with pytest.raises(UserError, match="explain is 'some', but true or false or 'all' is needed"):
        read_project(written(tmp_path, learnt + 'explain = "some"'))


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("{ catbost = {} }", "there is no learner 'catbost'"),
        ("{ catboost = { round = 3 } }", "learners.catboost says 'round', .* mean 'rounds'"),
        ("{ catboost = { rounds = -3 } }", "rounds is -3, but a whole number of 1 or more"),
        ("[]", "learners is empty, but one is needed"),
        ("{ catboost = 3 }", "a list of texts or a table is needed"),
        ("3", "learners is 3"),
    ],
)
def test_a_wrong_learner_is_refused_before_anything_is_begun(
    tmp_path: Path, said: str, message: str
) -> None:
    text = LEARNING.replace('learners = ["catboost"]', f"learners = {said}")
    with pytest.raises((UserError, NotFoundError), match=message):
        read_project(written(tmp_path, text))
