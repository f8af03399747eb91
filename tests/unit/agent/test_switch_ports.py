from agent.switch_ports import SwitchPorts
from agent.system.lldp import Announcement


def told(port: str, *, ttl: int = 120) -> Announcement:
    return Announcement(mac="m", chassis="sw", port=port, ttl=ttl, system="ward 3", vlan=7)


def test_the_known_port_is_no_news_and_another_one_is():
    ports = SwitchPorts()

    assert ports.hear("eth0", told("1"), "sw 1", 0.0) == ""
    assert ports.hear("eth1", told("2"), "sw 1", 0.0) == "sw 2"


def test_while_the_known_one_speaks_too_nothing_moved():
    ports = SwitchPorts()
    ports.hear("eth0", told("1"), "sw 1", 0.0)

    assert ports.hear("eth0", told("2"), "sw 1", 60.0) == ""
    assert ports.hear("eth0", told("2"), "sw 1", 121.0) == "sw 2"


def test_a_cable_that_was_out_forgets_who_spoke():
    ports = SwitchPorts()
    ports.hear("eth0", told("1"), "sw 1", 0.0)

    ports.keep_only(set())

    assert ports.hear("eth0", told("2"), "sw 1", 1.0) == "sw 2"


def test_a_goodbye_and_an_end_of_validity_take_the_port_away():
    ports = SwitchPorts()
    ports.hear("eth0", told("1"), "", 0.0)
    ports.hear("eth1", told("2"), "", 0.0)

    ports.hear("eth0", told("1", ttl=0), "", 1.0)
    left = [port.interface for port in ports.state().ports]
    ports.forget_expired(121.0)

    assert (left, ports.state().ports) == (["eth1"], ())
