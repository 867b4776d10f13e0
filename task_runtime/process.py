"""The start of an app's process: its log, and the event that ends it."""

from __future__ import annotations

import logging
import signal
import sys
import threading


def log_to_stderr(app: str) -> None:
    """Log to stderr, each line with its time and the name of the app."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format=f"%(asctime)s {app}: %(message)s")


def stop_event() -> threading.Event:
    """An event that SIGTERM and SIGINT set from now on."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
