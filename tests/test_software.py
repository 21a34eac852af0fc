"""Which code runs is told of a checkout, of a changed one, and of what was installed."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from skyquarry.software import code_in, said

if TYPE_CHECKING:
    from pathlib import Path

GIT = shutil.which("git")


def git(folder: Path, *words: str) -> str:
    assert GIT is not None
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    done = subprocess.run([GIT, *who, *words], cwd=folder, check=True, capture_output=True)
    return done.stdout.decode().strip()


@pytest.fixture
def package(tmp_path: Path) -> Path:
    if GIT is None:
        pytest.skip("git is not installed")
    home = tmp_path / "checkout" / "skyquarry"
    home.mkdir(parents=True)
    (home / "one.py").write_text("1\n")
    (home.parent / "notes.md").write_text("none of the package\n")
    git(home.parent, "init", "-q")
    git(home.parent, "add", ".")
    git(home.parent, "commit", "-q", "-m", "one")
    return home


def test_a_checkout_tells_its_commit(package):
    code = code_in(package)
    assert code.commit == git(package, "rev-parse", "HEAD")
    assert code.clean
    assert said(code.to_json()) == f"{code.version}, commit {code.commit[:12]}"


@pytest.mark.parametrize("name", ["one.py", "two.py"])
def test_a_changed_or_new_file_of_the_package_is_told_with_the_sum_of_the_source(package, name):
    before = code_in(package)
    (package.parent / "notes.md").write_text("changed\n")
    assert code_in(package) == before
    (package / name).write_text("2\n")
    code = code_in(package)
    assert (code.commit, code.clean) == (before.commit, False)
    assert code.source != before.source
    assert "with changes" in str(code)
    assert code.source[:12] in str(code)


def test_git_of_the_environment_leads_nowhere_else(package, tmp_path, monkeypatch):
    """GIT_DIR is set while a hook runs."""
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert code_in(package).commit is not None


def test_an_installation_within_somebody_elses_checkout_is_not_of_it(package):
    other = package.parent / "env" / "skyquarry"
    shutil.copytree(package, other)
    code = code_in(other)
    assert (code.commit, code.clean) == (None, None)
    assert code.source == code_in(package).source
    assert str(code) == f"{code.version}, source {code.source[:12]}"


def test_without_git_the_sum_of_the_source_is_told(package, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert code_in(package).commit is None
    assert len(code_in(package).source) == 64
