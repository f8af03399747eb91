"""What the hospital knows of a medium: its line in the register, its last scan receipt."""

from datetime import date
from typing import Literal

import msgspec

from checks.facts.base import Fact, Micros, Number
from checks.facts.media import Medium
from checks.facts.receipts import SignedReceipt

RegisterKind = Literal["plain", "internal", "dedicated", "ferry", "banned"]
"""Plain: ordinary.  Internal: never outside the intranet.  Dedicated: for certain hosts or
departments only.  Ferry: carries data between zones.  Banned: never."""


class RegisteredMedium(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """One line of the media register 介质台账.  Identity is given by `key`, or by
    serial with vendor and product id; what is empty is not compared.

    `endpoints` (ids or names) and `departments` say where it may be used, everywhere when
    both are empty; `hours` when (`checks.policy.schedule`); `zones` in which zones of the
    plan; `uses` how often it may be mounted, 0 without limit.  `access` is what may be done
    with it.  `inventory` is the day by which it must be seen or returned.
    """

    number: str
    kind: RegisterKind = "plain"
    key: str = ""
    serial: str = ""
    vendor_id: str = ""
    product_id: str = ""
    capacity: Number = 0
    owner: str = ""
    department: str = ""
    endpoints: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    access: Literal["read_write", "read_only"] = "read_write"
    hours: str = ""
    uses: Number = 0
    lost: bool = False
    expires: date = date(9999, 12, 31)
    inventory: date | None = None
    note: str = ""

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


class Whereabouts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An endpoint (its id and name) where this medium was, the zone and the place that it
    had in the hospital then; `here` while it is plugged in there, and `before_us` then
    when it was last there before.  Times are the endpoint's own.
    """

    endpoint: str
    name: str = ""
    zone: str = ""
    department: str = ""
    place: str = ""
    first_us: Micros = 0
    last_us: Micros = 0
    before_us: Micros = 0
    here: bool = False


class Twin(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Another body that told the same serial number: its key, what it calls itself, its
    capacity in bytes and its number in the register, and where it was seen last.
    """

    key: str
    name: str = ""
    capacity: Number = 0
    number: str = ""
    endpoint: str = ""
    last_us: Micros = 0


class MediumStanding(Fact, frozen=True, kw_only=True, tag="medium_standing"):
    """The collector's answer about one medium, for judging what happens with it.

    `entry` is its line in the register, None when it has none; `uses` how often it was put
    to use under that line before its present insertion; `receipt` the newest receipt in
    force, and `clean_us` when the newest full scan that found it clean began, 0 for never.
    `seen` is where it was, the newest in front, `twins` who else has its serial
    number; both are bounded.  Agents hold it signed by the collector; what an agent claims
    under this name is believed by nobody.
    """

    key: str
    entry: RegisteredMedium | None = None
    uses: Number = 0
    receipt: SignedReceipt | None = None
    clean_us: Micros = 0
    seen: tuple[Whereabouts, ...] = ()
    twins: tuple[Twin, ...] = ()
    answered_us: Micros = 0


class MediumTwice(Fact, frozen=True, kw_only=True, tag="medium_twice"):
    """The collector's own word about an endpoint: a medium is plugged in there since
    `since_us` while it still is at `other`, which has been heard of since.
    """

    medium: Medium
    other: str
    other_name: str = ""
    since_us: Micros = 0


class MediumOverdue(Fact, frozen=True, kw_only=True, tag="medium_overdue"):
    """The collector's own word: a registered medium was neither seen nor counted by the day
    of its inventory.  `last_us` is when it was seen last, 0 for never.
    """

    entry: RegisteredMedium
    last_us: Micros = 0
    endpoint: str = ""
