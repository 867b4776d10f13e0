"""Accounts and secrets, with a stand-in for `dcos security`, which needs a licence."""

import json
import os
import stat
import sys
import threading

import pytest

from cli.catalogue import load_settings
from cli.engine.dcos.engine import DcosEngine
from cli.engine.dcos.runner import Dcos
from cli.errors import EngineError, StepFailed
from cli.session import Session
from cli.steps.bundle import dependencies_of
from cli.steps.security import SecurityStep
from marathon import render

# Keeps accounts and secrets in a file; `fail` in it names a call that fails, `lose` those whose answer is
# lost; each call is kept with what the files it names held, and how they could be read.
STAND_IN = """\
import json, os, stat, sys
file = os.environ["STAND_IN"]
state = json.load(open(file))
argv = sys.argv[1:]
named = [each.removeprefix("--file=") for each in argv]
files = {name: [open(name).read(), oct(os.stat(name).st_mode & 0o777)]
         for name in named if name.startswith("/") and os.path.isfile(name)}
state["calls"].append([argv, files])
def end(code, text=""):
    if code == 0 and not set(argv).isdisjoint(state.get("lose", [])):
        code, text = 1, "Error: HTTP 503"
    json.dump(state, open(file, "w"))
    if text:
        print(text, file=sys.stderr if code else sys.stdout)
    sys.exit(code)
if state.get("fail") and state["fail"] in argv:
    end(state.get("code", 1), state["said"])
match argv:
    case ["security", "org", "service-accounts", "show", name]:
        end(0, "{}") if name in state["accounts"] else end(1, f"Error: service account '{name}' not found")
    case [*_, "service-accounts", "create", "-p", _, "-d", _, name] if name in state["accounts"]:
        end(1, "Error: already exists")
    case ["security", "secrets", "create" | "create-sa-secret", *_, path] if path in state["secrets"]:
        end(1, "Error: already exists")
    case ["security", "org", "service-accounts", "create", "-p", public, "-d", _, name]:
        state["accounts"][name] = open(public).read()
        end(0)
    case ["security", "secrets", "list", folder]:
        found = [path for path in state["secrets"] if path.rpartition("/")[0] == folder.strip("/")]
        names = [path.rpartition("/")[2] for path in found]
        end(0, json.dumps(names)) if found else end(1, "Error: No such path")
    case ["security", "secrets", "create-sa-secret", *strict, private, account, path]:
        state["secrets"][path] = [open(private).read(), account, strict]
        end(0)
    case ["security", "secrets", "create", value, path]:
        state["secrets"][path] = open(value.removeprefix("--file=")).read()
        end(0)
end(1, "unexpected: " + " ".join(argv))
"""


@pytest.fixture
def stand_in(tmp_path):
    """The stand-in's state, read and written; `step()` makes a step that uses it."""

    class StandIn:
        file = tmp_path / "state.json"
        keys = tmp_path / "keys"
        echoed: list[str] = []  # noqa: RUF012

        def read(self):
            return json.loads(self.file.read_text())

        def write(self, **values):
            self.file.write_text(json.dumps({**self.read(), **values}))

        def step(self, secrets=None):
            script = tmp_path / "dcos"
            # Without site-packages it starts in a tenth of the time.
            script.write_text(f"#!{sys.executable} -SE\n{STAND_IN}")
            script.chmod(0o755)
            environ = {**os.environ, "STAND_IN": str(self.file)}
            client = Dcos((str(script),), environ, echo=self.echoed.append, pause=0.02)
            return SecurityStep(
                "kafka-account", "kafka/key", secrets or {}, DcosEngine(client), strict=True, keys=self.keys
            )

    made = StandIn()
    made.echoed = []
    made.file.write_text(json.dumps({"accounts": {}, "secrets": {}, "calls": []}))
    return made


def deploy(step):
    step.apply(step.plan())


