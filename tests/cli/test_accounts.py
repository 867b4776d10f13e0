"""Accounts, with a stand-in for `dcos security` and the API behind it, which need a licence."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from cli.accounts.apply import apply
from cli.accounts.linux import linux_script
from cli.accounts.plan import AccountsPlan, plan_of
from cli.accounts.wanted import wanted
from cli.engine.accounts import Right
from cli.engine.dcos.engine import DcosEngine
from cli.engine.dcos.runner import Dcos
from cli.engine.memory import MemoryEngine
from cli.engine.protocol import Engine
from cli.errors import NoAccounts, PipectlError, StepFailed, UsageProblem
from cli.progress import Progress
from tests.cli.invoking import invoke
from tests.disks import may_mount_apart
from tests.settings import load_settings

# Keeps its state in a file, as the API does. `fail` names a word of the command that fails from now on.
STAND_IN = """\
import json, os, sys
file = os.environ["STAND_IN"]
state = json.load(open(file))
argv = sys.argv[1:]
state["calls"].append(argv)
def end(code, text=""):
    json.dump(state, open(file, "w"))
    print(text, file=sys.stderr if code else sys.stdout)
    sys.exit(code)
if state.get("fail") in argv:
    end(1, state["said"])
match argv:
    case ["config", "show", "core.dcos_url"]:
        end(0, os.environ["STAND_IN_URL"])
    case ["config", "show", "core.dcos_acs_token"]:
        end(0, "hush-token")
    case ["config", "show", _]:
        end(1, "not set")
    case ["security", "org", kind, "show", "--json"]:
        end(0, json.dumps({name: {"description": name} for name in state[kind]}))
    case ["security", "org", "groups", "create", "-d", _, name] if name not in state["groups"]:
        state["groups"][name] = []
    case ["security", "org", "groups", "add_user", group, user] if user in state["users"]:
        state["groups"][group].append(user)
    case ["security", "org", "users" | "groups" as kind, "grant", name, resource, action]:
        if name not in {**state["groups"], **state["users"], **state["service-accounts"]}:
            end(1, "Error: no such principal")
        given = state["rights"].setdefault(f"{kind}/{name}", [])
        if [resource, action] in given:
            end(1, "Error: already exists")
        given.append([resource, action])
    case ["security", "org", "service-accounts", "create", "-p", public, "-d", _, name]:
        state["service-accounts"][name] = open(public).read()
    case ["security", "secrets", "list", folder]:
        found = [path.rpartition("/")[2] for path in state["secrets"] if path.rpartition("/")[0] == folder]
        end(0, json.dumps(found)) if found else end(1, "Error: No such path")
    case ["security", "secrets", "create-sa-secret", private, account, path]:
        state["secrets"][path] = [open(private).read(), account, oct(os.stat(private).st_mode & 0o777)]
    case _:
        end(1, "unexpected: " + " ".join(argv))
