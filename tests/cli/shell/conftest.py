"""A session over the small archive, whose answers are kept."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from skyquarry.cli.shell.session import Session
from skyquarry.engine.archive import archive as open_archive


@dataclass
class Heard:
    """A session, and what it said."""

    session: Session
    said: list[str] = field(default_factory=list)

    def __call__(self, *statements: str) -> str:
        """What it says to these."""
        self.said.clear()
        for each in statements:
            self.session.run(each)
        return "\n".join(self.said)


@pytest.fixture
def shell(archive):
    heard = Heard(Session(open_archive(archive), uploads={"mine": {"id": [7, 8], "size": [1, 2]}}))
    heard.session.say = heard.session.note = heard.said.append
    return heard
