"""One-off jobs: what their files declare, how they are rendered, and what is wrong with them."""

import pytest

from marathon.bundle import render
from marathon.errors import BundleError
from marathon.paths import PACKAGE
from marathon.requirements import missing_room

PRICES = "jobs/produce-prices"


@pytest.mark.parametrize("cluster", ["local", "dev", "prod"])
def test_every_job_renders_on_every_cluster(settings_of, cluster):
    bundle = render(settings_of(cluster))
    assert set(bundle.jobs) == {file.stem for file in (PACKAGE / "jobs").glob("*.yaml")}
    for name, job in bundle.jobs.items():
        assert job.id == f"volatility.{name}"
        assert job.definition["labels"] == {"pipectl.bundle": "/volatility"}
        assert job.definition["run"]["restart"] == {"policy": "NEVER"}


def test_a_job_has_the_settings_the_image_and_the_prefix(settings_of):
    settings = settings_of(
        "prod",
        "image=x:1",
        "group=/data/vol",
        "topics.prefix=t.",
        "sources.prices.count=7",
        "sources.prices.mem=99",
    )
    job = render(settings).jobs["produce-prices"]
    run = job.definition["run"]
    assert (job.id, job.topics) == ("data.vol.produce-prices", ("t.prices",))
    assert run["docker"] == {"image": "x:1", "forcePullImage": False}
    assert (run["mem"], run["env"]["COUNT"], run["env"]["TOPIC"]) == (99, "7", "t.prices")
    assert "SEED" not in run["env"]
    assert (
        render(settings_of("local", "sources.prices.seed=3"))
        .jobs["produce-prices"]
        .definition["run"]["env"]["SEED"]
        == "3"
    )


def test_what_needs_spark_runs_in_the_image_with_spark(settings_of):
    overrides = ("image=x:1", "stores.disk=/mnt/results", "spark.standalone.enabled=true", "spark.secret=s")
    parts = ("dashboard", "spark", "cassandra")
    for given, image in (("null", "x:1"), ("x-spark:1", "x-spark:1")):
        bundle = render(settings_of("prod", *overrides, f"spark.image={given}"), with_parts=parts)
        apps = {
            name: (app.definition["container"]["docker"]["image"], app.definition["args"])
            for name, app in bundle.apps.items()
        }
        jobs = {
            name: (job.definition["run"]["docker"]["image"], job.definition["run"]["args"])
            for name, job in bundle.jobs.items()
        }
        found = [*apps.values(), *jobs.values()]
        assert {used for used, args in found if "spark_jobs" in args} == {image}
        assert {used for used, args in found if "spark_jobs" not in args} == {"x:1"}
        assert sum("spark_jobs" in args for _, args in found) == 10


def test_apps_and_jobs_share_a_standalone_cluster(settings_of):
    overrides = ("stores.disk=/mnt/results", "spark.secret=s", "spark.standalone.enabled=true")
    bundle = render(settings_of("prod", *overrides), with_parts=("spark",))
    variables = [bundle.apps["stream-to-disk"].definition["env"]]
    variables += [
        bundle.jobs[name].definition["run"]["env"] for name in ("prices-report", "census-statistics")
    ]
    assert {each["SPARK_APP_CORES"] for each in variables} == {"1"}
    assert {each["SPARK_APP_MEMORY_MB"] for each in variables} == {"1024"}
    alone = render(settings_of("prod", *overrides[:2]), with_parts=("spark",))
    assert "SPARK_APP_CORES" not in alone.apps["stream-to-disk"].definition["env"]
    worker = bundle.apps["spark-worker"].definition["env"]
    assert (worker["SPARK_CORES"], worker["SPARK_MEMORY_MB"]) == ("2", "2048")
    assert "SPARK_APP_CORES" not in worker


