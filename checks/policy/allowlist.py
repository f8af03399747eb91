"""What is approved: destinations outside, and devices that may lead there."""

import functools
import ipaddress
from datetime import date
from typing import Literal

import msgspec

from checks.facts.network import LinkKind
from checks.plan import parsed_address


class Subject(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom an approval is for: every list that is not empty must match."""

    endpoints: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    processes: tuple[str, ...] = ()
    users: tuple[str, ...] = ()


Effect = Literal["allow", "exception", "block", "deny"]
"""In order of decision: deny, block (an emergency's), exception, allow, zone default."""


class Approved(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """One approved destination, from the first to the last moment of its days in the
    hospital's time zone.  `expires` is mandatory; `approver` is never the applicant.

    `effect` also lets an entry forbid what others allow.  `destinations` are prefixes, or
    host names (`*.example.cn` with everything below).  `via`: `intranet` (the plan's own
    uplinks) or the name of a link kind; `gateway` and `gateway_mac` narrow it to one next
    hop.  `schedule`: times of the week like `mon-fri 08:00-18:00` in the hospital's zone,
    empty is always.  `vendor`: a vendor's access, which lasts 24 hours at most.  `contact`
    is the mail address that is reminded before the end.
    """

    name: str
    effect: Effect = "allow"
    destinations: tuple[str, ...]
    expires: date
    starts: date = date(1970, 1, 1)
    protocol: str = ""
    ports: tuple[int, ...] = ()
    via: str = "intranet"
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

    @functools.cached_property
    def networks(self) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
        return tuple(ipaddress.ip_network(prefix) for prefix in self.destinations)

    def reaches(self, address: str) -> bool:
        reached = parsed_address(address)
        return any(reached in network for network in self.networks)


class ApprovedDevice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A network device that may be here: a card by its MAC, a USB device by
    vendor:product:serial, a tunnel by its interface's name.  What is empty is not
    compared; at least one of `mac`, `device` and `interface` must be given.
    """

    name: str
    kind: LinkKind
    mac: str = ""
    device: str = ""
    interface: str = ""
    subject: Subject = Subject()
    starts: date = date(1970, 1, 1)
    expires: date
    purpose: str = ""
    applicant: str = ""
    approver: str = ""
    ticket: str = ""
