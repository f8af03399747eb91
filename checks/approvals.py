"""Where a connection stands with the allow-list, and which entry decided.

The order of decision: deny, block, exception, allow, the zone's default, and outside every
zone the default is a violation.  Within one step the first entry of the policy decides.

An entry that allows and names its destination by host name covers an address that the
hospital's own name servers called so, and no other: whoever else answers could call any
address by an approved name.  What forbids by name holds whoever gave the name.
"""

from collections.abc import Iterator
from typing import Literal

import msgspec

from checks.beacon import address_of
from checks.check import Context
from checks.facts.base import Process
from checks.facts.connections import ConnectionSeen
from checks.intranet import leads_inside
from checks.names import is_vouched_for
from checks.plan import is_link_local, is_local, parsed_address, same_mac
from checks.policy import Approved, ApprovedDevice
from checks.policy.allowlist import ALLOWING, FORBIDDING, INTRANET, Effect, TimeState
from checks.subjects import is_about, who_acts

DEFAULT = "default: outside the address plan"
_BROADCAST = parsed_address("255.255.255.255")
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
    `zone NAME`, `lapsed NAME`, `unproven name: NAME` (an approval that covers it only if the
    host name were believed), or a default.
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
    anything else; no entry decides about it.  Over an uplink that is not the plan's, what is
    link-local has left the hospital: an agent tells only of links that are so.
    """
    if _stays_on_its_segment(seen, context):
        return Standing(inside=True, decided_by="local to the segment")
    if _is_beacons_question(seen, context):
        return Standing(inside=False, entry="beacon", decided_by="beacon")
    believed = not seen.name or is_vouched_for(seen.named_by, context)
    covering = _Covering(seen, context, believed=believed)
    entry = covering.deciding((*FORBIDDING, *ALLOWING))
    if entry is None:
        return _by_default(covering, seen, context)
    name = entry.name if entry.allows else ""
    return Standing(inside=False, entry=name, decided_by=f"{_WORDS[entry.effect]} {entry.name}")


def _stays_on_its_segment(seen: ConnectionSeen, context: Context) -> bool:
    if not is_link_local(seen.outside):
        return is_local(seen.outside)
    plan = context.policy.plan
    called = {parsed_address(end) for end in (seen.source, seen.destination)}
    to_everybody = any(end.is_multicast or end == _BROADCAST for end in called)
    return to_everybody or not plan.prefixes or plan.knows_uplink(seen.egress)


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


class _Covering:
    """Entries that fit by destination, way and subject, whatever the time, port and protocol.
    A process that nobody knows is none of those that an entry names.  `believed`: the host
    name counts for what allows, too.

    Looked at in the order of decision, and only as far as needed: a policy may hold
    thousands for one destination.
    """

    def __init__(self, seen: ConnectionSeen, context: Context, *, believed: bool) -> None:
        self._seen = seen
        self._context = context
        self.believed = believed
        self._process = seen.process if isinstance(seen.process, Process) else None
        self._reaching = context.policy.destinations.reaching(
            seen.outside,
            seen.name,
            believed=believed,
            who=who_acts(context.endpoint, self._process),
        )
        self._leads_inside = bool(self._reaching) and leads_inside(seen.egress, context)

    def of(self, effect: Effect) -> Iterator[tuple[Approved, TimeState]]:
        """Each with where this moment lies in its time, in the order of the policy."""
        moment_us, zone = self._context.moment_us, self._context.policy.zone_info
        for entry in self._reaching:
            if entry.effect == effect and self._fits(entry):
                yield entry, entry.at(moment_us, zone)

    def deciding(self, effects: tuple[Effect, ...]) -> Approved | None:
        """The first in force of the first effect, port and protocol considered."""
        for effect in effects:
            for entry, state in self.of(effect):
                if state == "in_force" and _in_scope(entry, self._seen):
                    return entry
        return None

    def lapsed(self) -> Lapse | None:
        """The first approval that covers it but is not in force; of an exception the ports and
        the protocol are what may be exceeded, too.
        """
        for effect in ALLOWING:
            for entry, state in self.of(effect):
                if not _in_scope(entry, self._seen):
                    if effect == "exception":
                        return Lapse(entry=entry, why=why_lapsed(state) or "out_of_scope")
                elif why := why_lapsed(state):
                    return Lapse(entry=entry, why=why)
        return None

    def _fits(self, entry: Approved) -> bool:
        return (
            entry.direction in ("", self._seen.direction)
            and is_about(entry.subject, self._context.endpoint, self._process)
            and self._leaves_by(entry)
        )

    def _leaves_by(self, entry: Approved) -> bool:
        egress = self._seen.egress
        if entry.via == INTRANET or (not entry.via and entry.allows):
            planned = self._leads_inside
        else:
            planned = not entry.via or egress.kind == entry.via
        return planned and _over_gateway(entry, egress.gateway, egress.gateway_mac)


def _by_default(covering: _Covering, seen: ConnectionSeen, context: Context) -> Standing:
    zone = context.policy.plan.zone_over(seen.outside, seen.egress)
    if zone is not None and zone.default == "allow":
        return Standing(inside=True, decided_by=f"zone {zone.name}")
    lapse = covering.lapsed()
    if lapse is not None:
        return Standing(inside=False, lapse=lapse, decided_by=f"lapsed {lapse.entry.name}")
    if not covering.believed:
        doubted = _Covering(seen, context, believed=True).deciding(ALLOWING)
        if doubted is not None:
            return Standing(inside=False, decided_by=f"unproven name: {doubted.name}")
    denied = f"zone {zone.name}: denied by default" if zone is not None else DEFAULT
    return Standing(inside=False, decided_by=denied)


def why_lapsed(state: TimeState) -> WhyLapsed | None:
    """None while it is in force."""
    return None if state == "in_force" else state


def _in_scope(entry: Approved, seen: ConnectionSeen) -> bool:
    return entry.protocol.lower() in ("", seen.protocol) and (
        not entry.ports or seen.service_port in entry.ports
    )


def _over_gateway(entry: Approved, gateway: str, mac: str) -> bool:
    if entry.gateway:
        if not gateway or parsed_address(gateway) != parsed_address(entry.gateway):
            return False
        return not entry.gateway_mac or not mac or same_mac(mac, entry.gateway_mac)
    return not entry.gateway_mac or same_mac(mac, entry.gateway_mac)
