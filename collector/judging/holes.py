"""Holes in the coverage, told by the facts themselves: pure.

Every hole has a cause: what a sensor said (`overrun`, `failed`, `off`, `asleep`,
`spool_full` …), how the agent ended (`off`, `asleep`, `upgrade`, `stopped`, `removed`,
`killed`, `power_cut`), a sequence that never came (`lost`), a boot nobody announced
(`reboot`), that it has not started since it was enrolled (`not_started`), or that nobody believes
it any more (`revoked`).
"""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from checks.facts import Fact
from checks.facts.health import AgentHealth, AgentStarted, AgentStopping, SensorGap
from checks.wire import ReadBatch
from collector.judging.records import WHOLE_ENDPOINT, EndpointRecord, Hole

OpenHoles = Mapping[tuple[str, str], Hole]
"""Holes that still last, by agent and sensor."""

TELLING = (AgentHealth, AgentStarted, AgentStopping, SensorGap)

_GOODBYES = {"shutdown": "off", "suspend": "asleep"}
_ENDS = {"killed": "killed", "reboot": "power_cut"}
_BLIND = ("off", "failed")


def told_by(fact: Fact, agent: str, at_us: int, lasting: OpenHoles) -> Iterator[Hole]:
    """Holes that this fact opens, or closes (`to_us` then is set)."""
    match fact:
        case SensorGap():
            yield _gap(fact, agent)
        case AgentHealth():
            yield from _sensors(fact, agent, at_us, lasting)
        case AgentStopping(reason=reason):
            cause = _GOODBYES.get(reason, reason)
            yield Hole(agent=agent, sensor=WHOLE_ENDPOINT, from_us=at_us, cause=cause)
        case AgentStarted():
            yield from _start(fact, agent, at_us)


def not_started(agent: str, enrolled_us: int) -> Hole:
    """From the enrolment until the agent's first word."""
    return Hole(agent=agent, sensor=WHOLE_ENDPOINT, from_us=enrolled_us, cause="not_started")


def untrusted(
    record: EndpointRecord, at_us: int, lasting: OpenHoles, *, why: str
) -> Iterator[Hole]:
    """From here on nothing that the endpoint says counts; a silent one was not watched since
    it was heard last.
    """
    before = lasting.get((record.agent, WHOLE_ENDPOINT))
    if before is not None:
        yield ended(before, at_us)
    from_us = min(record.last_at_us or at_us, at_us) if record.state == "silent" else at_us
    yield Hole(
        agent=record.agent, sensor=WHOLE_ENDPOINT, from_us=from_us, cause="revoked", detail=why
    )


def ended_by_hearing(agent: str, at_us: int, lasting: OpenHoles) -> Iterator[Hole]:
    """An endpoint that speaks is watched again: its whole hole ends here, whatever its
    clock says.
    """
    hole = lasting.get((agent, WHOLE_ENDPOINT))
    if hole is not None:
        yield ended(hole, at_us)


def ended(hole: Hole, at_us: int) -> Hole:
    return msgspec.structs.replace(hole, to_us=max(at_us, hole.from_us + 1))


def unannounced_boot(record: EndpointRecord, at_us: int) -> Iterator[Hole]:
    """The boot changed and no `agent_started` told of it."""
    if record.boot and record.last_at_us < at_us:
        yield Hole(
            agent=record.agent,
            sensor=WHOLE_ENDPOINT,
            from_us=record.last_at_us,
            to_us=at_us,
            cause="reboot",
        )


def is_whole(read: ReadBatch, last_sequence: int) -> bool:
    """Whether no sequence is missing, neither inside the batch nor before it, and the
    agent knows what it sent before.
    """
    batch = read.batch
    if batch.anew and last_sequence:
        return False
    held = batch.last - batch.first + 1 == len(batch.observations) + len(read.held)
    return held and batch.first == last_sequence + 1


def lost_sequences(read: ReadBatch, record: EndpointRecord) -> Iterator[Hole]:
    """One hole per run of sequences that never came, between its neighbours' times.

    Where the agent begins anew nobody knows how many were lost before: it leaves out
    sequences that it may have used, so the hole's `lost` is 0.
    """
    times = _times(read)
    before, before_us = record.last_sequence, record.last_at_us or read.batch.sent_at_us
    if read.batch.anew:
        if before:
            yield _begun_anew(record, times[0][1])
        before, before_us = read.batch.first - 1, times[0][1]
    for sequence, at_us in (*times, (read.batch.last + 1, read.batch.sent_at_us)):
        missing = sequence - before - 1
        if missing > 0:
            yield Hole(
                agent=record.agent,
                sensor=WHOLE_ENDPOINT,
                from_us=min(before_us, at_us),
                to_us=max(before_us, at_us, 1),
                cause="lost",
                lost=missing,
            )
        before, before_us = max(before, sequence), at_us


def _begun_anew(record: EndpointRecord, at_us: int) -> Hole:
    return Hole(
        agent=record.agent,
        sensor=WHOLE_ENDPOINT,
        from_us=min(record.last_at_us, at_us),
        to_us=max(record.last_at_us, at_us, 1),
        cause="lost",
        detail="the agent lost its spool and began anew: what it had not sent is gone",
    )


def _times(read: ReadBatch) -> Sequence[tuple[int, int]]:
    known = [(seen.sequence, seen.at_us) for seen in read.batch.observations]
    return sorted(known + [(seen.sequence, seen.at_us) for seen in read.held])


def _gap(gap: SensorGap, agent: str) -> Hole:
    return Hole(
        agent=agent,
        sensor=gap.sensor or WHOLE_ENDPOINT,
        from_us=gap.from_us,
        to_us=max(gap.to_us, gap.from_us + 1),
        cause=gap.cause,
        lost=gap.lost,
        detail=gap.detail,
    )


def _sensors(health: AgentHealth, agent: str, at_us: int, lasting: OpenHoles) -> Iterator[Hole]:
    for sensor in health.sensors:
        hole = lasting.get((agent, sensor.name))
        if sensor.state in _BLIND and hole is None:
            yield Hole(
                agent=agent,
                sensor=sensor.name,
                from_us=sensor.since_us or at_us,
                cause=sensor.state,
                detail=sensor.reason,
            )
        elif sensor.state not in _BLIND and hole is not None:
            yield ended(hole, at_us)


def _start(started: AgentStarted, agent: str, at_us: int) -> Iterator[Hole]:
    cause = _ENDS.get(started.previous_end)
    if cause is not None and 0 < started.previous_seen_us < at_us:
        yield Hole(
            agent=agent,
            sensor=WHOLE_ENDPOINT,
            from_us=started.previous_seen_us,
            to_us=at_us,
            cause=cause,
        )
