"""Linked clusters, with the client of local_dcos and a stand-in for the others."""

from __future__ import annotations

import contextlib
import copy
import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cli.engine.dcos.clusters import DcosClusters
from cli.engine.dcos.faults import NoCluster
from cli.engine.dcos.runner import Dcos
from cli.engine.memory import MemoryEngine
from cli.engine.protocol import Manifest
from cli.engine.surroundings import KnownCluster
from cli.errors import EngineError, NotFound, StepFailed
from cli.page_clusters import show_linked, with_linked
from cli.session import Session
from tests.cli.invoking import invoke

ONE = {"attached": True, "cluster_id": "1", "name": "one", "url": "https://1", "version": "2.0.0"}
TWO = {"attached": False, "cluster_id": "2", "name": "two", "url": "https://2", "version": "UNKNOWN"}
# As `dcos cluster` of the two real clients: Go lists links that are not in its DCOS_DIR, and has no --linked.
STAND_IN = """\
import json, os, pathlib, sys
one, two = json.loads(os.environ["ITEMS"])
argv, said = sys.argv[1:], os.environ.get("SAID")
if said and (argv[:2] != ["cluster", "list"] or "--linked" in argv):
    sys.exit(said)
if argv == ["cluster", "list", "--linked", "--json"]:
    if os.environ["CLIENT"] == "go":
        sys.exit("Error: unknown flag: --linked")
    print(json.dumps([{**two, "status": "AVAILABLE"}]))
elif argv == ["cluster", "list", "--json"]:
    folder = pathlib.Path(os.environ["DCOS_DIR"]) / "clusters"
    here = {file.parent.name for file in folder.glob("*/dcos.toml") if file.read_text()}
    print(json.dumps([{**each, "status": "AVAILABLE" if each["cluster_id"] in here else "UNCONFIGURED"}
                      for each in (one, two)]))
elif argv[:2] in (["cluster", "link"], ["cluster", "unlink"]):
    pass
else:
    sys.exit(f"unexpected: {argv}")
"""


def clusters(folder: Path, client: str, said: str = "") -> DcosClusters:
    for name in ("1", "2"):
        file = folder / "dcos" / "clusters" / name / "dcos.toml"
        file.parent.mkdir(parents=True)
        file.write_text("[core]")
    script = folder / "stand_in"
    script.write_text(f"#!{sys.executable} -SE\n{STAND_IN}")
    script.chmod(0o755)
    environ = {
        **os.environ,
        "ITEMS": json.dumps([ONE, TWO]),
        "CLIENT": client,
        "SAID": said,
        "DCOS_DIR": str(folder / "dcos"),
    }
    return DcosClusters(Dcos((str(script),), environ, attempts=1))


@pytest.mark.parametrize("client", ["go", "py"])
def test_each_client_finds_links_to_clusters_that_are_set_up(tmp_path: Path, client: str) -> None:
    found = clusters(tmp_path, client)
    assert [(one.name, one.current) for one in found.known()] == [("one", True), ("two", False)]
    (linked,) = found.linked()
    assert (linked.id, linked.name, linked.url, linked.version) == ("2", "two", "https://2", None)
    # The user's own configuration is as it was.
    assert {file.name for file in (tmp_path / "dcos" / "clusters").iterdir()} == {"1", "2"}


@pytest.mark.parametrize(
    "said",
    [
        "Error: inaccessible endpoint, cannot link cluster",
        "Command not recognized\nUsage:\n    dcos cluster --help",
        "'cluster' is not a dcos command.",
    ],
)
def test_a_cluster_without_links_is_named_as_such(tmp_path: Path, said: str) -> None:
    with pytest.raises(StepFailed, match=r"cannot link two: .* has no cluster links") as refused:
        clusters(tmp_path, "py", said).link("two")
    assert "DC/OS Enterprise" in str(refused.value.hint)


def test_other_errors_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        clusters(tmp_path, "py", "Unknown cluster link two.").unlink("two")
    (tmp_path / "b").mkdir()
    with pytest.raises(NoCluster):
        clusters(tmp_path / "b", "go", "Error: no match found").link("three")


@pytest.fixture
def two_homes(tmp_path: Path) -> Iterator[Path]:
    """A PIPECTL_HOME with the clusters `local` and `local-b`, both without apps."""
    folders = {"local": tmp_path / "cluster", "local-b": tmp_path / "clusters" / "local-b" / "cluster"}
    agent = [sys.executable, "-m", "local_dcos"]
    try:
        for name, folder in folders.items():
            subprocess.run(
                [*agent, "start", "--home", folder, "--name", name], check=True, capture_output=True
            )
        yield tmp_path
    finally:
        for folder in folders.values():
            subprocess.run([*agent, "purge", "--home", folder], check=True, capture_output=True)


