"""What the API says of learning: proposals, and the officer's answer to them."""

from datetime import date, datetime

import msgspec

from collector.api.answers import ActBody, NoQuery
from collector.api.bodies import moment
from collector.api.calls import Call, Missing, Operation
from collector.learning import Proposal
from collector.proposals import (
    ENDLESS,
    NO_SUCH_PROPOSAL,
    Acceptance,
    ProposalRefused,
    accept,
    reject,
)
from collector.queries.digests import newest_digests
from collector.queries.proposals import proposals
from collector.rights import Action

DAYS_SHOWN = 90


class ProposalBody(msgspec.Struct, frozen=True, kw_only=True):
    """`addresses`: how many of the destination's were reached; empty `ports` are any."""

    id: str
    destination: str
    addresses: int
    protocol: str
    ports: list[int]
    via: str
    subject: dict[str, list[str]]
    endpoints: list[str]
    count: int
    first_seen_at: datetime
    last_seen_at: datetime


class ProposalList(msgspec.Struct, frozen=True, kw_only=True):
    """`left_out`: how many further ones there would be."""

    proposals: list[ProposalBody]
    left_out: int


class AcceptBody(ActBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`applicant` asks for it, `purpose` is the ground; `expires` at most 12 months away.
    Lists narrow the proposal.
    """

    applicant: str = ""
    purpose: str = ""
    expires: date | None = None
    ticket: str = ""
    destinations: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    endpoints: tuple[str, ...] = ()


class DecidedBody(msgspec.Struct, frozen=True, kw_only=True):
    """`policy_version`: the policy that holds it now, 0 for a rejected one."""

    policy_version: int


class TriedBody(msgspec.Struct, frozen=True, kw_only=True):
    destination: str
    process: str
    attempts: int


class DigestBody(msgspec.Struct, frozen=True, kw_only=True):
    """One day's attempts that nobody answered (EXT-17)."""

    day: str
    attempts: int
    endpoints: int
    destinations: int
    most: list[TriedBody]


class DigestList(msgspec.Struct, frozen=True, kw_only=True):
    digests: list[DigestBody]


def list_proposals(call: Call, _query: NoQuery) -> ProposalList:
    services = call.services
    found = proposals(services.store_engine, services.policies.current(), now_us=services.clock())
    return ProposalList(
        proposals=[_body(proposal) for proposal in found.proposals], left_out=found.left_out
    )


def accept_proposal(call: Call, _query: NoQuery) -> DecidedBody:
    asked = call.body
    assert isinstance(asked, AcceptBody)
    if asked.expires is None:
        raise ProposalRefused(ENDLESS)
    acceptance = Acceptance(
        applicant=asked.applicant,
        purpose=asked.purpose or asked.reason,
        expires=asked.expires,
        ticket=asked.ticket,
        destinations=asked.destinations,
        ports=asked.ports,
        endpoints=asked.endpoints,
    )
    try:
        policy = accept(call.services, call.named, acceptance, actor=call.token.name)
    except ProposalRefused as refused:
        raise _or_missing(refused) from refused
    return DecidedBody(policy_version=policy.version)


def reject_proposal(call: Call, _query: NoQuery) -> DecidedBody:
    try:
        reject(call.services, call.named, reason=call.body.reason, actor=call.token.name)
    except ProposalRefused as refused:
        raise _or_missing(refused) from refused
    return DecidedBody(policy_version=0)


def list_digests(call: Call, _query: NoQuery) -> DigestList:
    days = newest_digests(call.services.store_engine, limit=DAYS_SHOWN)
    return DigestList(
        digests=[
            DigestBody(
                day=day.day,
                attempts=day.attempts,
                endpoints=day.endpoints,
                destinations=day.destinations,
                most=[TriedBody(**msgspec.structs.asdict(each)) for each in day.most],
            )
            for day in days
        ]
    )


def _or_missing(refused: ProposalRefused) -> Exception:
    return Missing(refused.message) if refused.message == NO_SUCH_PROPOSAL else refused


def _body(proposal: Proposal) -> ProposalBody:
    subject = msgspec.structs.asdict(proposal.subject)
    return ProposalBody(
        id=proposal.id,
        destination=proposal.destination,
        addresses=proposal.addresses,
        protocol=proposal.protocol,
        ports=list(proposal.ports),
        via=proposal.via,
        subject={name: list(values) for name, values in subject.items() if values},
        endpoints=list(proposal.endpoints),
        count=proposal.count,
        first_seen_at=moment(proposal.first_us),
        last_seen_at=moment(proposal.last_us),
    )


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        method="GET",
        path="/proposals",
        action=Action.SEE_POLICY,
        handle=list_proposals,
        summary="Entries that the allow-list would need, from what observing endpoints reached",
        answer=ProposalList,
    ),
    Operation(
        method="POST",
        path="/proposals/{id}/accept",
        action=Action.APPLY_POLICY,
        handle=accept_proposal,
        summary="Put a proposal into the policy, narrower where lists are given",
        answer=DecidedBody,
        takes_body=True,
        body=AcceptBody,
    ),
    Operation(
        method="POST",
        path="/proposals/{id}/reject",
        action=Action.APPLY_POLICY,
        handle=reject_proposal,
        summary="Do not propose this again",
        answer=DecidedBody,
        takes_body=True,
    ),
    Operation(
        method="GET",
        path="/digests",
        action=Action.SEE_CASES,
        handle=list_digests,
        summary="Days of attempts to reach outside that nobody answered, newest first",
        answer=DigestList,
    ),
)
