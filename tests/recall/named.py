"""Addresses outside that somebody calls by a name of the allow-list, and connections to them."""

import socket
import struct
from collections.abc import Callable

from tests.netns import SECOND_OUTSIDE, SERVER, WORKSTATION
from tests.recall import acts
from tests.recall import uncommon_acts as more
from tests.recall.outside import DNS_PORT
from tests.recall.scenario import Act, plug
from tests.recall.world import APPROVED_NAME, World
from tests.support.live import Place

_HEADER = struct.Struct("!HHHHHH")
_NUMBER, _QUESTION, _ANSWER = 0x2323, 0x0100, 0x8180
_NAME = b"".join(bytes([len(label)]) + label.encode() for label in APPROVED_NAME.split("."))
_ASKED = _NAME + b"\0\0\1\0\1"  # QTYPE A, QCLASS IN: RFC 1035 4.1.2
_RECORD = b"\xc0\x0c\0\1\0\1" + struct.pack("!IH", 300, 4)
"""A record of the name that was asked for, five minutes long, before its address."""


def in_the_router(world: World) -> Place:
    return world.router


def in_the_outside(world: World) -> Place:
    return world.outside


def named(address: str, *, by: str, standing: Callable[[World], Place]) -> Act:
    """The server `by`, which stands there, is asked for the approved name and gives this
    address; then it is connected to.
    """

    def act(world: World) -> None:
        place = standing(world)
        with (
            place.call(more.answering, by, DNS_PORT) as server,
            world.workstation.call(_ask, by) as client,
        ):
            place.call(_answer, server, address)
            world.workstation.call(client.recv, 2000)
        world.workstation.call(acts.tcp, address)

    return act


def with_the_servers_address(world: World) -> None:
    """Whoever stands at the other end of the second link has the hospital's name server's."""
    plug(world)
    world.shell(f"ip address add {SERVER}/32 dev cable0", where=world.wards.outside)
    world.shell(f"ip route add {SERVER}/32 via {SECOND_OUTSIDE}")


def forged(address: str) -> Act:
    """An answer of the hospital's name server that nobody asked for; then a connection."""

    def act(world: World) -> None:
        with (
            world.workstation.call(more.answering, "0.0.0.0", 0) as client,
            world.router.call(more.answering, SERVER, DNS_PORT) as server,
        ):
            own = (WORKSTATION, client.getsockname()[1])
            world.router.call(server.sendto, _answered(address), own)
            world.workstation.call(client.recv, 2000)
        world.workstation.call(acts.tcp, address)

    return act


def _ask(server: str) -> socket.socket:
    client = more.answering("0.0.0.0", 0)
    client.sendto(_HEADER.pack(_NUMBER, _QUESTION, 1, 0, 0, 0) + _ASKED, (server, DNS_PORT))
    return client


def _answer(server: socket.socket, address: str) -> None:
    _, sender = server.recvfrom(2000)
    server.sendto(_answered(address), sender)


def _answered(address: str) -> bytes:
    return _HEADER.pack(_NUMBER, _ANSWER, 1, 1, 0, 0) + _ASKED + _RECORD + socket.inet_aton(address)
