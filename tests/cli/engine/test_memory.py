"""Steps on the in-memory engine, without a cluster or `dcos`."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cli.engine.dcos.engine import DcosEngine
from cli.engine.dcos.runner import Dcos
from cli.engine.memory import MemoryEngine
from cli.engine.protocol import OWNER, Engine, Failure, Manifest, newest_task
from cli.errors import AlreadyExists, NotFound, StepFailed, Superseded, WaitTimeout
from cli.last_failure import LastFailure, last_failure
from cli.planning import Plan, plan_of
from cli.progress import Progress
from cli.rollout import carry_out
from cli.session import Session
from cli.steps.app import AppStep
from cli.steps.base import Report
from cli.steps.orphan import orphans_of

APP = Manifest("/b/x", {OWNER: "/b"}, 2, {"A": "1"}, {"image": "x:1"})


def step(engine: Engine, manifest: Manifest = APP, *, adopt: bool = False) -> AppStep:
    limit = timedelta(seconds=0.01)
    return AppStep("x", manifest, engine, depends_on=frozenset(), timeout=limit, adopt=adopt)


def bring_up(one: AppStep) -> None:
    one.apply(one.plan())
    one.wait(str, threading.Event())


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> MemoryEngine:
    monkeypatch.setattr("cli.steps.base.POLL_SECONDS", 0.0)
    # A task that has just started is not watched for long: nothing falls here by itself.
    monkeypatch.setattr("cli.steps.app.TRUSTED_AFTER", timedelta(0))
    return MemoryEngine()


def test_an_app_is_created_updated_and_unchanged(engine: MemoryEngine) -> None:
    bring_up(step(engine))
    assert step(engine).plan().action == "unchanged"
    changed = step(engine, replace(APP, document={"image": "x:2"}))
    assert '+    "image": "x:2"' in changed.plan().diff
    bring_up(changed)
    assert changed.plan().action == "unchanged"
    assert changed.restore(str, threading.Event()) == "x restored"
    assert step(engine).plan().action == "unchanged"


def test_a_rollout_that_does_not_end_is_waited_for_and_named(engine: MemoryEngine) -> None:
    bring_up(step(engine))
    engine.put(engine.apps()[APP.id], rolling_out=True, healthy=1)
    assert step(engine).state().state == "deploying"
    with pytest.raises(WaitTimeout, match="last seen: 1/2 healthy"):
        step(engine).wait(str, threading.Event())


def test_a_task_of_an_older_definition_is_not_ready(engine: MemoryEngine) -> None:
    bring_up(step(engine))
    app = engine.apps()[APP.id]
    tasks = engine.tasks(APP.id)
    engine.tasks = lambda app_id: tasks  # type: ignore[method-assign]
    engine.put(app, revised_at=app.revised_at + timedelta(seconds=1))
    assert "older version" in step(engine).state().detail


def test_an_app_that_keeps_failing_ends_the_wait(engine: MemoryEngine) -> None:
    engine.create(APP)
    engine.put(engine.apps()[APP.id], running=0, healthy=0)
    engine.printed["t", "stderr"] = "the reason\n"
    began = datetime.now(UTC)
    failures = (Failure(began + timedelta(seconds=n), "t", "FAILED", "") for n in range(9))
    engine.last_failure = lambda app_id: next(failures)  # type: ignore[method-assign]
    one = AppStep("x", APP, engine, depends_on=frozenset(), timeout=timedelta(minutes=1))
    with pytest.raises(StepFailed, match=r"keeps failing \(FAILED\)[\s\S]*\| the reason"):
        one.wait(str, threading.Event())


@pytest.mark.parametrize("before", [None, replace(APP, instances=1)])
@pytest.mark.parametrize("waited", [True, False])
def test_a_deploy_ends_when_somebody_has_deployed_after_it(
    engine: MemoryEngine, before: Manifest | None, waited: bool
) -> None:
    if before is not None:
        engine.create(before)
    one = step(engine)
    one.apply(one.plan())
    if waited:
        one.wait(str, threading.Event())
    engine.update(replace(APP, env={"A": "theirs"}), engine.apps()[APP.id])
    theirs = engine.apps()[APP.id]
    with pytest.raises(Superseded, match=f"{theirs.changed_at:%Y-%m-%d %H:%M:%S} UTC") as ended:
        one.wait(str, threading.Event())
    assert "pipectl plan" in (ended.value.hint or "")
    # The same definition again is nobody else's business, whoever sends it.
    engine.update(APP, theirs)
    one.wait(str, threading.Event())


def test_atomic_does_not_undo_what_somebody_else_deployed(engine: MemoryEngine) -> None:
    engine.create(replace(APP, instances=1))
    one, theirs = step(engine), replace(APP, env={"A": "theirs"})

    class Beaten(AppStep):
        def wait(self, report: Report, stop: threading.Event) -> bool:
            engine.update(theirs, engine.apps()[APP.id])
            return super().wait(report, stop)

    one.__class__ = Beaten
    run = Session("prod", (), (), verbose=False)
    plan = Plan(run, {"x": one}, {"x": one.plan()}, [], partial=False)
    with Progress() as progress, pytest.raises(Superseded) as ended:
        carry_out(plan, progress, engine.stop, atomic=True)
    assert "nothing was restored" in (ended.value.also or "")
    assert engine.apps()[APP.id].env == {"A": "theirs"}


def test_what_is_not_ours_is_left_unless_adopted(engine: MemoryEngine) -> None:
    engine.create(replace(APP, labels={OWNER: "/others"}))
    assert step(engine, replace(APP, instances=3)).plan().blocked is not None
    assert step(engine, replace(APP, instances=3), adopt=True).plan().blocked is None
    assert step(engine).remove(str, threading.Event()) is False
    assert list(engine.apps()) == [APP.id]


def test_orphans_are_those_of_the_same_owner(engine: MemoryEngine) -> None:
    for app_id, owner in (("/b/old", "/b"), ("/b/x", "/b"), ("/c/x", "/c")):
        engine.create(replace(APP, id=app_id, labels={OWNER: owner}))
    (old,) = orphans_of(engine, "/b", {"/b/x"}, depends_on=frozenset()).values()
    assert (old.name, old.plan().action) == ("old", "remove")
    old.apply(old.plan())
    old.wait(str, threading.Event())
    assert "/b/old" not in engine.apps()
    assert old.restore(str, threading.Event()) == "old restored"
    assert "/b/old" in engine.apps()


def test_the_last_failure_comes_from_the_newest_task_or_the_one_that_ended(engine: MemoryEngine) -> None:
    assert last_failure(engine, APP.id) is None
    engine.create(APP)
    newest = newest_task(engine, APP.id)
    assert newest is not None
    line = "job failure at 2026-11-22 01:02:03.004 UTC: "
    engine.printed["gone", "stdout"] = f"{line}before\n"
    engine.failures[APP.id] = Failure(datetime.now(UTC), "gone", "FAILED", "")
    assert last_failure(engine, APP.id) == LastFailure("2026-11-22 01:02:03.004", "before")
    engine.printed[newest.id, "stdout"] = f"{line}now\n"
    assert last_failure(engine, APP.id) == LastFailure("2026-11-22 01:02:03.004", "now")


def test_the_whole_bundle_is_planned_and_carried_out(engine: MemoryEngine) -> None:
    run = Session("prod", (), ("kafka.bootstrap_servers='127.0.0.1:1'",), verbose=False)
    plan = plan_of(run, engine)
    assert set(plan.changed) == plan.steps.keys()
    with Progress() as progress:
        assert not carry_out(plan, progress, engine.stop, atomic=False)
    assert engine.apps().keys() == {app.id for app in run.bundle.apps.values()}
    assert plan_of(run, engine).changed == []


def test_a_component_that_is_unchanged_but_not_ready_yet_is_something_to_do(
    engine: MemoryEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records from before it was ready do not prove that data flows."""
    monkeypatch.setattr("cli.steps.base.POLL_SECONDS", 0.0)
    engine.create(APP)
    one, run = step(engine), Session("prod", (), (), verbose=False)
    plan = Plan(run, {"x": one}, {"x": one.plan()}, [], partial=False)
    assert plan.changed == []
    with Progress() as progress:
        assert carry_out(plan, progress, engine.stop, atomic=False)
    ready = engine.apps()
    looks = iter([{APP.id: replace(ready[APP.id], rolling_out=True)}, ready])
    monkeypatch.setattr(engine, "apps", lambda: next(looks))
    with Progress() as progress:
        assert not carry_out(plan, progress, engine.stop, atomic=False)


