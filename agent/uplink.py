"""Sends what the spool holds, in order, and does what the answers say.

`Uplink.step` does one thing and says how long to wait; `UplinkThread` waits, and is
woken by a new observation or by a change of the network.
"""

import logging
from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

import msgspec

from agent.policy_cache import PolicyCache, PolicyRefused, SignedPolicy
from agent.sealing import Sealed
from agent.spool import SpoolFull
from agent.transport import BatchRefused, Busy, Forked, NotBelieved, TransportDown
from checks.policy import PolicyDocument
from checks.wire import Acknowledgement

BATCH_OBSERVATIONS = 5_000
BATCH_BYTES = 2 * 1024 * 1024
"""Before packing, so that a batch is always smaller than the collector's limit."""
SMALLEST_BATCH = 50
FIRST_BACK_OFF = 0.25
LONGEST_BACK_OFF = 60.0
SLOWLY = 60.0
POLICY_RETRY = 15.0
"""Seconds."""

_log = logging.getLogger("wardwatch.uplink")


class Courier(Protocol):
    """What the uplink asks of the transport."""

    def send(self, batch: Sealed) -> Acknowledgement: ...

    def fetch_policy(self, etag: str) -> SignedPolicy | None: ...


class LeasedStore(Protocol):
    """What the uplink asks of the spool."""

    def lease(self, limit_observations: int, limit_bytes: int) -> Sealed | None: ...

    def commit(self) -> None: ...

    def give_back(self) -> None: ...

    def quarantine(self, reason: str) -> None: ...


class UplinkState(StrEnum):
    """Shown in the agent's health: only `sending` is all well."""

    SENDING = "sending"
    WAITING = "waiting"
    NOT_BELIEVED = "not_believed"
    FORKED = "forked"


class UplinkHealth(msgspec.Struct, frozen=True, kw_only=True):
    """`last_sent_us` wall clock of the last acknowledgement, 0 before the first."""

    state: UplinkState = UplinkState.SENDING
    reason: str = ""
    last_sent_us: int = 0


class Pause(msgspec.Struct, frozen=True):
    """How long until the next step is of use, in seconds; None: until something is put
    or the network changes.  `for_work`: something put ends the pause early.
    """

    seconds: float | None
    for_work: bool


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """`clock` is wall clock in microseconds, `monotonic` in seconds; `jitter(limit)`
    draws a number between 0 and `limit`.
    """

    clock: Callable[[], int]
    monotonic: Callable[[], float]
    jitter: Callable[[float], float]


_ON = Pause(0.0, for_work=True)
_IDLE = Pause(None, for_work=True)


class Uplink:
    """The decisions of sending; not thread-safe, one thread steps it.  `on_policy` is
    called on that thread with a policy that is already kept.
    """

    def __init__(
        self,
        *,
        spool: LeasedStore,
        courier: Courier,
        policies: PolicyCache,
        on_policy: Callable[[PolicyDocument], None],
        timing: Timing,
    ) -> None:
        self._spool = spool
        self._courier = courier
        self._policies = policies
        self._on_policy = on_policy
        self._jitter = timing.jitter
        self._clock = timing.clock
        self._monotonic = timing.monotonic
        self._failures = 0
        self._limit = BATCH_OBSERVATIONS
        self._wanted_policy: str | None = None
        self._policy_not_before = 0.0
        self.health = UplinkHealth()

    def step(self) -> Pause:
        """Fetches a policy if a newer one is known of, else sends one batch."""
        if self.health.state is UplinkState.FORKED:
            return Pause(None, for_work=False)
        if self._wants_policy():
            pause = self._guarded(self._renew_policy)
            if pause is not None:
                return pause
        return self._send_next()

    def network_changed(self) -> None:
        """What failed before may work now: the next failure is the first again."""
        self._failures = 0

    def _wants_policy(self) -> bool:
        held = self._policies.held.etag
        missing = not held or self._wanted_policy not in (None, held)
        return missing and self._monotonic() >= self._policy_not_before

    def _renew_policy(self) -> None:
        self._policy_not_before = self._monotonic() + POLICY_RETRY
        try:
            signed = self._courier.fetch_policy(self._policies.held.etag)
            if signed is not None:
                self._on_policy(self._policies.store(signed))
        except (PolicyRefused, OSError, BatchRefused) as refused:
            _log.error("policy refused", extra={"reason": str(refused)})
            return
        self._policy_not_before = 0.0
        self._wanted_policy = None

    def _send_next(self) -> Pause:
        try:
            batch = self._spool.lease(self._limit, BATCH_BYTES)
        except SpoolFull as full:
            self._limit = max(self._limit // 2, SMALLEST_BATCH)
            return self._failed(UplinkState.WAITING, str(full))
        if batch is None:
            return _IDLE
        pause = self._guarded(lambda: self._deliver(batch))
        return _ON if pause is None else pause

    def _deliver(self, batch: Sealed) -> None:
        try:
            answer = self._courier.send(batch)
        except BatchRefused as refused:
            _log.error("batch refused", extra={"first": batch.first, "reason": str(refused)})
            self._spool.quarantine(str(refused))
            return
        except BaseException:
            self._spool.give_back()
            raise
        if answer.last < batch.last:
            self._spool.give_back()
            raise TransportDown(f"acknowledged only up to {answer.last} of {batch.last}")
        self._spool.commit()
        self._limit = BATCH_OBSERVATIONS
        self._wanted_policy = answer.policy or None
        self._succeeded()

    def _guarded(self, act: Callable[[], None]) -> Pause | None:
        """Runs it; a pause when it could not be done now."""
        try:
            act()
        except (TransportDown, SpoolFull) as down:
            return self._failed(UplinkState.WAITING, str(down))
        except Busy as busy:
            self._set(UplinkState.WAITING, str(busy))
            return Pause(busy.after + self._jitter(busy.after / 5), for_work=False)
        except NotBelieved as refused:
            self._set(UplinkState.NOT_BELIEVED, str(refused))
            return Pause(SLOWLY + self._jitter(SLOWLY / 5), for_work=False)
        except Forked as forked:
            self._set(UplinkState.FORKED, str(forked))
            return Pause(None, for_work=False)
        return None

    def _succeeded(self) -> None:
        self._failures = 0
        if self.health.state is not UplinkState.SENDING:
            _log.info("uplink works again")
        self.health = UplinkHealth(last_sent_us=self._clock())

    def _failed(self, state: UplinkState, reason: str) -> Pause:
        """Exponential back-off with full jitter, so that a thousand agents do not come
        back in the same second.
        """
        limit = min(LONGEST_BACK_OFF, FIRST_BACK_OFF * 2 ** min(self._failures, 10))
        self._failures += 1
        self._set(state, reason)
        return Pause(self._jitter(limit), for_work=False)

    def _set(self, state: UplinkState, reason: str) -> None:
        if (state, reason) != (self.health.state, self.health.reason):
            level = logging.WARNING if state is UplinkState.WAITING else logging.ERROR
            _log.log(level, "uplink hindered", extra={"state": state.value, "reason": reason})
        self.health = msgspec.structs.replace(self.health, state=state, reason=reason)
