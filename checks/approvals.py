"""Where a connection stands with the allow-list, and which entry decided.

The order of decision: deny, block, exception, allow, the zone's default, and outside every
zone the default is a violation.  Within one step the first entry of the policy decides.
"""

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from checks.beacon import address_of
from checks.check import Context
from checks.facts.base import Process
from checks.facts.connections import ConnectionSeen, Egress
from checks.intranet import leads_inside
from checks.plan import is_local, parsed_address, same_mac
from checks.policy import Approved, ApprovedDevice
from checks.policy.allowlist import ALLOWING, FORBIDDING, INTRANET, Effect, TimeState
from checks.subjects import is_about

DEFAULT = "default: outside the address plan"
_WORDS = {"deny": "deny", "block": "block", "exception": "exception", "allow": "approved"}
"""How an entry is named in `decided_by`, by its effect."""

WhyLapsed = Literal["not_begun", "expired", "outside_schedule", "out_of_scope"]
"""Out of scope: an exception is used for another port or protocol than it names."""


class Lapse(msgspec.Struct, frozen=True, kw_only=True):
    """An approval that would have covered what happened, and why it does not."""

    entry: Approved | ApprovedDevice
    why: WhyLapsed


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """`inside` needs no approval; otherwise `entry` names the approval that covers the
    connection, empty when none does, and `lapse` one that would have.  `decided_by` is
    what the evidence says: `deny NAME`, `block NAME`, `exception NAME`, `approved NAME`,
    `zone NAME`, `lapsed NAME`, or a default.
    """

    inside: bool
    entry: str = ""
    lapse: Lapse | None = None
    decided_by: str

    @property
    def accepted(self) -> bool:
        return self.inside or bool(self.entry)

    @property
    def is_violation(self) -> bool:
        """Neither accepted nor the business of EXT-16."""
        return not self.accepted and self.lapse is None


def standing(seen: ConnectionSeen, context: Context) -> Standing:
    """Where a connection stands: inside the plan, approved, or neither.

    What cannot leave its segment (loopback, link-local, multicast) is inside before
    anything else; no entry decides about it.
    """
    if is_local(seen.outside):
        return Standing(inside=True, decided_by="local to the segment")
    if _is_beacons_question(seen, context):
        return Standing(inside=False, entry="beacon", decided_by="beacon")
    covering = _covering(seen, context)
    for effect in FORBIDDING:
        for entry in _in_force(effect, covering, seen, context):
            return Standing(inside=False, decided_by=_named(entry))
    for effect in ALLOWING:
        for entry in _in_force(effect, covering, seen, context):
            return Standing(inside=False, entry=entry.name, decided_by=_named(entry))
    return _by_default(covering, seen, context)


def _is_beacons_question(seen: ConnectionSeen, context: Context) -> bool:
    """Whether the agent asks the hospital's own beacon, over a way that is not the
    intranet's: its signed answer says what there is to say.
    """
    url = context.policy.beacon.url
    if not url or (seen.protocol, seen.direction) != ("tcp", "out"):
        return False
    address, port = address_of(url)
    return (
        seen.destination_port == port
        and parsed_address(seen.destination) == parsed_address(address)
        and not context.policy.plan.knows_uplink(seen.egress)
    )


def _covering(seen: ConnectionSeen, context: Context) -> tuple[Approved, ...]:
    """Entries that fit by destination, way and subject, whatever the time, port and protocol.
    A process that nobody knows is none of those that an entry names.
    """
    process = seen.process if isinstance(seen.process, Process) else None
    return tuple(
        entry
        for entry in context.policy.destinations.reaching(seen.outside, seen.name)
        if entry.direction in ("", seen.direction)
        and is_about(entry.subject, context.endpoint, process)
        and _leaves_by(entry, seen.egress, context)
    )


def _in_force(
    effect: Effect, covering: Iterable[Approved], seen: ConnectionSeen, context: Context
) -> Iterator[Approved]:
    for entry in covering:
        fits = entry.effect == effect and _in_scope(entry, seen)
        if fits and entry.at(context.moment_us, context.policy.zone_info) == "in_force":
            yield entry


def _by_default(covering: Iterable[Approved], seen: ConnectionSeen, context: Context) -> Standing:
    zone = context.policy.plan.zone_over(seen.outside, seen.egress)
    if zone is not None and zone.default == "allow":
        return Standing(inside=True, decided_by=f"zone {zone.name}")
    lapse = _lapsed(covering, seen, context)
    if lapse is not None:
        return Standing(inside=False, lapse=lapse, decided_by=f"lapsed {lapse.entry.name}")
    denied = f"zone {zone.name}: denied by default" if zone is not None else DEFAULT
    return Standing(inside=False, decided_by=denied)


def _lapsed(covering: Iterable[Approved], seen: ConnectionSeen, context: Context) -> Lapse | None:
    """The first approval that covers it but is not in force; of an exception the ports and
    the protocol are what may be exceeded, too.
    """
    for effect in ALLOWING:
        for entry in covering:
            if entry.effect != effect:
                continue
            state = entry.at(context.moment_us, context.policy.zone_info)
            if not _in_scope(entry, seen):
                if effect == "exception":
                    return Lapse(entry=entry, why=why_lapsed(state) or "out_of_scope")
            elif why := why_lapsed(state):
                return Lapse(entry=entry, why=why)
    return None


def why_lapsed(state: TimeState) -> WhyLapsed | None:
    """None while it is in force."""
    return None if state == "in_force" else state


def _named(entry: Approved) -> str:
    return f"{_WORDS[entry.effect]} {entry.name}"


def _in_scope(entry: Approved, seen: ConnectionSeen) -> bool:
    return entry.protocol.lower() in ("", seen.protocol) and (
        not entry.ports or seen.service_port in entry.ports
    )


def _leaves_by(entry: Approved, egress: Egress, context: Context) -> bool:
    if entry.via == INTRANET or (not entry.via and entry.allows):
        planned = leads_inside(egress, context)
    else:
        planned = not entry.via or egress.kind == entry.via
    return planned and _over_gateway(entry, egress.gateway, egress.gateway_mac)


def _over_gateway(entry: Approved, gateway: str, mac: str) -> bool:
    if entry.gateway:
        if not gateway or parsed_address(gateway) != parsed_address(entry.gateway):
            return False
        return not entry.gateway_mac or not mac or same_mac(mac, entry.gateway_mac)
    return not entry.gateway_mac or same_mac(mac, entry.gateway_mac)
