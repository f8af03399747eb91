"""What this hospital allows: the structures, and the door they come in by."""

from checks.facts.media_register import RegisteredMedium
from checks.policy.allowlist import Approved, ApprovedDevice, Subject
from checks.policy.document import (
    Endpoint,
    Hospital,
    Mode,
    Policy,
    PolicyDocument,
    RuleSettings,
    Thresholds,
)
from checks.policy.error import PolicyError
from checks.policy.limits import check_limits
from checks.policy.mailing import EscalationStep, Mail, Recipient, ReportEvery
from checks.policy.reading import parse_policy
from checks.policy.scanning import Scanning
from checks.policy.spans import deadline, span

__all__ = [
    "Approved",
    "ApprovedDevice",
    "Endpoint",
    "EscalationStep",
    "Hospital",
    "Mail",
    "Mode",
    "Policy",
    "PolicyDocument",
    "PolicyError",
    "Recipient",
    "RegisteredMedium",
    "ReportEvery",
    "RuleSettings",
    "Scanning",
    "Subject",
    "Thresholds",
    "check_limits",
    "deadline",
    "parse_policy",
    "span",
]
