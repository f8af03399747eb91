"""Cuts extra uplinks as the policy asks, and undoes it by policy, timer and command.

It is asked by `agent.reactions` with each fact and what the checks say of it, and acts at
once; what it did is yielded like what other sensors saw, so that it takes the same way into the
record.  A service that stops leaves its cuts: the policy wanted them, and who stops the service
must not get the uplink for it.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path
from typing import Literal

from agent.containment import Situation, Wish, may_ask, objection, wishes
from agent.containment_memory import MEMORY, Cut
from agent.cuts import POLICY, TIMER, Cuts, Hands, told
from agent.durable import remove
from agent.release_requests import LOCK, ReleaseRequest, release_requests
from agent.sensors.base import SensorUnavailable
from agent.system.claim import Claim, Claimed
from agent.system.inotify import FolderWatch
from checks.facts import Fact
from checks.facts.containment import ContainmentActed
from checks.facts.network import NetworkState
from checks.facts.witness import IntranetWitness
from checks.finding import Verdict
from checks.policy import PolicyDocument

OWN_UPLINK_PATIENCE = 10.0
"""Seconds for the collector's first answer, which tells the link that must stay."""
_ASK_AGAIN = 0.2
_FORGET_AFTER = 2.0
FAILED_PATIENCE = 60.0
"""Seconds after which what the kernel or the disk refused is tried again."""
_TOLD_MOST = 500