def test_topics_of_jobs_go_with_the_others(engine: MemoryEngine) -> None:
    from cli.steps.bundle import steps_of
    from kafka_topic.plan import TopicSpec

    run = Session("prod", (), ("kafka.bootstrap_servers='127.0.0.1:1'",), verbose=False)
    for name in ("prices", "movingaverage", "others"):
        engine.kafka.create_topic("kafka", TopicSpec(name, 1, 1))
    topics = steps_of(run, engine=engine, delete_topics=True)["topics"]
    assert "prices" not in topics.state().detail
    assert topics.remove(str, threading.Event())
    assert engine.kafka.topics("kafka") == ["others"]


def test_it_refuses_what_an_engine_refuses(engine: MemoryEngine) -> None:
    engine.create(APP)
    with pytest.raises(AlreadyExists):
        engine.create(APP)
    app = engine.apps()[APP.id]
    engine.delete(APP.id)
    with pytest.raises(NotFound):
        engine.update(APP, app)


def test_a_package_of_another_name_is_changed_with_the_file_that_render_writes(
    engine: MemoryEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine.packages, "how_to_update", DcosEngine(Dcos((), {})).packages.how_to_update)
    engine.packages.install("confluent-kafka", None, "kafka", {"brokers": {"count": 9}})
    where = ("kafka.bootstrap_servers='127.0.0.1:1'", "kafka.package=confluent-kafka", "kafka.version=null")
    run = Session("prod", (), where, verbose=False)
    assert "kafka" in run.bundle.packages
    (note,) = plan_of(run, engine).changes["kafka"].notes
    assert "`dcos kafka --name=kafka update start --options=DIR/packages/kafka.json`" in note
