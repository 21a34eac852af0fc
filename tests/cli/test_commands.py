"""The commands that need no search: what they print, and their exit codes."""

from __future__ import annotations

import errno
import json
import os
import sqlite3

import pyarrow.parquet as pq
import pytest
from astropy.table import Table
from typer.main import get_command

from skyquarry import __version__
from skyquarry.cli import app
from skyquarry.engine.catalog import open_catalog
from skyquarry.surveys.load import load
from skyquarry.surveys.schema import arrow_schema, parse_schema

ASKED_FOR = {
    "ls", "build", "info", "verify", "cone", "region", "sample", "convert", "map", "schema", "cite",
    "demo",
}  # fmt: skip


def test_every_command_is_there():
    assert set(get_command(app).commands) >= ASKED_FOR


@pytest.mark.parametrize("name", sorted(get_command(app).commands))
def test_the_help_of_a_command_has_an_example(run, name):
    text = " ".join(run(name, "--help").output.split())
    assert f"Example: skyquarry {name} " in text


def test_the_version_is_the_packages(run):
    assert run("--version").output == f"skyquarry {__version__}\n"


def test_info_tells_rows_units_and_provenance(run, archive):
    text = run("info", "stars").output
    assert "rows      3,000" in text
    assert "obs_title = Gaia Data Release 3 (gaia_source)" in text
    told = json.loads(run("info", archive / "stars", "--json").output)
    assert told["rows"] == 3000
    assert {c["name"]: c["unit"] for c in told["columns"]}["mag"] == "mag"
    assert told["margins"]


def test_a_sound_catalogue_is_called_sound(run):
    assert "is sound" in run("verify", "stars").output
    assert json.loads(run("verify", "stars", "--json").output) == []


def test_a_damaged_catalogue_has_exit_code_1_and_names_the_file(run, archive, tmp_path):
    import shutil

    shutil.copytree(archive / "stars", tmp_path / "broken")
    leaf = next((tmp_path / "broken").rglob("Npix=*.parquet"))
    pq.write_table(pq.read_table(leaf).slice(1), leaf)
    assert leaf.name in run("verify", tmp_path / "broken", code=1).output
    told = json.loads(run("verify", tmp_path / "broken", "--json", code=1).output)
    assert {"file", "what", "rows"} == set(told[0])


@pytest.mark.parametrize("command", ["info", "verify", "cite"])
def test_an_unknown_catalogue_is_the_users_mistake(run, command):
    result = run(command, "starz", code=2)
    assert result.stdout == ""
    assert "'starz'" in result.stderr
    assert "did you mean 'stars'" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_missing_archive_is_named(run):
    assert "no archive at 'nowhere'" in run("info", "x", "--archive", "nowhere", code=2).stderr


