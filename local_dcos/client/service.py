#!/usr/bin/env python3
"""`dcos kafka …`, `dcos cassandra …` and so on: the commands of the packages.

This file is a module of the small client. It is also the program that the real client downloads with `dcos
package install`, so it imports the standard library only. Like the real command it prints errors on
stdout and exits with 1.
"""

import http.client
import json
import os
import re
import sys
import urllib.parse
from pathlib import Path
from typing import Any

USAGE = """usage: dcos {package} [--name=NAME] <command>

  endpoints [<name>]           View client endpoints
  plan status|show <plan> [--json]
                               Display the status of a plan, always as JSON"""
TOPIC_USAGE = """
  topic list                   List all available topics
  topic create <topic> [--partitions=10] [--replication=3]
                               Create a new topic
  topic delete <topic>         Delete an existing topic
  topic describe <topic>       Describe an existing topic"""
UNREACHABLE = """Could not reach the service scheduler with name '{name}'.
Did you provide the correct service name? Specify a different name with '--name=<name>'.
Was the service recently installed or updated? It may still be initializing, wait a bit and try again."""
INFO = "Manage the {} service"


class CommandError(Exception):
    """Ends the command with exit code 1."""


def _configuration() -> "tuple[str, str]":
    """Returns the url and the token of the cluster in the environment, else of the attached cluster."""
    url, token = os.environ.get("DCOS_URL", ""), os.environ.get("DCOS_ACS_TOKEN", "")
    if url:
        return url.rstrip("/"), token
    folder = Path(os.environ.get("DCOS_DIR") or Path.home() / ".dcos") / "clusters"
    wanted = os.environ.get("DCOS_CLUSTER")
    for path in sorted(folder.glob("*/dcos.toml")):
        values = dict(
            re.findall(r'^\s*(\w+)\s*=\s*"(.*)"\s*$', path.read_text(encoding="utf-8"), re.MULTILINE)
        )
        chosen = (
            wanted in (path.parent.name, values.get("name"))
            if wanted
            else (path.parent / "attached").exists()
        )
        if chosen and values.get("dcos_url"):
            return values["dcos_url"].rstrip("/"), values.get("dcos_acs_token", "")
    raise CommandError("No cluster is attached. Please run `dcos cluster attach <cluster-name>`")


def _ask(name: str, method: str, path: str, accepted: "tuple[int, ...]" = ()) -> Any:
    base, token = _configuration()
    url = f"{base}/service/{urllib.parse.quote(name)}/v1/{path}"
    parts = urllib.parse.urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=60)
    target = urllib.parse.urlunsplit(("", "", parts.path, parts.query, ""))
    try:
        connection.request(method, target, headers={"Authorization": f"token={token}"})
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        raise CommandError(f"HTTP {method} Query for {url} failed: {error}") from error
    if answer.status == 401:
        raise CommandError(
            f"Got 401 Unauthorized response from {url}\n- Bad auth token? Run 'dcos auth login' to log in."
        )
    is_missing_service = answer.status == 404 and "Service '" in text
    if answer.status >= 500 or is_missing_service:
        raise CommandError(UNREACHABLE.format(name=name))
    if not (200 <= answer.status < 300 or answer.status in accepted):
        raise CommandError(
            f"HTTP {method} Query for {url} failed: {answer.status} {answer.reason}\nResponse: {text}"
        )
    try:
        return json.loads(text)
    except ValueError:
        return text


def _print(document: Any) -> None:
    print(document if isinstance(document, str) else json.dumps(document, indent=2))  # noqa: T201


def _split(argv: "list[str]") -> "tuple[list[str], dict[str, str]]":
    """Separates positional arguments from --name=value options. A flag has the value ""."""
    words, options, rest = [], {}, list(argv)
    while rest:
        word = rest.pop(0)
        if word.startswith("--"):
            key, has_value, value = word[2:].partition("=")
            if not has_value and key in ("name", "partitions", "replication") and rest:
                value = rest.pop(0)
            options[key] = value
        else:
            words.append(word)
    return words, options


def _topic(name: str, words: "list[str]", options: "dict[str, str]") -> Any:
    verb, topic = words[0], urllib.parse.quote(words[1]) if len(words) > 1 else ""
    if verb == "list" and len(words) == 1:
        return _ask(name, "GET", "topics")
    if verb == "create" and len(words) == 2:
        counts = {
            "partitions": options.get("partitions", "10"),
            "replication": options.get("replication", "3"),
        }
        return _ask(name, "PUT", f"topics/{topic}?{urllib.parse.urlencode(counts)}")
    if verb == "describe" and len(words) == 2:
        return _ask(name, "GET", f"topics/{topic}")
    if verb == "delete" and len(words) == 2:
        return _ask(name, "DELETE", f"topics/{topic}")
    raise CommandError(_usage("kafka"))


def _usage(package: str) -> str:
    return USAGE.format(package=package) + (TOPIC_USAGE if package == "kafka" else "")


def _command(package: str, name: str, words: "list[str]", options: "dict[str, str]") -> Any:
    group, rest = words[0], words[1:]
    if group == "topic" and rest and package == "kafka":
        return _topic(name, rest, options)
    if group == "plan" and len(rest) == 2 and rest[0] in ("status", "show"):
        # 417 is the status of a plan with errors.
        return _ask(name, "GET", f"plans/{urllib.parse.quote(rest[1])}", accepted=(417,))
    if group == "endpoints" and len(rest) <= 1:
        return _ask(name, "GET", "/".join([group, *map(urllib.parse.quote, rest)]))
    raise CommandError(_usage(package))


def run(package: str, argv: "list[str]") -> int:
    """Runs `dcos PACKAGE ARGV…` and returns the exit code."""
    words, options = _split(argv)
    if "info" in options:
        _print(INFO.format(package.capitalize()))
        return 0
    if not words or "help" in options:
        _print(_usage(package))
        return 0 if "help" in options else 1
    try:
        _print(_command(package, options.get("name") or package, words, options))
    except CommandError as error:
        _print(str(error))
        return 1
    return 0


if __name__ == "__main__":
    # The real client calls `dcos-kafka kafka ARGS…`.
    if len(sys.argv) < 2:
        sys.exit("usage: python -m local_dcos.client.service PACKAGE ARGUMENTS")
    sys.exit(run(sys.argv[1], sys.argv[2:]))
