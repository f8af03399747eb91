"""Connections of this machine to addresses outside the address plan."""

from typing import Annotated, Literal

import msgspec

from checks.facts.base import Fact, Micros, Number, Process, UnknownProcess

Answer = Literal["none", "refused", "two_way"]
Proof = Literal["possible", "attempted", "reached", "confirmed"]
"""Possible: a path exists.  Attempted: packets left.  Reached: answers came back.
Confirmed: a witness outside saw it (`checks.facts.witness.BeaconAnswered`)."""


class Gateway(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A next hop; `mac` is empty when the neighbour table does not hold it."""

    address: str
    mac: str = ""


class Egress(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The way a packet left: the link and the next hop.

    `kind` is a `checks.facts.network.LinkKind`.  `gateway` is empty when the
    destination is on the link itself or the route could not be told
    (`gateway_known` False); `gateway_mac` is empty when the neighbour table does
    not hold it.  `link_gateways` are all next hops that routes over this link name:
    they tell whose link it is, also for what is directly connected.  `vlan` is
    the link's VLAN id, 0 without one.  Made by `checks.plan.egress_over`.
    """

    interface: str
    kind: str
    gateway: str = ""
    gateway_mac: str = ""
    gateway_known: bool = True
    source_mac: str = ""
    link_gateways: tuple[Gateway, ...] = ()
    vlan: Number = 0


class NamedBy(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The name server whose answer gave an address its name, and the way that answer came."""

    server: str
    egress: Egress


class ConnectionSeen(Fact, frozen=True, kw_only=True, tag="connection"):
    """A flow with an address that the plan does not hold inside over this way.

    `source` is the side that began; the outside one is the destination when
    `direction` is `out`, the source when it is `in`.

    `answer`: `none` packets left and nothing came back in `attempt_timeout`;
    `refused` only a TCP reset or an ICMP error came back, which a firewall can
    forge; `two_way` the other side answered (SYN+ACK for TCP, any datagram for
    UDP, the matching reply for ICMP).  `flows` counts the flows that this one fact
    stands for: attempts with the same process, destination and port are counted
    together over `attempts_window`.

    `two_way` is also what left for an address from which something came, whatever both
    looked like (`agent.loose_ends`).

    `protocol` is the IANA name in lower case (`tcp`, `udp`, `icmp`, `icmpv6`) or
    the number in digits; of frames that are no IP the EtherType (`0x88b5`), or `llc`.
    Their other side is `fe80::`, whoever is at the other end of the cable, ours `::`.  Ports are 0 where the protocol has none.  Times are wall
    clock microseconds since the epoch, of the first packet and of the answer (0
    without one).  `evidence` names how it was seen: `packet`, `socket` (found open
    in the kernel's socket table), `overrun` (found after packets were lost).

    `name` is what the outside address was called by the last DNS answer, and `named_by`
    who gave that answer; without it (agents before this field) nobody vouches for the name.
    """

    protocol: str
    source: str
    source_port: Number
    destination: str
    destination_port: Number
    direction: Literal["out", "in"]
    answer: Answer
    egress: Egress
    process: Process | UnknownProcess
    first_seen_us: Micros
    answered_us: Micros = 0
    flows: Annotated[int, msgspec.Meta(ge=1, le=2**31)] = 1
    evidence: Literal["packet", "socket", "overrun"] = "packet"
    name: str = ""
    named_by: NamedBy | None = None
    service: str = ""

    @property
    def proof(self) -> Proof:
        """How far it is proved that the outside was reached."""
        return "reached" if self.answer == "two_way" else "attempted"

    @property
    def outside(self) -> str:
        """The other side's address."""
        return self.destination if self.direction == "out" else self.source

    @property
    def service_port(self) -> int:
        """The port that was asked for, at whichever side."""
        return self.destination_port
