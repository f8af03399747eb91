from checks.policy import Endpoint, parse_policy
from checks.wired_only import is_wired_only
from tests.samples import context

POLICY = parse_policy(
    '[wireless]\nwired_only = [{ groups = ["modalities"] }, { endpoints = ["pc-1"] }]\n'
)


def test_an_endpoint_that_an_entry_names_may_have_no_radio():
    by_group = Endpoint(id="ct-1", groups=("modalities",))

    assert is_wired_only(context(policy=POLICY, endpoint=by_group))
    assert is_wired_only(context(policy=POLICY, endpoint=Endpoint(id="pc-1")))


def test_every_other_may():
    assert not is_wired_only(context(policy=POLICY, endpoint=Endpoint(id="pc-2")))
    assert not is_wired_only(context(policy=parse_policy(""), endpoint=Endpoint(id="pc-1")))
