"""The shipped bundle on each cluster."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from jsonschema import Draft4Validator

from flink_scripts.memory import taskmanager_memory
from kafka_topic.inputs import DEFAULTS, SYMBOL_SOURCES, TIME_FORMS, read_inputs
from kafka_topic.names import Topics
from marathon.bundle import render
from marathon.inputs import Input
from marathon.loading import cluster_names
from marathon.paths import PACKAGE
from marathon.rules import findings
from marathon.settings import Settings
from marathon.sizing import heap_of_state
from task_runtime.errors import SettingsError
from tests.settings import load_settings

SettingsOf = Callable[..., Settings]
CLUSTERS = ["dev", "local", "prod"]
SCHEMA = json.loads((PACKAGE / "schema" / "marathon-app-definition-1.7.236.schema.json").read_text())


def definitions(settings: Settings) -> dict[str, dict[str, Any]]:
    return {name: app.definition for name, app in render(settings).apps.items()}


def test_there_is_a_file_for_each_cluster() -> None:
    assert cluster_names() == CLUSTERS


@pytest.mark.parametrize("image", [None, "registry.example.com/volatility:1"])
@pytest.mark.parametrize("cluster", CLUSTERS)
def test_every_app_is_valid(cluster: str, image: str | None, settings_of: SettingsOf) -> None:
    settings = settings_of(cluster, f"image={image or 'null'}", "generator.seed=7")
    for name, app in definitions(settings).items():
        assert list(Draft4Validator(SCHEMA).iter_errors(app)) == []
        assert list(findings(app)) == []
        assert app["id"] == f"/volatility/{name}"
        assert app["labels"]["pipectl.bundle"] == "/volatility"
        assert app["networks"] == [{"mode": "host"}]
        assert "cmd" not in app
        assert app["args"][1:3] in (["-m", "dashboard"], ["-m", "data_generator"], ["-m", "flink_scripts"])
        assert ("container" in app) == (image is not None)
        values = [value for value in app["env"].values() if not isinstance(value, str)]
        assert values == ([] if name == "data-generator" else [{"secret": "flink-token"}])
        assert app["unreachableStrategy"]["inactiveAfterSeconds"] > 0
        (check,) = app["healthChecks"]
        assert check["maxConsecutiveFailures"] * check["intervalSeconds"] >= 60
        assert check["delaySeconds"] < 15


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_rendering_twice_gives_the_same(cluster: str, settings_of: SettingsOf) -> None:
    first, second = (json.dumps(definitions(settings_of(cluster))) for _ in range(2))
    assert first == second


def test_the_environment_of_each_app(settings_of: SettingsOf) -> None:
    topics = (
        "topics.prefix=try.",
        "topics.retention.movingaverage=null",
        "topics.allow_retention_decrease=true",
    )
    apps = definitions(settings_of("local", "generator.seed=7", "gatherer.windows.1m=10s", *topics))
    token = {"FLINK_TOKEN": {"secret": "flink-token"}}
    addresses = token | {
        "FLINK_JOBMANAGER_REST": "127.0.0.1:8081",
        "FLINK_STATE": "file:///home/of/pipectl/flink",
    }
    assert apps["data-generator"]["env"] == {
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9092",
        "TOPIC_PREFIX": "try.",
        "POSITIONS": "AAPL,AMZN,GOOG,MSFT,TSLA",
        "GENERATOR_MODEL": "regimes",
        "GENERATOR_RATE": "50",
        "GENERATOR_SEED": "7",
        "GENERATOR_START_PRICE": "100",
        "GENERATOR_START_PRICES": "AAPL=230,AMZN=180,GOOG=165,MSFT=420,TSLA=310",
        "GENERATOR_VOLATILITY": "0.2",
    }
    assert apps["flink-jobmanager"]["env"] == addresses | {
        "FLINK_JOBMANAGER_RPC": "127.0.0.1:6123",
        "FLINK_MEMORY_MB": "1088",
    }
    assert apps["flink-taskmanager"]["env"] == token | {
        "FLINK_JOBMANAGER_RPC": "127.0.0.1:6123",
        "FLINK_STATE": "file:///home/of/pipectl/flink",
        "FLINK_SLOTS": "1",
        "FLINK_MEMORY_MB": "1984",
        "FLINK_PYTHON_MB": "256",
    }
    assert apps["gatherer"]["env"] == addresses | {
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9092",
        "TOPIC_PREFIX": "try.",
        "TOPIC_RETENTION_MS": "prices=604800000,signals=2592000000,dead_letter=2592000000",
        "TOPIC_ALLOW_RETENTION_DECREASE": "true",
        "JOB_NAME": "volatility.gatherer",
        "FLINK_PARALLELISM": "1",
        "FLINK_CHECKPOINT_SECONDS": "1",
        "GATHERER_WINDOWS": "10s=1s,1m=10s,10m=10s",
        "GATHERER_STATISTICS": "median,mad,realized_vol,ewma_vol,bollinger",
        "GATHERER_EWMA_HALF_LIFE_SECONDS": "60",
        "GATHERER_MAX_OUT_OF_ORDERNESS_SECONDS": "0.5",
        "GATHERER_MAX_CLOCK_SKEW_SECONDS": "60",
        "GATHERER_IDLE_TIMEOUT_SECONDS": "30",
        "GATHERER_DISCOVERY_INTERVAL_SECONDS": "5",
        "GATHERER_DELIVERY": "exactly-once",
        "SIGNALS": '{"regime": {"window": "10s", "high": 0.2, "low": 0.12}, '
        '"anomaly": {"window": "10s", "sigmas": 6.0}, '
        '"limit": {"window": "10m", "horizon_seconds": 300, "probability": 0.5}}',
    }


def test_a_custom_store_and_its_keys_as_secrets(settings_of: SettingsOf) -> None:
    store = (
        "{endpoint: http://minio:9000, path_style: true, access_key: volatility/a, secret_key: volatility/s}"
    )
    apps = definitions(settings_of("prod", f"flink.s3={store}"))
    for name in ("flink-jobmanager", "flink-taskmanager", "gatherer"):
        app = apps[name]
        assert app["env"]["FLINK_S3_ENDPOINT"] == "http://minio:9000"
        assert app["env"]["FLINK_S3_PATH_STYLE"] == "true"
        for variable, path in (
            ("AWS_ACCESS_KEY_ID", "volatility/a"),
            ("AWS_SECRET_ACCESS_KEY", "volatility/s"),
        ):
            assert app["secrets"][app["env"][variable]["secret"]] == {"source": path}
        assert list(Draft4Validator(SCHEMA).iter_errors(app)) == []
        assert list(findings(app)) == []
    assert "secrets" not in apps["data-generator"]
    assert apps["dashboard"]["secrets"] == {"flink-token": {"source": "volatility/flink-token"}}


def test_the_token_of_flink_as_a_file_on_the_agents(settings_of: SettingsOf) -> None:
    file = "flink.token={secret: null, file: /etc/flink-token}"
    mount = {"containerPath": "/etc/flink-token", "hostPath": "/etc/flink-token", "mode": "RO"}
    for image in ("null", "registry.example.com/volatility:1"):
        apps = definitions(settings_of("prod", file, f"image={image}"))
        for name in ("flink-jobmanager", "flink-taskmanager", "gatherer", "dashboard"):
            assert apps[name]["env"]["FLINK_TOKEN_FILE"] == "/etc/flink-token"
            assert "secrets" not in apps[name]
            assert image == "null" or apps[name]["container"]["volumes"] == [mount]
            assert list(Draft4Validator(SCHEMA).iter_errors(apps[name])) == []
        assert "FLINK_TOKEN_FILE" not in apps["data-generator"]["env"]


@pytest.mark.parametrize("slots", [1, 2, 5])
def test_a_taskmanager_starts_with_the_least_memory(slots: int, settings_of: SettingsOf) -> None:
    least = 1024 + 256 * slots
    overrides = (f"flink.taskmanager.slots={slots}", f"flink.taskmanager.mem={least}")
    env = definitions(settings_of("local", *overrides))["flink-taskmanager"]["env"]
    python = int(env["FLINK_PYTHON_MB"])
    assert taskmanager_memory(int(env["FLINK_MEMORY_MB"]), slots, python).heap >= 256
    with pytest.raises(SettingsError):  # and hardly with less
        taskmanager_memory(int(env["FLINK_MEMORY_MB"]) - 64, slots, python)


@pytest.mark.parametrize(
    ("positions", "more", "python_mem"),
    [
        (700, (), 256),
        (3000, ("flink.taskmanager.mem=4096",), 896),
        (3000, ("flink.taskmanager.mem=4096", "flink.taskmanager.slots=2", "flink.parallelism=2"), 512),
        (3000, ("gatherer.windows={10s: 10s, 1m: 10s, 10m: 10s}",), 256),
        (3000, ("flink.taskmanager.mem=4096", "flink.taskmanager.python_mem=300"), 300),
    ],
)
def test_python_has_memory_for_all_positions(
    positions: int, more: tuple[str, ...], python_mem: int, settings_of: SettingsOf
) -> None:
    symbols = ", ".join(f"P{number}" for number in range(positions))
    settings = settings_of("local", f"positions=[{symbols}]", *more)
    assert definitions(settings)["flink-taskmanager"]["env"]["FLINK_PYTHON_MB"] == str(python_mem)


def test_a_taskmanager_has_memory_for_all_slots_that_flink_may_fill_first(settings_of: SettingsOf) -> None:
    symbols = f"positions=[{', '.join(f'P{number}' for number in range(3000))}]"
    more = ("flink.taskmanager.instances=4", "flink.taskmanager.mem=9000")
    one, all_four = (
        heap_of_state(settings_of("local", symbols, *more, f"flink.parallelism={slots}")) for slots in (1, 4)
    )
    assert (one, all_four) == (576, 128)


def test_no_optional_statistics_at_all(settings_of: SettingsOf) -> None:
    env = definitions(settings_of("local", "gatherer.statistics=[]"))["gatherer"]["env"]
    assert env["GATHERER_STATISTICS"] == ""


def test_inputs_have_the_forms_that_the_gatherer_knows() -> None:
    fields = Input.model_fields
    assert get_args(fields["time"].annotation) == TIME_FORMS
    assert get_args(fields["symbol"].annotation) == SYMBOL_SOURCES
    assert fields.keys() == {"topic", "pattern", *DEFAULTS}
    assert Input(topic="prices").model_dump() == {"topic": "prices", "pattern": None, **DEFAULTS}


def test_inputs_of_others_are_passed_as_json_and_only_if_there_are_any(settings_of: SettingsOf) -> None:
    name = "GATHERER_INPUTS"
    apps = definitions(settings_of("local"))
    assert [app for app in apps if name in apps[app]["env"]] == []
    inputs = (
        "[{topic: prices, symbol: key}, {pattern: 'fx[.](?<symbol>.+)', symbol: topic, "
        "fields: {time: E, price: price}, time: epoch_ms, symbols: {EUR_USD: EURUSD}, non_positive: true}]"
    )
    apps = definitions(settings_of("local", f"gatherer.inputs={inputs}"))
    env = apps["gatherer"]["env"]
    assert apps["dashboard"]["env"][name] == env[name]
    assert read_inputs(env[name], Topics())
    assert json.loads(env[name]) == [
        {"topic": "prices"},
        {
            "pattern": "fx[.](?<symbol>.+)",
            "symbol": "topic",
            "fields": {"time": "E"},
            "time": "epoch_ms",
            "symbols": {"EUR_USD": "EURUSD"},
            "non_positive": True,
        },
    ]


def test_the_dashboard_reads_what_the_gatherer_writes_and_has_a_page_at_admin_router(
    settings_of: SettingsOf,
) -> None:
    apps = definitions(settings_of("local", "topics.prefix=try.", "group=/data/volatility"))
    dashboard, gatherer = apps["dashboard"], apps["gatherer"]
    shared = (
        "FLINK_TOKEN",
        "KAFKA_BOOTSTRAP_SERVERS",
        "TOPIC_PREFIX",
        "JOB_NAME",
        "FLINK_JOBMANAGER_REST",
        "GATHERER_WINDOWS",
        "GATHERER_STATISTICS",
        "SIGNALS",
    )
    flows = {"FLOWS", "FLOWS_LIVE_SECONDS", "PARTS", "STORES"}
    assert flows <= dashboard["env"].keys()
    assert {name: value for name, value in dashboard["env"].items() if name not in flows} == {
        name: gatherer["env"][name] for name in shared
    } | {
        "POSITIONS": "AAPL,AMZN,GOOG,MSFT,TSLA",
        "DASHBOARD_FRESH_SECONDS": "42.5",
        "DASHBOARD_HISTORY": "1800",
    }
    assert dashboard["labels"]["DCOS_SERVICE_NAME"] == "data-volatility-dashboard"
    assert dashboard["instances"] == 1
    assert "dashboard" not in definitions(settings_of("prod", "parts=[]"))


def test_the_page_knows_other_clusters_only_where_there_are_some(settings_of: SettingsOf) -> None:
    variables = {"CLUSTER_NAME", "CLUSTER_PAGES"}
    assert not variables & definitions(settings_of("prod"))["dashboard"]["env"].keys()
    assert (
        not variables & definitions(settings_of("prod", "dashboard.clusters={}"))["dashboard"]["env"].keys()
    )
    page = "https://dev.example.com/service/volatility-dashboard"
    more = ("dashboard.cluster=prod", f"dashboard.clusters={{dev: {page}}}")
    env = definitions(settings_of("prod", *more))["dashboard"]["env"]
    assert (env["CLUSTER_NAME"], json.loads(env["CLUSTER_PAGES"])) == ("prod", {"dev": f"{page}/"})


def test_without_a_seed_there_is_none(settings_of: SettingsOf) -> None:
    assert "GENERATOR_SEED" not in definitions(settings_of("prod"))["data-generator"]["env"]


def test_a_jobmanager_with_a_host_has_its_ports_and_no_vip(settings_of: SettingsOf) -> None:
    app = definitions(settings_of("local", "flink.jobmanager.rest_port=18081"))["flink-jobmanager"]
    assert app["requirePorts"] is True
    assert [(port["name"], port["port"]) for port in app["portDefinitions"]] == [
        ("rpc", 6123),
        ("rest", 18081),
    ]
    assert not any("labels" in port for port in app["portDefinitions"])


def test_a_jobmanager_without_a_host_is_reached_through_its_vip(settings_of: SettingsOf) -> None:
    apps = definitions(settings_of("prod", "group=/data/volatility"))
    manager = apps["flink-jobmanager"]
    assert manager["requirePorts"] is True
    assert [port["port"] for port in manager["portDefinitions"]] == [6123, 6125, 6124]
    assert [port["labels"] for port in manager["portDefinitions"]] == [
        {"VIP_0": "/data-volatility-flink-jobmanager:6123"},
        {"VIP_1": "/data-volatility-flink-jobmanager:6125"},
        {"VIP_2": "/data-volatility-flink-jobmanager:6124"},
    ]
    vip = "data-volatility-flink-jobmanager.marathon.l4lb.thisdcos.directory"
    assert apps["flink-taskmanager"]["env"]["FLINK_JOBMANAGER_RPC"] == f"{vip}:6123"
    assert apps["gatherer"]["env"]["FLINK_JOBMANAGER_REST"] == f"{vip}:6125"
    assert manager["labels"]["DCOS_SERVICE_NAME"] == "data-volatility-flink"


def test_singletons_never_run_twice(settings_of: SettingsOf) -> None:
    apps = definitions(settings_of("prod"))
    for name in ("flink-jobmanager", "gatherer", "data-generator"):
        assert apps[name]["upgradeStrategy"] == {"minimumHealthCapacity": 0, "maximumOverCapacity": 0}
    for name in ("flink-jobmanager", "gatherer"):
        assert apps[name]["labels"]["MARATHON_SINGLE_INSTANCE_APP"] == "true"
    assert apps["gatherer"]["taskKillGracePeriodSeconds"] == 60


def test_two_bundles_share_no_name(settings_of: SettingsOf) -> None:
    one = settings_of("prod")
    other = settings_of("prod", "group=/trial", "topics.prefix=trial.", "kafka.service=trial-kafka")
    pairs = zip(definitions(one).values(), definitions(other).values(), strict=True)
    for left, right in pairs:
        assert left["id"] != right["id"]
        for key in ("JOB_NAME", "FLINK_JOBMANAGER_RPC", "KAFKA_BOOTSTRAP_SERVERS", "TOPIC_PREFIX"):
            assert left["env"].get(key) is None or left["env"][key] != right["env"][key]
    names = (one.names, other.names)
    for field in ("job", "flink_service", "jobmanager_vip"):
        assert len({getattr(name, field) for name in names}) == 2


@pytest.mark.parametrize(
    ("overrides", "servers"),
    [
        ((), "broker.kafka.l4lb.thisdcos.directory:9092"),
        (("kafka.service=/data/my.kafka",), "broker.datamy.kafka.l4lb.thisdcos.directory:9092"),
        (("kafka.host=10.0.0.1", "kafka.port=9094"), "10.0.0.1:9094"),
        (('kafka.bootstrap_servers="a:1,b:2"',), "a:1,b:2"),
    ],
)
def test_where_clients_find_kafka(overrides: tuple[str, ...], servers: str, settings_of: SettingsOf) -> None:
    assert settings_of("prod", *overrides).names.bootstrap_servers == servers


def test_kafka_package(settings_of: SettingsOf) -> None:
    package = render(settings_of("prod")).packages["kafka"]
    assert (package.name, package.version) == ("kafka", "2.10.0-2.4.0")
    assert package.options["service"] == {"name": "kafka"}
    assert package.options["brokers"]["count"] == 3
    assert package.options["kafka"]["transaction_state_log_min_isr"] == 2


def test_kafka_options_are_laid_over_ours(settings_of: SettingsOf) -> None:
    settings = settings_of("local", "kafka.options={service: {user: kafka}, brokers: {heap: {size: 300}}}")
    options = render(settings).packages["kafka"].options
    assert options["service"] == {"name": "kafka", "user": "kafka"}
    assert options["brokers"]["heap"] == {"size": 300}
    assert options["brokers"]["port"] == 9092
    # One broker can hold one replica, of Kafka's own topics too.
    replicas = [value for key, value in options["kafka"].items() if key.endswith("replication_factor")]
    assert replicas == [1, 1, 1]


def test_text_from_settings_cannot_break_out_of_its_location(settings_of: SettingsOf) -> None:
    hostile = 'py"}, "cmd": "\n\t\\x02 {{ 7*7 }} é 🐍 </script>'
    settings = settings_of("local", f"python={json.dumps(hostile, ensure_ascii=False)}")
    for app in definitions(settings).values():
        assert app["args"][0] == hostile
        assert "cmd" not in app


def test_a_kind_of_signal_is_off_when_it_is_null(settings_of: SettingsOf) -> None:
    settings = settings_of("local", "signals.regime=null", "signals.limit=null", "gatherer.windows.1m=null")
    for app in ("gatherer", "dashboard"):
        signals = definitions(settings)[app]["env"]["SIGNALS"]
        assert signals == '{"anomaly": {"window": "10s", "sigmas": 6.0}}'


def test_the_signal_gap_is_switched_on_by_its_settings(settings_of: SettingsOf) -> None:
    settings = settings_of("local", "signals.gap={window: 1m, after: 5500ms}")
    signals = json.loads(definitions(settings)["gatherer"]["env"]["SIGNALS"])
    assert signals["gap"] == {"window": "1m", "after_seconds": 5.5}
    assert list(signals) == ["regime", "anomaly", "limit", "gap"]


def test_a_cluster_file_can_be_copied(copy: Path) -> None:
    prod = (copy / "clusters" / "prod.yaml").read_text()
    (state,) = (line for line in prod.splitlines() if line.startswith("  state: "))
    text = prod.replace(state, "  state: s3://bucket/flink")
    (copy / "clusters" / "mine.yaml").write_text(text)
    assert load_settings("mine", package=copy).flink.state == "s3://bucket/flink"
