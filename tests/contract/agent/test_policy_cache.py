import base64

import pytest

from agent.identity import IdentityFolder
from agent.policy_cache import PolicyCache, PolicyRefused, SignedPolicy
from checks.wire import POLICY_DOMAIN


@pytest.fixture
def cache(state, collector):
    collector.enrol_directly(state)
    return reopened(state)


def reopened(state) -> PolicyCache:
    return PolicyCache(state / "policy.json", IdentityFolder(state).load(), "agent-1")


def signed(collector, *, etag: str = '"1"') -> SignedPolicy:
    signature = collector.key.sign(POLICY_DOMAIN + collector.policy).signature
    return SignedPolicy(etag=etag, body=collector.policy, signature=signature)


def test_before_the_first_policy_the_defaults_are_in_force(cache):
    assert cache.load() is True
    assert (cache.held.etag, cache.held.document.policy.version) == ("", 0)
    assert cache.held.document.endpoint.id == "agent-1"


def test_a_stored_policy_is_in_force_after_a_restart(cache, collector, state):
    collector.set_policy("", version=7)
    cache.store(signed(collector))

    after = reopened(state)

    assert after.load() is True
    assert (after.held.etag, after.held.document.policy.version) == ('"1"', 7)


def test_an_altered_policy_is_refused_and_the_old_one_stays(cache, collector):
    cache.store(signed(collector))
    good = signed(collector)
    altered = SignedPolicy(
        etag='"2"', body=good.body.replace(b"alert", b"observe", 1), signature=good.signature
    )

    with pytest.raises(PolicyRefused, match="signature is not the collector's"):
        cache.store(altered)
    assert cache.held.etag == '"1"'


def test_a_policy_for_another_agent_is_refused(cache, collector):
    collector.set_policy("", agent="agent-2")

    with pytest.raises(PolicyRefused, match="is for agent-2, not for us"):
        cache.store(signed(collector))


def test_a_policy_with_an_unknown_key_is_refused_by_name(cache, collector):
    collector.policy = collector.policy.replace(b'"hospital"', b'"hospitall"')

    with pytest.raises(PolicyRefused, match="hospitall"):
        cache.store(signed(collector))


def test_a_file_that_was_edited_is_recognised_and_not_used(cache, collector, state):
    cache.store(signed(collector))
    path = state / "policy.json"
    body = base64.b64encode(collector.policy)
    path.write_bytes(path.read_bytes().replace(body[:40], body[4:44]))

    after = reopened(state)

    assert after.load() is False
    assert after.held.etag == ""


def test_a_torn_file_is_recognised(cache, collector, state):
    (state / "policy.json").write_text("{")

    assert cache.load() is False
