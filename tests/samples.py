"""Facts and policies that tests of several rooms begin with; all names are invented."""

from collections.abc import Mapping

from checks.check import Check, Context, discover
from checks.evaluate import Evaluator, Known
from checks.facts import Fact
from checks.facts.base import Process
from checks.facts.connections import ConnectionSeen, Egress, Gateway
from checks.facts.forwarding import ForwardingState
from checks.facts.media import Medium
from checks.facts.media_register import MediumStanding
from checks.facts.network import Address, Link, NetworkState, Route
from checks.facts.witness import IntranetWitness
from checks.finding import Outcome, Verdict
from checks.policy import Endpoint, Policy, parse_policy

NOW_US = 1_795_000_000_000_000  # 2026-11-18
DAY_US = 24 * 3600 * 1_000_000

POLICY_TEXT = """
[hospital]
name = "示范医院"
phone = "8120"

[[zones]]
name = "ward"
prefixes = ["10.20.0.0/16", "192.1.0.0/16", "fd20::/16"]
via = [
  { interface = "wired", gateway = "10.20.0.1", gateway_mac = "02:00:00:00:00:01" },
  { interface = "wired", gateway = "fe80::1" },
]

[[approved]]
name = "insurance"
destinations = ["203.0.113.7/32"]
ports = [443]
protocol = "tcp"
expires = 2027-06-30
subject = { endpoints = ["front-end"] }
applicant = "a"
approver = "b"

[[approved]]
name = "vendor"
destinations = ["203.0.113.9/32"]
expires = 2026-11-01

[[media]]
number = "M-1"
serial = "4C530001"
vendor_id = "0951"
product_id = "1666"
owner = "ward 3"

[[media]]
number = "M-2"
serial = "LOST"
kind = "banned"

[[media]]
number = "M-3"
serial = "OLD"
expires = 2026-01-31
"""
POLICY = parse_policy(POLICY_TEXT, version=7)
ENDPOINT = Endpoint(id="ward3-pc1", name="NK3-PC-017", department="内科三病区")
CHECKS: Mapping[str, Check] = discover()

INTRANET = Link(
    index=2,
    name="eno1",
    kind="wired",
    mac="02:00:00:00:00:11",
    up=True,
    carrier=True,
    bus="pci",
    addresses=(Address(address="10.20.3.4", prefix_length=16),),
)
TETHER = Link(
    index=3,
    name="usb0",
    kind="usb_tether",
    mac="02:00:00:00:00:22",
    up=True,
    carrier=True,
    bus="usb",
    device="04e8:6863:R58",
    description="Samsung Galaxy",
    addresses=(Address(address="192.168.42.20", prefix_length=24),),
)
HOME_ROUTES = (
    Route(destination="10.20.0.0/16", interface="eno1"),
    Route(
        destination="0.0.0.0/0",
        interface="eno1",
        gateway="10.20.0.1",
        gateway_mac="02:00:00:00:00:01",
        metric=100,
    ),
)
TETHER_ROUTES = (
    Route(destination="192.168.42.0/24", interface="usb0"),
    Route(destination="0.0.0.0/0", interface="usb0", gateway="192.168.42.129", metric=101),
)
AT_HOME = NetworkState(links=(INTRANET,), routes=HOME_ROUTES)
TETHERED = NetworkState(links=(INTRANET, TETHER), routes=HOME_ROUTES + TETHER_ROUTES)
CABLE_PULLED = NetworkState(
    links=(TETHER,),
    routes=TETHER_ROUTES,
)
NOT_FORWARDING = ForwardingState()

PLANNED = Gateway(address="10.20.0.1", mac="02:00:00:00:00:01")
BY_GATEWAY = Egress(
    interface="eno1",
    kind="wired",
    gateway="10.20.0.1",
    gateway_mac="02:00:00:00:00:01",
    link_gateways=(PLANNED,),
)
ON_LINK = Egress(interface="eno1", kind="wired", link_gateways=(PLANNED,))
BY_TELEPHONE = Egress(
    interface="usb0",
    kind="usb_tether",
    gateway="192.168.42.129",
    link_gateways=(Gateway(address="192.168.42.129"),),
)
CURL = Process(pid=41, name="curl", executable="/usr/bin/curl", uid=1000, user="alice")

STICK = Medium(
    key="k1",
    kind="stick",
    bus="usb",
    vendor_id="0951",
    product_id="1666",
    vendor="Kingston",
    model="DataTraveler",
    serial="4C530001",
    capacity=16_000_000_000,
)


def connection(**changes: object) -> ConnectionSeen:
    """A TCP connection of curl to an outside address through the planned gateway."""
    fields: dict[str, object] = {
        "protocol": "tcp",
        "source": "10.20.3.4",
        "source_port": 40000,
        "destination": "203.0.113.80",
        "destination_port": 443,
        "direction": "out",
        "answer": "two_way",
        "egress": BY_GATEWAY,
        "process": CURL,
        "first_seen_us": NOW_US,
        "answered_us": NOW_US + 3000,
    }
    return ConnectionSeen(**{**fields, **changes})  # type: ignore[arg-type] # tests vary any field


def judged(
    fact: Fact,
    *,
    network: NetworkState | None = AT_HOME,
    forwarding: ForwardingState | None = NOT_FORWARDING,
    witness: IntranetWitness | None = None,
    policy: Policy = POLICY,
    endpoint: Endpoint = ENDPOINT,
    at_us: int = NOW_US,
    judged_us: int = 0,
    standing: MediumStanding | None = None,
) -> list[Verdict]:
    """Every verdict of every rule about one fact, but passes."""
    known = {
        type(state): Known(fact=state, at_us=at_us)
        for state in (network, forwarding, witness, standing)
        if state is not None
    }
    verdicts = Evaluator(CHECKS).verdicts(
        fact, at_us=at_us, policy=policy, endpoint=endpoint, known=known, judged_us=judged_us
    )
    return [verdict for verdict in verdicts if verdict.outcome is not Outcome.PASS]


def rules_raised(fact: Fact, **situation: object) -> list[str]:
    """Ids of the rules that fail on this fact."""
    verdicts = judged(fact, **situation)  # type: ignore[arg-type] # passed on as named
    return [verdict.rule for verdict in verdicts if verdict.outcome is Outcome.FAIL]


def context(**changes: object) -> Context:
    fields: dict[str, object] = {"policy": POLICY, "endpoint": ENDPOINT, "at_us": NOW_US}
    return Context(**{**fields, **changes})  # type: ignore[arg-type] # tests vary any field
