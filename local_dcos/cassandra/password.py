"""The password of the login `cassandra`, which every new node knows by a well-known one."""

import logging
import ssl

from cassandra import AuthenticationFailed
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, NoHostAvailable
from cassandra.policies import RoundRobinPolicy

from local_dcos.ports import HOST

LOGIN = "cassandra"
_WELL_KNOWN = "cassandra"
_SECONDS = 5.0
# Failed attempts are expected while a node starts.
logging.getLogger("cassandra").setLevel(logging.CRITICAL)


def set_password(port: int, password: str, tls: ssl.SSLContext | None) -> bool:
    """Replaces the well-known password. Returns whether the node accepts the new one."""
    if _as_login(port, password, tls):
        return True
    statement = f"ALTER ROLE {LOGIN} WITH PASSWORD = '{password}'"
    return _as_login(port, _WELL_KNOWN, tls, statement) and _as_login(port, password, tls)


def _as_login(port: int, password: str, tls: ssl.SSLContext | None, statement: str = "LIST ROLES") -> bool:
    """Whether the node accepts the password and runs the statement."""
    profile = ExecutionProfile(load_balancing_policy=RoundRobinPolicy(), request_timeout=_SECONDS)
    cluster = Cluster(
        [HOST],
        port=port,
        auth_provider=PlainTextAuthProvider(LOGIN, password),
        execution_profiles={EXEC_PROFILE_DEFAULT: profile},
        connect_timeout=_SECONDS,
        ssl_context=tls,
        protocol_version=5,
        monitor_reporting_enabled=False,
    )
    try:
        cluster.connect().execute(statement)
    except (AuthenticationFailed, NoHostAvailable):
        return False
    finally:
        cluster.shutdown()
    return True
