r"""What a session answers: rows, tables, files, and faults with a caret."""

from __future__ import annotations

import signal
import threading

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import skyquarry as sq
from skyquarry.catalog.formats import open_table
from skyquarry.cli.shell.looping import converse, script
from skyquarry.cli.shell.session import told
from skyquarry.cli.shell.showing import show
from skyquarry.errors import CancelledError, SkyquarryError, UserError


def words(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_rows_are_shown_and_no_more_than_the_limit(shell):
    said = shell("\\limit 2", "SELECT id FROM stars ORDER BY id")
    assert words(said)[1:4] == [["id"], ["0"], ["1"]]
    assert "2 rows shown, more are there" in said
    assert words(shell("SELECT id FROM stars WHERE id < 2 ORDER BY id"))[-1] == ["2", "rows"]


def test_limit_0_shows_all(shell):
    assert "25 rows" in shell("\\limit 0", "SELECT id FROM stars WHERE id < 25")


def test_tables_are_listed_with_what_they_are(shell):
    listed = {line[0]: line[1:4] for line in words(shell("\\d"))[1:]}
    assert listed["stars"] == ["object", "3,000", "5"] or listed["stars"] == ["object", "3000", "5"]
    assert listed["mine"] == ["upload", "2", "2"]


def test_the_columns_of_a_table_have_type_and_unit(shell):
    listed = words(shell("\\d stars"))
    assert ["ra", "DOUBLE", "PRECISION", "deg"] in listed
    assert ["id", "BIGINT"] in listed
    assert ['"size"', "BIGINT"] in words(shell("\\d mine"))


def test_a_table_that_is_not_there_gets_the_nearest_name(shell):
    with pytest.raises(SkyquarryError, match="there is no table star: did you mean stars"):
        shell("\\d star")


def test_explain_tells_of_this_query_or_of_the_last(shell):
    once = shell("\\explain SELECT id FROM stars WHERE dec > 80")
    assert "query over stars" in once
    shell("SELECT id FROM stars WHERE dec > 80")
    assert shell("\\explain").count("query over stars") == 1


def test_texts_are_shown_with_their_own_ends_of_lines():
    plan = sq.query("SELECT s FROM mine", uploads={"mine": pa.table({"s": ["a\r\nb\n", ""]})})
    assert show(plan, "tsv", 5) == '"s"\n"a\r\nb\n"\n""'


@pytest.mark.parametrize("suffix", ["csv", "fits", "vot", "parquet"])
def test_one_result_goes_to_a_file_and_the_next_to_the_screen(shell, tmp_path, suffix):
    out = tmp_path / f"few.{suffix}"
    query = "SELECT id, ra FROM stars WHERE id < 3 ORDER BY id"
    assert f"3 rows written to {out}" in shell(f"\\o {out}", query)
    assert open_table(out).to_table()["id"].to_pylist() == [0, 1, 2]
    assert "3 rows" in shell(query)


def test_a_format_that_is_chosen_needs_no_suffix(shell, tmp_path):
    shell("\\format parquet", f"\\o {tmp_path / 'few'}", "SELECT id FROM stars WHERE id < 3")
    assert pq.read_table(tmp_path / "few").num_rows == 3


def test_csv_and_votable_are_shown_as_text_and_fits_is_not(shell):
    query = "SELECT id, mag FROM stars WHERE id = 7"
    assert shell("\\format csv", query).splitlines()[1] == '"id","mag"'
    assert "<TABLEDATA>" in shell("\\format votable", query) or "<VOTABLE" in shell(query)
    with pytest.raises(UserError, match="fits is nothing to look at: name a file first"):
        shell("\\format fits", query)


def test_the_time_of_a_query_is_told_where_asked(shell):
    shell("\\timing")
    assert shell("SELECT id FROM stars WHERE id = 1").splitlines()[-1].startswith("time: 0.")
    shell("\\timing off")
    assert "time:" not in shell("SELECT id FROM stars WHERE id = 1")


def test_a_query_is_stopped_after_the_timeout(shell):
    shell("\\timeout 0.2")
    many = " , ".join(f"stars AS s{i}" for i in range(4))
    with pytest.raises(CancelledError, match=r"stopped after 0\.2 s"):
        shell(f"SELECT SUM(s0.ra * s1.ra * s2.ra * s3.ra) AS n FROM {many}")


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("\\what", "\\\\what is no command of the shell"),
        ("\\limit many", "\\\\limit is 'many', but a number of rows is needed"),
        ("\\format xls", "\\\\format is 'xls', but it is one of table, csv"),
        ("\\timeout -1", "\\\\timeout is '-1', but seconds are needed"),
        ("\\timing maybe", "\\\\timing is 'maybe'"),
        ("\\o few.xyz", "few.xyz"),
        ("\\explain", "\\\\explain has no query yet"),
    ],
)
def test_a_command_that_cannot_be_says_why(shell, statement, fault):
    with pytest.raises(UserError, match=fault):
        shell(statement)


