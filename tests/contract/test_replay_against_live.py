"""A capture that tcpdump took while the live sensor watched gives the same verdicts."""

import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
import pytest

from agent.policy_cache import local_document
from agent.reactions import Judgement
from agent.replay.judging import Line
from checks.approvals import standing
from checks.check import Context, discover
from checks.facts import Fact
from checks.facts.connections import ConnectionSeen
from checks.facts.network import NetworkState
from checks.finding import Outcome
from checks.policy import PolicyDocument, parse_policy
from tests.contract.test_network_sensors import ANSWERING, Probe
from tests.netns import (
    GATEWAY,
    INTRANET,
    INTRANET6,
    OUTSIDE,
    OUTSIDE6,
    SECOND_OUTSIDE,
    SERVER,
    SILENT,
    Hospital,
    hospital,
    missing,
)

WITHOUT_TCPDUMP = "" if shutil.which("tcpdump") else "tcpdump (Debian package) is missing"
pytestmark = pytest.mark.skipif(
    bool(missing() or WITHOUT_TCPDUMP), reason=missing() or WITHOUT_TCPDUMP or "all there"
)

TRAFFIC = f"""
import socket
def tcp(host, port):
    s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    s.settimeout(0.4)
    s.connect_ex((host, port))
    s.close()
def udp(host, port, size=20):
    s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(0.4)
    s.sendto(bytes(size), (host, port))
    try: s.recv(9000)
    except OSError: pass
tcp("{OUTSIDE}", 443); tcp("{OUTSIDE6}", 443); tcp("{SILENT}", 443); tcp("{OUTSIDE}", 444)
tcp("{SERVER}", 443); tcp("{SECOND_OUTSIDE}", 443)
udp("{OUTSIDE}", 53); udp("{OUTSIDE6}", 53); udp("{SILENT}", 53); udp("{OUTSIDE}", 54)
udp("{OUTSIDE}", 53, 4000)
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, 47)
raw.sendto(bytes(40), ("{OUTSIDE}", 0))
"""
QUIET = 2.5
"""Seconds after which every attempt has been told: its patience is one."""

Row = tuple[str, str, int, bool, str, str]
"""Protocol, the outside address, port, two-way, rule, entry."""


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, set[Row]]]:
    """A folder with the policy and two captures, and what live said meanwhile."""
    folder = tmp_path_factory.mktemp("captures")
    with hospital() as wards:
        wards.plug_second_link()
        policy = folder / "policy.toml"
        policy.write_text(_policy(_mac_of_the_gateway(wards)))
        with ExitStack() as running:
            server = running.enter_context(_answering(wards))
            for link, name in (("any", "cooked.pcap"), ("intranet0", "ethernet.pcap")):
                running.enter_context(_recorder(wards, link, folder / name))
            assert server.poll() is None
            yield folder, _live(wards, policy)


@contextmanager
def _answering(wards: Hospital) -> Iterator["subprocess.Popen[str]"]:
    with wards.start(
        wards.outside, sys.executable, "-c", ANSWERING, OUTSIDE6,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as server:  # fmt: skip
        try:
            server.stdout.readline()
            yield server
        finally:
            server.kill()


def _policy(mac: str) -> str:
    return f"""
[[zones]]
name = "intranet"
prefixes = ["{INTRANET}", "{INTRANET6}"]
via = [
  {{ interface = "virtual", gateway = "{GATEWAY}", gateway_mac = "{mac}" }},
  {{ interface = "virtual", gateway = "fd77:0:0:1::1", gateway_mac = "{mac}" }},
]
[[approved]]
name = "resolver"
destinations = ["{OUTSIDE6}/128"]
protocol = "udp"
ports = [53]
expires = 2099-01-01
[thresholds]
attempt_timeout = "1s"
"""


def _mac_of_the_gateway(wards: Hospital) -> str:
    found = re.search(r"link/ether (\S+)", wards.run(wards.router, "ip", "link", "show", "wards0"))
    assert found
    return found[1]


@contextmanager
def _recorder(wards: Hospital, link: str, path: Path) -> Iterator[None]:
    with wards.start(
        wards.workstation, "tcpdump", "-i", link, "-U", "-n", "-Z", "root", "-w", str(path),
        stderr=subprocess.PIPE,
    ) as recorder:  # fmt: skip
        try:
            said = ""
            while "listening on" not in said:
                said = recorder.stderr.readline()
                assert said, "tcpdump did not begin"
            yield
        finally:
            recorder.terminate()


def _live(wards: Hospital, policy: Path) -> set[Row]:
    with wards.start(
        wards.workstation, sys.executable, "-m", "tests.sensor_probe", str(policy),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        try:
            probe = Probe(process)
            wards.run(wards.workstation, sys.executable, "-c", TRAFFIC)
            wards.run(wards.workstation, "ping", "-c1", "-W1", OUTSIDE)
            threading.Event().wait(QUIET)
            process.stdin.write("end\n")
            process.stdin.flush()
            assert any("cpu_seconds" in line for line in probe.lines())
        finally:
            process.kill()
    document = local_document(parse_policy(policy.read_text("utf-8")))
    return set(_judged(probe.seen, document))


def _judged(seen: list[Fact], document: PolicyDocument) -> Iterator[Row]:
    judgement = Judgement(discover(), document)
    for fact in seen:
        at_us = fact.first_seen_us if isinstance(fact, ConnectionSeen) else time.time_ns() // 1000
        verdicts = judgement.verdicts(fact, at_us)
        if isinstance(fact, NetworkState) or not isinstance(fact, ConnectionSeen):
            continue
        context = Context(policy=document.policy, endpoint=document.endpoint, at_us=at_us)
        rule = next((v.rule for v in verdicts if v.outcome is Outcome.FAIL), "")
        two_way = fact.answer == "two_way"
        entry = standing(fact, context).decided_by
        yield (fact.protocol, fact.outside, fact.service_port, two_way, rule, entry)


def _replayed(folder: Path, name: str) -> tuple[list[Line], int]:
    finished = subprocess.run(
        [
            *(sys.executable, "-m", "agent", "replay", str(folder / name), "--json"),
            *("--policy", str(folder / "policy.toml")),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    lines = [msgspec.json.decode(line, type=Line) for line in finished.stdout.splitlines()]
    assert lines, finished.stderr
    return lines, finished.returncode


def _rows(lines: list[Line]) -> set[Row]:
    return {
        (each.protocol, each.destination, each.destination_port, each.two_way, each.rule, each.entry)
        for each in lines
        if each.verdict != "internal"
    }  # fmt: skip


def test_a_capture_of_all_links_replays_to_what_live_said(taken):
    folder, live = taken

    lines, status = _replayed(folder, "cooked.pcap")

    assert len(live) >= 10
    assert {row[4] for row in live} == {"EXT-01", "EXT-06", "EXT-17", ""}
    assert _rows(lines) == live
    assert status == 3


def test_a_capture_of_the_intranet_s_link_replays_to_what_live_said_of_it(taken):
    folder, live = taken

    lines, _ = _replayed(folder, "ethernet.pcap")

    assert _rows(lines) == {row for row in live if row[1] != SECOND_OUTSIDE}
    assert any(line.verdict == "internal" for line in lines)


def test_the_same_frames_as_pcapng_replay_alike(taken):
    folder, _ = taken
    from scapy.utils import rdpcap, wrpcapng  # noqa: PLC0415 - heavy, and for this test alone

    wrpcapng(str(folder / "ethernet.pcapng"), rdpcap(str(folder / "ethernet.pcap")))

    assert _replayed(folder, "ethernet.pcapng") == _replayed(folder, "ethernet.pcap")
