"""What this hospital allows, as values.

The same structures are read from TOML at the collector and from the signed JSON document
on the agent.
"""

import functools
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import msgspec

from checks.beacon import BeaconPass
from checks.facts.media import Medium
from checks.facts.media_register import RegisteredMedium
from checks.finding import Severity
from checks.plan import AddressPlan, Zone
from checks.policy.allowlist import Approved, ApprovedDevice
from checks.policy.destinations import Destinations
from checks.policy.mailing import Mail
from checks.policy.network import (
    Beacon,
    Binding,
    Containment,
    KnownHost,
    ListedProxy,
    Names,
    RemoteTools,
    Wireless,
)
from checks.policy.protection import Antivirus
from checks.policy.scanning import ScanMode, Scanning
from checks.policy.spans import span

Mode = Literal["observe", "alert", "enforce"]


class Hospital(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`phone` is the computer centre's; it stands in every message to people.
    `timezone` is an IANA name, `protection_level` the site's level by GB/T 22239
    (2 or 3), `language` the mails' language.
    """

    name: str = ""
    phone: str = ""
    timezone: str = "Asia/Shanghai"
    language: Literal["zh_CN", "en"] = "zh_CN"
    protection_level: Literal[2, 3] = 3


class CaseRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`second_person`: somebody else confirms that a case is a false alarm.  `report_within`: how
    long after a case is known as critical a major incident has to be reported (国家网络安全事件
    报告管理办法, art. 4: 4 h, operators of critical information infrastructure 1 h).
    """

    second_person: bool = True
    report_within: str = "4h"


class GradeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A grade that has clocks of its own; what it does not name is as in its rule."""

    severity: Severity
    mail: str | None = None
    acknowledge: str | None = None
    contain: str | None = None
    close: str | None = None


class RuleSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Severity and clocks of one rule, and what differs in its grades.

    Clocks are written `90s`, `5m`, `4h`, `2d` or `3wd` (working days); empty means
    that this clock does not run, and no `mail` means that nobody is mailed.
    """

    severity: Severity = Severity.MEDIUM
    grades: Mapping[str, Severity | GradeSettings] = {}
    mail: str = ""
    acknowledge: str = ""
    contain: str = ""
    close: str = ""
    enabled: bool = True

    def of_grade(self, grade: str) -> "RuleSettings":
        """The settings for a finding of this grade; empty is none."""
        differs = self.grades.get(grade)
        if differs is None:
            return self
        if isinstance(differs, Severity):
            return msgspec.structs.replace(self, severity=differs)
        named = {
            name: value
            for name, value in msgspec.structs.asdict(differs).items()
            if value is not None
        }
        return msgspec.structs.replace(self, **named)


class Thresholds(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every number that a check or a sensor compares with; durations as in clocks."""

    attempt_timeout: str = "3s"
    attempts_window: str = "60s"
    state_beat: str = "5m"
    heartbeat: str = "30s"
    desktop_repeat: str = "10m"
    silence_intervals: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 3
    silence_notice: str = "10m"
    silence_escalates: str = "7d"
    unmanaged_patience: str = "60s"
    unmanaged_repeat: str = "1d"
    unmanaged_absence: str = "2h"
    unmanaged_crowd: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 20
    signatures_max_age: str = "30d"
    signatures_due: str = "7d"
    signatures_patience: str = "5m"
    protection_patience: str = "5s"
    detection_repeat: str = "1h"
    memory_tolerance_percent: Annotated[int, msgspec.Meta(ge=0, le=100)] = 4
    medium_travel: str = "30s"
    scan_starts_within: str = "30s"
    scan_ends_within: str = "60s"
    scan_per_gb: str = "20s"
    scan_ends_at_most: str = "30m"
    written_files: Annotated[int, msgspec.Meta(ge=1, le=10_000_000)] = 200
    written_bytes: Annotated[int, msgspec.Meta(ge=1, le=2**50)] = 1_000_000_000
    file_names_travel: bool = False
    approval_reminder: str = "7d"
    spool_limit_bytes: Annotated[int, msgspec.Meta(ge=64 * 1024, le=2**40)] = 256 * 1024 * 1024
    spool_limit_age: str = "90d"


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One monitored machine as the register has it."""

    id: str
    name: str = ""
    department: str = ""
    owner: str = ""
    place: str = ""
    phone: str = ""
    zone: str = ""
    groups: tuple[str, ...] = ()
    clinical: str = ""
    protection_level: int = 3


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """The hospital's settings.  `version` is given by the collector when it is
    applied; 0 is a policy that was only read from a file.
    """

    version: int = 0
    schema: Literal[1] = 1
    hospital: Hospital = Hospital()
    mode: Mode = "alert"
    zones: tuple[Zone, ...] = ()
    approved: tuple[Approved, ...] = ()
    devices: tuple[ApprovedDevice, ...] = ()
    wireless: Wireless = Wireless()
    names: Names = Names()
    proxies: tuple[ListedProxy, ...] = ()
    remote_tools: RemoteTools = RemoteTools()
    hosts: tuple[KnownHost, ...] = ()
    bindings: tuple[Binding, ...] = ()
    beacon: Beacon = Beacon()
    containment: Containment = Containment()
    scanning: Scanning = Scanning()
    antivirus: Antivirus = Antivirus()
    media: tuple[RegisteredMedium, ...] = ()
    mail: Mail = Mail()
    cases: CaseRules = CaseRules()
    thresholds: Thresholds = Thresholds()
    rules: Mapping[str, RuleSettings] = {}

    @functools.cached_property
    def plan(self) -> AddressPlan:
        forbidding = (entry for entry in self.approved if not entry.allows)
        return AddressPlan(
            self.zones, forbidden=(part for entry in forbidding for part in entry.networks)
        )

    @functools.cached_property
    def destinations(self) -> Destinations:
        return Destinations(self.approved)

    def mode_for(self, endpoint: Endpoint) -> str:
        """The mode of the endpoint's zone, or the policy's own."""
        modes = {zone.name: zone.mode for zone in self.zones}
        return modes.get(endpoint.zone) or self.mode

    def scan_mode_for(self, endpoint: Endpoint) -> ScanMode:
        """What is done with unscanned media there; clinical endpoints are never held."""
        modes = {zone.name: zone.scanning for zone in self.zones}
        mode = modes.get(endpoint.zone) or self.scanning.mode
        return "warn" if mode == "hold" and endpoint.clinical else mode

    def side_of(self, zone: str) -> str:
        """`internal` or `external`, empty for a zone that the plan does not know."""
        return {known.name: known.side for known in self.zones}.get(zone, "")

    def settings(self, rule: str, grade: str = "") -> RuleSettings:
        return self.rules.get(rule, RuleSettings()).of_grade(grade)

    def severity(self, rule: str, grade: str = "") -> Severity:
        return self.settings(rule, grade).severity

    def day(self, at_us: int) -> date:
        """The hospital's own calendar day at this moment (wall clock, us)."""
        return datetime.fromtimestamp(at_us / 1_000_000, self.zone_info).date()

    @functools.cached_property
    def zone_info(self) -> ZoneInfo:
        return ZoneInfo(self.hospital.timezone)

    def medium(self, medium: Medium) -> RegisteredMedium | None:
        """The register's entry for this medium, None when it has none."""
        return next((entry for entry in self.media if entry.is_for(medium)), None)

    def duration(self, threshold: str) -> timedelta:
        """A threshold by name, as a span: `policy.duration("heartbeat")`."""
        return span(getattr(self.thresholds, threshold))


class PolicyDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent fetches, signed as a whole: the policy and its own register line, and
    what lets it ask the beacon where there is one.
    """

    issued_at_us: int
    policy: Policy
    endpoint: Endpoint
    beacon_pass: BeaconPass | None = None
