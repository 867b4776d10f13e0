"""A file with a secret belongs to one user, or to another user who lets a group read it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kafka_topic.secret_file import open_to

NOBODY = 65534


@pytest.mark.parametrize(
    ("mode", "own", "others"),
    [(0o600, None, None), (0o640, "the group", None), (0o604, "every user", "every user")],
)
def test_who_else_may_read_it(tmp_path: Path, mode: int, own: str | None, others: str | None) -> None:
    file = tmp_path / "secret"
    file.touch()
    file.chmod(mode)
    assert open_to(file) == own
    if os.geteuid() == 0:
        os.chown(file, NOBODY, NOBODY)
        assert open_to(file) == others
