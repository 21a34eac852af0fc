"""Work that Ctrl-C stops, also where the database did not hear it the first time."""

import signal
import threading
import time

import pytest

from skyquarry.cli.shell.running import stoppable
from skyquarry.errors import CancelledError


class Deaf:
    """A database that is between two works when it is first told to stop."""

    def __init__(self):
        self.told = 0

    def interrupt(self):
        self.told += 1


@pytest.mark.usefixtures("ctrl_c")
def test_what_did_not_hear_ctrl_c_is_told_again():
    deaf = Deaf()

    def work(stop):
        with stop.heard_by(deaf):
            until = time.monotonic() + 20.0
            while deaf.told < 3 and time.monotonic() < until:
                time.sleep(0.01)
            raise CancelledError("stopped")

    clock = threading.Timer(0.2, signal.raise_signal, (signal.SIGINT,))
    clock.start()
    with pytest.raises(KeyboardInterrupt):
        stoppable(work)
    assert deaf.told >= 3