end(0)
"""
# It contacts nothing to tell them.
RIGHTS = DcosEngine(Dcos(("dcos",), {})).accounts
SMALL = (
    "areas={dev: null, test: null}",
    "accounts={services: [kafka], areas: [prod], change: [], users: {alice: [prod], bob: [prod]}}",
)


class StandIn:
    def __init__(self, folder: Path) -> None:
        self.file, self.keys = folder / "state.json", folder / "keys"
        nothing: dict[str, Any] = {kind: {} for kind in ("users", "groups", "service-accounts", "secrets")}
        self.file.write_text(json.dumps({**nothing, "rights": {}, "calls": [], "requests": []}))
        self.script = folder / "dcos"
        # Without site-packages it starts in a tenth of the time.
        self.script.write_text(f"#!{sys.executable} -SE\n{STAND_IN}")
        self.script.chmod(0o755)
        self.url = ""
        self.echoed: list[str] = []

    def read(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.file.read_text())
        return found

    def write(self, **values: Any) -> None:
        self.file.write_text(json.dumps({**self.read(), **values}))

    def engine(self) -> DcosEngine:
        environ = {**os.environ, "STAND_IN": str(self.file), "STAND_IN_URL": self.url}
        return DcosEngine(Dcos((str(self.script),), environ, echo=self.echoed.append, pause=0.02, attempts=2))


class Iam(BaseHTTPRequestHandler):
    """DC/OS' IAM with the state of the stand-in."""

    stand_in: StandIn

    def do_GET(self) -> None:
        kind, name, what = self.path.removeprefix("/acs/api/v1/").split("/")
        state = self.stand_in.read()
        if what == "users":
            users = [{"membershipurl": "", "user": {"uid": uid}} for uid in state["groups"][name]]
            self._answer(200, {"array": users})
            return
        given = state["rights"].get(f"{kind}/{name}", [])
        rights = [{"rid": rid.replace("/", "%2F"), "actions": [{"name": action}]} for rid, action in given]
        self._answer(200, {"array": rights} if kind == "groups" else {"direct": rights, "groups": []})

    def do_PUT(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        state = self.stand_in.read()
        users = {**state["users"], self.path.rpartition("/")[2]: body["password"]}
        self.stand_in.write(users=users, requests=[*state["requests"], self.headers["Authorization"]])
        self._answer(201, None)

    def _answer(self, code: int, body: object) -> None:
        text = b"" if body is None else json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator[StandIn]:
    made = StandIn(tmp_path)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Iam,), {"stand_in": made}))
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


def compared(engine: Engine, keys: Path, *overrides: str) -> AccountsPlan:
    return plan_of(load_settings("prod", overrides=overrides), engine, keys, lambda detail: None)


def applied(engine: Engine, keys: Path, *overrides: str) -> list[Path]:
    with Progress() as progress:
        settings = load_settings("prod", overrides=overrides)
        return apply(compared(engine, keys, *overrides), settings, engine, keys, progress)


def test_what_is_missing_is_created_once_and_nothing_secret_is_shown(stand_in: StandIn) -> None:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

    assert [entry.action for entry in compared(stand_in.engine(), stand_in.keys, *SMALL).entries] == [
        "create"
    ] * 4
    files = applied(stand_in.engine(), stand_in.keys, *SMALL)
    state = stand_in.read()
    assert state["groups"] == {"prod": ["alice", "bob"]}
    private, account, mode = state["secrets"]["prod/kafka/service-account"]
    assert (account, mode) == ("prod-kafka", "0o600")
    public = load_pem_public_key(state["service-accounts"]["prod-kafka"].encode())
    assert load_pem_private_key(private.encode(), None).public_key() == public
    assert ["dcos:service:marathon:marathon:services:/prod", "read"] in state["rights"]["groups/prod"]
    assert ["dcos:mesos:master:task:user:nobody", "create"] in state["rights"]["users/prod-kafka"]

    # The key is gone from here; the passwords are in files of the owner.
    assert (
        sorted(stand_in.keys.iterdir())
        == files
        == [stand_in.keys / f"{name}.password" for name in ("alice", "bob")]
    )
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert state["users"] == {file.stem: file.read_text().strip() for file in files}
    assert state["requests"] == ["token=hush-token"] * 2
    said = json.dumps(state["calls"]) + "\n".join(stand_in.echoed)
    assert not any(
        secret in said for secret in (*state["users"].values(), "hush-token", private.splitlines()[1])
    )

    before = len(state["calls"])
    assert not compared(stand_in.engine(), stand_in.keys, *SMALL).changed
    assert applied(stand_in.engine(), stand_in.keys, *SMALL) == []
    words = {word for call in stand_in.read()["calls"][before:] for word in call}
    assert not words & {"create", "create-sa-secret", "grant", "add_user"}


