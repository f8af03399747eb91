"""Bodies of the journal's entries that are not an agent's batch.

An agent's batch (`kind` "batch") is kept as it was sent: zstd bytes with the agent's
signature.  All others are JSON of one of these, told apart by the entry's kind.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

import msgspec

from checks.facts import Fact
from checks.facts.media_register import RegisteredMedium
from checks.policy import Endpoint
from checks.wire import AnyFact
from collector.duty.roster import Shift


class EntryKind(StrEnum):
    BATCH = "batch"
    ACT = "act"
    POLICY = "policy"
    ENROLLED = "enrolled"
    REGISTER = "register"
    WORD = "word"
    MAILED = "mailed"
    DIGEST = "digest"
    PROPOSAL = "proposal"
    MEDIA = "media"
    RECEIPTS = "receipts"
    TRUST = "trust"
    DUTY = "duty"


class CaseAct(msgspec.Struct, frozen=True, kw_only=True):
    """What a person did to a case: `acknowledge`, `verify`, `handle`, `rectify`,
    `recheck`, `close`, `false_alarm`, `confirm_false_alarm`, `reject_false_alarm`, `judge_major`,
    `report`, `assign`, `comment`.  `reason` is his own words or the report's reference, `to` the
    account it is assigned to (empty for nobody) or whether it is major, `yes` or `no`.
    """

    case: str
    act: str
    actor: str
    reason: str = ""
    to: str = ""


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
    """A person changed the register's line of an endpoint; or those of a file, all of it at once:
    then `others` are the lines after the first.  `reason` is his own words, or what the file was
    called.
    """

    endpoint: Endpoint
    actor: str
    others: tuple[Endpoint, ...] = ()
    reason: str = ""


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


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """How often this was tried on a day, by this program (`?`: nobody knows which)."""

    destination: str
    process: str
    attempts: int


class AttemptsOfDay(msgspec.Struct, frozen=True, kw_only=True):
    """What one day's unanswered attempts (EXT-17) come to; `day` is the hospital's own
    calendar day, ISO 8601, `most` the few that were tried most.
    """

    day: str
    attempts: int
    endpoints: int
    destinations: int
    most: tuple[Tried, ...] = ()


class ProposalDecided(msgspec.Struct, frozen=True, kw_only=True):
    """What the officer did to a proposed entry of the allow-list; `destination` is a
    prefix.  An accepted one stands in policy `policy_version`, a rejected one is not
    proposed again.
    """

    destination: str
    protocol: str
    via: str
    decision: Literal["accepted", "rejected"]
    actor: str
    reason: str = ""
    policy_version: int = 0


MediaAct = Literal["register", "change", "lost", "found", "returned", "counted", "import", "remove"]


class MediaChanged(msgspec.Struct, frozen=True, kw_only=True):
    """What a person did to the media register, all of it at once: the lines as they are
    from here on, or the numbers of those that are gone.
    """

    act: MediaAct
    actor: str
    reason: str = ""
    lines: tuple[RegisteredMedium, ...] = ()
    removed: tuple[str, ...] = ()


RevokedWhat = Literal["receipt", "station", "signatures"]


class Revoked(msgspec.Struct, frozen=True, kw_only=True):
    """A person revoked scan receipts: one by its id, all that a station (an agent) made from
    `since_us` until now, or all that were made with this version of signatures.
    """

    what: RevokedWhat
    subject: str
    actor: str
    reason: str
    since_us: int = 0


class TrustEnded(msgspec.Struct, frozen=True, kw_only=True):
    """A person ended the trust in the entry's agent: no batch of it follows."""

    actor: str
    reason: str


class DutyChanged(msgspec.Struct, frozen=True, kw_only=True):
    """What a person did to the duty roster: shifts that are there from here on, ids of those
    that are gone, a `note` for the next shift, or that he took over what was handed over.
    """

    act: Literal["add", "remove", "import", "note", "take_over"]
    actor: str
    shifts: tuple[Shift, ...] = ()
    removed: tuple[str, ...] = ()
    note: str = ""


BODIES: Mapping[EntryKind, type[msgspec.Struct]] = {
    EntryKind.ACT: CaseAct,
    EntryKind.POLICY: PolicyApplied,
    EntryKind.ENROLLED: Enrolled,
    EntryKind.REGISTER: Registered,
    EntryKind.WORD: Word,
    EntryKind.MAILED: Mailed,
    EntryKind.DIGEST: AttemptsOfDay,
    EntryKind.PROPOSAL: ProposalDecided,
    EntryKind.MEDIA: MediaChanged,
    EntryKind.RECEIPTS: Revoked,
    EntryKind.TRUST: TrustEnded,
    EntryKind.DUTY: DutyChanged,
}

__all__ = [
    "BODIES",
    "AttemptsOfDay",
    "CaseAct",
    "DutyChanged",
    "Enrolled",
    "EntryKind",
    "Fact",
    "Mailed",
    "MediaAct",
    "MediaChanged",
    "PolicyApplied",
    "ProposalDecided",
    "Registered",
    "Revoked",
    "RevokedWhat",
    "Tried",
    "TrustEnded",
    "Word",
]
