"""How the clients of this process prove to Kafka who they are, and how they recognize its brokers.

The environment says it, as `Security.from_environ` reads it. A program that reads its settings from elsewhere
calls `use`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from kafka_topic.errors import SecurityError
from kafka_topic.secret_file import open_to

PLAINTEXT, SSL, SASL_SSL = PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_SSL")
MECHANISM = "SCRAM-SHA-512"
PROTOCOL_VARIABLE, USER_VARIABLE = "KAFKA_SECURITY_PROTOCOL", "KAFKA_USER"
PASSWORD_VARIABLE, KEY_VARIABLE, CA_VARIABLE = "KAFKA_PASSWORD", "KAFKA_KEY", "KAFKA_CA"
_MEANING = {
    PASSWORD_VARIABLE: "the password of Kafka's user",
    KEY_VARIABLE: "the key for Kafka and its certificates",
    CA_VARIABLE: "the certificates of Kafka's authority",
}
# Java's clients read a password from between quotes, with backslashes as escapes.
_PASSWORD = re.compile(r"[!#-\[\]-~]{1,256}", re.ASCII)
_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----\n.+?\n-----END \1-----", re.DOTALL)
_HINT = "correct it in the env of the app definition"


@dataclass(frozen=True)
class Security:
    """What clients need beside the brokers' addresses.

    protocol: PLAINTEXT, SSL (each side proves itself by a key) or SASL_SSL (a user and a password, over TLS).
    key: the client's private key and its certificates. ca: the authorities that vouch for brokers; "" for
    those that the system trusts. Both are PEM.
    """

    protocol: str = PLAINTEXT
    user: str = ""
    password: str = field(default="", repr=False)
    key: str = field(default="", repr=False)
    ca: str = field(default="", repr=False)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read and check the environment. Raises SecurityError that names the variable, but no secret.

        KAFKA_SECURITY_PROTOCOL is PLAINTEXT when it is not set. SASL_SSL needs KAFKA_USER and KAFKA_PASSWORD,
        SSL needs KAFKA_KEY; KAFKA_CA is optional. NAME_FILE names a file that holds the value of a variable.
        """
        protocol = protocol_of(environ)
        if protocol == PLAINTEXT:
            return cls()
        ca = _value(environ, CA_VARIABLE)
        if ca:
            _check_pem(CA_VARIABLE, ca, "CERTIFICATE")
        if protocol == SSL:
            key = _required(environ, KEY_VARIABLE, protocol)
            _check_pem(KEY_VARIABLE, key, "PRIVATE KEY")
            _check_pem(KEY_VARIABLE, key, "CERTIFICATE")
            return cls(protocol, environ.get(USER_VARIABLE, ""), key=key, ca=ca)
        user, password = (
            environ.get(USER_VARIABLE, ""),
            _required(environ, PASSWORD_VARIABLE, protocol).strip(),
        )
        if not _PASSWORD.fullmatch(user):
            raise SecurityError(f"{USER_VARIABLE} is not the name of a user, which {protocol} needs; {_HINT}")
        if not _PASSWORD.fullmatch(password):
            raise SecurityError(
                f"{PASSWORD_VARIABLE} is not a password: use 1 to 256 visible ASCII characters without "
                '" and \\; `openssl rand -hex 32` makes one'
            )
        return cls(protocol, user, password, ca=ca)

    @property
    def encrypted(self) -> bool:
        """Whether clients speak TLS."""
        return self.protocol != PLAINTEXT

    def librdkafka(self) -> dict[str, str]:
        """The properties of librdkafka's clients."""
        if not self.encrypted:
            return {}
        properties = {"security.protocol": self.protocol}
        if self.ca:
            properties["ssl.ca.pem"] = self.ca
        if self.protocol == SSL:
            return properties | {"ssl.key.pem": self.key, "ssl.certificate.pem": self.certificates}
        return properties | {
            "sasl.mechanism": MECHANISM,
            "sasl.username": self.user,
            "sasl.password": self.password,
        }

    def java(self, package: str = "org.apache.kafka") -> dict[str, str]:
        """The properties of Java's clients, whose classes are in `package`.

        They hold no secret: they refer to variables of the Java process, which `variables` lists.
        """
        if not self.encrypted:
            return {}
        properties = {
            "security.protocol": self.protocol,
            "config.providers": "env",
            "config.providers.env.class": f"{package}.common.config.provider.EnvVarConfigProvider",
            "config.providers.env.param.allowlist.pattern": "|".join(self.variables),
        }
        if self.ca:
            properties |= {"ssl.truststore.type": "PEM", "ssl.truststore.certificates": _env(CA_VARIABLE)}
        if self.protocol == SSL:
            return properties | {
                "ssl.keystore.type": "PEM",
                "ssl.keystore.key": _env(KEY_VARIABLE),
                "ssl.keystore.certificate.chain": _env(KEY_VARIABLE),
            }
        login = f"{package}.common.security.scram.ScramLoginModule"
        return properties | {
            "sasl.mechanism": MECHANISM,
            "sasl.jaas.config": f'{login} required username="{self.user}" '
            f'password="{_env(PASSWORD_VARIABLE)}";',
        }

    @property
    def variables(self) -> dict[str, str]:
        """The secrets by the names of the variables that `java` refers to."""
        found = {PASSWORD_VARIABLE: self.password, KEY_VARIABLE: self.key, CA_VARIABLE: self.ca}
        return {name: value for name, value in found.items() if value}

    @property
    def certificates(self) -> str:
        """The certificates in `key`: the client's own, and those between it and its authority."""
        blocks = (found[0] for found in _BLOCK.finditer(self.key) if found[1] == "CERTIFICATE")
        return "".join(f"{block}\n" for block in blocks)


