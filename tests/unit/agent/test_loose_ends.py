"""What is remembered of each outside address, and whose a later fragment is."""

from agent.loose_ends import KEPT, Fragments, Recent
from agent.quiet import Key
from agent.system.dissect import UDP, Packet, Signal

OWN, THERE = bytes((10, 1, 1, 7)), bytes((203, 0, 113, 9))
FIRST = Packet(UDP, OWN, 1, THERE, 2, Signal.DATAGRAM, datagram=7)
LATER = Packet(UDP, OWN, 0, THERE, 0, Signal.FRAGMENT, datagram=7)
KEY = Key(UDP, OWN, 0, THERE, 0)


def test_only_the_latest_of_an_address_is_remembered_and_not_for_ever():
    recent: Recent[str] = Recent(20.0)
    recent.note(THERE, "before", 1.0)
    recent.note(THERE, "latest", 2.0)

    assert recent.of(THERE, 22.0) == "latest"
    assert recent.of(THERE, 22.1) is None
    assert recent.of(OWN, 2.0) is None


def test_what_is_forgotten_is_not_known_any_more():
    recent: Recent[str] = Recent(20.0)
    recent.note(THERE, "latest", 2.0)
    recent.forget(THERE)

    assert recent.of(THERE, 2.0) is None


def test_the_oldest_address_goes_when_there_are_too_many():
    recent: Recent[int] = Recent(20.0)
    for number in range(KEPT + 1):
        recent.note(number.to_bytes(4, "big"), number, 0.0)

    assert recent.of(bytes(4), 0.0) is None
    assert recent.of(bytes((0, 0, 0, 1)), 0.0) == 1


def test_a_later_fragment_belongs_to_the_first_of_its_datagram_only():
    fragments = Fragments()

    assert fragments.placed(FIRST, KEY, ()) == FIRST
    assert fragments.placed(LATER, KEY, ()) is None
    assert fragments.placed(LATER._replace(datagram=8), KEY, ()) == LATER._replace(
        datagram=8, signal=Signal.STRAY
    )


def test_a_later_fragment_of_a_muted_flow_tells_nothing():
    assert Fragments().placed(LATER, KEY, {Key(UDP, OWN, 1, THERE, 2)}) is None


def test_the_oldest_datagram_goes_when_there_are_too_many():
    fragments = Fragments()
    for number in range(7, KEPT + 8):
        fragments.placed(FIRST._replace(datagram=number), KEY, ())

    assert fragments.placed(LATER, KEY, ()) is not None
    assert fragments.placed(LATER._replace(datagram=8), KEY, ()) is None
