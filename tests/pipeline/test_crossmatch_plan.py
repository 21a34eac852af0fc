"""What a cross-match cannot do it says when it is planned, before anything is read."""

from __future__ import annotations

import pyarrow as pa
import pytest

import skyquarry as sq
from skyquarry.errors import UserError

ROLES = {"id": "id", "ra": "ra", "dec": "dec"}
STARS = pa.table({"id": [1, 2], "ra": [10.0, 11.0], "dec": [0.0, 0.5]})
OTHERS = pa.table({"id": [7, 8], "ra": [10.0, 11.0], "dec": [0.0, 0.5]})


def test_missing_errors_are_asked_for_by_the_name_the_catalogue_is_called():
    with pytest.raises(UserError, match=r"are known of b, .* default_error_arcsec=\{'b': 0\.3\}"):
        sq.crossmatch(
            (STARS, ROLES), (OTHERS, ROLES), names=["a", "b"], default_error_arcsec={"a": 0.1}
        )


def test_stated_errors_are_told_as_assumed_and_once():
    plan = sq.crossmatch((STARS, ROLES), (OTHERS, ROLES), default_error_arcsec=0.1)
    doubts = plan.run("inline").report["doubts"]
    assumed = [each for each in doubts if "no errors of its own: 0.1 arcsec per axis" in each]
    assert len(assumed) == 2
    assert not any("no column of errors" in each or "default error" in each for each in doubts)
