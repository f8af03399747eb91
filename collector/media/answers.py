"""The register's answer to an agent that asks about a medium, signed like a policy."""

import base64

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine

from checks.facts.media import Medium
from checks.policy import Endpoint
from checks.wire import STANDING_DOMAIN, MediumAsked, encode, place_of
from collector.judging.media import KEY_LIMIT
from collector.judging.standing import standing_of
from collector.policies import registered
from collector.ports import Clock, PolicySource
from collector.problems import Refused, problem
from collector.queries.receipts import StoredReceipts
from collector.queries.register import StoredMedia


class SignedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`signature` is base64 over the body."""

    body: bytes
    signature: str


class Standings:
    """Answers from what is committed; may be called from several threads."""

    def __init__(
        self, store: Engine, policies: PolicySource, signer: Ed25519PrivateKey, *, clock: Clock
    ) -> None:
        self._store = store
        self._known = StoredMedia(store)
        self._receipts = StoredReceipts(store)
        self._policies = policies
        self._signer = signer
        self._clock = clock

    def answer(self, medium: Medium, agent: str) -> SignedAnswer:
        """For the endpoint that asks."""
        now_us = self._clock()
        standing = standing_of(
            medium,
            self._known,
            policy=self._policies.current(),
            endpoint_of=self._endpoint,
            receipt_of=lambda key, counts: self._receipts.in_force(key, now_us, counts),
            clean_us_of=self._receipts.last_clean_us,
            asked_by=agent,
            at_us=now_us,
        )
        body = encode(standing)
        signature = self._signer.sign(STANDING_DOMAIN + body)
        return SignedAnswer(body=body, signature=base64.b64encode(signature).decode("ascii"))

    def _endpoint(self, agent: str) -> Endpoint:
        return registered(self._store, agent) or Endpoint(id=agent)


def read_asked(body: bytes) -> MediumAsked:
    """Raises Refused: it is no medium, or one without a key."""
    try:
        asked = msgspec.json.decode(body, type=MediumAsked)
    except (msgspec.DecodeError, RecursionError) as wrong:
        told = place_of(wrong) if isinstance(wrong, msgspec.DecodeError) else "nested too deeply"
        raise _malformed(told) from wrong
    if not 0 < len(asked.medium.key) <= KEY_LIMIT:
        raise _malformed(f"medium.key: 1 to {KEY_LIMIT} characters")
    return asked


def _malformed(detail: str) -> Refused:
    return Refused(
        problem("malformed-request", "The request cannot be read", status=422, detail=detail)
    )
