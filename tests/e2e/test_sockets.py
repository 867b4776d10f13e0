"""What listens on the machine while a bundle runs."""

import psutil
import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(420)]


def listening(process):
    try:
        found = process.net_connections("tcp")
    except psutil.Error:
        return set()  # it has just ended
    return {each.laddr.ip.removeprefix("::ffff:") for each in found if each.status == psutil.CONN_LISTEN}


def test_every_process_listens_on_loopback_only(pipectl, bundle):
    processes = pipectl.processes()
    (taskmanager,) = (p for p in processes if "TaskManagerRunner" in " ".join(p.cmdline()))
    ports = [each for each in taskmanager.net_connections("tcp") if each.status == psutil.CONN_LISTEN]
    assert len(ports) >= 8  # its own two, and those for Python's workers
    by_process = {" ".join(p.cmdline())[:200]: listening(p) for p in processes}
    assert sum(map(bool, by_process.values())) >= 6
    elsewhere = {name: found for name, found in by_process.items() if not found <= {"127.0.0.1", "::1"}}
    assert elsewhere == {}


def test_flinks_token_is_on_no_command_line_and_only_its_owner_reads_it(pipectl, bundle):
    file = pipectl.home / "cluster" / "secrets" / "flink-token"
    token = file.read_text().strip()
    assert (len(token), file.stat().st_mode & 0o777) == (64, 0o600)
    for process in pipectl.processes():
        try:
            assert token not in " ".join(process.cmdline())
        except psutil.Error:
            continue  # it has just ended
    logs = [file for file in (pipectl.home / "cluster" / "sandboxes").rglob("std*") if file.is_file()]
    assert logs
    assert not [file for file in logs if token.encode() in file.read_bytes()]