def test_two_local_clusters_are_linked_and_seen_at_once(two_homes: Path) -> None:
    refused = invoke(two_homes, "cluster", "link", "local-c", code=2)
    assert "no local cluster of that name runs" in str(refused.exception)
    assert "cannot be linked to itself" in str(
        invoke(two_homes, "cluster", "link", "local", code=2).exception
    )
    for changed in (True, False):
        done = invoke(two_homes, "cluster", "link", "local-b", "-o", "json")
        assert json.loads(done.output) == {"cluster": "local", "changed": changed}
    shown = json.loads(invoke(two_homes, "cluster", "show", "-o", "json").output)
    assert (shown["name"], shown["links"]) == ("local", ["local-b"])
    other = json.loads(invoke(two_homes, "cluster", "show", "--cluster", "local-b", "-o", "json").output)
    assert (other["name"], other["links"]) == ("local-b", [])
    assert other["url"] != shown["url"]

    clusters = json.loads(invoke(two_homes, "clusters", "-o", "json").output)["clusters"]
    states = {one["name"]: (one["state"], one["links"]) for one in clusters}
    assert states["local"] == ("not deployed", ["local-b"])
    assert states["local-b"] == ("not deployed", [])
    assert states["prod"] == ("not set up", [])

    # The token of the other cluster is only in a file of this user.
    files = list((two_homes / "dcos").rglob("dcos.toml"))
    assert len(files) == 2
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    invoke(two_homes, "cluster", "unlink", "local-b")
    done = invoke(two_homes, "cluster", "unlink", "local-b", "-o", "json")
    assert json.loads(done.output) == {"cluster": "local", "changed": False}


def test_the_status_of_all_counts_only_what_runs(tmp_path: Path) -> None:
    result = invoke(tmp_path, "status", "--all", "-o", "json", code=4)
    document = json.loads(result.output)
    assert document["healthy"] is False
    assert document["clusters"]["local"]["state"] == "not running"
    assert "no cluster runs" in invoke(tmp_path, "status", "--all", code=4).output


def test_a_further_cluster_has_a_folder_and_hints_of_its_own(tmp_path: Path) -> None:
    refused = invoke(tmp_path, "status", "--cluster", "local-b", code=4)
    assert getattr(refused.exception, "hint", "") == "create it with `pipectl deploy --cluster local-b`"
    settings = invoke(tmp_path, "render", "--cluster", "local-b")
    assert f"file://{tmp_path}/clusters/local-b/flink" in settings.output
    assert f"file://{tmp_path}/flink" in invoke(tmp_path, "render").output


def test_promote_refuses_a_source_that_does_not_run(tmp_path: Path) -> None:
    same = invoke(tmp_path, "promote", "--from", "local", "--to", "local", code=2)
    assert "name the same cluster" in str(same.exception)
    refused = invoke(tmp_path, "promote", "--from", "local-a", "--to", "local-b", "--yes", code=1)
    assert "local-a is not as its settings say: a deploy would create kafka" in str(refused.exception)
    assert not (tmp_path / "clusters" / "local-b").exists()


OTHER = KnownCluster("9", "prod", "https://prod.example.com", None, False)
SERVICE = "volatility-dashboard"
PAGE = f"https://prod.example.com/service/{SERVICE}/"


def linked_session(*settings: str, area: str | None = None) -> tuple[Session, MemoryEngine]:
    """A session of `local` on an engine that is linked to prod."""
    run, engine = Session("local", (), settings, False, area=area), MemoryEngine()
    engine.clusters.others["prod"] = OTHER
    engine.clusters.link("prod")
    run.__dict__["engine"] = engine
    return run, engine


def test_a_deploy_tells_the_page_which_clusters_are_linked() -> None:
    run, engine = linked_session()
    env = with_linked(run, engine).bundle.apps["dashboard"].env
    assert (env["CLUSTER_NAME"], json.loads(env["CLUSTER_PAGES"])) == ("local", {"prod": PAGE})
    engine.clusters.unlink("prod")
    assert with_linked(run, engine) is run


def test_a_page_in_an_area_leads_to_the_same_area_elsewhere() -> None:
    run, engine = linked_session(area="test")
    env = with_linked(run, engine).bundle.apps["dashboard"].env
    there = {"prod": f"https://prod.example.com/service/test-{SERVICE}/"}
    assert (env["CLUSTER_NAME"], json.loads(env["CLUSTER_PAGES"])) == ("local", there)


