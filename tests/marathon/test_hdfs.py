"""The options of the package hdfs, on a cluster with many machines and on one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jsonschema

from local_dcos.packages.catalogue import CATALOGUE
from marathon.bundle import render
from marathon.settings import Settings


def test_both_name_nodes_have_journal_nodes(settings_of: Callable[..., Settings]) -> None:
    options = render(settings_of("prod", "hdfs.nodes=5"), with_parts=["hdfs"]).packages["hdfs"].options
    assert options == {
        "service": {"name": "hdfs"},
        "journal_node": {"cpus": 0.5, "mem": 2048, "disk": 5120},
        "name_node": {"cpus": 0.5, "mem": 2048, "disk": 5120},
        "data_node": {"cpus": 0.5, "mem": 2048, "disk": 10240, "count": 5},
        "hdfs": {"name_node_http_port": 9002, "permissions_enabled": True},
    }


def test_the_package_of_local_takes_the_options_and_others_that_are_set(
    settings_of: Callable[..., Settings],
) -> None:
    settings = settings_of("local", "hdfs.options={hdfs: {image_compression: true}}")
    package = render(settings, with_parts=["hdfs"]).packages["hdfs"]
    jsonschema.validate(package.options, CATALOGUE["hdfs"].options)
    assert package.options["hdfs"]["image_compression"] is True
    assert settings.hdfs.all_mem == 640


PARTS = ("hdfs", "spark", "cassandra", "mysql", "notebooks", "webhook")
STREAM = "flows.kept/here=random-numbers -> random-numbers -> spark-streaming -> hdfs -> bands"
USERS = {"sink-to-hdfs", "stream-to-hdfs", "dashboard", "notebooks"}


def holders(definitions: Iterable[Mapping[str, Any]]) -> set[str]:
    """Who gets the secret, as what it is declared."""
    found = set()
    for each in definitions:
        job = each.get("run", each)
        if "HDFS_HEADER" in job.get("env", {}):
            assert job["env"]["HDFS_HEADER"] == {"secret": "hdfs-header"}
            assert job["secrets"]["hdfs-header"] == {"source": "hdfs-header"}
            found.add(str(each["id"]).rpartition("/")[2].rpartition(".")[2])
        assert "hdfs-header" not in str({**job, "env": {}, "secrets": {}})
    return found


def test_on_local_all_programs_of_the_store_know_the_header(settings_of: Callable[..., Settings]) -> None:
    asked = ("spark.queries.store=hdfs", "sink.target=hdfs", STREAM)
    bundle = render(settings_of("local", *asked), with_parts=PARTS)
    assert holders(each.definition for each in bundle.apps.values()) == USERS
    jobs = holders(each.definition for each in bundle.jobs.values())
    assert {"sink", "census-statistics"} < jobs
    assert jobs - {"sink", "census-statistics"} == {name for name in bundle.jobs if name.startswith("query-")}


def test_without_a_secret_nobody_gets_a_header(settings_of: Callable[..., Settings]) -> None:
    for bundle in (
        render(settings_of("local", "hdfs.header=null"), with_parts=PARTS),
        render(settings_of("local"), with_parts=[each for each in PARTS if each != "hdfs"]),
    ):
        assert not holders(each.definition for each in bundle.apps.values())
        assert not holders(each.definition for each in bundle.jobs.values())
    assert settings_of("prod").hdfs.secrets == {}
