"""The endpoint's own anti-virus: what is installed, whether it runs, how old its signatures are.

The end of one of its programs and new signatures wake the sensor; that a program has begun is
looked for every few seconds while one is missing that is installed.  All is read again at the
slow beat.
"""

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path

from agent.protection import (
    NO_SIGNATURES,
    LogPlaces,
    ProductTable,
    Role,
    Signatures,
    is_whole,
    state_of,
)
from agent.sensors.base import SensorUnavailable
from agent.sensors.remote_tools import next_look
from agent.system.gathering import Gathering
from agent.system.inotify import FolderWatch
from agent.system.process_ends import ProcessEnds
from agent.system.process_watch import ProcessWatch, Running
from agent.system.protection_files import (
    clamd_configuration,
    guards_something,
    is_installed,
    log_files,
    log_of_guard,
    signature_folders,
    signatures_made_us,
)
from checks.facts import Fact
from checks.facts.antivirus import AntivirusState
from checks.policy import PolicyDocument
from checks.policy.protection import KnownAntivirus

LOOK_EVERY = 6.0
"""Seconds, while a program is missing; a multiple of what other sensors look by."""


class AntivirusSensor:
    """Fits Sensor."""

    name = "antivirus"

    def __init__(self, logs: LogPlaces, proc: Path = Path("/proc")) -> None:
        """`logs` is told where the programs that are seen write what they find."""
        self._logs = logs
        self.heals_every = timedelta(minutes=5)
        self._proc = proc
        self._closing = ExitStack()
        self._settles_at: float | None = None
        self._look_at: float | None = None

    def start(self, document: PolicyDocument) -> Sequence[int]:
        if not (self._proc / "1").exists():
            raise SensorUnavailable("may not see processes of others (hidepid)")
        self._adopt(document)
        self._processes = ProcessWatch(self._proc)
        gathering = self._closing.enter_context(closing(Gathering()))
        self._ends = self._closing.enter_context(closing(ProcessEnds(gathering)))
        self._signatures = self._closing.enter_context(closing(FolderWatch()))
        gathering.add(self._signatures.fileno())
        self._living: dict[int, tuple[str, frozenset[Role]]] = {}
        self._configuration = ""
        self._dated: dict[str, Signatures] = {}
        self._guarded: set[str] = set()
        for known in self._table.known:
            if known.settings == "clamd" and is_installed(known):
                self._adopt_settings(known, ())
        self._told: AntivirusState | None = None
        return (gathering.fileno(),)

    def wake(self) -> Iterable[Fact]:
        now = time.monotonic()
        updated = self._signatures.drain()
        if self._drop_ended() and self._settles_at is None:
            self._settles_at = now + self._patience
        settled = self._settles_at is not None and now >= self._settles_at
        if self._settles_at is not None and not settled:
            return
        self._settles_at = None
        begun = self._processes.everything() if settled else self._processes.fresh()
        if begun or updated or settled:
            self._read(begun)
            yield from self._changed()
        elif self._look_at is not None:
            self._look_at = next_look(LOOK_EVERY)

    def heal(self) -> Iterable[Fact]:
        self._read(self._processes.everything())
        self._drop_ended()
        if self._settles_at is None:
            self._told = None
            yield from self._changed()

    def deadline(self) -> float | None:
        return self._settles_at or self._look_at

    def degraded(self) -> str:
        return ""

    def policy_changed(self, document: PolicyDocument) -> Iterable[Fact]:
        self._adopt(document)
        self._living = {}
        return self.heal()

    def stop(self) -> None:
        self._settles_at = self._look_at = None
        self._closing.close()

    def _adopt(self, document: PolicyDocument) -> None:
        policy = document.policy
        self.heals_every = policy.duration("state_beat")
        self._patience = policy.duration("protection_patience").total_seconds()
        self._table = ProductTable(policy.antivirus.known)

    def _drop_ended(self) -> bool:
        """Whether one that protected has ended."""
        ended = [pid for pid in self._living if self._running(pid) is None]
        for pid in ended:
            del self._living[pid]
        self._ends.watch_only(self._living.keys())
        return bool(ended)

    def _running(self, pid: int) -> Running | None:
        """None also for a thread of the kernel, and for what ended and nobody waited for:
        neither has arguments or an executable.
        """
        running = self._processes.running(pid)
        return running if running and (running.executable or running.arguments) else None

    def _read(self, pids: Iterable[int]) -> None:
        for pid in pids:
            running = self._running(pid)
            if running is None:
                continue
            product, roles = self._table.roles_of(running)
            if product is None or not self._processes.is_of_the_system(pid):
                self._living.pop(pid, None)
                continue
            self._living[pid] = (product.product, roles)
            if product.settings == "clamd" and "main" in roles:
                self._adopt_settings(product, running.arguments)
            elif product.settings == "clamd":
                self._logs.add(product.product, log_of_guard(running.arguments))
        self._ends.watch_only(self._living.keys())

    def _adopt_settings(self, product: KnownAntivirus, arguments: Sequence[str]) -> None:
        self._configuration = clamd_configuration(arguments)
        written = log_files(self._configuration)
        self._logs.add(product.product, written)
        self._logs.mute = "" if written else f"{product.product} writes no log that can be followed"

    def _changed(self) -> Iterator[Fact]:
        present = [each for each in self._table.known if self._is_here(each)]
        state = state_of(
            self._table,
            installed={each.product for each in present},
            living={(product, role) for product, roles in self._living.values() for role in roles},
            signatures=self._dates(present),
            without_guard=self._without_guard(present),
        )
        self._look_at = None if is_whole(state) else next_look(LOOK_EVERY)
        if state != self._told:
            self._told = state
            yield state

    def _is_here(self, known: KnownAntivirus) -> bool:
        runs = any(product == known.product for product, _ in self._living.values())
        return runs or is_installed(known)

    def _without_guard(self, present: Iterable[KnownAntivirus]) -> Collection[str]:
        self._guarded |= {product for product, roles in self._living.values() if "guard" in roles}
        if guards_something(self._configuration):
            return ()
        by_settings = {each.product for each in present if each.settings == "clamd"}
        return by_settings - self._guarded

    def _dates(self, present: Iterable[KnownAntivirus]) -> Mapping[str, Signatures]:
        now_us = time.time_ns() // 1000
        for known in present:
            for folder in signature_folders(known, self._configuration):
                self._signatures.watch(folder)
            made_us = signatures_made_us(known, self._configuration)
            if self._dated.get(known.product, NO_SIGNATURES).made_us != made_us:
                self._dated[known.product] = Signatures(made_us, now_us)
        return self._dated
