"""Whom the collector trusts, and the end of that trust in one agent."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import Engine, select, update

from checks.wire import encode
from collector.entries import EntryKind, TrustEnded
from collector.ingest.writer import JournalPage
from collector.store import schema


class NotTrusted(Exception):
    """There is no agent of this id, or trust in it was ended before."""


class KnownAgent(msgspec.Struct, frozen=True, kw_only=True):
    """An agent that enrolled once.  Times in us, 0 is never."""

    agent: str
    host: str
    last_received_us: int
    revoked_us: int


def known_agents(engine: Engine) -> Sequence[KnownAgent]:
    """By id, the revoked ones among them."""
    agents = schema.agents.c
    asked = select(agents.agent, agents.host, agents.last_received_us, agents.revoked_us)
    with engine.connect() as connection:
        rows = connection.execute(asked.order_by(agents.agent)).mappings()
        return [KnownAgent(**row) for row in rows]


def end_trust(page: JournalPage, agent: str, *, actor: str, reason: str) -> None:
    """From this transaction on nothing that the agent sends is stored; what it sent before
    stays, and its key is never taken again.  The journal says who did it and why.

    Raises:
        NotTrusted.
    """
    agents = schema.agents
    standing = (agents.c.agent == agent) & (agents.c.revoked_us == 0)
    ended = page.connection.execute(update(agents).where(standing).values(revoked_us=page.now_us))
    if ended.rowcount == 0:
        raise NotTrusted(f"there is no agent {agent} that could be revoked")
    page.add(EntryKind.TRUST, encode(TrustEnded(actor=actor, reason=reason)), agent=agent)
