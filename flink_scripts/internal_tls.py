"""TLS between JobManager and TaskManagers, where each side proves that it knows Flink's token.

Every process computes the same key pair from the token, and trusts a certificate with this key only. So no
certificate has to be distributed, and a new token is a new key.
"""

from __future__ import annotations

import os
import secrets
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

# A peer proves that it has the key, whatever its name. Without this, Netty also compares the name, and
# TaskManagers could not send records to each other.
JAVA_OPTION = (
    "-Dorg.apache.flink.shaded.netty4.io.netty.handler.ssl.defaultEndpointVerificationAlgorithm=NONE"
)
_CURVE = ec.SECP256R1()
# 64 bits more than the curve's order has: the remainder is as good as uniform.
_SEED_BYTES = 40
_NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "flink")])
# The key is replaced with the token, not by date.
_FROM, _UNTIL = datetime(2020, 1, 1), datetime(2120, 1, 1)


def internal_tls_options(token: str, folder: Path) -> dict[str, str]:
    """Flink's options for this. The key store that they name is written into `folder`, which is made."""
    store, password = folder / "internal.p12", secrets.token_hex(16)
    folder.mkdir(parents=True, exist_ok=True)
    store.unlink(missing_ok=True)
    with os.fdopen(os.open(store, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(key_store(token, password))
    return {
        "security.ssl.internal.enabled": "true",
        "security.ssl.internal.keystore": str(store),
        "security.ssl.internal.keystore-password": password,
        "security.ssl.internal.key-password": password,
        "security.ssl.internal.truststore": str(store),
        "security.ssl.internal.truststore-password": password,
        "security.ssl.protocol": "TLSv1.3",
        "security.ssl.algorithms": "TLS_AES_128_GCM_SHA256",
    }


def key_store(token: str, password: str) -> bytes:
    """The key of this token and its certificate, as PKCS 12."""
    key = _key(token)
    certificate = (
        x509.CertificateBuilder(_NAME, _NAME, key.public_key(), 1, _FROM, _UNTIL)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    protection = BestAvailableEncryption(password.encode())
    return pkcs12.serialize_key_and_certificates(b"flink", key, certificate, None, protection)


def _key(token: str) -> ec.EllipticCurvePrivateKey:
    seed = HKDF(hashes.SHA256(), _SEED_BYTES, salt=None, info=b"TLS inside Flink").derive(token.encode())
    order = _CURVE.group_order
    return ec.derive_private_key(1 + int.from_bytes(seed) % (order - 1), _CURVE)
