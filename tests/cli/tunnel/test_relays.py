"""Addresses of the cluster's inside become addresses of listeners: in answers of Kafka and of WebHDFS."""

from __future__ import annotations

import struct
import threading
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest

from cli.tunnel import kafka_wire
from cli.tunnel.hdfs_relay import HdfsRelay
from stores.webhdfs import WebHdfs, address_of
from tests.webhdfs import DATA, serving

INSIDE, HERE = ("kafka-0-broker.kafka", 1025), ("127.0.0.1", 31000)


def rename(host, port):
    assert (host, port) == INSIDE
    return HERE


def text(value, compact):
    content = value.encode()
    return bytes([len(content) + 1]) + content if compact else struct.pack(">h", len(content)) + content


def null(compact):
    return b"\0" if compact else struct.pack(">h", -1)


def array(items, compact):
    count = bytes([len(items) + 1]) if compact else struct.pack(">i", len(items))
    return count + b"".join(items)


def tags(compact):
    """One tagged field, which has to stay."""
    return b"\x01\x05\x02ab" if compact else b""


def metadata(version, host, port):
    compact = version >= 9
    broker = struct.pack(">i", 7) + text(host, compact) + struct.pack(">i", port)
    broker += (null(compact) if version >= 1 else b"") + tags(compact)
    wait = struct.pack(">i", 0) if version >= 3 else b""
    return (b"\0" if compact else b"") + wait + array([broker], compact) + b"the rest"


def coordinator(version, host, port):
    compact = version >= 3
    node = struct.pack(">i", 7) + text(host, compact) + struct.pack(">i", port)
    head = (b"\0" if compact else b"") + (struct.pack(">i", 0) if version >= 1 else b"")
    if version < 4:
        return head + struct.pack(">h", 0) + (null(compact) if version >= 1 else b"") + node + b"the rest"
    one = text("group", True) + node + struct.pack(">h", 0) + null(True) + tags(True)
    return head + array([one, one], True) + b"the rest"


def cluster(version, host, port):
    head = b"\0" + struct.pack(">ih", 0, 0) + null(True) + (b"\1" if version >= 1 else b"")
    node = struct.pack(">i", 7) + text(host, True) + struct.pack(">i", port) + text("rack", True)
    node += (b"\0" if version >= 2 else b"") + tags(True)
    return head + text("id", True) + struct.pack(">i", 7) + array([node], True) + b"the rest"


@pytest.mark.parametrize(
    ("api", "version", "answer"),
    [
        *((kafka_wire.METADATA, version, metadata) for version in range(14)),
        *((kafka_wire.FIND_COORDINATOR, version, coordinator) for version in range(7)),
        *((kafka_wire.DESCRIBE_CLUSTER, version, cluster) for version in range(3)),
    ],
)
def test_only_the_addresses_of_brokers_change(api, version, answer):
    assert kafka_wire.renamed(api, version, answer(version, *INSIDE), rename) == answer(version, *HERE)


def test_a_coordinator_that_is_not_known_stays():
    answer = coordinator(2, "", -1)
    assert kafka_wire.renamed(kafka_wire.FIND_COORDINATOR, 2, answer, rename) == answer


@pytest.mark.parametrize("version", [0, 2, 3, 4])
def test_no_version_is_offered_whose_answers_name_brokers_elsewhere(version):
    compact = version >= 3

    def answer(*apis):
        rows = [struct.pack(">hhh", *api) + tags(compact) for api in apis]
        return struct.pack(">h", 0) + array(rows, compact) + b"the rest"

    offered = answer((0, 3, 13), (1, 4, 18), (2, 1, 11), (3, 0, 99), (78, 1, 1), (18, 0, 4))
    left = answer((0, 3, 9), (1, 4, 15), (2, 1, 11), (3, 0, 13), (18, 0, 4))
    assert kafka_wire.renamed(kafka_wire.API_VERSIONS, version, offered, rename) == left


def test_an_old_broker_answers_a_new_version_in_the_oldest_form():
    answer = struct.pack(">hi", 35, 1) + struct.pack(">hhh", 18, 0, 2)
    assert kafka_wire.renamed(kafka_wire.API_VERSIONS, 4, answer, rename) == answer


@pytest.mark.parametrize("cut", range(1, 30))
def test_a_damaged_answer_is_an_error(cut):
    answer = metadata(9, *INSIDE).removesuffix(b"the rest")
    with pytest.raises(ValueError, match=r"answer of Kafka \(request 3, version 9\) is damaged"):
        kafka_wire.renamed(kafka_wire.METADATA, 9, answer[:-cut], rename)


class NameNode(HTTPServer):
    """Redirects everything to a data node, as a name node does that is not the data node itself."""

    def __init__(self, data_node):
        self.data_node = data_node
        super().__init__(("127.0.0.1", 0), _Redirect)


class _Redirect(BaseHTTPRequestHandler):
    server: NameNode

    def do_GET(self):
        self.send_response(307)
        path = self.path.replace("/webhdfs/v1", DATA)
        self.send_header("Location", f"http://127.0.0.1:{self.server.data_node}{path}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_PUT(self):
        self.do_GET()

    def log_message(self, *args):
        pass


@contextmanager
def redirecting(data_node):
    with NameNode(data_node) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join(10)


def test_files_go_through_the_tunnel_to_a_data_node_and_back(forwarding, tmp_path):
    files, keys = tmp_path / "files", tmp_path / "keys"
    files.mkdir()
    keys.mkdir()
    with serving(files) as data_node, redirecting(data_node.port) as name_node:
        permitted = [("127.0.0.1", name_node), ("127.0.0.1", data_node.port)]
        with (
            forwarding(keys, permitted) as (_, forwards),
            closing(HdfsRelay(forwards, lambda line: None)) as relay,
        ):
            port = relay.port_for(permitted[0])
            location = httpx.get(f"http://127.0.0.1:{port}/webhdfs/v1/a?op=OPEN", trust_env=False).headers[
                "location"
            ]
            assert location == f"http://127.0.0.1:{relay.port_for(permitted[1])}{DATA}/a?op=OPEN"
            for foreign in ({"Host": f"evil.example:{port}"}, {"Origin": "http://evil.example"}):
                for method in ("GET", "POST", "PUT"):
                    page = httpx.request(
                        method, f"http://localhost:{port}/webhdfs/v1/a", headers=foreign, trust_env=False
                    )
                    assert page.status_code == 403
            with closing(WebHdfs(address_of(f"127.0.0.1:{port}/store"))) as client:
                content = bytes(range(256)) * 4096
                source = tmp_path / "source"
                source.write_bytes(content)
                client.upload("a", source)
                assert client.read("a", 0, len(content)) == content
    assert {operation for operation, _ in data_node.asked} == {"CREATE", "OPEN"}