def test_a_standalone_cluster_has_room_for_the_apps_and_a_job(settings_of):
    overrides = ("spark.standalone.enabled=true", "spark.standalone.workers=1")
    settings = settings_of("prod", *overrides)
    assert [*missing_room(settings, ["spark-worker", "stream-to-disk"])] == []
    (found,) = missing_room(settings, ["stream-to-disk", "stream-to-cassandra"])
    assert found.message == (
        "the workers of Spark have room for 2 executors; stream-to-disk, stream-to-cassandra and a job need 3"
    )
    assert [*missing_room(settings_of("prod"), ["stream-to-disk"])] == []
    # Three executors of two cores fit into three workers, but no two of them into one.
    large = settings_of("prod", *overrides[:1], "spark.standalone.workers=3", "spark.standalone.app_cores=2")
    assert large.spark.standalone.room == 3


def test_who_uses_several_stores_has_the_login_of_each(settings_of):
    paths = ("cassandra.password=c/password", "mysql.password=m/password", "mysql.ca=m/ca")
    overrides = ("stores.disk=/mnt/results", "notebooks.folder=/mnt/notebooks", "mysql.host=db", *paths)
    bundle = render(settings_of("prod", *overrides), with_parts=("spark", "cassandra", "mysql", "notebooks"))
    census, notebooks = bundle.jobs["census-statistics"], bundle.apps["notebooks"]
    for definition, variables in (
        (census.definition, census.definition["run"]["env"]),
        (notebooks.definition, notebooks.definition["env"]),
    ):
        stores = variables.get("STORE") or variables["STORES"]
        assert all(scheme in stores for scheme in ("disk:", "cassandra:", "mysql:")), stores
        declared = (definition.get("run") or definition)["secrets"]
        for variable, path in (
            ("CASSANDRA_PASSWORD", "c/password"), ("MYSQL_PASSWORD", "m/password"), ("MYSQL_CA", "m/ca"),
        ):  # fmt: skip
            assert declared[variables[variable]["secret"]] == {"source": path}


def test_the_report_has_half_of_its_memory_for_the_driver(settings_of):
    run = render(settings_of("local", "topics.prefix=t.", "spark.report.mem=2048")).jobs["prices-report"]
    args, env = run.definition["run"]["args"], run.definition["run"]["env"]
    form = ["--method", "both", "-o", "table"]
    assert args[1:] == ["-m", "spark_jobs", "report", "--topic", "t.prices", *form]
    assert (env["SPARK_MASTER"], env["SPARK_DRIVER_MEMORY"]) == ("local[*]", "1024m")
    assert "SPARK_SECRET_FILE" not in env
    cluster = settings_of("prod", "spark.master=spark://h:7077", "spark.secret_file=/etc/spark")
    env = render(cluster).jobs["prices-report"].definition["run"]["env"]
    assert (env["SPARK_MASTER"], env["SPARK_SECRET_FILE"]) == ("spark://h:7077", "/etc/spark")
    for name in ("prices-report", "census-statistics"):
        volumes = render(cluster).jobs[name].definition["run"]["volumes"]
        assert {"containerPath": "/etc/spark", "hostPath": "/etc/spark", "mode": "RO"} in volumes
    with pytest.raises(BundleError, match=r"spark\.master"):
        settings_of("local", "spark.master=yarn")