def test_an_error_of_ours_shows_its_traceback(run, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr("skyquarry.catalog.stored.open_stored", broken)
    with pytest.raises(ZeroDivisionError):
        run("info", "stars")


def test_a_target_below_a_file_is_the_users_mistake(run, archive, tmp_path):
    (tmp_path / "file").write_text("mine")
    source = next((archive / "stars").rglob("Npix=*.parquet"))
    result = run("build", source, "--to", tmp_path / "file", code=2)
    assert str(tmp_path / "file") in result.stderr
    assert (tmp_path / "file").read_text() == "mine"
    said = run("map", "stars", "--out", tmp_path / "file" / "map.png", code=2).stderr
    assert "Not a directory" in said
    assert str(tmp_path / "file" / "map.png") in said


@pytest.mark.parametrize(
    ("fault", "code"),
    [(errno.EROFS, 2), (errno.EACCES, 2), (errno.ENOSPC, 1)],
)
def test_what_the_disk_refuses_is_said_in_a_line(run, monkeypatch, fault, code):
    def refuse(*_):
        raise OSError(fault, os.strerror(fault), "/media/cdrom/x")

    monkeypatch.setattr("skyquarry.catalog.stored.open_stored", refuse)
    said = run("info", "stars", code=code).stderr
    assert said.startswith(f"skyquarry: /media/cdrom/x cannot be used ({os.strerror(fault)})")
    assert said.count("\n") == 1


def test_a_full_disk_is_said_in_a_line_where_arrow_names_no_file(run, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOSPC, "Error writing bytes to file. Detail: [errno 28]")

    monkeypatch.setattr("skyquarry.catalog.stored.open_stored", refuse)
    said = run("info", "stars", code=1).stderr
    assert said.startswith("skyquarry: a file could not be written (No space left on device), but")
    assert said.count("\n") == 1


def test_a_picture_of_an_unknown_suffix_is_refused(run, tmp_path):
    said = run("map", "stars", "--out", tmp_path / "map.xyz", code=2).stderr
    assert "map.xyz" in said
    assert ".png" in said


def test_a_map_tells_a_program_what_it_drew(run, tmp_path):
    told = json.loads(run("map", "stars", "--out", tmp_path / "map.png", "--json").stdout)
    assert told["path"] == str(tmp_path / "map.png")
    assert told["sources"] == 3000
    assert (tmp_path / "map.png").stat().st_size > 10_000


def test_convert_keeps_rows_and_units(run, archive, tmp_path):
    leaf = next((archive / "stars").rglob("Npix=*.parquet"))
    target = tmp_path / "stars.fits"
    rows = pq.read_metadata(leaf).num_rows
    assert run("convert", leaf, target).output == f"{rows:,} rows written to {target}\n"
    back = Table.read(target)
    assert len(back) == rows
    assert str(back["mag"].unit) == "mag"


def test_convert_writes_a_whole_catalogue(run, archive, tmp_path):
    """A folder was refused with the advice to name files in it, of which there were none."""
    target, whole = tmp_path / "all.fits", open_catalog(archive / "stars")
    told = run("convert", archive / "stars", target).output
    assert told == f"{len(whole):,} rows written to {target}\n"
    made = Table.read(target)
    assert len(made) == len(whole)
    assert made.colnames == whole.columns


def test_convert_overwrites_only_when_told(run, archive, tmp_path):
    leaf = next((archive / "stars").rglob("Npix=*.parquet"))
    (tmp_path / "there.csv").write_text("mine")
    told = run("convert", leaf, tmp_path / "there.csv", code=2).stderr
    assert "there.csv" in told
    assert "pass --overwrite" in told  # as a shell says overwrite=True
    assert (tmp_path / "there.csv").read_text() == "mine"
    run("convert", leaf, tmp_path / "there.csv", "--overwrite")
    assert (tmp_path / "there.csv").read_text().startswith('"_healpix_29","id","ra"')


def test_convert_refuses_an_unknown_suffix(run, archive, tmp_path):
    leaf = next((archive / "stars").rglob("Npix=*.parquet"))
    assert "odd.xyz" in run("convert", leaf, tmp_path / "odd.xyz", code=2).stderr


@pytest.mark.parametrize("system", ["sql", "votable", "xml", "fits"])
def test_the_schema_of_a_survey_comes_back(run, system):
    text = run("schema", "twomass", "--as", system).stdout
    expected = arrow_schema(load("twomass"))
    assert parse_schema(text.rstrip("\n"), system).equals(expected, check_metadata=True)


def test_the_schema_of_a_catalogue_is_taken_by_sqlite(run):
    with sqlite3.connect(":memory:") as base:
        base.execute(run("schema", "stars", "--as", "sql").stdout)
        names = [row[1] for row in base.execute("PRAGMA table_info(stars)")]
    assert {"id", "ra", "dec", "mag"} <= set(names)


def test_a_schema_is_written_to_a_file(run, tmp_path):
    run("schema", "gaia", "--as", "fits", "--out", tmp_path / "gaia.fits")
    assert Table.read(tmp_path / "gaia.fits", unit_parse_strict="silent").colnames == list(
        load("gaia").columns
    )


def test_cite_follows_the_ancestry(run):
    text = run("cite", "match").output
    assert text.startswith("% match <- stars")
    assert "@ARTICLE{2023A&A...674A...1G," in text
    assert "DPAC" in text
    told = json.loads(run("cite", "match", "--json").output)
    assert told["bibcodes"] == list(load("gaia").bibcodes)


def test_cite_takes_a_survey_too(run):
    assert "@ARTICLE{2006AJ....131.1163S," in run("cite", "2mass").output
