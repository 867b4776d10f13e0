import os
import sys
import time
from pathlib import Path

import pytest

from cli.engine.dcos.runner import Dcos
from cli.errors import ClientMissing, ClientTimeout, EngineError, Interrupted, NotLoggedIn, Unreachable


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
    with pytest.raises(EngineError) as caught:
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
        client = dcos(f"import sys; print({said!r}, file=sys.{stream}); sys.exit(1)", tmp_path, attempts=1)
        with pytest.raises(EngineError) as caught:
            client.run(["marathon", "app", "list"])
        assert hint in (caught.value.hint or "")


def test_a_hang_is_ended_and_named(tmp_path):
    client = dcos("import time; time.sleep(600)", tmp_path, timeout=0.5, attempts=1)
    with pytest.raises(ClientTimeout, match=r"dcos node list.*0\.5 s") as caught:
        client.run(["node", "list"])
    assert caught.value.exit_code == 3


def test_a_missing_executable_is_named(tmp_path):
    with pytest.raises(ClientMissing, match="no-such-dcos") as caught:
        Dcos(("no-such-dcos",), os.environ).run(["--version"])
    assert "--dcos" in (caught.value.hint or "")


def test_an_answer_that_is_not_json_is_refused(tmp_path):
    with pytest.raises(EngineError, match="not JSON"):
        dcos("print('<html>')", tmp_path).json(["marathon", "app", "list", "--json"])


def test_verbose_shows_each_command(tmp_path):
    shown: list[str] = []
    dcos("print('{}')", tmp_path, echo=shown.append).json(["package", "list", "--json"])
    assert shown == ["$ dcos package list --json"]


def test_secrets_in_the_environment_are_not_shown(tmp_path):
    assert "hunter2" not in repr(Dcos(("dcos",), {"DCOS_ACS_TOKEN": "hunter2"}))


COUNTING = """
import sys, pathlib
count = pathlib.Path(__file__).with_name("count")
n = int(count.read_text()) + 1 if count.exists() else 1
count.write_text(str(n))
if n >= {good_from}: print("good"); sys.exit(0)
print({said!r}, file=sys.stderr); sys.exit(1)
"""
REFUSED_CONNECTION = "URL [http://x] is unreachable."


def tries(tmp_path: Path) -> int:
    return int((tmp_path / "count").read_text())


def test_a_read_is_tried_again_after_growing_pauses_until_it_succeeds(tmp_path):
    said: list[str] = []
    client = dcos(
        COUNTING.format(good_from=4, said=REFUSED_CONNECTION), tmp_path, pause=0.01, echo=said.append
    )
    assert client.run(["x"]) == "good\n"
    assert tries(tmp_path) == 4
    pauses = [line.split(" s:")[0] for line in said if line.startswith("retrying")]
    assert pauses == ["retrying in 0.01", "retrying in 0.02", "retrying in 0.04"]


def test_tries_have_a_limit(tmp_path):
    client = dcos(COUNTING.format(good_from=9, said="HTTP 503"), tmp_path, pause=0.01, attempts=3)
    with pytest.raises(Unreachable):
        client.run(["x"])
    assert tries(tmp_path) == 3


def test_what_needs_the_user_is_not_tried_again(tmp_path):
    client = dcos(COUNTING.format(good_from=2, said="HTTP 401"), tmp_path, pause=0.01)
    with pytest.raises(NotLoggedIn):
        client.run(["x"])
    assert tries(tmp_path) == 1


@pytest.mark.parametrize(("verify_applied", "expected"), [(True, 1), (False, 3)])
def test_a_change_is_looked_for_before_it_is_repeated(tmp_path, verify_applied, expected):
    client = dcos(COUNTING.format(good_from=3, said=REFUSED_CONNECTION), tmp_path, pause=0.01)
    client.change(["x"], verify_applied=lambda: verify_applied)
    assert tries(tmp_path) == expected


def test_a_hang_of_a_change_is_looked_for_too(tmp_path):
    client = dcos("import time; time.sleep(600)", tmp_path, timeout=0.3, pause=0.01)
    client.change(["x"], verify_applied=lambda: True)


def test_what_a_client_started_ends_with_it(tmp_path):
    child = "import os, subprocess, sys, time\n"
    child += (
        "p = subprocess.Popen(['sleep', '600']); open(sys.argv[1], 'w').write(str(p.pid)); time.sleep(600)"
    )
    file = tmp_path / "pid"
    with pytest.raises(ClientTimeout):
        dcos(child, tmp_path, timeout=1.5, attempts=1).run([str(file)])
    with pytest.raises(ProcessLookupError):
        for _ in range(100):
            os.kill(int(file.read_text()), 0)
            time.sleep(0.02)


def test_a_stop_ends_pauses_and_commands(tmp_path):
    client = dcos(COUNTING.format(good_from=9, said="HTTP 503"), tmp_path, pause=600)
    client.stop.set()
    with pytest.raises(Interrupted):
        client.run(["x"])


def test_a_client_that_follows_for_ever_is_ended_when_the_task_has_ended(tmp_path, monkeypatch):
    monkeypatch.setattr("cli.engine.dcos.runner.STREAM_SECONDS", 0.2)
    client = dcos("import time; time.sleep(600)", tmp_path)
    answers = iter([False, True])
    began = time.monotonic()
    client.stream(["task", "log", "--follow", "t"], ended=lambda: next(answers))
    assert next(answers, None) is None
    assert time.monotonic() - began < 30


def test_a_client_that_ignores_the_request_to_end_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr("cli.engine.dcos.runner.STREAM_SECONDS", 0.2)
    monkeypatch.setattr("cli.engine.dcos.runner.LAST_SECONDS", 0.2)
    deaf = (
        "import signal, sys, time; signal.signal(15, signal.SIG_IGN); open(sys.argv[1], 'w'); time.sleep(600)"
    )
    file = tmp_path / "deaf"
    began = time.monotonic()
    dcos(deaf, tmp_path).stream([str(file)], ended=file.exists)
    assert time.monotonic() - began < 60


def test_a_stream_that_fails_is_an_error(tmp_path):
    with pytest.raises(EngineError):
        dcos("import sys; sys.exit(3)", tmp_path).stream([], ended=lambda: False)