def test_a_fault_has_a_caret_below_its_place(shell):
    query = "SELECT ra,\n       decl FROM stars"
    with pytest.raises(UserError) as fault:
        shell(query)
    lines = told(fault.value, query).splitlines()
    assert lines[0] == "       decl FROM stars"
    assert lines[1] == "       ^"
    assert "did you mean dec?" in lines[2]


def test_the_caret_of_an_explained_query_stands_below_its_line(shell):
    statement = "\\explain SELECT decl FROM stars"
    with pytest.raises(UserError) as fault:
        shell(statement)
    lines = told(fault.value, statement).splitlines()
    assert lines[0][lines[1].index("^") :].startswith("decl")


@pytest.mark.usefixtures("ctrl_c")
def test_control_c_stops_the_query_and_not_the_shell(shell, capsys):
    many = " , ".join(f"stars AS s{i}" for i in range(4))
    texts = iter([f"SELECT SUM(s0.ra * s1.ra * s2.ra * s3.ra) AS n FROM {many};", "\\timing"])
    clock = threading.Timer(0.5, signal.raise_signal, (signal.SIGINT,))
    clock.start()
    converse(shell.session, lambda: next(texts, None) or _end())
    assert capsys.readouterr().err == "stopped\n"
    assert shell.said == ["timing: on"]


def _end():
    raise EOFError


def test_a_file_of_a_query_that_was_stopped_is_not_there(shell, tmp_path):
    shell("\\timeout 0.2", f"\\o {tmp_path / 'many.csv'}")
    with pytest.raises(CancelledError):
        shell("SELECT a.id + b.id + c.id AS n FROM stars a, stars b, stars c")
    assert list(tmp_path.iterdir()) == []


def test_a_script_ends_at_its_first_fault(shell, capsys):
    lines = ["SELECT id FROM stars WHERE id = 1;\n", "SELECT x FROM stars;\n", "\\timing\n"]
    assert script(shell.session, lines) == 2
    assert "SELECT x FROM stars\n       ^\n" in capsys.readouterr().err
    assert not shell.session.timing


def test_a_script_may_leave(shell):
    assert script(shell.session, ["\\q\n", "nonsense;\n"]) == 0


def test_the_command_reads_a_script(archive):
    from typer.testing import CliRunner

    from skyquarry.cli import app

    text = "\\format csv\nSELECT id\nFROM stars WHERE id < 2 ORDER BY id;\n"
    done = CliRunner().invoke(app, ["--archive", str(archive), "shell"], input=text)
    assert done.exit_code == 0
    assert done.stdout.splitlines() == ['"id"', "0", "1"]
    assert done.stderr == "format: csv\n"
    query = "SELECT id FROM stars WHERE id < 2 ORDER BY id;"
    given = ["--archive", str(archive), "shell", "--format", "csv"]
    assert CliRunner().invoke(app, given, input=query).stdout.splitlines() == ['"id"', "0", "1"]
    bad = CliRunner().invoke(app, ["--archive", str(archive), "shell"], input="SELECT;\n")
    assert bad.exit_code == 2


def test_results_are_kept_where_the_session_was_told(shell, archive, tmp_path):
    """INTO wrote beside the archive, which may be another's, while \\d listed the right folder."""
    shell.session.my = str(tmp_path / "own")
    assert str(tmp_path / "own") in shell("SELECT id INTO my.few FROM stars WHERE id < 3")
    assert (tmp_path / "own" / "few").is_dir()
    assert not (archive / "my").exists()
    assert "3 rows" in shell("SELECT id FROM my.few")


def test_a_place_to_keep_results_is_asked_for_as_the_shell_takes_it():
    error = UserError("my.few has no place: name a folder by my=")
    assert told(error, "SELECT 1") == "my.few has no place: name a folder by --my FOLDER"
