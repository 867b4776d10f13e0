"""The token of Flink comes from the environment or a file, and only a well-formed one counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from flink_scripts.__main__ import main
from flink_scripts.token import flink_token
from task_runtime.errors import SettingsError

TOKEN = "0123456789abcdef" * 4


def in_file(path: Path, content: bytes, mode: int = 0o600) -> dict[str, str]:
    path.write_bytes(content)
    path.chmod(mode)
    return {"FLINK_TOKEN_FILE": str(path)}


def test_it_is_in_the_environment_or_in_a_file(tmp_path: Path) -> None:
    assert flink_token({"FLINK_TOKEN": TOKEN}) == TOKEN
    assert flink_token({"FLINK_TOKEN": f"{TOKEN}\n"}) == TOKEN
    file = in_file(tmp_path / "token", TOKEN.encode() + b"\n")
    assert flink_token(file) == TOKEN
    assert flink_token({**file, "FLINK_TOKEN": "x" * 32}) == "x" * 32


@pytest.mark.parametrize("value", ["short", "x" * 31, "x" * 257, "x y" * 20, "é" * 40, f"{TOKEN}\n{TOKEN}"])
def test_a_malformed_token_is_refused_and_not_shown(tmp_path: Path, value: str) -> None:
    for place in ({"FLINK_TOKEN": value}, in_file(tmp_path / "token", value.encode())):
        with pytest.raises(SettingsError, match="does not hold a token: 32 to 256 letters") as refused:
            flink_token(place)
        assert value not in str(refused.value)


def test_a_file_without_a_token_is_named(tmp_path: Path) -> None:
    path = tmp_path / "token"
    for content in (b"", b"\xff" * 40):
        with pytest.raises(SettingsError, match=str(path)):
            flink_token(in_file(path, content))
    for mode, who in ((0o644, "every user"), (0o640, "the group")):
        with pytest.raises(SettingsError, match=f"{who} may read {path}.*chmod 600 {path}"):
            flink_token(in_file(path, TOKEN.encode(), mode))
    path.unlink()
    with pytest.raises(SettingsError, match=f"FLINK_TOKEN_FILE={path} cannot be read: .*No such file"):
        flink_token({"FLINK_TOKEN_FILE": str(path)})


def test_without_a_token_no_jobmanager_starts(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environ = {
        "FLINK_JOBMANAGER_RPC": "127.0.0.1:1",
        "FLINK_JOBMANAGER_REST": "127.0.0.1:2",
        "FLINK_STATE": f"file://{tmp_path}",
        "MESOS_SANDBOX": str(tmp_path),
        "FLINK_TOKEN": "",
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert main(["jobmanager"]) == 2
    assert "neither FLINK_TOKEN nor FLINK_TOKEN_FILE is set; Flink needs a token" in capsys.readouterr().err
