"""`pipectl run` and `pipectl jobs`, on the engine in memory, and on the embedded cluster where it matters."""

import json
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cli import job_watch
from cli.__main__ import pipectl
from cli.engine.dcos.engine import DcosEngine
from cli.engine.dcos.jobs import job_of
from cli.engine.memory import MemoryEngine
from cli.engine.protocol import JobManifest, JobRun
from cli.errors import Interrupted
from cli.job_watch import watch

JOB = "volatility.produce-prices"
DECLARED = ["prices-report", "produce-prices"]


@pytest.fixture
def engine(monkeypatch) -> MemoryEngine:
    """The engine of every session, with Kafka installed."""
    engine = MemoryEngine()
    engine.packages.install("kafka", "2.10.0-2.4.0", "kafka", {})
    monkeypatch.setattr("cli.session.connect", lambda *_, **__: engine)
    monkeypatch.setattr(job_watch, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(job_watch, "LAST_LINES_SECONDS", 0.05)
    return engine


def run(*args: str) -> Result:
    return CliRunner().invoke(pipectl, [*args, "--cluster", "prod"])


def active(number: int = 0) -> JobRun:
    return JobRun(f"run-{number}", JOB, datetime.now(UTC), None, None)


def test_a_job_is_run_and_its_output_shown(engine):
    engine.jobs.outcomes[JOB] = (0, "5000 prices\n", "writing\n")
    done = run("run", "produce-prices")
    assert (done.exit_code, done.stdout) == (0, "5000 prices\n")
    assert "writing\n" in done.stderr
    assert "produce-prices succeeded after" in done.stderr
    assert engine.kafka.specs.keys() == {"prices"}
    assert engine.kafka.specs["prices"].replication == 3
    # Its topic is there by now.
    assert run("run", "produce-prices").exit_code == 0
    assert len(engine.jobs.started[JOB]) == 2


@pytest.mark.parametrize(("code", "ends"), [(7, 7), (None, 1), (0, 1)])
def test_a_job_that_fails_gives_its_exit_code(engine, code, ends):
    engine.jobs.outcomes[JOB] = (code, "", "a reason\n")
    if code == 0:
        # Killed after its command had ended well: no success.
        engine.jobs.start = lambda _: ended_badly(engine)
    done = run("run", "produce-prices")
    assert done.exit_code == ends
    assert "a reason\n" in done.stderr
    assert "failed" in done.stderr


def ended_badly(engine: MemoryEngine) -> JobRun:
    failed = replace(active(), ended_at=datetime.now(UTC), succeeded=False)
    engine.jobs.started[JOB].append(failed)
    return failed


SINK = "volatility.sink"


def test_a_sink_goes_from_a_source_to_a_target(engine):
    engine.jobs.outcomes[SINK] = (0, "", "")
    on = ("--set", "parts=[mysql]", "--set", "mysql.password=volatility/mysql-password")
    assert run("run", "sink", "--from", "signals", "--to", "mysql", *on).exit_code == 0
    env = engine.jobs.all()[SINK].observed["run"]["env"]
    assert env["SOURCES"] == "signals"
    assert env["STORE"] == "mysql:volatility-mysql.marathon.l4lb.thisdcos.directory:3306/volatility"
    assert env["GROUP"] == "volatility.sink-to-mysql"
    assert env["MYSQL_PASSWORD"] == {"secret": "mysql-password"}

    replayed = ("--from", "replay", "--to", "hdfs", "--set", "parts=[hdfs]")
    assert run("run", "sink", *replayed).exit_code == 0
    env = engine.jobs.all()[SINK].observed["run"]["env"]
    assert env["SOURCES"] == "replay"
    nodes = ",".join(f"name-{number}-node.hdfs.autoip.dcos.thisdcos.directory" for number in (0, 1))
    assert env["STORE"] == f"hdfs:{nodes}:9002/user/pipectl/volatility"

    off = run("run", "sink", "--to", "mysql")
    assert off.exit_code == 2 and "belongs to the part mysql, which is disabled" in off.stderr
    other = run("run", "produce-prices", "--to", "mysql")
    assert other.exit_code == 2 and "only the job sink has --from and --to" in other.stderr
    for target, said in (("webhook", "needs webhook.url"), ("disk", "needs stores.disk")):
        nowhere = run("run", "sink", "--to", target)
        assert nowhere.exit_code == 2 and said in nowhere.stderr
    unknown = run("run", "sink", "--to", "paper")
    assert unknown.exit_code == 2 and "sink.target: must be one of" in unknown.stderr


def test_a_question_goes_to_the_store_that_is_set(engine):
    job = "volatility.query-limits-reached"
    engine.jobs.outcomes[job] = (0, "", "")
    on = ("--set", "parts=[hdfs]", "--set", "spark.queries={store: hdfs, output: json}")
    assert run("run", "query-limits-reached", *on).exit_code == 0
    found = engine.jobs.all()[job].observed["run"]
    assert found["args"][-5:] == ["spark_jobs", "query", "limits-reached", "-o", "json"]
    assert found["env"]["STORE"].endswith(":9002/user/pipectl/volatility")
    off = run("run", "query-limits-reached", "--set", "spark.queries.store=mysql")
    assert off.exit_code == 2 and "belongs to the part mysql, which is disabled" in off.stderr
    nowhere = run("run", "query-limits-reached")
    assert nowhere.exit_code == 2 and "needs stores.disk" in nowhere.stderr


def test_the_report_reads_the_topic_or_the_store_on_disk_and_prints_json(engine):
    job = "volatility.prices-report"
    engine.jobs.outcomes[job] = (0, '{"messages": 5000}\n', "")
    json_too = ("--set", "spark.report.output=json")
    assert json.loads(run("run", "prices-report", *json_too).stdout) == {"messages": 5000}
    found = engine.jobs.all()[job].observed["run"]
    assert found["args"][3:] == ["report", "--topic", "prices", "--method", "both", "-o", "json"]
    disk = ("--set", "spark.report.source=disk")
    assert run("run", "prices-report", *disk, "--set", "stores.disk=/mnt/results").exit_code == 0
    found = engine.jobs.all()[job].observed["run"]
    assert found["args"][3:6] == ["report", "--from", "disk"]
    assert found["env"]["STORE"] == "disk:/mnt/results"
    nowhere = run("run", "prices-report", *disk)
    assert nowhere.exit_code == 2 and "needs stores.disk" in nowhere.stderr


def test_the_outcome_as_json(engine):
    engine.jobs.outcomes[JOB] = (3, "one\ntwo\n", "why\n")
    done = run("run", "produce-prices", "-o", "json")
    assert done.exit_code == 3
    told = json.loads(done.stdout)
    assert told == {
        "job": "produce-prices",
        "run": "run-0",
        "status": "failed",
        "exit_code": 3,
        "stdout": ["one", "two"],
        "stderr": ["why"],
    }


def test_a_run_in_progress_is_followed_and_no_other_is_started(engine):
    run("run", "produce-prices")
    going = active(1)
    engine.jobs.started[JOB].append(going)
    state = engine.jobs.state

    def ends_at_the_second_look(one: JobRun) -> JobRun:
        seen = state(one)
        engine.jobs.stop(going)
        return seen

    engine.jobs.state = ends_at_the_second_look
    done = run("run", "produce-prices")
    assert "run-1 is active: following it" in done.stderr
    assert len(engine.jobs.started[JOB]) == 2
    assert done.exit_code == 1


def test_a_run_with_other_settings_is_not_taken_for_this_one(engine):
    run("run", "produce-prices")
    engine.jobs.started[JOB].append(active(1))
    done = run("run", "produce-prices", "--set", "sources.prices.count=1")
    assert done.exit_code == 1
    assert "other settings" in done.stderr
    assert "pipectl jobs stop produce-prices --cluster prod" in done.stderr


@pytest.mark.parametrize("when", ["start", "state"])
def test_ctrl_c_reports_that_the_run_continues(engine, when):
    def interrupted(_):
        raise KeyboardInterrupt

    setattr(engine.jobs, when, interrupted)
    done = run("run", "produce-prices")
    assert done.exit_code == 130
    assert "the run of produce-prices continues" in done.stderr
    assert "`pipectl jobs stop produce-prices --cluster prod` ends it" in done.stderr


def test_what_is_missing_is_said(engine):
    unknown = run("run", "produce-price")
    assert unknown.exit_code == 2
    assert "did you mean produce-prices?" in unknown.stderr
    engine.packages.services.clear()
    done = run("run", "produce-prices")
    assert done.exit_code == 4
    assert "needs kafka, which is absent" in done.stderr
    assert "pipectl deploy --cluster prod" in done.stderr
    assert engine.jobs.all() == {}


def test_a_job_of_others_is_left_alone(engine):
    engine.jobs.put(JobManifest(JOB, {}, {"id": JOB}))
    done = run("run", "produce-prices")
    assert done.exit_code == 1
    assert "does not belong to this bundle" in done.stderr
    assert "produce-prices" not in engine.jobs.started[JOB]


def test_jobs_are_listed_with_their_last_runs(engine):
    assert {row["last_run"] for row in listed().values()} == {"never"}
    run("run", "produce-prices")
    row = listed()["produce-prices"]
    assert (row["last_run"], row["part"]) == ("succeeded", None)
    engine.jobs.outcomes[JOB] = (1, "", "")
    run("run", "produce-prices")
    assert listed()["produce-prices"]["last_run"] == "failed"
    engine.jobs.started[JOB].append(active(2))
    assert listed()["produce-prices"]["last_run"] == "running"
    assert "produce-prices" in run("jobs").stdout
    declared = listed().keys()
    engine.jobs.put(JobManifest("volatility.old", {"pipectl.bundle": "/volatility"}, {}))
    engine.jobs.put(JobManifest("other.job", {"pipectl.bundle": "/other"}, {}))
    assert listed().keys() - declared == {"volatility.old"}


def listed() -> dict[str, dict[str, Any]]:
    return {row["job"]: row for row in json.loads(run("jobs", "-o", "json").stdout)}


@pytest.mark.parametrize("verb", [("jobs", "stop", "produce-prices"), ("topics", "show", "prices")])
def test_options_before_a_subcommand_are_refused_and_not_lost(engine, verb):
    done = CliRunner().invoke(pipectl, [verb[0], "--cluster", "prod", *verb[1:]])
    assert done.exit_code == 2
    assert f"write it after `{verb[1]}`" in done.stderr


def test_runs_of_a_job_that_only_an_earlier_bundle_had_are_stopped(engine):
    engine.jobs.put(JobManifest("volatility.old", {"pipectl.bundle": "/volatility"}, {}))
    engine.jobs.started["volatility.old"].append(replace(active(0), job_id="volatility.old"))
    assert "Stopped run-0." in run("jobs", "stop", "volatility.old").stdout
    engine.jobs.put(JobManifest("other.job", {"pipectl.bundle": "/other"}, {}))
    refused = run("jobs", "stop", "other.job")
    assert refused.exit_code == 2
    assert "volatility.old" in refused.stderr and "other.job," not in refused.stderr


def test_runs_are_stopped(engine):
    assert CliRunner().invoke(pipectl, ["jobs", "stop", "none", "--cluster", "prod"]).exit_code == 2
    assert "No run is active" in run("jobs", "stop", "produce-prices").stdout
    run("run", "produce-prices")
    engine.jobs.started[JOB].append(active(1))
    assert "Stopped run-1." in run("jobs", "stop", "produce-prices").stdout
    assert engine.jobs.all()[JOB].active == []


class Growing:
    """A log that is another one at each look, of a run that ends at the last look."""

    def __init__(self, *looks: list[str]) -> None:
        self.looks, self.at = looks, 0

    def state(self, run: JobRun) -> JobRun:
        if self.at < len(self.looks) - 1:
            return run
        return replace(run, ended_at=run.started_at, succeeded=True)

    def output(self, run: JobRun, stream: str) -> list[str]:
        if stream == "stderr":
            self.at = min(self.at + 1, len(self.looks) - 1)
            return []
        return self.looks[self.at]

    def exit_code(self, run: JobRun) -> int:
        return 0


@pytest.mark.parametrize(
    "looks",
    [
        ([], ["a"], ["a", "b"], ["a", "b", "c"]),
        (["a", "b"], ["a", "b", "c"], ["a", "b", "c"]),
        (["a", "b", "c"],),
        # Lines that are not whole when they are looked at.
        (["a", "b"], ["a", "b", "c"]),
        (["a", ""], ["a", "b"], ["a", "b", "c"]),
        # A last line that stays is shown.
        (["a", "b"], ["a", "b"], ["a", "b"], ["a", "b", "c"]),
    ],
)
def test_each_line_is_printed_once_and_whole(capsys, monkeypatch, looks):
    monkeypatch.setattr(job_watch, "POLL_SECONDS", 0.0)
    outcome = watch(Growing(*looks), active(), threading.Event())
    assert capsys.readouterr().out == "a\nb\nc\n"
    assert list(outcome.stdout) == ["a", "b", "c"]


def test_a_long_output_is_read_rarely(monkeypatch):
    monkeypatch.setattr(job_watch, "POLL_SECONDS", 0.0)
    clock = iter(range(0, 1000, 2))  # every read takes 2 s
    monkeypatch.setattr("cli.job_watch.time.monotonic", lambda: next(clock))
    waited = []

    class Stop(threading.Event):
        def wait(self, timeout=None):
            waited.append(timeout)
            return False

    watch(Growing([], ["a"], ["a", "b"]), active(), Stop())
    assert waited == [18, 18]


def test_stopping_ends_the_watch_and_not_the_run():
    stop = threading.Event()
    stop.set()
    with pytest.raises(Interrupted):
        watch(Growing([], []), active(), stop)


def manifest(group: str, code: str, **more) -> JobManifest:
    labels = {"pipectl.bundle": group}
    args = [sys.executable, "-c", code]
    run = {
        "args": args,
        "cpus": 0.1,
        "mem": 32,
        "disk": 0,
        "env": {},
        "maxLaunchDelay": 600,
        "restart": {"policy": "NEVER"},
        **more,
    }
    return JobManifest(f"{group[1:]}.j", labels, {"id": f"{group[1:]}.j", "labels": labels, "run": run})


def test_the_engine_dcos_runs_a_job(cluster: DcosEngine, capfd):
    jobs, wanted = cluster.jobs, manifest("/once", "import sys; print('out'); print('err', file=sys.stderr)")
    assert wanted.id not in jobs.all()
    jobs.put(wanted)
    assert jobs.differences(wanted, jobs.all()[wanted.id]) == []
    assert jobs.all()[wanted.id].owner == "/once"
    outcome = watch(jobs, jobs.start(wanted.id), threading.Event())
    assert (outcome.exit_code, outcome.stdout, outcome.stderr) == (0, ["out"], ["err"])
    other = manifest("/once", "raise SystemExit(5)", env={"A": "1"})
    assert '+      "A": "1"' in jobs.differences(other, jobs.all()[wanted.id])
    jobs.put(other)
    outcome = watch(jobs, jobs.start(wanted.id), threading.Event())
    assert (outcome.exit_code, outcome.code) == (5, 5)
    assert (jobs.all()[wanted.id].failed_at or 0) > jobs.all()[wanted.id].succeeded_at
    jobs.remove(wanted.id)
    assert wanted.id not in jobs.all()
    assert jobs.state(outcome.run).succeeded is False


def test_the_engine_dcos_stops_a_run(cluster: DcosEngine):
    jobs, wanted = cluster.jobs, manifest("/stopped", "import time; time.sleep(1000)")
    jobs.put(wanted)
    started = jobs.start(wanted.id)
    assert [one.id for one in jobs.all()[wanted.id].active] == [started.id]
    jobs.stop(started)
    outcome = watch(jobs, started, threading.Event())
    assert outcome.exit_code != 0
    assert outcome.run.ended_at is not None
    jobs.stop(started)
    jobs.remove(wanted.id)


def test_an_answer_that_was_lost_starts_no_second_run(cluster: DcosEngine, monkeypatch):
    jobs, wanted = cluster.jobs, manifest("/lost", "import time; time.sleep(1000)")
    jobs.put(wanted)
    execute = type(cluster.dcos)._execute

    def lossy(self, args, stdin, limit):
        code, stdout, stderr = execute(self, args, stdin, limit)
        return (1, "", "URL is unreachable.") if args[:2] == ["job", "run"] else (code, stdout, stderr)

    monkeypatch.setattr(type(cluster.dcos), "_execute", lossy)
    started = jobs.start(wanted.id)
    assert [one.id for one in jobs.all()[wanted.id].active] == [started.id]
    jobs.remove(wanted.id)


def test_the_end_of_a_run_may_be_noted_late(cluster: DcosEngine, monkeypatch):
    """As Metronome does it, which the embedded cluster does not."""
    jobs, wanted = cluster.jobs, manifest("/late", "print(1)")
    jobs.put(wanted)
    started = watch(jobs, jobs.start(wanted.id), threading.Event()).run
    monkeypatch.setattr("cli.engine.dcos.jobs.HISTORY_SECONDS", 0.01)
    noted, looks = jobs._ended, []

    def late(job_id: str):
        looks.append(job_id)
        return noted(job_id) if len(looks) > 2 else []

    monkeypatch.setattr(jobs, "_ended", late)
    assert jobs.state(started).succeeded is True
    assert len(looks) == 3
    jobs.remove(wanted.id)


def test_mesos_own_lines_are_read_and_not_shown(cluster: DcosEngine, monkeypatch):
    """As an agent of DC/OS writes them, which the embedded cluster does not."""
    lines = [
        "I0715 13:02:59.735000    15 exec.cpp:162] Version: 1.5.0",
        "its own line",
        "I0715 13:03:00.100000    17 executor.cpp:1008] Command exited with status 9 (pid: 18)",
    ]
    monkeypatch.setattr(type(cluster.dcos), "run", lambda *_, **__: "\n".join(lines) + "\n")
    assert cluster.jobs.output(active(), "stderr") == ["its own line"]
    assert cluster.jobs.exit_code(active()) == 9


def test_a_job_as_metronome_shows_it():
    """The example in Metronome's documentation of a job with its runs."""
    shown = {
        "id": "prod.example",
        "labels": {},
        "activeRuns": [
            {"completedAt": None, "createdAt": "2016-07-15T13:02:59.735+0000", "id": "20160715130259A34HX",
             "jobId": "prod.example", "status": "STARTING", "tasks": []},
        ],
        "historySummary": {"successCount": 1, "failureCount": 0, "lastFailureAt": None,
                           "lastSuccessAt": "2016-07-14T09:58:24.372+0000"},
    }  # fmt: skip
    job = job_of(shown)
    assert (job.owner, job.failed_at, [run.id for run in job.active]) == (None, None, ["20160715130259A34HX"])
    assert job.succeeded_at == datetime(2016, 7, 14, 9, 58, 24, 372000, UTC)
