"""Which approval, if any, covers a connection, and by which entry that was decided."""

import msgspec

from checks.check import Context
from checks.facts.base import Process
from checks.facts.connections import ConnectionSeen
from checks.plan import is_local
from checks.policy import Approved, Subject

INTRANET = "intranet"
DEFAULT = "default: outside the address plan"


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """`inside` needs no approval; otherwise `entry` names the approval that covers the
    connection, empty when none does.  `decided_by` is what the evidence says.
    """

    inside: bool
    entry: str = ""
    decided_by: str

    @property
    def accepted(self) -> bool:
        return self.inside or bool(self.entry)


def standing(seen: ConnectionSeen, context: Context) -> Standing:
    """Where a connection stands: inside the plan, approved, or neither.

    An approval that would cover the connection but is not in force on that day is named
    in `decided_by`.
    """
    if is_local(seen.outside):
        return Standing(inside=True, decided_by="local to the segment")
    zone = context.policy.plan.zone_of(seen.outside, seen.egress)
    if zone is not None:
        return Standing(inside=True, decided_by=f"zone {zone}")
    covering = [entry for entry in context.policy.approved if _covers(entry, seen, context)]
    today = context.policy.day(context.at_us)
    for entry in covering:
        if entry.starts <= today <= entry.expires:
            name = f"approved {entry.name}"
            return Standing(inside=False, entry=entry.name, decided_by=name)
    if covering:
        ended = covering[0]
        reason = f"approval {ended.name} not in force (until {ended.expires.isoformat()})"
        return Standing(inside=False, decided_by=reason)
    return Standing(inside=False, decided_by=DEFAULT)


def _covers(entry: Approved, seen: ConnectionSeen, context: Context) -> bool:
    return (
        entry.reaches(seen.outside)
        and entry.protocol in ("", seen.protocol)
        and (not entry.ports or seen.service_port in entry.ports)
        and _leaves_by(entry.via, seen, context)
        and _concerns(entry.subject, seen, context)
    )


def _leaves_by(via: str, seen: ConnectionSeen, context: Context) -> bool:
    if via == INTRANET:
        return context.policy.plan.knows_uplink(seen.egress)
    return seen.egress.kind == via


def _concerns(subject: Subject, seen: ConnectionSeen, context: Context) -> bool:
    endpoint = context.endpoint
    process = seen.process if isinstance(seen.process, Process) else None
    asked = (
        (subject.endpoints, {endpoint.id, endpoint.name}),
        (subject.groups, set(endpoint.groups)),
        (subject.departments, {endpoint.department}),
        (subject.processes, {process.executable, process.name} if process else set()),
        (subject.users, {process.user} if process else set()),
    )
    return all(set(wanted) & its for wanted, its in asked if wanted)
