"""The start of an app's process."""

import os
import signal
import subprocess
import sys

import pytest

PROGRAM = """
import logging
from task_runtime.process import log_to_stderr, stop_event
log_to_stderr("an_app")
stop = stop_event()
logging.getLogger("x").info("ready")
print("stopped", stop.wait(20))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_sets_the_event(number):
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as app:
        assert app.stderr is not None and app.stdout is not None
        assert app.stderr.readline().endswith(" an_app: ready\n")
        os.kill(app.pid, number)
        assert app.stdout.read() == "stopped True\n"
