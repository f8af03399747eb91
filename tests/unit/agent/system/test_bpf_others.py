"""Frames that are no IP: what the filter's part for them passes, run by an interpreter."""

import pytest

from agent.system.bpf_assembler import LD_IMMEDIATE, ST, Assembler
from agent.system.bpf_headers import SNAP
from agent.system.bpf_others import BUSINESS_OF_THE_LINK, pass_others
from agent.system.bpf_quiet import M_LINK
from tests.support.bpf import Sent, run

STRANGE, OTHER = 6, 2
OF_ITS_OWN = 0x88B5  # IEEE 802, local experimental EtherType 1
NEIGHBOUR, EVERYBODY = bytes((2, 0, 0, 0, 0, 1)), b"\xff" * 6


def passed(*, link: int = STRANGE, kind: int = OF_ITS_OWN, **sent: object) -> int:
    """What the part gives for a frame over this link, with only STRANGE among the strange."""
    program = Assembler()
    program.op(LD_IMMEDIATE, link)
    program.op(ST, M_LINK)
    pass_others(program, [STRANGE])
    return run(program.assembled(), Sent(b"\x45words", link=link, kind=kind, **sent))


def test_what_is_said_to_one_neighbour_of_a_strange_link_passes_whole():
    assert passed(to=NEIGHBOUR) == SNAP


def test_what_a_strange_neighbour_says_to_this_machine_passes():
    assert passed(outgoing=False) == SNAP


def test_no_other_link_passes_anything():
    assert passed(link=OTHER, to=NEIGHBOUR) == 0


@pytest.mark.parametrize("kind", BUSINESS_OF_THE_LINK)
def test_what_neighbours_say_by_themselves_does_not(kind):
    assert passed(kind=kind, to=NEIGHBOUR) == 0


@pytest.mark.parametrize("to", [EVERYBODY, bytes((1, 0x80, 0xC2, 0, 0, 0xE))])
def test_what_is_said_to_many_does_not(to):
    assert passed(to=to) == 0


@pytest.mark.parametrize("packet_type", [1, 2, 3])  # PACKET_BROADCAST, MULTICAST, OTHERHOST
def test_what_many_hear_or_others_get_does_not(packet_type):
    assert passed(packet_type=packet_type) == 0
