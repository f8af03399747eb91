"""Whose signature counts: the enrolled agents, remembered for a moment."""

from collections.abc import Callable
from time import monotonic

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Engine, select

from collector.keys import is_signed_by
from collector.problems import Refused, problem
from collector.store import schema

FRESH_S = 1.0
"""How soon a revocation takes effect."""
REMEMBERED = 20_000


class EnrolledAgent(msgspec.Struct, frozen=True, kw_only=True):
    agent: str
    host: str
    key: Ed25519PublicKey
    revoked: bool


class Identities:
    """Used from one thread."""

    def __init__(self, engine: Engine, *, now: Callable[[], float] = monotonic) -> None:
        self._engine = engine
        self._now = now
        self._known: dict[str, tuple[float, EnrolledAgent]] = {}

    def believed(self, claimed: str) -> EnrolledAgent:
        """Raises Refused: no name, nobody of this name, or one that was revoked."""
        if not claimed:
            raise Refused(
                problem(
                    "not-signed",
                    "The request is not signed",
                    status=401,
                    detail="header Wardwatch-Agent is missing",
                )
            )
        found = self._fresh(claimed)
        if found is None:
            raise Refused(
                problem(
                    "unknown-agent",
                    "This agent is not enrolled here",
                    status=401,
                    detail="no agent of the name in header Wardwatch-Agent; enrol it with a token",
                )
            )
        if found.revoked:
            raise revoked(found.agent)
        return found

    def _fresh(self, claimed: str) -> EnrolledAgent | None:
        known = self._known.get(claimed)
        if known is not None and self._now() - known[0] < FRESH_S:
            return known[1]
        found = self._read(claimed)
        if found is None:
            self._known.pop(claimed, None)
            return None
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[claimed] = (self._now(), found)
        return found

    def _read(self, claimed: str) -> EnrolledAgent | None:
        agents = schema.agents
        query = select(
            agents.c.agent, agents.c.host, agents.c.public_key, agents.c.revoked_us
        ).where(agents.c.agent == claimed)
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        if row is None:
            return None
        return EnrolledAgent(
            agent=row.agent,
            host=row.host,
            key=Ed25519PublicKey.from_public_bytes(bytes.fromhex(row.public_key)),
            revoked=bool(row.revoked_us),
        )


def revoked(agent: str) -> Refused:
    """What an agent is told in which trust was ended."""
    return Refused(
        problem(
            "revoked-agent",
            "This agent's identity was revoked",
            status=403,
            detail=f"agent {agent} may not send any more; enrol it anew",
        )
    )


class AgentSignatures:
    """Whether an agent signed something, whenever that was: also one that was revoked since."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def is_signed(self, agent: str, message: bytes, signature: bytes) -> bool | None:
        """None where nobody of this name is enrolled."""
        agents = schema.agents
        asked = select(agents.c.public_key).where(agents.c.agent == agent)
        with self._engine.connect() as connection:
            found = connection.execute(asked).scalar()
        if found is None:
            return None
        return is_signed_by(
            Ed25519PublicKey.from_public_bytes(bytes.fromhex(found)), message, signature
        )
