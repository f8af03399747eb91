"""Keys and names of protocols."""

import pytest

from agent.flow_names import key_of, message_of, protocol_name
from agent.quiet import Key
from agent.system.dissect import LLC, UDP, Packet, Signal

OWN, THERE, ROUTER = bytes((10, 1, 1, 7)), bytes((203, 0, 113, 9)), bytes((192, 0, 2, 1))


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (6, "tcp"),
        (58, "icmpv6"),
        (132, "132"),
        (0x88B5, "0x88b5"),
        (0x0600, "0x0600"),
        (LLC, "llc"),
    ],
)
def test_a_protocol_is_called_by_its_name_or_number(number, name):
    assert protocol_name(number) == name


def test_both_ways_of_a_flow_and_the_error_about_it_have_one_key():
    sent = Packet(UDP, OWN, 1, THERE, 2, Signal.DATAGRAM)
    came = Packet(UDP, THERE, 2, OWN, 1, Signal.DATAGRAM)
    error = sent._replace(signal=Signal.ERROR)

    assert key_of(sent, outgoing=True) == Key(UDP, OWN, 1, THERE, 2)
    assert key_of(came, outgoing=False) == key_of(sent, outgoing=True)
    assert key_of(error, outgoing=False) == key_of(sent, outgoing=True)


@pytest.mark.parametrize(("ends", "protocol"), [((ROUTER, OWN), 1), ((bytes(16), bytes(16)), 58)])
def test_an_error_is_a_message_between_its_own_ends(ends, protocol):
    error = Packet(UDP, OWN, 1, THERE, 2, Signal.ERROR, outer=ends)

    assert message_of(error) == Packet(protocol, ends[0], 0, ends[1], 0, Signal.STRAY)
    assert message_of(error._replace(outer=None)) is None
