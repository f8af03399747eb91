"""Asks the hospital's beacon over uplinks that the plan does not know.

Off while the policy names no beacon: then there is no thread and no socket.  The questions run
on a thread of their own, which sleeps until the network changes.
"""

import logging
import secrets
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from datetime import timedelta

from agent.beacon import Way, due, named, proved, question, unknown_ways
from agent.system.beacon_call import NoAnswer, ask
from agent.system.doorbell import Doorbell
from agent.system.network_table import NetworkTable
from checks.beacon import NONCE_BYTES, BadReceipt, address_of
from checks.facts import Fact
from checks.facts.witness import BeaconAnswered
from checks.policy import PolicyDocument
from checks.policy.spans import span
from checks.wording import endpoint_of

SETTLES = 1.0
"""Seconds after a change of the network until the first question: DHCP is at work."""
_UPLINKS_REMEMBERED = 256

_log = logging.getLogger("wardwatch.beacon")


class BeaconSensor:
    """One thread while a beacon is set; what it proves is handed over by a doorbell."""

    name = "beacon"

    def __init__(self, sign: Callable[[bytes], bytes]) -> None:
        self.heals_every = timedelta(hours=1)
        self._sign = sign
        self._proved: deque[BeaconAnswered] = deque()
        self._bell: Doorbell | None = None
        self._asking: _Asking | None = None
        self._asked: dict[tuple[object, ...], float] = {}

    def start(self, document: PolicyDocument) -> Sequence[int]:
        self._bell = Doorbell()
        self._begin(document)
        return (self._bell.fileno(),)

    def wake(self) -> Iterable[Fact]:
        if self._bell is not None:
            self._bell.answer()
        while self._proved:
            yield self._proved.popleft()

    def heal(self) -> Iterable[Fact]:
        return ()

    def deadline(self) -> float | None:
        return None

    def degraded(self) -> str:
        return self._asking.trouble if self._asking is not None else ""

    def policy_changed(self, document: PolicyDocument) -> Iterable[Fact]:
        self._end()
        self._begin(document)
        return ()

    def stop(self) -> None:
        self._end()
        if self._bell is not None:
            self._bell.close()
            self._bell = None

    def _begin(self, document: PolicyDocument) -> None:
        if document.policy.beacon.url and document.beacon_pass is not None:
            self._asking = _Asking(document, self._sign, self._asked, self._told)
            self._asking.start()

    def _end(self) -> None:
        if self._asking is not None:
            self._asking.end()
            self._asking = None

    def _told(self, answered: BeaconAnswered) -> None:
        """On the asking thread."""
        self._proved.append(answered)
        if self._bell is not None:
            self._bell.ring()


class _Asking(threading.Thread):
    """Sleeps until the network changes or an uplink is due again."""

    def __init__(
        self,
        document: PolicyDocument,
        sign: Callable[[bytes], bytes],
        asked: dict[tuple[object, ...], float],
        told: Callable[[BeaconAnswered], None],
    ) -> None:
        super().__init__(name="beacon", daemon=True)
        self._document = document
        self._sign = sign
        self._asked = asked
        self._told = told
        self._every = span(document.policy.beacon.every).total_seconds()
        self._end_bell = Doorbell()
        self._ending = threading.Event()
        self.trouble = ""

    def end(self) -> None:
        """Does not wait: a question under way ends by itself, in seconds."""
        self._ending.set()
        self._end_bell.ring()

    def run(self) -> None:
        try:
            with closing(NetworkTable()) as table:
                while not self._ending.is_set():
                    self._look(table)
        except OSError as failure:
            self.trouble = f"the beacon cannot be asked: {failure}"
        finally:
            self._end_bell.close()

    def _look(self, table: NetworkTable) -> None:
        beacon = address_of(self._document.policy.beacon.url)
        ways = unknown_ways(table.state, self._document.policy.plan, beacon[0])
        for way in due(ways, self._asked, time.monotonic(), self._every):
            self._ask(way, beacon, table)
        select.select([table.fileno(), self._end_bell.fileno()], [], [], self._every)
        if not self._ending.wait(SETTLES):
            table.refresh()

    def _ask(self, way: Way, beacon: tuple[str, int], table: NetworkTable) -> None:
        if len(self._asked) >= _UPLINKS_REMEMBERED:
            self._asked.clear()
        self._asked[named(way)] = time.monotonic()
        bearer = self._document.beacon_pass
        assert bearer is not None
        nonce = secrets.token_hex(NONCE_BYTES)
        egress = table.egress(way.index, beacon[0])
        if self._document.policy.plan.knows_uplink(egress):
            return  # never over the intranet
        try:
            body = question(bearer, nonce, _wall_us(), self._sign)
            answer = ask(way.interface, way.source, beacon, body)
            at_us = _wall_us()
            public_key = self._document.policy.beacon.public_key
            answered, receipt = proved(
                answer, public_key, nonce=nonce, at_us=at_us, own_key=bearer.key
            )
        except (NoAnswer, BadReceipt) as silent:
            _log.info("the beacon did not answer", extra={"reason": str(silent)[:200]})
            return
        self._told(
            BeaconAnswered(
                beacon=endpoint_of(*beacon),
                egress=egress,
                nonce=nonce,
                receipt=answered.receipt,
                signature=answered.signature,
                seen_from=receipt.seen_from,
                answered_us=at_us,
            )
        )


def _wall_us() -> int:
    return time.time_ns() // 1000
