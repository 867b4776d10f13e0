"""Creates what a secured Kafka needs on this machine: an authority, keys with certificates, and passwords."""

import ipaddress
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFETIME = timedelta(days=3650)
_CURVE = ec.SECP256R1()


@dataclass(frozen=True)
class Authority:
    """A certificate authority. `certificate` is PEM; clients and brokers trust whom it vouches for."""

    certificate: str
    _issuer: x509.Certificate
    _key: ec.EllipticCurvePrivateKey

    @classmethod
    def create(cls) -> "Authority":
        """A new one, whose key is never written."""
        key = ec.generate_private_key(_CURVE)
        name = _name("pipectl's Kafka")
        certificate = (
            _builder(name, name, key.public_key(), LIFETIME)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        return cls(_pem(certificate), certificate, key)

    def issue(self, user: str, *, hosts: tuple[str, ...] = (), lifetime: timedelta = LIFETIME) -> str:
        """A private key and its certificate for a user, or for a broker at `hosts`, as PEM."""
        key = ec.generate_private_key(_CURVE)
        uses = [ExtendedKeyUsageOID.CLIENT_AUTH, *([ExtendedKeyUsageOID.SERVER_AUTH] if hosts else [])]
        builder = _builder(_name(user), self._issuer.subject, key.public_key(), lifetime).add_extension(
            x509.ExtendedKeyUsage(uses), critical=False
        )
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName([*map(_host, hosts)]), critical=False)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return private.decode() + _pem(builder.sign(self._key, hashes.SHA256()))


def new_password() -> str:
    """256 random bits."""
    return secrets.token_hex(32)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, lifetime: timedelta
) -> x509.CertificateBuilder:
    # A certificate that ends in the past begins further back. The minute allows for clocks that differ.
    now = datetime.now(UTC)
    begin = min(now, now + lifetime) - timedelta(minutes=1)
    return x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number(), begin, now + lifetime)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
