"""Links, addresses, routes and gateways as they change; devices that can lead outside."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path

from msgspec.structs import replace

from agent.system.network_table import NetworkTable
from agent.system.nl80211 import WirelessTable
from agent.system.second_opinion import differences
from agent.system.uplinks import UplinkWatch, present_uplinks
from checks.facts import Fact
from checks.facts.health import SensorGap
from checks.facts.network import NeighboursSeen, NetworkState, UplinkDevice, Wifi
from checks.policy import PolicyDocument


class NetworkSensor:
    """States at once when they differ, and all of them at the slow beat."""

    name = "network"

    def __init__(self, sysfs: Path = Path("/sys")) -> None:
        self.heals_every = timedelta(minutes=5)
        self._sysfs = sysfs
        self._closing = ExitStack()

    def start(self, document: PolicyDocument) -> Sequence[int]:
        self.heals_every = document.policy.duration("state_beat")
        self._table = self._closing.enter_context(closing(NetworkTable(self._sysfs)))
        self._wireless = self._closing.enter_context(closing(WirelessTable()))
        self._uplinks: dict[str, UplinkDevice] = {}
        self._wifi: dict[int, Wifi] = {}
        self._told = NetworkState(links=(), routes=())
        self._last_clean_us = _wall_us()
        self._watch = self._closing.enter_context(closing(UplinkWatch()))
        return (self._table.fileno(), self._wireless.fileno(), self._watch.fileno())

    def wake(self) -> Iterable[Fact]:
        change = self._table.refresh()
        air = self._wireless.refresh()
        if change.overrun or air.overrun:
            yield self._gap("announcements lost; tables read again")
        if self._watch.anything_new():
            yield from self._changed_uplinks()
            self._table.reread()  # a link's kind may be known only now
        if air.changed or self._has_new_wireless_link():
            self._wifi = self._wireless.links()
        if self._state() != self._told:
            yield self._tell()
        self._last_clean_us = _wall_us()

    def heal(self) -> Iterable[Fact]:
        self._table.refresh()
        self._table.reread()
        self._wireless.refresh()
        self._wifi = self._wireless.links()
        yield self._tell()
        yield from self._changed_uplinks()
        if neighbours := self._table.witnesses():
            yield NeighboursSeen(neighbours=neighbours)
        yield from self._second_opinion()
        self._last_clean_us = _wall_us()

    def deadline(self) -> float | None:
        return None

    def degraded(self) -> str:
        return ""

    def policy_changed(self, document: PolicyDocument) -> Iterable[Fact]:
        self.heals_every = document.policy.duration("state_beat")
        return ()

    def stop(self) -> None:
        self._closing.close()

    def _state(self) -> NetworkState:
        """The tables with what nl80211 says of their wireless links."""
        state = self._table.state
        if not self._wifi:
            return state
        links = (replace(link, wifi=self._wifi.get(link.index)) for link in state.links)
        return replace(state, links=tuple(links))

    def _tell(self) -> NetworkState:
        self._told = self._state()
        return self._told

    def _has_new_wireless_link(self) -> bool:
        """Whether rtnetlink was quicker than nl80211, or knows a link by now that left."""
        present = {link.index for link in self._table.state.links if link.kind == "wifi"}
        return present != self._wifi.keys()

    def _changed_uplinks(self) -> Iterator[UplinkDevice]:
        present = present_uplinks(self._sysfs)
        for key, uplink in present.items():
            if self._uplinks.get(key) != uplink:
                yield uplink
        for key in self._uplinks.keys() - present.keys():
            gone = self._uplinks[key]
            yield UplinkDevice(
                action="detached",
                uplink=gone.uplink,
                device=gone.device,
                description=gone.description,
                interface=gone.interface,
            )
        self._uplinks = present

    def _second_opinion(self) -> Iterator[Fact]:
        """A difference that a fresh look does not explain is a hole."""
        if differences(self._table.state):
            self._table.reread()
            if found := differences(self._table.state):
                yield self._gap("; ".join(found))

    def _gap(self, detail: str) -> SensorGap:
        return SensorGap(
            sensor=self.name,
            cause="overrun",
            from_us=self._last_clean_us,
            to_us=_wall_us(),
            detail=detail,
        )


def _wall_us() -> int:
    return time.time_ns() // 1000
