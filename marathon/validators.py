"""Validators of single settings: app and service ids, symbols, addresses, URIs.

Each check returns the value or raises `InvalidValue` with a `hint` for a valid one.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from math import isclose
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from marathon.durations import format_duration, parse_duration

_SEGMENT = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")
_TOPIC = re.compile(r"[A-Za-z0-9._-]*")
MAX_TOPIC_LENGTH = 249
_SERVER = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9a-fA-F:]+\]):([0-9]{1,5})")
_USER = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")
_HOST = re.compile(r"[A-Za-z0-9._-]+")
_PATH = re.compile(r"(?:/[A-Za-z0-9._~%-]+)*/?")
_ENDPOINT = re.compile(rf"(?:{_HOST.pattern}|\[[0-9a-fA-F:]+\])(?::[0-9]{{1,5}})?")

# The file systems of Flink and, through its hdfs plugin, of Hadoop.
_FILE_SYSTEMS = ("file", "hdfs", "viewfs", "s3", "s3a", "s3p", "gs", "oss", "abfs", "abfss", "wasb", "wasbs")


class InvalidValue(ValueError):
    """The value is not valid for its setting."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def is_id_segment(text: str) -> bool:
    """Whether Marathon accepts `text` between the slashes of an app id."""
    return _SEGMENT.fullmatch(text) is not None


def check_group(path: str) -> str:
    """A Marathon group path: `/volatility`, `/data/volatility`."""
    segments = path.removeprefix("/").split("/")
    if not path.startswith("/") or not all(is_id_segment(segment) for segment in segments):
        fixed = "/" + re.sub(r"[^a-z0-9./-]+", "-", path.lower()).strip("/-.")
        raise InvalidValue(
            f"{path!r} is not a group path: start with /, and use lower-case letters, digits, - and . "
            "between slashes",
            f'write "{fixed}"' if fixed != "/" else 'write, for example, "/volatility"',
        )
    return path


def check_service(name: str) -> str:
    """A package's service name, optionally in a folder: `kafka`, `/data/kafka`."""
    if not all(is_id_segment(segment) for segment in name.removeprefix("/").split("/")):
        raise InvalidValue(
            f"{name!r} is not a service name", 'use lower-case letters, digits and -, as in "data/kafka"'
        )
    return name


def check_symbol(symbol: str) -> str:
    """A position's symbol, the last part of its topic's name."""
    if not symbol or _TOPIC.fullmatch(symbol) is None:
        fixed = re.sub(r"[^A-Za-z0-9._-]+", "-", symbol).strip("-")
        raise InvalidValue(
            f"{symbol!r} is not a symbol: use letters, digits, '.', '_' and '-'",
            f'write "{fixed}"' if fixed else "",
        )
    if len(position_topic(symbol)) > MAX_TOPIC_LENGTH:
        most = MAX_TOPIC_LENGTH - len(position_topic(""))
        raise InvalidValue(f"{symbol[:20]!r}… has {len(symbol)} characters", f"use at most {most}")
    return symbol


def position_topic(symbol: str) -> str:
    """The name of a position's topic without the prefix."""
    return f"position.{symbol}"


def check_price(price: float) -> float:
    """A price with at most two decimals, within the gatherer's range."""
    if not 0.01 <= price < 1e9:
        raise InvalidValue(
            f"must be at least 0.01 and below 1e9, got {_decimal(price)}", "prices have two decimals"
        )
    if not isclose(price, round(price, 2), rel_tol=1e-12):
        raise InvalidValue(f"prices have two decimals, got {_decimal(price)}", f"write {round(price, 2):.2f}")
    return price


def check_some(items: tuple[str, ...]) -> tuple[str, ...]:
    """A list with at least one item."""
    if not items:
        raise InvalidValue("must not be empty")
    return items


def check_user(name: str) -> str:
    """The name of a user, which is also that of a folder, and part of a path."""
    if _USER.fullmatch(name) is None:
        raise InvalidValue(
            f"{name!r} is not the name of a user",
            "use up to 64 lower-case letters, digits and . _ @ + -, the first a letter or digit",
        )
    return name


