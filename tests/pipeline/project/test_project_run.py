"""Projects: what has not changed is not done again, and whatever ends a run, the next goes on."""

from __future__ import annotations

import json
import shutil
import signal
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

import skyquarry as sq
from skyquarry.catalog.formats import write_table
from skyquarry.errors import NotFoundError, RunError
from skyquarry.pipeline.project import running
from skyquarry.pipeline.project.cleaning import remove, superseded
from skyquarry.pipeline.project.limits import Limits, StoppedError, size_of
from skyquarry.pipeline.project.lock import locked
from skyquarry.pipeline.project.places import role_files
from skyquarry.pipeline.project.reading import read_project
from skyquarry.pipeline.project.records import HIDDEN, Records
from skyquarry.pipeline.project.running import Runner
from skyquarry.pipeline.project.settings import SurveySettings
from skyquarry.software import this_code
from skyquarry.surveys.load import load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from skyquarry.pipeline.project.settings import Project

TEXT = """
[surveys.here]
files = "here.csv"
columns = { ra = "ra", dec = "dec", id = "id" }
[surveys.there]
files = "there.csv"
columns = { ra = "ra", dec = "dec", id = "id" }
[match]
default_error_arcsec = 0.2
calibrate = false
photometry = "none"
prior = "uniform"
"""


def stars(n: int, shift_arcsec: float = 0.0) -> pa.Table:
    random = np.random.default_rng(5)
    ra, dec = random.uniform(10.0, 10.5, n), random.uniform(0.0, 0.5, n)
    return pa.table({"id": np.arange(n), "ra": ra, "dec": dec + shift_arcsec / 3600.0})


def write(table: pa.Table, path: Path) -> None:
    write_table(table.to_batches(), table.schema, path)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    write(stars(200), tmp_path / "here.csv")
    write(stars(200, 0.1), tmp_path / "there.csv")
    (tmp_path / "field.toml").write_text(TEXT)
    return read_project(tmp_path / "field.toml")


def run(project: Project, **how: Any) -> Any:
    return Runner(project).run(say=lambda _: None, **how)


def test_a_role_file_of_ones_own_is_found_again_by_the_stages_that_learn(project: Project) -> None:
    """A catalogue keeps the survey's name alone, by which no role file is found."""
    roles = '[roles]\nid = "id"\nra = "ra"\ndec = "dec"\n'
    (project.file.parent / "mine.toml").write_text(f'name = "mine"\ntitle = "Mine"\n{roles}')
    told = TEXT.replace(
        'columns = { ra = "ra", dec = "dec", id = "id" }', 'survey = "mine.toml"', 1
    )
    project.file.write_text(told)
    mine = read_project(project.file)
    run(mine)
    [(name, survey)] = role_files(mine).items()
    assert (name, load(survey).title) == ("here", "Mine")


def test_rows_that_are_set_aside_are_told_and_kept_in_the_audit(project: Project) -> None:
    table, told = stars(200), []
    broken = table.set_column(2, "dec", pa.array([95.0, *table["dec"].to_pylist()[1:]]))
    write(broken, project.file.parent / "here.csv")
    Runner(project).run(say=told.append)
    assert any("199 rows, and set aside: 1 |dec| > 90" in each for each in told)
    audit = (project.folder / "audit.jsonl").read_text()
    assert '"set_aside"' in audit


@pytest.mark.parametrize("asked", ["states", "run"])
def test_a_file_that_is_not_there_is_told_before_any_stage_begins(
    project: Project, asked: str
) -> None:
    """The last stage but one needed it: the first ones had been done for nothing."""
    (project.file.parent / "there.csv").unlink()
    with pytest.raises(NotFoundError, match=r"there.csv is not there, but the project file names"):
        getattr(Runner(project), asked)()
    assert not (project.folder / "archive").exists()


def test_all_stages_are_done_and_then_none(project: Project) -> None:
    assert run(project).done == ("build here", "build there", "match")
    matched = sq.open(project.folder / "archive" / "matched")
    assert matched.stored.n_rows == 200
    assert run(project).kept == ("build here", "build there", "match")


def test_a_changed_file_is_built_again_and_what_needs_it_too(project: Project) -> None:
    run(project)
    write(stars(150, 0.1), project.file.parent / "there.csv")
    assert run(project).done == ("build there", "match")
    there = sq.open(project.folder / "archive" / "there")
    assert there.stored.n_rows == 150


def test_a_changed_setting_does_its_stage_again_alone(project: Project) -> None:
    run(project)
    changed = replace(project, match=replace(project.match, completeness=0.99))
    states = Runner(changed).states()
    assert [each.why for each in states] == ["", "", "completeness changed"]
    assert run(changed).done == ("match",)


def test_an_output_that_was_removed_or_touched_is_made_again(project: Project) -> None:
    run(project)
    sealed = next((project.folder / "archive" / "here").glob("v*/checksums.sha256"))
    sealed.write_text(sealed.read_text() + "\n")
    assert Runner(project).states()[0].why == "its output was changed"
    assert run(project).done[0] == "build here"