@pytest.mark.parametrize("call", ["create-sa-secret", "service-accounts", "grant"])
def test_an_interrupted_apply_goes_on(stand_in: StandIn, call: str) -> None:
    only = ("areas={dev: null, test: null}", "accounts={services: [kafka], areas: [prod], change: []}")
    first = stand_in.engine()
    plan = compared(first, stand_in.keys, *only)
    stand_in.write(fail=call, said="Error: HTTP 503")
    with pytest.raises(PipectlError, match="503"), Progress() as progress:
        apply(plan, load_settings("prod", overrides=only), first, stand_in.keys, progress)
    stand_in.write(fail=None)
    if call == "grant":
        assert stand_in.read()["groups"] == {"prod": []}
    else:
        kept = (stand_in.keys / "prod-kafka.pem").read_text()
    applied(stand_in.engine(), stand_in.keys, *only)
    assert not compared(stand_in.engine(), stand_in.keys, *only).changed
    assert call == "grant" or stand_in.read()["secrets"]["prod/kafka/service-account"][0] == kept
    assert not stand_in.keys.exists() or not list(stand_in.keys.iterdir())


@pytest.mark.parametrize("said", ["'security' is not a dcos command.", "Error: HTTP 404 Not Found"])
def test_open_dcos_has_no_accounts(stand_in: StandIn, said: str) -> None:
    stand_in.write(fail="security", said=said)
    with pytest.raises(NoAccounts) as caught:
        compared(stand_in.engine(), stand_in.keys)
    assert "DC/OS Enterprise" in str(caught.value.hint)


def test_what_the_settings_do_not_name_is_named_and_stays(tmp_path: Path) -> None:
    engine = MemoryEngine()
    applied(engine, tmp_path)
    stranger = Right("dcos:superuser", "full")
    engine.accounts.grant("user", "test-spark", stranger)
    engine.accounts.add_member("dev", "carol")
    engine.secrets.names.add(("account", "prod-elastic"))
    engine.secrets.names.add(("account", "dcos_marathon"))
    plan = compared(engine, tmp_path)
    assert plan.others == ["prod-elastic"] and not plan.changed
    besides = {entry.wanted.name: entry.besides for entry in plan.entries if entry.besides}
    assert besides == {"dev": ("member carol",), "test-spark": ("dcos:superuser full",)}
    applied(engine, tmp_path)
    assert stranger in engine.accounts.rights("user", "test-spark")
    assert engine.accounts.members("dev") == {"carol"}


def test_half_of_an_account_blocks_before_anything_is_changed(tmp_path: Path) -> None:
    engine = MemoryEngine()
    engine.secrets.names.add(("account", "prod-hdfs"))
    with pytest.raises(StepFailed, match="prod-hdfs exists without its counterpart"):
        applied(engine, tmp_path)
    assert not engine.accounts.groups()


def test_the_rights_are_the_least() -> None:
    by_name = {one.name: one for one in wanted(load_settings("prod"), RIGHTS)}
    assert list(by_name)[:3] == ["dev", "test", "prod"]
    assert len(by_name) == 3 + 2 * 5
    apps = {
        name: [r.action for r in by_name[name].rights if ":services:" in r.resource]
        for name in ("dev", "prod")
    }
    assert apps == {"dev": ["full"], "prod": ["read"]}
    assert by_name["test-mysql"].rights == ()
    for one in by_name.values():
        assert not any("superuser" in right.resource or right.resource.endswith("*") for right in one.rights)
    secured = {
        one.name: one for one in wanted(load_settings("prod", overrides=["accounts.tls=true"]), RIGHTS)
    }
    assert set(secured["prod-kafka"].rights) - set(by_name["prod-kafka"].rights) == {
        Right("dcos:secrets:default:/prod/kafka/*", "full"),
        Right("dcos:secrets:list:default:/prod/kafka", "read"),
        Right("dcos:adminrouter:ops:ca:ro", "full"),
        Right("dcos:adminrouter:ops:ca:rw", "full"),
    }
    assert secured["prod-spark"] == by_name["prod-spark"]


