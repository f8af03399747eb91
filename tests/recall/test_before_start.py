"""What was open before the product started is not lost on it."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.netns import OUTSIDE, Hospital, missing
from tests.recall import uncommon_acts as acts
from tests.recall.outside import KEEPING_PORT
from tests.recall.world import world
from tests.support.live import Place, until

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "namespaces work")


@pytest.fixture
def opened() -> Iterator[dict[str, socket.socket]]:
    """Conversations that began first; closed at the end."""
    found: dict[str, socket.socket] = {}
    yield found
    for each in found.values():
        each.close()


def test_connections_of_before_the_start_are_told_as_soon_as_they_can_be(
    tmp_path: Path, opened: dict[str, socket.socket]
) -> None:
    def before(wards: Hospital) -> None:
        place = Place(wards.workstation)
        opened["tcp"] = place.call(socket.create_connection, (OUTSIDE, KEEPING_PORT))
        opened["udp"] = place.call(acts.talking, OUTSIDE)
        place.close()

    with world(tmp_path, before=before) as ward:
        at_start = [alarm.rule for alarm in ward.at_start]
        acts.exchange(opened["udp"], OUTSIDE)
        later = until(lambda: [alarm.rule for alarm in ward.alarms()][1:], seconds=5)

    assert at_start == ["EXT-06"]
    assert later == ["EXT-06"]
