"""`wardwatch-agent once`: every sensor once, judged on this machine; nothing is sent."""

import selectors
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from agent.commands.judging_by import document_for
from agent.composition import all_sensors
from agent.config import Settings
from agent.logs import log_to_standard_error
from agent.reactions import Judgement
from agent.salt import passing_salt
from agent.sensors.base import Sensor
from agent.speech import say
from agent.system import machine
from agent.tended import TendedSensor
from checks.check import discover
from checks.facts import Fact
from checks.facts.health import SensorHealth
from checks.finding import Outcome, Verdict
from checks.policy import PolicyDocument
from checks.wire import Observation

LOOK_FOR = 1.0
"""Seconds in which a sensor may still tell what it found after its first look."""


class Opinion(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict as a line of the output."""

    rule: str
    outcome: Outcome
    subject: str = ""
    detail: str = ""


class Look(msgspec.Struct, frozen=True, kw_only=True):
    observations: tuple[Observation, ...]
    verdicts: tuple[Opinion, ...]
    sensors: tuple[SensorHealth, ...]


def run(settings: Settings, *, policy_file: Path | None, as_json: bool) -> int:
    """Exit status 3 when a check says fail."""
    log_to_standard_error("error")
    document = document_for(settings, policy_file)
    found = look(all_sensors(settings, passing_salt()), document)
    if as_json:
        say(msgspec.json.format(msgspec.json.encode(found)).decode())
    else:
        say("\n".join(lines(found)))
    return 3 if any(verdict.outcome is Outcome.FAIL for verdict in found.verdicts) else 0


def look(sensors: Sequence[Sensor], document: PolicyDocument) -> Look:
    """Starts every sensor, takes what it sees, stops it."""
    judgement = Judgement(discover(), document)
    observations: list[Observation] = []
    verdicts: list[Verdict] = []
    boot = machine.boot_id()
    with selectors.DefaultSelector() as selector:
        tended = [
            TendedSensor(sensor, selector=selector, now=machine.now, monotonic=time.monotonic)
            for sensor in sensors
        ]
        for sensor, fact in _seen(tended, selector, document):
            moment = machine.now()
            observations.append(
                Observation(
                    sequence=len(observations) + 1,
                    at_us=moment.at_us,
                    boot=boot,
                    monotonic_us=moment.monotonic_us,
                    sensor=sensor,
                    fact=fact,
                )
            )
            verdicts += judgement.verdicts(fact, moment.at_us)
        health = tuple(sensor.health() for sensor in tended)
        for sensor_to_stop in tended:
            sensor_to_stop.stop()
    return Look(
        observations=tuple(observations),
        verdicts=tuple(opinion(verdict) for verdict in verdicts),
        sensors=health,
    )


def opinion(verdict: Verdict) -> Opinion:
    if verdict.finding is None:
        return Opinion(rule=verdict.rule, outcome=verdict.outcome, detail=verdict.why_unknown)
    return Opinion(
        rule=verdict.rule,
        outcome=verdict.outcome,
        subject=verdict.finding.subject,
        detail=verdict.finding.message.format(**verdict.finding.params),
    )


def lines(found: Look) -> Iterator[str]:
    """For people: what is wrong or unknown, then the sensors."""
    for verdict in found.verdicts:
        if verdict.outcome is not Outcome.PASS:
            yield f"{verdict.outcome:<8}{verdict.rule:<8} {verdict.subject} {verdict.detail}"
    yield f"{len(found.observations)} observations, {len(found.verdicts)} verdicts"
    for sensor in found.sensors:
        yield f"  {sensor.name:<14} {sensor.state:<9} {sensor.reason}".rstrip()


def _seen(
    tended: Sequence[TendedSensor], selector: selectors.BaseSelector, document: PolicyDocument
) -> Iterator[tuple[str, Fact]]:
    for sensor in tended:
        for fact in sensor.act(document, readable=False):
            yield sensor.name, fact
    until = time.monotonic() + LOOK_FOR
    while (rest := until - time.monotonic()) > 0:
        readable = {key.data for key, _ in selector.select(rest)}
        for sensor in tended:
            for fact in sensor.act(document, readable=sensor in readable):
                yield sensor.name, fact
