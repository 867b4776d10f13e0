"""The pictures of the documentation show what their sources say."""

import html
import re
from itertools import pairwise, product
from pathlib import Path
from typing import get_args

import pytest

from cli.commands.query import STORES as QUERIED
from kafka_topic.names import Topics
from marathon import flows
from marathon.components import parts_of
from marathon.documents import read_document
from marathon.sinks import Target
from marathon.spark import Queries
from stores.file_system import LEFT_OVER, LOCK
from stores.sinks.sources import SOURCES as READ
from stores.sinks.sources import sources_of

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


class Picture:
    """The nodes of a source with the lines of their labels, and its arrows; a frame is all of its members."""

    def __init__(self, name):
        self.lines, members, self.arrows, frames = {}, {}, set(), []
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
                self.arrows |= {arrow for pair in pairwise(ends) for arrow in product(*pair)}
            elif node := re.match(r' *(\w+) \[label="([^"]+)"', line):
                self.lines[node[1]] = node[2].split(r"\n")
                for each in frames:
                    members.setdefault(each, set()).add(node[1])
        assert {node for arrow in self.arrows for node in arrow} <= self.lines.keys()

    def into(self, node):
        """The lines of what has an arrow to a node."""
        return {line for one, other in self.arrows if other == node for line in self.lines[one]}

    def out_of(self, node):
        """The lines of what a node has an arrow to."""
        return {line for one, other in self.arrows if one == node for line in self.lines[other]}


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


def test_the_batch_put_has_the_steps_of_the_store():
    drawn = "\n".join(line for lines in labels("kafka-to-hdfs") for line in lines)
    code = (ROOT / "stores" / "webhdfs.py").read_text()
    for operation in ("CREATE", "RENAME"):
        assert operation in drawn and f'"{operation}"' in code
    assert f"{LEFT_OVER}…" in drawn and f"the claim {LOCK}-…" in drawn
