"""Which packets are no longer wanted, and when they are again."""

from agent.quiet import KEPT, SPAN_SECONDS, SWEEPS_KEPT, Key, Mute, Quiet, Silence, Sweep

OWN, THERE = b"\x0a\x01\x01\x07", b"\xcb\x00\x71\x09"


def key(number: int, *, remote: bytes = THERE, port: int = 0) -> Key:
    return Key(17, OWN, 1024 + number, remote, port or number)


def test_flows_are_muted_as_far_as_there_is_room_and_the_way_may_widen():
    quiet = Quiet()
    for number in range(KEPT + 5):
        quiet.mute(key(number), "out", 2)
    quiet.mute(key(0), "both", 2)
    quiet.mute(key(KEPT + 9), "both", 2)

    assert len(quiet.muted) == KEPT
    assert quiet.muted[key(0)] == Mute("both", 2)


def test_the_revision_rises_only_with_a_change():
    quiet = Quiet()
    quiet.mute(key(1), "out", 2)
    first = quiet.revision
    quiet.mute(key(1), "out", 2)
    quiet.listen(key(2))

    assert quiet.revision == first
    assert quiet.listen(key(1))
    assert quiet.revision > first


def test_a_host_that_is_asked_at_ever_new_ports_is_a_sweep():
    quiet = Quiet(sweeping=50)
    for number in range(1, 52):
        quiet.asked(key(number), "out", 1.0)

    assert list(quiet.swept) == [Sweep(17, THERE, 0, 4, "out")]
    assert quiet.asking(key(999)) == "out"
    assert quiet.asking(key(999, remote=OWN)) is None


def test_a_port_that_is_asked_at_ever_new_hosts_is_a_sweep():
    quiet = Quiet(sweeping=50)
    for number in range(1, 52):
        quiet.asked(key(number, remote=bytes((9, 9, 9, number)), port=445), "out", 1.0)

    assert list(quiet.swept) == [Sweep(17, b"", 445, 4, "out")]


def test_what_is_answered_is_no_sweep():
    quiet = Quiet(sweeping=50)
    for number in range(500):
        quiet.asked(key(number), "out", 1.0)
        quiet.answered(key(number), "out")

    assert quiet.swept == {}


def test_slow_asking_is_no_sweep():
    quiet = Quiet(sweeping=50)
    for number in range(500):
        quiet.asked(key(number), "out", number * SPAN_SECONDS / 10)

    assert quiet.swept == {}


def test_a_sweep_that_goes_on_is_silent_for_twice_as_long():
    quiet = Quiet(sweeping=50)
    told = []
    for now in (0.0, 11.0):
        for number in range(1, 52):
            quiet.asked(key(number), "out", now)
        assert quiet.deadline() is not None
        told += quiet.ended(now + 40)

    assert told == [Silence(0.0, 10.0), Silence(11.0, 31.0)]
    assert quiet.swept == {}
    assert quiet.deadline() is None


def test_sweeps_are_bounded():
    quiet = Quiet(sweeping=5)
    for host in range(SWEEPS_KEPT + 4):
        for number in range(1, 8):
            quiet.asked(key(number, remote=bytes((9, 9, 9, host)), port=number), "in", 1.0)

    assert len(quiet.swept) == SWEEPS_KEPT


def test_a_capture_has_no_sweeps():
    quiet = Quiet(sweeping=0)
    for number in range(1, 99):
        quiet.asked(key(number), "out", 1.0)

    assert quiet.swept == {}


def test_two_hosts_that_ask_each_other_are_not_silenced_both_ways():
    quiet = Quiet(sweeping=50)
    for number in range(1, 60):
        quiet.asked(key(number), "out", 1.0)
        quiet.asked(key(number), "in", 1.0)

    assert {sweep.way for sweep in quiet.swept} == {"out"}
