"""The pictures of the documentation show what their sources say."""

import html
import re
from contextlib import suppress
from itertools import pairwise, product
from pathlib import Path
from threading import Event
from typing import Any, get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from cli.commands.query import STORES as QUERIED
from cli.streams import STREAMS
from kafka_topic.access import rights_of
from kafka_topic.names import Topics
from marathon import flows
from marathon.components import parts_of
from marathon.documents import read_document
from marathon.sinks import Target
from marathon.spark import Queries
from stores.file_system import LEFT_OVER, LOCK
from stores.opening import open_store
from stores.sinks.portions import Portion
from stores.sinks.running import carry
from stores.sinks.sources import SOURCES as READ
from stores.sinks.sources import sources_of
from stores.sinks.targets import StoreTarget
from tests.webhdfs import serving

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "docs" / "diagrams").glob("*.dot"))
MARATHON = ROOT / "marathon"


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_every_label_of_the_source_is_in_the_picture(source):
    svg = html.unescape(source.with_suffix(".svg").read_text())
    shown = " ".join(re.findall(r"<text[^>]*>(.*?)</text>", svg))
    for label in re.findall(r'label="([^"]+)"', source.read_text()):
        for line in label.split(r"\n"):
            assert line in shown, f"{source.name} has changed: run `make diagrams`"


def labels(name):
    """The labels of a source, each as its lines."""
    text = (ROOT / "docs" / "diagrams" / f"{name}.dot").read_text()
    return [label.split(r"\n") for label in re.findall(r'label="([^"]+)"', text)]


def test_each_picture_is_in_a_document():
    shown = "".join(path.read_text() for path in (ROOT / "docs").rglob("*.md"))
    assert [source.stem for source in SOURCES if f"diagrams/{source.stem}.svg)" not in shown] == []


def test_data_sets_have_the_columns_of_their_tables():
    drawn = {}
    for lines in labels("hdfs-data-sets"):
        flows = [line.removeprefix("flow=") for line in lines if line.startswith("flow=")]
        columns = " ".join(line for line in lines if not line.startswith("flow="))
        drawn |= dict.fromkeys(flows, columns)
    sources = sources_of(READ, Topics(), ())
    assert drawn == {each.name: ", ".join(each.kind.table.names) for each in sources}


TOPIC = "#fff4e2"
"""What topics are filled with."""


class Picture:
    """The nodes of a source with the lines of their labels, and its arrows; a frame is all of its members."""

    def __init__(self, name):
        self.lines, members, self.arrows, frames = {}, {}, set(), []
        self.topics = set()
        for line in (ROOT / "docs" / "diagrams" / f"{name}.dot").read_text().splitlines():
            if frame := re.match(r" *(?:sub|di)graph (\w+) \{", line):
                frames.append(frame[1])
            elif line.strip() == "}":
                frames.pop()
            elif "->" in line:
                chain, _, form = line.strip(" ;").partition(" [")
                ends = [set(end.strip("{} ").split()) for end in chain.split("->")]
                for place, end in (("ltail", 0), ("lhead", -1)):
                    if frame := re.search(rf"{place}=(\w+)", form):
                        ends[end] = members[frame[1]]
                drawn = {arrow for pair in pairwise(ends) for arrow in product(*pair)}
                turned = {(other, one) for one, other in drawn}
                direction = re.search(r"dir=(\w+)", form)
                self.arrows |= {None: drawn, "back": turned, "both": drawn | turned}[
                    direction and direction[1]
                ]
            elif node := re.match(r' *(\w+) \[label="([^"]+)"', line):
                self.lines[node[1]] = node[2].split(r"\n")
                self.topics |= {node[1]} if TOPIC in line else set()
                for each in frames:
                    members.setdefault(each, set()).add(node[1])
        assert {node for arrow in self.arrows for node in arrow} <= self.lines.keys()

    def into(self, node):
        """The lines of what has an arrow to a node."""
        return {line for one, other in self.arrows if other == node for line in self.lines[one]}

    def out_of(self, node):
        """The lines of what a node has an arrow to."""
        return {line for one, other in self.arrows if one == node for line in self.lines[other]}

    def node_with(self, word, *, topic=False):
        """The node whose first line is a word, else the one with it. topic: among those of Kafka."""
        among = {node: lines for node, lines in self.lines.items() if (node in self.topics) is topic}
        words = {node: re.split(r",? |,", " ".join(lines)) for node, lines in among.items()}
        first = [node for node, lines in among.items() if lines[0] == word]
        (found,) = first or [node for node, there in words.items() if word in there]
        return found


def topics_of(kind, name):
    return set(read_document(MARATHON / kind / f"{name}.yaml").value["topics"])


