from __future__ import annotations

import socket

from kafka_topic.reachable import is_reachable
from tests.ports import free_ports


def test_one_broker_that_takes_connections_is_enough():
    (closed,) = free_ports(1)
    with socket.create_server(("127.0.0.1", 0)) as broker:
        address = f"127.0.0.1:{broker.getsockname()[1]}"
        assert is_reachable(address, timeout=60)
        assert is_reachable(f"127.0.0.1:{closed},{address}", timeout=60)
    assert not is_reachable(f"127.0.0.1:{closed},{address}", timeout=60)


def test_a_host_without_an_address_is_not_reachable():
    assert not is_reachable("nowhere.invalid:9092", timeout=1)
