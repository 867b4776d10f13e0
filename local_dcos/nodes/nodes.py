"""The agents: which run, which one takes a task, and how a killed one comes back."""

import asyncio
import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from local_dcos import launching, processes
from local_dcos.errors import ApiError, NoOfferError, SilentError
from local_dcos.home import HOME_MARK, OWN_AGENT, Home
from local_dcos.model import Json, Node, Task
from local_dcos.nodes import channel
from local_dcos.quotas import memory
from local_dcos.store import State

# How long an agent that has ended stays away, unless the one who killed it says otherwise.
AWAY_SECONDS = 60.0
POLL_SECONDS = 0.1
_log = logging.getLogger(__name__)


class Nodes:
    """Starts the agents, chooses one for each task, and watches them."""

    def __init__(self, home: Home, state: State, save: Callable[[], str | None]) -> None:
        self._home, self._state, self._save = home, state, save
        self._stopping = False
        count = home.agents_wanted()
        # Another number of agents has other names, so no task of the only agent seems to run on another one.
        ids = [OWN_AGENT] if count == 1 else [f"local-S{number}" for number in range(1, count + 1)]
        state.nodes = {name: state.nodes.get(name, Node(name)) for name in ids}

    def adopt(self) -> set[str]:
        """Returns the names of the agents that run: of a cluster whose main process was killed."""
        return {node.id for node in self._state.nodes.values() if _lives(node)}

    def start(self, returned: Callable[[str], None]) -> None:
        """Starts every agent that does not run. `returned` is told of each that serves, again or anew."""
        for node in self._state.nodes.values():
            if node.id == OWN_AGENT:
                node.up = True
            else:
                processes.in_background(self._keep(node, returned))

    def stop(self) -> None:
        """Starts no agent from now on."""
        self._stopping = True

    async def _keep(self, node: Node, returned: Callable[[str], None]) -> None:
        """Starts an agent again and again."""
        while True:
            if _lives(node):
                # It has outlived an earlier main process. If it stands still, what it runs goes on.
                node.up = node.silent = True
                await self._listen(node)
            else:
                # What it ran must have ended. It comes back as a machine does that was switched on.
                while time.time() < node.back_at or self._has_tasks(node):
                    await asyncio.sleep(POLL_SECONDS)
                if self._stopping:
                    return
                await self._start(node)
            if node.is_active:
                node.back_at = 0.0
                returned(node.id)
            await processes.wait_for_exit(node.pid, node.created)
            node.up = node.silent = False
            if node.process is not None:
                node.process.wait()
            if self._stopping:
                return
            node.back_at = node.back_at or time.time() + AWAY_SECONDS
            self._save()

    async def _start(self, node: Node) -> None:
        """Starts an agent and waits until it serves. Kills one that does not in time."""
        try:
            self._spawn(node)
            await asyncio.to_thread(channel.wait_until_serving, self._home.agents / node.id)
        except (OSError, ValueError):
            _log.exception("Agent %s does not serve", node.id)
            if _lives(node):
                os.kill(node.pid, signal.SIGKILL)
        else:
            node.up = True

    def _has_tasks(self, node: Node) -> bool:
        tasks = [*self._state.tasks.values(), *self._state.run_tasks()]
        return any(task.agent_id == node.id for task in tasks)

    def _spawn(self, node: Node) -> None:
        folder = self._home.agents / node.id
        (folder / "sandboxes").mkdir(parents=True, exist_ok=True, mode=0o700)
        with channel.listen(folder) as server:
            node.process = subprocess.Popen(
                [sys.executable, "-m", "local_dcos.nodes", str(server.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=[server.fileno()],
                start_new_session=True,
                cwd="/",
                env={**os.environ, HOME_MARK: str(self._home.path), processes.TASK_MARK: node.id},
            )
        node.pid = node.process.pid
        node.created = processes.identity(node.pid) or time.time()
        self._save()

    def kill(self, name: str, seconds: float) -> list[Task]:
        """Kills an agent with all its tasks, which it returns. It stays away for `seconds`.

        Raises:
            ApiError: 404 if there is no such agent, 409 if it can't be killed or is away already.
        """
        node = self._state.nodes.get(name)
        if node is None:
            raise ApiError(404, f"There is no agent {name}; there are {', '.join(self._state.nodes)}")
        if name == OWN_AGENT:
            raise ApiError(409, "The only agent is the cluster itself: start the cluster with more agents")
        if not node.up:
            left = max(0.0, node.back_at - time.time())
            raise ApiError(409, f"Agent {name} does not run now; it comes back in {left:.0f} s")
        node.up, node.back_at = False, time.time() + seconds
        self._save()
        # It may have ended by itself a moment ago.
        with contextlib.suppress(ProcessLookupError):
            os.kill(node.pid, signal.SIGKILL)
        tasks = [*self._state.tasks.values(), *self._state.run_tasks()]
        return [task for task in tasks if task.agent_id == name]

    def has_lost(self, task: Task) -> bool:
        """Tells whether the agent of a task has ended."""
        node = self._state.nodes.get(task.agent_id)
        return node is None or (node.id != OWN_AGENT and not _lives(node))

    def launch(self, task: Task, definition: Json) -> None:
        """Starts a task on the agent that has the most memory free. One that does not answer is passed over.

        Raises:
            NoOfferError: No agent has enough memory.
            LaunchError: The process can't be started.
        """
        while True:
            task.agent_id = self.place(definition)
            try:
                return launching.launch(self._home, task, definition)
            except SilentError as error:
                _log.warning("%s: it gets no task until it does", error)
                node = self._state.nodes[task.agent_id]
                node.silent = True
                processes.in_background(self._listen(node))

    async def _listen(self, node: Node) -> None:
        """Waits until a silent agent answers again. What it runs goes on meanwhile."""
        folder = self._home.agents / node.id
        while node.silent and _lives(node) and not self._stopping:
            try:
                await asyncio.to_thread(channel.wait_until_serving, folder, channel.LAUNCH_SECONDS)
                node.silent = False
            except (OSError, ValueError):
                await asyncio.sleep(POLL_SECONDS)

    def place(self, definition: Json) -> str:
        """Returns the name of the agent that has the most memory free for a new task.

        Raises:
            NoOfferError: None has enough.
        """
        mem = definition["mem"]
        fitting = [node for node in self._state.nodes.values() if node.is_active and mem <= self.free(node)]
        if not fitting:
            owner = "the machine" if len(self._state.nodes) == 1 else "an agent"
            missing = f"It requests more memory than {owner} has"
            answering = " that answers" * any(node.silent for node in self._state.nodes.values())
            raise NoOfferError(
                "InsufficientMemory",
                missing if mem > self.size else f"No agent{answering} has {mem:g} MiB free",
            )
        return max(fitting, key=self.free).id

    @property
    def size(self) -> int:
        """The memory of each agent in MiB. They share that of the machine."""
        return int(memory() // len(self._state.nodes))

    def free(self, node: Node) -> float:
        """The memory of an agent that no task has requested. The only agent has as much as the machine."""
        used = self.used(node)["mem"] if len(self._state.nodes) > 1 else 0
        return self.size - used

    def used(self, node: Node) -> dict[str, float]:
        """Returns what the tasks and the runs of jobs on an agent have requested, in CPUs and MiB."""
        claims = [claim for task, claim in self._state.claims() if task.agent_id == node.id]
        return {name: round(sum(claim[name] for claim in claims), 3) for name in ("cpus", "mem")}


def _lives(node: Node) -> bool:
    return processes.is_same(node.pid, node.created)