@pytest.mark.parametrize(
    "setting", ["accounts.areas=[qa]", "accounts.change=[qa]", "accounts.users={al: [qa]}"]
)
def test_an_unknown_area_is_named(setting: str) -> None:
    with pytest.raises(UsageProblem, match="the settings have no area qa") as caught:
        wanted(load_settings("prod", overrides=[setting]), RIGHTS)
    assert "dev, test, prod" in str(caught.value.hint)


def test_the_commands(stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = MemoryEngine()
    monkeypatch.setattr("cli.session.connect", lambda *_, **__: engine)
    alice = ("--cluster", "prod", "--set", "accounts.users={alice: [dev]}")
    plan = invoke(tmp_path, "accounts", "plan", *alice, code=2).stdout
    assert "+ group dev" in plan and "Cluster prod: 14 to create." in plan
    assert "+in group dev" not in plan
    assert "+in group dev" in invoke(tmp_path, "accounts", "plan", "--full", *alice, code=2).stdout
    done = json.loads(invoke(tmp_path, "accounts", "apply", "-o", "json", *alice).stdout)
    assert done["passwords"] == [str(tmp_path / "keys" / "prod" / "alice.password")]
    assert json.loads(invoke(tmp_path, "accounts", "plan", "-o", "json", *alice).stdout)["changed"] is False
    assert invoke(tmp_path, "accounts", "apply", *alice).stdout == "Cluster prod: no changes.\n"


# An agent in a folder: users are lines of a file.
AGENT = {
    "id": 'grep "^$2:" passwd | cut -d: -f3 | grep .',
    "getent": 'grep -E "^$2:|^[^:]*:x:$2:" "$1"',
    "groupadd": 'echo "$3:x:$2:" >> group',
    "useradd": 'echo "${10}:x:$2:$2:$9:$PWD/$4:$7" >> passwd; mkdir -p "$PWD/$4"; echo "$*" >> calls',
    "chown": 'echo "chown $*" >> calls',
}


def run_script(folder: Path, *overrides: str) -> subprocess.CompletedProcess[str]:
    tools = folder / "bin"
    tools.mkdir(exist_ok=True)
    for name, body in AGENT.items():
        (tools / name).write_text(f"#!/bin/sh\n{body}\n")
        (tools / name).chmod(0o755)
    for file in ("passwd", "group"):
        (folder / file).touch()
    script = linux_script(load_settings("prod", overrides=overrides))
    environ = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}
    return subprocess.run(
        ["/bin/sh", "-s"], input=script, cwd=folder, env=environ, text=True, capture_output=True
    )


def test_the_script_creates_linux_users_once(tmp_path: Path) -> None:
    keys = tmp_path / "keys.pub"
    keys.write_text("# of the team\nssh-ed25519 AAAA alice's\n")
    two = ("accounts.linux_users={kafka: 20001, mysql: null, spark: null, hdfs: null, cassandra: 20004}",)
    first = run_script(tmp_path, *two, f"accounts.ssh_keys={keys}")
    assert (first.returncode, first.stdout.split("\n")) == (0, ["+ kafka", "+ cassandra", ""]), first.stderr
    (kafka, cassandra) = (tmp_path / "passwd").read_text().splitlines()
    assert (
        kafka.startswith("kafka:x:20001:")
        and "nologin" in kafka
        and cassandra.startswith("cassandra:x:20004:")
    )
    home = Path(kafka.split(":")[5])
    assert (
        home / ".ssh/authorized_keys"
    ).read_text() == "restrict,port-forwarding ssh-ed25519 AAAA alice's\n"
    assert stat.S_IMODE((home / ".ssh").stat().st_mode) == 0o700
    before = (tmp_path / "passwd").read_text()
    again = run_script(tmp_path, *two)
    assert (again.returncode, again.stdout.split("\n")) == (0, ["= kafka", "= cassandra", ""])
    assert (tmp_path / "passwd").read_text() == before
    assert not (home / ".ssh/authorized_keys").exists()


