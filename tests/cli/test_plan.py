"""`plan` and `deploy` on the embedded cluster: drift, apps of others, orphans."""

import json
from datetime import timedelta

import pytest

from cli.errors import PipectlError, UsageProblem
from cli.rollout import confirm
from kafka_topic.brokers import Brokers
from kafka_topic.names import Topics
from kafka_topic.reconcile import reconcile

pytestmark = pytest.mark.slow
# What the service says if it has the address of the settings.
BROKERS = ["127.0.0.1:9092"]


def actions(plan):
    return {name: change.action for name, change in plan.changes.items()}


def test_a_plan_goes_from_create_to_unchanged_and_changes_nothing_itself(small):
    plan = small.plan()
    assert actions(plan) == dict.fromkeys(small.depends_on, "create")
    assert plan.modified == []
    assert small.apps() == {}
    assert "position.A" in "".join(plan.changes["topics"].diff)
    small.deploy()
    small.mend()
    again = small.plan()
    assert actions(again) == dict.fromkeys(small.depends_on, "unchanged")
    changing = ("add", "update", "remove", "install", "create")
    assert [call for call in small.calls if any(f" {word} " in f"{call} " for word in changing)] == []


def test_a_change_is_shown_as_a_diff_asked_for_and_rolled_out(small, capsys):
    small.deploy()
    small.env = {"A": "2"}
    plan = small.plan(only=["data-generator"])
    assert actions(plan) == {"data-generator": "update"}
    assert {'-    "A": "1"', '+    "A": "2"'} <= set(plan.changes["data-generator"].diff)
    with pytest.raises(UsageProblem, match="would update data-generator") as refused:
        confirm(plan, "local", yes=False)
    assert refused.value.exit_code == 2
    assert "--yes" in refused.value.hint
    assert '+    "A": "2"' in capsys.readouterr().err
    small.deploy(only=["data-generator"])
    assert small.apps()["data-generator"]["env"] == {"A": "2"}
    assert small.apps()["flink-taskmanager"]["env"] == {"A": "1"}


def test_a_key_that_was_set_once_is_drift_and_goes(small):
    small.keys = {"maxLaunchDelaySeconds": 17, "user": "root"}
    small.deploy()
    small.keys = {"user": "root"}
    plan = small.plan(only=["data-generator"])
    assert '-  "maxLaunchDelaySeconds": 17,' in plan.changes["data-generator"].diff
    small.deploy(only=["data-generator"])
    assert small.apps()["data-generator"]["maxLaunchDelaySeconds"] == 300
    # Marathon's update can't take this one away: the app is created again, and the plan says so.
    small.keys = {}
    plan = small.plan(only=["data-generator"])
    assert "created again" in plan.changes["data-generator"].notes[0]
    small.deploy(only=["data-generator"])
    assert "user" not in small.apps()["data-generator"]
    assert small.plan(only=["data-generator"]).changed == []


def test_what_the_bundle_no_longer_has_is_named_and_removed(small):
    small.deploy()
    small.dropped = {"flink-taskmanager"}
    small.depends_on = {
        name: others for name, others in small.depends_on.items() if name != "flink-taskmanager"
    }
    plan = small.plan()
    assert actions(plan)["flink-taskmanager"] == "remove"
    assert plan.modified == ["flink-taskmanager"]
    assert actions(small.plan(skip=["flink-taskmanager"])).keys() == small.depends_on.keys()
    small.deploy()
    assert small.apps().keys() == {"data-generator"}


def test_an_app_of_others_is_named_and_left_alone_unless_it_is_adopted(small):
    theirs = {**small.definition("data-generator"), "labels": {"owner": "them"}}
    small.client("marathon", "app", "add", stdin=json.dumps(theirs))
    plan = small.plan()
    with pytest.raises(
        PipectlError, match=r"data-generator exists, but does not belong to this bundle"
    ) as refused:
        plan.refuse_blocked()
    assert "--adopt data-generator" in refused.value.hint
    with pytest.raises(PipectlError, match="does not belong to this bundle"):
        small.deploy()
    assert small.apps().keys() == {"data-generator"}
    assert small.apps()["data-generator"]["labels"] == {"owner": "them"}
    said = []
    assert plan.steps["data-generator"].remove(said.append, small.cluster.stop) is False
    assert "does not belong to this bundle" in said[0]
    small.deploy(adopt=["generator"])
    assert "owner" not in small.apps()["data-generator"]["labels"]


