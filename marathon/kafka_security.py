"""The settings of how the bundle's programs log in to Kafka."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from marathon.section import Section

USERS = ("generator", "gatherer", "dashboard", "jobs")
"""The users that programs on the cluster log in as. `pipectl` itself is one more."""
OPERATOR = "pipectl"
_CREDENTIALS = {"SSL": ("KAFKA_KEY", "key"), "SASL_SSL": ("KAFKA_PASSWORD", "password")}
_Text = Annotated[str, Field(min_length=1)]


class KafkaSecurity(Section):
    protocol: Literal["PLAINTEXT", "SSL", "SASL_SSL"] = Field(
        description="PLAINTEXT: neither encryption nor login; SSL: mutual TLS; SASL_SSL: TLS with user and "
        "password (SCRAM-SHA-512)"
    )
    secrets: _Text | None = Field(
        description="folder of the cluster's secrets `ca` and, per user, `<user>-key` (SSL) or "
        "`<user>-password` (SASL_SSL); see [Secured Kafka](#secured-kafka)"
    )
    folder: _Text | None = Field(
        description="folder on this machine with the files `ca` and `pipectl-key` or `pipectl-password`"
    )

    @property
    def wanted(self) -> bool:
        """Whether clients encrypt and log in."""
        return self.protocol != "PLAINTEXT"

    @property
    def credential(self) -> str:
        """The last word in the names of secrets: `key` or `password`."""
        return _CREDENTIALS[self.protocol][1]

    def environment(self, user: str) -> dict[str, str | dict[str, str]]:
        """What an app that logs in as `user` needs in its environment. Secrets are references."""
        if not self.wanted:
            return {}
        return {
            "KAFKA_SECURITY_PROTOCOL": self.protocol,
            "KAFKA_USER": user,
            "KAFKA_CA": {"secret": "kafka-ca"},
            _CREDENTIALS[self.protocol][0]: {"secret": f"kafka-{self.credential}"},
        }

    def secrets_of(
        self, user: str | None, others: Mapping[str, Mapping[str, str]]
    ) -> dict[str, Mapping[str, str]]:
        """The secrets that `environment` refers to, and `others`, as an app definition declares them.

        user: None for an app that does not reach Kafka.
        """
        if not self.wanted or user is None:
            return dict(others)
        return {
            **others,
            "kafka-ca": {"source": f"{self.secrets}/ca"},
            f"kafka-{self.credential}": {"source": f"{self.secrets}/{user}-{self.credential}"},
        }

    @property
    def package_options(self) -> dict[str, object]:
        """The options `service.security` of the package kafka."""
        options: dict[str, object] = {
            "transport_encryption": {"enabled": True, "allow_plaintext": False},
            "kerberos": {"enabled": False},
            "ssl_authentication": {"enabled": self.protocol == "SSL"},
            "authorization": {
                "enabled": True,
                "super_users": f"User:{OPERATOR}",
                "allow_everyone_if_no_acl_found": False,
            },
        }
        if self.protocol == "SASL_SSL":
            # Not in the catalogue of DC/OS, whose package knows keys and Kerberos only.
            options["scram"] = {"users": [OPERATOR, *USERS]}
        return options
