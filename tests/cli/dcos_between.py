"""A `dcos` for tests: the built-in client, behind faults, and with a catalogue and a Kafka that cost no JVM.

Run as a process with the folder of its state as the first argument. Each call is a line in `calls`.
`fault.json` there says what goes wrong: `at` (the number of the call, or words of it), `until` (the last call
that fails), `say` (printed, exit code 1), `after` (the command is carried out first), `hang`, `kill` (of the
process that asked). `service.json` holds the installed package and the topics; only these commands are made
up, everything of Marathon is the real thing.
"""

import contextlib
import fcntl
import io
import json
import os
import signal
import sys
import time
from pathlib import Path

FOLDER, ROOT, ARGS = Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
sys.path.insert(0, ROOT)

from tests.cli.made_up_kafka import MadeUpKafka  # noqa: E402


def fault_of_this_call():
    """Record the call; return the fault that is planned for it, if any."""
    with (FOLDER / "calls").open("a+") as calls:
        fcntl.flock(calls, fcntl.LOCK_EX)
        calls.seek(0)
        before = calls.read().splitlines()
        calls.write(" ".join(ARGS) + "\n")
    plan = FOLDER / "fault.json"
    if not plan.exists():
        return None
    fault = json.loads(plan.read_text())
    if isinstance(fault["at"], str):
        first = not any(fault["at"] in call for call in before)
        return fault if first and fault["at"] in " ".join(ARGS) else None
    return fault if fault["at"] <= len(before) + 1 <= fault.get("until", fault["at"]) else None


def service() -> int:
    file = FOLDER / "service.json"
    words = [word for word in ARGS if not word.startswith("-")]
    options = dict(word[2:].split("=", 1) for word in ARGS if word.startswith("--") and "=" in word)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kafka = MadeUpKafka(json.loads(file.read_text()) if file.exists() else None)
        code, said = kafka.answer(words, options)
        file.write_text(json.dumps(kafka.state))
    sys.stdout.write((said if isinstance(said, str) else json.dumps(said)) + "\n")
    return code


def carry_out() -> int:
    if ARGS[0] in ("package", "kafka"):
        return service()
    from local_dcos.client.__main__ import main

    return main(ARGS)


def with_fault(fault) -> int:
    if fault.get("after"):
        with contextlib.redirect_stdout(io.StringIO()):
            carry_out()
    if fault.get("kill"):
        os.kill(os.getppid(), signal.SIGKILL)
        return 1
    if fault.get("hang"):
        time.sleep(600)
    (sys.stdout if ARGS[0] == "kafka" else sys.stderr).write(fault["say"] + "\n")
    return 1


fault = fault_of_this_call()
sys.exit(with_fault(fault) if fault else carry_out())
