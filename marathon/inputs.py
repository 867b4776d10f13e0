"""The gatherer's inputs that others own: which topics, and how their records are read."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from marathon import formats
from marathon.section import Section

FieldPath = Annotated[str, AfterValidator(formats.check_field_path)]
TheirSymbol = Annotated[str, Field(min_length=1)]
OurSymbol = Annotated[str, AfterValidator(formats.check_symbol)]


class InputFields(Section):
    """The names of the fields; a dot leads into an object within the record."""

    time: FieldPath = "ts"
    symbol: FieldPath = "symbol"
    price: FieldPath = "price"


class Input(Section):
    """One input. What is left out is as in a topic that has the fields of ours, and the symbol as key."""

    topic: Annotated[str, AfterValidator(formats.check_topic)] | None = None
    pattern: Annotated[str, AfterValidator(formats.check_topic_pattern)] | None = None
    symbol: Literal["key", "topic", "field"] = "key"
    fields: InputFields = InputFields()
    time: Literal["ours", "iso8601", "epoch_s", "epoch_ms", "epoch_us", "record"] = "ours"
    symbols: dict[TheirSymbol, OurSymbol] = Field(default_factory=dict)
    non_positive: bool = False

    def reads(self, topic: str) -> bool:
        """Whether the topic is one of this input."""
        if self.pattern is None:
            return topic == self.topic
        return formats.compiled(self.pattern).fullmatch(topic) is not None

    @property
    def names_symbol(self) -> bool:
        """Whether the pattern says where in a topic's name the symbol stands."""
        return self.pattern is not None and "symbol" in formats.compiled(self.pattern).groupindex

    @property
    def paths(self) -> dict[str, str]:
        """The fields that are read, by what they hold."""
        unused = {"time"} if self.time == "record" else set()
        if self.symbol != "field":
            unused.add("symbol")
        return {name: path for name, path in self.fields if name not in unused}
