"""The loop: sensors in, spool and uplink out, until somebody says stop.

One thread, one selector.  A failing sensor is reported and retried, never dropped; a
part without which nothing leaves the machine (spool, uplink thread) ends the process
instead, and the service manager starts it anew.
"""

import logging
import math
import os
import selectors
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import msgspec

from agent.health import Load, Status, heartbeat, own_parts, write_status
from agent.lifeline import Beat, previous_end, read_beat, unannounced_changes, write_beat
from agent.policy_cache import PolicyCache
from agent.reactions import Reactions
from agent.recorder import Recorder
from agent.records import EVERY_SENSOR
from agent.selfwatch import Host, SelfWatch
from agent.sensors.base import Sensor
from agent.spool import Spool, SpoolFull
from agent.system.doorbell import Doorbell
from agent.system.sdnotify import ServiceManager
from agent.system.shutdown import Reason
from agent.tended import TendedSensor
from agent.uplink_thread import UplinkThread
from agent.version import VERSION
from checks.facts.health import AgentStarted, AgentStopping, SensorGap, SensorHealth
from checks.policy import PolicyDocument

OURSELVES = "agent"
"""The name under which the agent speaks about itself as a whole."""
_GOODBYE_PATIENCE = 2.0
_THREAD_PATIENCE = 0.5
_EXPIRY_EVERY = 3600.0
_FIRST_CONNECTION = 20.0
"""Seconds; by then the first batch was sent, and what only that needed can go."""

_log = logging.getLogger("wardwatch.service")


class UplinkDied(Exception):
    """The uplink's thread ended; nothing would leave this machine any more."""


