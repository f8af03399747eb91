"""What goes into the spool: a fact with its time, its sensor and what it is worth."""

import enum
from typing import Any, TypeVar

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
from checks.wire import encode

S = TypeVar("S", bound=msgspec.Struct)


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


def speakable(fact: S) -> S:
    """The fact, or whatever else is of this kind, as JSON can say it.

    Names on a medium and of processes are bytes (path_resolution(7)); those that are no
    UTF-8 are surrogates here, which no JSON may hold (RFC 8259 section 8.1).  They are
    told as `spoken` does, so that a name made by somebody else cannot end the report.
    """
    try:
        encode(fact)
    except UnicodeEncodeError:
        told: S = msgspec.convert(_spoken(msgspec.to_builtins(fact)), type(fact))
        return told
    return fact


def spoken(text: str) -> str:
    r"""The text with every byte that was no UTF-8 told as `\udcff`: two names that differ
    still do.
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


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


def _spoken(value: Any) -> Any:
    """The same for whatever a fact is made of."""
    if isinstance(value, str):
        return spoken(value)
    if isinstance(value, dict):
        return {_spoken(name): _spoken(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_spoken(each) for each in value]
    return value
