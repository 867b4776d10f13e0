"""pipectl and the local cluster resolve the same folder, though neither imports the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from local_dcos.home import Home, default_home
from marathon.home import pipectl_home


@pytest.mark.parametrize("home", [None, "", "~/pipectl", "beside", "../beside", "/srv/./pipectl", "link"])
def test_the_cluster_is_in_the_folder_of_pipectl(
    home: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    if home is None:
        monkeypatch.delenv("PIPECTL_HOME", raising=False)
    else:
        monkeypatch.setenv("PIPECTL_HOME", home)
    assert pipectl_home().is_absolute()
    assert Home(default_home()).path == (pipectl_home() / "cluster").resolve()
