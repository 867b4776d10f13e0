"""Optional parts: listed, enabled with --with, remembered by the cluster, disabled again."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cli.__main__ import pipectl
from cli.endpoints import page_link
from cli.engine.memory import MemoryEngine
from cli.errors import UsageProblem
from cli.parts import as_deployed, with_remembered
from cli.planning import Plan, plan_of
from cli.progress import Progress
from cli.rollout import carry_out
from cli.session import Session
from marathon import parts
from marathon.requirements import REQUIRED

OFF = ("kafka.bootstrap_servers='127.0.0.1:1'", "parts=[]")


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> MemoryEngine:
    monkeypatch.setattr("cli.steps.base.POLL_SECONDS", 0.0)
    return MemoryEngine()


def run_with(*overrides: str) -> Session:
    return Session("prod", (), overrides or OFF, verbose=False)


def deploy(engine: MemoryEngine, run: Session, **choices: Any) -> Plan:
    plan = plan_of(run, engine, **choices)
    plan.refuse_blocked()
    with Progress() as progress:
        carry_out(plan, progress, engine.stop, atomic=False)
    return plan


def test_a_part_that_is_switched_on_is_remembered_until_it_is_switched_off(engine: MemoryEngine) -> None:
    deploy(engine, run_with())
    assert "/volatility/dashboard" not in engine.apps()
    assert deploy(engine, run_with(), wanted_parts=["dashboard"]).changed == ["dashboard"]
    again = plan_of(run_with(), engine)
    assert again.changes["dashboard"].action == "unchanged"
    assert again.changed == []
    assert "dashboard" in with_remembered(run_with(), engine).bundle.apps
    plan = deploy(engine, run_with(), unwanted_parts=["dashboard"])
    assert {name: plan.changes[name].action for name in plan.changed} == {"dashboard": "remove"}
    assert "/volatility/dashboard" not in engine.apps()
    assert plan_of(run_with(), engine).changed == []


def test_reading_commands_follow_the_parts_that_run(engine: MemoryEngine) -> None:
    on, off = run_with(OFF[0]), run_with()
    assert as_deployed(on, engine) is on  # nothing runs yet
    deploy(engine, off)
    assert "dashboard" not in as_deployed(on, engine).bundle.components
    assert as_deployed(off, engine) is off
    deploy(engine, off, wanted_parts=["dashboard"])
    assert "dashboard" in as_deployed(off, engine).bundle.components


def test_reading_commands_follow_the_apps_that_a_setting_turned_on(engine: MemoryEngine) -> None:
    needed = "stores.disk=/mnt/store", "spark.secret=volatility/spark"
    turned_on = run_with(*needed, "spark.standalone.enabled=true", "spark.streams.cpus=1")
    deploy(engine, turned_on, wanted_parts=["spark"])
    found = as_deployed(run_with(*needed), engine).bundle.components
    assert {"spark-master", "spark-worker", "stream-to-disk"} <= found.keys()


def test_parts_may_be_separated_by_commas() -> None:
    runner = CliRunner()
    done = runner.invoke(pipectl, ["plan", "--cluster", "prod", "--with", "dashboard,page"])
    assert done.exit_code == 2 and "no part page" in done.output


def test_parts_with_streams_need_a_folder_for_results(engine: MemoryEngine) -> None:
    with pytest.raises(UsageProblem, match=r"part cassandra needs stores\.disk"):
        plan_of(run_with(), engine, wanted_parts=["cassandra"])
    run = run_with(*OFF, "stores.disk=/mnt/shared")
    plan = deploy(engine, run, wanted_parts=["spark", "cassandra"])
    assert {"cassandra", "stream-to-cassandra", "stream-to-disk", "source-system"} <= set(plan.changed)
    assert engine.apps()["/volatility/sink-to-cassandra"].env["SOURCES"] == "movingaverage,signals"
    assert {"prices", "random-numbers", "monitoring"} <= set(engine.kafka.specs)
    assert plan_of(run, engine).changed == []
    assert engine.packages.installed("cassandra", "cassandra") is not None


def test_hdfs_needs_that_folder_only_if_a_flow_streams_into_it(engine: MemoryEngine) -> None:
    flow = "flows.demo/one=system -> monitoring -> spark-streaming -> hdfs -> bands"
    with pytest.raises(UsageProblem, match=r"part hdfs needs stores\.disk"):
        plan_of(run_with(*OFF, flow), engine, wanted_parts=["hdfs"])
    assert "sink-to-hdfs" in plan_of(run_with(*OFF), engine, wanted_parts=["hdfs"]).changed
    both = run_with(*OFF, flow, "stores.disk=/mnt/shared")
    assert "stream-to-hdfs" in plan_of(both, engine, wanted_parts=["hdfs"]).changed


def test_parts_with_streams_need_the_image_with_spark(engine: MemoryEngine) -> None:
    apps = (*OFF, "stores.disk=/mnt/shared", "image=x:1")
    with pytest.raises(UsageProblem, match=r"Spark needs spark\.image: .* x:1 does not contain it"):
        plan_of(run_with(*apps), engine, wanted_parts=["spark"])
    assert plan_of(run_with(*apps, "spark.image=x-spark:1"), engine, wanted_parts=["spark"]).changed


def test_notebooks_need_an_image_with_jupyterlab(engine: MemoryEngine) -> None:
    apps = (*OFF, "notebooks.token=volatility/notebooks-token", "image=x:1")
    with pytest.raises(UsageProblem, match=r"needs notebooks\.image: x:1 does not contain JupyterLab"):
        plan_of(run_with(*apps), engine, wanted_parts=["notebooks"])
    own = run_with(*apps, "notebooks.image=x-notebooks:1")
    assert "notebooks" in plan_of(own, engine, wanted_parts=["notebooks"]).changed


def test_a_part_of_the_settings_goes_with_the_setting(engine: MemoryEngine) -> None:
    deploy(engine, run_with(OFF[0]))
    assert "/volatility/dashboard" in engine.apps()
    assert plan_of(run_with(), engine).changes["dashboard"].action == "remove"


@pytest.mark.parametrize(
    ("overrides", "choices", "said"),
    [
        (OFF, {"wanted_parts": ["page"]}, "no part page"),
        (OFF, {"wanted_parts": ["dashboard"], "unwanted_parts": ["dashboard"]}, "both --with and --without"),
        (OFF[:1], {"unwanted_parts": ["dashboard"]}, "--without only undoes --with"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    engine: MemoryEngine, overrides: tuple[str, ...], choices: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageProblem, match=said):
        plan_of(run_with(*overrides), engine, **choices)


def test_parts_are_listed_with_what_they_need(tmp_path: Path) -> None:
    runner = CliRunner(env={"PIPECTL_HOME": str(tmp_path)})
    part, spark, cassandra, mysql, hdfs, notebooks, webhook = json.loads(
        runner.invoke(pipectl, ["parts", "--cluster", "prod", "-o", "json"]).stdout
    )
    assert (spark["part"], spark["on"]) == ("spark", False)
    # Also without a folder for its stream, which the part needs to be enabled.
    assert "stream-to-disk" in spark["components"]
    folders = {each["part"]: each["folders"] for each in (part, spark, cassandra, hdfs, notebooks)}
    stores = {"spark": ["stores.disk"], "cassandra": ["stores.disk"]}
    assert folders == {"dashboard": [], **stores, "hdfs": [], "notebooks": ["notebooks.folder"]}
    assert (cassandra["memory_mib"], cassandra["disk_mib"]) == (3 * 4096 + 1280 + 256, 3 * 10240)
    assert (part["part"], part["on"], part["memory_mib"], part["disk_mib"]) == ("dashboard", True, 384, 0)
    assert part["components"] == ["dashboard"]
    assert mysql["components"] == ["mysql-server", "sink-to-mysql"]
    assert (mysql["memory_mib"], mysql["disk_mib"]) == (1024 + 256, 10240)
    assert (notebooks["components"], notebooks["memory_mib"]) == (["notebooks"], 1024)
    # Two name nodes, three journal nodes and three data nodes, and the sink.
    assert (hdfs["memory_mib"], hdfs["disk_mib"]) == (8 * 2048 + 256, 3 * 10240 + 5 * 5120)
    assert webhook["components"] == ["sink-to-webhook"]
    text = runner.invoke(pipectl, ["parts", "--set", "parts=[]", "--set", "dashboard.mem=512"]).stdout
    assert text.splitlines()[1].split()[:4] == ["dashboard", "off", "512", "0"]


def test_a_part_that_is_remembered_can_be_chosen_by_a_short_name(engine: MemoryEngine) -> None:
    deploy(engine, run_with(), wanted_parts=["dashboard"])
    assert list(plan_of(run_with(), engine, only=["dashboard", "generator"]).changes) == [
        "data-generator",
        "dashboard",
    ]
    with pytest.raises(UsageProblem, match="no component dashbord"):
        plan_of(run_with(), engine, only=["dashbord"])


def test_only_known_parts_require_something() -> None:
    assert REQUIRED.keys() <= parts(run_with().settings).keys()


def test_a_part_that_is_off_may_be_skipped(engine: MemoryEngine) -> None:
    assert "dashboard" not in plan_of(run_with(), engine, skip=["dashboard", "security"]).changes
    with pytest.raises(UsageProblem, match="no component dashbord"):
        plan_of(run_with(), engine, skip=["dashbord"])


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ("mysql", r"part mysql needs mysql\.password"),
        ("notebooks", r"part notebooks needs notebooks\.token"),
        ("webhook", r"part webhook needs webhook\.url .* and webhook\.secret"),
    ],
)
def test_a_part_without_its_secret_is_refused(engine: MemoryEngine, part: str, said: str) -> None:
    with pytest.raises(UsageProblem, match=said):
        plan_of(run_with(*OFF, "mysql.password=null"), engine, wanted_parts=[part])


def test_notebooks_for_users_need_the_keys_of_the_login_and_memory_for_each(engine: MemoryEngine) -> None:
    users = (OFF[0], "parts=[notebooks]", "notebooks.users=[ann, ben]", "notebooks.token=a/path")
    with pytest.raises(UsageProblem, match=r"notebooks for ann, ben need notebooks\.login_keys"):
        plan_of(run_with(*users), engine)
    of_accounts = (*users, "notebooks.users=null", "accounts.users={Ann: [dev]}")
    with pytest.raises(UsageProblem, match=r"accounts\.users: 'Ann' is not the name of a user of notebooks"):
        plan_of(run_with(*of_accounts), engine)
    run = run_with(*users, "notebooks.login_keys={keys: [{kty: RSA, n: AQAB, e: AQAB}]}")
    deploy(engine, run)
    app = engine.apps()["/volatility/notebooks"]
    assert (app.env["NOTEBOOKS_USERS"], app.env["NOTEBOOKS_USER_MEM"]) == ("ann,ben", "1024")
    assert json.loads(app.env["NOTEBOOKS_LOGIN_KEYS"])["keys"][0]["kty"] == "RSA"
    assert "NOTEBOOKS_TOKEN" not in app.env
    rendered = run.bundle.apps["notebooks"].definition
    assert rendered["mem"] == 256 + 2 * 1024
    assert rendered["healthChecks"][0]["path"] == "/service/volatility-notebooks/hub/health"


def test_a_link_to_notebooks_for_users_names_one_of_them(
    engine: MemoryEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = "notebooks.login_keys={keys: [{kty: RSA, n: AQAB, e: AQAB}]}"
    run = run_with(OFF[0], "parts=[notebooks]", "notebooks.users=[ann, ben]", keys)
    deploy(engine, run)
    monkeypatch.setattr(Session, "engine", engine)
    assert "volatility-notebooks" in page_link(run, "notebooks")
    with pytest.raises(UsageProblem, match="the cluster's login says who you are"):
        page_link(run, "notebooks", "ann")
    monkeypatch.setattr(Session, "is_local", True)
    with pytest.raises(UsageProblem, match="notebooks has several users: ann, ben"):
        page_link(run, "notebooks")
    with pytest.raises(UsageProblem, match="no user eve, but ann, ben"):
        page_link(run, "notebooks", "eve")


def test_mysql_and_its_sink_are_deployed(engine: MemoryEngine) -> None:
    plan = deploy(engine, run_with(), wanted_parts=["mysql"])
    assert {"mysql-server", "sink-to-mysql"} <= set(plan.changed)
    assert "mysql" not in plan.changed  # the package is for the cluster `local`
    assert engine.apps()["/volatility/sink-to-mysql"].env["SOURCES"] == "movingaverage,signals"


def test_hdfs_and_its_sink_are_deployed(engine: MemoryEngine) -> None:
    plan = deploy(engine, run_with(), wanted_parts=["hdfs"])
    assert {"hdfs", "sink-to-hdfs"} <= set(plan.changed)
    assert engine.apps()["/volatility/sink-to-hdfs"].env["STORE"].endswith(":9002/user/pipectl/volatility")


def test_a_part_keeps_needing_its_settings(engine: MemoryEngine) -> None:
    url, secret = "webhook.url='https://example.com/signals'", "webhook.secret=a/path"
    with pytest.raises(UsageProblem, match=r"part webhook needs webhook\.url"):
        plan_of(run_with(OFF[0], "parts=[webhook]"), engine)
    deploy(engine, run_with(*OFF, url, secret), wanted_parts=["webhook"])
    # Without the address, the app would end at each start.
    with pytest.raises(UsageProblem, match=r"part webhook needs webhook\.url"):
        plan_of(run_with(), engine)
    assert plan_of(run_with(), engine, unwanted_parts=["webhook"]).changed == ["sink-to-webhook"]
