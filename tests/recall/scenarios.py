"""The scenarios: what is set up, what is done, what crosses the boundary, which rules speak."""

from itertools import chain

from tests.netns import (
    GATEWAY,
    OUTSIDE,
    OUTSIDE6,
    SECOND_OUTSIDE,
    SECOND_WORKSTATION,
    SERVER,
    SERVER6,
    SILENT,
    SILENT6,
    WORKSTATION,
)
from tests.recall import acts
from tests.recall.further_scenarios import FURTHER
from tests.recall.named import (
    forged,
    in_the_outside,
    in_the_router,
    named,
    with_the_servers_address,
)
from tests.recall.scenario import Act, inside, plug, scenarios, shell, then
from tests.recall.world import (
    APPROVED,
    BEYOND,
    BEYOND6,
    DENIED,
    FORGED,
    LAPSED,
    LATER_MISNAMED,
    MISNAMED,
    NAMED,
    PUBLIC_ELSEWHERE,
    PUBLIC_INSIDE,
    REFUSING,
    World,
)


def _inject(destination: str) -> Act:
    def act(world: World) -> None:
        mac = world.router.call(acts.mac_of, "wards0")
        world.workstation.call(acts.inject, "intranet0", mac, WORKSTATION, destination)

    return act


def _small_mtu(world: World) -> None:
    world.shell("ip link set intranet0 mtu 1280")
    world.shell("ip link set wards0 mtu 1280", where=world.wards.router)


def _from_outside(world: World) -> None:
    world.outside.call(acts.ping, WORKSTATION)


def _flap(world: World) -> None:
    world.second_link()
    world.wards.unplug_second_link()


_LEAK = scenarios(
    "through the intranet's gateway", "reached", "EXT-06",
    ("TCP, closed at once", inside(acts.tcp, OUTSIDE)),
    ("TCP over IPv6", inside(acts.tcp, OUTSIDE6)),
    ("TCP, ended by a reset", inside(acts.tcp_reset, OUTSIDE)),
    ("TCP, one half closed first", inside(acts.tcp_half_open, OUTSIDE)),
    ("TCP fast open", inside(acts.tcp_fast_open, OUTSIDE)),
    ("TCP to SSH", inside(acts.tcp, OUTSIDE, 22)),
    ("TCP to an unusual port", inside(acts.tcp, OUTSIDE, 8443)),
    ("UDP, one datagram each way", inside(acts.udp, OUTSIDE)),
    ("UDP over IPv6", inside(acts.udp, OUTSIDE6)),
    ("UDP, 200 questions in one flow", inside(acts.long_answered)),
    ("UDP in fragments", inside(acts.udp, OUTSIDE, 9999, b"f" * 8000)),
    ("UDP in fragments over IPv6", inside(acts.udp, OUTSIDE6, 9999, b"f" * 8000)),
    ("NTP port outside", inside(acts.udp, OUTSIDE, 123)),
    ("IPsec NAT traversal port", inside(acts.udp, OUTSIDE, 4500)),
    ("QUIC", inside(acts.quic, OUTSIDE)),
    ("no DNS on the port of DNS", inside(acts.udp, OUTSIDE, 53)),
    ("QUIC over IPv6", inside(acts.quic, OUTSIDE6)),
    ("ICMP echo", inside(acts.ping, OUTSIDE)),
    ("ICMP echo in fragments", inside(acts.ping, OUTSIDE, 4000)),
    ("ICMPv6 echo", inside(acts.ping, OUTSIDE6)),
    ("a raw IPIP packet", inside(acts.raw, OUTSIDE, 4)),
    ("a raw 6in4 packet", inside(acts.raw, OUTSIDE, 41)),
    ("a raw GRE packet", inside(acts.raw, OUTSIDE, 47)),
    ("a raw ESP packet", inside(acts.raw, OUTSIDE, 50)),
    ("a raw AH packet", inside(acts.raw, OUTSIDE, 51)),
    ("a raw OSPF packet", inside(acts.raw, OUTSIDE, 89)),
    ("a raw SCTP packet", inside(acts.raw, OUTSIDE, 132)),
    ("a raw packet of an unknown protocol", inside(acts.raw, OUTSIDE, 253)),
    ("pinged from outside", _from_outside),
    ("a burst of 1,000 connections", inside(acts.tcp, OUTSIDE, times=1000)),
    ("ten processes", inside(acts.from_many_processes, OUTSIDE)),
    ("a denied destination", inside(acts.tcp, DENIED)),
    ("a small MTU", then(_small_mtu, inside(acts.udp, OUTSIDE, 9999, b"m" * 3000))),
    ("a frame past the kernel's routing", _inject(OUTSIDE)),
    ("a policy route of its own table", then(
        shell(
            f"ip route add default via {GATEWAY} table 100\n"
            f"ip rule add to {OUTSIDE} lookup 100 priority 500"
        ),
        inside(acts.tcp, OUTSIDE),
    )),
    ("bound to the intranet's link", inside(acts.tcp, OUTSIDE, over="intranet0")),
    ("the link loses its route right after", then(
        inside(acts.tcp, OUTSIDE), shell("ip route delete default; ip -6 route delete default")
    )),
    ("an unlisted port of an insurance's neighbour", inside(acts.tcp, OUTSIDE, 3128)),
)  # fmt: skip

