"""The worker of one channel: puts what it is to be told into the outbox and empties it.

Each channel has its own, so one that is down holds up nobody.
"""

import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from threading import Event
from typing import Protocol

from sqlalchemy import Engine, select
from sqlalchemy.exc import OperationalError

from checks.check import Check
from collector.alerts.channels.feed import Feed, line_of
from collector.alerts.channels.notice import Notice, Told, notice_about
from collector.alerts.channels.settings import ChannelSettings
from collector.alerts.decide import Occasion, is_overdue
from collector.alerts.dossier import Dossier, read_dossier
from collector.alerts.outbox import Claim, Outbox, pause_after
from collector.alerts.settlement import Settlement
from collector.alerts.smtp import Receipt
from collector.cases import CaseState
from collector.judging.progress import is_far_behind, judged_until
from collector.ports import Clock, Journal, PolicySource
from collector.store import schema

log = logging.getLogger(__name__)

LOOKS_EVERY_S = 0.5
OVERDUE_EVERY_LOOKS = 20


class Adapter(Protocol):
    """What carries a notice away."""

    def deliver(self, notice: Notice) -> Receipt:
        """Never raises for what a receiver or a network does; the receipt says it."""


@dataclass(kw_only=True)
class ChannelWorker:
    """Claims, delivers, journals, marks.  Killed anywhere, a notice is told again with the
    same key rather than lost.  A receiver that fails is left alone for a growing while.
    """

    journal: Journal
    store: Engine
    policies: PolicySource
    checks: Mapping[str, Check]
    clock: Clock
    channel: ChannelSettings
    adapter: Adapter
    base_url: str
    chance: Callable[[], float] = random.random
    _failures: int = field(default=0, init=False)
    _rests_until_us: int = field(default=0, init=False)

    @cached_property
    def outbox(self) -> Outbox:
        return Outbox(self.store, self.channel.name)

    @cached_property
    def feed(self) -> Feed:
        return Feed(self.store, self.channel)

    def run(self, stop: Event) -> None:
        """Until `stop` is set; a store that is busy holds it up, not ends it."""
        looks, released = 0, False
        while not stop.is_set():
            try:
                if not released:
                    self.outbox.release_own()
                    released = True
                if looks % OVERDUE_EVERY_LOOKS == 0:
                    self.find_overdue()
                looks += 1
                busy = self.step()
            except OperationalError as failure:
                log.warning("a channel is held up", extra={"why": str(failure)})
                busy = False
            if not busy:
                stop.wait(LOOKS_EVERY_S)

    def step(self) -> bool:
        """Takes in what is new and sends what is due; False when there was nothing to do."""
        now_us = self.clock()
        fed = self.feed.put_new(self.policies.current(), now_us)
        if now_us < self._rests_until_us:
            return fed
        keys = self.outbox.due(now_us)
        for key in keys:
            claim = self.outbox.claim(key, self.clock())
            if claim is not None and not self._attempt(claim):
                break  # the others would meet the same
        return fed or bool(keys)

    def find_overdue(self) -> None:
        """Puts one message into the outbox for each case past its acknowledgement clock."""
        now_us = self.clock()
        if not is_far_behind(judged_until(self.store, self.journal, now_us), now_us):
            self.feed.put_overdue(self.policies.current(), now_us)

    # ----------------------------------------------------------------------- one notice

    def _attempt(self, claim: Claim) -> bool:
        """False when the channel could not be used now."""
        dossier = read_dossier(self.store, claim.case)
        if dossier is None:
            return self._settled(claim, Receipt(later={self.channel.label: "no such case now"}))
        if claim.occasion == Occasion.OVERDUE and not is_overdue(dossier.case, self.clock()):
            self.outbox.drop(claim)  # acknowledged since it was decided
            return True
        return self._settled(claim, self.adapter.deliver(self._notice(claim, dossier)))

    def _notice(self, claim: Claim, dossier: Dossier) -> Notice:
        check = self.checks.get(dossier.case.rule)
        occasion = Occasion(claim.occasion)
        told = Told(
            key=claim.key,
            occasion=occasion,
            at_us=claim.created_us,
            base_url=self.base_url,
            language=self.channel.language,
            remedy=check.remedy if check else "",
            state=self._moved_to(claim) if occasion is Occasion.CHANGED else None,
        )
        return notice_about(dossier, told, self.policies.current())

    def _moved_to(self, claim: Claim) -> CaseState | None:
        """The state of that step, however the case went on; None while the store is rebuilt."""
        entry, ordinal = line_of(claim.key)
        timeline = schema.timeline
        with self.store.connect() as connection:
            detail = connection.execute(
                select(timeline.c.detail).where(
                    timeline.c.case == claim.case,
                    timeline.c.entry == entry,
                    timeline.c.ordinal == ordinal,
                )
            ).scalar()
        return CaseState(detail["state"]) if detail else None

    def _settled(self, claim: Claim, receipt: Receipt) -> bool:
        settle = Settlement(self.journal, self.outbox, self.clock, self.chance)
        settle(claim, receipt)
        if not receipt.later:
            self._failures = 0
            return True
        self._failures += 1
        self._rests_until_us = self.clock() + pause_after(self._failures, self.chance())
        return False
