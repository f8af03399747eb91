"""More scenarios, by a second pair of eyes: written from the rules before anything was run."""

import socket
import subprocess
import sys
from itertools import chain

from tests.netns import GATEWAY, OUTSIDE, OUTSIDE6, SECOND_OUTSIDE, SERVER, WORKSTATION
from tests.recall import acts
from tests.recall import uncommon_acts as more
from tests.recall.guests import guest_asks_the_machine, guest_reaches, guests, guests_talk
from tests.recall.outside import KEEPING_PORT, LONG_PORT, SLOWEST_PORT
from tests.recall.scenario import Act, inside, plug, scenarios, shell, then
from tests.recall.world import APPROVED, DENIED, PUBLIC_RESOLVER, World

_PROGRAMS = (sys.executable, "-m", "tests.recall.programs")
_RELAY_PORT = 3129
_MARK = 7
_TOOLS_LOOKED_AT_S = 3.5
_LOOKED_AT_S = 7.0
"""Relays are looked for every six seconds."""


def _from_outside(world: World) -> None:
    """The workstation serves, a host outside connects."""
    with world.workstation.call(more.listening, WORKSTATION, 8080):
        world.outside.call(acts.tcp, WORKSTATION, 8080)


def _asked_from_outside(world: World) -> None:
    with (
        world.workstation.call(more.answering, WORKSTATION, 8080) as server,
        world.outside.call(more.ask, WORKSTATION, 8080),
    ):
        world.workstation.call(more.answer_one, server)


def _asked_from_inside(world: World) -> None:
    with (
        world.workstation.call(more.answering, WORKSTATION, 8080) as server,
        world.router.call(more.ask, WORKSTATION, 8080),
    ):
        world.workstation.call(more.answer_one, server)


def _jumbo(world: World) -> None:
    world.shell("ip link set intranet0 mtu 9000")
    world.shell(
        "ip link set wards0 mtu 9000\nip link set uplink0 mtu 9000", where=world.wards.router
    )
    world.shell("ip link set world0 mtu 9000", where=world.wards.outside)


def _way_changes(destination: str, *, own: str = "") -> Act:
    """A conversation begins over the intranet and goes on over a second link."""

    def act(world: World) -> None:
        with world.workstation.call(more.talking, destination, own=own) as client:
            plug(world)
            world.shell(f"ip route add {destination} via {SECOND_OUTSIDE}")
            world.workstation.call(more.exchange, client, destination)

    return act


def _route_flaps(world: World) -> None:
    """The way is gone for a moment in the middle of a conversation."""
    with world.workstation.call(more.talking, OUTSIDE) as client:
        world.shell("ip route delete default")
        world.workstation.call(more.exchange, client, OUTSIDE)
        world.shell(f"ip route add default via {GATEWAY}")
        world.workstation.call(more.exchange, client, OUTSIDE)


def _one_way_out_another_back(world: World) -> None:
    """Over the second link with the address of the first: the answer comes over the intranet."""
    plug(world)
    world.shell(f"ip route add {OUTSIDE} via {SECOND_OUTSIDE} src {WORKSTATION}")
    world.workstation.call(acts.udp, OUTSIDE)


def _setting(path: str, text: str) -> Act:
    """A file of the workstation's own."""

    def act(world: World) -> None:
        file = world.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    return act


def _program(*words: str, **environment: str) -> Act:
    return lambda world: world.running(*_PROGRAMS, *words, environment=environment)


def _relay_to(destination: str) -> Act:
    """A program takes a connection of another host and has one of its own."""

    def act(world: World) -> None:
        relay = _program("relay", WORKSTATION, str(_RELAY_PORT), destination, str(KEEPING_PORT))
        relay(world)
        client = world.router.call(socket.create_connection, (WORKSTATION, _RELAY_PORT))
        with client:
            acts.pause(_LOOKED_AT_S)

    return act


def _relay_inside(world: World) -> None:
    with world.router.call(more.listening, SERVER, KEEPING_PORT):
        _relay_to(SERVER)(world)


def _tool(name: str) -> Act:
    """A program of that name, for longer than tools are looked for (three seconds)."""

    def act(world: World) -> None:
        program = world.folder / name
        # By another process: no child of ours keeps it open for writing while it is to run.
        subprocess.run(["cp", "/bin/sleep", program], check=True)
        world.program(str(program), "60")
        acts.pause(_TOOLS_LOOKED_AT_S)

    return act


_ODD = scenarios(
    "odd conversations", "reached", "EXT-06",
    ("IPIP in IPIP", inside(more.nested, OUTSIDE, more.IPIP, more.IPIP)),
    ("GRE in 6in4", inside(more.nested, OUTSIDE, more.SIX_IN_4, more.GRE)),
    ("IPIP in GRE", inside(more.nested, OUTSIDE, more.GRE, more.IPIP)),
    ("6in4 in IPIP in GRE",
     inside(more.nested, OUTSIDE, more.GRE, more.IPIP, more.SIX_IN_4)),
    ("a connection from outside", _from_outside),
    ("a datagram from outside, answered", _asked_from_outside),
    ("1,000 connections of 20 processes",
     inside(acts.from_many_processes, OUTSIDE, number=20, times=50)),
    ("checksums and segments made by the kernel", then(
        inside(more.without_offload, "intranet0"), inside(more.big_send, OUTSIDE)
    )),
    ("one write of 500 kilobytes", inside(more.big_send, OUTSIDE)),
    ("twenty datagrams in one call", inside(more.segmented_datagrams, OUTSIDE)),
    ("jumbo frames", then(_jumbo, inside(acts.udp, OUTSIDE, 9999, b"j" * 8000))),
    ("multipath TCP", inside(more.multipath, OUTSIDE)),
    ("multipath TCP over IPv6", inside(more.multipath, OUTSIDE6)),
    ("UDP-Lite", inside(more.udp_lite, OUTSIDE)),
    ("UDP-Lite over IPv6", inside(more.udp_lite, OUTSIDE6)),
    ("an answer in fragments only", inside(acts.udp, OUTSIDE, LONG_PORT)),
    ("an answer in fragments only over IPv6", inside(acts.udp, OUTSIDE6, LONG_PORT)),
    ("hop-by-hop options", inside(more.with_options, OUTSIDE6, more.IPV6_HOPOPTS)),
    ("destination options", inside(more.with_options, OUTSIDE6, more.IPV6_DSTOPTS)),
    ("hop-by-hop options and fragments",
     inside(more.with_options, OUTSIDE6, more.IPV6_HOPOPTS, size=4000)),
    ("two hosts from one port", inside(more.from_one_port, OUTSIDE, DENIED)),
    ("three connections from one port", inside(more.again_from_one_port, OUTSIDE)),
    ("the route is gone for a moment", _route_flaps),
    ("a container behind NAT", guests(guest_reaches(OUTSIDE), masquerade=True)),
    ("a container without NAT", guests(guest_reaches(OUTSIDE))),
)  # fmt: skip

