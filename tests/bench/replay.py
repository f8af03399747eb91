"""Replay of a capture: packets a second, with tcpdump reading the same file."""

import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether

from tests.bench.figures import Figure
from tests.netns import POLICY
from tests.unit.agent.replay.captures import pcap


def measure(*, small: bool) -> list[Figure]:
    packets = 50_000 if small else 500_000
    with tempfile.TemporaryDirectory() as folder:
        policy, capture = Path(folder) / "policy.toml", Path(folder) / "busy.pcap"
        policy.write_text(POLICY)
        _write(capture, packets)
        ours = _seconds(
            *(sys.executable, "-m", "agent", "replay", str(capture), "--policy", str(policy)),
            status=3,
        )
        peer = _seconds("tcpdump", "-n", "-q", "-r", str(capture), status=0)
    rate, peer_rate = round(packets / ours), round(packets / peer)
    return [
        Figure(
            name="replay.packets_per_s",
            value=rate,
            unit="1/s",
            n=packets,
            load="one process, read twice, 1 flow in 20 packets, judged",
            peer=f"tcpdump -n -q -r (prints, judges nothing) {peer_rate}/s",
            ratio=round(rate / peer_rate, 3),
        )
    ]


def _seconds(*command: str, status: int) -> float:
    began = time.perf_counter()
    finished = subprocess.run(command, capture_output=True, check=False, timeout=900)
    if finished.returncode != status:
        raise RuntimeError(f"{command}: {finished.returncode} {finished.stderr[-500:]!r}")
    return time.perf_counter() - began


def _write(path: Path, packets: int) -> None:
    """Ten thousand frames of 500 conversations, again and again with other ports."""
    frames = list(_frames())
    with path.open("wb") as file:
        file.write(pcap())
        for number in range(packets):
            octets = bytearray(frames[number % len(frames)])
            struct.pack_into(">H", octets, 34, 1024 + number // len(frames))
            header = struct.pack("<IIII", 1000 + number // 1000, number % 1000, *[len(octets)] * 2)
            file.write(header + octets)


def _frames() -> list[bytes]:
    """Half of the conversations stay inside, half go out; 20 packets each."""
    there, back = Ether(src="02:00:00:00:00:0a", dst="02:00:00:00:00:0b"), Ether()
    frames = []
    for number in range(500):
        other = f"10.77.2.{number % 250}" if number % 2 else f"198.51.100.{number % 250}"
        kind = UDP if number % 4 < 2 else TCP
        asked = bytes(there / IP(src="10.77.1.2", dst=other) / kind(dport=443) / bytes(100))
        answer = bytes(back / IP(src=other, dst="10.77.1.2") / kind(sport=443) / bytes(900))
        frames += [asked, answer] * 10
    return frames
