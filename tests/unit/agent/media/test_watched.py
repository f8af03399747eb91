from agent.media.watched import DISTURBED_AT_MOST, MountedAt, ScanJob, Watched
from checks.facts.media import Medium, Partition

WHERE = MountedAt(
    number=1,
    disk="d",
    medium=Medium(key="k", kind="stick", bus="usb"),
    partition=Partition(device="/dev/a1", size=1),
    mount_point="/mnt",
)
JOB = ScanJob(number=1, device=1, path="/mnt", point="/mnt", id=1)


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


def test_a_scan_is_repeated_while_others_change_what_it_reads_and_not_for_ever():
    watched = Watched(WHERE)
    ends = []
    for _ in range(DISTURBED_AT_MOST):
        watched.writes += 1
        ends.append((watched.is_undisturbed(), watched.scans_again))
        watched.begins(JOB)

    assert ends == [(False, True)] * (DISTURBED_AT_MOST - 1) + [(False, False)]
    assert watched.is_undisturbed()
