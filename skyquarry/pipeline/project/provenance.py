"""Where everything came from, as W3C PROV: the only importer of prov.

Entities are files, catalogues and models, known by their checksums; activities are the runs of
stages, with settings and seeds; the agent is skyquarry in its version and, where it ran of a
checkout of git, at its commit.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from skyquarry.catalog.files import Folder
from skyquarry.errors import missing_extra

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from skyquarry.pipeline.project.records import Record

NAMESPACE = "https://skyquarry.readthedocs.io/prov#"


def provenance(records: Iterable[Record]) -> dict[str, Any]:
    """A PROV-JSON document of the stages (W3C member submission, 2013), each with what it read.

    Raises MissingExtraError without prov.
    """
    try:
        from prov.model import ProvDocument
    except ImportError:
        raise missing_extra("prov", "project", "the provenance of a project") from None

    document = ProvDocument()
    document.add_namespace("sq", NAMESPACE)
    for record in records:
        _stage(document, record)
    told: dict[str, Any] = json.loads(document.serialize(format="json") or "{}")
    return told


def write_provenance(records: Iterable[Record], path: Path) -> None:
    """`provenance` in a file, which appears whole."""
    content = json.dumps(provenance(records), indent=1, sort_keys=True)
    Folder.at(path.parent).write_atomic(path.name, content.encode())


def run_name(record: Record) -> str:
    """The name of a stage's run in the document."""
    return _id("run", record.fingerprint)


def _stage(document: Any, record: Record) -> None:
    run = document.activity(
        run_name(record),
        datetime.fromisoformat(record.began),
        datetime.fromisoformat(record.ended),
        {
            "prov:label": record.stage,
            "sq:settings": json.dumps(record.settings, sort_keys=True, default=str),
            "sq:seed": record.seed,
            "sq:audit": record.audit,
        },
    )
    document.wasAssociatedWith(run, _agent(document, record))
    made = _entity(document, record.output, record.checksum)
    document.wasGeneratedBy(made, run)
    for path, checksum in record.inputs.items():
        read = _entity(document, path, checksum)
        document.used(run, read)
        document.wasDerivedFrom(made, read, run)


def _agent(document: Any, record: Record) -> Any:
    """Skyquarry as one code, declared once."""
    code = record.code
    name = _id("skyquarry", f"{record.version}-{code.get('source', '')[:16]}".rstrip("-"))
    known = document.get_record(name)
    if known:
        return known[0]
    told = {"sq:commit": code.get("commit"), "sq:clean": code.get("clean"),
            "sq:sourceSha256": code.get("source")}  # fmt: skip
    return document.agent(
        name,
        {"prov:type": "prov:SoftwareAgent", "sq:version": record.version}
        | {key: value for key, value in told.items() if value is not None},
    )


def _entity(document: Any, path: str, checksum: str) -> Any:
    """One state of a file or catalogue: the same bytes at the same path are the same entity."""
    name = _id("data", f"{checksum[:16]}-{path}")
    known = document.get_record(name)
    if known:
        return known[0]
    return document.entity(name, {"prov:location": path, "sq:sha256": checksum})


def _id(kind: str, text: str) -> str:
    plain = "".join(each if each.isalnum() or each in "-." else "_" for each in text)
    return f"sq:{kind}-{plain}"
