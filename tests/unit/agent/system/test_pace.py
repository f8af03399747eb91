import pytest

from agent.media.scan import IN_FLIGHT
from agent.system.pace import IDLE_BELOW, LOOK_EVERY, EnginePace, Usage, room


@pytest.mark.parametrize(
    ("others", "processors", "files"),
    [
        (0.0, 2, IN_FLIGHT),
        (IDLE_BELOW / 2, 2, IN_FLIGHT),
        (-3.0, 2, IN_FLIGHT),  # the engine was not known at the look before
        (0.5, 2, 1),
        (1.0, 2, 1),
        (2.0, 2, 1),
        (1.0, 8, 6),
        (0.4, 1, 1),
    ],
)
def test_the_scan_leaves_room_for_what_others_use(others, processors, files):
    assert room(others, processors) == files


def test_it_is_at_full_speed_until_somebody_else_works_and_again_when_he_stops():
    at, others, scanning = 0.0, 0.0, 0.0
    pace = EnginePace(lambda: Usage(at, others + scanning, scanning), 2, lambda: at)
    seen = []

    for work in (0.0, 1.0, 1.0, 0.0):
        at += LOOK_EVERY
        others += work * LOOK_EVERY
        scanning += LOOK_EVERY
        seen.append(pace.at_once())

    assert seen == [IN_FLIGHT, 1, 1, IN_FLIGHT]


def test_between_two_looks_nothing_is_read():
    looks = []

    def read():
        looks.append(1)
        return Usage(0.0, 0.0, 0.0)

    pace = EnginePace(read, 2, lambda: LOOK_EVERY / 2)

    assert {pace.at_once() for _ in range(100)} == {IN_FLIGHT}
    assert len(looks) == 1
