"""What was observed, and the media that were seen."""

from collector.queries.observations import ObservationFilter, media, observations
from tests.support.hospital import STRANGE, USB

ALL = ObservationFilter()


def test_observations_are_newest_first_and_pages_do_not_overlap(read):
    everything = observations(read, ALL, limit=1000)
    first = observations(read, ALL, limit=5)

    second = observations(read, ALL, limit=5, before=first[-1].id)

    ids = [one.id for one in everything]
    assert len(ids) > 40
    assert ids == sorted(ids, reverse=True)
    assert first + second == everything[:10]


def test_a_filter_narrows_to_what_fits_all_of_it(read):
    wanted = ObservationFilter(agent="nk3-017", kind="connection")
    found = observations(read, wanted, limit=50)
    newest = ObservationFilter(agent="nk3-017", kind="connection", since_us=found[0].at_us)

    assert [(one.agent, one.kind) for one in found] == [("nk3-017", "connection")] * 3
    assert observations(read, newest, limit=50) == found[:1]


def test_each_medium_is_told_once_with_its_last_scan(read):
    seen = {one.medium.key: one for one in media(read)}

    assert set(seen) == {USB.key, STRANGE.key}
    assert (seen[USB.key].scan, seen[USB.key].agent) == ("infected", "jyk-004")
    assert seen[USB.key].mounted
    assert (seen[STRANGE.key].scan, seen[STRANGE.key].scanned_us) == ("", 0)


def test_the_medium_seen_last_comes_first(read):
    assert [one.medium.key for one in media(read)] == [STRANGE.key, USB.key]


def test_media_of_one_endpoint(read):
    assert [one.medium.key for one in media(read, agent="jyk-004")] == [USB.key]
    assert media(read, agent="icu-001") == []
