"""Bodies of the journal's entries that are not an agent's batch.

An agent's batch (`kind` "batch") is kept as it was sent: zstd bytes with the agent's
signature.  All others are JSON of one of these, told apart by the entry's kind.
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from checks.facts import Fact
from checks.policy import Endpoint
from checks.wire import AnyFact


class EntryKind(StrEnum):
    BATCH = "batch"
    ACT = "act"
    POLICY = "policy"
    ENROLLED = "enrolled"
    REGISTER = "register"
    WORD = "word"
    MAILED = "mailed"


class CaseAct(msgspec.Struct, frozen=True, kw_only=True):
    """What a person did to a case: `acknowledge`, `verify`, `handle`, `rectify`,
    `recheck`, `close`, `false_alarm`, `comment`.  `reason` is his own words.
    """

    case: str
    act: str
    actor: str
    reason: str = ""


class PolicyApplied(msgspec.Struct, frozen=True, kw_only=True):
    """The policy text as it was applied; from here on it judges."""

    version: int
    actor: str
    text: str


class Enrolled(msgspec.Struct, frozen=True, kw_only=True):
    """A new endpoint, as the token and its own request describe it."""

    endpoint: Endpoint
    host: str
    machine: str
    system: str = ""


class Registered(msgspec.Struct, frozen=True, kw_only=True):
    """The register's line of an endpoint was changed by a person."""

    endpoint: Endpoint
    actor: str


class Word(msgspec.Struct, frozen=True, kw_only=True):
    """The collector's own observation about the entry's agent (endpoint_silent)."""

    at_us: int
    fact: AnyFact


class Mailed(msgspec.Struct, frozen=True, kw_only=True):
    """An alert left for good, or was refused for good (`error`)."""

    key: str
    case: str
    occasion: str
    recipients: tuple[str, ...]
    error: str = ""


BODIES: Mapping[EntryKind, type[msgspec.Struct]] = {
    EntryKind.ACT: CaseAct,
    EntryKind.POLICY: PolicyApplied,
    EntryKind.ENROLLED: Enrolled,
    EntryKind.REGISTER: Registered,
    EntryKind.WORD: Word,
    EntryKind.MAILED: Mailed,
}

__all__ = [
    "BODIES",
    "CaseAct",
    "Enrolled",
    "EntryKind",
    "Fact",
    "Mailed",
    "PolicyApplied",
    "Registered",
    "Word",
]
