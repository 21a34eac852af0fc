"""A stand-in for S3 on this machine, for tests that need an object store."""

from __future__ import annotations

import os
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING
from unittest import mock

from skyquarry.catalog import remote

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def bucket() -> Iterator[str]:
    """The URL of an empty bucket on a moto server of loopback, as long as the context lasts.

    Servers of one process share what they hold, so each bucket has a name of its own. Needs the
    packages moto[server] and s3fs.
    """
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    told = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    name = f"sky-{uuid.uuid4().hex}"
    with mock.patch.dict(os.environ, told):
        remote.SYSTEMS.clear()
        remote.file_system("s3").mkdir(name)
        try:
            yield f"s3://{name}"
        finally:
            remote.SYSTEMS.clear()
            server.stop()
