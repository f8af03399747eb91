import msgspec
import pytest

from checks.facts.media import MediumAttached, Partition
from checks.facts.media_register import (
    MediumStanding,
    MediumTwice,
    RegisteredMedium,
    Twin,
    Whereabouts,
)
from tests.samples import ENDPOINT, NOW_US, STICK, judged

SECOND_US = 1_000_000
ATTACHED = MediumAttached(medium=STICK)
BY_KEY = RegisteredMedium(number="R-1", key="k1", owner="ward 3")
BY_SERIAL = RegisteredMedium(number="R-1", serial=STICK.serial, owner="ward 3")
TWIN = Twin(key="k9", name="Kingston DataTraveler 4C530001", capacity=8_000_000_000)


def messages(fact, endpoint=ENDPOINT, **standing):
    known = MediumStanding(key="k1", **standing)
    return [
        verdict.finding.message
        for verdict in judged(fact, standing=known, endpoint=endpoint)
        if verdict.rule == "MED-12"
    ]


CLONED = "{medium} has the serial number of another medium, {twin} ({capacity} bytes)"
TOO_FAST = "{medium} was at {other} {seconds} s before, in another place"


@pytest.mark.parametrize(
    ("what", "standing", "expected"),
    [
        ("alone", {"entry": BY_KEY}, []),
        ("another body of its number", {"entry": BY_SERIAL, "twins": (TWIN,)}, [CLONED]),
        ("registered, the other is not", {"entry": BY_KEY, "twins": (TWIN,)}, [CLONED]),
        (
            "both are registered by what they are",
            {"entry": BY_KEY, "twins": (msgspec.structs.replace(TWIN, number="R-2"),)},
            [],
        ),
    ],
)
def test_a_serial_number_has_one_body(what, standing, expected):
    assert messages(ATTACHED, **standing) == expected, what


@pytest.mark.parametrize(
    ("what", "seconds", "theirs", "own", "expected"),
    [
        ("far away, moments ago", 5, "building 2", "building 1", [TOO_FAST]),
        ("far away, long ago", 40, "building 2", "building 1", []),
        ("the same room", 5, "building 1", "building 1", []),
        ("nobody knows where", 5, "", "building 1", []),
    ],
)
def test_nobody_carries_a_medium_that_fast(what, seconds, theirs, own, expected):
    before = Whereabouts(endpoint="pc-9", place=theirs, last_us=NOW_US - seconds * SECOND_US)
    here = msgspec.structs.replace(ENDPOINT, place=own)

    assert messages(ATTACHED, here, entry=BY_KEY, seen=(before,)) == expected, what


def test_a_medium_at_two_places_at_once_names_the_other():
    twice = MediumTwice(medium=STICK, other="pc-9", other_name="NK3-PC-009", since_us=NOW_US)

    [verdict] = [v for v in judged(twice) if v.rule == "MED-12"]

    assert verdict.finding.params["other"] == "NK3-PC-009"
    assert verdict.finding.subject == STICK.key


OWNERLESS = "the media register names nobody who answers for {medium} (register number {number})"
ANY_OF_ITS_MAKE = (
    "{medium} has neither a serial number nor a file system of its own: register number {number} "
    "fits every medium of its make"
)
FAT = Partition(device="/dev/sdx1", size=1, filesystem="vfat", uuid="1A2B-3C4D")
BLANK = Partition(device="/dev/sdx", size=1)


def registered(**changes):
    return {"entry": msgspec.structs.replace(BY_KEY, **changes)}


@pytest.mark.parametrize(
    ("what", "standing", "expected"),
    [
        ("an owner", registered(owner="wang"), []),
        ("a department", registered(owner="", department="内科三病区"), []),
        ("nobody", registered(owner=""), [OWNERLESS]),
        ("a dash", registered(owner=" - ", department="—"), [OWNERLESS]),
        ("nobody, and banned", registered(owner="", kind="banned"), []),
        ("not registered", {}, []),
    ],
)
def test_the_register_names_somebody_who_answers_for_it(what, standing, expected):
    assert messages(ATTACHED, **standing) == expected, what


@pytest.mark.parametrize(
    ("what", "body", "expected"),
    [
        ("a number", {}, []),
        ("none, but a file system", {"serial": "", "partitions": (FAT,)}, []),
        ("none, but a partition table", {"serial": "", "table_uuid": "9f3c1a20"}, []),
        ("neither", {"serial": "", "partitions": (BLANK,)}, [ANY_OF_ITS_MAKE]),
        ("noughts", {"serial": "0000000", "partitions": (FAT,)}, [ANY_OF_ITS_MAKE]),
        ("noughts and more", {"serial": "0000001"}, []),
    ],
)
def test_a_line_of_the_register_fits_one_medium(what, body, expected):
    attached = MediumAttached(medium=msgspec.structs.replace(STICK, **body))

    assert messages(attached, entry=BY_KEY) == expected, what


def test_a_medium_without_a_number_that_is_not_registered_is_for_another_rule():
    attached = MediumAttached(medium=msgspec.structs.replace(STICK, key="k9", serial=""))

    assert [verdict.rule for verdict in judged(attached) if verdict.finding] == []
