import pytest

from checks.facts.connections import NamedBy
from checks.names import fits_plan, is_hospitals, is_vouched_for
from checks.policy import parse_policy
from tests.samples import BY_GATEWAY, BY_TELEPHONE, POLICY, POLICY_TEXT, context

LISTED = parse_policy('[names]\nresolvers = ["10.20.0.53", "203.0.113.53"]\n' + POLICY_TEXT)
UNPLANNED = parse_policy("")


@pytest.mark.parametrize(
    ("server", "egress", "policy", "hospitals", "fits"),
    [
        ("10.20.0.53", BY_GATEWAY, LISTED, True, True),
        ("10.20.0.54", BY_GATEWAY, LISTED, False, False),
        ("10.20.0.54", BY_GATEWAY, POLICY, True, True),
        ("203.0.113.53", BY_GATEWAY, LISTED, True, True),
        ("203.0.113.53", BY_TELEPHONE, LISTED, True, False),
        ("10.20.0.53", BY_TELEPHONE, LISTED, False, False),
        ("10.20.0.53", BY_TELEPHONE, POLICY, False, False),
        ("203.0.113.53", BY_GATEWAY, POLICY, False, False),
        ("10.20.0.53", BY_GATEWAY, UNPLANNED, False, False),
    ],
)
def test_a_name_is_the_hospitals_by_its_server_and_the_way(server, egress, policy, hospitals, fits):
    by = NamedBy(server=server, egress=egress)

    assert is_hospitals(server, egress, policy) is hospitals
    assert fits_plan(by, policy) is fits
    assert is_vouched_for(by, context(policy=policy)) is fits


def test_a_name_that_nobody_is_known_to_have_given_is_nobodys_word():
    assert not is_vouched_for(None, context(policy=LISTED))
