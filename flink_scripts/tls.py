"""TLS of Flink's processes and their clients, with keys that follow from Flink's token.

Whoever knows the token computes the same keys. So no certificate has to be distributed, and a new token is a
new key. JobManager and TaskManagers prove to each other that they have one of them. A client of REST lets the
JobManager prove that it has the other, before it sends the token.
"""

from __future__ import annotations

import os
import secrets
import ssl
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs12

# A peer proves that it has the key, whatever its name. Without this, Netty also compares the name, and
# TaskManagers could not send records to each other.
JAVA_OPTION = (
    "-Dorg.apache.flink.shaded.netty4.io.netty.handler.ssl.defaultEndpointVerificationAlgorithm=NONE"
)
INTERNAL, REST = b"TLS inside Flink", b"TLS of Flink's REST API"
"""What the two keys are for."""
# The proxies and health checks of DC/OS know nothing newer than 1.2, and Flink takes one version.
_VERSION = {
    "security.ssl.protocol": "TLSv1.2",
    "security.ssl.algorithms": "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
}
# Signatures are random, so the same certificate is never made twice, and a client cannot know the server's.
# It trusts an authority with the same key, which vouches for whatever certificate the server has made.
AUTHORITY, SERVER = (
    x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]) for name in ("token of flink", "flink")
)
_CURVE = ec.SECP256R1()
# 64 bits more than the curve's order has: the remainder is as good as uniform.
_SEED_BYTES = 40
# The key is replaced with the token, not by date.
_FROM, _UNTIL = datetime(2020, 1, 1), datetime(2120, 1, 1)


def internal_tls_options(token: str, folder: Path) -> dict[str, str]:
    """Flink's options for TLS on both sides between its processes.

    The key store that they name is written into `folder`, which is made; so it is for the other options.
    """
    store, password = _written(folder / "internal.p12", token, INTERNAL, AUTHORITY)
    return {
        "security.ssl.internal.enabled": "true",
        "security.ssl.internal.keystore": store,
        "security.ssl.internal.keystore-password": password,
        "security.ssl.internal.key-password": password,
        "security.ssl.internal.truststore": store,
        "security.ssl.internal.truststore-password": password,
        **_VERSION,
    }


def rest_server_options(token: str, folder: Path) -> dict[str, str]:
    """Flink's options for TLS at the JobManager's REST API."""
    store, password = _written(folder / "rest.p12", token, REST, SERVER)
    return {
        "security.ssl.rest.enabled": "true",
        "security.ssl.rest.keystore": store,
        "security.ssl.rest.keystore-password": password,
        "security.ssl.rest.key-password": password,
        **_VERSION,
    }


def rest_client_options(token: str, folder: Path) -> dict[str, str]:
    """The options of Flink's own client of that API."""
    store, password = _written(folder / "rest.p12", token, REST, AUTHORITY)
    return {
        "security.ssl.rest.enabled": "true",
        "security.ssl.rest.truststore": store,
        "security.ssl.rest.truststore-password": password,
        # What counts is the key, as below.
        "security.ssl.rest.verify-hostname": "false",
        **_VERSION,
    }


def rest_context(token: str) -> ssl.SSLContext:
    """What a client in Python needs: it talks to a server that has the key, whatever its name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    authority = _certificate(_key(token, REST), AUTHORITY)
    context.load_verify_locations(cadata=authority.public_bytes(Encoding.PEM).decode())
    return context


def key_store(token: str, purpose: bytes, name: x509.Name, password: str) -> bytes:
    """A key of this token with a certificate of that name, as PKCS 12."""
    key = _key(token, purpose)
    protection = BestAvailableEncryption(password.encode())
    return pkcs12.serialize_key_and_certificates(b"flink", key, _certificate(key, name), None, protection)


def _certificate(key: ec.EllipticCurvePrivateKey, name: x509.Name) -> x509.Certificate:
    is_authority = name == AUTHORITY
    return (
        x509.CertificateBuilder(AUTHORITY, name, key.public_key(), 1 + is_authority, _FROM, _UNTIL)
        .add_extension(
            x509.BasicConstraints(ca=is_authority, path_length=0 if is_authority else None), critical=True
        )
        .sign(key, hashes.SHA256())
    )


def _written(file: Path, token: str, purpose: bytes, name: x509.Name) -> tuple[str, str]:
    """Write a key store that only we may read. Returns its path and its password."""
    password = secrets.token_hex(16)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(key_store(token, purpose, name, password))
    return str(file), password


def _key(token: str, purpose: bytes) -> ec.EllipticCurvePrivateKey:
    seed = HKDF(hashes.SHA256(), _SEED_BYTES, salt=None, info=purpose).derive(token.encode())
    order = _CURVE.group_order
    return ec.derive_private_key(1 + int.from_bytes(seed) % (order - 1), _CURVE)
