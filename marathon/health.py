"""When an app counts as healthy, and how long a deploy waits for one."""

from __future__ import annotations

from math import ceil

from pydantic import Field

from marathon.section import Section
from marathon.signals import Duration


class Health(Section):
    interval: Duration = Field(description="time between two health checks, in whole seconds")
    kill_after: Duration = Field(
        description="a task that fails its health check for this long is killed; 5 times as long for the "
        "gatherer and 60 times for the generator, which wait for other apps"
    )

    @property
    def failures(self) -> int:
        """`kill_after` as a number of consecutive failures. Never 0: a MESOS_* check would kill at once."""
        return max(1, ceil(self.kill_after / self.interval))


class Timeouts(Section):
    package: Duration = Field(description="timeout for a package's deploy plan to complete")
    app: Duration | None = Field(
        description="timeout for an app to become healthy; null: what its health check allows, plus a minute "
        "to launch"
    )
    data: Duration = Field(description="timeout for a fresh record of every position")
