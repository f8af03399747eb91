"""Facts as lines for people: what it was, who did it, where it went."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from checks.facts import Fact
from checks.facts.antivirus import AntivirusState, MalwareDetected
from checks.facts.autoplay import AutoplayState
from checks.facts.connections import ConnectionSeen
from checks.facts.containment import ContainmentActed
from checks.facts.copying import MediumWritten
from checks.facts.forwarding import ForwardingState
from checks.facts.hardware import HardwareChanged, HardwareState
from checks.facts.health import (
    AgentStarted,
    AgentStopping,
    AgentTampered,
    EndpointSilent,
    SensorGap,
)
from checks.facts.history import OutreachHistory
from checks.facts.holding import MediumHeld
from checks.facts.keyboards import KeyboardAppeared
from checks.facts.media import (
    MediumAccessed,
    MediumAttached,
    MediumDetached,
    MediumMounted,
    MediumScanned,
    MediumUnmounted,
    ScannerState,
)
from checks.facts.media_register import MediumOverdue, MediumTwice
from checks.facts.names import CanaryAnswered, NameServerUsed, ResolverState
from checks.facts.network import NeighboursSeen, NetworkState, UnmanagedHost, UplinkDevice
from checks.facts.place import AdapterAppeared, AddressChanged, EndpointMoved, SwitchPortState
from checks.facts.proxies import ProxyState
from checks.facts.quarantine import FilesQuarantined, QuarantineOpened
from checks.facts.radios import RadioState
from checks.facts.remote_tools import RemoteToolState
from checks.facts.scan_late import ScanLate
from checks.facts.witness import BeaconAnswered, IntranetWitness
from checks.wording import endpoint_of
from collector.dashboard.lines import Line, Lines
from collector.dashboard.shown_containment import containment
from collector.dashboard.shown_health import gap, silent, started, stopping, tampered
from collector.dashboard.shown_holding import holding
from collector.dashboard.shown_infected import infections
from collector.dashboard.shown_links import forwarding, network, radios, uplink
from collector.dashboard.shown_machine import (
    antivirus,
    autoplay,
    detected,
    hardware,
    hardware_changed,
)
from collector.dashboard.shown_media import keyboard, late, medium, overdue, twice, written
from collector.dashboard.shown_quarantine import opened, quarantined
from collector.dashboard.shown_segment import (
    adapter,
    change,
    history,
    neighbours,
    switch_ports,
    unmanaged,
)
from collector.dashboard.shown_services import (
    canary,
    name_server,
    proxies,
    remote_tools,
    resolvers,
)
from collector.dashboard.shown_who import way, who
from collector.dashboard.wording import Words

SCAN_REASONS = (
    "engine_absent",
    "engine_lost",
    "engine_changed",
    "gone",
    "kept_changing",
    "skipped",
)
"""Why a scan is not clean, by `MediumScanned.reason`."""
LINES_SHOWN = 30
"""A machine may claim ten thousand interfaces; the page says how many it left out."""


def shown(fact: Fact, words: Words) -> tuple[Line, ...]:
    """The lines of a fact; of a kind that nobody here describes, its fields as they are."""
    describe = _DESCRIBED.get(type(fact), _plain)
    lines = tuple(line for line in describe(fact, words) if line.text or line.moment_us)
    rest = len(lines) - LINES_SHOWN
    return lines if rest <= 0 else (*lines[:LINES_SHOWN], Line(label="…", text=f"+ {rest}"))


def has_words(kind: type[Fact]) -> bool:
    """Whether facts of this kind are described, rather than shown field by field."""
    return kind in _DESCRIBED


def _connection(fact: ConnectionSeen, words: Words) -> Lines:
    say, word = words.says.gettext, words.says.word
    yield Line(label=say("Result"), text=word("answer", fact.answer))
    yield Line(label=say("Proof"), text=word("proof", fact.proof))
    yield from who(fact.process, words)
    source = endpoint_of(fact.source, fact.source_port)
    destination = endpoint_of(fact.destination, fact.destination_port)
    yield Line(label=say("From"), text=source, mono=True)
    yield Line(label=say("Destination"), text=f"{destination} · {fact.protocol}", mono=True)
    said_by = f" · {fact.named_by.server}" if fact.named_by else ""
    yield Line(label=say("Called"), text=f"{fact.name}{said_by}" if fact.name else "", mono=True)
    yield Line(label=say("Service"), text=fact.service)
    yield from way(fact.egress, words)
    yield Line(label=say("First packet"), moment_us=fact.first_seen_us)
    yield Line(label=say("Answered"), moment_us=fact.answered_us)
    if fact.flows > 1:
        yield Line(label=say("Flows"), text=str(fact.flows))
    yield Line(label=say("Seen by"), text=word("evidence", fact.evidence))


def _confirmed(fact: BeaconAnswered, words: Words) -> Lines:
    say = words.says.gettext
    yield Line(label=say("Proof"), text=words.says.word("proof", "confirmed"))
    yield Line(label=say("Beacon"), text=fact.beacon, mono=True)
    yield from way(fact.egress, words)
    yield Line(label=say("Seen from"), text=fact.seen_from, mono=True)
    yield Line(label=say("Answered"), moment_us=fact.answered_us)


def _witness(fact: IntranetWitness, words: Words) -> Lines:
    say = words.says.gettext
    for gateway in fact.gateways:
        yield Line(label=say("Gateways"), text=f"{gateway.address} · {gateway.mac}", mono=True)
    yield Line(label=say("Last answer"), moment_us=fact.last_answer_us)


def _attached(fact: MediumAttached | MediumDetached, words: Words) -> Lines:
    yield from medium(fact.medium, words)


def _mounted(fact: MediumMounted, words: Words) -> Lines:
    say = words.says.gettext
    yield from medium(fact.medium, words)
    yield Line(label=say("Mounted at"), text=fact.mount_point, mono=True)
    yield Line(
        label=say("Access"), text=say("read only") if fact.read_only else say("read and write")
    )
    yield Line(label=say("User"), text=fact.user)


def _unmounted(fact: MediumUnmounted, words: Words) -> Lines:
    yield from medium(fact.medium, words)
    yield Line(label=words.says.gettext("Mounted at"), text=fact.mount_point, mono=True)


def _accessed(fact: MediumAccessed, words: Words) -> Lines:
    say, word = words.says.gettext, words.says.word
    yield Line(label=say("Operation"), text=word("operation", fact.operation))
    yield Line(label=say("Scan at that moment"), text=word("scan", fact.scan))
    yield from who(fact.process, words)
    named = fact.file_name or " ".join(part for part in (fact.suffix, fact.file_hash[:16]) if part)
    yield Line(label=say("File"), text=named, mono=True)
    yield from medium(fact.medium, words)
    yield Line(label=say("Mounted at"), text=fact.mount_point, mono=True)


def _scan_reason(reason: str, words: Words) -> str:
    """What an operating system said of a medium stays as it is."""
    return words.says.word("scan_reason", reason) if reason in SCAN_REASONS else reason


def _scanned(fact: MediumScanned, words: Words) -> Lines:
    say = words.says.gettext
    yield Line(label=say("Scan result"), text=words.says.word("scan", fact.verdict))
    yield Line(label=say("Reason"), text=_scan_reason(fact.reason, words))
    if fact.verdict != "not_scanned":
        yield Line(label=say("What was scanned"), text=words.says.word("receipt_how", fact.how))
    yield Line(label=say("By scan receipt"), text=fact.receipt, mono=True)
    yield from infections(fact.infections, words)
    yield Line(label=say("Files scanned"), text=f"{fact.files} · {words.size(fact.bytes)}")
    skipped = ", ".join(
        f"{words.says.word('left_out', reason)}: {count}"
        for reason, count in sorted(fact.skipped.items())
    )
    yield Line(label=say("Skipped"), text=skipped)
    yield Line(label=say("Engine"), text=f"{fact.engine} {fact.signatures}".strip())
    yield Line(label=say("Signatures of"), moment_us=fact.signatures_at_us)
    yield from medium(fact.medium, words)
    yield Line(label=say("Started"), moment_us=fact.started_us)
    yield Line(label=say("Ended"), moment_us=fact.ended_us)


def _scanner(fact: ScannerState, words: Words) -> Lines:
    say = words.says.gettext
    ready = say("ready") if fact.available else say("not available")
    yield Line(label=say("Engine"), text=f"{ready} · {fact.engine} {fact.signatures}".strip(" ·"))
    yield Line(label=say("Reason"), text=fact.reason)
    yield Line(label=say("Signatures of"), moment_us=fact.signatures_at_us)


def _plain(fact: Fact, _words: Words) -> Lines:
    for name, value in msgspec.to_builtins(fact).items():
        if name != "kind":
            yield Line(label=name.replace("_", " "), text=str(value))


_DESCRIBED: Mapping[type[Fact], Callable[[Any, Words], Lines]] = MappingProxyType(
    {
        ConnectionSeen: _connection,
        BeaconAnswered: _confirmed,
        IntranetWitness: _witness,
        MediumAttached: _attached,
        MediumDetached: _attached,
        MediumMounted: _mounted,
        MediumUnmounted: _unmounted,
        MediumAccessed: _accessed,
        MediumScanned: _scanned,
        MediumWritten: written,
        FilesQuarantined: quarantined,
        QuarantineOpened: opened,
        MediumHeld: holding,
        MediumTwice: twice,
        KeyboardAppeared: keyboard,
        MediumOverdue: overdue,
        ScanLate: late,
        ScannerState: _scanner,
        NetworkState: network,
        UplinkDevice: uplink,
        RadioState: radios,
        ForwardingState: forwarding,
        ContainmentActed: containment,
        ResolverState: resolvers,
        NameServerUsed: name_server,
        CanaryAnswered: canary,
        ProxyState: proxies,
        RemoteToolState: remote_tools,
        AgentStarted: started,
        AgentStopping: stopping,
        AgentTampered: tampered,
        SensorGap: gap,
        EndpointSilent: silent,
        NeighboursSeen: neighbours,
        UnmanagedHost: unmanaged,
        SwitchPortState: switch_ports,
        AdapterAppeared: adapter,
        EndpointMoved: change,
        AddressChanged: change,
        AntivirusState: antivirus,
        MalwareDetected: detected,
        AutoplayState: autoplay,
        HardwareState: hardware,
        HardwareChanged: hardware_changed,
        OutreachHistory: history,
    }
)
