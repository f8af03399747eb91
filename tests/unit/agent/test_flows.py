"""The flow table, driven by packets without any network."""

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.flows import FlowTable, Origin, Sighting
from agent.quiet import TELLING, Key, Mute, Quiet
from agent.system.dissect import ICMP, TCP, UDP, Packet, Signal
from checks.facts.base import Process
from checks.facts.connections import Egress

OWN = ipaddress.ip_address("10.1.1.7").packed
THERE = ipaddress.ip_address("203.0.113.9").packed
STRANGER = ipaddress.ip_address("192.0.2.77").packed
BROADCAST = ipaddress.ip_address("203.0.113.255").packed
ORIGIN = Origin(
    egress=Egress(interface="eth0", kind="wired"), process=Process(pid=7, name="curl", uid=0)
)


def table(
    admit=lambda key, direction, seen: ORIGIN, *, window=60.0, held="nobody", **options
) -> FlowTable:
    made = FlowTable(admit, patience=3.0, window=window, **options)
    made.held = lambda _: held
    return made


def sent(signal: Signal, *, protocol=TCP, port=4000, to=443, sequence=1) -> Packet:
    return Packet(protocol, OWN, port, THERE, to, signal, sequence)


def came(signal: Signal, *, protocol=TCP, port=4000, of=443) -> Packet:
    return Packet(protocol, THERE, of, OWN, port, signal)


def out(now: float = 0.0) -> Sighting:
    return Sighting(link=2, outgoing=True, at_us=round(now * 1e6), now=now)


def back(now: float = 0.0) -> Sighting:
    return Sighting(link=2, outgoing=False, at_us=round(now * 1e6), now=now)


def test_an_answered_syn_is_told_at_once_and_only_once():
    flows_seen = table()

    assert flows_seen.see(sent(Signal.OPEN), out(1.0)) == []
    (fact,) = flows_seen.see(came(Signal.ACCEPT), back(1.005))

    assert (fact.answer, fact.direction, fact.flows) == ("two_way", "out", 1)
    assert (fact.source, fact.source_port) == ("10.1.1.7", 4000)
    assert (fact.destination, fact.destination_port) == ("203.0.113.9", 443)
    assert (fact.first_seen_us, fact.answered_us) == (1_000_000, 1_005_000)
    assert flows_seen.see(came(Signal.ACCEPT), back(1.1)) == []
    assert flows_seen.overdue(1000.0) == []


def test_a_syn_without_answer_is_an_attempt_after_the_patience():
    flows_seen = table()
    flows_seen.see(sent(Signal.OPEN), out(1.0))

    assert flows_seen.deadline() == 4.0
    assert flows_seen.overdue(3.9) == []
    (fact,) = flows_seen.overdue(4.0)

    assert (fact.answer, fact.answered_us) == ("none", 0)


def test_a_retransmitted_syn_is_the_same_attempt():
    flows_seen = table()
    flows_seen.see(sent(Signal.OPEN), out(0.0))
    flows_seen.see(sent(Signal.OPEN), out(1.0))

    assert len(flows_seen.overdue(3.0)) == 1
    assert flows_seen.see(sent(Signal.OPEN), out(7.0)) == []
    assert flows_seen.overdue(20.0) == []


def test_an_attempt_that_is_answered_late_is_told_again_as_two_way():
    flows_seen = table()
    flows_seen.see(sent(Signal.OPEN), out(0.0))
    flows_seen.overdue(3.0)

    (fact,) = flows_seen.see(came(Signal.ACCEPT), back(9.0))

    assert (fact.answer, fact.answered_us) == ("two_way", 9_000_000)


def test_a_reset_alone_is_refused():
    flows_seen = table()
    flows_seen.see(sent(Signal.OPEN), out())

    (fact,) = flows_seen.see(came(Signal.RESET), back())

    assert fact.answer == "refused"


