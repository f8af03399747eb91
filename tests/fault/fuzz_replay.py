"""Mutated captures against `replay`: an error or a count, never a crash or a hang.

    python -m tests.fault.fuzz_replay --minutes 30

Seeded, so a finding can be had again; what broke is kept as `.wardwatch/fuzz/SEED-NUMBER`.
"""

import argparse
import io
import random
import signal
import struct
import sys
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop
from scapy.layers.l2 import ARP, GRE, CookedLinux, CookedLinuxV2, Dot1Q, Ether

from agent.policy_cache import local_document
from agent.replay.capture import Capture
from agent.replay.judging import Replay
from agent.replay.records import Faults, NotACapture
from agent.replay.scene import Scene
from checks.check import discover
from checks.evaluate import Evaluator
from checks.policy import parse_policy
from tests.netns import POLICY
from tests.unit.agent.replay import captures

KEPT = Path(".wardwatch/fuzz")
HANG = 5.0
"""Seconds for one capture of a few kilobytes; it takes about two milliseconds."""
TELLING = (0, 1, 2, 4, 12, 0x7F, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 262_144, 262_145)


@dataclass
class Findings:
    executions: int = 0
    refused: int = 0
    faulty: int = 0
    flows: int = 0
    broken: dict[str, list[str]] = field(default_factory=dict)
    """Captures kept, by what broke and where."""


class Hang(BaseException):
    """Not an Exception: nothing on the way may swallow it."""


def fuzz(*, seconds: float, seed: int, most: int = sys.maxsize) -> Findings:
    """Until the time or the number is reached."""
    chance, found, corpus = random.Random(seed), Findings(), list(_corpus())
    document = local_document(parse_policy(POLICY))
    evaluator = Evaluator(discover())
    signal.signal(signal.SIGALRM, _hang)
    ends = time.monotonic() + seconds
    while time.monotonic() < ends and found.executions < most:
        whole = _mutated(chance, corpus)
        found.executions += 1
        signal.setitimer(signal.ITIMER_REAL, HANG)
        try:
            _replay(whole, found, document, evaluator)
        except NotACapture:
            found.refused += 1
        except (Exception, Hang) as crash:  # noqa: BLE001 - every one of them is a finding
            kept = found.broken.setdefault(_place_of(crash), [])
            kept.append(_kept(whole, f"{seed}-{found.executions}"))
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    return found


def _replay(whole: bytes, found: Findings, document, evaluator) -> None:  # type: ignore[no-untyped-def]  # values of fuzz
    ways = tuple(way for zone in document.policy.zones for way in zone.via)
    replay = Replay(
        lambda faults: Capture(io.BytesIO(whole), faults),
        document,
        evaluator,
        Scene(plan=document.policy.plan, ways=ways),
    )
    found.flows += sum(1 for _ in replay.lines())
    found.faulty += bool(len(replay.faults))
    assert isinstance(replay.faults, Faults)


def _mutated(chance: random.Random, corpus: list[bytes]) -> bytes:
    octets = bytearray(chance.choice(corpus))
    for _ in range(chance.randint(1, 8)):
        place = chance.randrange(max(1, len(octets)))
        kind = chance.randrange(6)
        if kind == 0 and octets:
            octets[place % len(octets)] ^= 1 << chance.randrange(8)
        elif kind == 1:
            value = struct.pack(chance.choice("<>") + "I", chance.choice(TELLING))
            octets[place : place + 4] = value
        elif kind == 2:
            del octets[place:]
        elif kind == 3:
            other = chance.choice(corpus)
            octets[place:place] = other[chance.randrange(len(other)) :]
        elif kind == 4:
            del octets[place : place + chance.randint(1, 64)]
        else:
            octets[place:place] = chance.randbytes(chance.randint(1, 32))
    return bytes(octets[:1_000_000])


def _corpus() -> Iterator[bytes]:
    """One of each kind, all of them fine."""
    me, out = "10.77.1.2", "198.51.100.10"
    asked = IP(src=me, dst=out) / UDP(sport=5, dport=53) / b"question"
    packets = [
        asked,
        IP(src=me, dst=out) / TCP(sport=9, dport=443, flags="S", options=[("MSS", 1460)]),
        IP(src=out, dst=me) / TCP(sport=443, dport=9, flags="SA"),
        IP(src=out, dst=me) / ICMP(type=3, code=3) / asked,
        IP(src=me, dst=out) / GRE(key_present=1) / asked,
        IP(src=me, dst=out) / IP(src=me, dst=out) / IPv6() / UDP(),
        IPv6(src="fd77::2", dst="2001:db8::1")
        / IPv6ExtHdrHopByHop()
        / IPv6ExtHdrFragment()
        / UDP(sport=1, dport=2),
    ]
    mac = {"src": "02:00:00:00:00:0a", "dst": "02:00:00:00:00:0b"}
    frames = [bytes(Ether(**mac) / packet) for packet in packets]
    frames += [bytes(Ether(**mac) / Dot1Q(vlan=3) / packets[0]), bytes(Ether(**mac) / ARP())]
    cooked = [bytes(CookedLinux(lladdrlen=6) / packet) for packet in packets[:4]]
    cooked_2 = [bytes(CookedLinuxV2(lladdrlen=6) / packet) for packet in packets[:4]]
    raw = [bytes(packet) for packet in packets]
    for order in "<>":
        yield captures.pcap(*frames, order=order)
        yield captures.pcap(*cooked, link_type=113, order=order, nanoseconds=True)
        yield (
            captures.section(order)
            + captures.interface(1, captures.option(2, b"eth0", order), order=order)
            + captures.interface(276, captures.option(9, b"\x09", order), order=order)
            + b"".join(captures.packet(each, order=order) for each in frames)
            + b"".join(captures.packet(each, of=1, order=order) for each in cooked_2)
            + captures.block(3, struct.pack(f"{order}I", len(raw[0])) + frames[0], order)
        )
    yield captures.pcap(*raw, link_type=101)
    yield captures.pcap(*(b"\2\0\0\0" + each for each in raw), link_type=0)


def _hang(_number: int, _frame: FrameType | None) -> None:
    raise Hang(f"longer than {HANG} s")


def _place_of(crash: BaseException) -> str:
    """Two crashes at the same line are one finding."""
    frame = traceback.extract_tb(crash.__traceback__)[-1]
    return f"{type(crash).__name__}: {crash} ({frame.filename}:{frame.lineno})"


def _kept(whole: bytes, name: str) -> str:
    KEPT.mkdir(parents=True, exist_ok=True)
    (KEPT / name).write_bytes(whole)
    return str(KEPT / name)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    asked = parser.parse_args()
    found = fuzz(seconds=asked.minutes * 60, seed=asked.seed)
    print(
        f"seed {asked.seed}: {found.executions} captures, {found.refused} refused, "
        f"{found.faulty} with faults counted, {found.flows} flows, {len(found.broken)} findings"
    )
    for place, kept in found.broken.items():
        print(f"{place}: {len(kept)} times, for instance {kept[0]}")
    return 1 if found.broken else 0


if __name__ == "__main__":
    sys.exit(main())