@pytest.mark.parametrize("settings", ["dashboard.clusters={}", "parts=[]"])
def test_links_are_not_asked_for_where_the_page_needs_none(settings: str) -> None:
    run, engine = linked_session(settings)
    assert with_linked(run, engine) is run


REFUSED = "You are not authorized to perform this operation."
BAD_GATEWAY = 'Error while fetching [http://x/links]: HTTP 502: "Bad Gateway".'
WITHOUT_LINKS = 'Error while fetching [http://x/links]: HTTP 404: "Not Found".'


@pytest.mark.parametrize(
    ("said", "kept"),
    [(REFUSED, True), (BAD_GATEWAY, True), (WITHOUT_LINKS, False)],
    ids=["403", "502", "404"],
)
def test_a_page_keeps_its_clusters_if_the_links_can_not_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], said: str, kept: bool
) -> None:
    run, engine = linked_session()
    engine.__dict__["clusters"] = clusters(tmp_path, "py", said)
    assert with_linked(run, engine) is run, "no page runs that has any"
    page = {"CLUSTER_NAME": "here", "CLUSTER_PAGES": json.dumps({"prod": PAGE})}
    app = Manifest.of(run.bundle.apps["dashboard"])
    engine.create(app)
    engine.put(engine.apps()[app.id], env={**app.env, **page})
    env = with_linked(run, engine).bundle.apps["dashboard"].env
    assert env == ({**app.env, **page} if kept else app.env)
    warned = capsys.readouterr().err
    assert warned.count("warning: the live page offers the same clusters as before") == (1 if kept else 0)
    assert (said in warned) == kept
    if kept:
        with pytest.raises(EngineError):
            show_linked(run)


def test_a_link_whose_address_can_not_be_that_of_a_page_is_left_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run, engine = linked_session()
    engine.clusters.others["odd"] = replace(OTHER, name="odd", url="https://a b")
    engine.clusters.link("odd")
    assert json.loads(with_linked(run, engine).bundle.apps["dashboard"].env["CLUSTER_PAGES"]) == {
        "prod": PAGE
    }
    assert (
        "warning: the live page does not offer the linked cluster odd: 'https://a b/"
        in capsys.readouterr().err
    )


def test_a_link_changes_nothing_of_the_running_page_but_its_clusters() -> None:
    run, engine = linked_session("generator.rate=7")
    assert show_linked(run) is False, "it is not deployed"
    app = Manifest.of(run.bundle.apps["dashboard"])
    engine.create(app)
    engine.put(engine.apps()[app.id], env={**app.env, "OWN": "1"})
    assert show_linked(run) is True
    shown = {"CLUSTER_NAME": "local", "CLUSTER_PAGES": json.dumps({"prod": PAGE})}
    assert engine.apps()[app.id].env == {**app.env, "OWN": "1", **shown}
    assert show_linked(run) is False
    engine.clusters.unlink("prod")
    assert show_linked(run) is True
    assert engine.apps()[app.id].env == {**app.env, "OWN": "1"}


@pytest.mark.parametrize("area", [None, "dev"])
def test_a_link_changes_the_pages_in_all_areas(area: str | None) -> None:
    run, engine = linked_session(area=area)
    apps = {}
    for each in (None, "dev", "prod"):
        apps[each] = Manifest.of(linked_session(area=each)[0].bundle.apps["dashboard"])
        engine.create(apps[each])
    assert show_linked(run) is True
    for each, app in apps.items():
        service = SERVICE if each is None else f"{each}-{SERVICE}"
        pages = json.loads(engine.apps()[app.id].env["CLUSTER_PAGES"])
        assert pages == {"prod": f"https://prod.example.com/service/{service}/"}
    assert show_linked(run) is False