def check_login_keys(keys: dict[str, Any]) -> dict[str, Any]:
    """A JSON Web Key Set (RFC 7517) with RSA keys."""
    found = keys.get("keys")
    if not isinstance(found, list) or not any(_is_rsa(each) for each in found):
        raise InvalidValue(
            "not the keys of a login",
            "write what `curl https://CLUSTER/acs/api/v1/auth/jwks` prints: "
            '{keys: [{kty: RSA, n: "…", e: AQAB}]}',
        )
    return keys


def _is_rsa(key: object) -> bool:
    return (
        isinstance(key, dict)
        and key.get("kty") == "RSA"
        and all(isinstance(key.get(each), str) for each in "ne")
    )


def check_prefix(prefix: str) -> str:
    """The prefix of every topic's name."""
    if _TOPIC.fullmatch(prefix) is None or len(prefix) > 100:
        raise InvalidValue(
            f"{prefix!r} is not a topic prefix: use at most 100 letters, digits, '.', '_' and '-'"
        )
    if prefix.startswith("position."):
        raise InvalidValue(f"with {prefix!r}, other topics look like positions", "start it with another word")
    return prefix


def check_topic(name: str) -> str:
    """The name of a topic."""
    if not name or _TOPIC.fullmatch(name) is None or len(name) > MAX_TOPIC_LENGTH or name in (".", ".."):
        raise InvalidValue(
            f"{name!r} is not a topic name: use at most 249 letters, digits, '.', '_' and '-'",
            "for several topics, write a pattern",
        )
    return name


def check_topic_pattern(pattern: str) -> str:
    """A regular expression that Java matches against whole topic names."""
    try:
        compiled(pattern)
    except re.error as error:
        hint = "write a named group as (?<symbol>…)" if "(?P<" in pattern else ""
        raise InvalidValue(f"{pattern!r} is not a regular expression: {error}", hint) from None
    return pattern


def compiled(pattern: str) -> re.Pattern[str]:
    """Compile a regular expression with Java's syntax of named groups. Raises re.error."""
    if "(?P" in pattern:
        raise re.error("unknown extension (?P")
    return re.compile(re.sub(r"\(\?<(?=[A-Za-z])", "(?P<", pattern))


def check_field_path(path: str) -> str:
    """The name of a field; a dot separates nested names."""
    if not all(path.split(".")):
        raise InvalidValue(
            f"{path!r} is not a field path", 'separate nested names with dots, as in "quote.price"'
        )
    return path


def check_servers(servers: str) -> str:
    """Kafka's `bootstrap.servers`: host:port, separated by commas."""
    for server in servers.split(","):
        found = _SERVER.fullmatch(server)
        if found is None or not 0 < int(found[1]) < 65536:
            raise InvalidValue(
                f"{server!r} is not host:port", 'write "host1:9092,host2:9092", without spaces'
            )
    return servers


def check_length(length: timedelta) -> timedelta:
    """A duration above zero."""
    if not length:
        raise InvalidValue("must be more than 0s")
    return length


def check_idle_timeout(length: timedelta) -> timedelta:
    """At least 2 s: the job polls the end of the log twice a second, and the answer takes time."""
    if length < timedelta(seconds=2):
        raise InvalidValue(f"must be at least 2s, got {format_duration(length)}")
    return length


def check_window(text: str) -> str:
    """The length of a window in its shortest form, which is also its label in records and settings."""
    length = check_length(parse_duration(text))
    if (label := format_duration(length)) != text:
        raise InvalidValue(f"{text!r} is not in its shortest form", f'write "{label}"')
    return text


def check_distinct(items: tuple[str, ...]) -> tuple[str, ...]:
    """A list without duplicates."""
    for index, item in enumerate(items):
        if item in items[:index]:
            raise InvalidValue(f"{item} is listed twice")
    return items


