"""Nothing passes certain links: a table of our own in nf_tables.

linux/netfilter/nf_tables.h.  Links are compared by all sixteen bytes of their name, so a name
that another program would read as a pattern (`eth*`) means itself, and a link that comes back
under its name finds the cut in place.  Every change is one transaction of the kernel: there is
no moment with half a table, also for a process that is killed.  Nobody else's table is touched.
"""

import errno
import socket
import struct
from collections.abc import Iterable, Iterator
from contextlib import closing

from agent.system.nlmsg import CREATE, Order, Questions, attribute

TABLE = "wardwatch"
"""In the family `inet`, which is IPv4 and IPv6."""
_PROTOCOL = 12  # NETLINK_NETFILTER
_BATCH_BEGIN, _BATCH_END = 0x10, 0x11  # NFNL_MSG_BATCH_* of linux/netfilter/nfnetlink.h
_SUBSYSTEM = 10  # NFNL_SUBSYS_NFTABLES
_NEWTABLE, _GETTABLE, _DELTABLE, _NEWCHAIN, _NEWRULE = (
    _SUBSYSTEM << 8 | number for number in (0, 1, 2, 3, 6)
)
_APPEND = 0x800  # NLM_F_APPEND
_NESTED = 0x8000  # NLA_F_NESTED
_HEADER = struct.Struct(">BBH")  # nfgenmsg
_INET = 1  # NFPROTO_INET
_LOCAL_IN, _FORWARD, _LOCAL_OUT = 1, 2, 3  # linux/netfilter.h
_BEFORE_ALL = -300
"""NF_IP_PRI_RAW: before connections are tracked and addresses translated."""
_REGISTER, _VERDICT_REGISTER = 1, 0  # NFT_REG_1, NFT_REG_VERDICT
_IIFNAME, _OIFNAME = 6, 7  # NFT_META_*
_EQUAL, _DROP = 0, 0  # NFT_CMP_EQ, NF_DROP
_NAME_SIZE = 16  # IFNAMSIZ, with the zero at the end
_CHAINS = (
    ("input", _LOCAL_IN, (_IIFNAME,)),
    ("forward", _FORWARD, (_IIFNAME, _OIFNAME)),
    ("output", _LOCAL_OUT, (_OIFNAME,)),
)


def cut(interfaces: Iterable[str]) -> None:
    """Exactly these links are cut afterwards; none of them: our table is gone.

    Raises:
        OSError: the kernel refused (no CAP_NET_ADMIN, no nf_tables); all is as before.
    """
    names = sorted(set(interfaces))
    _transact(_replacing(names) if names else _removing())


def is_cutting() -> bool:
    """Whether our table stands.  Raises OSError: it may not be asked."""
    with closing(Questions(_PROTOCOL)) as questions:
        try:
            questions.one(_GETTABLE, _message(attribute(1, _text(TABLE))))
        except OSError as refusal:
            if refusal.errno == errno.ENOENT:
                return False
            raise
    return True


def _transact(orders: Iterable[Order]) -> None:
    """What begins and ends a batch is never acknowledged; the last order is."""
    bound = _HEADER.pack(socket.AF_UNSPEC, 0, _SUBSYSTEM)
    with closing(Questions(_PROTOCOL)) as questions:
        questions.transact(Order(_BATCH_BEGIN, bound), tuple(orders), Order(_BATCH_END, bound))


def _removing() -> Iterator[Order]:
    """Made first, so that its absence is no error."""
    table = _message(attribute(1, _text(TABLE)))
    yield Order(_NEWTABLE, table, CREATE)
    yield Order(_DELTABLE, table)


def _replacing(names: list[str]) -> Iterator[Order]:
    yield from _removing()
    yield Order(_NEWTABLE, _message(attribute(1, _text(TABLE))), CREATE)
    for chain, hook, keys in _CHAINS:
        yield Order(_NEWCHAIN, _message(_chain(chain, hook)), CREATE)
        for name in names:
            for key in keys:
                yield Order(_NEWRULE, _message(_rule(chain, key, name)), CREATE | _APPEND)


def _chain(name: str, hook: int) -> bytes:
    where = attribute(1, struct.pack(">I", hook)) + attribute(2, struct.pack(">i", _BEFORE_ALL))
    return (
        attribute(1, _text(TABLE))
        + attribute(3, _text(name))
        + attribute(4 | _NESTED, where)
        + attribute(7, _text("filter"))
    )


def _rule(chain: str, key: int, interface: str) -> bytes:
    """`iifname "usb0" drop`: load the name, compare it, drop."""
    name = interface.encode("utf-8", "surrogateescape")
    if not 0 < len(name) < _NAME_SIZE:
        raise OSError(errno.EINVAL, f"no interface can be called {interface!r}")
    load = attribute(1, _number(_REGISTER)) + attribute(2, _number(key))
    compare = (
        attribute(1, _number(_REGISTER))
        + attribute(2, _number(_EQUAL))
        + attribute(3 | _NESTED, attribute(1, name.ljust(_NAME_SIZE, b"\0")))
    )
    verdict = attribute(2 | _NESTED, attribute(1, _number(_DROP)))
    drop = attribute(1, _number(_VERDICT_REGISTER)) + attribute(2 | _NESTED, verdict)
    steps = (("meta", load), ("cmp", compare), ("immediate", drop))
    listed = b"".join(
        attribute(1 | _NESTED, attribute(1, _text(step)) + attribute(2 | _NESTED, inside))
        for step, inside in steps
    )
    return attribute(1, _text(TABLE)) + attribute(2, _text(chain)) + attribute(4 | _NESTED, listed)


def _message(attributes: bytes) -> bytes:
    return _HEADER.pack(_INET, 0, 0) + attributes


def _text(value: str) -> bytes:
    return value.encode() + b"\0"


def _number(value: int) -> bytes:
    return struct.pack(">I", value)
