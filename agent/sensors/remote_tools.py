"""Running programs of remote control, tunnels and private networks."""

import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import msgspec

from agent.system.go_module import ModuleReader
from agent.system.process_watch import ProcessWatch
from agent.system.processes import process_at
from agent.tools import ToolTable
from checks.facts import Fact
from checks.facts.base import Process
from checks.facts.remote_tools import RemoteTool, RemoteToolState
from checks.policy import PolicyDocument

LOOK_EVERY = 3.0
"""Seconds.  Looks stand on a grid of the monotonic clock that sensors share, so that one
wake of the agent serves them all."""


class RemoteToolSensor:
    """New processes are looked at every few seconds; all of them at the slow beat."""

    name = "remote_tools"

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self.heals_every = timedelta(minutes=5)
        self._proc = proc
        self._modules = ModuleReader(proc)
        self._look_at: float | None = None

    def start(self, document: PolicyDocument) -> Sequence[int]:
        self._adopt(document)
        self._watch = ProcessWatch(self._proc)
        self._tools: dict[int, RemoteTool] = {}
        self._told: RemoteToolState | None = None
        self._look_at = next_look(LOOK_EVERY)
        return ()

    def wake(self) -> Iterable[Fact]:
        self._look_at = next_look(LOOK_EVERY)
        self._read(self._watch.fresh())
        yield from self._changed()

    def heal(self) -> Iterable[Fact]:
        self._read(self._watch.everything())
        self._told = None
        yield from self._changed()

    def deadline(self) -> float | None:
        return self._look_at

    def degraded(self) -> str:
        return ""

    def policy_changed(self, document: PolicyDocument) -> Iterable[Fact]:
        self._adopt(document)
        self._tools = {}
        self._read(self._watch.everything())
        return self._changed()

    def stop(self) -> None:
        self._look_at = None

    def _adopt(self, document: PolicyDocument) -> None:
        self.heals_every = document.policy.duration("state_beat")
        self._table = ToolTable(document.policy.remote_tools.known)

    def _read(self, pids: Iterable[int]) -> None:
        for pid in pids:
            found = self._tool_of(pid)
            if found is None:
                self._tools.pop(pid, None)
            else:
                self._tools[pid] = found

    def _changed(self) -> Iterator[Fact]:
        self._tools = {pid: t for pid, t in self._tools.items() if self._watch.runs(pid)}
        state = RemoteToolState(tools=tuple(self._tools[pid] for pid in sorted(self._tools)))
        if state != self._told:
            self._told = state
            yield state

    def _tool_of(self, pid: int) -> RemoteTool | None:
        running = self._watch.running(pid)
        if running is None or not (running.executable or running.arguments):
            return None  # a thread of the kernel
        module = self._modules.module_of(pid) if self._table.asks_for_modules else ""
        known = self._table.tool_of(running, module)
        if known is None:
            return None
        process = process_at(pid, self._proc)
        if not isinstance(process, Process):
            process = Process(pid=pid, name=running.name, executable=running.executable)
        return RemoteTool(tool=known.tool, purpose=known.purpose, process=_steady(process))


def next_look(every: float) -> float:
    """The next moment on the shared grid, by time.monotonic()."""
    return (time.monotonic() // every + 1) * every


def _steady(process: Process) -> Process:
    """Without what changes while the program runs on: its parent may end."""
    return msgspec.structs.replace(process, parent="")
