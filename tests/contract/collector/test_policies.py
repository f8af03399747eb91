"""The policy in force and each endpoint's signed copy, over real databases."""

import base64

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import func, insert, select

from checks.policy import PolicyDocument, PolicyError
from checks.wire import POLICY_DOMAIN
from collector.entries import EntryKind, PolicyApplied
from collector.keys import is_signed_by
from collector.policies import NoPolicy, PolicyChanged, PolicyDocuments, SqlPolicies
from collector.store import schema

FIRST, SECOND = '[hospital]\nphone = "8120"\n', '[hospital]\nphone = "8121"\n'
SIGNER = Ed25519PrivateKey.generate()


@pytest.fixture
def policies(journal, clock) -> SqlPolicies:
    return SqlPolicies(journal.engine, journal.writer, now=clock.seconds)


@pytest.fixture
def documents(policies, store, clock) -> PolicyDocuments:
    policies.apply(FIRST, actor="li")
    return PolicyDocuments(policies, store, SIGNER, now=clock.seconds)


def register(store, agent: str, department: str) -> None:
    table = schema.endpoints
    with store.begin() as connection:
        connection.execute(table.delete().where(table.c.agent == agent))
        connection.execute(
            insert(table).values(
                agent=agent,
                name="NK3-PC-017",
                department=department,
                groups=["ward"],
                enrolled_us=1,
            )
        )


def test_without_a_policy_that_is_said(policies):
    with pytest.raises(NoPolicy, match="run: wardwatch-collector init"):
        policies.current()


def test_who_wrote_over_an_older_version_is_told_and_changes_nothing(policies, journal):
    policies.apply(FIRST, actor="li")
    SqlPolicies(journal.engine, journal.writer).apply(SECOND, actor="wu", over=1)

    with pytest.raises(PolicyChanged, match="version 2, applied by wu, is in force, not version 1"):
        policies.apply(FIRST, actor="li", over=1)

    assert (policies.current().version, policies.text()) == (2, SECOND)
    assert len(journal.after(0, 10)) == 2


def test_who_saw_the_version_in_force_may_replace_it(policies):
    policies.apply(FIRST, actor="li", over=0)

    assert policies.apply(SECOND, actor="wu", over=1).version == 2


def test_what_was_applied_is_in_force_with_the_next_version_and_stands_in_the_journal(
    policies, journal
):
    versions = [policies.apply(text, actor="li").version for text in (FIRST, SECOND)]

    entries = journal.after(0, 10)
    told = [msgspec.json.decode(entry.body, type=PolicyApplied) for entry in entries]
    assert versions == [1, 2]
    assert (policies.current().version, policies.text()) == (2, SECOND)
    assert [entry.kind for entry in entries] == [EntryKind.POLICY] * 2
    assert told[1] == PolicyApplied(version=2, actor="li", text=SECOND)


def test_a_wrong_policy_changes_nothing(policies, journal):
    policies.apply(FIRST, actor="li")

    with pytest.raises(PolicyError, match="did you mean phone"):
        policies.apply('[hospital]\nphonne = "1"\n', actor="li")

    with journal.engine.connect() as connection:
        count = connection.execute(select(func.count()).select_from(schema.policies)).scalar()
    assert (count, journal.newest(), policies.current().version) == (1, 1, 1)


def test_a_policy_of_another_process_is_noticed_within_a_second(policies, journal, clock):
    policies.apply(FIRST, actor="li")
    SqlPolicies(journal.engine, journal.writer).apply(SECOND, actor="wu")

    clock.s = 0.9
    before = policies.current().version
    clock.s = 1.0

    assert (before, policies.current().version) == (1, 2)
    assert policies.text() == SECOND


def test_a_document_is_signed_and_is_the_endpoint_s_own(documents, store):
    register(store, "pc1", "内科三病区")

    document = documents.document("pc1", host="host-1")

    read = msgspec.json.decode(document.body, type=PolicyDocument)
    signature = base64.b64decode(document.signature)
    assert is_signed_by(SIGNER.public_key(), POLICY_DOMAIN + document.body, signature)
    assert (read.policy.version, read.policy.hospital.phone) == (1, "8120")
    assert (read.endpoint.id, read.endpoint.department) == ("pc1", "内科三病区")
    assert read.endpoint.groups == ("ward",)


def test_who_has_no_line_in_the_register_is_called_by_its_host(documents):
    document = documents.document("pc9", host="host-9")

    endpoint = msgspec.json.decode(document.body, type=PolicyDocument).endpoint
    assert (endpoint.id, endpoint.name) == ("pc9", "host-9")


def test_etag_and_document_stay_the_same_while_nothing_changes(documents, clock):
    first = documents.document("pc1", host="h")
    clock.s, clock.us = 100.0, clock.us + 100_000_000

    assert documents.document("pc1", host="h") == first
    assert documents.etag("pc1", host="h") == first.etag


def test_the_etag_changes_with_the_policy(documents, policies):
    before = documents.etag("pc1", host="h")
    policies.apply(SECOND, actor="li")

    assert documents.etag("pc1", host="h") != before


def test_the_etag_changes_with_the_endpoint_s_own_line_within_two_seconds(documents, store, clock):
    register(store, "pc1", "内科三病区")
    before, others = documents.etag("pc1", host="h"), documents.etag("pc2", host="h")
    register(store, "pc1", "检验科")

    clock.s = 1.9
    at_once = documents.etag("pc1", host="h")
    clock.s = 2.0

    assert at_once == before
    assert documents.etag("pc1", host="h") != before
    assert documents.etag("pc2", host="h") == others