def test_an_icmp_error_about_a_datagram_is_refused():
    flows_seen = table()
    flows_seen.see(sent(Signal.DATAGRAM, protocol=UDP, to=53), out())

    (fact,) = flows_seen.see(Packet(UDP, OWN, 4000, THERE, 53, Signal.ERROR), back())

    assert (fact.answer, fact.protocol) == ("refused", "udp")


def test_equal_attempts_of_one_window_are_counted_together():
    flows_seen = table()
    told = []
    for number in range(10):
        flows_seen.see(sent(Signal.OPEN, port=4000 + number), out(0.0))
        told += flows_seen.see(came(Signal.RESET, port=4000 + number), back(0.1))

    assert [fact.flows for fact in told] == [1]
    assert [fact.flows for fact in flows_seen.overdue(60.2)] == [9]


def test_the_same_ports_again_are_a_new_flow():
    flows_seen = table()
    flows_seen.see(sent(Signal.OPEN, sequence=1), out())
    flows_seen.see(came(Signal.ACCEPT), back())

    flows_seen.see(sent(Signal.OPEN, sequence=2), out())

    assert len(flows_seen.see(came(Signal.ACCEPT), back())) == 1


def test_what_the_plan_holds_inside_is_nothing():
    flows_seen = table(admit=lambda key, direction, seen: None)

    assert flows_seen.see(sent(Signal.OPEN), out()) == []
    assert flows_seen.see(came(Signal.ACCEPT), back()) == []
    assert len(flows_seen) == 0
    assert flows_seen.deadline() is None


def test_a_connection_from_outside_is_two_way_when_we_answer():
    flows_seen = table()
    flows_seen.see(Packet(TCP, THERE, 5000, OWN, 22, Signal.OPEN, 1), back())

    (fact,) = flows_seen.see(Packet(TCP, OWN, 22, THERE, 5000, Signal.ACCEPT, 9), out())

    assert (fact.direction, fact.source, fact.destination_port) == ("in", "203.0.113.9", 22)
    assert (fact.outside, fact.service_port) == ("203.0.113.9", 22)


def test_an_echo_reply_answers_its_ping():
    flows_seen = table()
    flows_seen.see(Packet(ICMP, OWN, 77, THERE, 0, Signal.REQUEST), out())

    (fact,) = flows_seen.see(Packet(ICMP, THERE, 0, OWN, 77, Signal.REPLY), back())

    assert (fact.protocol, fact.source_port, fact.destination_port) == ("icmp", 0, 0)


def test_an_answer_whose_beginning_was_not_seen_is_still_our_connection():
    (fact,) = table().see(came(Signal.ACCEPT), back())

    assert (fact.direction, fact.answer) == ("out", "two_way")


def test_a_busy_datagram_flow_is_muted_and_later_listened_to_again():
    flows_seen = table()
    flows_seen.see(sent(Signal.DATAGRAM, protocol=UDP), out(0.0))
    for _ in range(100):
        flows_seen.see(came(Signal.DATAGRAM, protocol=UDP), back(1.0))

    assert flows_seen.quiet.muted == {Key(UDP, OWN, 4000, THERE, 443): Mute("both", 2)}
    flows_seen.overdue(3.0)
    flows_seen.overdue(190.0)
    assert flows_seen.quiet.muted == {}
    assert len(flows_seen) == 1
    flows_seen.overdue(400.0)
    assert len(flows_seen) == 0


def test_of_a_flood_that_nobody_answers_only_what_asks_is_muted():
    flows_seen = table()
    for _ in range(TELLING + 1):
        flows_seen.see(sent(Signal.DATAGRAM, protocol=UDP), out(0.0))

    assert flows_seen.quiet.muted == {Key(UDP, OWN, 4000, THERE, 443): Mute("out", 2)}
    (attempt,) = flows_seen.overdue(3.0)
    (fact,) = flows_seen.see(came(Signal.DATAGRAM, protocol=UDP), back(5.0))
    assert (attempt.answer, fact.answer, fact.answered_us) == ("none", "two_way", 5_000_000)