def test_what_is_missing_is_created_once(stand_in, tmp_path):
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

    value = tmp_path / "s3-key.txt"
    value.write_text("hush")
    step = stand_in.step({"volatility/s3": str(value)})
    assert step.state().state == "absent"
    change = step.plan()
    assert change.action == "create"
    assert change.diff == ["+secret volatility/s3", "+secret kafka/key", "+service account kafka-account"]
    step.apply(change)
    step.wait(print, threading.Event())

    state = stand_in.read()
    assert state["secrets"]["volatility/s3"] == "hush"
    private, account, strict = state["secrets"]["kafka/key"]
    assert (account, strict) == ("kafka-account", ["--strict"])
    public = load_pem_public_key(state["accounts"]["kafka-account"].encode())
    assert load_pem_private_key(private.encode(), None).public_key() == public
    assert step.state().ready and step.plan().action == "unchanged"

    # Nobody else could read the key, no command line or echo shows it or the value, and it is gone from here.
    modes = {mode for _, files in state["calls"] for name, (_, mode) in files.items() if "keys" in name}
    assert modes == {"0o600"}
    assert stat.S_IMODE(stand_in.keys.stat().st_mode) == 0o700
    said = json.dumps([argv for argv, _ in state["calls"]]) + "\n".join(stand_in.echoed)
    assert "hush" not in said and "PRIVATE" not in said and private.splitlines()[1] not in said
    assert not list(stand_in.keys.iterdir())
    before = len(state["calls"])
    deploy(step)
    assert not [argv for argv, _ in stand_in.read()["calls"][before:] if "create" in " ".join(argv)]


@pytest.mark.parametrize("call", ["create-sa-secret", "create"])
def test_an_interrupted_deploy_goes_on_with_the_same_key(stand_in, call):
    stand_in.write(fail=call, said="Error: HTTP 503")
    with pytest.raises(EngineError, match="503"):
        deploy(stand_in.step())
    key = (stand_in.keys / "kafka-account.pem").read_text()
    stand_in.write(fail=None)
    deploy(stand_in.step())
    assert stand_in.read()["secrets"]["kafka/key"][0] == key
    assert stand_in.step().state().ready


def test_what_was_created_before_its_answer_was_lost_is_not_created_again(stand_in, tmp_path):
    value = tmp_path / "s3-key.txt"
    value.write_text("hush")
    stand_in.write(lose=["create", "create-sa-secret"])
    step = stand_in.step({"volatility/s3": str(value)})
    deploy(step)
    made = [
        argv for argv, _ in stand_in.read()["calls"] if not {"create", "create-sa-secret"}.isdisjoint(argv)
    ]
    assert len(made) == 3
    assert step.state().ready and not list(stand_in.keys.iterdir())


@pytest.mark.parametrize(
    ("there", "command"),
    [
        ({"accounts": {"kafka-account": "x"}}, "service-accounts delete kafka-account"),
        ({"secrets": {"kafka/key": ["x", "y", []]}}, "secrets delete kafka/key"),
    ],
)
def test_half_of_a_pair_whose_key_is_unknown_is_not_replaced(stand_in, there, command):
    stand_in.write(**there)
    with pytest.raises(StepFailed) as caught:
        deploy(stand_in.step())
    assert command in caught.value.hint
    assert {name: stand_in.read()[name] for name in there} == there


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (1, "'security' is not a dcos command."),
        (1, "Error: unknown flag: --file"),
        (0, "Usage:\n    dcos [command]\n\nCommands:\n    auth\n"),  # as dcos 1.2.0 has it
    ],
)
def test_a_missing_plugin_is_named(stand_in, code, said):
    stand_in.write(fail="security", code=code, said=said)
    with pytest.raises(StepFailed, match="no command `security`") as caught:
        stand_in.step().plan()
    assert "dcos-enterprise-cli" in caught.value.hint


def test_a_refused_login_is_no_missing_account(stand_in):
    stand_in.write(fail="show", said="HTTP 401 Unauthorized")
    with pytest.raises(EngineError) as caught:
        stand_in.step().plan()
    assert "dcos auth login" in caught.value.hint


def test_a_secret_without_its_file(stand_in, tmp_path):
    with pytest.raises(StepFailed, match="which is not a file"):
        deploy(stand_in.step({"volatility/s3": str(tmp_path / "absent")}))


def test_kafka_runs_under_the_account():
    on = render(load_settings("prod", overrides=["security.service_account=kafka-account"]))
    assert on.packages["kafka"].options["service"] == {
        "name": "kafka",
        "service_account": "kafka-account",
        "service_account_secret": "kafka/service-account",
    }
    off = render(load_settings("prod")).packages["kafka"].options["service"]
    assert off == {"name": "kafka"}


def test_it_comes_before_kafka_and_only_where_it_is_asked_for():
    def dependencies(*overrides):
        return dependencies_of(Session("prod", (), overrides, verbose=False))

    assert "security" not in dependencies() and dependencies()["kafka"] == frozenset()
    on = dependencies("security.service_account=kafka-account")
    assert next(iter(on)) == "security" and on["kafka"] == {"security"}
    assert dependencies("security.secrets={a/b: /c}").keys() == on.keys()