_NAMES = scenarios(
    "name servers", "reached", "EXT-06 EXT-09",
    ("DNS to a foreign resolver", inside(acts.dns, OUTSIDE)),
    ("DNS to a foreign resolver over IPv6", inside(acts.dns, OUTSIDE6)),
    ("DNS over TLS", inside(acts.tcp, OUTSIDE, 853)),
    ("DNS over QUIC", inside(acts.udp, OUTSIDE, 853)),
    ("an approved name, given by its own host",
     named(MISNAMED, by=MISNAMED, standing=in_the_outside)),
)  # fmt: skip

_MISNAMED = tuple(chain(
    scenarios(
        "name servers", "reached", "EXT-06",
        ("an approved name that nobody asked for", forged(FORGED)),
    ),
    scenarios(
        "name servers", "reached", "EXT-01 EXT-03 EXT-06",
        ("an approved name, given at the server's address on a second link", then(
            with_the_servers_address,
            named(LATER_MISNAMED, by=SERVER, standing=in_the_outside),
        )),
    ),
))  # fmt: skip

_LATE = scenarios(
    "through the intranet's gateway", "reached", "EXT-06 EXT-17",
    ("UDP, answered when it was already an attempt", inside(acts.udp, OUTSIDE, acts.SLOW_PORT)),
)  # fmt: skip

_SECOND = scenarios(
    "over a second link", "reached", "EXT-01 EXT-03",
    ("TCP", then(plug, inside(acts.tcp, BEYOND))),
    ("TCP over IPv6", then(plug, inside(acts.tcp, BEYOND6))),
    ("UDP", then(plug, inside(acts.udp, BEYOND))),
    ("QUIC", then(plug, inside(acts.quic, BEYOND))),
    ("ICMP echo", then(plug, inside(acts.ping, BEYOND))),
    ("a raw ESP packet", then(plug, inside(acts.raw, BEYOND, 50))),
    ("an address of the intranet's own prefix", then(plug, inside(acts.tcp, SECOND_OUTSIDE))),
    ("the hospital's public prefix elsewhere", then(
        plug, shell(f"ip route add {PUBLIC_ELSEWHERE} via {SECOND_OUTSIDE}"),
        inside(acts.tcp, PUBLIC_ELSEWHERE),
    )),
    ("bound to the second link", then(
        plug, inside(acts.tcp, SECOND_OUTSIDE, over="second0")
    )),
    ("an approved destination by another way", then(
        plug, shell(f"ip route add {APPROVED} via {SECOND_OUTSIDE}"), inside(acts.tcp, APPROVED)
    )),
    ("a lapsed destination by another way", then(
        plug, shell(f"ip route add {LAPSED} via {SECOND_OUTSIDE}"), inside(acts.tcp, LAPSED)
    )),
    ("a policy route out of a second table", then(
        plug,
        shell(
            f"ip route add default via {SECOND_OUTSIDE} table 100\n"
            f"ip rule add to {OUTSIDE} lookup 100 priority 500"
        ),
        inside(acts.tcp, OUTSIDE),
    )),
    ("a second default route", then(
        plug,
        shell(
            f"ip route delete default\nip route add default via {GATEWAY} metric 100\n"
            f"ip route add default via {SECOND_OUTSIDE} metric 1"
        ),
        inside(acts.tcp, OUTSIDE),
    )),
    ("unplugged right after", then(
        plug, inside(acts.tcp, BEYOND), lambda world: world.wards.unplug_second_link()
    )),
    ("the address goes right after", then(
        plug, inside(acts.tcp, BEYOND),
        shell(f"ip address delete {SECOND_WORKSTATION}/24 dev second0"),
    )),
    ("traffic the moment it is plugged", then(
        lambda world: world.second_link(), inside(acts.tcp, BEYOND)
    )),
    ("a burst of 500", then(plug, inside(acts.tcp, BEYOND, times=500))),
    ("pinged from outside", then(
        plug, lambda world: world.outside.call(acts.ping, SECOND_WORKSTATION)
    )),
)  # fmt: skip

