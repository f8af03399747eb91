import msgspec
import pytest

from collector.duty.roster import (
    BAD_ADDRESS,
    BAD_TEXT,
    ENDS_FIRST,
    NO_PERSON,
    TOO_LONG,
    Gap,
    Shift,
    addresses_on_duty,
    faults,
    gaps,
    on_duty,
    replaced_by,
)

HOUR_US = 3_600_000_000


def shift(begin: float, end: float, person: str = "王", address: str = "") -> Shift:
    return Shift(
        from_us=int(begin * HOUR_US),
        to_us=int(end * HOUR_US),
        person=person,
        address=address or f"{len(person)}@hospital.example",
    )


DAY, NIGHT = shift(8, 20, "林"), shift(20, 32, "沈立")


@pytest.mark.parametrize(
    ("hour", "people"), [(7.9, ()), (8, ("林",)), (19.9, ("林",)), (20, ("沈立",)), (32, ())]
)
def test_a_shift_begins_with_its_beginning_and_ends_before_its_end(hour, people):
    there = on_duty([NIGHT, DAY], int(hour * HOUR_US))

    assert tuple(each.person for each in there) == people


def test_a_duty_may_be_shared_and_one_address_is_mailed_once():
    shared = [shift(0, 9, "a", "x@h.example"), shift(1, 9, "b", "x@h.example"), shift(2, 9, "cc")]

    assert addresses_on_duty(shared, 3 * HOUR_US) == ("x@h.example", "2@hospital.example")


@pytest.mark.parametrize(
    ("shifts", "found"),
    [
        ([], [(0, 40)]),
        ([DAY, NIGHT], [(0, 8), (32, 40)]),
        ([NIGHT], [(0, 20), (32, 40)]),
        ([shift(0, 40)], []),
        ([shift(0, 10), shift(2, 4), shift(12, 50)], [(10, 12)]),
        ([shift(50, 60)], [(0, 40)]),
    ],
)
def test_gaps_are_the_times_that_no_shift_covers(shifts, found):
    told = gaps(shifts, 0, 40 * HOUR_US)

    assert list(told) == [Gap(begin * HOUR_US, end * HOUR_US) for begin, end in found]


def test_the_same_shift_written_down_twice_is_one_and_another_is_not():
    assert DAY.id == msgspec.structs.replace(DAY).id
    assert DAY.id != msgspec.structs.replace(DAY, phone="1").id
    assert len(DAY.id) == 32


def test_a_new_week_takes_the_place_of_what_begins_in_it():
    before, after = shift(0, 8), shift(33, 40)
    other = shift(9, 20)

    gone = replaced_by([DAY, NIGHT], [before, DAY, other, after])

    assert gone == (other.id,)
    assert replaced_by([], [DAY]) == ()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"person": ""}, NO_PERSON),
        ({"person": "x" * 65}, BAD_TEXT),
        ({"person": "a\u202eb"}, BAD_TEXT),
        ({"phone": "1\n2"}, BAD_TEXT),
        ({"address": ""}, BAD_ADDRESS),
        ({"address": "a@b\r\nBcc: c@d"}, BAD_ADDRESS),
        ({"to_us": DAY.from_us}, ENDS_FIRST),
        ({"to_us": 10**18}, TOO_LONG),
    ],
)
def test_a_shift_that_cannot_stand_says_why(wrong, message):
    assert [told for told, _ in faults(msgspec.structs.replace(DAY, **wrong))] == [message]
    assert list(faults(DAY)) == []
