import msgspec

from checks.facts import KINDS, Fact


def test_every_kind_has_one_wire_name():
    assert len(KINDS) == 48
    assert KINDS["connection"].__name__ == "ConnectionSeen"
    assert all(issubclass(kind, Fact) for kind in KINDS.values())


def test_states_are_told_from_events():
    states = {name for name, kind in KINDS.items() if kind.state}

    assert states == {
        *("network", "scanner", "agent_health", "radios", "forwarding", "resolvers"),
        *("proxies", "remote_tools", "switch_ports", "outreach_history", "intranet_witness"),
        *("antivirus", "hardware", "autoplay"),
    }


def test_a_fact_says_its_kind_on_the_wire():
    raw = msgspec.json.decode(msgspec.json.encode(KINDS["agent_stopping"](reason="stopped")))

    assert raw == {"kind": "agent_stopping", "reason": "stopped"}
