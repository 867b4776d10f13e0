"""The local cluster's folder may contain files of others."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cli import local
from cli.errors import PipectlError
from cli.home import enter


@pytest.mark.parametrize("name", ["flink", "dcos"])
def test_folders_of_others_are_neither_used_nor_purged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("PIPECTL_HOME", str(tmp_path))
    kept = tmp_path / name / "thesis"
    kept.parent.mkdir()
    kept.write_text("years of work")
    with pytest.raises(
        PipectlError, match=rf"{name} holds files that do not belong to a local cluster"
    ) as refused:
        local.start()
    assert refused.value.hint == "move them, or set PIPECTL_HOME to an empty folder"
    local.purge()
    assert kept.read_text() == "years of work"
    assert not local.settings_file().exists() and not local.running()


def test_a_purge_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("PIPECTL_HOME", str(home))
    (home / "flink" / "checkpoints").mkdir(parents=True)
    local.settings_file().touch()
    local.purge()
    assert not home.exists()
    local.purge()


def test_a_purge_of_a_further_cluster_leaves_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = tmp_path / "home"
    monkeypatch.setenv("PIPECTL_HOME", str(base))
    enter("local-b")
    (base / "clusters" / "local-b").mkdir(parents=True)
    (base / "clusters" / "local-c").mkdir()
    local.purge()
    assert [*(base / "clusters").iterdir()] == [base / "clusters" / "local-c"]
    (base / "clusters" / "local-c").rmdir()
    local.purge()
    assert not base.exists()


def test_a_cluster_takes_no_port_of_one_that_does_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIPECTL_HOME", str(tmp_path))
    monkeypatch.setattr(local, "running", lambda: True)

    def ports() -> set[int]:
        return {int(port) for port in re.findall(r'port": (\d+)', local.settings_file().read_text())}

    local.start()
    first = ports()
    enter("local-b")
    local.start()
    assert len(first) == len(ports()) == len(local.PREFERRED_PORTS) and not first & ports()


def test_the_secrets_are_made_once_for_its_owner_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIPECTL_HOME", str(tmp_path))
    monkeypatch.setattr(local, "running", lambda: True)
    local.start()
    file = local.flink_token_file()
    token = file.read_text()
    assert re.fullmatch("[0-9a-f]{64}\n", token)
    assert [each.stat().st_mode & 0o777 for each in (file.parent, file)] == [0o700, 0o600]
    others = {local.spark_secret_file(), local.webhook_secret_file(), local.hdfs_header_file()}
    assert {*file.parent.iterdir()} == {file, *others}
    local.start()
    assert file.read_text() == token


def test_a_secret_that_cannot_be_written_names_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIPECTL_HOME", str(tmp_path))
    monkeypatch.setattr(local, "running", lambda: True)
    (tmp_path / "cluster").mkdir()
    (tmp_path / "cluster" / "secrets").touch()
    with pytest.raises(PipectlError, match=r"cannot write the secret .*/secrets/flink-token: "):
        local.start()
