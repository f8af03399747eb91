"""Containers of the workstation, behind a bridge as Docker makes it, with and without NAT."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from tests.netns import WORKSTATION, Hospital
from tests.recall import acts
from tests.recall import uncommon_acts as more
from tests.recall.scenario import Act
from tests.recall.world import CONTAINERS, World
from tests.support.live import Place


def guests(act: Callable[[World, list[Place]], None], *, masquerade: bool = False) -> Act:
    """Two containers behind a bridge of the workstation, as Docker makes them."""

    def played(world: World) -> None:
        world.shell(
            "ip link add docker0 type bridge\nip address add 172.17.0.1/16 dev docker0\n"
            "ip link set docker0 up\necho 1 > /proc/sys/net/ipv4/ip_forward"
        )
        if masquerade:
            world.shell(_MASQUERADE)
        world.shell(f"ip route add {CONTAINERS} via {WORKSTATION}", where=world.wards.router)
        with ExitStack() as ended:
            places = [ended.enter_context(guest(world.wards, number)) for number in (1, 2)]
            act(world, places)

    return played


_MASQUERADE = f"""
nft add table ip guests
nft 'add chain ip guests post {{ type nat hook postrouting priority 100; }}'
nft add rule ip guests post ip saddr {CONTAINERS} oifname != docker0 masquerade
"""


@contextmanager
def guest(wards: Hospital, number: int) -> Iterator[Place]:
    """A container of the workstation, a port of its bridge docker0."""
    name = f"{wards.workstation.removesuffix('ws')}guest{number}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    place = Place(name)
    try:
        port = (
            f"ip link add port{number} master docker0 type veth peer name eth0 netns {name}\n"
            f"ip link set port{number} up"
        )
        wards.run(wards.workstation, "sh", "-ec", port)
        own = (
            f"ip link set lo up\nip address add {guest_address(number)}/16 dev eth0\n"
            "ip link set eth0 up\nip route add default via 172.17.0.1"
        )
        wards.run(name, "sh", "-ec", own)
        yield place
    finally:
        place.close()
        subprocess.run(["ip", "netns", "delete", name], check=True)


def guest_address(number: int) -> str:
    return f"172.17.0.{number + 1}"


def guest_reaches(destination: str) -> Callable[[World, list[Place]], None]:
    return lambda _, guests: guests[0].call(acts.tcp, destination)


def guests_talk(_: World, guests: list[Place]) -> None:
    with guests[1].call(more.listening, guest_address(2), 8080):
        guests[0].call(acts.tcp, guest_address(2), 8080)


def guest_asks_the_machine(world: World, guests: list[Place]) -> None:
    with world.workstation.call(more.listening, "172.17.0.1", 8080):
        guests[0].call(acts.tcp, "172.17.0.1", 8080)