def test_the_data_architecture_has_the_arrows_of_the_code():
    drawn = Picture("data-architecture")
    targets, census = set(get_args(Target)), topics_of("jobs", "census-statistics")
    stores = targets - {"webhook"}
    known = {*READ, *census, *targets}
    streams = [file.stem for file in MARATHON.glob("apps/stream-to-*.yaml")]
    streamed_to = {name.removeprefix("stream-to-") for name in streams}
    shown = set(flows.STORES) - {flows.NONE}
    asked = set(get_args(Queries.model_fields["store"].annotation))
    # What reads and what it reads; it writes to what the arrows from it lead to.
    assert drawn.into("sink") & known == set(READ)
    assert drawn.out_of("sink") & known == targets
    assert [drawn.into("streams") & known] * len(streams) == [topics_of("apps", name) for name in streams]
    assert drawn.out_of("streams") & known == streamed_to
    assert drawn.into("groups") & known == census
    assert drawn.out_of("groups") & known == stores  # each store that is enabled
    assert drawn.into("page") & known == {*READ, *shown}
    assert drawn.into("notebooks") & known == {*READ, *stores}
    assert drawn.into("spark") & known == asked
    assert drawn.into("query") & known == set(QUERIED)


def test_the_architecture_has_every_part_and_all_that_the_cluster_runs():
    drawn = Picture("architecture")
    words = " ".join(line for lines in drawn.lines.values() for line in lines).lower()
    assert [part for part in parts_of() if part not in words] == []
    runs, with_a_page = set(), set()
    for file in (*MARATHON.glob("apps/*.j2"), *MARATHON.glob("jobs/*.j2")):
        if command := re.search(r'command.* = (?:".*", )?\["(\w+)', text := file.read_text()):
            runs.add(f"{command[1]}/")
            with_a_page |= {f"{command[1]}/"} if "DCOS_SERVICE_NAME" in text else set()
    assert len(runs) >= 6 and len(with_a_page) == 3
    started = {line.replace("stores.sinks", "stores/") for line in drawn.out_of("scheduler")}
    assert runs - started == set()
    packages = [file.stem for file in MARATHON.glob("packages/*.yaml")]
    assert [name for name in packages if name not in " ".join(started).lower()] == []
    assert drawn.out_of("router") & runs == with_a_page


def test_the_flow_of_data_has_every_source_and_its_topic():
    drawn = {word for lines in labels("data-flow") for line in lines for word in line.split(", ")}
    drawn = {word.removesuffix(",") for word in drawn}
    assert set(flows.TOPICS.values()) <= drawn
    jobs = {file.stem for file in MARATHON.glob("jobs/*.yaml")}
    sources = {name for name in flows.TOPICS if name in jobs} | {"produce-prices"}
    assert sources <= jobs and sources <= drawn


def test_the_five_stages_have_the_arrows_of_the_flows_that_are_allowed():
    drawn = Picture("flows")
    choices = (flows.TOPICS, flows.TOPICS.values(), flows.PROCESSING, flows.STORES, flows.DISPLAYS)
    allowed = set()
    for flow in product(*choices):
        with suppress(ValidationError):
            TypeAdapter(flows.FlowLine).validate_python(" -> ".join(flow))
            source, topic, *rest = flow
            stages = [drawn.node_with(stage) for stage in (source, *rest) if stage != flows.NONE]
            stages.insert(1, drawn.node_with(topic, topic=True))
            allowed |= set(pairwise(stages))
    assert drawn.arrows == allowed


def test_the_flow_of_data_has_the_arrows_that_brokers_allow():
    drawn, topics, positions = Picture("data-flow"), Topics(), "position.<SYMBOL>"
    of_jobs, read_by_spark = topics_by_program("sources"), topics_by_program("spark_jobs")
    # The gatherer can be told to read other topics of records.
    inputs = [{"topic": topic} for topic in of_jobs & set(READ)]
    rights = rights_of(topics, job="", inputs=inputs, job_topics=of_jobs, sinks="", shared=False)
    nodes = {
        ("generator", "WRITE"): "generator",
        ("gatherer", "READ"): "panes",
        ("gatherer", "WRITE"): "analysis",
        ("dashboard", "READ"): "dashboard",
        ("dashboard", "WRITE"): "dashboard",
    }
    used = {
        (nodes[right.user, right.operation], right.operation, right.name)
        for right in rights
        if right.resource == "TOPIC" and (right.user, right.operation) in nodes
    }
    # These share a user of Kafka.
    used |= {("jobs", "WRITE", topic) for topic in of_jobs}
    used |= {("spark", "READ", topic) for topic in read_by_spark}
    used |= {
        ("sinks", "READ", topic) for source in sources_of(READ, topics, ["A"]) for topic in source.topics
    }
    # `pipectl` has the rights of its own user.
    used |= {("programs", "READ", stream.topic) for stream in STREAMS.values()}
    used |= {("programs", operation, topics.limits) for operation in ("READ", "WRITE")}
    arrows = set()
    for node, operation, topic in used:
        name = positions if topic.startswith(topics.position_start) else topic
        other = drawn.node_with(name, topic=True)
        arrows.add((node, other) if operation == "WRITE" else (other, node))
    beside_kafka = {
        ("panes", "analysis"),
        ("analysis", "state"),
        ("state", "analysis"),
        ("spark", "stores"),
        ("sinks", "stores"),
        ("stores", "dashboard"),
        ("dashboard", "browser"),
    }
    assert drawn.arrows == arrows | beside_kafka


