import msgspec
import pytest

from checks.policy import Endpoint, Subject
from collector.learning import PROPOSALS_MOST, Outreach, Rejection, propose

SEEN = Outreach(
    agent="pc-1",
    address="203.0.113.9",
    port=443,
    protocol="tcp",
    via="intranet",
    process="/usr/bin/curl",
    count=3,
    first_us=10,
    last_us=20,
)
WARD = {f"pc-{n}": Endpoint(id=f"pc-{n}", department="内科", groups=("ward",)) for n in range(1, 5)}


def seen(**changes: object) -> Outreach:
    return msgspec.structs.replace(SEEN, **changes)


def test_a_proposal_is_as_narrow_as_what_was_seen():
    [proposal] = propose([SEEN, seen(port=80, count=4, first_us=5, last_us=9)], WARD).proposals

    assert (proposal.destination, proposal.protocol, proposal.ports, proposal.via) == (
        "203.0.113.9/32",
        "tcp",
        (80, 443),
        "intranet",
    )
    assert proposal.subject == Subject(endpoints=("pc-1",), processes=("/usr/bin/curl",))
    assert (proposal.count, proposal.first_us, proposal.last_us) == (7, 5, 20)


@pytest.mark.parametrize(
    ("what", "agents", "endpoints", "subject"),
    [
        ("two of a ward", (1, 2), WARD, Subject(endpoints=("pc-1", "pc-2"))),
        ("three of a ward", (1, 2, 3), WARD, Subject(departments=("内科",))),
        (
            "three of a group in different departments",
            (1, 2, 3),
            {
                f"pc-{n}": Endpoint(id=f"pc-{n}", department=str(n), groups=("ct",))
                for n in (1, 2, 3)
            },
            Subject(groups=("ct",)),
        ),
        (
            "three that nobody registered",
            (1, 2, 3),
            {},
            Subject(endpoints=("pc-1", "pc-2", "pc-3")),
        ),
        ("many that share nothing", tuple(range(30)), {}, Subject()),
    ],
)
def test_whom_it_is_for(what, agents, endpoints, subject):
    many = [seen(agent=f"pc-{n}") for n in agents]

    [proposal] = propose(many, endpoints).proposals

    program = ("/usr/bin/curl",)
    assert proposal.subject == msgspec.structs.replace(subject, processes=program), what


def test_several_programs_or_one_that_nobody_knows_are_not_named():
    [two] = propose([SEEN, seen(process="/opt/x")], {}).proposals
    [unknown] = propose([seen(process="")], {}).proposals

    assert two.subject.processes == ()
    assert unknown.subject.processes == ()


@pytest.mark.parametrize(
    ("what", "addresses", "destinations"),
    [
        ("few of a /24", [f"203.0.113.{n}" for n in range(7)], 7),
        ("many of a /24", [f"203.0.113.{n}" for n in range(8)], 1),
        ("many of a /64", [f"2001:db8::{n:x}" for n in range(1, 20)], 1),
    ],
)
def test_a_crowd_of_addresses_is_one_prefix(what, addresses, destinations):
    proposals = propose([seen(address=address) for address in addresses], {}).proposals

    assert len(proposals) == destinations, what
    assert sum(proposal.addresses for proposal in proposals) == len(addresses)


def test_ten_thousand_destinations_are_the_most_used_and_a_number():
    many = [
        seen(address=f"198.{18 + n // 65536}.{n // 256 % 256}.{n % 256}", count=n)
        for n in range(0, 256 * 10_000, 256)
    ]

    proposed = propose(many, {})

    assert len(proposed.proposals) == PROPOSALS_MOST
    assert proposed.left_out == 10_000 - PROPOSALS_MOST
    assert proposed.proposals[0].count == 256 * 9_999


@pytest.mark.parametrize(
    ("what", "rejection", "left"),
    [
        ("the same", Rejection(destination="203.0.113.9/32", protocol="tcp", via="intranet"), 0),
        ("its prefix", Rejection(destination="203.0.113.0/24", protocol="tcp", via="intranet"), 0),
        ("another way", Rejection(destination="203.0.113.9/32", protocol="tcp", via="wifi"), 1),
        (
            "another protocol",
            Rejection(destination="203.0.113.9/32", protocol="udp", via="intranet"),
            1,
        ),
        (
            "another family",
            Rejection(destination="2001:db8::/32", protocol="tcp", via="intranet"),
            1,
        ),
    ],
)
def test_what_was_rejected_is_not_proposed_again(what, rejection, left):
    assert len(propose([SEEN], {}, rejected=[rejection]).proposals) == left, what


def test_its_id_stays_when_more_ports_and_endpoints_turn_up():
    [before] = propose([SEEN], {}).proposals
    [after] = propose([SEEN, seen(port=80, agent="pc-9")], {}).proposals

    assert before.id == after.id
