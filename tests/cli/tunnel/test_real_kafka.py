"""A real Kafka through a tunnel: a producer, a group and kcat meet no address but those of the tunnel."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import closing

import pytest

from cli.tunnel.forwards import Forwards
from cli.tunnel.gateway import local_gateway
from cli.tunnel.kafka_relay import KafkaRelay

pytestmark = pytest.mark.slow
SECONDS = 60
TOPIC = "through-the-tunnel"


def test_clients_of_kafka_work_through_a_tunnel(kafka, tmp_path):
    from confluent_kafka import Consumer, Producer
    from confluent_kafka.admin import AdminClient

    host, _, port = kafka.bootstrap_servers.rpartition(":")
    broker = (host, int(port))
    said = []
    with local_gateway(tmp_path, [broker]) as gateway:
        forwards = Forwards(gateway, tmp_path, SECONDS)
        try:
            with closing(KafkaRelay(forwards, said.append)) as relay:
                here = f"127.0.0.1:{relay.port_for(broker)}"
                client = {"bootstrap.servers": here}
                # Another client, so that it does not go through the tunnel.
                kafka.create(TOPIC)
                brokers = AdminClient(client).list_topics(timeout=SECONDS).brokers.values()
                assert [f"{each.host}:{each.port}" for each in brokers] == [here]

                producer = Producer(client)
                for number in range(1000):
                    producer.produce(TOPIC, str(number).encode())
                assert producer.flush(SECONDS) == 0

                group = {"group.id": TOPIC, "auto.offset.reset": "earliest"}
                consumer = Consumer({**client, **group})
                consumer.subscribe([TOPIC])
                found = [record.value() for record in consumer.consume(1000, SECONDS)]
                consumer.commit(asynchronous=False)
                consumer.close()
                assert found == [str(number).encode() for number in range(1000)]

                if kcat := shutil.which("kcat"):
                    arguments = ["-b", here, "-C", "-t", TOPIC, "-o", "-3", "-e", "-q"]
                    done = subprocess.run(
                        [kcat, *arguments], capture_output=True, text=True, timeout=SECONDS, check=True
                    )
                    assert done.stdout.split() == ["997", "998", "999"]
        finally:
            forwards.close()
    assert said == []
