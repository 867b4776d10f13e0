"""The commands in hints: they mean the cluster and the area of the command that failed."""

import re

from cli.home import is_implied

_COMMAND = re.compile(r"`pipectl ([^`]+)`")
# These are about a whole cluster, or name their area.
_WITHOUT_AREA = re.compile(r"(area|clusters?) |.*--(purge|area)\b")


def complete(text: str, cluster: str, area: str | None) -> str:
    """Add the options that select a cluster and an area to each `pipectl` command that lacks them."""

    def completed(found: re.Match[str]) -> str:
        command = found[1]
        if not is_implied(cluster) and "--cluster" not in command:
            command += f" --cluster {cluster}"
        if area is not None and not _WITHOUT_AREA.match(command):
            command += f" --area {area}"
        return f"`pipectl {command}`"

    return _COMMAND.sub(completed, text)
