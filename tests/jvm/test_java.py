"""Which Java is taken."""

from __future__ import annotations

import pytest

from jvm.errors import JavaError
from jvm.java import java_home


def test_the_java_on_path_is_never_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(JavaError, match="JAVA_HOME"):
        java_home({"PATH": "/usr/bin"})
    with pytest.raises(JavaError, match="no bin/java"):
        java_home({"JAVA_HOME": "/nowhere"})
