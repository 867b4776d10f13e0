"""The gatherer's external inputs: which topics it reads, and how their records are decoded."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from marathon import validators
from marathon.section import Section

FieldPath = Annotated[str, AfterValidator(validators.check_field_path)]
TheirSymbol = Annotated[str, Field(min_length=1)]
OurSymbol = Annotated[str, AfterValidator(validators.check_symbol)]


class InputFields(Section):
    """The names of the fields; a dot separates nested names."""

    time: FieldPath = "ts"
    symbol: FieldPath = "symbol"
    price: FieldPath = "price"


class Input(Section):
    """One input. The defaults describe a topic with our own fields and the symbol as key."""

    topic: Annotated[str, AfterValidator(validators.check_topic)] | None = None
    pattern: Annotated[str, AfterValidator(validators.check_topic_pattern)] | None = None
    symbol: Literal["key", "topic", "field"] = "key"
    fields: InputFields = InputFields()
    time: Literal["ours", "iso8601", "epoch_s", "epoch_ms", "epoch_us", "record"] = "ours"
    symbols: dict[TheirSymbol, OurSymbol] = Field(default_factory=dict)
    non_positive: bool = False

    def reads(self, topic: str) -> bool:
        """Whether this input includes the topic."""
        if self.pattern is None:
            return topic == self.topic
        return validators.compiled(self.pattern).fullmatch(topic) is not None

    @property
    def names_symbol(self) -> bool:
        """Whether the pattern has the group `symbol`."""
        return self.pattern is not None and "symbol" in validators.compiled(self.pattern).groupindex

    @property
    def paths(self) -> dict[str, str]:
        """The paths of the fields that are read, by meaning."""
        unused = {"time"} if self.time == "record" else set()
        if self.symbol != "field":
            unused.add("symbol")
        return {name: path for name, path in self.fields if name not in unused}