def state_of(folder: Path) -> dict[Path, tuple[object, ...]]:
    """Everything in a folder: owners, modes, when it was last changed, and what files hold."""
    found: dict[Path, tuple[object, ...]] = {}
    for path in folder.rglob("*"):
        about = path.lstat()
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        owner = (about.st_uid, about.st_gid, about.st_mode)
        found[path] = (*owner, about.st_ino, about.st_mtime_ns, about.st_ctime_ns, content)
    return found


def test_a_second_run_with_the_same_keys_changes_nothing(tmp_path: Path) -> None:
    """The real tools, which see a copy of /etc, and an empty /home."""
    if shutil.which("useradd") is None or not may_mount_apart():
        pytest.skip("needs useradd, and only root may change what it sees")
    agent, keys = tmp_path / "agent", tmp_path / "keys.pub"
    shutil.copytree("/etc", agent / "etc", symlinks=True)
    (agent / "home").mkdir()
    keys.write_text("ssh-ed25519 AAAA alice's\nssh-ed25519 BBBB ben's\n")
    users = "accounts.linux_users={kafka: 20001, mysql: 20002, spark: null, hdfs: null, cassandra: null}"
    inside = 'mount --bind "$0/etc" /etc && mount --bind "$0/home" /home && mount -t tmpfs none /var/log'

    def run() -> str:
        script = linux_script(load_settings("prod", overrides=(users, f"accounts.ssh_keys={keys}")))
        command = ["unshare", "--mount", "--propagation", "private", "/bin/sh", "-c"]
        return subprocess.run(
            [*command, f"{inside} && exec /bin/sh -s", str(agent)],
            input=script,
            text=True,
            capture_output=True,
            check=True,
        ).stdout

    assert run() == "+ kafka\n+ mysql\n"
    for name, number in (("kafka", 20001), ("mysql", 20002)):
        file = agent / "home" / name / ".ssh" / "authorized_keys"
        assert [line.split()[:3] for line in file.read_text().splitlines()] == [
            ["restrict,port-forwarding", "ssh-ed25519", "AAAA"],
            ["restrict,port-forwarding", "ssh-ed25519", "BBBB"],
        ]
        assert {(each.stat().st_uid, each.stat().st_gid) for each in (file, file.parent)} == {
            (number, number)
        }
        assert (stat.S_IMODE(file.stat().st_mode), stat.S_IMODE(file.parent.stat().st_mode)) == (0o600, 0o700)
    before = state_of(agent)
    assert run() == "= kafka\n= mysql\n"
    assert state_of(agent) == before
    keys.write_text("ssh-ed25519 CCCC carol's\n")
    assert run() == "= kafka\n= mysql\n"
    assert "carol's" in file.read_text() and "alice's" not in file.read_text()
    after = state_of(agent)
    changed = {each.relative_to(agent / "home") for each in before if after[each] != before[each]}
    folders = {Path(name, ".ssh") for name in ("kafka", "mysql")}
    assert changed == folders | {each / "authorized_keys" for each in folders}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("kafka:x:7:7:SSH tunnels (pipectl):/h:/n", "the ID of kafka is 7 here, not 20001"),
        ("kafka:x:20001:20001:Kafka:/h:/n", "kafka was not created by this script"),
        ("eve:x:20001:20001::/h:/n", "the ID 20001 of kafka belongs to eve here"),
    ],
)
def test_the_script_stops_at_what_it_did_not_create(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "passwd").write_text(line + "\n")
    done = run_script(tmp_path)
    assert done.returncode == 1 and said in done.stderr
    assert not (tmp_path / "calls").exists()


def test_a_private_key_is_refused_and_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "id"
    file.write_text("ssh-ed25519 AAAA a\n-----BEGIN OPENSSH PRIVATE KEY-----\nhush\n")
    refused = invoke(tmp_path, "accounts", "linux", "--set", f"accounts.ssh_keys={file}", code=2).exception
    assert f"{file}:2: not a public SSH key" in str(refused) and "hush" not in str(refused)
    assert invoke(tmp_path, "accounts", "linux").stdout.startswith("#!/bin/sh\n")
