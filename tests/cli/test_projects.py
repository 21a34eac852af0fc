"""`run`, `clean` and `audit` from the shell."""

import json

import pytest

TEXT = """
[surveys.here]
files = "here.csv"
columns = { ra = "ra", dec = "dec" }
"""


@pytest.fixture
def file(tmp_path):
    (tmp_path / "here.csv").write_text("ra,dec\n10.1,0.2\n10.2,0.3\n")
    (tmp_path / "field.toml").write_text(TEXT)
    return tmp_path / "field.toml"


def test_a_run_is_told_before_and_then_done_once(run, file):
    assert (
        "build here: a catalogue of here.csv (never done; time not known)"
        in run("run", file, "--dry-run").stdout
    )
    assert "2 rows" in run("run", file).stdout
    assert "build here: nothing has changed" in run("run", file).stdout
    told = json.loads(run("run", file, "--json").stdout)
    assert (told["done"], told["kept"], told["stopped"]) == ([], ["build here"], "")


def test_what_would_be_done_is_told_as_json(run, file):
    (told,) = json.loads(run("run", file, "--dry-run", "--json").stdout)
    assert told["stage"] == "build here"
    assert (told["last_s"], told["expected_s"]) == (None, None)


def test_what_was_done_before_is_told_by_its_time(run, file):
    run("run", file)
    (file.parent / "here.csv").write_text("ra,dec\n10.1,0.2\n")
    (told,) = json.loads(run("run", file, "--dry-run", "--json").stdout)
    assert told["expected_s"] == pytest.approx(told["last_s"], abs=0.5)
    assert told["by"] == "by a run of 2 rows"
    assert "in all about" in run("run", file, "--dry-run").stdout


def test_a_run_that_a_limit_ends_is_no_failure(run, file):
    run("run", file)
    assert "more than 1 B. All is kept" in run("run", file, "--disk", "0.001kB").stdout


@pytest.mark.parametrize(("option", "word"), [("--stop-after", "3x"), ("--disk", "much")])
def test_a_limit_that_is_none_is_refused(run, file, option, word):
    assert repr(word) in run("run", file, option, word, code=2).stderr


def test_old_versions_are_listed_and_then_removed(run, file):
    run("run", file)
    (file.parent / "here.csv").write_text("ra,dec\n10.1,0.2\n")
    run("run", file)
    listed = json.loads(run("clean", file, "--json").stdout)
    assert [each["why"] for each in listed] == ["version v2 took its place"]
    assert "add --yes" in run("clean", file).stdout
    assert "removed" in run("clean", file, "--yes").stdout
    assert json.loads(run("clean", file, "--json").stdout) == []


def test_an_audit_log_that_was_changed_is_told(run, file):
    run("run", file)
    assert "chain of 2 lines holds" in run("audit", file).stdout
    log = file.parent / "field" / "audit.jsonl"
    log.write_text(log.read_text().replace("never done", "ever done"))
    told = run("audit", file, code=2)
    assert "line 1 was changed" in told.stderr
    assert json.loads(run("audit", file, "--json", code=2).stdout)["faults"]


def damaged(file, how):
    """The log of a project that was run, changed, cut or gone."""
    log = file.parent / "field" / "audit.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    made = {
        "changed": b"".join(lines).replace(b"never done", b"ever done"),
        "cut": b"".join(lines[:-1]),
        "empty": b"",
        "nonsense": b"\xff\x00\n",
        "of another kind": lines[0] + b'{"number":2,"event":1,"told":{},"before":"","hash":[]}\n',
    }
    if how == "gone":
        log.unlink()
    else:
        log.write_bytes(made[how])
    return log


@pytest.mark.parametrize("how", ["changed", "cut", "empty", "nonsense", "of another kind", "gone"])
def test_a_run_writes_nothing_to_a_log_that_does_not_hold_and_says_how_to_go_on(run, file, how):
    """It was told by `audit` alone; a run had gone on with its chain, as if it held."""
    run("run", file)
    (file.parent / "here.csv").write_text("ra,dec\n10.1,0.2\n")
    log = damaged(file, how)
    before = log.read_bytes() if log.exists() else None
    for asked in (["run", file], ["run", file, "--dry-run"]):
        told = run(*asked, code=2).stderr
        assert "audit log" in told
        assert "skyquarry audit" in told
        assert "--renew" in told
    assert (log.read_bytes() if log.exists() else None) == before
    assert "audit" in run("audit", file, code=2).stderr
    told = json.loads(run("audit", file.parent / "field", "--renew", "--json").stdout)
    assert told["faults"] == []
    if before is None:
        assert told["aside"] is None
    else:
        assert (log.parent / "audit-damaged-1.jsonl").read_bytes() == before
    assert "build here: nothing has changed" not in run("run", file).stdout
    assert "build here: nothing has changed" in run("run", file).stdout
    assert "begun anew" in run("audit", file).stdout
    assert "holds, but only a log that does not" in run("audit", file, "--renew", code=2).stderr


def test_lines_cut_off_that_no_record_names_are_missed(run, file):
    """The last line of a run that failed is in no record of a stage."""
    run("run", file)
    (file.parent / "here.csv").write_text("nothing,here\n1,2\n")
    run("run", file, code=2)
    log = file.parent / "field" / "audit.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    assert b'"event":"failed"' in lines[-1]
    log.write_bytes(b"".join(lines[:-1]))
    assert "is missing" in run("audit", file, code=2).stderr


def test_a_log_that_a_kill_has_torn_holds_up_no_run(run, file):
    run("run", file)
    log = file.parent / "field" / "audit.jsonl"
    log.write_bytes(log.read_bytes() + b'{"numb')
    (file.parent / "here.csv").write_text("ra,dec\n10.1,0.2\n")
    assert "done in" in run("run", file).stdout
    assert "chain of 5 lines holds" in run("audit", file).stdout


def test_nothing_is_removed_where_the_log_cannot_tell_of_it(run, file):
    run("run", file)
    (file.parent / "here.csv").write_text("ra,dec\n10.1,0.2\n")
    run("run", file)
    damaged(file, "changed")
    assert "--renew" in run("clean", file, "--yes", code=2).stderr
    assert json.loads(run("clean", file, "--json").stdout) != []


def test_an_object_is_explained_of_a_project_or_of_a_catalogue_and_not_of_neither(run, file):
    assert "--model DIR with --catalog" in run("explain", "a:1", code=2).stderr
    assert "--model DIR with --catalog" in run("explain", "a:1", "--model", "m", code=2).stderr
    assert "no match" in run("explain", "a:1", "--project", file, code=2).stderr


def test_a_report_of_what_is_there_is_one_page(run, file):
    pytest.importorskip("matplotlib", reason="the extra plots is not installed")
    assert "no finished stage" in run("report", file, "--out", "r.html", code=2).stderr
    run("run", file)
    page = file.parent / "here.html"
    assert json.loads(run("report", file, "--out", page, "--json").stdout)["path"] == str(page)
    assert "Real data." in page.read_text()