_AWAY = scenarios(
    "away from the intranet", "reached", "EXT-02",
    ("cable out, second link in", then(
        shell("ip link set intranet0 down"), plug, inside(acts.tcp, BEYOND)
    )),
    ("cable out, UDP over the second link", then(
        shell("ip link set intranet0 down"), plug, inside(acts.udp, BEYOND)
    )),
)  # fmt: skip

_LAPSED = scenarios(
    "lapsed approvals", "reached", "EXT-16",
    ("an approval that has ended", inside(acts.tcp, LAPSED)),
    ("an approval that has ended, UDP", inside(acts.udp, LAPSED)),
)  # fmt: skip

_ATTEMPTS = scenarios(
    "attempts", "attempted", "EXT-17",
    ("TCP into silence", inside(acts.tcp, SILENT)),
    ("TCP into silence over IPv6", inside(acts.tcp, SILENT6)),
    ("UDP into silence", inside(acts.udp, SILENT)),
    ("a ping into silence", inside(acts.ping, SILENT)),
    ("a refused port", inside(acts.tcp, OUTSIDE, 444)),
    ("a UDP port that is not open", inside(acts.udp, OUTSIDE, 444)),
    ("a frame past the kernel's routing", _inject(SILENT)),
    ("a sweep over 100 silent ports", inside(acts.udp_ports, SILENT, range(20_000, 20_100))),
    ("a lapsed approval's port, refused", inside(acts.tcp, LAPSED, 444)),
)  # fmt: skip

_REFUSED = scenarios(
    "attempts", "silent", "EXT-17",
    ("the router knows no way", inside(acts.tcp, REFUSING)),
    ("the router knows no way, UDP", inside(acts.udp, REFUSING)),
)  # fmt: skip

_LINKS = tuple(chain(
    scenarios(
        "links and routes", "silent", "EXT-03",
        ("a second card", plug),
        ("a second card for a moment", _flap),
        ("a route from a router advertisement", then(
            plug,
            shell("ip -6 route add default via fe80::99 dev second0 proto ra metric 2000"),
        )),
        ("a second default gateway on the intranet's own link",
         shell("ip route add default via 10.77.1.99 metric 500")),
        ("an address outside the plan on the intranet's link",
         shell("ip address add 192.168.8.2/24 dev intranet0")),
        ("a macvlan with an address of its own", shell(
            "ip link add mac0 link intranet0 type macvlan mode bridge\n"
            "ip address add 192.168.9.2/24 dev mac0\nip link set mac0 up"
        )),
        ("a VLAN with an address of its own", shell(
            "ip link add link intranet0 name v5 type vlan id 5\n"
            "ip address add 192.168.10.2/24 dev v5\nip link set v5 up"
        )),
        ("a VLAN in a VLAN", shell(
            "ip link add link intranet0 name v6 type vlan id 6 proto 802.1ad\n"
            "ip link set v6 up\nip link add link v6 name v7 type vlan id 7\n"
            "ip address add 192.168.11.2/24 dev v7\nip link set v7 up"
        )),
    ),
    scenarios(
        "tunnels", "silent", "EXT-08",
        ("TUN", shell("ip tuntap add x0 mode tun; ip link set x0 up")),
        ("TAP", shell("ip tuntap add x0 mode tap; ip link set x0 up")),
        ("VXLAN", shell(
            f"ip link add x0 type vxlan id 7 remote {GATEWAY} dstport 4789\nip link set x0 up"
        )),
        *((kind, shell(f"ip link add x0 type {words}\nip link set x0 up")) for kind, words in (
            ("WireGuard", "wireguard"),
            ("GRE", f"gre local {WORKSTATION} remote {OUTSIDE}"),
            ("GRE with Ethernet", f"gretap local {WORKSTATION} remote {OUTSIDE}"),
            ("IPIP", f"ipip local {WORKSTATION} remote {OUTSIDE}"),
            ("SIT", f"sit local {WORKSTATION} remote {OUTSIDE}"),
            ("Geneve", f"geneve id 9 remote {OUTSIDE}"),
        )),
    ),
    scenarios(
        "forwarding", "silent", "EXT-03 EXT-11",
        ("between the intranet and a second link",
         then(plug, shell("echo 1 > /proc/sys/net/ipv4/ip_forward"))),
        ("over IPv6",
         then(plug, shell("echo 1 > /proc/sys/net/ipv6/conf/all/forwarding"))),
    ),
))  # fmt: skip

