"""Malformed records among many good ones: each is one dead letter, and no window misses a tick.

bench/malformed.py has a million ticks.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from tests.gatherer.malformed import Malformed

pytestmark = pytest.mark.slow


def test_each_is_a_dead_letter_and_every_window_is_exact(running: Any, start: datetime) -> None:
    Malformed(running, ["BROKEN", "SPOILT"], start, ticks=40_000, bad=800).check(120)
