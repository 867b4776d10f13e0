"""The forms that single settings must have: app and service ids, symbols, addresses, URIs.

Each check returns the value or raises `FormError`, whose `hint` says what to write instead.
"""

from __future__ import annotations

import re
from datetime import timedelta
from difflib import get_close_matches
from math import isclose
from urllib.parse import urlsplit

from marathon.durations import format_duration, parse_duration

_SEGMENT = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")
_TOPIC = re.compile(r"[A-Za-z0-9._-]*")
MAX_TOPIC_LENGTH = 249
_SERVER = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9a-fA-F:]+\]):([0-9]{1,5})")
_HOST = re.compile(r"[A-Za-z0-9._-]+")
_ENDPOINT = re.compile(rf"(?:{_HOST.pattern}|\[[0-9a-fA-F:]+\])(?::[0-9]{{1,5}})?")

# Those that come with Flink, and Hadoop's own through hdfs.
_FILE_SYSTEMS = ("file", "hdfs", "viewfs", "s3", "s3a", "s3p", "gs", "oss", "abfs", "abfss", "wasb", "wasbs")


class FormError(ValueError):
    """A value that doesn't have the form its setting needs."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def is_id_segment(text: str) -> bool:
    """True when Marathon takes `text` between the slashes of an app id."""
    return _SEGMENT.fullmatch(text) is not None


def check_group(path: str) -> str:
    """A Marathon group path: `/volatility`, `/data/volatility`."""
    segments = path.removeprefix("/").split("/")
    if not path.startswith("/") or not all(is_id_segment(segment) for segment in segments):
        fixed = "/" + re.sub(r"[^a-z0-9./-]+", "-", path.lower()).strip("/-.")
        raise FormError(
            f"{path!r} is no group path: / first, then lower-case letters, digits, - and . between slashes",
            f'write "{fixed}"' if fixed != "/" else 'write, for example, "/volatility"',
        )
    return path


def check_service(name: str) -> str:
    """A package's service name, which may lie in a folder: `kafka`, `/data/kafka`."""
    if not all(is_id_segment(segment) for segment in name.removeprefix("/").split("/")):
        raise FormError(
            f"{name!r} is no service name", 'lower-case letters, digits and -, as in "data/kafka"'
        )
    return name


def check_symbol(symbol: str) -> str:
    """A position's symbol, which is the end of the name of its topic."""
    if not symbol or _TOPIC.fullmatch(symbol) is None:
        fixed = re.sub(r"[^A-Za-z0-9._-]+", "-", symbol).strip("-")
        raise FormError(
            f"{symbol!r} is no symbol: letters, digits, '.', '_' and '-'", f'write "{fixed}"' if fixed else ""
        )
    if len(position_topic(symbol)) > MAX_TOPIC_LENGTH:
        most = MAX_TOPIC_LENGTH - len(position_topic(""))
        raise FormError(f"{symbol[:20]!r}… has {len(symbol)} characters", f"{most} are the most for a topic")
    return symbol


def position_topic(symbol: str) -> str:
    """The name of a position's topic, without the prefix."""
    return f"position.{symbol}"


def check_price(price: float) -> float:
    """A price that a record can carry: whole cents, and less than the gatherer takes."""
    if not 0.01 <= price < 1e9:
        raise FormError(f"must be at least 0.01 and below 1e9, got {price:.10g}", "prices have two decimals")
    if not isclose(price, round(price, 2), rel_tol=1e-12):
        raise FormError(f"prices have two decimals, got {price:.10g}", f"write {round(price, 2):.2f}")
    return price


def check_some(items: tuple[str, ...]) -> tuple[str, ...]:
    """A list that isn't empty."""
    if not items:
        raise FormError("must not be empty")
    return items


def check_prefix(prefix: str) -> str:
    """What every topic's name begins with."""
    if _TOPIC.fullmatch(prefix) is None or len(prefix) > 100:
        raise FormError(f"{prefix!r} can't begin a topic name: at most 100 letters, digits, '.', '_' and '-'")
    if prefix.startswith("position."):
        raise FormError(f"{prefix!r} makes topics that look like positions", "begin it with another word")
    return prefix


