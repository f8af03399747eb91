"""Where this machine stands: its adapters, its gateway and address, the switch's port."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path

from agent.place_memory import (
    PlaceMemory,
    Unremembered,
    changes,
    load,
    remembered,
    save,
    standing_on,
)
from agent.sensors.base import SensorUnavailable
from agent.switch_ports import SwitchPorts
from agent.system.lldp import GROUP, announcement
from agent.system.network_table import NetworkTable
from agent.system.permanent_mac import permanent_mac
from agent.system.segment_filter import lldp_program
from agent.system.segment_socket import SegmentSocket
from checks.facts import Fact
from checks.facts.health import SensorGap
from checks.facts.network import Link, Neighbour, NeighboursSeen
from checks.facts.place import AdapterAppeared, EndpointMoved, SwitchPortState
from checks.policy import PolicyDocument

MEMORY = "place.json"
SETTLES = 3.0
"""Seconds without a change before the place is compared: until then DHCP is at work."""
FRAMES_A_LOOK = 64
SAID_MOST = 64
"""Facts out of LLDP from beat to beat: an honest speaker speaks twice a minute."""
CARDS = ("wired", "wifi", "usb_ethernet")
"""Kinds that are told as new adapters; what leads to a mobile network is another rule's."""


class PlaceSensor:
    """Remembers across restarts; the first start only takes note."""

    name = "place"

    def __init__(self, state: Path | None, sysfs: Path = Path("/sys")) -> None:
        """Without a state folder it is always the first start, and leaves no trace."""
        self.heals_every = timedelta(minutes=5)
        self._path = state / MEMORY if state else None
        self._sysfs = sysfs
        self._closing = ExitStack()
        self._memory = self._kept = PlaceMemory()
        self._compare_at: float | None = None
        self._hearing: frozenset[int] = frozenset()

    def start(self, document: PolicyDocument) -> Sequence[int]:
        self._policy = document.policy
        self.heals_every = self._policy.duration("state_beat")
        self._remember()
        self._keys: dict[tuple[int, str], str] = {}
        self._ports = SwitchPorts()
        self._told = SwitchPortState(ports=())
        self._said = self._unheard = 0
        self._clean_us = _wall_us()
        self._network = self._closing.enter_context(closing(NetworkTable(self._sysfs)))
        try:
            self._socket = self._closing.enter_context(closing(SegmentSocket()))
        except PermissionError as forbidden:
            raise SensorUnavailable(f"may not listen to packets: {forbidden}") from forbidden
        self._hearing = frozenset()
        self._follow_network()
        return (self._socket.fileno(), self._network.fileno())

    def wake(self) -> Iterable[Fact]:
        if self._network.refresh().changed:
            self._follow_network()
            self._settle()
        self._keep()
        yield from self._new_adapters()
        yield from self._switches()
        if self._compare_at is not None and time.monotonic() >= self._compare_at:
            self._compare_at = None
            yield from self._standings()
        self._socket.attend()

    def heal(self) -> Iterable[Fact]:
        if self._fault:
            yield self._begun_anew()
        self._network.reread()
        self._follow_network()
        self._keep()
        yield from self._new_adapters()
        self._ports.forget_expired(time.monotonic())
        if self._ports.state().ports or self._told.ports:
            yield self._port_state()
        yield from self._losses()
        self._settle()

    def deadline(self) -> float | None:
        return self._compare_at

    def degraded(self) -> str:
        return ""

    def policy_changed(self, document: PolicyDocument) -> Iterable[Fact]:
        self._policy = document.policy
        self.heals_every = self._policy.duration("state_beat")
        self._follow_network()
        self._settle()
        return ()

    def stop(self) -> None:
        self._compare_at = None
        self._closing.close()
        self._keep()

    # ---------------------------------------------------------------- what is remembered

    def _remember(self) -> None:
        self._fault, self._first = "", False
        try:
            known = load(self._path) if self._path else None
        except Unremembered as broken:
            self._fault, known = str(broken), None
        self._first = known is None
        self._memory = self._kept = known or PlaceMemory()

    def _keep(self) -> None:
        """What was told the last time is on its way by now: twice is better than never."""
        if self._memory != self._kept and self._path:
            save(self._path, self._memory)
        self._kept = self._memory

    def _begun_anew(self) -> SensorGap:
        now_us = _wall_us()
        detail = f"the memory of the place was unreadable and begins anew: {self._fault}"
        self._fault = ""
        return SensorGap(
            sensor=self.name, cause="failed", from_us=now_us, to_us=now_us, detail=detail
        )

    # ------------------------------------------------------------------------- adapters

    def _new_adapters(self) -> Iterator[Fact]:
        for link in self._network.state.links:
            if not link.bus or link.kind not in CARDS:
                continue
            key = self._key(link)
            if key in self._memory.adapters:
                continue
            self._memory = self._memory.with_adapter(key)
            if not self._first:
                yield AdapterAppeared(
                    adapter=link.kind,
                    device=link.device,
                    mac=link.mac,
                    interface=link.name,
                    description=link.description,
                )
        self._settle_if_unkept()

    def _key(self, link: Link) -> str:
        """What tells this adapter from others, also in another socket and with another
        address: the maker's own one.  Cheap USB cards share theirs, so their name counts too.
        """
        known = self._keys.get((link.index, link.device))
        if known is None:
            made = permanent_mac(link.name)
            parts = (made, link.device) if link.bus == "usb" else (made or link.device,)
            known = "|".join(part for part in parts if part) or link.name
            self._keys[link.index, link.device] = known
        return known

    # ------------------------------------------------------------------------ standings

    def _standings(self) -> Iterator[Fact]:
        state, plan = self._network.state, self._policy.plan
        for link in plan.intranet_links(state):
            now = standing_on(self._key(link), link, state, plan)
            if now is None:
                continue
            before = self._memory.standing_of(now.adapter)
            if before is not None:
                yield from changes(before, now)
            self._memory = self._memory.with_standing(remembered(before, now))
        self._first = False
        self._settle_if_unkept()

    def _settle(self) -> None:
        self._compare_at = time.monotonic() + SETTLES

    def _settle_if_unkept(self) -> None:
        if self._memory != self._kept and self._compare_at is None:
            self._settle()

    # ------------------------------------------------------------------------- switches

    def _switches(self) -> Iterator[Fact]:
        links = {link.name: link for link in self._network.state.links}
        for interface, frame in self._socket.drain(FRAMES_A_LOOK):
            heard, link = announcement(frame), links.get(interface)
            if heard is None or link is None or heard.mac == link.mac:
                continue
            if self._said >= SAID_MOST:
                self._unheard += 1
                continue
            if not heard.is_switch:
                self._said += 1
                yield _station(heard.mac, heard.system, interface)
                continue
            known = self._memory.switch_ports.get(self._key(link), "")
            port = self._ports.hear(interface, heard, known, time.monotonic())
            if port and known:
                self._said += 1
                yield EndpointMoved(
                    what="switch_port", before=known, after=port, interface=interface
                )
            if port:
                self._memory = self._memory.with_switch_port(self._key(link), port)
        if self._ports.state() != self._told and self._said < SAID_MOST:
            self._said += 1
            yield self._port_state()
        self._settle_if_unkept()

    def _losses(self) -> Iterator[SensorGap]:
        now_us = _wall_us()
        if lost := self._unheard + self._socket.dropped():
            yield SensorGap(
                sensor=self.name, cause="overrun", from_us=self._clean_us, to_us=now_us, lost=lost
            )
        self._said = self._unheard = 0
        self._clean_us = now_us

    def _port_state(self) -> SwitchPortState:
        self._told = self._ports.state()
        return self._told

    def _follow_network(self) -> None:
        """Hears LLDP on the intranet's links and on the cards below them."""
        state = self._network.state
        self._ports.keep_only({link.name for link in state.links if link.up and link.carrier})
        names = {link.name for link in self._policy.plan.intranet_links(state)}
        below = {link.lower for link in state.links if link.name in names and link.lower}
        names |= below | {link.name for link in state.links if link.master in names}
        hearing = frozenset(link.index for link in state.links if link.name in names)
        if hearing != self._hearing:
            self._socket.join(hearing - self._hearing, GROUP)
            self._socket.filter(lldp_program(hearing))
            self._hearing = hearing


def _station(mac: str, name: str, interface: str) -> NeighboursSeen:
    """A host that speaks LLDP and does not bridge: a neighbour like any other."""
    heard_us = _wall_us()
    return NeighboursSeen(
        neighbours=(
            Neighbour(
                address="", mac=mac, interface=interface, how="lldp", name=name, heard_us=heard_us
            ),
        )
    )


def _wall_us() -> int:
    return time.time_ns() // 1000
