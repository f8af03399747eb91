"""Batches as agents send them, for tests of what follows the journal."""

from collections.abc import Sequence

from backports import zstd

from checks.facts import Fact
from checks.facts.base import Process
from checks.facts.connections import Answer, ConnectionSeen, Egress
from checks.facts.health import AgentHealth, SensorHealth
from checks.facts.network import Address, Link, NetworkState, Route
from checks.wire import PROTOCOL, Batch, Observation, encode

BOOT = "0b8f7b6e-4a57-4d1c-9a38-1f4b6d1f2c11"
START_US = 1_772_431_500_000_000  # 2026-03-02 14:05 in Shanghai
LINK_KEY = bytes(range(32))

POLICY = """
[hospital]
name = "示范医院"
phone = "8120"

[[zones]]
name = "intranet"
prefixes = ["10.20.0.0/16"]
via = [{ interface = "wired", gateway = "10.20.0.1" }]

[[mail.recipients]]
address = "duty@hospital.example"
name = "值班员"
severity = "medium"
"""


def observation(
    sequence: int, fact: Fact, *, at_us: int = START_US, boot: str = BOOT, sensor: str = "test"
) -> Observation:
    return Observation(
        sequence=sequence, at_us=at_us, boot=boot, monotonic_us=at_us, sensor=sensor, fact=fact
    )


def sealed(agent: str, observations: Sequence[Observation], *, last: int = 0) -> bytes:
    """The body of a journal entry that holds these."""
    batch = Batch(
        protocol=PROTOCOL,
        agent=agent,
        machine="m",
        first=observations[0].sequence,
        last=last or observations[-1].sequence,
        previous="",
        sent_at_us=observations[-1].at_us,
        observations=tuple(observations),
    )
    return zstd.compress(encode(batch))


def network() -> NetworkState:
    return NetworkState(
        links=(
            Link(
                index=2,
                name="eth0",
                kind="wired",
                mac="52:54:00:00:00:02",
                up=True,
                carrier=True,
                addresses=(Address(address="10.20.3.17", prefix_length=16),),
            ),
        ),
        routes=(
            Route(destination="0.0.0.0/0", interface="eth0", gateway="10.20.0.1"),
            Route(destination="10.20.0.0/16", interface="eth0"),
        ),
    )


def health(*sensors: SensorHealth) -> AgentHealth:
    return AgentHealth(
        version="0.1.0", policy_version=1, sensors=sensors or (SensorHealth(name="x", state="ok"),)
    )


def connection(
    destination: str = "203.0.113.9",
    *,
    answer: Answer = "two_way",
    interface: str = "usb0",
    kind: str = "usb_tether",
    gateway: str = "192.168.42.129",
    port: int = 443,
) -> ConnectionSeen:
    return ConnectionSeen(
        protocol="tcp",
        source="192.168.42.7",
        source_port=40000,
        destination=destination,
        destination_port=port,
        direction="out",
        answer=answer,
        egress=Egress(interface=interface, kind=kind, gateway=gateway),
        process=Process(pid=812, name="curl", executable="/usr/bin/curl", uid=1000, user="u1000"),
        first_seen_us=START_US,
        answered_us=START_US + 20_000 if answer == "two_way" else 0,
    )
