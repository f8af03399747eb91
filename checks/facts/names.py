"""Who resolves names where."""

from typing import ClassVar, Literal

import msgspec

from checks.facts.base import Count, Fact, Micros, Process, UnknownProcess
from checks.facts.connections import Egress

NameTransport = Literal["dns", "dot", "doh", "doq", "mdns", "llmnr"]


class Resolver(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A name server that is configured here; `source` says where (`/etc/resolv.conf`,
    `systemd-resolved eth0`, `NetworkManager`).
    """

    address: str
    source: str


class ResolverState(Fact, frozen=True, kw_only=True, tag="resolvers"):
    """Every configured name server, stub resolvers of this machine resolved further."""

    state: ClassVar[bool] = True

    resolvers: tuple[Resolver, ...]


class NameServerUsed(Fact, frozen=True, kw_only=True, tag="name_server_used"):
    """A name server that the policy does not list was asked, inside or outside.

    `transport` is told by port and protocol, `doh` by the policy's list of such servers.
    `queries` counts those of one process, server and transport over `attempts_window`.
    No name that was asked for is in here.
    """

    server: str
    transport: NameTransport
    answered: bool
    egress: Egress
    process: Process | UnknownProcess
    first_seen_us: Micros
    queries: Count = 1


class CanaryAnswered(Fact, frozen=True, kw_only=True, tag="canary_answered"):
    """An answer with a public address for the policy's canary name, which no server of
    the hospital resolves: somebody here asks the outside.
    """

    name: str
    server: str
    addresses: tuple[str, ...]
    egress: Egress
