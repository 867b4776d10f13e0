"""Generated requests to a real agent, and what must hold for every answer.

Commands are from a list, since they run on this machine. Everything else is generated.
"""

import http.client
import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from hypothesis import strategies as st

from tests import fuzzing
from tests.local_dcos.planted import KNOWS, PlantedSecret, using


@st.composite
def later(draw: Callable[[Any], Any], make: Callable[[], st.SearchStrategy[Any]]) -> Any:
    """The strategy that `make` returns. In reports of hypothesis it is short."""
    return draw(make())


CANARY_SECONDS = 5.0
ANSWER_SECONDS = 10.0
PLANTED = "a-secret-beside-the-cluster"
MARATHON = "/service/marathon"

# Texts that are no UTF-8 or name files elsewhere, and any other.
odd_text = st.sampled_from(
    [
        "",
        "/",
        "..",
        "../../beside/secret",
        "a" * 230,
        "a/" * 120,
        "\ud800",
        "\x00",
        "é",
        "²",
        "%",
        "a=b;c",
        "http://[",
    ]
) | st.text(max_size=12)
odd_number = (
    st.sampled_from([-1, 0, 1.0, 1e9, 1e300, 10**400, float("nan"), float("inf"), True]) | st.floats()
)
_odd: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | odd_number | odd_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(odd_text, inner, max_size=3),
    max_leaves=6,
)
odd: st.SearchStrategy[Any] = later(lambda: _odd)
ids = st.sampled_from(
    ["/one", "/two", "/group/one", "/group/deep/er/two", "three", "../four"] * 3 + ["a" * 201, "/Upper", ""]
)


def mostly(*good: Any) -> st.SearchStrategy[Any]:
    """Mostly one of these values, sometimes any other, of the same type or not."""
    right, near = st.sampled_from(good), odd_number if isinstance(good[0], int | float) else odd_text
    return st.integers(0, 7).flatmap(lambda one: (odd | near) if one == 7 else right)


