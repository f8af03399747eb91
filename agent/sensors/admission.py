"""Which flows go outside, over which way, and whose they are."""

import time

from agent.flows import Origin, Sighting
from agent.name_cache import NameCache
from agent.quiet import Direction, Key
from agent.system.attribution import Attribution
from agent.system.dissect import LLC, Packet, text
from agent.system.link_rules import parts, riding
from agent.system.network_table import NetworkTable
from agent.system.packets import Frame
from checks.facts.base import Process, UnknownProcess
from checks.links import BRIDGES, is_strange
from checks.plan import AddressPlan, is_link_local, is_local


class Admission:
    """`relayed`: links over which others' flows have left, as interface indexes."""

    def __init__(self, network: NetworkTable, attribution: Attribution, names: NameCache) -> None:
        self._network = network
        self._attribution = attribution
        self._names = names
        self.relayed: set[int] = set()

    def learn(self, plan: AddressPlan) -> None:
        """The links or the plan have changed."""
        state = self._network.state
        self._plan = plan
        self._riding, self._parts = riding(state), parts(state)
        self._bridges = {link.index for link in state.links if link.driver in BRIDGES}
        self._strange = {link.index for link in state.links if is_strange(link, state, plan)}

    def admit(self, key: Key, direction: Direction, seen: Sighting) -> Origin | None:
        """Whether a new flow goes outside; its way and its process."""
        remote, local = text(key.remote), text(key.local)
        called = seen.outgoing and remote in self._network.broadcasts
        if called or self._network.is_guest(seen.link, remote):
            return None
        if is_local(remote) and not (is_link_local(remote) and seen.link in self._strange):
            return None
        forwarded = key.protocol < LLC and local not in self._network.own_addresses
        if forwarded and not seen.outgoing:
            return None  # it is seen again when it leaves, and that way counts
        egress = self._network.egress(self._link_of(seen, local), remote)
        if self._plan.need_not_be_seen(remote, egress):
            return None
        if forwarded:
            self.relayed.add(seen.link)
        who = UnknownProcess(why="forwarded") if forwarded else self._process(key, direction)
        name = self._names.name_of(remote, seen.now)
        return Origin(egress=egress, process=who, name=name)

    def counted_link(self, packet: Packet, frame: Frame) -> int:
        """Index of the link that a frame counts as, 0 when another one shows what counts:
        on a port of a bond or bridge it is that one's.  What a bridge hands on for others is
        not this machine's.
        """
        if frame.link not in self._network.enslaved:
            return frame.link
        whole = self._parts.get(frame.link, 0)
        ours = packet.source if frame.outgoing else packet.destination
        hands_on = whole in self._bridges and text(ours) not in self._network.own_addresses
        return 0 if hands_on else whole

    def link_to(self, remote: str, local: str) -> int | None:
        """Index of the link that has the connection's own address."""
        if is_local(remote) or remote in self._network.own_addresses:
            return None
        return self._network.link_with(local)

    def _link_of(self, seen: Sighting, local: str) -> int:
        """A frame for a link that rides on another one (macvlan) is seen there first."""
        riding_there = self._riding.get(seen.link)
        own = self._network.link_with(local) if riding_there else None
        return own if own is not None and riding_there and own in riding_there else seen.link

    def _process(self, key: Key, direction: Direction) -> Process | UnknownProcess:
        ask = self._attribution.began if direction == "out" else self._attribution.accepted
        local, remote = (key.local, key.local_port), (key.remote, key.remote_port)
        return ask(key.protocol, local, remote, now=time.monotonic())
