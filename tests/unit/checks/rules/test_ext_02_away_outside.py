from tests.samples import BY_GATEWAY, BY_TELEPHONE, CABLE_PULLED, connection, rules_raised


def test_a_cable_pulled_and_a_telephone_is_outreach_while_away():
    assert rules_raised(connection(egress=BY_TELEPHONE), network=CABLE_PULLED) == ["EXT-02"]


def test_an_attempt_while_away_is_an_attempt():
    seen = connection(egress=BY_TELEPHONE, answer="none")

    assert rules_raised(seen, network=CABLE_PULLED) == ["EXT-17"]


def test_the_planned_gateway_is_not_away():
    assert rules_raised(connection(egress=BY_GATEWAY), network=CABLE_PULLED) == ["EXT-06"]
