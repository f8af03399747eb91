"""What the officer does with a proposed entry: accepts it, narrower if he likes, or rejects it.

Accepting applies a new policy with the entry at its end, so every limit of the policy holds
(an end within 12 months, applicant and approver two people: the officer approves, whoever
asked for it is named).  Both acts are journalled.
"""

import json
from collections.abc import Sequence
from datetime import date

import msgspec

from checks.policy import Policy
from checks.wire import encode
from collector.clocks import local_time
from collector.entries import EntryKind, ProposalDecided
from collector.learning import Proposal, is_within
from collector.ports import Services
from collector.queries.proposals import proposals

NO_SUCH_PROPOSAL = "There is no such proposal any more"
WIDER = "{destination} is wider than what was proposed"
OTHER_PORT = "Port {port} was not proposed"
OTHER_ENDPOINT = "{endpoint} is not among the endpoints of this proposal"
NAMELESS = "Please say who asks for it and for what"
ENDLESS = "Please say until when"
UNPRINTABLE = "Please write plain text on one line"
PATIENCE_S = 5.0


class ProposalRefused(Exception):
    """`message` is a catalogue id, `params` what fills it."""

    def __init__(self, message: str, **params: str) -> None:
        super().__init__(message.format(**params))
        self.message = message
        self.params = params


class Acceptance(msgspec.Struct, frozen=True, kw_only=True):
    """What the officer adds.  `applicant` is who asks for it, `purpose` the ground; where
    `destinations`, `ports` or `endpoints` are given they narrow the proposal.
    """

    applicant: str
    purpose: str
    expires: date
    ticket: str = ""
    destinations: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    endpoints: tuple[str, ...] = ()


def accept(services: Services, wanted: str, acceptance: Acceptance, *, actor: str) -> Policy:
    """The new policy, in force.

    Raises:
        ProposalRefused: it is gone, or was to be widened; nothing was changed.
        PolicyError: the policy cannot hold such an entry; nothing was changed.
        PolicyChanged: somebody applied another meanwhile; nothing was changed.
    """
    proposal = _named(services, wanted)
    _check(proposal, acceptance)
    over = services.policies.current().version  # before the text: an older one is refused
    text = services.policies.text()
    today = local_time(services.clock(), services.policies.current().hospital.timezone).date()
    entry = entry_text(
        proposal, acceptance, name=_free_name(proposal, services), today=today, approver=actor
    )
    policy = services.policies.apply(f"{text.rstrip()}\n\n{entry}", actor=actor, over=over)
    decided = ProposalDecided(
        destination=proposal.destination,
        protocol=proposal.protocol,
        via=proposal.via,
        decision="accepted",
        actor=actor,
        reason=acceptance.purpose,
        policy_version=policy.version,
    )
    _journal(services, decided)
    return policy


def reject(services: Services, wanted: str, *, reason: str, actor: str) -> None:
    """Not proposed again; done when this returns.

    Raises:
        ProposalRefused: it is gone.
    """
    proposal = _named(services, wanted)
    decided = ProposalDecided(
        destination=proposal.destination,
        protocol=proposal.protocol,
        via=proposal.via,
        decision="rejected",
        actor=actor,
        reason=reason.strip(),
    )
    _journal(services, decided)


def entry_text(
    proposal: Proposal, acceptance: Acceptance, *, name: str, today: date, approver: str
) -> str:
    """The entry as policy.toml has it."""
    subject = proposal.subject
    if acceptance.endpoints:
        subject = msgspec.structs.replace(
            subject, endpoints=acceptance.endpoints, groups=(), departments=()
        )
    named = {key: value for key, value in msgspec.structs.asdict(subject).items() if value}
    inside = ", ".join(f"{key} = {_list(value)}" for key, value in named.items())
    lines = (
        "[[approved]]",
        f"name = {_text(name)}",
        f"destinations = {_list(acceptance.destinations or (proposal.destination,))}",
        f"protocol = {_text(proposal.protocol)}",
        f"ports = {list(acceptance.ports or proposal.ports)}",
        f"via = {_text(proposal.via)}",
        f"subject = {{ {inside} }}" if inside else "subject = {}",
        f"starts = {today.isoformat()}",
        f"expires = {acceptance.expires.isoformat()}",
        f"purpose = {_text(acceptance.purpose)}",
        f"applicant = {_text(acceptance.applicant)}",
        f"approver = {_text(approver)}",
        f"ticket = {_text(acceptance.ticket)}",
    )
    return "\n".join(lines) + "\n"


def _named(services: Services, wanted: str) -> Proposal:
    found = proposals(services.store_engine, services.policies.current(), now_us=services.clock())
    for proposal in found.proposals:
        if proposal.id == wanted:
            return proposal
    raise ProposalRefused(NO_SUCH_PROPOSAL)


def _check(proposal: Proposal, acceptance: Acceptance) -> None:
    if not acceptance.applicant.strip() or not acceptance.purpose.strip():
        raise ProposalRefused(NAMELESS)
    written = (acceptance.applicant, acceptance.purpose, acceptance.ticket, *acceptance.endpoints)
    if not all(text.isprintable() for text in written):
        raise ProposalRefused(UNPRINTABLE)
    for destination in acceptance.destinations:
        if not _narrows(destination, proposal.destination):
            raise ProposalRefused(WIDER, destination=destination[:80])
    for port in acceptance.ports:
        if proposal.ports and port not in proposal.ports:
            raise ProposalRefused(OTHER_PORT, port=str(port))
    for endpoint in acceptance.endpoints:
        if endpoint not in proposal.endpoints:
            raise ProposalRefused(OTHER_ENDPOINT, endpoint=endpoint[:80])


def _narrows(destination: str, proposed: str) -> bool:
    try:
        return is_within(destination, proposed)
    except ValueError:
        return False


def _free_name(proposal: Proposal, services: Services) -> str:
    taken = {entry.name for entry in services.policies.current().approved}
    name = f"learned {proposal.destination} {proposal.protocol}"
    number = 2
    while name in taken:
        name = f"learned {proposal.destination} {proposal.protocol} {number}"
        number += 1
    return name


def _journal(services: Services, decided: ProposalDecided) -> None:
    entry = services.journal.append(EntryKind.PROPOSAL, encode(decided))
    services.changes.wait_for_entry(entry, PATIENCE_S)


def _text(value: str) -> str:
    """A TOML basic string; JSON's escapes are among TOML's."""
    return json.dumps(value, ensure_ascii=False)


def _list(values: Sequence[str]) -> str:
    return f"[{', '.join(_text(value) for value in values)}]"
