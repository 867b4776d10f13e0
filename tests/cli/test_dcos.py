import os
import sys
from pathlib import Path

import pytest

from cli.dcos import Dcos
from cli.errors import DcosError, DcosMissing, DcosTimeout


def dcos(script: str, tmp_path: Path, **kwargs) -> Dcos:
    """A `dcos` that is this Python script."""
    file = tmp_path / "dcos.py"
    file.write_text(script)
    return Dcos((sys.executable, str(file)), os.environ, **kwargs)


def test_arguments_and_stdin_arrive_as_given_and_no_shell_sees_them(tmp_path):
    run = dcos("import sys; print(sys.argv[1:], sys.stdin.read())", tmp_path).run
    assert run(["a b", "$(reboot)", "*"], stdin="{}") == "['a b', '$(reboot)', '*'] {}\n"


def test_without_stdin_the_command_does_not_wait_for_the_terminal(tmp_path):
    assert dcos("import sys; print(repr(sys.stdin.read()))", tmp_path).run([]) == "''\n"


def test_an_error_carries_command_exit_code_and_both_outputs(tmp_path):
    client = dcos(
        "import sys; print('on stdout'); print('on stderr', file=sys.stderr); sys.exit(7)", tmp_path
    )
    with pytest.raises(DcosError) as caught:
        client.run(["kafka", "topic", "list"])
    error = caught.value
    assert (error.returncode, error.stdout, error.stderr) == (7, "on stdout\n", "on stderr\n")
    assert "`dcos kafka topic list` ended with exit code 7" in error.message
    assert error.exit_code == 1


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("HTTP 401 Unauthorized", "dcos auth login"),
        ("URL [http://x] is unreachable: Connection refused", "core.dcos_url"),
        ("You are not attached to a cluster", "dcos cluster setup"),
    ],
)
def test_known_causes_have_a_next_step_wherever_they_are_printed(tmp_path, said, hint):
    for stream in ("stdout", "stderr"):
        client = dcos(f"import sys; print({said!r}, file=sys.{stream}); sys.exit(1)", tmp_path)
        with pytest.raises(DcosError) as caught:
            client.run(["marathon", "app", "list"])
        assert hint in (caught.value.hint or "")


def test_a_hang_is_ended_and_named(tmp_path):
    client = dcos("import time; time.sleep(600)", tmp_path, timeout=0.5)
    with pytest.raises(DcosTimeout, match=r"dcos node list.*0\.5 s") as caught:
        client.run(["node", "list"])
    assert caught.value.exit_code == 3


def test_a_missing_executable_is_named(tmp_path):
    with pytest.raises(DcosMissing, match="no-such-dcos") as caught:
        Dcos(("no-such-dcos",), os.environ).run(["--version"])
    assert "--dcos" in (caught.value.hint or "")


def test_an_answer_that_is_not_json_is_refused(tmp_path):
    with pytest.raises(DcosError, match="not JSON"):
        dcos("print('<html>')", tmp_path).json(["marathon", "app", "list", "--json"])


def test_verbose_shows_each_command(tmp_path):
    shown: list[str] = []
    dcos("print('{}')", tmp_path, echo=shown.append).json(["package", "list", "--json"])
    assert shown == ["dcos package list --json"]


def test_secrets_in_the_environment_are_not_shown(tmp_path):
    assert "hunter2" not in repr(Dcos(("dcos",), {"DCOS_ACS_TOKEN": "hunter2"}))
