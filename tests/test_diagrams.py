"""The pictures of the documentation show what their sources say."""

import html
import re
from pathlib import Path
from typing import get_args

import pytest

from kafka_topic.names import Topics
from marathon.sinks import Target
from stores.file_system import LEFT_OVER, LOCK
from stores.sinks.sources import SOURCES as READ
from stores.sinks.sources import sources_of

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "docs" / "diagrams").glob("*.dot"))


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


def test_the_data_architecture_has_every_source_and_target():
    drawn = labels("data-architecture")
    topics = {name for name in READ if any(name in lines for lines in drawn)}
    assert topics == set(READ)
    assert set(get_args(Target)) == {lines[0] for lines in drawn} & set(get_args(Target))


def test_the_batch_put_has_the_steps_of_the_store():
    drawn = "\n".join(line for lines in labels("kafka-to-hdfs") for line in lines)
    code = (ROOT / "stores" / "webhdfs.py").read_text()
    for operation in ("CREATE", "RENAME"):
        assert operation in drawn and f'"{operation}"' in code
    assert f"{LEFT_OVER}…" in drawn and f"the lock {LOCK}" in drawn
