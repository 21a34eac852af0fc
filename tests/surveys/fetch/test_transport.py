"""A wire that was closed."""

import pytest

from skyquarry.surveys.fetch.patience import Patience, Stops, Transient
from skyquarry.surveys.fetch.transport import Wire
from skyquarry.testing.tapserver import TapServer

pytest.importorskip("pyvo")


def test_what_is_asked_after_the_end_opens_no_connection(tmp_path):
    import pyarrow as pa

    with TapServer(pa.table({"ra": [1.0], "dec": [2.0]}), "stars") as server:
        wire = Wire.to(server.url, Patience(), Stops())
        wire.sync("SELECT ra FROM stars", 10, tmp_path / "one")
        asked = sum(server.requests.values())
        wire.close()
        with pytest.raises(Transient, match="has ended"):
            wire.sync("SELECT ra FROM stars", 10, tmp_path / "two")
        assert sum(server.requests.values()) == asked > 0
