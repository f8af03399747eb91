"""What goes into the spool: a fact with its time, its sensor and what it is worth."""

import enum

import msgspec

from checks.facts import Fact
from checks.facts.connections import ConnectionSeen
from checks.facts.health import (
    AgentHealth,
    AgentStarted,
    AgentStopping,
    AgentTampered,
    SensorGap,
)


class Importance(enum.IntEnum):
    """What a full spool gives up first stands first.

    A state is sent again at its beat, so its loss heals; what the agent says about
    itself explains every hole and is given up last.
    """

    STATE = 0
    ATTEMPT = 1
    EVENT = 2
    VIOLATION = 3
    AGENT = 4


EVERY_SENSOR = "*"
"""The sensor of a gap that concerns whatever the agent watches."""


class Moment(msgspec.Struct, frozen=True, gc=False):
    """`at_us` wall clock since the epoch, `monotonic_us` CLOCK_BOOTTIME; microseconds."""

    at_us: int
    monotonic_us: int


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One fact on its way into the spool."""

    sensor: str
    fact: Fact
    moment: Moment
    importance: Importance


_ABOUT_THE_AGENT = (AgentStarted, AgentStopping, AgentTampered, SensorGap)


def importance_of(fact: Fact, *, violated: bool) -> Importance:
    """`violated`: some check said fail, with more than a notice."""
    if isinstance(fact, _ABOUT_THE_AGENT):
        return Importance.AGENT
    if violated:
        return Importance.VIOLATION
    if isinstance(fact, AgentHealth) or fact.state:
        return Importance.STATE
    if isinstance(fact, ConnectionSeen) and fact.answer != "two_way":
        return Importance.ATTEMPT
    return Importance.EVENT