def test_a_flood_from_outside_that_nobody_answers_is_muted_the_other_way():
    flows_seen = table()
    for _ in range(TELLING + 1):
        flows_seen.see(came(Signal.DATAGRAM, protocol=UDP), back(0.0))

    assert flows_seen.quiet.muted == {Key(UDP, OWN, 4000, THERE, 443): Mute("in", 2)}


@pytest.mark.parametrize(
    ("protocol", "answer"), [(UDP, Signal.DATAGRAM), (ICMP, Signal.REPLY), (TCP, Signal.ACCEPT)]
)
def test_the_answer_to_a_question_that_a_sweep_hid_is_two_way(protocol, answer):
    flows_seen = table()
    flows_seen.quiet = Quiet(sweeping=20)
    for port in range(1, 22):
        flows_seen.see(sent(Signal.DATAGRAM, protocol=protocol, port=port, to=port), out())

    (fact,) = flows_seen.see(came(answer, protocol=protocol, port=999, of=999), back())

    assert (fact.answer, fact.direction, fact.destination) == ("two_way", "out", "203.0.113.9")


def test_what_speaks_inside_a_flow_is_told_with_it():
    flows_seen = table()
    flows_seen.see(sent(Signal.DATAGRAM, protocol=UDP)._replace(service="quic"), out())

    (fact,) = flows_seen.see(came(Signal.DATAGRAM, protocol=UDP), back())

    assert fact.service == "quic"


def test_an_open_socket_that_no_packet_told_of_is_told_once():
    flows_seen = table()
    key = Key(TCP, OWN, 4000, THERE, 443)

    (fact,) = flows_seen.found_open(key, "out", out(5.0), evidence="overrun")

    assert (fact.answer, fact.evidence) == ("two_way", "overrun")
    assert flows_seen.found_open(key, "out", out(9.0), evidence="socket") == []
    flows_seen.keep_open([], 100.0)
    assert len(flows_seen) == 0


def test_a_full_table_tells_the_oldest_waiting_flow_instead_of_losing_it():
    flows_seen = table(kept=2)
    for port in (1, 2):
        flows_seen.see(sent(Signal.OPEN, port=port), out())

    (fact,) = flows_seen.see(sent(Signal.OPEN, port=3), out())

    assert (fact.source_port, fact.answer) == (1, "none")
    assert len(flows_seen) == 2


def test_a_flow_that_is_met_in_its_middle_is_adopted_only_on_wish():
    strict, adopting = table(held="ended"), table(adopts=True)
    for flows_seen in (strict, adopting):
        assert flows_seen.see(came(Signal.SEGMENT), back()) == []

    (fact,) = adopting.see(sent(Signal.SEGMENT), out())

    assert fact.answer == "two_way"
    assert strict.see(sent(Signal.SEGMENT), out()) == []
    assert len(strict) == 0


def test_segments_of_no_socket_that_never_opened_are_a_conversation_all_the_same():
    flows_seen = table()

    assert flows_seen.see(sent(Signal.SEGMENT), out()) == []
    (fact,) = flows_seen.see(came(Signal.SEGMENT), back())

    assert (fact.answer, fact.direction) == ("two_way", "out")


STRAYS = [
    came(Signal.SEGMENT, port=9, of=9),
    came(Signal.STRAY, protocol=ICMP, port=0, of=0),
    came(Signal.REPLY, protocol=ICMP, port=5, of=0),
    came(Signal.DATAGRAM, protocol=UDP, port=9, of=9),
    Packet(UDP, OWN, 1, STRANGER, 2, Signal.ERROR, outer=(THERE, OWN)),
    Packet(UDP, THERE, 0, OWN, 0, Signal.FRAGMENT, datagram=7),
]


@pytest.mark.parametrize("stray", STRAYS)
def test_whatever_comes_from_there_answers_what_left_for_it(stray):
    flows_seen = table()
    flows_seen.see(sent(Signal.DATAGRAM, protocol=47, port=0, to=0), out())

    (fact,) = flows_seen.see(stray, back(2.0))

    assert (fact.protocol, fact.answer, fact.direction) == ("47", "two_way", "out")
    assert fact.answered_us == 2_000_000


