"""Which code runs: the version, and where it is a checkout of git the commit, and whether as there.

A version alone names no code between two releases; what a product came from is known when the
commit, or the sum of the source files, is.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, Final

_HOME: Final = Path(__file__).resolve().parent
_WAIT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Code:
    """The code of skyquarry that runs."""

    version: str
    commit: str | None
    """of git, whole; None where it was installed from a wheel, or git does not tell"""
    clean: bool | None
    """whether no file of the package differs from the commit; None where there is none"""
    source: str
    """sha256 of the source files of the package, whatever git says"""

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {"version": self.version, "commit": self.commit, "clean": self.clean,
                "source": self.source}  # fmt: skip

    def __str__(self) -> str:
        return said(self.to_json())


def said(code: dict[str, Any]) -> str:
    """What `Code.to_json` gave, in words: 0.1.0, commit 0123456789ab."""
    if not code.get("commit"):
        return f"{code['version']}, source {code['source'][:12]}"
    if code["clean"]:
        return f"{code['version']}, commit {code['commit'][:12]}"
    return (
        f"{code['version']}, commit {code['commit'][:12]} with changes, source "
        f"{code['source'][:12]}"
    )


@cache
def this_code() -> Code:
    """That of this process, as it was when it was first asked for."""
    return code_in(_HOME)


def code_in(package: Path) -> Code:
    """Of the package in a folder."""
    commit, clean = _checkout(package)
    if commit is None:
        commit, clean = _installed_from(package)
    return Code(metadata.version("skyquarry"), commit, clean, _sum(package))


def _checkout(package: Path) -> tuple[str | None, bool | None]:
    """The commit of a checkout whose folder the package lies in, and whether nothing is changed.

    An environment that lies within somebody else's checkout is none of it.
    """
    if not (package.parent / ".git").exists():
        return None, None
    commit = _git(package, "rev-parse", "HEAD")
    changed = _git(package, "status", "--porcelain", "--", str(package))
    if not commit or changed is None:
        return None, None
    return commit, not changed


def _git(package: Path, *words: str) -> str | None:
    """What git answers; None where it does not."""
    free = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    asked = ["git", "--no-optional-locks", "-c", "core.fsmonitor=false", "-C", str(package), *words]
    try:
        told = subprocess.run(  # noqa: S603  (fixed words, and our own folder)
            asked, env=free, capture_output=True, text=True, timeout=_WAIT_S, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return told.stdout.strip() if told.returncode == 0 else None


def _installed_from(package: Path) -> tuple[str | None, bool | None]:
    """The commit that an installation was made of, as PEP 610 keeps it."""
    try:
        of = metadata.distribution("skyquarry")
        if Path(str(of.locate_file("skyquarry"))).resolve() != package:
            return None, None  # the code comes from elsewhere than what is installed
        told = json.loads(of.read_text("direct_url.json") or "{}")
        return told["vcs_info"]["commit_id"], True
    except (metadata.PackageNotFoundError, KeyError, TypeError, ValueError):
        return None, None


def _sum(package: Path) -> str:
    """Of all Python files, by name."""
    total = hashlib.sha256()
    for path in sorted(package.rglob("*.py"), key=lambda each: each.as_posix()):
        total.update(path.relative_to(package).as_posix().encode() + b"\0")
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()
