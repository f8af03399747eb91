import msgspec
import pytest

from checks.facts.names import CanaryAnswered, NameServerUsed, Resolver, ResolverState
from checks.policy import parse_policy
from tests.samples import (
    AT_HOME,
    BY_GATEWAY,
    BY_TELEPHONE,
    CABLE_PULLED,
    CURL,
    NOW_US,
    ON_LINK,
    POLICY,
    POLICY_TEXT,
    TETHERED,
    judged,
    rules_raised,
)

LISTED = parse_policy(POLICY_TEXT + '[names]\nresolvers = ["10.20.0.53", "203.0.113.53/32"]\n')
APPROVED = parse_policy(
    POLICY_TEXT + '[[approved]]\nname = "updates"\ndestinations = ["8.8.8.8/32"]\n'
    'ports = [53]\nprotocol = "tcp"\nexpires = 2027-06-30\n'
)
EMPTY = parse_policy("")


def configured(*addresses):
    return ResolverState(
        resolvers=tuple(Resolver(address=a, source="/etc/resolv.conf") for a in addresses)
    )


def used(**changes):
    asked = NameServerUsed(
        server="8.8.8.8",
        transport="dns",
        answered=True,
        egress=BY_GATEWAY,
        process=CURL,
        first_seen_us=NOW_US,
        queries=3,
    )
    return msgspec.structs.replace(asked, **changes)


@pytest.mark.parametrize(
    ("what", "fact", "policy", "raised"),
    [
        ("a listed server set", configured("10.20.0.53"), LISTED, []),
        ("an inside server that is not listed", configured("10.20.9.9"), LISTED, ["EXT-09"]),
        ("an inside server while none is listed", configured("10.20.9.9"), POLICY, []),
        ("an outside server set", configured("8.8.8.8"), POLICY, ["EXT-09"]),
        ("a loopback that leads nowhere known", configured("127.0.0.1"), LISTED, []),
        ("nothing to compare with", configured("8.8.8.8"), EMPTY, []),
        ("an outside server answered", used(), POLICY, ["EXT-09"]),
        ("one that is asked and silent", used(answered=False), POLICY, []),
        ("hidden in HTTPS", used(transport="doh"), POLICY, ["EXT-09"]),
        ("asked by LLMNR", used(transport="llmnr"), POLICY, ["EXT-09"]),
        ("asked by mDNS", used(transport="mdns"), POLICY, ["EXT-09"]),
        ("hidden in TLS", used(transport="dot"), POLICY, ["EXT-09"]),
        ("the listed server", used(server="10.20.0.53", egress=ON_LINK), LISTED, []),
        (
            "the listed server's address by telephone",
            used(server="10.20.0.53", egress=BY_TELEPHONE),
            LISTED,
            [],
        ),
        ("whatever is asked by telephone", used(egress=BY_TELEPHONE), POLICY, []),
        ("a listed server outside the plan", used(server="203.0.113.53"), LISTED, []),
        ("an approved way to it", used(), APPROVED, []),
        ("an approval for another port", used(transport="dot"), APPROVED, ["EXT-09"]),
    ],
)
def test_whose_name_server_it_is(what, fact, policy, raised):
    assert rules_raised(fact, policy=policy) == raised, what


def test_who_asked_whom_is_told():
    [verdict] = judged(used(transport="doq"))

    assert verdict.finding is not None
    assert verdict.finding.subject == "8.8.8.8"
    assert verdict.finding.count == 3
    assert verdict.finding.params == {
        "process": "/usr/bin/curl",
        "server": "8.8.8.8",
        "transport": "DNS over QUIC",
        "interface": "eno1",
    }


def test_a_public_answer_for_the_canary_is_one_whoever_gave_it():
    answered = CanaryAnswered(
        name="canary.example", server="10.20.0.53", addresses=("198.51.100.1",), egress=ON_LINK
    )

    [verdict] = judged(answered, policy=LISTED)

    assert (verdict.rule, verdict.severity) == ("EXT-09", "medium")


@pytest.mark.parametrize(
    ("what", "address", "network", "raised"),
    [
        ("a telephone's own server", "192.168.42.129", TETHERED, []),
        ("the same without the telephone", "192.168.42.129", AT_HOME, ["EXT-09"]),
        ("another server while a telephone is there", "8.8.8.8", TETHERED, ["EXT-09"]),
        ("any server away from the intranet", "8.8.8.8", CABLE_PULLED, []),
        ("while the network is not known yet", "8.8.8.8", None, ["EXT-09"]),
    ],
)
def test_a_link_brings_its_name_server_along(what, address, network, raised):
    assert rules_raised(configured(address), network=network) == raised, what
