"""The SQL of the tables in MySQL."""

from __future__ import annotations

import re

import pytest

from stores.sql import definition_of, insertion_of
from stores.tables import TABLES, Flow


@pytest.mark.parametrize("name", TABLES)
def test_records_of_a_topic_that_was_made_again_replace_none_of_the_old_one(name: str) -> None:
    flow = Flow(name, TABLES[name])
    found = re.search(r"PRIMARY KEY \((.*?)\)", definition_of(flow))
    assert found is not None
    key = re.findall("`(.+?)`", found[1])
    assert set(key) == {*flow.table.key, flow.table.time} and len(key) == len(set(key))
    changed = re.findall("`([^`]+)` = VALUES", insertion_of(flow))
    assert changed == [column for column in flow.table.names if column not in key]
