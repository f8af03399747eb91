"""What this hospital allows: parsed and validated once, at the door.

The policy is data: `checks/policy_defaults.toml` holds every threshold, clock and
severity; the hospital's `policy.toml` names what differs.  The same structures are
read from TOML at the collector and from the signed JSON document on the agent.
"""

import functools
import ipaddress
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from functools import partial
from importlib.resources import files
from typing import Annotated, Any, Literal, get_args
from zoneinfo import ZoneInfo

import msgspec

from checks.facts.media import Medium
from checks.facts.network import LinkKind
from checks.finding import Severity
from checks.plan import AddressPlan, Zone, parsed_address

Mode = Literal["observe", "alert", "enforce"]


class PolicyError(Exception):
    """The policy cannot be used; the message names the place and what was meant."""


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


class Subject(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom an approval is for: every list that is not empty must match."""

    endpoints: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    processes: tuple[str, ...] = ()
    users: tuple[str, ...] = ()


class Approved(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """One approved destination, from the first to the last moment of its days in the
    hospital's time zone.  `expires` is mandatory; `approver` is never the applicant.  `via`: `intranet` (the plan's own uplinks) or the name of a link kind.
    """

    name: str
    destinations: tuple[str, ...]
    expires: date
    starts: date = date(1970, 1, 1)
    protocol: str = ""
    ports: tuple[int, ...] = ()
    via: str = "intranet"
    subject: Subject = Subject()
    purpose: str = ""
    applicant: str = ""
    approver: str = ""
    ticket: str = ""

    @functools.cached_property
    def networks(self) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
        return tuple(ipaddress.ip_network(prefix) for prefix in self.destinations)

    def reaches(self, address: str) -> bool:
        reached = parsed_address(address)
        return any(reached in network for network in self.networks)


class RegisteredMedium(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of the media register 介质台账.  Identity is given by `key`, or by
    serial with vendor and product id; what is empty is not compared.
    """

    number: str
    kind: Literal["plain", "internal", "dedicated", "ferry", "banned"] = "plain"
    key: str = ""
    serial: str = ""
    vendor_id: str = ""
    product_id: str = ""
    capacity: int = 0
    owner: str = ""
    department: str = ""
    expires: date = date(9999, 12, 31)

    def is_for(self, medium: Medium) -> bool:
        if self.key:
            return self.key == medium.key
        asked = [
            (self.serial, medium.serial),
            (self.vendor_id, medium.vendor_id),
            (self.product_id, medium.product_id),
            (self.capacity, medium.capacity),
        ]
        return bool(self.serial) and all(own == its for own, its in asked if own)


class Recipient(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who gets mail about what: severities at least `severity`, and only the named
    departments where there are any.
    """

    address: str
    name: str = ""
    severity: Severity = Severity.MEDIUM
    departments: tuple[str, ...] = ()


class Mail(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    recipients: tuple[Recipient, ...] = ()


class RuleSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Severity (and those of its grades) and clocks of one rule.

    Clocks are written `90s`, `5m`, `4h`, `2d` or `3wd` (working days); empty means
    that this clock does not run, and no `mail` means that nobody is mailed.
    """

    severity: Severity = Severity.MEDIUM
    grades: Mapping[str, Severity] = {}
    mail: str = ""
    acknowledge: str = ""
    contain: str = ""
    close: str = ""
    enabled: bool = True


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
    signatures_max_age: str = "30d"
    file_names_travel: bool = False
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
    media: tuple[RegisteredMedium, ...] = ()
    mail: Mail = Mail()
    thresholds: Thresholds = Thresholds()
    rules: Mapping[str, RuleSettings] = {}

    @functools.cached_property
    def plan(self) -> AddressPlan:
        return AddressPlan(self.zones)

    def settings(self, rule: str) -> RuleSettings:
        return self.rules.get(rule, RuleSettings())

    def severity(self, rule: str, grade: str = "") -> Severity:
        settings = self.settings(rule)
        return settings.grades.get(grade, settings.severity)

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
    """What an agent fetches, signed as a whole: the policy and its own register line."""

    issued_at_us: int
    policy: Policy
    endpoint: Endpoint


_SPAN = re.compile(r"([0-9]{1,9})(s|m|h|d|wd)")
LONGEST = timedelta(days=3660)
"""Ten years: what a clock adds to a moment stays in the calendar."""
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "wd": "days"}


def span(text: str) -> timedelta:
    """`90s`, `5m`, `4h`, `2d` as a span; working days count as days here.

    Raises:
        PolicyError: for anything else.
    """
    match = _SPAN.fullmatch(text)
    if match is None:
        raise PolicyError(f"{text[:40]!r} is no duration; write it like 90s, 5m, 4h, 2d or 3wd")
    length = timedelta(**{_UNITS[match[2]]: int(match[1])})
    if not timedelta(0) < length <= LONGEST:
        raise PolicyError(f"{text!r} is not between 1s and {LONGEST.days}d")
    return length


def deadline(start: datetime, clock: str) -> datetime | None:
    """When a clock that starts then runs out; None for a clock that does not run.

    Working days are Monday to Friday in `start`'s own zone, and end at the same time
    of day.
    """
    if not clock:
        return None
    if not clock.endswith("wd"):
        return start + span(clock)
    left = span(clock).days
    end = start
    while left:
        end += timedelta(days=1)
        left -= end.weekday() < 5
    return end