def check_topic(name: str) -> str:
    """The name of a topic."""
    if not name or _TOPIC.fullmatch(name) is None or len(name) > MAX_TOPIC_LENGTH or name in (".", ".."):
        raise FormError(
            f"{name!r} is no topic name: at most 249 letters, digits, '.', '_' and '-'",
            "several topics are a pattern",
        )
    return name


def check_topic_pattern(pattern: str) -> str:
    """A regular expression for the whole names of topics; it is Java that matches it."""
    try:
        compiled(pattern)
    except re.error as error:
        hint = "a named group is written (?<symbol>…)" if "(?P<" in pattern else ""
        raise FormError(f"{pattern!r} is no regular expression: {error}", hint) from None
    return pattern


def compiled(pattern: str) -> re.Pattern[str]:
    """A regular expression whose named groups are written as Java does; raises re.error."""
    if "(?P" in pattern:
        raise re.error("unknown extension (?P")
    return re.compile(re.sub(r"\(\?<(?=[A-Za-z])", "(?P<", pattern))


def check_field_path(path: str) -> str:
    """The name of a field; a dot leads into an object."""
    if not all(path.split(".")):
        raise FormError(f"{path!r} names no field", 'a dot leads into an object, as in "quote.price"')
    return path


def check_servers(servers: str) -> str:
    """Kafka's `bootstrap.servers`: host:port, several with commas."""
    for server in servers.split(","):
        found = _SERVER.fullmatch(server)
        if found is None or not 0 < int(found[1]) < 65536:
            raise FormError(f"{server!r} is no host:port", 'write "host1:9092,host2:9092", without spaces')
    return servers


def check_length(length: timedelta) -> timedelta:
    """A length of time that isn't nothing."""
    if not length:
        raise FormError("must be longer than nothing")
    return length


def check_idle_timeout(length: timedelta) -> timedelta:
    """At least 2 s: the job asks twice a second where a log ends, and the answer takes its time."""
    if length < timedelta(seconds=2):
        raise FormError(f"must be at least 2s, got {format_duration(length)}")
    return length


def check_window(text: str) -> str:
    """The length of a window, written in its one way: records and settings name windows by it."""
    length = check_length(parse_duration(text))
    if (label := format_duration(length)) != text:
        raise FormError(f"{text!r} is written in a longer way than needed", f'write "{label}"')
    return text


def check_distinct(items: tuple[str, ...]) -> tuple[str, ...]:
    """A list that names nothing twice."""
    for index, item in enumerate(items):
        if item in items[:index]:
            raise FormError(f"{item} is there twice")
    return items


def check_host(host: str) -> str:
    """A host name or an address, without a port."""
    if _HOST.fullmatch(host) is None:
        raise FormError(f"{host!r} is no host name", "the port is a setting of its own")
    return host


def check_file(path: str) -> str:
    """An absolute path of a file on the agents."""
    if not path.startswith("/") or path.endswith("/"):
        raise FormError(
            f"{path!r} is not an absolute path of a file", "write it from the root: /etc/flink-token"
        )
    return path


def check_endpoint(url: str) -> str:
    """The address of a store: http or https, a host, and a port if it isn't the usual one."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or _ENDPOINT.fullmatch(parts.netloc) is None:
        raise FormError(f"{url!r} is no address of a store", 'write "https://host" or "http://host:9000"')
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise FormError(f"{url!r} has more than a host and a port", "buckets are named in flink.state")
    return url.rstrip("/")


def check_state(uri: str) -> str:
    """Where Flink keeps checkpoints and savepoints: a URI with a path, without a slash at its end."""
    parts = urlsplit(uri)
    if parts.scheme and parts.scheme not in _FILE_SYSTEMS:
        near = get_close_matches(parts.scheme, _FILE_SYSTEMS, n=1)
        hint = f'did you mean "{near[0]}"?' if near else f"there are {', '.join(_FILE_SYSTEMS)}"
        raise FormError(f"Flink has no file system for {parts.scheme}://", hint)
    if not parts.scheme or not parts.path.strip("/") or (parts.scheme == "file" and parts.netloc):
        raise FormError(
            f"{uri!r} is no URI with a path",
            "write hdfs://…, s3://bucket/path or, for a folder, file:///path with three slashes",
        )
    return uri.rstrip("/")
