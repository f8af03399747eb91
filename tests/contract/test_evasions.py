"""Root on the workstation tries to talk with the outside unseen; the real kernel is asked.

Each trick here worked once.
"""

import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeGuard

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6EchoReply,
    IPv6,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    Jumbo,
)

from checks.facts import Fact
from checks.facts.connections import ConnectionSeen
from checks.facts.network import NetworkState
from tests.contract.test_network_sensors import Probe
from tests.netns import (
    GATEWAY,
    GATEWAY6,
    OUTSIDE,
    OUTSIDE6,
    POLICY,
    WORKSTATION,
    WORKSTATION6,
    Hospital,
    hospital,
    missing,
)

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "namespaces work")

V4, V6 = (OUTSIDE, WORKSTATION), (OUTSIDE6, WORKSTATION6)

MIRROR = """
import socket, sys
from scapy.all import IP, IPv6
tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
tap.bind((sys.argv[3], 0))
print("up", flush=True)
while True:
    octets, origin = tap.recvfrom(4000)
    if origin[2] == 4 or octets[0] >> 4 not in (4, 6):
        continue
    packet = (IP if octets[0] >> 4 == 4 else IPv6)(octets)
    if (packet.src, packet.dst) != (sys.argv[2], sys.argv[1]):
        continue
    turned = bytearray(octets)
    if octets[0] >> 4 == 4:
        turned[12:16], turned[16:20] = octets[16:20], octets[12:16]
    else:
        turned[8:24], turned[24:40] = octets[24:40], octets[8:24]
    tap.sendto(bytes(turned), (sys.argv[3], origin[1], 0, 0, origin[4]))
"""
"""On the router: gives every packet for the outside back to its sender as if answered, whatever
is in it.  Arguments: outside address, workstation's address, link.
"""

TRICKS = """
import socket, sys
from scapy.all import *
from scapy.layers.inet6 import IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, PadN
outside, outside6, own, own6 = sys.argv[2:6]
four, six = IP(src=own, dst=outside), IPv6(src=own6, dst=outside6)
tricks = {
    "segments": [four / TCP(sport=4000, dport=4000, flags="PA") / b"secret"] * 600,
    "tiny": [IP(src=own, dst=outside, flags="MF", proto=6) / raw(TCP(sport=1, dport=2, flags="S"))[:8]],
    "no ports": [IP(src=own, dst=outside, proto=17) / b"abc"],
    "options": [
        IPv6(src=own6, dst=outside6, nh=60) / (b"\\x11\\x3f" + b"\\1\\xfe" + bytes(254)
        + b"\\1\\xfc" + bytes(252)) / UDP(sport=7, dport=7) / b"secret"
    ],
    "lying": [IPv6(src=own6, dst=outside6, nh=60) / (b"\\x11\\xff" + b"secret")],
    "discovery": [
        IPv6(src=own6, dst=outside6, hlim=64, nh=58) / (b"\\x87\\0\\0\\0" + b"secret" * 4)
    ],
    "advertisement": [IP(src=own, dst=outside, proto=1) / (b"\\x09\\0\\0\\0" + b"secret" * 2)],
}
link, *_ = [i for i in get_if_list() if i.startswith("intranet")]
tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)
gateway = bytes.fromhex(sys.argv[6].replace(":", ""))
for packet in tricks[sys.argv[1]]:
    octets = raw(packet)
    kind = 0x0800 if octets[0] >> 4 == 4 else 0x86DD
    tap.sendto(octets, (link, kind, 0, 0, gateway))
"""


@pytest.fixture(scope="module")
def wards() -> Iterator[Hospital]:
    with hospital() as built:
        yield built


