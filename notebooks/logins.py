"""Who sends a request, as the cluster's front door knows it."""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256

from task_runtime.front_door import PROXY_HEADER, PROXY_USER_HEADER, came_through_front_door

_SCHEME = "token="
_SMALLEST_KEY = 2048


class Login(Protocol):
    """A way to know who sends a request."""

    def user_of(self, headers: Mapping[str, str]) -> str | None:
        """The user who sends a request with these headers; None if nobody proves to be one."""


@dataclass(frozen=True)
class ProxyLogin:
    """A front door that shares a secret with this task, and names the user beside it.

    The hub knows in the same way whom its own proxy has let in.
    """

    secret: str

    def user_of(self, headers: Mapping[str, str]) -> str | None:
        if not came_through_front_door(headers.get(PROXY_HEADER), self.secret):
            return None
        return headers.get(PROXY_USER_HEADER) or None


@dataclass(frozen=True)
class TokenLogin:
    """DC/OS' Admin Router, which passes the login's token on: a JSON Web Token (RFC 7519), signed with RS256.

    It is checked here again, because the port of this task can be reached without Admin Router.
    """

    keys: tuple[RSAPublicKey, ...]

    @classmethod
    def of(cls, written: str) -> Self:
        """written: the public keys as `/acs/api/v1/auth/jwks` shows them (RFC 7517). Raises ValueError."""
        try:
            found = [each for each in json.loads(written)["keys"] if each["kty"] == "RSA"]
            keys = tuple(
                RSAPublicNumbers(_number(each["e"]), _number(each["n"])).public_key() for each in found
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("must be the JSON of /acs/api/v1/auth/jwks") from error
        if not keys or any(key.key_size < _SMALLEST_KEY for key in keys):
            raise ValueError(f"must hold RSA keys, each of at least {_SMALLEST_KEY} bits")
        return cls(keys)

    def user_of(self, headers: Mapping[str, str]) -> str | None:
        # Admin Router writes this header also when the token came in a cookie.
        given = headers.get("Authorization", "")
        if not given.startswith(_SCHEME):
            return None
        try:
            return self._user_in(given.removeprefix(_SCHEME))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None

    def _user_in(self, token: str) -> str | None:
        signed, _, signature = token.rpartition(".")
        head, _, claims = signed.partition(".")
        # A token that names another algorithm, such as none, is not one of DC/OS.
        if _document(head)["alg"] != "RS256" or not self._has_signed(signed, _decoded(signature)):
            return None
        found = _document(claims)
        user, expires = found["uid"], found["exp"]
        return user if isinstance(user, str) and user and expires > time.time() else None

    def _has_signed(self, signed: str, signature: bytes) -> bool:
        for key in self.keys:
            try:
                key.verify(signature, signed.encode(), PKCS1v15(), SHA256())
            except InvalidSignature:
                continue
            return True
        return False


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _number(text: str) -> int:
    return int.from_bytes(_decoded(text))


def _document(text: str) -> Any:
    return json.loads(_decoded(text))