def check_host(host: str) -> str:
    """A host name or an IP address, without a port."""
    if _HOST.fullmatch(host) is None:
        raise InvalidValue(f"{host!r} is not a host name", "set the port separately")
    return host


def check_file(path: str) -> str:
    """An absolute path of a file on the agents."""
    if not path.startswith("/") or path.endswith("/"):
        raise InvalidValue(
            f"{path!r} is not an absolute path of a file", "write it from the root: /etc/flink-token"
        )
    return path


def _decimal(price: float) -> str:
    """A price as people write it: 0.00002, not 2e-05."""
    return f"{price:.10f}".rstrip("0").rstrip(".")


def check_time_zone(name: str) -> str:
    """A time zone of the IANA database."""
    try:
        ZoneInfo(name)
    # The last one is for a folder of the database, such as America, and for a name that no file can have.
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidValue(
            f"{name!r} is not a time zone", "write one such as America/New_York, or UTC"
        ) from None
    return name


def check_date(text: str) -> str:
    """A date: YYYY-MM-DD."""
    try:
        date.fromisoformat(text)
    except ValueError:
        raise InvalidValue(f"{text!r} is not a date", "write it as 2020-12-31") from None
    return text


def check_time_format(form: str) -> str:
    """The form of times for `strptime`."""
    time = datetime(2020, 12, 31, 23, 59, 58)
    try:
        datetime.strptime(time.strftime(form), form)
    except ValueError as error:
        raise InvalidValue(
            f"{form!r} is not a form of times: {error}", "write it as %m/%d/%Y %H:%M"
        ) from None
    if "%" not in form:
        raise InvalidValue(f"{form!r} has no field of a time", "write it as %m/%d/%Y %H:%M")
    return form


def check_endpoint(url: str) -> str:
    """The URL of a store: http or https, a host, and optionally a port."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or _ENDPOINT.fullmatch(parts.netloc) is None:
        raise InvalidValue(f"{url!r} is not the URL of a store", 'write "https://host" or "http://host:9000"')
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise InvalidValue(f"{url!r} has more than a host and a port", "name the bucket in flink.state")
    return url.rstrip("/")


def check_web_address(url: str) -> str:
    """A web address: http or https, and a host. Secrets in it would be in app definitions."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidValue("not a web address", 'write, for example, "https://host/signals"')
    if "@" in parts.netloc:
        raise InvalidValue("a web address must not hold a login", "the receiver checks the signature instead")
    if parts.query or parts.fragment:
        raise InvalidValue(
            "a web address with a query may hold a secret, which everybody would read",
            "put the whole address into a secret of the cluster, and name that in webhook.url_secret",
        )
    return url


def check_page(url: str) -> str:
    """The address of another cluster's live page. The page allows itself to ask there, and nowhere else."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or _ENDPOINT.fullmatch(parts.netloc) is None:
        raise InvalidValue(f"{url!r} is not the address of a page", 'write "https://host/service/name/"')
    if parts.query or parts.fragment or _PATH.fullmatch(parts.path) is None:
        raise InvalidValue(f"{url!r} must end with a plain path", 'write "https://host/service/name/"')
    return f"{url.rstrip('/')}/"


def check_state(uri: str) -> str:
    """The URI for Flink's checkpoints and savepoints. It needs a path; the trailing slash is dropped."""
    parts = urlsplit(uri)
    if parts.scheme and parts.scheme not in _FILE_SYSTEMS:
        near = get_close_matches(parts.scheme, _FILE_SYSTEMS, n=1)
        hint = f'did you mean "{near[0]}"?' if near else f"the file systems are {', '.join(_FILE_SYSTEMS)}"
        raise InvalidValue(f"Flink has no file system for {parts.scheme}://", hint)
    if not parts.scheme or not parts.path.strip("/") or (parts.scheme == "file" and parts.netloc):
        raise InvalidValue(
            f"{uri!r} is not a URI with a path",
            "write hdfs://…, s3://bucket/path or, for a folder, file:///path (three slashes)",
        )
    return uri.rstrip("/")
