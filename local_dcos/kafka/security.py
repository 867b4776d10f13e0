"""How the broker's clients log in: its listeners, its users, and what each may do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local_dcos.errors import NodeError
from local_dcos.files import write_durably

MECHANISM = "SCRAM-SHA-512"
# The CN in the broker's own certificate. Without a network of brokers, only the broker itself has that key.
BROKER_USER = "broker"
PROTOCOL, CA, BROKER_KEY = "KAFKA_SECURITY_PROTOCOL", "KAFKA_CA", "KAFKA_BROKER_KEY"
USERS, SUPER_USERS = "KAFKA_USERS", "KAFKA_SUPER_USERS"


def password_variable(user: str) -> str:
    """Returns the name of the variable with the password of a user."""
    return f"KAFKA_PASSWORD_{user.upper().replace('-', '_')}"


@dataclass(frozen=True)
class BrokerSecurity:
    """Who may connect, and how.

    Args:
        protocol: SSL, where clients have keys that `ca` vouches for, or SASL_SSL, where they have passwords.
        ca: The certificate authority of brokers and clients, as PEM.
        key: The broker's private key and certificate, as PEM.
        super_users: `User:NAME;User:NAME`: who may do everything. Others need rules (ACLs).
        passwords: By user, for SASL_SSL.
    """

    protocol: str
    ca: str = field(repr=False)
    key: str = field(repr=False)
    super_users: str = ""
    passwords: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "BrokerSecurity | None":
        """Returns what the app of the service says; None for a broker that anyone on this machine may use.

        Raises:
            NodeError: A variable is missing.
        """
        if PROTOCOL not in environ:
            return None
        try:
            users = [user for user in environ[USERS].split(",") if user]
            return cls(
                environ[PROTOCOL],
                environ[CA],
                environ[BROKER_KEY],
                environ[SUPER_USERS],
                {user: environ[password_variable(user)] for user in users},
            )
        except KeyError as error:
            raise NodeError(f"{error.args[0]} is not set: install the package kafka again") from None

    def settings(self, folder: Path, clients: str, internal: str, controller: str) -> dict[str, object]:
        """Writes the key and the authority into `folder`. Returns the broker's settings.

        The broker talks to itself, as another broker and as the controller, on listeners of its own, where
        only a key is accepted. `clients`, `internal` and `controller` are host:port.
        """
        store, trusted = folder / "broker.pem", folder / "ca.pem"
        write_durably(store, self.key)
        write_durably(trusted, self.ca)
        listeners = f"CLIENTS://{clients},INTERNAL://{internal}"
        settings: dict[str, object] = {
            "listeners": f"{listeners},CONTROLLER://{controller}",
            "advertised.listeners": listeners,
            "listener.security.protocol.map": f"CLIENTS:{self.protocol},INTERNAL:SSL,CONTROLLER:SSL",
            "inter.broker.listener.name": "INTERNAL",
            "listener.name.internal.ssl.client.auth": "required",
            "listener.name.controller.ssl.client.auth": "required",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": store,
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": trusted,
            # A user is the CN of a certificate, as in the DC/OS package.
            "ssl.principal.mapping.rules": "RULE:^CN=([^,]+).*$/$1/",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": ";".join(filter(None, [f"User:{BROKER_USER}", self.super_users])),
        }
        if self.protocol == "SSL":
            return settings | {"listener.name.clients.ssl.client.auth": "required"}
        login = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        return settings | {
            "sasl.enabled.mechanisms": MECHANISM,
            f"listener.name.clients.{MECHANISM.lower()}.sasl.jaas.config": login,
        }

    @property
    def client(self) -> dict[str, str]:
        """The properties of the service's own client, which uses the broker's key at its listener."""
        certificate = self.key[self.key.index("-----BEGIN CERTIFICATE") :]
        return {
            "security.protocol": "SSL",
            "ssl.ca.pem": self.ca,
            "ssl.key.pem": self.key,
            "ssl.certificate.pem": certificate,
        }
