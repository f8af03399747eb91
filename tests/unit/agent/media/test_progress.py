"""How far a scan is, and when nobody can tell how long it takes."""

import pytest

from agent.media.progress import ScansUnderWay, UnderWay, progress_of

MB = 1_000_000


def scan(through, used=100 * MB, began=100.0, files=7):
    return UnderWay(medium="m", began=began, files=files, bytes=through, used=used)


@pytest.mark.parametrize(
    ("through", "used", "now", "rest"),
    [
        (25 * MB, 100 * MB, 110.0, 30),
        (100 * MB, 100 * MB, 110.0, 0),
        (25 * MB, 100 * MB, 101.0, None),
        (0, 100 * MB, 110.0, None),
        (1000, 100 * MB, 110.0, None),
        (200 * MB, 100 * MB, 110.0, None),
        (0, 0, 110.0, None),
    ],
    ids=["by pace", "done", "too soon", "nothing yet", "next to nothing", "sparse", "empty"],
)
def test_the_rest_is_told_only_where_the_pace_is_known(through, used, now, rest):
    assert progress_of([scan(through, used)], now).rest == rest


def test_what_it_was_thought_to_take_counts_until_its_own_pace_does():
    began, later = [scan(25 * MB)], 160.0

    assert progress_of(began, 101.0, estimate=40).rest == 39
    assert progress_of(began, 110.0, estimate=40).rest == 30
    assert progress_of([scan(0)], later, estimate=40).rest is None


def test_the_file_systems_of_a_medium_count_together():
    told = progress_of([scan(10 * MB, began=100.0), scan(20 * MB, began=104.0)], 110.0)

    assert (told.files, told.bytes, told.used, told.seconds) == (14, 30 * MB, 200 * MB, 10)


def test_a_scan_that_waits_for_its_turn_has_no_rest():
    waiting = UnderWay(medium="m", began=None)

    assert progress_of([waiting], 110.0).waiting
    assert progress_of([waiting], 110.0).rest is None
    assert progress_of([waiting], 110.0, estimate=40).rest == 40
    assert progress_of([waiting, scan(25 * MB)], 110.0).rest is None


def test_who_scans_anew_takes_its_own_place():
    under_way = ScansUnderWay()
    under_way.follow("media", lambda: [scan(1)])
    under_way.follow("holding", lambda: [scan(2)])
    under_way.follow("media", lambda: [scan(3)])

    assert [one.bytes for one in under_way.now()] == [3, 2]
