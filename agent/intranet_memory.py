"""Gateways past which the collector answered, remembered.  Pure but for `load` and `save`."""

from pathlib import Path
from typing import Annotated

import msgspec

from agent.durable import make_private_folder, move_aside, read_whole, write_durably
from checks.facts.base import Micros
from checks.facts.connections import Egress, Gateway
from checks.facts.witness import IntranetWitness
from checks.plan import AddressPlan

GATEWAYS_KEPT = 64


class _Kept(msgspec.Struct, frozen=True):
    gateways: Annotated[tuple[Gateway, ...], msgspec.Meta(max_length=GATEWAYS_KEPT)] = ()
    last_answer_us: Micros = 0


def load(path: Path) -> IntranetWitness:
    """Empty before the first answer, and when the file was torn (it is set aside): then the
    address plan alone decides until the next answer.

    Raises:
        OSError: it cannot be read.
    """
    content = read_whole(path)
    if content is None:
        return IntranetWitness(gateways=())
    try:
        kept = msgspec.json.decode(content, type=_Kept)
    except msgspec.DecodeError:
        move_aside(path, ".broken")
        return IntranetWitness(gateways=())
    return IntranetWitness(gateways=kept.gateways, last_answer_us=kept.last_answer_us)


def save(path: Path, witness: IntranetWitness) -> None:
    """Raises OSError."""
    make_private_folder(path.parent)
    kept = _Kept(witness.gateways, witness.last_answer_us)
    write_durably(path, msgspec.json.encode(kept))


def witnessed(
    before: IntranetWitness, way: Egress, peer: str, plan: AddressPlan, *, at_us: int
) -> IntranetWitness:
    """With the gateways of a way along which the collector (at `peer`) has just answered.

    Only a way that the address plan knows counts, to a collector inside of it: an answer
    through a tunnel or over the internet makes nobody's router the hospital's.
    """
    if not plan.knows_uplink(way) or plan.zone_of(peer, way) is None:
        return before
    passed = (Gateway(address=way.gateway, mac=way.gateway_mac), *way.link_gateways)
    fresh = tuple(dict.fromkeys(gateway for gateway in passed if gateway.mac))
    if not fresh:
        return before
    kept = [gateway for gateway in before.gateways if gateway not in fresh]
    return IntranetWitness(
        gateways=(*kept, *fresh)[-GATEWAYS_KEPT:], last_answer_us=max(at_us, before.last_answer_us)
    )
