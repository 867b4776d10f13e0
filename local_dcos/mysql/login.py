"""The login `pipectl`, which owns one database and nothing else. There is no other login."""

import ssl

import pymysql

from local_dcos.ports import HOST

LOGIN = "pipectl"
_SECONDS = 5


def statements(password: str, database: str) -> str:
    """The statements that make the login, one a line; repeating them changes nothing."""
    user = f"'{LOGIN}'@'{HOST}'"
    return "\n".join(
        [
            f"CREATE DATABASE IF NOT EXISTS `{database}`;",
            f"CREATE USER IF NOT EXISTS {user};",
            f"ALTER USER {user} IDENTIFIED BY '{password}';",
            f"GRANT ALL PRIVILEGES ON `{database}`.* TO {user};",
            # A new server has a root without a password.
            f"DELETE FROM mysql.global_priv WHERE User NOT IN ('{LOGIN}', 'mariadb.sys');",  # noqa: S608  our own names
            "FLUSH PRIVILEGES;",
            "",
        ]
    )


def accepts(port: int, password: str, database: str, tls: ssl.SSLContext | None) -> bool:
    """Whether the server accepts the login."""
    try:
        pymysql.connect(
            host=HOST,
            port=port,
            user=LOGIN,
            password=password,
            database=database,
            ssl=tls,
            connect_timeout=_SECONDS,
            read_timeout=_SECONDS,
        ).close()
    except (pymysql.MySQLError, OSError):
        return False
    return True