commands = st.sampled_from(
    ["true", "exit 3", "exec sleep 1000", "echo hello; exec sleep 1000", "/no/such", None]
)
arguments = st.sampled_from([["sleep", "1000"], ["/no/such"], ["sleep"], [], None])
odd_arguments = st.lists(odd_text, max_size=2).map(lambda rest: ["sleep", *rest])
checks = st.fixed_dictionaries(
    {"protocol": mostly("HTTP", "TCP", "COMMAND", "MESOS_HTTP")},
    optional={
        "command": st.fixed_dictionaries({}, optional={"value": st.sampled_from(["true", "false", ""])}),
        "path": odd_text,
        "port": mostly(1, 70_000),
        "portIndex": mostly(0, 1),
        "intervalSeconds": mostly(0, 1),
        "timeoutSeconds": mostly(0, 1, 2),
        "gracePeriodSeconds": mostly(0, 60),
        "maxConsecutiveFailures": mostly(0, 3),
    },
)
labels = st.fixed_dictionaries(
    {},
    optional={
        "DCOS_SERVICE_NAME": mostly("page", "other"),
        "DCOS_SERVICE_PORT_INDEX": mostly("0", "1", "-1", "abc", "²"),
        "DCOS_SERVICE_SCHEME": mostly("http", "https", "http://example.com/", "file"),
        "DCOS_PACKAGE_NAME": mostly("kafka"),
        "DCOS_PACKAGE_VERSION": odd_text,
        "MARATHON_SINGLE_INSTANCE_APP": mostly("true"),
    },
)
# An app that can run, and some keys that may be wrong.
_runnable = st.one_of(
    st.fixed_dictionaries({"id": ids, "mem": mostly(16), "cmd": commands}),
    st.fixed_dictionaries({"id": ids, "mem": mostly(16), "args": arguments | odd_arguments}),
)
_keys: dict[str, st.SearchStrategy[Any]] = {
    "mem": mostly(16, 1e8),
    "args": arguments,
    "instances": mostly(0, 1, 2, 3, 10**6),
    "cpus": mostly(0.1),
    "env": st.dictionaries(odd_text, mostly("value", {"secret": "key"}, {"secret": "none"}, {}), max_size=2),
    "secrets": mostly({"key": {}}, {"key": {"source": "key"}}, {"key": {"source": "../../beside/secret"}}),
    "labels": labels,
    "healthChecks": st.lists(checks, max_size=2),
    "portDefinitions": mostly([{}], [{"name": "http"}, {"name": "b"}], [{"port": 1}], [{}] * 101),
    "requirePorts": mostly(True, False),
    "container": mostly(
        {"docker": None}, {"portMappings": None}, {"docker": {"image": "x"}}, {"portMappings": [{}]}
    ),
    "networks": mostly([], [{}], [{"mode": "host"}], [{"mode": "container/bridge"}]),
    "upgradeStrategy": mostly({}, {"minimumHealthCapacity": 0}, {"maximumOverCapacity": 1}),
    "unreachableStrategy": mostly("disabled", {"inactiveAfterSeconds": None}),
    "backoffSeconds": mostly(0, 1),
    "backoffFactor": mostly(1, 1e9),
    "maxLaunchDelaySeconds": mostly(0, 1),
    "taskKillGracePeriodSeconds": mostly(0, 1),
    "dependencies": mostly([], ["/one"], ["/two"], ["../.."]),
    "fetch": mostly([], [{"uri": "x"}]),
    "constraints": mostly([], [[]], [["hostname", "UNIQUE"]]),
    "version": mostly("2026-01-01T00:00:00.000Z"),
}
_changes = st.one_of(*(st.tuples(st.just(key), value) for key, value in _keys.items()))
_definitions = st.tuples(_runnable, st.lists(_changes, max_size=3)).map(
    lambda parts: {**parts[0], **dict(parts[1])}
)
definitions: st.SearchStrategy[Any] = later(lambda: _definitions)
# An app that asks for the planted secret, and fails in every way.
_of_those_who_know = st.tuples(
    _definitions, st.sampled_from(["one", "two"]), st.sampled_from(["KEY", "a=b", "\x00", ""]) | odd_text
).map(
    lambda parts: {
        **parts[0],
        "id": KNOWS + parts[1],
        **using(parts[2]),
    }
)
those_who_know: st.SearchStrategy[Any] = later(lambda: _of_those_who_know)
# Never a package that can be installed: the agent would install it.
packages = st.fixed_dictionaries(
    {"packageName": mostly("cassandra", ["kafka"])},
    optional=dict.fromkeys(("packageVersion", "options", "appId", "all"), odd),
)


def written(document: Any) -> bytes:
    """JSON as careless clients write it, with NaN and lone surrogates."""
    return json.dumps(document).encode()


raw = st.sampled_from(
    [b"", b"{", b"[" * 100_000, b'{"a":' * 100_000, b"\xff\xfe", b"9" * 5000, b'"\\ud800"', b"NaN"]
) | (st.binary(max_size=40))
flags = st.sampled_from(
    [*["?force=true"] * 4, "", "?force=true&scale=true", "?embed=app.tasks&label=a==b", "?%ff=%00&id=%zz"]
)
segments = (ids | odd_text).map(lambda text: quote(text.encode("utf-8", "surrogatepass"), safe="/.="))


def calls(
    methods: list[str], path: st.SearchStrategy[str], body: st.SearchStrategy[bytes]
) -> st.SearchStrategy[Any]:
    return st.tuples(st.sampled_from(methods), st.tuples(path, flags).map("".join), body)


