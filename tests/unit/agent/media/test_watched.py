from agent.media.watched import MountedAt, Watched
from checks.facts.media import Medium, Partition

WHERE = MountedAt(
    number=1,
    disk="d",
    medium=Medium(key="k", kind="stick", bus="usb"),
    partition=Partition(device="/dev/a1", size=1),
    mount_point="/mnt",
)


def test_an_operation_is_news_once_in_each_scan_state():
    watched = Watched(WHERE)

    first = list(watched.news_in(("open", "write")))
    again = list(watched.news_in(("open",)))
    watched.scan_began()
    running = list(watched.news_in(("open",)))

    assert (first, again, running) == (["open", "write"], [], ["open"])


def test_a_scan_that_the_engine_failed_is_wanted_again():
    watched = Watched(WHERE)

    watched.scan_ended("incomplete", "engine_lost")
    wanted = watched.wants_engine
    watched.scan_ended("incomplete", "skipped")

    assert (wanted, watched.wants_engine) == (True, False)