BYTE_ORDER_MARK = "\ufeff"
"""What some editors write before the first line."""


def parse_policy(text: str, *, version: int = 0) -> Policy:
    """Policy from the TOML of policy.toml laid over the defaults.

    Raises:
        PolicyError: with the path of the wrong key (`zones[0].prefixes`) and, for an
            unknown key, the known one that is nearest.
    """
    try:
        own = tomllib.loads(text.removeprefix(BYTE_ORDER_MARK))
    except (ValueError, RecursionError) as broken:  # TOMLDecodeError is a ValueError
        raise PolicyError(f"not TOML: {broken}") from broken
    policy = _convert(_overlay(_defaults(), {**own, "version": version}))
    _validate(policy)
    return policy


@functools.cache
def _defaults() -> dict[str, Any]:
    return tomllib.loads(files("checks").joinpath("policy_defaults.toml").read_text("utf-8"))


def _overlay(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = (
            _overlay(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
        )
    return merged


def _convert(raw: dict[str, Any]) -> Policy:
    try:
        return msgspec.convert(raw, Policy)
    except msgspec.ValidationError as wrong:
        raise PolicyError(_explained(str(wrong))) from wrong


def _explained(message: str) -> str:
    """Msgspec's words with the nearest known key added."""
    unknown = re.search(r"unknown field `([^`]+)`(?: - at `\$\.?([^`]*)`)?", message)
    if unknown is None:
        return message.replace("`$.", "`")
    key, place = unknown[1], unknown[2] or ""
    near = get_close_matches(key, _known_keys(), n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"unknown key {'.'.join(part for part in (place, key) if part)}{hint}"


def _known_keys() -> list[str]:
    structs = [Policy, Hospital, Subject, Approved, RegisteredMedium, Recipient, Mail]
    structs += [RuleSettings, Thresholds, *Zone.structs()]
    return [field for struct in structs for field in struct.__struct_fields__]


def _validate(policy: Policy) -> None:
    for place, attempt in _promises(policy):
        try:
            attempt()
        except (ValueError, PolicyError) as wrong:
            raise PolicyError(f"{place}: {wrong}") from wrong
    known = _defaults()["rules"]
    for rule in policy.rules:
        if rule not in known:
            near = get_close_matches(rule, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise PolicyError(f"rules.{rule}: no such rule{hint}")


def _promises(policy: Policy) -> Iterator[tuple[str, Callable[[], object]]]:
    """Everything that a type alone does not check: the place, and what must not raise."""
    yield "hospital.timezone", partial(_time_zone, policy.hospital.timezone)
    for index, entry in enumerate(policy.approved):
        yield from _of_approved(entry, f"approved[{index}] ({entry.name})")
    for index, zone in enumerate(policy.zones):
        yield from _of_zone(zone, f"zones[{index}] ({zone.name})")
    for index, recipient in enumerate(policy.mail.recipients):
        yield f"mail.recipients[{index}].address", partial(_mail_address, recipient.address)
    for rule, settings in policy.rules.items():
        for clock in ("mail", "acknowledge", "contain", "close"):
            if text := getattr(settings, clock):
                yield f"rules.{rule}.{clock}", partial(span, text)
    for name in Thresholds.__struct_fields__:
        value = getattr(policy.thresholds, name)
        if isinstance(value, str):
            yield f"thresholds.{name}", partial(span, value)


def _of_approved(entry: Approved, place: str) -> Iterator[tuple[str, Callable[[], object]]]:
    yield f"{place}.approver", partial(_two_people, entry)
    for prefix in entry.destinations:
        yield f"{place}.destinations", partial(ipaddress.ip_network, prefix)


def _of_zone(zone: Zone, place: str) -> Iterator[tuple[str, Callable[[], object]]]:
    for prefix in zone.prefixes:
        yield f"{place}.prefixes", partial(ipaddress.ip_network, prefix)
    for way in zone.via:
        if way.gateway:
            yield f"{place}.via.gateway", partial(ipaddress.ip_address, way.gateway)
        yield f"{place}.via.interface", partial(_link_kind, way.interface)


def _time_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as unknown:  # ZoneInfoNotFoundError is a KeyError
        raise PolicyError(
            f"{name[:40]!r} is no time zone; write it like Asia/Shanghai"
        ) from unknown


_ADDRESS = re.compile(r"""[^\s@<>()\[\],;:"\\]+@[^\s@<>()\[\],;:"\\]+""")


def _mail_address(address: str) -> None:
    """As mail servers take it (RFC 5321 4.1.2), without quotes and display names."""
    if not _ADDRESS.fullmatch(address) or not address.isprintable():
        raise PolicyError(f"{address[:80]!r} is no mail address; write it like duty@hospital.cn")


def _two_people(entry: Approved) -> None:
    if entry.applicant and entry.applicant == entry.approver:
        raise PolicyError("nobody approves what he applied for")


def _link_kind(name: str) -> None:
    kinds = get_args(LinkKind)
    if name not in kinds:
        raise PolicyError(f"{name!r} is no kind of link; the kinds are {', '.join(kinds)}")