def test_topics_that_exist_otherwise_are_named_and_kept(small):
    topics = {
        "position.A": [3, 1],
        "movingaverage": [1, 2],
        "other": [9, 9],
        **{name: [1, 1] for name in ("signals", "dead_letter", "limits")},
    }
    state = {"installed": [{"version": "1", "options": {}}], "topics": topics}
    (small.folder / "service.json").write_text(json.dumps(state))
    change = small.plan(only=["topics"]).changes["topics"]
    assert change.action == "unchanged"
    assert change.notes[:2] == (
        "position.A has 3 partitions, wanted 1: not changed",
        "movingaverage has 2 in-sync replicas, wanted 1: not changed",
    )
    small.deploy(only=["topics"])
    assert small.service == state


def test_how_long_topics_keep_records_is_shown_where_brokers_can_be_read_and_else_said(small, kafka):
    small.settings = ["topics.prefix=cli.", "topics.retention={prices: 9d, movingaverage: 5d}"]
    wanted = small.plan().changes["topics"].diff
    assert "+cli.position.A (partitions 1, replication 1, timestamps by brokers, retention 9d)" in wanted
    small.deploy(only=["kafka", "topics"])
    topics = small.plan().steps["topics"]
    assert topics.plan().notes == (
        "cannot read the topics' settings from here: no broker answers at 127.0.0.1:1",
    )
    assert topics.state().detail == "5/5 topics; cannot read the topics' settings from here"

    kafka.create("cli.position.A", "cli.movingaverage")
    small.bootstrap_servers = kafka.bootstrap_servers
    topics = small.plan().steps["topics"]
    change = topics.plan()
    assert (change.action, change.modifies) == ("update", False)  # nothing is lost by it
    assert change.diff == [
        "-cli.position.A timestamps by producers",
        "+cli.position.A timestamps by brokers",
        "-cli.position.A retention 7d",
        "+cli.position.A retention 9d",
    ]
    assert change.notes == (
        "the gatherer changes the settings within a minute",
        "cli.movingaverage has retention 7d, wanted 5d: not changed; "
        "`topics.allow_retention_decrease: true` lowers it, which deletes records",
    )
    said = []
    topics.wait(said.append, small.cluster.stop)
    assert said == ["5/5 topics; 2 settings pending"]
    state = topics.state()
    assert (state.ready, state.detail) == (
        True,
        "5/5 topics; cli.position.A has timestamps by producers, wanted brokers; 2 more",
    )

    reconcile(kafka.bootstrap_servers, Topics("cli."), {"prices": timedelta(days=9)}, allow_decrease=False)
    assert small.plan().changes["topics"].action == "unchanged"
    small.settings.append("topics.allow_retention_decrease=true")
    change = small.plan().changes["topics"]
    assert change.modifies
    assert change.diff == [
        "-cli.movingaverage retention 7d",
        "+cli.movingaverage retention 5d",
        "-cli.movingaverage segments of 7d",
        "+cli.movingaverage segments of 5d",
    ]


