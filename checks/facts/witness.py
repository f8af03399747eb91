"""Who says that this machine is on the intranet, and who says that it is outside."""

from typing import ClassVar

from checks.facts.base import Fact, Micros
from checks.facts.connections import Egress, Gateway


class IntranetWitness(Fact, frozen=True, kw_only=True, tag="intranet_witness"):
    """Gateways past which the collector answered, proved by its certificate.

    `gateways` are remembered across restarts, those without a MAC are not told.
    `last_answer_us` is the newest answer over any of them.
    """

    state: ClassVar[bool] = True

    gateways: tuple[Gateway, ...]
    last_answer_us: Micros = 0


class BeaconAnswered(Fact, frozen=True, kw_only=True, tag="beacon_answered"):
    """The hospital's own beacon outside signed this agent's nonce: the way is open.

    `receipt` is what it signed, `signature` the Ed25519 signature, both hex; `seen_from`
    the address that the beacon saw.
    """

    beacon: str
    egress: Egress
    nonce: str
    receipt: str
    signature: str
    seen_from: str = ""
    answered_us: Micros
