"""Passes for the beacon, and whether a receipt that an agent brings is the beacon's own."""

from collections.abc import Callable

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import Engine, select

from checks.beacon import RECEIPT_DOMAIN, BadReceipt, BeaconPass, read_receipt, signed_pass
from checks.facts.witness import BeaconAnswered
from checks.policy import Policy
from collector.store import schema

DAY_US = 24 * 3600 * 1_000_000
PERIOD_US = 30 * DAY_US
"""A pass is renewed with each period and lasts to the end of the third from its own."""


class Passes:
    """The same pass for an agent throughout a period."""

    def __init__(
        self, journal: Engine, signer: Ed25519PrivateKey, *, clock: Callable[[], int]
    ) -> None:
        self._journal = journal
        self._signer = signer
        self._clock = clock

    def until_us(self) -> int:
        """When the passes given now end."""
        return (self._clock() // PERIOD_US + 3) * PERIOD_US

    def of(self, agent: str) -> BeaconPass | None:
        """None for an agent that is not enrolled, or no longer."""
        agents = schema.agents
        enrolled = select(agents.c.public_key).where(
            agents.c.agent == agent, agents.c.revoked_us == 0
        )
        with self._journal.connect() as connection:
            key = connection.execute(enrolled).scalar_one_or_none()
        if key is None:
            return None
        until_us = self.until_us()
        signature = self._signer.sign(signed_pass(key, until_us))
        return BeaconPass(key=key, until_us=until_us, signature=signature.hex())


def doubt_about(fact: BeaconAnswered, policy: Policy, *, at_us: int) -> str:
    """Why this answer proves nothing; empty when the policy's beacon signed it for this
    nonce at this time (wall clock of the observation, us).
    """
    try:
        beacon = Ed25519PublicKey.from_public_bytes(bytes.fromhex(policy.beacon.public_key))
        signed = RECEIPT_DOMAIN + bytes.fromhex(fact.receipt)
        beacon.verify(bytes.fromhex(fact.signature), signed)
        read_receipt(fact.receipt, nonce=fact.nonce, at_us=at_us)
    except InvalidSignature:
        return "the beacon's receipt is not signed by the key of the policy"
    except BadReceipt as bad:
        return f"the beacon's receipt: {bad}"
    except (ValueError, msgspec.DecodeError) as wrong:
        return f"the beacon's receipt cannot be verified: {wrong}"
    return ""