def test_a_topic_that_was_made_by_hand_is_compared_in_all_that_matters(small, kafka):
    small.settings = ["topics.prefix=hand."]
    small.deploy(only=["kafka", "topics"])
    small.bootstrap_servers = kafka.bootstrap_servers
    kafka.create("hand.position.A", partitions=3)
    brokers = Brokers(kafka.bootstrap_servers, timeout=10)
    # They are the service's own, so they say more than the service, which is asked about none of its topics.
    state = small.service
    assert state["topics"]["hand.position.A"] == [1, 1]
    (small.folder / "service.json").write_text(
        json.dumps({**state, "brokers": [*BROKERS, kafka.bootstrap_servers]})
    )
    hands = {"max.message.bytes": "2000", "retention.bytes": "4096", "min.insync.replicas": "2"}
    brokers.set_configs({"hand.position.A": {"cleanup.policy": "compact", **hands}})
    with pytest.raises(PipectlError) as refused:
        small.plan()
    assert refused.value.message == (
        "hand.position.A: cleanup.policy is compact, wanted delete: compaction keeps only the "
        "newest record of each symbol and loses unread records"
    )
    assert "set cleanup.policy=delete on hand.position.A" in str(refused.value.hint)
    # What runs inside the cluster leaves it to its owner, too.
    _, left = reconcile(kafka.bootstrap_servers, Topics("hand."), {}, allow_decrease=True)
    assert [each.name for each in left] == ["cleanup.policy"]

    brokers.set_configs({"hand.position.A": {"cleanup.policy": "delete", "max.message.bytes": "2000"}})
    change = small.plan().changes["topics"]
    assert (change.action, change.modifies) == ("update", False)
    assert "-hand.position.A max.message.bytes 2000" in change.diff
    assert "+hand.position.A max.message.bytes 1048588" in change.diff
    assert change.notes == (
        "hand.position.A has 3 partitions, wanted 1: not changed",
        "the gatherer changes the settings within a minute",
        "hand.position.A has retention.bytes 4096, wanted -1: not changed; Kafka deletes the oldest "
        "records beyond that size, however recent",
        "hand.position.A has min.insync.replicas 2, wanted 1: not changed; Kafka rejects writes with "
        "fewer in-sync replicas",
    )
    # Elsewhere, the address of the settings may lead to the brokers of another cluster.
    (small.folder / "service.json").write_text(json.dumps({**state, "brokers": BROKERS}))
    assert not any("partitions" in note for note in small.plan().changes["topics"].notes)


def test_components_are_chosen_and_what_is_missing_is_said(small):
    plan = small.plan(only=["generator"])
    assert list(plan.changes) == ["data-generator"]
    with pytest.raises(UsageProblem, match="needs kafka and topics, which are not deployed"):
        plan.refuse_blocked()
    small.deploy(only=["kafka", "topics"])
    assert small.apps() == {}
    small.deploy(skip=["taskmanager"])
    assert small.apps().keys() == {"data-generator"}


def test_atomic_puts_everything_back_that_the_failed_deploy_changed(small):
    small.deploy(only=["kafka", "topics", "data-generator"])
    before = small.apps()["data-generator"]
    small.env = {"A": "2"}
    small.fail(at="app add", say=small_refusal())
    with pytest.raises(PipectlError) as failed:
        small.deploy(atomic=True)
    assert "/cpus" in failed.value.message
    after = small.apps()
    assert after.keys() == {"data-generator"}
    assert after["data-generator"]["env"] == before["env"]
    assert (after["data-generator"]["tasksHealthy"], after["data-generator"]["deployments"]) == (1, [])


def test_atomic_removes_what_it_created_and_keeps_kafka_and_its_topics(small):
    small.fail(at="task list", until=100, say="You are not authorized to perform this operation.")
    with pytest.raises(PipectlError) as failed:
        small.deploy(atomic=True)
    assert "--atomic" in failed.value.also
    assert "removed" in failed.value.also
    assert small.apps() == {}
    assert len(small.service["installed"]) == 1


def small_refusal() -> str:
    details = '{"message": "Object is not valid", "details": [{"path": "/cpus", "errors": ["too many"]}]}'
    return f'Error while fetching [x]: HTTP 422: "{details}".'


def test_a_version_that_no_repository_has_is_named_before_anything_is_changed(small):
    small.fail(at="package describe", say="Version [9] of package [kafka] not found")
    with pytest.raises(PipectlError, match="no package repository has kafka") as refused:
        small.deploy()
    assert "kafka.version" in refused.value.hint
    assert small.apps() == {}
