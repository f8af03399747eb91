"""The switches that announced themselves on each link, while their word holds."""

from collections.abc import Collection

from agent.system.lldp import Announcement
from checks.facts.place import SwitchPort, SwitchPortState

SPEAKERS_KEPT = 8
"""Of one link: more than one speaks where a cheap switch passes on what it should not."""


class SwitchPorts:
    """Times are time.monotonic()."""

    def __init__(self) -> None:
        self._heard: dict[str, dict[str, tuple[float, SwitchPort]]] = {}

    def hear(self, interface: str, told: Announcement, known: str, now: float) -> str:
        """The port that the link is at, when it is not the `known` one; empty while it is,
        and as long as the known one still speaks here, too.
        """
        speakers = self._heard.setdefault(interface, {})
        port = f"{told.chassis} {told.port}"
        if told.ttl == 0:
            speakers.pop(port, None)
            return ""
        if port in speakers or len(speakers) < SPEAKERS_KEPT:
            speakers[port] = (now + told.ttl, _as_fact(interface, told))
        spoken = known in speakers and speakers[known][0] >= now
        return "" if port == known or spoken else port

    def keep_only(self, connected: Collection[str]) -> None:
        """What was heard over a cable that is out counts no more."""
        self._heard = {name: each for name, each in self._heard.items() if name in connected}

    def forget_expired(self, now: float) -> None:
        for speakers in self._heard.values():
            for port in [port for port, (ends, _) in speakers.items() if ends < now]:
                del speakers[port]

    def state(self) -> SwitchPortState:
        ports = (port for each in self._heard.values() for _, port in each.values())
        return SwitchPortState(ports=tuple(ports))


def _as_fact(interface: str, told: Announcement) -> SwitchPort:
    return SwitchPort(
        interface=interface,
        chassis=told.chassis,
        port=told.port,
        system=told.system,
        vlan=told.vlan,
    )
