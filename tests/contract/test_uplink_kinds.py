"""Uplinks of each kind that this kernel makes, forwarding and translation, as the sensors
tell them from a network namespace, and the rules that they raise there.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from checks.facts.forwarding import ForwardingState
from checks.facts.network import Link, NetworkState
from checks.facts.radios import RadioState
from checks.policy import parse_policy
from tests.contract.test_network_sensors import PATIENCE, Probe
from tests.netns import GATEWAY, OUTSIDE, POLICY, SECOND_LINK, Hospital, hospital, missing
from tests.samples import rules_raised

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "namespaces work")

PLANNED = parse_policy(POLICY)


@pytest.fixture(scope="module")
def wards() -> Iterator[Hospital]:
    with hospital() as built:
        yield built


@pytest.fixture
def probe(wards: Hospital, tmp_path: Path) -> Iterator[Probe]:
    policy = tmp_path / "policy.toml"
    policy.write_text(POLICY)
    with wards.start(
        wards.workstation, sys.executable, "-m", "tests.sensor_probe", str(policy),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        yield Probe(process)
        assert process.stdin is not None
        process.stdin.write("end\n")
        process.stdin.flush()
        assert process.wait(timeout=PATIENCE) == 0


@pytest.fixture
def ip(wards):
    """Runs `ip` on the workstation; links it added are taken away afterwards."""
    added = []

    def run(*words):
        wards.run(wards.workstation, "ip", *words)
        if words[:2] == ("link", "add"):
            added.append(words[2])
        if words[:2] == ("tuntap", "add"):
            added.append(words[2])

    yield run
    for name in added:
        present = wards.run(wards.workstation, "ip", "-br", "link", "show")
        if name in present:
            wards.run(wards.workstation, "ip", "link", "delete", name)


def link(state: NetworkState, name: str) -> Link | None:
    return next((each for each in state.links if each.name == name), None)


def seen_link(probe: Probe, name: str, **wanted: object) -> tuple[NetworkState, Link]:
    """The first state in which this link is as wanted."""

    def fits(fact):
        if not isinstance(fact, NetworkState):
            return False
        found = link(fact, name)
        return found is not None and all(getattr(found, k) == v for k, v in wanted.items())

    state = probe.until(fits)
    assert isinstance(state, NetworkState)
    found = link(state, name)
    assert found is not None
    return state, found


def raised(state: NetworkState, forwarding: ForwardingState | None = None) -> list[str]:
    return rules_raised(
        state, network=state, forwarding=forwarding or ForwardingState(), policy=PLANNED
    )


@pytest.mark.parametrize(
    ("kind", "add"),
    [
        ("tun", ("tuntap", "add", "x0", "mode", "tun")),
        ("tap", ("tuntap", "add", "x0", "mode", "tap")),
        (
            "vxlan",
            ("link", "add", "x0", "type", "vxlan", "id", "7", "remote", GATEWAY, "dstport", "4789"),
        ),
    ],
)
def test_a_tunnel_is_told_as_one_and_raises_its_rule_alone(probe, ip, kind, add):
    ip(*add)
    ip("address", "add", "10.99.0.1/24", "dev", "x0")
    ip("link", "set", "x0", "up")

    state, tunnel = seen_link(probe, "x0", up=True)

    assert (tunnel.kind, tunnel.driver) == ("tunnel", kind if kind == "vxlan" else "tun")
    assert raised(state) == ["EXT-08"]


def test_a_bridge_of_guests_is_nothing_and_their_tap_neither(probe, ip):
    ip("link", "add", "virbr0", "type", "bridge")
    ip("address", "add", "192.168.122.1/24", "dev", "virbr0")
    ip("link", "set", "virbr0", "up")
    ip("tuntap", "add", "vnet0", "mode", "tap")
    ip("link", "set", "vnet0", "master", "virbr0")
    ip("link", "set", "vnet0", "up")

    state, tap = seen_link(probe, "vnet0", master="virbr0", up=True)

    assert tap.kind == "tunnel"
    assert link(state, "virbr0").kind == "bridge"
    guests_forward = ForwardingState(ipv4=("intranet0", "virbr0", "vnet0"))
    assert raised(state, guests_forward) == []


def test_a_bridge_that_leads_to_the_gateway_joins_its_ports(probe, ip, wards):
    ip("link", "add", "br0", "type", "bridge")
    ip("link", "set", "br0", "up")
    for name in ("port1", "port2"):
        ip("link", "add", name, "type", "veth", "peer", "name", f"{name}p")
        ip("link", "set", name, "master", "br0")
        ip("link", "set", name, "up")
    ip("address", "add", "10.77.1.7/32", "dev", "br0")
    ip("route", "add", "default", "via", "10.77.1.99", "dev", "br0", "onlink", "metric", "900")

    state = probe.until(
        lambda f: isinstance(f, NetworkState) and any(
            r.interface == "br0" and r.is_default for r in f.routes
        )
    )  # fmt: skip

    assert "EXT-11" in raised(state)


def test_a_macvlan_names_what_it_rides_on(probe, ip):
    ip("link", "add", "mac0", "link", "intranet0", "type", "macvlan", "mode", "bridge")

    _, rider = seen_link(probe, "mac0")

    assert (rider.kind, rider.driver, rider.lower) == ("virtual", "macvlan", "intranet0")


def test_a_link_without_another_end_is_nothing(probe, ip):
    ip("link", "add", "ifb7", "type", "ifb")
    ip("address", "add", "192.168.50.1/24", "dev", "ifb7")
    ip("link", "set", "ifb7", "up")

    state, _ = seen_link(probe, "ifb7", up=True)

    assert raised(state) == []


def test_a_default_route_says_who_set_it(probe, ip, wards):
    wards.plug_second_link()
    try:
        ip("-6", "route", "add", "default", "via", "fe80::99", "dev", SECOND_LINK,
           "proto", "ra", "metric", "2000")  # fmt: skip
        state = probe.until(
            lambda f: (
                isinstance(f, NetworkState)
                and any(r.origin == "router_advertisement" for r in f.routes)
            )
        )
    finally:
        wards.unplug_second_link()

    origins = {r.interface: r.origin for r in state.routes if r.destination == "0.0.0.0/0"}
    assert origins == {"intranet0": "static"}
    assert raised(state) == ["EXT-03"]


def test_forwarding_is_told_the_moment_it_is_switched_on(probe, wards):
    shell = "echo {value} > /proc/sys/net/ipv4/ip_forward"
    probe.until(lambda f: isinstance(f, ForwardingState) and f.ipv4 == ())
    wards.run(wards.workstation, "sh", "-c", shell.format(value=1))
    try:
        state = probe.until(lambda f: isinstance(f, ForwardingState) and bool(f.ipv4))
    finally:
        wards.run(wards.workstation, "sh", "-c", shell.format(value=0))

    assert state.ipv4 == ("intranet0",)
    assert state.ipv6 == ()


def test_ipv6_forwards_when_all_do(probe, wards):
    shell = "echo {value} > /proc/sys/net/ipv6/conf/all/forwarding"
    wards.run(wards.workstation, "sh", "-c", shell.format(value=1))
    try:
        state = probe.until(lambda f: isinstance(f, ForwardingState) and bool(f.ipv6))
    finally:
        wards.run(wards.workstation, "sh", "-c", shell.format(value=0))

    assert state.ipv6 == ("intranet0",)


def test_forwarding_between_the_intranet_and_a_second_link_raises_both_rules(probe, ip, wards):
    wards.plug_second_link()
    try:
        state, _ = seen_link(probe, SECOND_LINK, up=True, carrier=True)
        state = probe.until(
            lambda f: (
                isinstance(f, NetworkState)
                and (found := link(f, SECOND_LINK)) is not None
                and found.carrier
                and bool([a for a in found.addresses if ":" not in a.address])
            )
        )
    finally:
        wards.unplug_second_link()

    forwarding = ForwardingState(ipv4=("intranet0", SECOND_LINK))
    assert raised(state, forwarding) == ["EXT-03", "EXT-11"]
    assert raised(state) == ["EXT-03"]


def test_a_translation_is_told_with_what_it_asks_for(probe, wards):
    if subprocess.run(["which", "nft"], capture_output=True, check=False).returncode:
        pytest.skip("the tool nft (Debian package nftables) is missing")
    rules = (
        "add table ip share; "
        "add chain ip share post { type nat hook postrouting priority 100; }; "
        'add rule ip share post ip saddr 192.168.9.0/24 oifname "intranet0" masquerade'
    )
    wards.run(wards.workstation, "nft", rules)

    state = probe.until(lambda f: isinstance(f, ForwardingState) and bool(f.translations))
    wards.run(wards.workstation, "nft", "delete table ip share")

    [rule] = state.translations
    assert (rule.family, rule.table, rule.chain) == ("ip", "share", "post")
    assert (rule.interface, rule.source) == ("intranet0", "192.168.9.0/24")
    assert state.translations_known
    latest = len(probe.seen)
    probe.until(
        lambda f: (
            isinstance(f, ForwardingState) and f.translations == () and f in probe.seen[latest:]
        )
    )


def test_the_radios_of_this_machine_are_told_even_when_there_are_none(probe):
    assert isinstance(probe.until(lambda f: isinstance(f, RadioState)), RadioState)


WITH_A_RULE = """
import subprocess, sys
from agent.system.network_table import NetworkTable
table = NetworkTable()
index = next(l.index for l in table.state.links if l.name == "intranet0")
ip = lambda *words: subprocess.run(["ip", *words], check=True)
ip("route", "add", "default", "via", "10.77.1.9", "dev", "intranet0", "table", "100")
table.refresh()
print(table.egress(index, sys.argv[1]).gateway)
ip("rule", "add", "to", sys.argv[1], "lookup", "100", "priority", "500")
table.refresh()
print(table.egress(index, sys.argv[1]).gateway)
ip("rule", "delete", "priority", "500")
ip("route", "flush", "table", "100")
table.refresh()
print(table.egress(index, sys.argv[1]).gateway)
"""


def test_a_rule_of_policy_routing_changes_the_way_at_once(wards):
    ways = wards.run(wards.workstation, sys.executable, "-c", WITH_A_RULE, OUTSIDE).split()

    assert ways == [GATEWAY, "10.77.1.9", GATEWAY]


OVERFLOWING = """
import subprocess, sys
from agent.sensors.network import NetworkSensor
from checks.facts.health import SensorGap
from checks.facts.network import NetworkState
from checks.policy import Endpoint, PolicyDocument, parse_policy
sensor = NetworkSensor()
sensor.start(PolicyDocument(issued_at_us=0, policy=parse_policy(""), endpoint=Endpoint(id="x")))
list(sensor.heal())
batch = "".join(
    f"route {verb} 203.0.{n // 250}.{n % 250}/32 dev intranet0\\n"
    for n in range(4000) for verb in ("add", "delete")
) + "route add 192.0.2.7/32 dev intranet0\\n"
subprocess.run(["ip", "-batch", "-"], input=batch, text=True, check=True)
facts = list(sensor.wake())
again = list(sensor.wake())
sensor.stop()
gaps = [f for f in facts if isinstance(f, SensorGap)]
states = [f for f in facts if isinstance(f, NetworkState)]
print(len(gaps), gaps[0].cause, gaps[0].sensor, gaps[0].to_us > gaps[0].from_us > 0)
print(len(states), any(r.destination == "192.0.2.7/32" for r in states[0].routes), len(again))
"""


def test_announcements_that_the_socket_could_not_hold_are_a_gap_and_everything_is_read_again(wards):
    said = wards.run(wards.workstation, sys.executable, "-c", OVERFLOWING, timeout=60)
    wards.run(wards.workstation, "ip", "route", "delete", "192.0.2.7/32", "dev", "intranet0")

    assert said.splitlines() == ["1 overrun network True", "1 True 0"]