_instead: list[Mapping[str, str]] = []


def use(variables: Mapping[str, str] | None) -> None:
    """Let the clients that this process makes from now on read these variables; None: the environment."""
    _instead[:] = [] if variables is None else [variables]


def current() -> Security:
    """What new clients use. Raises SecurityError when the environment is not as it must be."""
    return Security.from_environ(_instead[0] if _instead else os.environ)


def protocol_of(environ: Mapping[str, str]) -> str:
    """KAFKA_SECURITY_PROTOCOL, or PLAINTEXT if it is not set. Raises SecurityError for any other value."""
    protocol = environ.get(PROTOCOL_VARIABLE) or PLAINTEXT
    if protocol not in PROTOCOLS:
        shown = protocol[:40]
        raise SecurityError(f"{PROTOCOL_VARIABLE}={shown}: must be one of {', '.join(PROTOCOLS)}; {_HINT}")
    return protocol


def _env(name: str) -> str:
    return f"${{env:{name}}}"


def _required(environ: Mapping[str, str], name: str, protocol: str) -> str:
    value = _value(environ, name)
    if not value:
        raise SecurityError(f"{protocol} needs {name} or {name}_FILE, and neither is set; {_HINT}")
    return value


def _value(environ: Mapping[str, str], name: str) -> str:
    """The variable, else the content of the file that NAME_FILE names, else ""."""
    if value := environ.get(name):
        return value
    if not (path := environ.get(f"{name}_FILE")):
        return ""
    file = Path(path)
    try:
        if name != CA_VARIABLE and (who := open_to(file)):
            raise SecurityError(f"{who} may read {file}, which holds a secret: chmod 600 {file}")
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SecurityError(f"{file}, which should hold {_MEANING[name]}, cannot be read: {error}") from None


def _check_pem(name: str, text: str, kind: str) -> None:
    if not any(found[1].endswith(kind) for found in _BLOCK.finditer(text)):
        raise SecurityError(f"{name} holds no {kind} in PEM form (-----BEGIN {kind}-----)")
