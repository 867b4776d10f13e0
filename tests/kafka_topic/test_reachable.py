from __future__ import annotations

import socket

import pytest

from kafka_topic.brokers import Brokers
from kafka_topic.errors import BrokerUnreachableError
from kafka_topic.reachable import why_unreachable
from tests.ports import free_ports

UNKNOWN = "the name nowhere.invalid cannot be resolved"


def test_one_broker_that_takes_connections_is_enough():
    (closed,) = free_ports(1)
    with socket.create_server(("127.0.0.1", 0)) as broker:
        address = f"127.0.0.1:{broker.getsockname()[1]}"
        for servers in (address, f"127.0.0.1:{closed},{address}", f"nowhere.invalid:1,{address}"):
            assert why_unreachable(servers, timeout=60) is None
    servers = f"127.0.0.1:{closed},{address}"
    assert why_unreachable(servers, timeout=60) == f"no broker answers at {servers}"


def test_a_name_that_cannot_be_resolved_is_the_reason():
    servers = "nowhere.invalid:9092,127.0.0.1:1"
    assert why_unreachable(servers, timeout=1) == f"no broker answers at {servers}: {UNKNOWN}"
    assert (
        why_unreachable("a..b:1", timeout=1)
        == "no broker answers at a..b:1: the name a..b cannot be resolved"
    )
    with pytest.raises(BrokerUnreachableError, match=f"within 0.5 s: {UNKNOWN}; check the address"):
        Brokers("nowhere.invalid:9092", timeout=0.5).names()