def bodies(documents: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    right = documents.map(written)
    return st.integers(0, 11).flatmap(lambda one: (odd.map(written) | raw) if one == 11 else right)


nothing = st.just(b"")
apps, logs = f"{MARATHON}/v2/apps", "/system/v1/logs/v2/task/"
reading = st.sampled_from(
    [
        *(
            f"{MARATHON}/{path}"
            for path in ("v2/apps", "v2/tasks", "v2/groups", "v2/queue", "v2/deployments", "v2/info")
        ),
        *("/mesos/master/state.json", "/mesos/state-summary", "/metadata", "/capabilities", "/nothing"),
        *(
            "/dcos-metadata/dcos-version.json",
            "/login/once/guess",
            "/service/page",
            "/service/page/a%2fb/../c",
        ),
        *(
            f"{logs}..%2F..%2Fbeside/file/secret",
            f"{logs}%00",
            f"{logs}x/file/%00",
            f"{logs}{'a' * 300}/file/{'b' * 300}",
        ),
    ]
)
_requests = st.one_of(
    calls(["POST", "PUT"], st.just(apps), bodies(definitions)),
    calls(["POST"], st.just(apps), bodies(definitions)),
    calls(["POST"], st.just(apps), bodies(those_who_know)),
    calls(["PUT", "PATCH"], segments.map(f"{apps}/{{}}".format), bodies(definitions)),
    calls(["GET", "DELETE", "HEAD"], segments.map(f"{apps}/{{}}".format), nothing),
    calls(["GET", "POST", "DELETE"], segments.map(f"{apps}/{{}}/tasks".format), nothing),
    calls(["POST"], segments.map(f"{apps}/{{}}/restart".format), nothing),
    calls(["POST"], st.just(f"{MARATHON}/v2/tasks/delete"), bodies(st.fixed_dictionaries({"ids": odd}))),
    calls(
        ["POST"],
        st.sampled_from(["describe", "install", "render", "list", "list-versions", "uninstall"]).map(
            "/package/{}".format
        ),
        bodies(packages),
    ),
    calls(["POST"], st.just("/login/links"), bodies(st.fixed_dictionaries({"service": mostly("page")}))),
    calls(["POST"], st.just("/acs/api/v1/auth/login"), bodies(st.fixed_dictionaries({"password": odd}))),
    calls(["GET", "POST", "DELETE"], segments.map("/service/page/{}".format), raw),
    calls(["GET"], segments.map(f"{logs}{{}}/file/stdout?skip=1".format), nothing),
    calls(["GET", "HEAD", "POST", "OPTIONS"], reading, nothing),
)
requests: st.SearchStrategy[Any] = later(lambda: _requests)
HONEST, NOBODY, GUESS, FOREIGN_HOST, FOREIGN_ORIGIN = (
    "honest",
    "nobody",
    "guess",
    "foreign host",
    "foreign origin",
)
senders = st.sampled_from([HONEST] * 6 + [NOBODY, GUESS, FOREIGN_HOST, FOREIGN_ORIGIN])
odd_header = (
    st.just(b"")
    | st.just(b"x")
    | st.binary(max_size=20).map(lambda value: value.translate(None, b"\r\n\0").strip())
)
rounds = st.tuples(senders, requests, odd_header)


@dataclass
class Fuzz:
    """Sends requests to a cluster and checks each answer. `statuses` counts them by status."""

    cluster: Any
    statuses: Counter[int] = field(default_factory=Counter)
    canary_seconds: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._beside = self.cluster.home.parent / "beside"
        self._beside.mkdir()
        (self._beside / "secret").write_text(PLANTED)
        self.planted = PlantedSecret(self.cluster)

    def send(self, sender: str, request: tuple[str, str, bytes], odd_header: bytes) -> None:
        """Sends one request. Raises AssertionError if the answer breaks a rule that holds for all."""
        method, path, body = request
        status, kind, content = self._ask(sender, method, path, body, odd_header)
        self.statuses[status] += 1
        shown = f"{sender} {method} {path} {body[:500]!r} -> {status} {content[:500]!r}"
        by_proxy = path.startswith("/service/") and not path.startswith(MARATHON)
        assert status < 500 or (by_proxy and status in (502, 503)), shown
        if sender in (FOREIGN_HOST, FOREIGN_ORIGIN):
            assert status in (400, 403), shown
        elif sender != HONEST and method not in ("GET", "HEAD"):
            # 400 means malformed HTTP. Open addresses have their own errors.
            open_to_all = path.startswith(("/acs/", "/dcos-metadata/", "/login/once/"))
            assert status in (400, 401, 403, *((405, 413) if open_to_all else ())), shown
        if kind.split(";")[0].endswith("json") and content:
            json.loads(content.decode(), parse_constant=self._no_constant)
        text = content.decode("utf-8", "replace")
        assert not any(secret in text for secret in (PLANTED, self.planted.value, self.cluster.token)), shown

    @staticmethod
    def _no_constant(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    def _ask(
        self, sender: str, method: str, path: str, body: bytes, odd_header: bytes
    ) -> tuple[int, str, bytes]:
        server = urlsplit(self.cluster.url).netloc
        connection = http.client.HTTPConnection(server, timeout=ANSWER_SECONDS)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            connection.putheader("Host", "evil.example" if sender == FOREIGN_HOST else server)
            if sender == GUESS:
                connection.putheader("Authorization", b"token=" + odd_header)
                connection.putheader("Cookie", b"local-dcos-session=" + odd_header)
            elif sender != NOBODY:
                connection.putheader("Authorization", f"token={self.cluster.token}")
                connection.putheader("X-Odd", odd_header)
            if sender == FOREIGN_ORIGIN:
                connection.putheader("Origin", b"http://" + odd_header)
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, answer.getheader("Content-Type", ""), answer.read()
        finally:
            connection.close()

    def canary(self) -> None:
        """Checks that a new app runs in time, no file elsewhere has changed, and no secret is seen."""
        begun = time.monotonic()
        definition = {"cmd": "exec sleep 1000", "mem": 16, "cpus": 0.1, "instances": 1}
        made = self.cluster.marathon("PUT", "apps/canary?force=true", definition)

        def runs() -> bool:
            tasks = self.cluster.app("/canary")["tasks"]
            return [task["state"] for task in tasks if task["version"] == made["version"]] == ["TASK_RUNNING"]

        self._wait(runs, CANARY_SECONDS)
        self.canary_seconds.append(time.monotonic() - begun)
        assert {path.name for path in self.cluster.home.parent.iterdir()} <= {
            "beside",
            self.cluster.home.name,
        }
        assert [path.name for path in self._beside.iterdir()] == ["secret"]
        assert (self._beside / "secret").read_text() == PLANTED
        self.planted.start_one_that_knows()
        self.planted.check_nothing_shows_it()
        self.cluster.clear()

    def _wait(self, look: Callable[[], bool], seconds: float) -> None:
        self.cluster.wait_for(look, seconds)


def attack(cluster: Any, requests: int, number: int, *, per_canary: int, per_kill: int) -> Fuzz:
    """Sends generated requests, adds canary apps and kills the agent now and then. Returns the counts.

    Raises AssertionError at the first answer that is not what it must be. `number` is the seed.
    """
    fuzz, sent = Fuzz(cluster), 0

    def holds(one: tuple[str, tuple[str, str, bytes], bytes]) -> None:
        nonlocal sent
        fuzz.send(*one)
        sent += 1
        if sent % per_canary == 0:
            fuzz.canary()
        if sent % per_kill == 0:
            cluster.kill_agent()
            cluster.start()
            fuzz.canary()

    fuzzing.run(holds, rounds, count=requests, with_seed=number)
    fuzz.canary()
    with tempfile.TemporaryDirectory() as folder:
        fuzz.planted.check_pipectl_does_not_show_it(Path(folder))
    return fuzz
