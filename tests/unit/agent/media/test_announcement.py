import msgspec

from agent.media.announcement import DISC_SETTLES_AFTER, SETTLES_AFTER, Announcements
from checks.facts.media import Medium, MediumAttached, MediumDetached, Partition

BARE = Medium(key="k", kind="stick", bus="usb", serial="S")
FULL = Medium(
    key="k", kind="stick", bus="usb", serial="S", partitions=(Partition(device="/dev/a1", size=1),)
)
NAMELESS = Medium(key="n", kind="stick", bus="usb")


def test_a_medium_with_a_serial_number_is_told_at_once():
    assert list(Announcements().update({"p": BARE}, 0.0)) == [MediumAttached(medium=BARE)]


def test_it_is_told_again_when_its_partitions_settled():
    announcements = Announcements()
    list(announcements.update({"p": BARE}, 0.0))

    early = list(announcements.update({"p": FULL}, 1.0))
    late = list(announcements.update({"p": FULL}, 1.0 + SETTLES_AFTER))

    assert early == []
    assert late == [MediumAttached(medium=FULL)]
    assert announcements.deadline() is None


def test_one_without_a_serial_number_waits_until_it_settled():
    announcements = Announcements()

    first = list(announcements.update({"p": NAMELESS}, 0.0))

    assert first == []
    assert announcements.deadline() == SETTLES_AFTER
    assert list(announcements.update({"p": NAMELESS}, SETTLES_AFTER)) == [
        MediumAttached(medium=NAMELESS)
    ]


def test_a_mount_does_not_wait_for_the_partitions_to_settle():
    announcements = Announcements()
    list(announcements.update({"p": NAMELESS}, 0.0))

    assert list(announcements.at_once("p")) == [MediumAttached(medium=NAMELESS)]
    assert list(announcements.at_once("p")) == []


def test_what_is_gone_is_told_with_what_was_known_last():
    announcements = Announcements()
    list(announcements.update({"p": BARE}, 0.0))

    assert list(announcements.update({}, 1.0)) == [MediumDetached(medium=BARE)]


def test_another_disc_in_the_same_drive_is_another_medium():
    announcements = Announcements()
    first = Medium(key="1", kind="optical", bus="optical", capacity=1)
    second = Medium(key="2", kind="optical", bus="optical", capacity=2)
    list(announcements.update({"p": first}, 0.0))
    list(announcements.update({"p": first}, DISC_SETTLES_AFTER))

    changed = list(announcements.update({"p": second}, 5.0))

    assert changed == [MediumDetached(medium=first)]


def test_one_that_goes_before_it_settled_is_told_all_the_same():
    announcements = Announcements()
    list(announcements.update({"p": NAMELESS}, 0.0))

    told = list(announcements.update({}, SETTLES_AFTER / 2))

    assert told == [MediumAttached(medium=NAMELESS), MediumDetached(medium=NAMELESS)]
    assert list(announcements.update({}, 1.0)) == []


def test_a_disc_waits_until_its_drive_has_read_it():
    announcements = Announcements()
    unread = Medium(key="1", kind="optical", bus="optical", capacity=1)
    read = msgspec.structs.replace(
        unread,
        key="2",
        partitions=(Partition(device="/dev/sr0", size=1, filesystem="iso9660"),),
    )

    assert list(announcements.update({"p": unread}, 0.0)) == []
    assert list(announcements.update({"p": unread}, 2.0)) == []
    assert list(announcements.update({"p": read}, 2.1)) == []
    told = list(announcements.update({"p": read}, 2.1 + SETTLES_AFTER))

    assert told == [MediumAttached(medium=read)]


def test_a_disc_that_no_drive_can_read_is_told_in_the_end():
    announcements = Announcements()
    blank = Medium(key="1", kind="optical", bus="optical", capacity=1)
    list(announcements.update({"p": blank}, 0.0))

    assert announcements.deadline() == DISC_SETTLES_AFTER
    told = list(announcements.update({"p": blank}, DISC_SETTLES_AFTER))

    assert told == [MediumAttached(medium=blank)]
