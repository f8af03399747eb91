"""The end of the trust in one agent, over a real journal."""

import msgspec
import pytest
from sqlalchemy import insert

from collector.entries import EntryKind, TrustEnded
from collector.ingest.accept import Outcome
from collector.ingest.receiving import Claim, check_batch
from collector.ingest.trust import KnownAgent, NotTrusted, end_trust, known_agents
from collector.store import schema
from collector.verify import faults
from tests.sender import Sender


@pytest.fixture
def sender(journal) -> Sender:
    sender = Sender(agent="pc1")
    row = {
        "agent": "pc1",
        "public_key": sender.key.public_key().public_bytes_raw().hex(),
        "host": "NK3-PC-017",
        "machine": "m",
        "token": "t",
        "enrolled_us": 1,
    }
    with journal.engine.begin() as connection:
        connection.execute(insert(schema.agents).values(row))
    return sender


def sent(journal, sender: Sender) -> Outcome:
    body = sender.seal(2)
    claim = Claim(
        agent=sender.agent,
        signature=sender.headers(body)["Wardwatch-Signature"],
        encoding="zstd",
        body=body,
    )
    checked = check_batch(claim, sender.key.public_key())
    outcome = journal.writer.submit_batch(checked.batch).result().decision.outcome
    if outcome is Outcome.NEW:
        sender.took(body, 2)
    return outcome


def revoke(journal, agent: str) -> None:
    journal.writer.submit(lambda page: end_trust(page, agent, actor="wu", reason="stolen")).result()


def test_who_did_it_and_why_stands_in_the_journal(journal, sender):
    revoke(journal, "pc1")

    (entry,) = journal.after(0, 10)
    told = msgspec.json.decode(entry.body, type=TrustEnded)
    assert (entry.kind, entry.agent) == (EntryKind.TRUST, "pc1")
    assert told == TrustEnded(actor="wu", reason="stolen")
    assert list(faults(journal.engine, journal)) == []


def test_a_batch_that_was_on_its_way_is_not_stored_any_more(journal, sender):
    before = sent(journal, sender)
    revoke(journal, "pc1")

    after = sent(journal, sender)

    assert (before, after) == (Outcome.NEW, Outcome.REVOKED)
    assert [entry.kind for entry in journal.after(0, 10)] == [EntryKind.BATCH, EntryKind.TRUST]
    assert list(faults(journal.engine, journal)) == []


def test_an_agent_is_listed_before_and_after(journal, sender, clock):
    before = known_agents(journal.engine)
    clock.us += 5
    revoke(journal, "pc1")

    known = KnownAgent(agent="pc1", host="NK3-PC-017", last_received_us=0, revoked_us=0)
    assert before == [known]
    assert known_agents(journal.engine) == [msgspec.structs.replace(known, revoked_us=clock.us)]


@pytest.mark.parametrize("agent", ["pc2", "pc1"])
def test_nobody_and_whoever_was_revoked_before_cannot_be(journal, sender, agent):
    revoke(journal, "pc1")

    with pytest.raises(NotTrusted, match=f"no agent {agent} that could be revoked"):
        revoke(journal, agent)
    assert len(journal.after(0, 10)) == 1