_PATHS = tuple(chain(
    scenarios(
        "two ways at once", "reached", "EXT-01 EXT-03",
        ("chosen by a mark of the packet", then(
            plug,
            shell(
                f"ip route add default via {SECOND_OUTSIDE} table 100\n"
                f"ip rule add fwmark {_MARK} lookup 100 priority 500"
            ),
            inside(more.marked, OUTSIDE, _MARK),
        )),
        ("out over a second link, the answer over the intranet", _one_way_out_another_back),
        ("a link with virtual routing (VRF)", then(
            plug,
            shell(
                "ip link add vrf0 type vrf table 100\nip link set vrf0 up\n"
                "ip link set second0 master vrf0"
            ),
            inside(acts.tcp, SECOND_OUTSIDE, over="vrf0"),
        )),
    ),
    scenarios(
        "two ways at once", "reached", "EXT-01 EXT-03 EXT-06",
        ("a conversation that moves to a second link", _way_changes(OUTSIDE)),
    ),
    scenarios(
        "links and routes", "silent", "EXT-03",
        ("a bond with an address of its own", shell(
            "ip link add bond7 type bond\nip address add 192.168.12.2/24 dev bond7\n"
            "ip link set bond7 up"
        )),
    ),
))  # fmt: skip

_LATE = scenarios(
    "odd conversations", "reached", "EXT-06 EXT-17",
    ("answered after eight seconds", inside(more.patient, OUTSIDE, SLOWEST_PORT)),
)  # fmt: skip

_NAMES = tuple(chain(
    scenarios(
        "name servers", "reached", "EXT-06 EXT-09",
        ("DNS over HTTPS to a public resolver", inside(acts.tcp, PUBLIC_RESOLVER)),
        ("DNS over HTTP/3 to a public resolver", inside(acts.quic, PUBLIC_RESOLVER)),
    ),
    scenarios(
        "name servers", "silent", "EXT-09",
        ("a foreign one is configured", _setting("etc/resolv.conf", f"nameserver {OUTSIDE}\n")),
    ),
    scenarios(
        "name servers", "attempted", "EXT-17",
        ("a foreign one that does not answer", inside(acts.dns, "198.51.100.99")),
    ),
))  # fmt: skip

_PROXIES = tuple(chain(
    scenarios(
        "proxies and relays", "silent", "EXT-07",
        ("set for everybody",
         _setting("etc/environment", "https_proxy=http://10.77.1.88:3128\n")),
        ("in a program's environment",
         _program("wait", https_proxy="http://10.77.1.88:3128")),
    ),
    scenarios(
        "proxies and relays", "reached", "EXT-06 EXT-07",
        ("in use", then(
            _setting("etc/environment", f"https_proxy=http://{OUTSIDE}:3128\n"),
            inside(acts.tcp, OUTSIDE, 3128),
        )),
        ("a program takes connections and has one outside", _relay_to(OUTSIDE)),
    ),
    scenarios(
        "remote tools", "silent", "EXT-08",
        ("frpc", _tool("frpc")),
        ("frpc with the name of its release", _tool("frpc_linux_amd64")),
        ("ngrok", _tool("ngrok")),
        ("AnyDesk", _tool("anydesk")),
    ),
))  # fmt: skip

_QUIET = tuple(chain(
    scenarios(
        "must be quiet", "silent", "",
        ("two containers talk", guests(guests_talk)),
        ("a container asks its machine", guests(guest_asks_the_machine)),
        ("a container behind NAT asks a server inside",
         guests(guest_reaches(SERVER), masquerade=True)),
        ("asked by a host inside", _asked_from_inside),
        ("multipath TCP inside", inside(more.multipath, SERVER)),
        ("a relay between two hosts inside", _relay_inside),
        ("a name server inside is configured",
         _setting("etc/resolv.conf", f"nameserver {SERVER}\n")),
        ("no proxy for some names", _setting("etc/environment", "no_proxy=localhost\n")),
        ("a program of no known tool", _tool("backupd")),
        ("the MTU changes twice", then(_jumbo, shell("ip link set intranet0 mtu 1500"))),
    ),
    scenarios(
        "must be quiet", "reached", "",
        ("an approved destination from a container", guests(
            guest_reaches(APPROVED), masquerade=True
        )),
        ("an approved destination by multipath TCP", inside(more.multipath, APPROVED)),
    ),
))  # fmt: skip

FURTHER = (*_ODD, *_PATHS, *_LATE, *_NAMES, *_PROXIES, *_QUIET)