@pytest.mark.parametrize("stray", STRAYS)
def test_what_leaves_for_where_something_came_from_answers_it(stray):
    flows_seen = table()
    assert flows_seen.see(stray, back()) == []

    (fact,) = flows_seen.see(sent(Signal.DATAGRAM, protocol=47, port=0, to=0), out(2.0))

    assert (fact.protocol, fact.answer, fact.destination) == ("47", "two_way", "203.0.113.9")


@pytest.mark.parametrize("stray", [each for each in STRAYS if each.signal is not Signal.DATAGRAM])
def test_what_is_left_over_from_something_is_nothing_alone(stray):
    flows_seen = table()

    assert flows_seen.see(stray, back()) == []
    assert flows_seen.overdue(1000.0) == []


def test_what_came_too_long_ago_answers_nothing():
    flows_seen = table()
    flows_seen.see(came(Signal.SEGMENT), back())

    assert flows_seen.see(sent(Signal.DATAGRAM, protocol=47), out(500.0)) == []


def test_what_came_over_a_way_where_it_is_inside_answers_nothing():
    by_link = {2: ORIGIN, 3: None}
    flows_seen = table(lambda key, direction, seen: by_link[seen.link])
    flows_seen.see(sent(Signal.DATAGRAM, protocol=47), out())

    assert flows_seen.see(STRAYS[1], back()._replace(link=3)) == []


@pytest.mark.parametrize("fresh", [Signal.REPLY, Signal.STRAY])
def test_an_unasked_echo_reply_or_error_that_leaves_is_an_attempt(fresh):
    flows_seen = table()
    flows_seen.see(sent(fresh, protocol=ICMP), out())

    (fact,) = flows_seen.overdue(3.0)

    assert (fact.answer, fact.direction) == ("none", "out")


def test_an_error_that_leaves_about_nothing_that_came_is_a_message_of_its_own():
    flows_seen = table()
    about = Packet(UDP, THERE, 1, OWN, 2, Signal.ERROR, outer=(OWN, THERE))

    assert flows_seen.see(about, out()) == []
    (fact,) = flows_seen.see(STRAYS[1], back())

    assert (fact.protocol, fact.answer, fact.destination) == ("icmp", "two_way", "203.0.113.9")


def test_a_broadcast_answers_only_on_the_link_itself():
    called = Packet(UDP, THERE, 1, BROADCAST, 2, Signal.DATAGRAM)
    told = []
    for gateway in ("", "203.0.113.1"):
        way = Origin(Egress(interface="eth1", kind="wired", gateway=gateway), ORIGIN.process)
        flows_seen = table(
            lambda key, _direction, _seen, way=way: way if key.local == OWN else None
        )
        flows_seen.see(sent(Signal.DATAGRAM, protocol=UDP), out())
        told.append([fact.answer for fact in flows_seen.see(called, back())])

    assert told == [["two_way"], []]


def test_the_parts_of_a_datagram_belong_to_its_first_one():
    flows_seen = table()
    flows_seen.see(sent(Signal.DATAGRAM, protocol=UDP)._replace(datagram=7), out())
    flows_seen.see(Packet(UDP, OWN, 0, THERE, 0, Signal.FRAGMENT, datagram=7), out())

    assert len(flows_seen) == 1


def test_parts_without_a_first_one_are_a_flow_of_their_protocol():
    flows_seen = table()
    flows_seen.see(Packet(UDP, OWN, 0, THERE, 0, Signal.FRAGMENT, datagram=7), out())

    (fact,) = flows_seen.see(STRAYS[-1], back())

    assert (fact.protocol, fact.source_port, fact.answer) == ("udp", 0, "two_way")


def test_parts_of_a_muted_flow_tell_nothing_more():
    flows_seen = table()
    for _ in range(TELLING + 1):
        flows_seen.see(sent(Signal.DATAGRAM, protocol=UDP), out())
    flows_seen.see(Packet(UDP, OWN, 0, THERE, 0, Signal.FRAGMENT, datagram=7), out())

    assert len(flows_seen) == 1


