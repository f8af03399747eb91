"""What a check says: finding, outcome, verdict."""

import enum
from collections.abc import Mapping
from types import MappingProxyType

import msgspec

_NO_PARAMS: Mapping[str, str] = MappingProxyType({})


class Severity(enum.StrEnum):
    """紧急 · 高 · 中 · 低 · 提示, most urgent first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    NOTICE = "notice"

    @property
    def rank(self) -> int:
        """0 is the most urgent."""
        return list(Severity).index(self)


class Outcome(enum.StrEnum):
    PASS = "pass"
    FAIL = "fail"
    UNKNOWN = "unknown"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One violation seen in one fact.

    `subject` is what findings of the same rule and endpoint are gathered under.
    `message` is a catalogue id (the English sentence with `{named}` places), filled
    from `params` when it is shown.  `grade` picks a severity of the rule's policy
    entry other than the plain one.  `decided_by` names the policy entry that
    decided, `count` how many events the finding stands for.
    """

    subject: str
    message: str
    params: Mapping[str, str] = _NO_PARAMS
    grade: str = ""
    decided_by: str = "default"
    count: int = 1


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """A check's answer about one fact; `why_unknown` only with UNKNOWN."""

    rule: str
    outcome: Outcome
    finding: Finding | None = None
    severity: Severity | None = None
    why_unknown: str = ""
