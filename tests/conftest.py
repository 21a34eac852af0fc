"""What every test shares: where the real data lie, and how hypothesis behaves."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

# A kernel compiles within a first example: no deadline. A seed in CI: a red run can be repeated.
settings.register_profile(
    "skyquarry",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
settings.load_profile("skyquarry")

os.environ.setdefault("NO_PROXY", "127.0.0.1,localhost")  # servers of tests are on this machine

SYSTEMS = ("STILTS", "sha256sum", "readline")
"""What a machine may lack, and no package index has."""
SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real survey excerpts that lies beside a checkout."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip("the real survey excerpts (../shared/data) are not beside this checkout")
    return folder


@pytest.fixture(scope="session")
def golden() -> Path:
    """The folder of computed truths that lies beside a checkout."""
    folder = SHARED / "golden"
    if not folder.is_dir():
        pytest.skip("the computed truths (../shared/golden) are not beside this checkout")
    return folder


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Ctrl-C is heard, also where a script runs the tests in its background, and ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI every package is installed: a test that is skipped for want of one is a fault there."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not os.environ.get("CI") or reporter is None:  # a worker of xdist has none
        return
    reasons = {str(each.longrepr[2]) for each in reporter.stats.get("skipped", [])}
    wanting = sorted(
        reason
        for reason in reasons
        if ("could not import" in reason or "not installed" in reason)
        and not any(word in reason for word in SYSTEMS)
    )
    if wanting:
        reporter.ensure_newline()
        reporter.write_line("skipped in CI for want of a package: " + "; ".join(wanting), red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
