"""Who sends a request: the tokens of DC/OS are checked, and so is the front door's secret."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from notebooks.logins import ProxyLogin, TokenLogin

SECRET = "0123456789abcdef" * 2


@cache
def key(owner: str) -> RSAPrivateKey:
    """A key of RSA takes up to a second, so it is made when a test needs it."""
    return generate_private_key(65537, 2048)


def coded(given: bytes) -> str:
    return urlsafe_b64encode(given).rstrip(b"=").decode()


def keys_of(*keys: RSAPrivateKey) -> str:
    numbers = [key.public_key().public_numbers() for key in keys]
    shown = [
        {
            "kty": "RSA",
            "alg": "RS256",
            "use": "sig",
            "e": coded(n.e.to_bytes(3)),
            "n": coded(n.n.to_bytes(256)),
        }
        for n in numbers
    ]
    return json.dumps({"keys": shown})


def token(signer: str = "cluster", alg: str = "RS256", **claims: Any) -> str:
    claims = {"uid": "ann", "exp": time.time() + 600} | claims
    signed = ".".join(coded(json.dumps(each).encode()) for each in ({"typ": "JWT", "alg": alg}, claims))
    if alg == "RS256":
        signature = key(signer).sign(signed.encode(), PKCS1v15(), SHA256())
    else:
        public = key(signer).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        signature = hmac.digest(public, signed.encode(), hashlib.sha256) if alg == "HS256" else b""
    return f"{signed}.{coded(signature)}"


def user_of(given: str) -> str | None:
    return TokenLogin.of(keys_of(key("another"), key("cluster"))).user_of({"Authorization": given})


def test_a_token_of_the_cluster_names_its_user() -> None:
    assert user_of(f"token={token()}") == "ann"


WRONG: dict[str, Callable[[], str]] = {
    "of a foreign key": lambda: token("foreign"),
    "expired": lambda: token(exp=time.time() - 1),
    "without an end": lambda: token(exp=None),
    "with an end in words": lambda: token(exp="9" * 20),
    "without a user": lambda: token(uid=None),
    "with several users": lambda: token(uid=["ann"]),
    "signed with the public key": lambda: token(alg="HS256"),
    "not signed": lambda: token(alg="none"),
    "with a damaged signature": lambda: token()[:-4] + "AAAA",
    "with the signature of another": lambda: (
        f"{token(uid='ben').rpartition('.')[0]}.{token().rpartition('.')[2]}"
    ),
    "empty": lambda: "",
    "dots": lambda: "..",
    "not ASCII": lambda: "é.é.é",
    "of lists": lambda: "W10.W10.",
}


@pytest.mark.parametrize("which", WRONG)
def test_other_tokens_name_nobody(which: str) -> None:
    assert user_of(f"token={WRONG[which]()}") is None


def test_a_token_elsewhere_names_nobody() -> None:
    for header in (f"Bearer {token()}", token(), ""):
        assert user_of(header) is None


@pytest.mark.parametrize(
    "written", ["", "[]", "{}", '{"keys": []}', '{"keys": [{"kty": "RSA"}]}', '{"keys": [{"kty": "EC"}]}']
)
def test_what_holds_no_key_is_refused(written: str) -> None:
    with pytest.raises(ValueError):
        TokenLogin.of(written)


def test_a_front_door_names_the_user_beside_its_secret() -> None:
    login = ProxyLogin(SECRET)
    assert login.user_of({"X-Proxy-Secret": SECRET, "X-Proxy-User": "ann"}) == "ann"
    for headers in ({"X-Proxy-User": "ann"}, {"X-Proxy-Secret": SECRET}, {"X-Proxy-Secret": "é"}):
        assert login.user_of(headers) is None