def call(folder: Path, method: str, path: str, body: object = None) -> Any:
    """What the front door of the cluster in `folder` answers to its owner."""
    url = json.loads((folder / "cluster.json").read_text())["url"]
    token = (folder / "token").read_text().strip()
    headers = {"Authorization": f"token={token}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data=data, headers=headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


def run_page(folder: Path, area: str | None = None) -> None:
    """Run the bundle's page alone: it works, and says that Kafka is away."""
    run = Session("local", (), (), False, area=area)
    app = copy.deepcopy(run.bundle.apps["dashboard"].definition)
    del app["secrets"]
    app["args"][0] = sys.executable
    for name in ("FLINK_TOKEN", "FLINK_JOBMANAGER_REST"):
        del app["env"][name]
    app["env"]["KAFKA_BOOTSTRAP_SERVERS"] = "127.0.0.1:1"
    call(folder, "POST", "/service/marathon/v2/apps", app)


def until(look: Callable[[], Any], seconds: float = 120.0) -> Any:
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(urllib.error.HTTPError):
            if value := look():
                return value
        assert time.monotonic() < deadline, f"not within {seconds:g} s"
        time.sleep(0.2)


@pytest.mark.slow
def test_what_runs_on_two_linked_clusters_is_in_one_status(two_homes: Path) -> None:
    folders = {"local": two_homes / "cluster", "local-b": two_homes / "clusters" / "local-b" / "cluster"}
    page = "/service/marathon/v2/apps/volatility/dashboard"
    for name, folder in folders.items():
        run_page(folder)
        (other,) = folders.keys() - {name}
        invoke(two_homes, "cluster", "link", other, "--cluster", name)
    for folder in folders.values():
        until(lambda: call(folder, "GET", page)["app"]["tasksHealthy"] == 1)  # noqa: B023
    # The next version of this page never answers.
    forever = [sys.executable, "-c", "import time; time.sleep(1e6)"]
    call(folders["local-b"], "PUT", page, {"args": forever})
    document = json.loads(invoke(two_homes, "status", "--all", "-o", "json", code=4).output)
    seen = {}
    for name in folders:
        found = document["clusters"][name]
        states = {one["name"]: one["state"] for one in found["status"]["components"]}
        seen[name] = (found["state"], states["dashboard"], states["gatherer"])
    assert seen == {
        "local": ("unhealthy", "healthy", "absent"),
        "local-b": ("unhealthy", "deploying", "absent"),
    }
    shown = invoke(two_homes, "status", "--all", code=4).output
    assert re.search(r"^local +unhealthy +1/\d+ .* local-b *$", shown, re.MULTILINE)
    assert re.search(r"^local-b +unhealthy +0/\d+ .* local *$", shown, re.MULTILINE)
    assert "local: gatherer is absent" in shown and "local-b: dashboard is deploying" in shown


@pytest.mark.slow
@pytest.mark.parametrize("area", [pytest.param(None, marks=pytest.mark.long), "dev"])
def test_the_pages_of_linked_clusters_switch_between_them(
    two_homes: Path, browser: Any, area: str | None
) -> None:
    service = SERVICE if area is None else f"{area}-{SERVICE}"
    link = ("open",) if area is None else ("open", "--area", area)
    folders = {"local": two_homes / "cluster", "local-b": two_homes / "clusters" / "local-b" / "cluster"}
    for folder in folders.values():
        run_page(folder, area)
    for name, other in (("local", "local-b"), ("local-b", "local")):
        page = f"/service/{service}/api/clusters"
        until(lambda: call(folders[name], "GET", page) == {"name": "this cluster", "clusters": []})  # noqa: B023
        done = invoke(two_homes, "cluster", "link", other, "--cluster", name)
        assert "the live page shows the clusters that are linked now" in done.output
        shown = until(lambda: call(folders[name], "GET", page)["clusters"])  # noqa: B023
        assert [one["name"] for one in shown] == [other]
    tab = browser.new_context().new_page()
    tab.set_default_timeout(120_000)
    tab.goto(invoke(two_homes, *link).output.splitlines()[0])
    state = "#cluster-list li:nth-child(2) .state"
    # Nobody has signed in there yet.
    tab.wait_for_selector(f"{state}[data-state=unknown]", state="attached")
    # Signing in to the other cluster leaves the browser signed in to this one.
    tab.goto(invoke(two_homes, *link, "--cluster", "local-b").output.splitlines()[0])
    tab.wait_for_selector(f"{state}[data-state=unhealthy]", state="attached")
    there = tab.url
    tab.click("#clusters button")
    assert "kafka" in tab.text_content("#cluster-list li:nth-child(2) .readout")
    tab.click("#cluster-list li:nth-child(2) a")
    tab.wait_for_function("there => location.href !== there", arg=there)
    assert f"/service/{service}/" in tab.url
    tab.wait_for_selector(f"{state}[data-state=unhealthy]", state="attached")
    assert tab.text_content("#cluster-list li:nth-child(1) strong") == "local"
    invoke(two_homes, "cluster", "unlink", "local-b")
    until(lambda: not call(folders["local"], "GET", page)["clusters"])
    tab.reload()
    tab.wait_for_selector("#connection[data-state=live]")
    assert not tab.is_visible("#clusters")
    tab.context.close()
