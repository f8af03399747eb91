"""Past which gateways the collector has answered: the witness of being on the intranet."""

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from pathlib import Path as File
from typing import Protocol

from agent.intranet_memory import load, save, witnessed
from agent.transport import Path
from checks.facts import Fact
from checks.facts.connections import Egress
from checks.facts.witness import IntranetWitness
from checks.policy import PolicyDocument

MEMORY = "intranet.json"


class Mailbox(Protocol):
    """Paths of the collector's answers (`agent.answers.Answers`)."""

    def fileno(self) -> int: ...

    def take(self) -> Path | None: ...


class IntranetSensor:
    """Told at once when a gateway is new, and at the slow beat.  The way is looked at when
    the answer comes and never later: by then the machine may stand elsewhere.
    """

    name = "intranet"

    def __init__(
        self,
        answers: Mailbox,
        state: File,
        *,
        way_between: Callable[[str, str], Egress | None],
        wall_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        self.heals_every = timedelta(minutes=5)
        self._answers = answers
        self._path = state / MEMORY
        self._way_between = way_between
        self._wall_us = wall_us
        self._known = IntranetWitness(gateways=())

    def start(self, document: PolicyDocument) -> Sequence[int]:
        self._follow(document)
        self._known = load(self._path)
        return (self._answers.fileno(),)

    def wake(self) -> Iterable[Fact]:
        path = self._answers.take()
        way = None if path is None else self._way_between(path.local, path.peer)
        if path is None or way is None:
            return
        before = self._known
        self._known = witnessed(before, way, path.peer, self._plan, at_us=self._wall_us())
        if set(self._known.gateways) != set(before.gateways):
            save(self._path, self._known)
            yield self._known

    def heal(self) -> Iterable[Fact]:
        if self._known.gateways:
            yield self._known

    def deadline(self) -> float | None:
        return None

    def degraded(self) -> str:
        return ""

    def policy_changed(self, document: PolicyDocument) -> Iterable[Fact]:
        self._follow(document)
        return ()

    def stop(self) -> None:
        """The mailbox belongs to the uplink, which goes on."""

    def _follow(self, document: PolicyDocument) -> None:
        self._plan = document.policy.plan
        self.heals_every = document.policy.duration("state_beat")
