"""The audit log: whatever is done to it afterwards shows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from skyquarry.errors import DamagedError
from skyquarry.pipeline.project.audit import BEGINNING, Audit

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def log(tmp_path: Path) -> Audit:
    log = Audit(tmp_path / "audit.jsonl")
    for name in ("one", "two", "three"):
        log.note("ended", stage=name)
    return log


def test_each_line_carries_the_hash_of_the_one_before(log: Audit) -> None:
    events = log.events()
    assert [each["before"] for each in events] == [BEGINNING, *[e["hash"] for e in events[:2]]]
    assert log.verify() == []


def test_a_changed_word_breaks_the_chain_at_its_line(log: Audit) -> None:
    log.path.write_bytes(log.path.read_bytes().replace(b"two", b"TWO"))
    assert log.verify() == ["line 2 was changed: its hash is not that of its words"]


def test_a_line_that_was_taken_out_shows(log: Audit) -> None:
    lines = log.path.read_bytes().splitlines(keepends=True)
    log.path.write_bytes(lines[0] + lines[2])
    assert log.verify() == ["line 2 does not follow the line before it", "line 2 is numbered 3"]


def test_a_line_rewritten_with_a_new_hash_shows_in_the_next(log: Audit) -> None:
    lines = log.path.read_bytes().splitlines(keepends=True)
    other = Audit(log.path.with_name("other"))
    other.note("ended", stage="one")
    log.path.write_bytes(other.path.read_bytes() + b"".join(lines[1:]))
    assert log.verify() == ["line 2 does not follow the line before it"]


def test_a_log_cut_off_at_its_end_lacks_what_records_expect(log: Audit) -> None:
    last = log.events()[-1]["hash"]
    log.path.write_bytes(b"".join(log.path.read_bytes().splitlines(keepends=True)[:2]))
    assert log.verify() == []
    assert log.verify(last) == [f"a line with the hash {last[:12]} is missing"]


def test_a_torn_line_is_kept_in_words_and_the_log_goes_on(log: Audit) -> None:
    with log.path.open("ab") as file:
        file.write(b'{"number": 4, "ti')
    assert log.verify() == ["line 4 is torn: 17 bytes without an end"]
    log.note("began", stage="four")
    torn, four = log.events()[3:]
    assert bytes.fromhex(torn["told"]["bytes"]) == b'{"number": 4, "ti'
    assert four["told"] == {"stage": "four"}
    assert log.verify() == []


def test_a_line_that_is_no_event_is_named(log: Audit) -> None:
    with log.path.open("ab") as file:
        file.write(json.dumps([1]).encode() + b"\n")
    assert "line 4 is no event" in log.verify()[0]
    with pytest.raises(DamagedError, match="line 4 is no event of an audit log"):
        log.note("began")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"no hash"])
def test_a_damaged_hash_of_the_last_line_is_a_fault_of_its_own(
    tmp_path: Path, content: bytes
) -> None:
    log = Audit(tmp_path / "audit.jsonl", tmp_path / "hidden" / "last")
    log.note("began")
    assert log.broken() == []
    (tmp_path / "hidden" / "last").write_bytes(content)
    (fault,) = log.broken()
    assert fault == f"{tmp_path}/hidden/last was changed: it has the hash of the last line no more"
    aside = log.renew([fault], [])
    assert aside == tmp_path / "audit-damaged-1.jsonl"
    assert log.broken() == []