def topics_by_program(word):
    """The topics of the apps and jobs whose templates run a program with this word in its name."""
    found = set()
    for file in (*MARATHON.glob("apps/*.yaml"), *MARATHON.glob("jobs/*.yaml")):
        template = file.with_suffix(".json.j2").read_text()
        extended = re.search(r'extends "(\w+\.j2)"', template)[1]
        program = re.search(rf"command.* = .*\b{word}\b", template + file.with_name(extended).read_text())
        found |= set(read_document(file).value.get("topics", ())) if program else set()
    return found


def test_the_batch_put_has_the_steps_of_the_store():
    drawn = "\n".join(line for lines in labels("kafka-to-hdfs") for line in lines)
    code = (ROOT / "stores" / "webhdfs.py").read_text()
    for operation in ("CREATE", "RENAME"):
        assert operation in drawn and f'"{operation}"' in code
    assert f"{LEFT_OVER}…" in drawn and f"the claim {LOCK}-…" in drawn


class SomePrice:
    """A record of Kafka."""

    def __init__(self, offset):
        self._offset = offset

    def offset(self):
        return self._offset

    def value(self):
        return b'{"ts": "2026-11-22 01:02:03.004", "symbol": "AAPL", "price": 1.0}'


def records(at) -> Any:
    return [SomePrice(at)]


class RecordedGroup:
    """A member of a group, whose brokers are a list of what is asked of them."""

    def __init__(self, asked, portions):
        self._asked, self._portions = asked, iter(portions)
        self.ended = False

    def read(self, most, seconds):
        portion = next(self._portions, None)
        self.ended = portion is None
        self._asked += [] if self.ended else [("read", "")]
        return [] if self.ended else [portion]

    def plan(self, portion):
        self._asked.append(("plan", ""))
        return True

    def commit(self, portion, seconds):
        self._asked.append(("commit", ""))
        return True

    def reached(self, ends):
        return self.ended


def test_the_batch_put_goes_the_way_of_its_arrows(tmp_path):
    drawn = Picture("kafka-to-hdfs")
    with serving(tmp_path) as server:
        target = StoreTarget(
            open_store(server.address),
            sources_of(["prices"], Topics(), ()),
            {"prices": "id"},
            label="hdfs",
            most=1,
        )
        # So many that the small files are merged.
        portions = [Portion(("prices", 0), "a", "id", at, at + 1, records(at)) for at in range(9)]
        assert carry(RecordedGroup(server.asked, portions), target, Event(), {})
        last = server.asked[len(server.asked) - server.asked[::-1].index(("read", "")) - 1 :]
    assert target.written == len(portions)
    steps = list(steps_in(last))
    order = list(dict.fromkeys(step for step, _ in steps))
    # What is sent was written to a local file before.
    order.insert(order.index("put"), "file")
    assert [drawn.lines[step][0][:2] for step in order] == [f"{number}." for number in range(1, 8)]
    asked = {(step, node) for step, node in steps if step != "read"}
    assert drawn.arrows == {("topic", "read"), ("names", "data"), *pairwise(order), *asked}


def steps_in(asked):
    """The steps, each with the node that it asks. A name node redirects reads and writes to a data node."""
    merging, sent = False, False
    for operation, path in asked:
        claim = path.rpartition("/")[2].startswith(LOCK)
        merging = merging or claim
        if operation in ("read", "plan", "commit"):
            yield operation, "group"
        elif operation in ("CREATE", "OPEN"):
            yield "merge" if merging else "put", "data" if sent else "names"
            sent = not sent
        elif operation == "RENAME" or merging:
            yield "merge" if merging else "rename", "names"
        merging = merging and not (claim and operation == "DELETE")
