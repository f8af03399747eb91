"""What follows from a receipt: another attempt, or the journal's word and the mark."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from checks.wire import encode
from collector.alerts.decide import Occasion
from collector.alerts.outbox import Claim, Outbox, gives_up, pause_after, told
from collector.alerts.smtp import Receipt
from collector.entries import EntryKind, Mailed
from collector.ports import Clock, Journal

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settlement:
    """Journals what left for good or was refused for good, and only then marks it; gives the
    rest back to the outbox.  `chance` is in 0 to 1.
    """

    journal: Journal
    outbox: Outbox
    clock: Clock
    chance: Callable[[], float]

    def __call__(self, claim: Claim, receipt: Receipt) -> None:
        now_us = self.clock()
        delivered = (*claim.delivered, *receipt.delivered)
        error = told(claim, receipt)
        if receipt.later and not gives_up(claim, now_us):
            next_try_us = now_us + pause_after(claim.attempts, self.chance())
            reachable = tuple(r for r in claim.recipients if r not in receipt.never)
            waits = msgspec.structs.replace(claim, recipients=reachable, delivered=delivered)
            self.outbox.give_back(waits, error, next_try_us)
            log.warning("an alert waits", extra={"alert": claim.key, "attempts": claim.attempts})
            return
        if error or claim.occasion != Occasion.CHANGED:  # a story would tell of its own telling
            mailed = Mailed(
                key=claim.key,
                case=claim.case,
                occasion=claim.occasion,
                recipients=delivered,
                error=error,
            )
            self.journal.append(EntryKind.MAILED, encode(mailed))
        self.outbox.finish(claim, delivered, error, now_us)
        if error:
            log.error("an alert was refused for good", extra={"alert": claim.key})
