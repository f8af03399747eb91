from checks.facts.media import MediumAttached, MediumDetached, MediumUnmounted
from collector.queries.stays import Stay, stays_of
from tests.support.hospital import STRANGE, USB, infected, mounted

GONE = MediumDetached(medium=USB)
HERE = MediumAttached(medium=USB)


def test_a_stay_is_from_plugging_in_to_taking_out_with_its_own_scan():
    told = [(10, HERE), (12, mounted(USB)), (20, infected(USB)), (30, GONE), (50, HERE)]

    assert stays_of(told) == [
        Stay(medium=USB, since_us=10, until_us=30, scan="infected"),
        Stay(medium=USB, since_us=50),
    ]


def test_what_is_unmounted_is_still_there():
    (stay,) = stays_of([(10, HERE), (20, MediumUnmounted(medium=USB, mount_point="/media/x"))])

    assert stay.until_us == 0


def test_two_media_at_once_are_two_stays():
    found = stays_of([(10, HERE), (11, MediumAttached(medium=STRANGE)), (12, GONE)])

    assert [(stay.medium.key, stay.until_us) for stay in found] == [
        (USB.key, 12),
        (STRANGE.key, 0),
    ]


def test_a_stay_of_which_only_the_end_is_told_is_told_with_it():
    assert stays_of([(30, GONE)]) == [Stay(medium=USB, since_us=30, until_us=30)]
