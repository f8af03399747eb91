"""The agent's question to the hospital's beacon, and what its answer proves.  Pure."""

from collections.abc import Callable, Iterator, Mapping

import msgspec
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from checks.beacon import (
    RECEIPT_DOMAIN,
    Answered,
    Ask,
    BadReceipt,
    BeaconPass,
    Receipt,
    read_receipt,
    signed_ask,
)
from checks.facts.network import Link, NetworkState
from checks.links import has_outer_end, is_port, own_addresses
from checks.plan import AddressPlan, egress_over, parsed_address


class Way(msgspec.Struct, frozen=True):
    """An uplink that the plan does not know: its link, and the own address to ask from."""

    index: int
    interface: str
    source: str
    gateways: tuple[str, ...]


def question(
    bearer: BeaconPass, nonce: str, asked_us: int, sign: Callable[[bytes], bytes]
) -> bytes:
    """The body to send; `sign` signs with the agent's own key."""
    signature = sign(signed_ask(nonce, asked_us)).hex()
    return msgspec.json.encode(
        Ask(bearer=bearer, nonce=nonce, asked_us=asked_us, signature=signature)
    )


def proved(
    body: bytes, public_key: str, *, nonce: str, at_us: int, own_key: str = ""
) -> tuple[Answered, Receipt]:
    """What the beacon signed, for this agent's key where that is given.

    Raises:
        BadReceipt: this is not the beacon's answer to this question.
    """
    try:
        answered = msgspec.json.decode(body, type=Answered)
        key = VerifyKey(bytes.fromhex(public_key))
        signed = RECEIPT_DOMAIN + bytes.fromhex(answered.receipt)
        key.verify(signed, bytes.fromhex(answered.signature))
    except (msgspec.DecodeError, ValueError, RecursionError, BadSignatureError) as wrong:
        raise BadReceipt(f"not the beacon's answer: {wrong}") from wrong
    return answered, read_receipt(answered.receipt, nonce=nonce, at_us=at_us, key=own_key)


def unknown_ways(network: NetworkState, plan: AddressPlan, beacon: str) -> Iterator[Way]:
    """Uplinks that are up, lead to the beacon's address and are not the plan's own."""
    target = parsed_address(beacon)
    for link in network.links:
        if link.kind == "loopback" or not (link.up and link.carrier) or is_port(link):
            continue
        if not has_outer_end(link) or plan.knows_uplink(egress_over(link, None, network.routes)):
            continue
        routes = [route for route in network.routes if route.interface == link.name]
        leading = [r for r in routes if r.is_default and (":" in r.destination) is (":" in beacon)]
        sources = [a for a in own_addresses(link) if parsed_address(a).version == target.version]
        if leading and sources and not _is_planned(link, network, plan):
            gateways = tuple(route.gateway for route in leading)
            yield Way(link.index, link.name, sources[0], gateways)


def due(
    ways: Iterator[Way], asked: Mapping[tuple[object, ...], float], now: float, every: float
) -> list[Way]:
    """Those that were not asked over in the last `every` seconds."""
    return [way for way in ways if now - asked.get(named(way), float("-inf")) >= every]


def named(way: Way) -> tuple[object, ...]:
    """What tells one uplink from another: a link with its gateways."""
    return (way.interface, *way.gateways)


def _is_planned(link: Link, network: NetworkState, plan: AddressPlan) -> bool:
    """Whether a route over this link is one of the plan's own ways: then it is the
    intranet, and the beacon is never asked over it.
    """
    return any(
        plan.knows_uplink(egress_over(link, route, network.routes))
        for route in network.routes
        if route.interface == link.name
    )
