"""The small sky that has what the twenty queries look for, near misses planted in it."""

import pytest

from skyquarry.testing.naive.twenty import Sky
from skyquarry.testing.nearmisses import planted
from skyquarry.testing.smallsky import small_archive


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    home = tmp_path_factory.mktemp("twenty")
    return planted(small_archive(home / "small"), home / "planted")


@pytest.fixture(scope="session")
def sky(small):
    return Sky(small)