@pytest.mark.parametrize("gone", ["matched", "matched_pairs", "matched_members"])
def test_each_catalogue_of_a_match_is_made_again_where_it_is_gone(
    project: Project, gone: str
) -> None:
    """With the groups gone the pairs that were left stood in the way, after the match was done."""
    run(project)
    shutil.rmtree(project.folder / "archive" / gone)
    assert Runner(project).states()[2].why == "its output is gone"
    assert run(project).done == ("match",)
    assert len(sq.open(project.folder / "archive" / "matched").children()) == 2


def test_a_dry_run_says_what_will_be_new_and_touches_nothing(project: Project) -> None:
    states = Runner(project).states()
    assert [each.why for each in states] == [
        "never done", "never done", "build here, build there will be new",
    ]  # fmt: skip
    assert not project.folder.exists()


def failing(runner: Runner, at: str, fault: BaseException | Callable[[], Any]) -> Runner:
    """The runner with a stage whose work ends in a fault."""

    def work(_: Any) -> dict[str, Any]:
        if isinstance(fault, BaseException):
            raise fault
        fault()
        return {}

    runner.stages = tuple(
        replace(each, work=work) if each.name == at else each for each in runner.stages
    )
    return runner


def test_what_was_done_before_a_fault_stands(project: Project) -> None:
    with pytest.raises(OSError, match="no more"):
        failing(Runner(project), "match", OSError("no more")).run(say=lambda _: None)
    events = [each["event"] for each in Runner(project).audit.events()]
    assert events[-1] == "failed"
    assert run(project).done == ("match",)


def test_time_that_is_over_stops_a_stage_within_it_and_keeps_the_rest(project: Project) -> None:
    stuck = failing(Runner(project), "match", lambda: time.sleep(60.0))
    runner = Runner(project)
    runner.stages = stuck.stages[:2]
    runner.run(say=lambda _: None)
    ran = stuck.run(limits=Limits(seconds=0.2), say=lambda _: None)
    assert ran.stopped == "0.2 s are over"
    assert ran.seconds < 30.0  # the stage waits for a minute, and is not waited for
    assert ran.kept == ("build here", "build there")
    assert run(project).done == ("match",)


def test_a_folder_that_grows_too_large_stops_the_run(project: Project) -> None:
    def grows() -> None:
        (project.folder / "large").write_bytes(bytes(1_000_000))
        time.sleep(60.0)

    runner = failing(Runner(project), "build here", grows)
    ran = runner.run(limits=Limits(bytes=900_000, look_s=0.01), say=lambda _: None)
    assert "more than 900.0 kB" in ran.stopped
    assert ran.seconds < 30.0
    assert ran.done == ()


