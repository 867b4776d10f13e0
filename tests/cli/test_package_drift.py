"""An installed package that differs from the settings is shown with the update command, and not changed."""

import json
from datetime import timedelta

import pytest

from cli.engine.dcos.apps import manifest_of
from cli.engine.dcos.diff import document_diff
from cli.engine.dcos.packages import installed_options
from cli.steps.package import PackageStep
from local_dcos.kafka.package import PACKAGE as KAFKA

pytestmark = pytest.mark.slow

GIVEN = {"service": {"name": "drift"}, "brokers": {"count": 1, "mem": 1024}}
VERSION = KAFKA.version


@pytest.fixture
def plan(cluster):
    """Plans with other settings for a package that was installed with GIVEN, without its broker."""
    app = {**KAFKA.app_definition(GIVEN), "instances": 0}
    cluster.create(manifest_of(app))

    def make(options, version=VERSION):
        step = PackageStep("kafka", "kafka", version, "drift", options, cluster, timeout=timedelta(seconds=1))
        change = step.plan()
        assert change.action == "unchanged", "an installed package is never installed anew"
        return change

    yield make
    cluster.delete(app["id"])


def test_options_as_they_were_given_are_no_difference(plan):
    assert (
        plan({"brokers": {"mem": 1024.0, "count": 1, "port": None}, "service": {"name": "drift"}}).diff == []
    )
    assert plan(GIVEN, version=None).notes == ()


def test_other_options_are_shown_and_how_they_are_changed(plan):
    change = plan(
        {"service": {"name": "drift"}, "brokers": {"mem": 2048}, "kafka": {"log_retention_hours": 3}}
    )
    changed = {line for line in change.diff if line[0] in "+-"}
    assert {
        '-    "count": 1,',
        '-    "mem": 1024',
        '+    "mem": 2048',
        '+    "log_retention_hours": 3',
    } <= changed
    assert not any('"drift"' in line for line in changed)
    (note,) = change.notes
    assert "`dcos kafka --name=drift update start --options=DIR/packages/kafka.json`" in note
    assert "deletes every topic" in note


def test_another_version_is_shown_too(plan):
    change = plan(GIVEN, version="9")
    assert change.diff == [f"-kafka {VERSION}", "+kafka 9"]
    assert "update start --package-version=9`" in change.notes[0]


def test_options_that_cannot_be_read_are_no_difference(plan, cluster):
    there = cluster.apps()["/drift"]
    kept = ("DCOS_PACKAGE_NAME", "DCOS_PACKAGE_VERSION")
    labels = {name: there.observed["labels"][name] for name in kept}
    cluster.update(manifest_of({**cluster.manifest_of(there).document, "labels": labels}), there)
    change = plan({})
    assert (change.diff, change.notes) == ([], ("cannot read the options that it was installed with",))
    assert installed_options({"labels": {"DCOS_PACKAGE_OPTIONS": "%"}}) is None


def test_a_diff_of_documents_counts_every_key():
    assert document_diff({"a": 1, "b": [1.5, 2.0]}, {"b": [1.5, 2], "a": 1.0, "c": None}, "there") == []
    assert '-  "c": 0' in document_diff({"a": 1}, {"a": 1, "c": 0}, "there")
    assert json.dumps("x") in "".join(document_diff({"a": "x"}, {}, "there"))
