"""The tables of a cross-match on their way to a catalogue: spilled patch by patch, then built.

Rows of a patch come along the sky, and those of its pairs and members belong to groups of the same
patch: so all three tables are laid in order while they are made, and memory holds a few patches.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skyquarry.catalog.formats.table import PROVENANCE
from skyquarry.catalog.roles import Roles, Survey
from skyquarry.engine.scratch import scratch
from skyquarry.ingest.buildplan import MAX_ROWS
from skyquarry.ingest.description import Given, describe_input
from skyquarry.ingest.firstpass import row_bytes_of
from skyquarry.ingest.spilled import ChildRows, ParentRows, Spilled
from skyquarry.match.results.tables import public
from skyquarry.pipeline.build import build
from skyquarry.pipeline.written import keep_learnt

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from skyquarry.catalog.files import Folder
    from skyquarry.engine.catalog import Catalog
    from skyquarry.match.matchresult import MatchResult

_CHILDREN = {"pairs": "home_group", "members": "group_id"}
"""The other tables, and the column that names the group that a row is stored beside."""
TILE_BYTES = 128 << 20
"""The pairs of a tile take about so much memory at most, and so do the members."""
_GROUP_ROLES = {
    "id": "group_id",
    "ra": "ra",
    "dec": "dec",
    "position_error": {
        "model": "covariance",
        "columns": ["ra_error", "dec_error", "ra_dec_corr"],
        "unit": "arcsec",
    },
    "epoch": {"column": "epoch"},
    "motion": {
        "pmra": "pmra",
        "pmdec": "pmdec",
        "pmra_error": "pmra_error",
        "pmdec_error": "pmdec_error",
    },
}


def written(
    result: MatchResult,
    home: Folder,
    *,
    wide: bool = False,
    updatable: bool = False,
    overwrite: bool = False,
    **options: Any,
) -> Catalog:
    """Groups at `home`, pairs and members in the same tiles, and what is kept beside them."""
    roles = Roles.from_mapping(_GROUP_ROLES, "the groups of a cross-match")
    survey = Survey(name="crossmatch", title=" x ".join(result.asked.names), roles=roles)
    more: dict[str, Any] = {"progress": False, "overwrite": overwrite, **options}
    home.parent.make()
    beside = home.parent.root if home.local else None
    with _spilled(result, beside, survey, wide=wide) as tables:
        more = {"max_rows": _rows_a_tile(tables), **more}
        told = {PROVENANCE: json.dumps(result.provenance, sort_keys=True)}
        made = build(tables["groups"], home.root, survey=survey, properties=told, **more)
        tables["groups"].remove()
        for kind, key in _CHILDREN.items():
            child = home.parent.path(f"{home.name}_{kind}")
            build(tables[kind], child, parent=made, on=key, **more)
            tables[kind].remove()
    home.write_atomic("report.json", (json.dumps(result.report, indent=1) + "\n").encode())
    keep_learnt(result, home, updatable=updatable)
    return replace(made)


def _rows_a_tile(tables: dict[str, Spilled]) -> int:
    """Groups of a tile, at most: so many that their pairs and members fit into memory too.

    By the number of rows and the types of columns alone: not by how the rows came.
    """
    groups = tables["groups"].tally.stored
    most = max(tables[kind].tally.stored * row_bytes_of(tables[kind].stored) for kind in _CHILDREN)
    return max(1, min(MAX_ROWS, TILE_BYTES * groups // max(most, 1)))


@contextmanager
def _spilled(
    result: MatchResult, folder: str | None, survey: Survey, *, wide: bool
) -> Iterator[dict[str, Spilled]]:
    """Groups, pairs and members in a folder of their own, which is gone at the end.

    In another one, or where temporary files are kept.
    """
    with scratch("crossmatch", folder) as name:
        spilling: _Spilling | None = None
        for groups, pairs, members in result.pieces(wide=wide):
            if spilling is None:
                schemas = {"pairs": public(pairs).schema, "members": public(members).schema}
                spilling = _Spilling(Path(name), groups.schema, schemas, survey)
            spilling.add(groups, {"pairs": pairs, "members": members})
        assert spilling is not None  # there is one piece at least
        yield spilling.tables


class _Spilling:
    """Three tables being spilled together."""

    def __init__(
        self, folder: Path, groups: pa.Schema, children: dict[str, pa.Schema], survey: Survey
    ) -> None:
        self._groups = ParentRows(folder, "groups", describe_input(groups, Given(survey=survey)))
        self._children = {
            kind: ChildRows(folder, kind, _CHILDREN[kind], schema, self._groups)
            for kind, schema in children.items()
        }

    def add(self, groups: pa.Table, children: dict[str, pa.Table]) -> None:
        """The tables of one piece."""
        beside = self._groups.add(groups)
        for kind, table in children.items():
            self._children[kind].add(public(table), beside)

    @property
    def tables(self) -> dict[str, Spilled]:
        """What was spilled."""
        children = {kind: each.spilled for kind, each in self._children.items()}
        return {"groups": self._groups.spilled, **children}