@contextmanager
def mirror(wards: Hospital, outside: str, own: str) -> Iterator[None]:
    with wards.start(
        wards.router, sys.executable, "-c", MIRROR, outside, own, "wards0", stdout=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "up\n"
            yield
        finally:
            process.kill()


@pytest.fixture
def probe(wards: Hospital, tmp_path: Path) -> Iterator[Probe]:
    with probing(wards, tmp_path) as probe:
        yield probe


@contextmanager
def probing(wards: Hospital, folder: Path) -> Iterator[Probe]:
    policy = folder / "policy.toml"
    policy.write_text(POLICY + '\n[thresholds]\nattempt_timeout = "20s"\n')
    with wards.start(
        wards.workstation, sys.executable, "-m", "tests.sensor_probe", str(policy),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        yield Probe(process)
        assert process.stdin is not None
        process.stdin.write("end\n")
        process.stdin.flush()
        assert process.wait(timeout=10) == 0


@pytest.fixture(scope="module")
def watching(wards: Hospital, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probe]:
    """One probe for all tests that use addresses of their own."""
    with probing(wards, tmp_path_factory.mktemp("policy")) as probe:
        yield probe


def gateway_mac(wards: Hospital) -> str:
    return wards.run(wards.router, "cat", "/sys/class/net/wards0/address").strip()


@pytest.mark.parametrize(
    ("trick", "ends", "protocol"),
    [
        ("segments", V4, "tcp"),
        ("tiny", V4, "tcp"),
        ("no ports", V4, "udp"),
        ("options", V6, "udp"),
        ("lying", V6, "udp"),
        ("discovery", V6, "icmpv6"),
        ("advertisement", V4, "icmp"),
    ],
)
def test_what_raw_sockets_exchange_is_two_way(wards, probe, trick, ends, protocol):
    outside, own = ends
    with mirror(wards, outside, own):
        known = (OUTSIDE, OUTSIDE6, WORKSTATION, WORKSTATION6)
        wards.run(
            wards.workstation, sys.executable, "-c", TRICKS, trick, *known, gateway_mac(wards)
        )
        fact = probe.until(
            lambda f: isinstance(f, ConnectionSeen) and f.outside == outside and bool(f.answered_us)
        )

    assert isinstance(fact, ConnectionSeen)
    assert (fact.protocol, fact.answer) == (protocol, "two_way")


ASK = f"""
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 5353))
s.sendto(b"question", ("{OUTSIDE}", 5353))
"""


def test_an_outside_address_that_is_declared_a_broadcast_is_still_seen(wards, probe):
    wards.run(
        wards.workstation, "sh", "-c",
        f"ip address add 10.77.200.1/32 broadcast {OUTSIDE} dev lo;"
        f"ip route delete broadcast {OUTSIDE} table local",
    )  # fmt: skip
    try:
        with mirror(wards, OUTSIDE, WORKSTATION):
            wards.run(wards.workstation, sys.executable, "-c", ASK)
            fact = probe.until(lambda f: isinstance(f, ConnectionSeen) and f.outside == OUTSIDE)
    finally:
        wards.run(wards.workstation, "ip", "address", "delete", "10.77.200.1/32", "dev", "lo")

    assert (fact.protocol, fact.direction) == ("udp", "out")


TUN_AS_LOOPBACK = """
import fcntl, os, struct, sys
tun = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tun, 0x400454CA, struct.pack("16sH22x", b"quiet0", 0x1001))  # TUNSETIFF
fcntl.ioctl(tun, 0x400454CD, 772)  # TUNSETLINK: ARPHRD_LOOPBACK
print(flush=True)
sys.stdin.readline()
"""


def test_a_tun_that_says_it_is_a_loopback_is_a_link_like_any_other(wards, probe):
    if not Path("/dev/net/tun").exists():
        pytest.skip("this machine has no /dev/net/tun")
    with wards.start(
        wards.workstation, sys.executable, "-c", TUN_AS_LOOPBACK,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as holder:  # fmt: skip
        assert holder.stdout is not None
        holder.stdout.readline()
        wards.run(wards.workstation, "ip", "link", "set", "quiet0", "up")
        state = probe.until(
            lambda f: (
                isinstance(f, NetworkState) and any(k.name == "quiet0" and k.up for k in f.links)
            )
        )
        holder.communicate("end\n", timeout=10)

    assert isinstance(state, NetworkState)
    assert [link.kind for link in state.links if link.name == "quiet0"] == ["tunnel"]


SEND = """
import socket, sys
tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)
link, kind, octets, hop = sys.argv[1:5]
tap.sendto(bytes.fromhex(octets), (link, int(kind), 0, 0, bytes.fromhex(hop.replace(":", ""))))
"""
"""One packet by hand.  Arguments: link, EtherType, octets in hex, the next hop's MAC."""

UPLINK, WORLD = "second0", "cable0"
ETHERTYPES = {"ethertype": 0x88B5, "aoe": 0x88A2, "llc": 4}
"""The last one is ETH_P_802_2 of linux/if_ether.h: a length stands where an EtherType would."""

_SEGMENT = {"sport": 4000, "dport": 4000, "seq": 1, "ack": 1}
_PART = b"not the first part of anything!!"


def _quoted(own: str, there: str) -> bytes:
    """A datagram that never came."""
    return bytes(IP(src=there, dst=own) / UDP(sport=7, dport=7) / (b"secret" * 8))


def packet(name: str, own: str, there: str, *, asking: bool) -> bytes:
    """What this trick sends from `own`; `asking` is the workstation, which begins."""
    if name in ETHERTYPES:
        return bytes.fromhex("aaaa03") + b"secret" * 9
    if name.startswith("protocol "):
        number = int(name.split()[1])
        around = (
            IPv6(src=own, dst=there, nh=number)
            if ":" in own
            else IP(src=own, dst=there, proto=number)
        )
        return bytes(around / (b"secret" * 4))
    ip = IPv6(src=own, dst=there) if ":" in own else IP(src=own, dst=there)
    question = ip / UDP(sport=11, dport=12) / b"question"

    def part() -> IP:
        return IP(src=own, dst=there, frag=3, proto=17, id=77) / _PART

    made = {
        "one segment": lambda: ip / TCP(flags="PA", **_SEGMENT) / b"secret",
        "urgent": lambda: ip / TCP(flags="U", urgptr=3, **_SEGMENT) / b"secret",
        "no flags": lambda: ip / TCP(flags="", **_SEGMENT) / b"secret",
        "reset with text": lambda: ip / TCP(flags="R", **_SEGMENT) / b"secret",
        "later parts": part,
        "later parts 6": lambda: ip / IPv6ExtHdrFragment(offset=3, nh=17, id=77) / _PART,
        "unreachable": lambda: ip / ICMP(type=3, code=3) / _quoted(own, there),
        "exceeded": lambda: ip / ICMP(type=11) / _quoted(own, there),
        "unreachable 6": lambda: ip / ICMPv6DestUnreach() / (b"secret" * 9),
        "redirect": lambda: ip / ICMP(type=5) / _quoted(own, there),
        "timestamp": lambda: ip / ICMP(type=13 if asking else 14),
        "mask": lambda: ip / ICMP(type=17 if asking else 18),
        "quench": lambda: ip / ICMP(type=4) / b"secret",
        "replies": lambda: ip / ICMP(type=0, id=7) / b"secret",
        "replies 6": lambda: ip / ICMPv6EchoReply(id=7, data=b"secret"),
        "port 0": lambda: ip / UDP(sport=0, dport=0) / b"secret",
        "another port": lambda: question if asking else ip / UDP(sport=13, dport=14) / b"answer",
        "another protocol": lambda: question if asking else ip / ICMP(type=0, id=9) / b"answer",
        "part for an answer": lambda: question if asking else part(),
        "jumbo 6": lambda: (
            ip / IPv6ExtHdrHopByHop(options=[Jumbo(jumboplen=70000)]) / UDP(sport=7, dport=7)
        ),
        "hop by hop 6": lambda: (
            ip / IPv6ExtHdrHopByHop() / IPv6ExtHdrHopByHop() / UDP(sport=7, dport=7)
        ),
    }
    return bytes(made[name]())


def mac_of(wards: Hospital, namespace: str, link: str) -> str:
    return wards.run(namespace, "cat", f"/sys/class/net/{link}/address").strip()


@dataclass(frozen=True)
class Side:
    """Where one side's packets are made: namespace, link, address, MAC of the next hop."""

    namespace: str
    link: str
    own: str
    hop: str


def by_hand(wards: Hospital, name: str, side: Side, there: str, *, asking: bool) -> None:
    kind = ETHERTYPES.get(name, 0x86DD if ":" in there else 0x0800)
    octets = packet(name, side.own, there, asking=asking).hex()
    wards.run(
        side.namespace, sys.executable, "-S", "-c", SEND, side.link, str(kind), octets, side.hop
    )


def exchange(wards: Hospital, name: str, sides: tuple[Side, Side]) -> None:
    """First the workstation's packet, then the outside's."""
    by_hand(wards, name, sides[0], sides[1].own, asking=True)
    by_hand(wards, name, sides[1], sides[0].own, asking=False)


_numbers = itertools.count(0x1000)


def past_the_gateway(wards: Hospital, *, six: bool = False) -> tuple[Side, Side]:
    """With an outside address that no test before has used."""
    number = next(_numbers)
    own, there = WORKSTATION, f"203.{number >> 8}.{number & 255}.9"
    if six:
        own, there = WORKSTATION6, f"2001:db8:200::{number:x}"
    return (
        Side(wards.workstation, "intranet0", own, mac_of(wards, wards.router, "wards0")),
        Side(wards.router, "wards0", there, mac_of(wards, wards.workstation, "intranet0")),
    )


@pytest.mark.parametrize(
    ("name", "protocol"),
    [
        ("one segment", "tcp"),
        ("urgent", "tcp"),
        ("no flags", "tcp"),
        ("reset with text", "tcp"),
        ("later parts", "udp"),
        ("later parts 6", "udp"),
        ("unreachable", "icmp"),
        ("exceeded", "icmp"),
        ("unreachable 6", "icmpv6"),
        ("redirect", "icmp"),
        ("timestamp", "icmp"),
        ("mask", "icmp"),
        ("replies", "icmp"),
        ("replies 6", "icmpv6"),
        ("quench", "icmp"),
        ("another port", "udp"),
        ("another protocol", "udp"),
        ("part for an answer", "udp"),
        ("port 0", "udp"),
        ("jumbo 6", "udp"),
        ("hop by hop 6", "udp"),
        *(
            (f"protocol {number}", str(number))
            for number in (4, 41, 47, 50, 51, 115, 132, 136, 253)
        ),
        ("protocol 59 6", "59"),
    ],
)
def test_one_packet_each_way_made_by_hand_is_two_way(wards, watching, name, protocol):
    six = name.endswith(" 6")
    sides = past_the_gateway(wards, six=six)

    exchange(wards, name, sides)
    fact = watching.until(is_answered(sides[1].own, protocol))

    assert isinstance(fact, ConnectionSeen)
    assert fact.direction == "out"
    assert fact.egress.gateway == (GATEWAY6 if six else GATEWAY)


def is_answered(outside: str, protocol: str) -> Callable[[Fact], bool]:
    return lambda fact: (
        isinstance(fact, ConnectionSeen)
        and (fact.outside, fact.protocol) == (outside, protocol)
        and fact.answer == "two_way"
    )


def connections_with(probe: Probe, outside: str) -> list[Fact]:
    return [f for f in probe.seen if isinstance(f, ConnectionSeen) and f.outside == outside]


def test_what_is_left_over_is_told_of_nothing_when_nobody_here_answers(wards, watching):
    own, outside = past_the_gateway(wards)
    for name in ("later parts", "unreachable", "redirect", "replies", "one segment"):
        by_hand(wards, name, outside, own.own, asking=False)
    last = past_the_gateway(wards)
    exchange(wards, "port 0", last)
    watching.until(is_answered(last[1].own, "udp"))

    assert connections_with(watching, outside.own) == []


@pytest.fixture
def cabled(wards: Hospital) -> Iterator[tuple[Side, Side]]:
    """A device straight at a second card, which nobody gave an address."""
    wards.plug_second_link()
    wards.run(wards.workstation, "ip", "address", "flush", "dev", UPLINK, "scope", "global")
    wards.run(wards.workstation, "ip", "address", "add", "169.254.7.1/16", "dev", UPLINK)
    macs = mac_of(wards, wards.workstation, UPLINK), mac_of(wards, wards.outside, WORLD)
    yield (
        Side(wards.workstation, UPLINK, "169.254.7.1", macs[1]),
        Side(wards.outside, WORLD, "169.254.7.2", macs[0]),
    )
    wards.unplug_second_link()


def test_a_neighbour_that_only_speaks_link_local_is_outside(wards, cabled, watching):
    exchange(wards, "port 0", cabled)
    fact = watching.until(is_answered("169.254.7.2", "udp"))

    assert isinstance(fact, ConnectionSeen)
    assert fact.egress.interface == UPLINK


@pytest.mark.parametrize(
    ("name", "protocol"), [("ethertype", "0x88b5"), ("aoe", "0x88a2"), ("llc", "llc")]
)
def test_frames_that_are_no_ip_are_told_with_their_ethertype(
    wards, cabled, watching, name, protocol
):
    exchange(wards, name, cabled)
    fact = watching.until(is_answered("fe80::", protocol))

    assert isinstance(fact, ConnectionSeen)
    assert fact.egress.interface == UPLINK


def test_link_local_and_other_frames_on_the_intranet_are_its_own_business(wards, watching):
    macs = mac_of(wards, wards.workstation, "intranet0"), mac_of(wards, wards.router, "wards0")
    sides = (
        Side(wards.workstation, "intranet0", "169.254.8.1", macs[1]),
        Side(wards.router, "wards0", "169.254.8.2", macs[0]),
    )
    for name in ("port 0", "ethertype"):
        exchange(wards, name, sides)
    last = past_the_gateway(wards)
    exchange(wards, "port 0", last)
    watching.until(is_answered(last[1].own, "udp"))

    assert connections_with(watching, "169.254.8.2") == []
    told = {f.egress.interface for f in watching.seen if is_about(f, "fe80::")}
    assert "intranet0" not in told


def is_about(fact: Fact, outside: str) -> TypeGuard[ConnectionSeen]:
    return isinstance(fact, ConnectionSeen) and fact.outside == outside


def test_a_broadcast_that_answers_over_an_extra_link_is_an_answer(wards, cabled, watching):
    own, there = cabled
    own, there = replace(own, own="169.254.9.1"), replace(there, own="169.254.9.2")
    wards.run(wards.workstation, "ip", "address", "add", "169.254.9.1/16", "dev", UPLINK)
    by_hand(wards, "port 0", own, there.own, asking=True)
    everybody = replace(there, hop="ff:ff:ff:ff:ff:ff")
    by_hand(wards, "port 0", everybody, "255.255.255.255", asking=False)

    assert is_about(watching.until(is_answered(there.own, "udp")), there.own)