class ContainmentSensor:
    """Fits `Sensor`; `consider` is for `agent.reactions`, on the same thread."""

    name = "containment"

    def __init__(
        self,
        state: Path,
        hands: Hands,
        *,
        own_address: Callable[[], str],
        wall_us: Callable[[], int] = lambda: time.time_ns() // 1000,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`own_address`: the local end of the collector's last answer, empty before one."""
        self.heals_every = timedelta(minutes=5)
        self._state = state
        self._requests = release_requests(state)
        self._hands = hands
        self._own_address = own_address
        self._wall_us = wall_us
        self._monotonic = monotonic
        self._closing = ExitStack()
        self._cuts: Cuts | None = None
        self._network: NetworkState | None = None
        self._witness: IntranetWitness | None = None
        self._acts: list[ContainmentActed] = []
        self._postponed: dict[str, Wish] = {}
        self._told: set[tuple[str, str, str]] = set()
        self._retry_at: dict[str, float] = {}
        self._trouble = ""
        self._patient_until = 0.0
        self._ask_at = 0.0
        self._forget_at: float | None = None

    def start(self, document: PolicyDocument) -> Sequence[int]:
        self._follow(document)
        try:
            self._closing.enter_context(closing(Claim(self._state / LOCK)))
        except Claimed as held:
            raise SensorUnavailable("a command is just undoing cuts") from held
        watch = self._closing.enter_context(closing(FolderWatch()))
        watch.watch(self._requests.open())
        self._watch = watch
        self._cuts = Cuts(self._state / MEMORY, self._hands)
        untold = self._cuts.untold()
        self._acts = [*untold, *(act for act in self._acts if act not in untold)]
        self._patient_until = self._monotonic() + OWN_UPLINK_PATIENCE
        return (watch.fileno(),)

    def consider(self, fact: Fact, failed: Iterable[Verdict], at_us: int) -> None:
        """Acts on what the checks say of a fact; never raises."""
        if isinstance(fact, NetworkState):
            self._network = fact
            self._hold()
        if isinstance(fact, IntranetWitness):
            self._witness = fact
        situation = self._situation(at_us)
        if self._cuts is None or situation is None:
            return
        for wish, _ in wishes(failed, fact, situation):
            self._fulfil(wish, self._cuts, situation)

    def wake(self) -> Iterable[Fact]:
        """What was done since; then what the clock and commands ask for."""
        cuts = self._started()
        if self._forget_at is not None and self._monotonic() >= self._forget_at:
            self._forget_at = None
            cuts.all_told()
        self._watch.drain()
        self._postponed_again(cuts)
        self._undo_due(cuts)
        for path, request in self._requests.waiting():
            if request is not None:
                self._release(cuts, request)
            remove(path)
        yield from self._taken()

    def heal(self) -> Iterable[Fact]:
        """Also right after the start: what was due while nobody ran is undone now."""
        self._hold()
        self._review(self._started())
        return self.wake()

    def deadline(self) -> float | None:
        """At once while acts wait to be told."""
        if self._acts:
            return 0.0
        now, wall_us = self._monotonic(), self._wall_us()
        due = [now + (cut.until_us - wall_us) / 1_000_000 for cut in self._started().standing]
        if self._postponed:
            due.append(self._ask_at)
        if self._forget_at is not None:
            due.append(self._forget_at)
        return min(due, default=None)

    def degraded(self) -> str:
        return self._trouble

    def policy_changed(self, document: PolicyDocument) -> Iterable[Fact]:
        self._follow(document)
        self._told.clear()
        self._review(self._started())
        return self._taken()

    def stop(self) -> None:
        self._cuts = None
        self._closing.close()

    def _follow(self, document: PolicyDocument) -> None:
        self._document = document
        self.heals_every = document.policy.duration("state_beat")

    def _started(self) -> Cuts:
        assert self._cuts is not None, "asked before its start"
        return self._cuts

    def _situation(self, at_us: int) -> Situation | None:
        """None before the first word of the network."""
        if self._network is None:
            return None
        return Situation(
            document=self._document,
            network=self._network,
            witness=self._witness,
            own_address=self._own_address(),
            at_us=at_us,
        )

    def _fulfil(self, wish: Wish, cuts: Cuts, situation: Situation) -> None:
        """Once per link and cause: a link that is cut, or was just undone, is left alone."""
        link = next((x for x in situation.network.links if x.name == wish.interface), None)
        held = cuts.of(wish.interface) or cuts.is_excused(wish.interface, situation.at_us)
        if link is None or held or self._monotonic() < self._retry_at.get(wish.interface, 0.0):
            return
        if against := objection(link, situation):
            self._say_once("refused", wish, against)
        elif not situation.own_address and self._monotonic() < self._patient_until:
            self._postponed[wish.interface] = wish
            self._ask_at = self._monotonic() + _ASK_AGAIN
        else:
            self._cut(wish, cuts, situation.at_us)

    def _cut(self, wish: Wish, cuts: Cuts, at_us: int) -> None:
        containment = self._document.policy.containment
        try:
            self._acts.append(cuts.make(wish, containment, at_us=at_us))
        except OSError as refusal:
            self._retry_at[wish.interface] = self._monotonic() + FAILED_PATIENCE
            self._say_once("failed", wish, str(refusal))
        else:
            self._told = {key for key in self._told if key[0] != wish.interface}

    def _say_once(self, action: Literal["refused", "failed"], wish: Wish, reason: str) -> None:
        key = (wish.interface, wish.ground, reason)
        if len(self._told) >= _TOLD_MOST:
            self._told.clear()
        if key not in self._told:
            self._told.add(key)
            containment = self._document.policy.containment
            self._acts.append(told(action, wish, containment, reason=reason))

    def _postponed_again(self, cuts: Cuts) -> None:
        situation = self._situation(self._wall_us())
        wanted, self._postponed = self._postponed, {}
        for wish in wanted.values() if situation else ():
            assert situation is not None
            if may_ask(self._document, wish.ground):
                self._fulfil(wish, cuts, situation)

    def _undo_due(self, cuts: Cuts) -> None:
        """By the wall clock, which outlives a restart.  A clock that was set back must not
        keep a link cut: no cut lasts longer than its span from now.
        """
        now_us = self._wall_us()
        for cut in cuts.standing:
            if cut.until_us <= now_us:
                self._undo(cuts, cut, actor=TIMER)
            elif cut.until_us > now_us + cut.hold_us:
                cuts.shorten(cut, now_us + cut.hold_us)

    def _review(self, cuts: Cuts) -> None:
        """Cuts that the policy would not ask for any more are undone."""
        endpoint, containment = self._document.endpoint, self._document.policy.containment
        for cut in cuts.standing:
            if endpoint.clinical in containment.never or not may_ask(self._document, cut.ground):
                self._undo(cuts, cut, actor=POLICY)

    def _release(self, cuts: Cuts, request: ReleaseRequest) -> None:
        for cut in released_by(request, cuts.standing):
            self._undo(cuts, cut, actor=request.actor)

    def _undo(self, cuts: Cuts, cut: Cut, *, actor: str) -> None:
        self._acts.append(cuts.undo(cut, actor=actor, at_us=self._wall_us()))

    def _hold(self) -> None:
        """What the kernel refuses is tried again with the next word of the network."""
        if self._cuts is None or self._network is None:
            return
        try:
            self._cuts.hold(self._network)
            self._trouble = ""
        except OSError as refusal:
            self._trouble = f"a cut could not be held: {refusal}"

    def _taken(self) -> Iterator[Fact]:
        """The acts, once.  They are forgotten a while later, when the loop has put them into
        the spool; a crash in between tells them twice.
        """
        if not self._acts:
            return
        acts, self._acts = self._acts, []
        self._forget_at = self._monotonic() + _FORGET_AFTER
        yield from acts


def released_by(request: ReleaseRequest, standing: Iterable[Cut]) -> list[Cut]:
    return [cut for cut in standing if request.interface in ("", cut.interface)]
