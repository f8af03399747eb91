"""Whose signature counts, over a real journal."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import insert, update

from collector.ingest.identities import Identities
from collector.problems import Refused
from collector.store import schema

KEY = Ed25519PrivateKey.generate().public_key()


@pytest.fixture
def identities(journal, clock) -> Identities:
    row = {
        "agent": "pc1",
        "public_key": KEY.public_bytes_raw().hex(),
        "host": "NK3-PC-017",
        "machine": "m",
        "token": "t",
        "enrolled_us": 1,
    }
    with journal.engine.begin() as connection:
        connection.execute(insert(schema.agents).values(row))
    return Identities(journal.engine, now=clock.seconds)


def revoke(journal) -> None:
    with journal.engine.begin() as connection:
        connection.execute(update(schema.agents).values(revoked_us=5))


def test_an_enrolled_agent_is_believed_with_its_own_key(identities):
    found = identities.believed("pc1")

    assert (found.agent, found.host) == ("pc1", "NK3-PC-017")
    assert found.key.public_bytes_raw() == KEY.public_bytes_raw()


@pytest.mark.parametrize(
    ("claimed", "name"), [("", "not-signed"), ("pc2", "unknown-agent"), ("PC1", "unknown-agent")]
)
def test_nobody_else_is(identities, claimed, name):
    with pytest.raises(Refused) as refused:
        identities.believed(claimed)

    assert (refused.value.name, refused.value.problem.status) == (name, 401)


def test_a_revocation_takes_effect_within_a_second(identities, journal, clock):
    identities.believed("pc1")
    revoke(journal)
    clock.s = 0.9
    identities.believed("pc1")
    clock.s = 1.0

    with pytest.raises(Refused, match="agent pc1 may not send any more") as refused:
        identities.believed("pc1")

    assert (refused.value.name, refused.value.problem.status) == ("revoked-agent", 403)
