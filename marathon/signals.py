"""The section `signals`, built from the catalogue: one section per kind of signal."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, create_model

from marathon import validators
from marathon.catalogue import SignalKind
from marathon.durations import format_duration, parse_duration, seconds
from marathon.section import Section

DurationOrZero = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str, when_used="json"),
]
Duration = Annotated[DurationOrZero, AfterValidator(validators.check_length)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Window = Annotated[str, AfterValidator(validators.check_window)]
_FORMS: dict[str, Any] = {
    "window": Window,
    "duration": Duration,
    "positive": Positive,
    "not_negative": Annotated[float, Field(ge=0, allow_inf_nan=False)],
    "share": Annotated[float, Field(gt=0, lt=1)],
}


class InitialLimits(Section):
    buy: Positive | None = None
    sell: Positive | None = None

    @property
    def given(self) -> dict[str, float]:
        """The limits that are set."""
        return {side: price for side, price in self if price is not None}


class Signals(Section):
    """The settings of each kind, or None where it is off."""

    @property
    def form(self) -> dict[str, dict[str, Any]]:
        """The settings of the enabled kinds for the apps' environment: by key, durations in seconds."""
        return {
            kind: {
                key: seconds(value) if isinstance(value, timedelta) else value
                for key, value in settings.model_dump(by_alias=True).items()
            }
            for kind, settings in self
            if settings is not None
        }


def signals_model(kinds: tuple[SignalKind, ...]) -> type[Signals]:
    """The section for these kinds. Every kind must be set; null switches it off."""
    fields: dict[str, Any] = {kind.name: (_settings_model(kind) | None, ...) for kind in kinds}
    return create_model("Signals", __base__=Signals, **fields)


def _settings_model(kind: SignalKind) -> type[Section]:
    fields: dict[str, Any] = {
        each.name: (_FORMS[each.form], Field(description=each.meaning, serialization_alias=each.key))
        for each in kind.settings
    }
    return create_model(kind.name.capitalize(), __base__=Section, **fields)
