"""The webhook against a real HTTP server: signed, in order, repeated only while it is not accepted."""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from kafka_topic.contracts import Signal
from kafka_topic.names import Topics
from stores.sinks import webhook
from stores.sinks.errors import DeliveryError
from stores.sinks.portions import Portion
from stores.sinks.sources import sources_of
from stores.sinks.webhook import WebhookTarget, key_of
from tests.stores.sinks.receiver import Receiver

SECRET = "whsec_" + base64.b64encode(b"a key of bytes").decode()
AT = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setattr(webhook, "_FIRST_PAUSE_SECONDS", 0.01)
    with Receiver() as receiving:
        yield receiving


class Record:
    def __init__(self, offset: int, value: bytes) -> None:
        self._offset, self._value = offset, value

    def offset(self) -> int:
        return self._offset

    def value(self) -> bytes:
        return self._value


def signal(price: float) -> bytes:
    return Signal(
        "limit", "reached", "AAPL", AT, None, "buy", price, price, 200.0, None, None, None, "reached"
    ).to_json()


def portion(values: Sequence[bytes], begin: int = 7) -> Portion:
    records = [Record(begin + index, value) for index, value in enumerate(values)]
    return Portion(("signals", 0), "id", "Tk1", begin, begin + len(values), cast(Any, records))


def target(receiver: Receiver, patience: float = 60.0, topic_id: str = "Tk1") -> WebhookTarget:
    sources = sources_of(["signals"], Topics(), [])
    ids = {"signals": topic_id}
    return WebhookTarget(receiver.url, SECRET, sources, ids, threading.Event(), patience=patience)


def test_each_signal_is_posted_once_in_order_and_signed(receiver):
    values = [signal(price) for price in (199.0, 198.5, 198.0)]
    posting = target(receiver)
    assert posting.write(portion([values[0], b"no signal", *values[1:]]))
    assert [body for _, body in receiver.posts] == values
    assert receiver.names == ["signals.Tk1.0.7", "signals.Tk1.0.9", "signals.Tk1.0.10"]
    assert (posting.written, posting.invalid, posting.problem) == (3, 1, None)
    for headers, body in receiver.posts:
        # As the specification has it, and not by our own code.
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        digest = hmac.new(b"a key of bytes", signed, hashlib.sha256).digest()
        assert headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
        assert headers["content-type"] == "application/json"


def test_a_record_of_a_topic_that_was_made_again_is_no_repeat(receiver):
    for topic_id in ("Tk1", "Tk2"):
        assert target(receiver, topic_id=topic_id).write(portion([signal(199.0)]))
    assert receiver.names == ["signals.Tk1.0.7", "signals.Tk2.0.7"]


def test_what_is_not_accepted_is_posted_again_before_the_next_one(receiver):
    receiver.answers = [503, 429, 0, 200]
    posting = target(receiver)
    assert posting.write(portion([signal(199.0), signal(198.0)]))
    assert receiver.names == [*["signals.Tk1.0.7"] * 4, "signals.Tk1.0.8"]
    assert posting.written == 2


def test_what_was_accepted_is_not_posted_again_when_its_commit_was_lost(receiver):
    posting = target(receiver)
    for _ in range(2):
        assert posting.write(portion([signal(199.0)]))
    assert posting.write(portion([signal(199.0), signal(198.0)]))
    assert receiver.names == ["signals.Tk1.0.7", "signals.Tk1.0.8"]
    assert posting.written == 2


def test_a_receiver_that_refuses_ends_the_sink(receiver):
    receiver.answers = [404]
    with pytest.raises(DeliveryError, match=r"answers 404 to signals.Tk1.0.7; correct webhook.url"):
        target(receiver).write(portion([signal(199.0), signal(198.0)]))
    assert receiver.names == ["signals.Tk1.0.7"]


@pytest.mark.parametrize(
    "url", ["", "host/path?code=hush", "file:///hush", "https://host:hush/", "https://?code=hush"]
)
def test_an_address_that_is_none_is_not_shown(url):
    with pytest.raises(
        DeliveryError, match=r"WEBHOOK_URL is not a web address; correct webhook\.url"
    ) as found:
        WebhookTarget(url, SECRET, sources_of(["signals"], Topics(), []), {}, threading.Event())
    assert "hush" not in str(found.value)


def test_the_token_of_an_address_is_shown_nowhere(receiver, caplog):
    receiver.answers = [503, 404]
    receiver.url += "/hush?code=hush"
    with pytest.raises(DeliveryError) as found:
        target(receiver).write(portion([signal(199.0)]))
    assert len(caplog.records) >= 1
    assert "hush" not in f"{found.value}{caplog.text}{target(receiver).label}"


def test_a_receiver_that_is_away_is_not_waited_for_without_end(receiver):
    receiver.answers = [500] * 1000
    posting = target(receiver, patience=0.05)
    with pytest.raises(DeliveryError, match=r"did not accept signals.Tk1.0.7 for 0.05 s: it answers 500"):
        posting.write(portion([signal(199.0)]))
    assert posting.problem == "it answers 500"


def test_a_process_that_has_to_end_does_not_wait(receiver):
    receiver.answers = [500] * 1000
    posting = target(receiver)
    posting._stop.set()
    assert not posting.write(portion([signal(199.0)]))


def test_a_secret_is_text_or_base64():
    assert key_of("hush") == b"hush"
    assert key_of(SECRET) == b"a key of bytes"
    with pytest.raises(DeliveryError, match="base64 does not follow"):
        key_of("whsec_!")
    for nothing in ("", "whsec_"):
        with pytest.raises(DeliveryError, match="secret is empty"):
            key_of(nothing)
