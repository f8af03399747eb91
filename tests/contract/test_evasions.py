"""Root on the workstation tries to talk with the outside unseen; the real kernel is asked.

Each trick here worked once.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from checks.facts.connections import ConnectionSeen
from checks.facts.network import NetworkState
from tests.contract.test_network_sensors import Probe
from tests.netns import (
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
    policy = tmp_path / "policy.toml"
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
