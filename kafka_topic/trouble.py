"""Why the gatherer can't read a partition. It commits that as metadata of its offset.

The metadata of a partition in trouble: {"problem": "corrupt", "detail": "…", "since": "2026-11-22
01:02:03.004"}.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kafka_topic.contracts.fields import format_time, get, json_object, one_of, parse_time, refused
from kafka_topic.errors import ContractError

LOST = "lost"
_LOG = "`pipectl logs gatherer` says more"
_SKIP = "or delete its records with `kafka-delete-records.sh`"
# The worst first: what is wrong, after the partition's name, and the next step.
_WORDS = {
    "gone": (
        "does not exist",
        "`pipectl deploy` creates the bundle's own topics; for one that `gatherer.inputs` names, correct the "
        "setting or ask its owner",
    ),
    "leaderless": (
        "has no leader that answers",
        "start a broker that holds it, or restore the network to it: `kafka-topics.sh --describe --topic "
        "{topic}` names its replicas",
    ),
    "denied": (
        "does not allow the gatherer to read it",
        "allow its user to read: `kafka-acls.sh --add --allow-principal User:NAME --operation Read "
        "--operation Describe --topic {topic}`",
    ),
    "corrupt": (
        "holds records that can't be decoded",
        f"restore them from an intact replica, {_SKIP}; {_LOG}",
    ),
    "codec": (
        "holds records in a compression that the gatherer can't read",
        f"write with gzip, snappy, lz4, zstd or none; wait until retention deletes the others, {_SKIP}",
    ),
    "unreadable": ("can't be read", _LOG),
    LOST: (
        "lost records",
        "keep prices longer than the gatherer may be down: raise `topics.retention.prices`",
    ),
}

CODES = tuple(_WORDS)
"""The codes of troubles, the worst first."""


@dataclass(frozen=True)
class Trouble:
    """A problem of a topic, or of one of its partitions.

    code: `gone`, `leaderless`, `denied`, `corrupt`, `codec`, `unreadable` or `lost`. partition: None for
    the whole topic. detail: a sentence, or "". since: None when unknown.
    """

    code: str
    topic: str
    partition: int | None = None
    detail: str = ""
    since: datetime | None = None

    @property
    def stops(self) -> bool:
        """Whether reading stops until the problem is solved. After a loss, reading continues."""
        return self.code != LOST

    @property
    def text(self) -> str:
        """The problem in a sentence."""
        subject = f"partition {self.partition} of {self.topic}" if self.partition is not None else self.topic
        detail = f": {self.detail.rstrip('.')}" if self.detail else ""
        since = f" (since {format_time(self.since)} UTC)" if self.since else ""
        return f"{subject} {_WORDS[self.code][0]}{detail}{since}"

    @property
    def next_step(self) -> str:
        """What to do about it."""
        return _WORDS[self.code][1].format(topic=self.topic)

    def fields(self) -> dict[str, Any]:
        """Its JSON form, with the sentence and the next step."""
        return {
            "code": self.code,
            "topic": self.topic,
            "partition": self.partition,
            "detail": self.detail,
            "since": self.since and format_time(self.since),
            "text": self.text,
            "next": self.next_step,
        }

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> Trouble:
        """Read the JSON form; raises ContractError."""
        return _trouble(fields, "code", get(fields, "topic"), get(fields, "partition"))


def read_trouble(metadata: str | None, topic: str, partition: int) -> Trouble | None:
    """The trouble in the metadata of a committed offset. None without one, and for metadata of another form,
    which any program may write.
    """
    if not metadata:
        return None
    try:
        return _trouble(json_object(metadata.encode()), "problem", topic, partition)
    except ContractError:
        return None


def worst(troubles: Iterable[Trouble]) -> Trouble | None:
    """The worst trouble; the first of several equal ones."""
    return min(troubles, key=lambda trouble: CODES.index(trouble.code), default=None)


def _trouble(fields: Mapping[str, Any], name: str, topic: str, partition: int | None) -> Trouble:
    code = one_of(name, get(fields, name), CODES)
    since, detail = fields.get("since"), fields.get("detail", "")
    if not isinstance(detail, str):
        raise refused("detail", detail, "must be a text")
    # It may quote a broker, and terminals show it.
    shown = "".join(each if each.isprintable() else " " for each in detail).strip()
    return Trouble(code, topic, partition, shown, None if since is None else parse_time("since", since))
