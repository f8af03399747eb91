"""Where a connection or a device stands with the allow-list, and which entry decided.

The order of decision: deny, block, exception, allow, the zone's default, and outside every
zone the default is a violation.  Within one step the first entry of the policy decides.
"""

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from checks.beacon import address_of
from checks.check import Context
from checks.facts.base import Process
from checks.facts.connections import ConnectionSeen
from checks.facts.network import Link, UplinkDevice
from checks.plan import is_local, parsed_address, same_mac
from checks.policy import Approved, ApprovedDevice, Subject
from checks.policy.allowlist import ALLOWING, FORBIDDING, INTRANET, TimeState

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


class DeviceStanding(msgspec.Struct, frozen=True, kw_only=True):
    """`entry` names the approval in force for a device, empty when none is; `lapse` is one
    that is no longer, or not yet.
    """

    entry: str = ""
    lapse: Lapse | None = None

    @property
    def accepted(self) -> bool:
        return bool(self.entry)

    @property
    def is_settled(self) -> bool:
        """Whether no other rule than EXT-16 has anything to say of this device."""
        return bool(self.entry) or self.lapse is not None


# ----------------------------------------------------------------------- connections


def standing(seen: ConnectionSeen, context: Context) -> Standing:
    """Where a connection stands: inside the plan, approved, or neither.

    What cannot leave its segment (loopback, link-local, multicast) is inside before
    anything else; no entry decides about it.
    """
    if is_local(seen.outside):
        return Standing(inside=True, decided_by="local to the segment")
    if _is_beacons_question(seen, context):
        return Standing(inside=False, entry="beacon", decided_by="beacon")
    for effect in FORBIDDING:
        for entry in _in_force(effect, seen, context):
            return Standing(inside=False, decided_by=_named(entry))
    for effect in ALLOWING:
        for entry in _in_force(effect, seen, context):
            return Standing(inside=False, entry=entry.name, decided_by=_named(entry))
    return _by_default(seen, context)


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


def _in_force(effect: str, seen: ConnectionSeen, context: Context) -> Iterator[Approved]:
    for entry in context.policy.approved:
        fits = entry.effect == effect and _covers(entry, seen, context) and _in_scope(entry, seen)
        if fits and entry.at(context.moment_us, context.policy.zone_info) == "in_force":
            yield entry


def _by_default(seen: ConnectionSeen, context: Context) -> Standing:
    zone = context.policy.plan.zone_over(seen.outside, seen.egress)
    if zone is not None and zone.default == "allow":
        return Standing(inside=True, decided_by=f"zone {zone.name}")
    lapse = _lapsed(seen, context)
    if lapse is not None:
        return Standing(inside=False, lapse=lapse, decided_by=f"lapsed {lapse.entry.name}")
    denied = f"zone {zone.name}: denied by default" if zone is not None else DEFAULT
    return Standing(inside=False, decided_by=denied)


def _lapsed(seen: ConnectionSeen, context: Context) -> Lapse | None:
    """The first approval that fits by destination, way and subject but not in time; of an
    exception the ports and the protocol are what may be exceeded, too.
    """
    for effect in ALLOWING:
        for entry in context.policy.approved:
            if entry.effect != effect or not _covers(entry, seen, context):
                continue
            state = entry.at(context.moment_us, context.policy.zone_info)
            if not _in_scope(entry, seen):
                if effect == "exception":
                    return Lapse(entry=entry, why=_why(state) or "out_of_scope")
            elif why := _why(state):
                return Lapse(entry=entry, why=why)
    return None


def _why(state: TimeState) -> WhyLapsed | None:
    return None if state == "in_force" else state


def _named(entry: Approved) -> str:
    return f"{_WORDS[entry.effect]} {entry.name}"


def _covers(entry: Approved, seen: ConnectionSeen, context: Context) -> bool:
    """By destination, way and subject, whatever the time, port and protocol."""
    return (
        entry.direction in ("", seen.direction)
        and _leaves_by(entry, seen, context)
        and _concerns(entry.subject, seen, context)
        and entry.reaches(seen.outside, seen.name)
    )


def _in_scope(entry: Approved, seen: ConnectionSeen) -> bool:
    return entry.protocol.lower() in ("", seen.protocol) and (
        not entry.ports or seen.service_port in entry.ports
    )


def _leaves_by(entry: Approved, seen: ConnectionSeen, context: Context) -> bool:
    egress = seen.egress
    if entry.via == INTRANET or (not entry.via and entry.allows):
        planned = context.policy.plan.knows_uplink(egress)
    else:
        planned = not entry.via or egress.kind == entry.via
    return planned and _over_gateway(entry, egress.gateway, egress.gateway_mac)


def _over_gateway(entry: Approved, gateway: str, mac: str) -> bool:
    if entry.gateway:
        if not gateway or parsed_address(gateway) != parsed_address(entry.gateway):
            return False
        return not entry.gateway_mac or not mac or same_mac(mac, entry.gateway_mac)
    return not entry.gateway_mac or same_mac(mac, entry.gateway_mac)


def _concerns(subject: Subject, seen: ConnectionSeen, context: Context) -> bool:
    """A process that nobody knows is none of those that an entry names."""
    process = seen.process if isinstance(seen.process, Process) else None
    if not _names_endpoint(subject, context):
        return False
    users = {process.user, process.login} if process else set()
    return _names_any(subject.users, users) and _names_any(
        (_without_case(text) for text in subject.processes), _names_of(process)
    )


def _names_of(process: Process | None) -> set[str]:
    if process is None:
        return set()
    digest = f"sha256:{process.sha256.lower()}" if process.sha256 else ""
    return {process.executable, process.name, digest}


def _without_case(process: str) -> str:
    return process.lower() if process.startswith("sha256:") else process


def _names_endpoint(subject: Subject, context: Context) -> bool:
    endpoint = context.endpoint
    return (
        _names_any(subject.endpoints, {endpoint.id, endpoint.name})
        and _names_any(subject.groups, set(endpoint.groups))
        and _names_any(subject.departments, {endpoint.department})
    )


def _names_any(wanted: Iterable[str], its: set[str]) -> bool:
    """An empty list names everybody; an empty name is nobody's."""
    listed = set(wanted)
    return not listed or bool((listed & its) - {""})


# --------------------------------------------------------------------------- devices


def device_standing(link: Link, context: Context) -> DeviceStanding:
    """Where a link's device stands with `policy.devices`: the first entry in force of its
    kind whose MAC, device and interface are the link's, as far as they are given.
    """
    return _device(link.kind, link.mac, link.device, link.name, context)


def attached_standing(attached: UplinkDevice, context: Context) -> DeviceStanding:
    """The same of a device that has no link yet; an entry that names a MAC is for a link
    only, because a device alone has none.
    """
    return _device(attached.uplink, "", attached.device, attached.interface, context)


def _device(kind: str, mac: str, device: str, name: str, context: Context) -> DeviceStanding:
    lapse: Lapse | None = None
    for entry in context.policy.devices:
        named = (
            (not entry.mac or (bool(mac) and same_mac(mac, entry.mac)))
            and entry.device in ("", device)
            and entry.interface in ("", name)
        )
        if entry.kind != kind or not named or not _names_endpoint(entry.subject, context):
            continue
        why = _why(entry.at(context.moment_us, context.policy.zone_info))
        if why is None:
            return DeviceStanding(entry=entry.name)
        lapse = lapse or Lapse(entry=entry, why=why)
    return DeviceStanding(lapse=lapse)