_QUIET = tuple(chain(
    scenarios(
        "must be quiet", "silent", "",
        ("a server inside", inside(acts.tcp, SERVER)),
        ("a server inside over IPv6", inside(acts.tcp, SERVER6)),
        ("UDP to a server inside", inside(acts.udp, SERVER)),
        ("a ping inside", inside(acts.ping, SERVER)),
        ("the gateway", inside(acts.ping, GATEWAY)),
        ("the hospital's public prefix inside", inside(acts.tcp, PUBLIC_INSIDE)),
        ("loopback", inside(acts.loopback)),
        ("its own address", inside(acts.own_address, WORKSTATION)),
        ("mDNS", inside(acts.multicast, "224.0.0.251", 5353)),
        ("LLMNR", inside(acts.multicast, "224.0.0.252", 5355)),
        ("SSDP", inside(acts.multicast, "239.255.255.250", 1900)),
        ("mDNS over IPv6", inside(acts.multicast, "ff02::fb", 5353)),
        ("DHCP's broadcast", inside(acts.broadcast, "255.255.255.255", 67)),
        ("a broadcast to the segment", inside(acts.broadcast, "10.77.1.255", 137)),
        ("ARP for a neighbour", inside(acts.tcp, "10.77.1.77")),
        ("a name server inside", inside(acts.dns, SERVER)),
        ("time from inside", inside(acts.udp, SERVER, 123)),
        ("a bridge of virtual machines", shell(
            "ip link add virbr0 type bridge\nip address add 192.168.122.1/24 dev virbr0\n"
            "ip link set virbr0 up\nip tuntap add vnet0 mode tap\n"
            "ip link set vnet0 master virbr0 up\necho 1 > /proc/sys/net/ipv4/ip_forward"
        )),
        ("a bridge of containers", shell(
            "ip link add docker0 type bridge\nip address add 172.17.0.1/16 dev docker0\n"
            "ip link set docker0 up\nip link add c0 type veth peer name c1\n"
            "ip link set c0 master docker0 up"
        )),
        ("a dummy with an address", shell(
            "ip link add d0 type dummy\nip address add 192.168.50.1/24 dev d0\nip link set d0 up"
        )),
        ("a tunnel that is switched off", shell("ip tuntap add x0 mode tun")),
        ("a burst of 300 inside", inside(acts.tcp, SERVER, times=300)),
    ),
    scenarios(
        "must be quiet", "reached", "",
        ("an approved destination", inside(acts.tcp, APPROVED)),
        ("an approved name", named(NAMED, by=SERVER, standing=in_the_router)),
        ("an approved destination, UDP", inside(acts.udp, APPROVED)),
        ("an approved destination, ping", inside(acts.ping, APPROVED)),
    ),
    scenarios(
        "must be quiet", "attempted", "",
        ("an approved destination that refuses", inside(acts.tcp, APPROVED, 444)),
    ),
))  # fmt: skip

SCENARIOS = (
    *FURTHER, *_LEAK, *_LATE, *_NAMES, *_MISNAMED, *_SECOND, *_AWAY, *_LAPSED, *_ATTEMPTS, *_REFUSED, *_LINKS, *_QUIET,
)  # fmt: skip