def test_ctrl_c_is_no_limit(project: Project) -> None:
    runner = failing(Runner(project), "match", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        runner.run(limits=Limits(seconds=600.0), say=lambda _: None)


def test_a_limit_holds_where_a_script_has_ctrl_c_ignored(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with pytest.raises(StoppedError, match="are over"), Limits(seconds=0.1).held(tmp_path):
            time.sleep(30.0)
        with Limits(seconds=600.0).held(tmp_path):
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_limit_that_is_reached_before_a_stage_is_told(tmp_path: Path) -> None:
    limits = Limits(seconds=1.0, began=time.monotonic() - 2.0)
    with pytest.raises(StoppedError, match=r"1\.0 s are over"):
        limits.check(tmp_path)


def test_files_of_two_names_count_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(100))
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    assert size_of(tmp_path) == 100


def test_two_runs_at_once_are_refused(project: Project) -> None:
    home = project.folder / HIDDEN
    home.mkdir(parents=True)
    with locked(home / "lock") as ours:
        assert ours
        with pytest.raises(RunError, match=r"another run of field\.toml is going on"):
            run(project)


def test_nothing_is_removed_while_a_run_may_read_it(project: Project) -> None:
    run(project)
    write(stars(150, 0.1), project.file.parent / "there.csv")
    run(project)
    (old,) = (each for each in superseded(project) if "there" in str(each.path))
    with locked(project.folder / HIDDEN / "lock"):
        with pytest.raises(RunError, match=r"another run of field\.toml is going on"):
            remove([old], project)
        assert old.path.exists()
    assert remove([old], project) == old.bytes
    assert not old.path.exists()


def test_the_log_holds_every_record_of_a_stage(project: Project) -> None:
    run(project)
    runner = Runner(project)
    hashes = [each.audit for each in runner.records.all()]
    assert len(hashes) == 3
    assert runner.audit.verify(*hashes) == []


def test_provenance_leads_from_the_match_back_to_both_files(project: Project) -> None:
    run(project)
    told = json.loads((project.folder / "provenance.json").read_text())
    places = {name: each["prov:location"] for name, each in told["entity"].items()}
    derived = {
        (places[each["prov:generatedEntity"]], places[each["prov:usedEntity"]])
        for each in told["wasDerivedFrom"].values()
    }
    assert derived == {
        ("archive/here", "here.csv"), ("archive/there", "there.csv"),
        ("archive/matched", "archive/here"), ("archive/matched", "archive/there"),
    }  # fmt: skip


def test_provenance_tells_of_which_code_every_product_was_made(project: Project) -> None:
    """A version alone names no code between two releases."""
    run(project)
    code = this_code()
    told = json.loads((project.folder / "provenance.json").read_text())
    (agent,) = told["agent"].values()
    assert (agent["sq:version"], agent["sq:sourceSha256"]) == (code.version, code.source)
    assert agent.get("sq:commit") == code.commit
    assert agent.get("sq:clean") == code.clean
    assert all(each.code == code.to_json() for each in Records(project.folder).all())
    began = [each["told"] for each in Runner(project).audit.events() if each["event"] == "began"]
    assert [each["code"]["source"] for each in began] == [code.source] * 3


def test_products_of_two_codes_have_two_agents(project: Project, monkeypatch: Any) -> None:
    run(project)
    write(stars(150, 0.1), project.file.parent / "there.csv")
    other = replace(this_code(), commit="f" * 40, clean=False, source="e" * 64)
    monkeypatch.setattr(running, "this_code", lambda: other)
    run(project)
    told = json.loads((project.folder / "provenance.json").read_text())
    assert {each["sq:sourceSha256"] for each in told["agent"].values()} == {
        this_code().source, "e" * 64,
    }  # fmt: skip
    assert any(each.get("sq:clean") is False for each in told["agent"].values())


def test_the_library_prov_reads_it_and_finds_the_inputs_of_every_output(project: Project) -> None:
    from prov.model import (
        ProvActivity,
        ProvAgent,
        ProvAssociation,
        ProvDerivation,
        ProvDocument,
        ProvEntity,
        ProvGeneration,
    )

    run(project)
    document = ProvDocument.deserialize(str(project.folder / "provenance.json"))
    of = {kind: list(document.get_records(kind)) for kind in (ProvActivity, ProvAgent, ProvEntity)}
    assert [len(each) for each in of.values()] == [3, 1, 5]
    assert all({"sq:settings", "sq:seed", "sq:audit"} <= {str(name) for name, _ in each.attributes}
               for each in of[ProvActivity])  # fmt: skip
    assert len(list(document.get_records(ProvAssociation))) == 3
    made = {str(each.args[0]) for each in document.get_records(ProvGeneration)}
    came = {name: set() for name in made}
    for each in document.get_records(ProvDerivation):
        came[str(each.args[0])].add(str(each.args[1]))
    given = {str(each.identifier) for each in of[ProvEntity]} - made
    assert {name.rpartition("-")[2] for name in given} == {"here.csv", "there.csv"}
    for name in made:
        sources = came[name]
        while sources & made:
            sources = (sources - made) | set().union(*(came[each] for each in sources & made))
        assert sources
        assert sources <= given


def test_a_sky_simulated_anew_tells_of_its_own_catalogues_alone() -> None:
    """It told of what later stages had made of the one before, as if it were its own."""
    from types import SimpleNamespace

    from skyquarry.pipeline.project import works

    tiles = SimpleNamespace(rows=np.array([3, 4]))
    table = SimpleNamespace(stored=SimpleNamespace(tiles=tiles))
    names = ("truth", "sdss", "sdss_truth", "matched", "classified")
    assert works.rows_of(dict.fromkeys(names, table), ["sdss"]) == {
        "truth": 7, "sdss": 7, "sdss_truth": 7,
    }  # fmt: skip


def test_old_versions_and_dropped_stages_are_superseded_and_inputs_never(project: Project) -> None:
    run(project)
    write(stars(150, 0.1), project.file.parent / "there.csv")
    run(project)
    old = [each.path for each in superseded(project)]
    assert {each.name for each in old} == {"v1"}
    changed = {"there", "matched", "matched_pairs", "matched_members"}
    assert {each.parent.name for each in old} == changed
    without = replace(project, match=None)
    found = superseded(without)
    dropped = {"matched", "matched_pairs", "matched_members"}
    assert {each.path.name for each in found} == {"v1"} | dropped
    remove(found, without)
    assert superseded(without) == []
    assert Records(project.folder).of("match") is None
    assert (project.file.parent / "here.csv").exists()
    assert run(without).done == ()


def test_what_a_stage_made_and_another_now_reads_is_no_leftover(project: Project) -> None:
    run(project)
    given = SurveySettings(source="catalogue", path=str(project.folder / "archive" / "here"))
    changed = replace(project, surveys=project.surveys | {"here": given})
    assert superseded(changed) == []
    renamed = replace(project, surveys={"was_here": given, "there": project.surveys["there"]})
    assert superseded(renamed) == []