def test_a_segment_of_an_open_socket_whose_opening_was_not_seen_is_told_by_the_socket():
    flows_seen = table(held="in")

    (fact,) = flows_seen.see(sent(Signal.SEGMENT), out())

    assert (fact.answer, fact.direction, fact.evidence) == ("two_way", "in", "socket")


@pytest.mark.parametrize(
    ("protocol", "ask", "answer"),
    [(TCP, Signal.OPEN, Signal.ACCEPT), (UDP, Signal.DATAGRAM, Signal.DATAGRAM)],
)
def test_a_flow_that_goes_on_over_another_link_is_told_once_more(protocol, ask, answer):
    def by_link(key, direction, seen):
        way = Egress(interface=f"eth{seen.link}", kind="wired")
        return Origin(egress=way, process=ORIGIN.process)

    flows_seen = table(by_link, held="out")
    flows_seen.see(sent(ask, protocol=protocol), out())
    (first,) = flows_seen.see(came(answer, protocol=protocol), back())
    goes_on = Signal.SEGMENT if protocol == TCP else Signal.DATAGRAM
    told = flows_seen.see(sent(goes_on, protocol=protocol), out()._replace(link=3))
    told += flows_seen.see(came(goes_on, protocol=protocol), back()._replace(link=3))
    again = [
        flows_seen.see(sent(goes_on, protocol=protocol), out()._replace(link=link))
        for link in (2, 3, 2, 3)
    ]

    assert (first.egress.interface, first.answer) == ("eth2", "two_way")
    assert [(f.egress.interface, f.answer) for f in told] == [("eth3", "two_way")]
    assert not any(again), "each way is told once"


def test_without_a_window_every_attempt_is_told():
    flows_seen = table(window=0)
    for port in (1, 2, 3):
        flows_seen.see(sent(Signal.OPEN, port=port), out())

    assert [fact.source_port for fact in flows_seen.overdue(99.0)] == [1, 2, 3]


SIGNALS = (Signal.OPEN, Signal.ACCEPT, Signal.SEGMENT, Signal.RESET, Signal.DATAGRAM, Signal.ERROR)
steps = st.lists(
    st.tuples(
        st.sampled_from(SIGNALS), st.booleans(), st.integers(1, 4), st.integers(0, 3), st.floats(0, 5)
    ),
    max_size=60,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(steps=steps)
def test_every_attempt_is_counted_and_every_table_empties(steps):
    """Whatever comes in whatever order: no flow is told as two-way without an answer of
    the other side, counts add up, and time forgets everything but told TCP flows.
    """
    flows_seen, now, told, begun = table(), 0.0, [], 0
    came_any = False
    for signal, outgoing, port, sequence, pause in steps:
        now += pause
        packet = sent(signal, port=port, sequence=sequence) if outgoing else came(signal, port=port)
        came_any |= not outgoing or signal is Signal.ACCEPT
        told += flows_seen.overdue(now)
        told += flows_seen.see(packet, out(now) if outgoing else back(now))
        begun += signal in (Signal.OPEN, Signal.ACCEPT, Signal.DATAGRAM)
        begun += outgoing and signal is Signal.SEGMENT
    for later in (10, 100, 400, 1000):
        told += flows_seen.overdue(now + later)
    flows_seen.keep_open([], now + 2000)

    assert came_any or not any(fact.answer == "two_way" for fact in told)
    assert sum(fact.flows for fact in told) <= 2 * begun
    assert len(flows_seen) == 0
    assert flows_seen.deadline() is None


@pytest.mark.parametrize("protocol", [47, 50, 132])
def test_other_protocols_stand_as_their_number(protocol):
    flows_seen = table()
    flows_seen.see(sent(Signal.DATAGRAM, protocol=protocol), out())

    (fact,) = flows_seen.see(came(Signal.DATAGRAM, protocol=protocol), back())

    assert (fact.protocol, fact.answer) == (str(protocol), "two_way")
