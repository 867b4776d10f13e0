"""The options of the package hdfs, on a cluster with many machines and on one."""

from __future__ import annotations

from collections.abc import Callable

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
