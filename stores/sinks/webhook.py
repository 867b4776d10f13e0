"""The target `webhook`: posts each record to a web address, signed as Standard Webhooks specifies.

https://github.com/standard-webhooks/standard-webhooks. The headers `webhook-id`, `webhook-timestamp` and
`webhook-signature: v1,<base64>` go with the record's own bytes. The signature is HMAC-SHA256 of
"<id>.<timestamp>.<body>". The id is the same each time that a record is posted, so a receiver can tell a
repeat.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import logging
import threading
import time
from collections.abc import Mapping, Sequence

import httpx

from kafka_topic.errors import ContractError
from stores.sinks.errors import DeliveryError
from stores.sinks.portions import Partition, Portion
from stores.sinks.sources import Source

# At INFO, it logs the address of each request, which may hold a token.
logging.getLogger("httpx").setLevel(logging.WARNING)

_LOG = logging.getLogger(__name__)
PATIENCE_SECONDS = 240.0
"""How long a record is posted again before the process ends: less than it may be unhealthy."""
_ANSWER_SECONDS = 10.0
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 30.0
_PASSING = {408, 425, 429}
_MARK = "whsec_"


class WebhookTarget:
    """A web address. The records of a partition, and so of a position, are posted in order."""

    planned = False
    # Each record is committed before the next one is posted.
    most = 1
    # Without its commit, a record is posted twice.
    commit_seconds = PATIENCE_SECONDS

    def __init__(
        self,
        url: str,
        secret: str,
        sources: Sequence[Source],
        ids: Mapping[str, str],
        stop: threading.Event,
        *,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        """secret: text, or `whsec_` and base64. ids: the id of each topic.

        Raises DeliveryError if the address or the secret cannot be used. No message contains either: an
        address may hold a token.
        """
        self.label = f"the webhook at {_host_of(url)}"
        self.written = 0
        self.invalid = 0
        self.problem: str | None = None
        self._url = url
        self._key = key_of(secret)
        self._ids = ids
        self._accepted: dict[Partition, int] = {}
        self._stop = stop
        self._patience = patience
        self._kinds = {topic: source.kind for source in sources for topic in source.topics}
        self._client = httpx.Client(timeout=_ANSWER_SECONDS, follow_redirects=False)

    def write(self, portion: Portion) -> bool:
        """See Target.write."""
        topic, number = portion.partition
        for record in portion.records:
            offset, body = record.offset() or 0, bytes(record.value() or b"")
            if offset <= self._accepted.get(portion.partition, -1):
                continue  # only its commit was lost, with the membership of the group
            try:
                self._kinds[topic].read(body)
            except ContractError as error:
                self.invalid += 1
                _LOG.warning("%s, partition %d, offset %d is left out: %s", topic, number, offset, error)
                continue
            # The offsets of a topic that is deleted and made again repeat.
            if not self._deliver(f"{topic}.{self._ids[topic]}.{number}.{offset}", body):
                return False
            self._accepted[portion.partition] = offset
            self.written += 1
        return True

    def _deliver(self, name: str, body: bytes) -> bool:
        """Post one record until it is accepted. Returns False if the process has to end before that."""
        deadline, pause = time.monotonic() + self._patience, _FIRST_PAUSE_SECONDS
        while not self._stop.is_set():
            said, wait = self._post(name, body)
            self.problem = said
            if said is None:
                return True
            if time.monotonic() > deadline:
                raise DeliveryError(f"{self.label} did not accept {name} for {self._patience:g} s: {said}")
            _LOG.warning("%s did not accept %s: %s; it is posted again", self.label, name, said)
            self._stop.wait(max(pause, wait))
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        return False

    def _post(self, name: str, body: bytes) -> tuple[str | None, float]:
        """Post once. Returns what is wrong, None if nothing is, and the seconds that the receiver asks for.

        Raises DeliveryError if another attempt would not help.
        """
        at = int(time.time())
        headers = {
            "content-type": "application/json",
            "webhook-id": name,
            "webhook-timestamp": str(at),
            "webhook-signature": signature(self._key, name, at, body),
        }
        try:
            answer = self._client.post(self._url, content=body, headers=headers)
        except httpx.HTTPError as error:
            return f"{type(error).__name__}: {error}", 0.0
        if answer.is_success:
            return None, 0.0
        if answer.status_code in _PASSING or answer.is_server_error:
            asked = answer.headers.get("retry-after", "")
            wait = min(float(asked), _LONGEST_PAUSE_SECONDS) if asked.isdecimal() else 0.0
            return f"it answers {answer.status_code}", wait
        raise DeliveryError(
            f"{self.label} answers {answer.status_code} to {name}; correct webhook.url or its receiver; "
            "nothing is lost: the next start posts it again"
        )


def _host_of(url: str) -> str:
    """The host of a web address. Raises DeliveryError."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        parsed = httpx.URL()
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise DeliveryError(
            "WEBHOOK_URL is not a web address; correct webhook.url, or the secret of webhook.url_secret"
        )
    return parsed.host


def key_of(secret: str) -> bytes:
    """The key of a secret. Raises DeliveryError."""
    if not secret.removeprefix(_MARK):
        raise DeliveryError("the webhook's secret is empty; anybody could sign with it")
    if not secret.startswith(_MARK):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_MARK), validate=True)
    except binascii.Error:
        raise DeliveryError(f"the webhook's secret begins with {_MARK}, but base64 does not follow") from None


def signature(key: bytes, name: str, at: int, body: bytes) -> str:
    """The signature of a body. at: seconds since 1970."""
    digest = hmac.digest(key, f"{name}.{at}.".encode() + body, "sha256")
    return f"v1,{base64.b64encode(digest).decode()}"
