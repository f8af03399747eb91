"""Links as facts: what rtnetlink says of them, with what is behind each.

A link that only carries another one on (VLAN, macvlan, bond, bridge with a hardware port) is
of the kind of what it leads out through: the plan's "wired" is also a bond of two cards.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from agent.system.linkkind import Hardware, hardware
from agent.system.netlink import IFF_LOWER_UP, IFF_UP, AddressRow, LinkRow
from agent.system.usbtree import attribute
from checks.facts.network import Address, Link, LinkKind

_MASTERS = frozenset(("bond", "team", "bridge", "openvswitch"))
_RIDERS = frozenset(("vlan", "macvlan", "macvtap", "ipvlan", "ipvtap", "macsec", "hsr"))
_LEADS_OUT: tuple[LinkKind, ...] = (
    "wired",
    "usb_ethernet",
    "wifi",
    "usb_tether",
    "modem",
    "bluetooth",
    "infrared",
    "ppp",
    "pppoe",
)
"""What a link may lead out through.  The first that is among the ports of a bridge names it:
a telephone bridged to the intranet's card is told by its own row."""
_DEEPEST = 8
"""Links ride on links; more than the kernel stacks (MAX_NEST_DEV in linux/netdevice.h)."""


class LinkReader:
    """Remembers what is behind each link, which is asked once."""

    def __init__(self, sysfs: Path, proc: Path) -> None:
        self._sysfs = sysfs
        self._proc = proc
        self._hardware: dict[LinkRow, Hardware] = {}

    def links(self, rows: Sequence[LinkRow], addresses: Iterable[AddressRow]) -> tuple[Link, ...]:
        """Every row as a fact, with its addresses."""
        self._hardware = {row: self._hardware_of(row) for row in rows}
        by_index = {row.index: row for row in rows}
        sessions = self._pppoe_sessions() if self._any("ppp") else 0
        own: dict[int, list[Address]] = {}
        for a in addresses:
            address = Address(address=a.address, prefix_length=a.prefix_length, scope=a.scope)
            own.setdefault(a.index, []).append(address)
        return tuple(
            self._link(row, by_index, tuple(own.get(row.index, ())), sessions) for row in rows
        )

    def _any(self, kind: LinkKind) -> int:
        return sum(behind.kind == kind for behind in self._hardware.values())

    def _hardware_of(self, row: LinkRow) -> Hardware:
        """Asked again while sysfs does not know the link yet."""
        known = next((h for r, h in self._hardware.items() if _same_device(r, row)), None)
        if known is not None and known.kind != "unknown":
            return known
        return hardware(
            self._sysfs,
            name=row.name,
            index=row.index,
            arphrd=row.arphrd,
            rtnl_kind=row.rtnl_kind,
        )

    def _link(
        self,
        row: LinkRow,
        by_index: Mapping[int, LinkRow],
        addresses: tuple[Address, ...],
        sessions: int,
    ) -> Link:
        behind = self._hardware[row]
        lower, master = by_index.get(row.lower), by_index.get(row.master)
        kind = self._leads_as(row, by_index, _DEEPEST)
        if kind == "ppp" and sessions >= self._any("ppp"):
            kind = "pppoe"
        return Link(
            index=row.index,
            name=row.name,
            kind=kind,
            mac=row.mac,
            up=bool(row.flags & IFF_UP),
            carrier=bool(row.flags & IFF_LOWER_UP),
            driver=behind.driver,
            bus=behind.bus,
            device=behind.device,
            description=behind.description,
            lower=lower.name if lower and lower.index != row.index else "",
            addresses=addresses,
            master=master.name if master else "",
            vlan=row.vlan,
        )

    def _leads_as(self, row: LinkRow, by_index: Mapping[int, LinkRow], depth: int) -> LinkKind:
        """The kind of the hardware below; its own where there is none."""
        below = _below(row, by_index) if depth else ()
        kinds = {self._leads_as(each, by_index, depth - 1) for each in below}
        return next((kind for kind in _LEADS_OUT if kind in kinds), self._hardware[row].kind)

    def _pppoe_sessions(self) -> int:
        """How many PPPoE sessions the kernel has: drivers/net/ppp/pppoe.c, pppoe_seq_show.
        It does not say which ppp link is whose; as many sessions as links leave no doubt.
        """
        rows = attribute(self._proc / "net", "pppoe").splitlines()
        return max(0, len(rows) - 1)


def _below(row: LinkRow, by_index: Mapping[int, LinkRow]) -> Iterable[LinkRow]:
    """The links that this one sends through."""
    if row.rtnl_kind in _MASTERS:
        return [port for port in by_index.values() if port.master == row.index]
    lower = by_index.get(row.lower) if row.rtnl_kind in _RIDERS else None
    return () if lower is None or lower is row else (lower,)


def _same_device(one: LinkRow, other: LinkRow) -> bool:
    return (one.index, one.name, one.rtnl_kind) == (other.index, other.name, other.rtnl_kind)