class StateFiles(msgspec.Struct, frozen=True, kw_only=True):
    """Files of the state folder that the service writes itself."""

    beat: Path
    status: Path
    planned_end: Path


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What `agent.composition` puts together."""

    collector: str
    agent: str
    files: StateFiles
    sensors: Sequence[Sensor]
    selfwatch: SelfWatch
    host: Host
    policies: PolicyCache
    policy_was_changed: bool
    spool: Spool
    recorder: Recorder
    reactions: Reactions
    uplink: UplinkThread
    doorbell: Doorbell
    arrived: deque[PolicyDocument]
    manager: ServiceManager
    settle: Callable[[], None]
    reason_to_stop: Callable[[Path], Reason]


class Service:
    """`run` returns after a clean goodbye; `stop` may be called from a signal handler."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._document = parts.policies.held.document
        self._selector = selectors.DefaultSelector()
        self._selector.register(parts.doorbell.fileno(), selectors.EVENT_READ, None)
        self._sensors = tuple(
            TendedSensor(
                sensor, selector=self._selector, now=parts.host.now, monotonic=time.monotonic
            )
            for sensor in parts.sensors
        )
        self._stopping = False
        self._started_us = parts.host.now().at_us
        self._boot = parts.host.boot_id()
        self._trouble_since_us = 0
        self._told: tuple[SensorHealth, ...] = ()
        self._beat_at = 0.0
        self._expire_at = 0.0
        self._watchdog_at = 0.0
        self._settle_at = math.inf

    def stop(self) -> None:
        self._stopping = True
        self._parts.doorbell.ring()

    def run(self) -> None:
        """Raises UplinkDied, and sqlite3.Error when the spool is damaged."""
        self._begin()
        while not self._stopping:
            self._turn(self._selector.select(self._patience()))
        self._goodbye()

    def _begin(self) -> None:
        """The word that we run comes first, with what the last run left unsaid."""
        parts = self._parts
        before = read_beat(parts.files.beat)
        now_us = parts.host.now().at_us
        fingerprint = parts.selfwatch.fingerprint
        changed = list(unannounced_changes(before, fingerprint))
        if parts.policy_was_changed:
            changed.append("policy")
        started = AgentStarted(
            version=VERSION,
            host=parts.host.host_name(),
            system=parts.host.system_name(),
            machine=parts.host.machine_hash(),
            previous_end=previous_end(before, self._boot, has_run=parts.spool.has_run),
            previous_seen_us=before.at_us if before else 0,
            changed=tuple(changed),
            traced_by=parts.selfwatch.tracer,
        )
        parts.recorder.record(OURSELVES, [started])
        if parts.spool.broken:
            hole = SensorGap(
                sensor=EVERY_SENSOR,
                cause="failed",
                from_us=before.at_us if before else now_us,
                to_us=now_us,
                detail=f"the spool was unreadable and begun anew: {parts.spool.broken}",
            )
            parts.recorder.record("spool", [hole])
        parts.recorder.flush()
        parts.uplink.start()
        self._turn([])
        parts.manager.ready()
        parts.settle()
        self._settle_at = time.monotonic() + _FIRST_CONNECTION

    def _turn(self, events: Sequence[tuple[selectors.SelectorKey, int]]) -> None:
        """Everything that is due now, then one commit of what it brought."""
        parts = self._parts
        parts.doorbell.answer()
        readable = {key.data for key, _ in events}
        while parts.arrived:
            self._take_policy(parts.arrived.popleft())
        parts.recorder.record(OURSELVES, parts.selfwatch.sleep())
        for sensor in self._sensors:
            facts = sensor.act(self._document, readable=sensor in readable)
            parts.recorder.record(sensor.name, facts)
        parts.recorder.flush()
        self._speak()
        if not parts.uplink.is_alive():
            raise UplinkDied

    def _speak(self) -> None:
        """Heartbeat when it is due or something's health has changed; the watchdog."""
        now = time.monotonic()
        health = self._health()
        if now >= self._beat_at or _without_times(health) != _without_times(self._told):
            self._beat_at = now + self._seconds("heartbeat")
            self._told = health
            self._beat(health)
            if now >= self._settle_at:  # a beat wakes the agent anyway
                self._settle_at = math.inf
                self._parts.settle()
        if self._parts.manager.watchdog is not None and now >= self._watchdog_at:
            self._watchdog_at = now + self._parts.manager.watchdog
            self._parts.manager.alive()
        if now >= self._expire_at:
            self._expire_at = now + _EXPIRY_EVERY
            self._expire()

    def _beat(self, health: tuple[SensorHealth, ...]) -> None:
        parts = self._parts
        status = self._status(health)
        rss_bytes, cpu_seconds = parts.host.footprint()
        load = Load(
            rss_bytes=rss_bytes, cpu_seconds=cpu_seconds, users=parts.host.logged_in_users()
        )
        parts.recorder.record(OURSELVES, parts.selfwatch.tampering())
        parts.recorder.record(OURSELVES, [heartbeat(status, load)])
        parts.recorder.flush()
        self._remember(goodbye=False)
        try:
            write_status(parts.files.status, status)
        except OSError as full:
            _log.warning("status not written", extra={"reason": str(full)})
        well = sum(part.state == "ok" for part in health)
        parts.manager.status(f"{well} of {len(health)} parts well; {status.spool.waiting} waiting")

    def _health(self) -> tuple[SensorHealth, ...]:
        parts = self._parts
        uplink, trouble = parts.uplink.health, parts.recorder.trouble
        hindered = bool(own_parts(uplink, trouble, 0))
        if not hindered:
            self._trouble_since_us = 0
        elif not self._trouble_since_us:
            self._trouble_since_us = parts.host.now().at_us
        return (
            *(sensor.health() for sensor in self._sensors),
            *own_parts(uplink, trouble, self._trouble_since_us),
        )

    def _status(self, health: tuple[SensorHealth, ...]) -> Status:
        parts = self._parts
        coverage: Mapping[str, float] = {s.name: s.coverage() for s in self._sensors}
        return Status(
            version=VERSION,
            agent=parts.agent,
            collector=parts.collector,
            pid=os.getpid(),
            written_us=parts.host.now().at_us,
            started_us=self._started_us,
            policy_version=self._document.policy.version,
            sensors=health,
            coverage=coverage,
            spool=parts.spool.fill(),
            uplink=parts.uplink.health,
        )

    def _take_policy(self, document: PolicyDocument) -> None:
        self._document = document
        self._parts.reactions.policy_changed(document)
        self._parts.spool.limit_bytes = document.policy.thresholds.spool_limit_bytes
        for sensor in self._sensors:
            self._parts.recorder.record(sensor.name, sensor.policy_changed(document))
        self._beat_at = 0.0
        self._parts.settle()
        _log.info("policy in force", extra={"version": document.policy.version})

    def _expire(self) -> None:
        age_us = self._document.policy.duration("spool_limit_age") // timedelta(microseconds=1)
        try:
            self._parts.spool.expire(self._parts.host.now().at_us - age_us)
        except SpoolFull as full:
            _log.warning("spool not pruned", extra={"reason": str(full)})

    def _remember(self, *, goodbye: bool, upgrade: bool = False) -> None:
        """Without this the next start cannot tell how this run ended; it says so."""
        beat = Beat(
            boot=self._boot,
            at_us=self._parts.host.now().at_us,
            fingerprint=self._parts.selfwatch.fingerprint,
            goodbye=goodbye,
            upgrade=upgrade,
        )
        try:
            write_beat(self._parts.files.beat, beat)
        except OSError as full:
            _log.warning("beat not written", extra={"reason": str(full)})

    def _goodbye(self) -> None:
        parts = self._parts
        parts.manager.stopping()
        reason = parts.reason_to_stop(parts.files.planned_end)
        for sensor in self._sensors:
            sensor.stop()
        parts.recorder.record(OURSELVES, [AgentStopping(reason=reason)])
        parts.recorder.flush()
        sent = parts.uplink.drain(_GOODBYE_PATIENCE)
        _log.info("stopping", extra={"reason": reason, "goodbye_sent": sent})
        parts.uplink.stop(_THREAD_PATIENCE)
        self._remember(goodbye=True, upgrade=reason == "upgrade")
        if not parts.uplink.is_alive():
            parts.spool.close()
        self._selector.close()
        parts.doorbell.close()

    def _patience(self) -> float:
        """Seconds until something is due; never longer than to the next heartbeat."""
        due = [self._beat_at, *(sensor.next_due() for sensor in self._sensors)]
        if self._parts.recorder.retry_at is not None:
            due.append(self._parts.recorder.retry_at)
        if self._parts.manager.watchdog is not None:
            due.append(self._watchdog_at)
        return max(0.0, min(due) - time.monotonic())

    def _seconds(self, threshold: str) -> float:
        return self._document.policy.duration(threshold).total_seconds()


def _without_times(health: Sequence[SensorHealth]) -> Sequence[tuple[str, str, str]]:
    return [(part.name, part.state, part.reason) for part in health]
