"""The regulation's scenarios: each raises exactly the named rules, in this order.

A story is the facts in the order in which the sensors tell them; states hold until the next
of their kind.  The same scenarios are played for real in tests/recall, tests/e2e, tests/lab.
"""

import pytest

from checks.evaluate import Evaluator, Known
from checks.facts.connections import Egress, Gateway
from checks.facts.network import Address, Link, NetworkState, Route, UplinkDevice, Wifi
from checks.finding import Outcome
from checks.policy import Endpoint
from tests.samples import (
    AT_HOME,
    BY_TELEPHONE,
    CABLE_PULLED,
    CHECKS,
    ENDPOINT,
    HOME_ROUTES,
    INTRANET,
    NOT_FORWARDING,
    NOW_US,
    POLICY,
    TETHERED,
    connection,
)

HOME_WIFI = Link(
    index=4, name="wlan0", kind="wifi", mac="02:00:00:00:00:44", up=True, carrier=True,
    bus="pci", addresses=(Address(address="192.168.1.20", prefix_length=24),),
    wifi=Wifi(ssid="home", bssid="02:00:00:00:01:00", mode="station"),
)  # fmt: skip
AT_HOME_OF_THE_NURSE = NetworkState(
    links=(HOME_WIFI,),
    routes=(Route(destination="0.0.0.0/0", interface="wlan0", gateway="192.168.1.1"),),
)
BY_HOME_WIFI = Egress(
    interface="wlan0", kind="wifi", gateway="192.168.1.1",
    link_gateways=(Gateway(address="192.168.1.1"),),
)  # fmt: skip
SECOND = Link(
    index=5, name="eno2", kind="wired", mac="02:00:00:00:00:55", up=True, carrier=True,
    bus="pci", addresses=(Address(address="198.51.100.20", prefix_length=24),),
)  # fmt: skip
TWO_CARDS = NetworkState(
    links=(INTRANET, SECOND),
    routes=(
        *HOME_ROUTES,
        Route(destination="198.51.0.0/16", interface="eno2", gateway="198.51.100.1"),
    ),
)
BY_SECOND_CARD = Egress(
    interface="eno2", kind="wired", gateway="198.51.100.1",
    link_gateways=(Gateway(address="198.51.100.1"),),
)  # fmt: skip
VMWARE = Link(
    index=6, name="vmnet8", kind="virtual", mac="02:00:00:00:00:66", up=True, carrier=True,
    addresses=(Address(address="192.168.77.1", prefix_length=24),),
)  # fmt: skip
WITH_VMWARE = NetworkState(links=(INTRANET, VMWARE), routes=HOME_ROUTES)
MODEM = Link(
    index=7, name="wwan0", kind="modem", mac="02:00:00:00:00:77", up=True, carrier=True,
    bus="usb", addresses=(Address(address="10.64.3.2", prefix_length=30),),
)  # fmt: skip
ONLY_A_MODEM = NetworkState(
    links=(MODEM,), routes=(Route(destination="0.0.0.0/0", interface="wwan0", gateway="10.64.3.1"),)
)
BY_MODEM = Egress(
    interface="wwan0", kind="modem", gateway="10.64.3.1",
    link_gateways=(Gateway(address="10.64.3.1"),),
)  # fmt: skip
FRONT_END = Endpoint(id="front-end", name="front-end")
INSURANCE = connection(destination="203.0.113.7")

STORIES = {
    "phone USB tether on": (
        [AT_HOME, TETHERED, connection(egress=BY_TELEPHONE)], ["EXT-04", "EXT-01"]),
    "4G stick present, no SIM": (
        [AT_HOME, UplinkDevice(action="attached", uplink="modem", device="x")], ["EXT-04"]),
    "laptop on home Wi-Fi": (
        [AT_HOME_OF_THE_NURSE, connection(egress=BY_HOME_WIFI)], ["EXT-02"]),
    "second NIC to an outside port": (
        [AT_HOME, TWO_CARDS, connection(egress=BY_SECOND_CARD, destination="198.51.100.9")],
        ["EXT-03", "EXT-01"]),
    "VMware NAT": ([AT_HOME, WITH_VMWARE], []),
    "NCSI on an isolated LAN": (
        [AT_HOME, connection(answer="none", answered_us=0, destination_port=80)], ["EXT-17"]),
    "insurance front-end from another host": ([AT_HOME, INSURANCE], ["EXT-06"]),
    "192.1.0.0/16 inside, over the planned gateway": (
        [AT_HOME, connection(destination="192.1.5.5")], []),
    "the same address via a dongle": (
        [AT_HOME, TETHERED, connection(destination="192.1.5.5", egress=BY_TELEPHONE)],
        ["EXT-04", "EXT-01"]),
    "vendor VPN after expiry": ([AT_HOME, connection(destination="203.0.113.9")], ["EXT-16"]),
    "network cable pulled": ([AT_HOME, NetworkState(links=(), routes=())], []),
    "cable pulled and 4G": (
        [AT_HOME, ONLY_A_MODEM, connection(egress=BY_MODEM)], ["EXT-04", "EXT-02"]),
    "cable pulled, then a telephone": (
        [AT_HOME, CABLE_PULLED, connection(egress=BY_TELEPHONE)], ["EXT-04", "EXT-02"]),
}  # fmt: skip


def raised(story, endpoint=ENDPOINT):
    """Ids of the rules, each when it is raised first."""
    known = {type(NOT_FORWARDING): Known(fact=NOT_FORWARDING, at_us=NOW_US)}
    rules = []
    for fact in story:
        if fact.state:
            known[type(fact)] = Known(fact=fact, at_us=NOW_US)
        verdicts = Evaluator(CHECKS).verdicts(
            fact, at_us=NOW_US, policy=POLICY, endpoint=endpoint, known=known
        )
        rules += [verdict.rule for verdict in verdicts if verdict.outcome is Outcome.FAIL]
    return list(dict.fromkeys(rules))


@pytest.mark.parametrize("story", STORIES)
def test_a_scenario_raises_exactly_its_rules(story):
    facts, rules = STORIES[story]

    assert raised(facts) == rules


def test_the_insurance_front_end_may_reach_the_insurance():
    assert raised([AT_HOME, INSURANCE], FRONT_END) == []
