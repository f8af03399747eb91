"""What is approved: destinations outside, and devices that may lead there."""

import functools
import ipaddress
import re
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from checks.facts.network import LinkKind
from checks.plan import Network
from checks.policy.moments import begins_us, ends_us
from checks.policy.schedule import weekly_time


class Subject(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom an approval is for: every list that is not empty must match.

    An endpoint is named by its id or its name; a process by its path, its name or the
    hash of its program, `sha256:HEX`; a user is the account that acts, or that logged in.
    """

    endpoints: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    processes: tuple[str, ...] = ()
    users: tuple[str, ...] = ()


Effect = Literal["allow", "exception", "block", "deny"]
"""In order of decision: deny, block (an emergency's), exception, allow, zone default."""
FORBIDDING: tuple[Effect, ...] = ("deny", "block")
ALLOWING: tuple[Effect, ...] = ("exception", "allow")

TimeState = Literal["in_force", "not_begun", "expired", "outside_schedule"]
INTRANET = "intranet"

_LABEL = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
_HOST_NAME = re.compile(rf"(\*\.)?({_LABEL}\.)*{_LABEL}")  # RFC 1123 2.1; `_` of service names


class Approved(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """One approved destination, from the first to the last moment of its days in the
    hospital's time zone.  `approver` is never the applicant.

    `effect` also lets an entry forbid what others allow.  `starts` and `expires` are a day
    or a moment (`checks.policy.moments`); what allows must expire, what forbids need not.
    `destinations` are prefixes, or host names (`*.example.cn` is everything below): a name
    is what one of the hospital's name servers told the endpoint (`checks.names`), so it is
    weaker than an address, and what is inside the plan is forbidden by address only.  `via`: `intranet` (the plan's
    own uplinks) or a link kind; empty is the intranet for what allows, and every way for
    what forbids.  `gateway` narrows it to one next hop; `gateway_mac` (whole, or the
    maker's first three octets) must be the next hop's, unless `gateway` is given and
    nobody knows its MAC.  `schedule`: times of the week (`checks.policy.schedule`), empty is always.  `vendor`: a
    vendor's access, which lasts 24 hours at most.  `contact` is the mail address that is
    reminded before the end.
    """

    name: str
    effect: Effect = "allow"
    destinations: tuple[str, ...]
    expires: str = ""
    starts: str = ""
    protocol: str = ""
    ports: tuple[int, ...] = ()
    direction: Literal["", "out", "in"] = ""
    via: str = ""
    gateway: str = ""
    gateway_mac: str = ""
    schedule: tuple[str, ...] = ()
    vendor: bool = False
    subject: Subject = Subject()
    purpose: str = ""
    applicant: str = ""
    approver: str = ""
    ticket: str = ""
    contact: str = ""
    review: str = ""
    note: str = ""

    @functools.cached_property
    def networks(self) -> tuple[Network, ...]:
        """The destinations that are prefixes."""
        return tuple(
            ipaddress.ip_network(text) for text in self.destinations if not is_host_name(text)
        )

    @functools.cached_property
    def names(self) -> frozenset[str]:
        """The destinations that are host names, in lower case."""
        return frozenset(text.lower() for text in self.destinations if is_host_name(text))

    @property
    def allows(self) -> bool:
        return self.effect in ALLOWING

    def at(self, at_us: int, zone: ZoneInfo) -> TimeState:
        """Whether it is in force at this moment (wall clock, us)."""
        validity = time_state(self.starts, self.expires, at_us, zone)
        if validity != "in_force" or not self.schedule:
            return validity
        local = datetime.fromtimestamp(at_us / 1_000_000, zone)
        held = any(weekly_time(text).holds(local) for text in self.schedule)
        return "in_force" if held else "outside_schedule"


class ApprovedDevice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A network device that may be here: a card by its MAC, a USB device by
    vendor:product:serial, a tunnel by its interface's name.  What is empty is not
    compared; at least one of `mac`, `device` and `interface` must be given.  `starts` and
    `expires` as in `Approved`, in the subject only endpoints, groups and departments.
    """

    name: str
    kind: LinkKind
    mac: str = ""
    device: str = ""
    interface: str = ""
    subject: Subject = Subject()
    starts: str = ""
    expires: str
    purpose: str = ""
    applicant: str = ""
    approver: str = ""
    ticket: str = ""
    contact: str = ""

    def at(self, at_us: int, zone: ZoneInfo) -> TimeState:
        """Whether it is in force at this moment (wall clock, us)."""
        return time_state(self.starts, self.expires, at_us, zone)


def time_state(starts: str, expires: str, at_us: int, zone: ZoneInfo) -> TimeState:
    if at_us < begins_us(starts, zone.key):
        return "not_begun"
    return "expired" if at_us > ends_us(expires, zone.key) else "in_force"


def is_host_name(text: str) -> bool:
    """Whether a destination is a name; what could be a mistyped address is none."""
    if not _HOST_NAME.fullmatch(text.lower()):
        return False
    last = text.rpartition(".")[2].lower()
    return any(letter.isalpha() for letter in last)  # RFC 1123 2.1: never all digits
