import msgspec

from agent.proposal import MARK, propose
from checks.facts.network import NetworkState
from checks.policy import parse_policy
from tests.samples import AT_HOME, HOME_ROUTES, INTRANET, TETHERED, connection, rules_raised


def test_what_is_directly_connected_is_inside_and_all_else_is_outside():
    policy = parse_policy(propose(AT_HOME))

    inside = connection(destination="10.20.9.9")
    outside = connection(destination="203.0.113.80")
    assert rules_raised(inside, policy=policy) == []
    assert rules_raised(outside, policy=policy) == ["EXT-06"]


def test_the_proposal_names_the_gateway_and_its_mac():
    [zone] = parse_policy(propose(AT_HOME)).zones

    [way] = zone.via
    assert (way.interface, way.gateway) == ("wired", "10.20.0.1")
    assert way.gateway_mac == "02:00:00:00:00:01"


def test_a_telephone_is_never_proposed_and_the_text_says_so():
    text = propose(TETHERED)

    assert [zone.name for zone in parse_policy(text).zones] == ["as found on eno1"]
    assert "Left out on purpose: usb0 (usb_tether) can lead outside." in text


def test_a_link_without_gateway_is_proposed_for_what_is_directly_connected():
    alone = NetworkState(links=(INTRANET,), routes=HOME_ROUTES[:1])

    [zone] = parse_policy(propose(alone)).zones

    assert [way.gateway for way in zone.via] == [""]


def test_a_machine_without_links_still_gets_a_policy():
    text = propose(NetworkState(links=(), routes=()))

    assert text.startswith(MARK)
    assert parse_policy(text).zones == ()


def test_a_link_whose_name_looks_like_toml_does_not_write_the_policy():
    hostile = msgspec.structs.replace(INTRANET, name='e"]\x7f#\\')
    routes = tuple(msgspec.structs.replace(r, interface=hostile.name) for r in HOME_ROUTES[:1])

    [zone] = parse_policy(propose(NetworkState(links=(hostile,), routes=routes))).zones

    assert zone.name == f"as found on {hostile.name}"