def test_the_report_reads_the_store_on_disk_if_set(settings_of):
    overrides = ("spark.report={source: disk, output: json, method: hampel}", "stores.disk=/mnt/results")
    run = render(settings_of("prod", *overrides, "spark.secret_file=/etc/spark")).jobs["prices-report"]
    args, env = run.definition["run"]["args"], run.definition["run"]["env"]
    assert args[3:] == ["report", "--from", "disk", "--method", "hampel", "-o", "json"]
    assert env["STORE"] == "disk:/mnt/results"
    assert [each["hostPath"] for each in run.definition["run"]["volumes"]] == ["/etc/spark", "/mnt/results"]
    assert "STORE" not in render(settings_of("local")).jobs["prices-report"].definition["run"]["env"]
    with pytest.raises(BundleError, match=r"spark\.report\.source: must be one of"):
        settings_of("local", "spark.report.source=cassandra")


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        (
            f"{PRICES}.yaml",
            "[kafka]",
            "[kafkaa]",
            'produce-prices.yaml:2: depends_on[0]: no component kafkaa; did you mean "kafka"?',
        ),
        (
            f"{PRICES}.yaml",
            "topics:",
            "part: dashbord\ntopics:",
            "produce-prices.yaml:3: part: no part dashbord",
        ),
        (
            f"{PRICES}.yaml",
            "topics:",
            "part: sink.prat\ntopics:",
            "produce-prices.yaml:3: part: no setting sink.prat",
        ),
        (f"{PRICES}.yaml", "description", "descriptio", "descriptio: unknown key"),
        (f"{PRICES}.yaml", "[prices]", "[a/b]", "produce-prices.yaml:3: topics[0]"),
        (f"{PRICES}.yaml", "depends_on: [kafka]\n", "", "produce-prices.yaml:1: depends_on: is required"),
        (f"{PRICES}.json.j2", "job.topics.prices", "job.topics.price", "produce-prices.json.j2:6"),
        (
            f"{PRICES}.json.j2",
            "names.bootstrap_servers | tojson",
            "sources.prices.count | tojson",
            "run.env.KAFKA_BOOTSTRAP_SERVERS",
        ),
        ("jobs/base.j2", '"disk": 0', '"dsk": 0', 'unknown to Metronome; did you mean "disk"?'),
        (
            "jobs/base.j2",
            '"maxLaunchDelay": 600',
            '"maxLaunchDelay": "600"',
            "run.maxLaunchDelay: '600' is not of type 'integer'",
        ),
        ("jobs/base.j2", '"args": ', '"cmd": "true", "args": ', "run: needs either cmd or args"),
    ],
)
def test_a_mistake_is_named_with_its_place(copy, settings_of, file, old, new, message):
    text = (copy / file).read_text()
    assert old in text
    (copy / file).write_text(text.replace(old, new, 1))
    with pytest.raises(BundleError) as caught:
        render(settings_of(), package=copy)
    assert message in str(caught.value)


def test_a_template_without_a_file_and_a_file_without_a_template_are_mistakes(copy, settings_of):
    (copy / f"{PRICES}.yaml").rename(copy / "jobs/other.yaml")
    with pytest.raises(BundleError) as caught:
        render(settings_of(), package=copy)
    told = str(caught.value)
    assert "produce-prices.json.j2: has no job file" in told
    assert "other.json.j2: no such file" in told


def test_the_schema_takes_what_metronome_shows_as_an_example():
    from marathon.app_schema import METRONOME, schema_errors, unknown_keys

    # After the example of a job in Metronome's documentation, https://dcos.github.io/metronome.
    run = {
        "cmd": "nuke --dry --master local",
        "cpus": 1.5,
        "mem": 32,
        "disk": 128,
        "docker": {"image": "foo/bla:test"},
        "env": {"MON": "test", "KEY": {"secret": "secret0"}},
        "maxLaunchDelay": 3600,
        "restart": {"activeDeadlineSeconds": 120, "policy": "NEVER"},
        "secrets": {"secret0": {"source": "a/b"}},
        "user": "root",
        "volumes": [{"containerPath": "/mnt/test", "hostPath": "/etc/guest", "mode": "RW"}],
    }
    example = {
        "description": "Example",
        "id": "prod.example.app",
        "labels": {"location": "olympus"},
        "run": run,
    }
    assert list(unknown_keys(example, METRONOME)) == list(schema_errors(example, METRONOME)) == []
    for path, value in (("id", "Prod"), ("id", "a..b"), ("run", {**run, "mem": 16})):
        assert list(schema_errors({**example, path: value}, METRONOME))
