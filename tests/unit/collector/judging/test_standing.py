"""What the collector answers about a medium, from a register and media that are written out."""

from collections.abc import Callable

import msgspec
import pytest

from checks.facts.media import Medium
from checks.facts.media_register import MediumStanding, RegisteredMedium, Twin, Whereabouts
from checks.facts.receipts import ScanReceipt, SignedReceipt
from checks.policy import Endpoint, Policy, parse_policy
from collector.judging.media import TWINS_KNOWN, Place, SeenMedium
from collector.judging.standing import standing_of
from tests.samples import NOW_US, POLICY, STICK

WARD = Endpoint(id="pc-1", name="NK3-PC-017", department="内科三病区", place="3F")
DESK = Endpoint(id="pc-2", name="导入站", groups=("import stations",))
ENDPOINTS = {each.id: each for each in (WARD, DESK)}
LINE = RegisteredMedium(number="R-1", key=STICK.key)
OTHER = msgspec.structs.replace(STICK, key="k2", capacity=32_000_000_000)
STRANGER = Medium(key="k9", kind="stick", bus="usb")
RECEIPT = SignedReceipt(
    receipt=ScanReceipt(
        medium=STICK.key,
        fingerprint="f",
        files=1,
        bytes=1,
        engine="ClamAV",
        signatures="27801",
        signatures_at_us=NOW_US,
        station="pc-2",
        scanned_us=NOW_US,
        expires_us=NOW_US + 1,
    ),
    signature="00",
)


class Known:
    """Fits MediaSource: lists instead of a database."""

    def __init__(
        self,
        *,
        lines: tuple[RegisteredMedium, ...] = (),
        bodies: tuple[SeenMedium, ...] = (),
        places: tuple[Place, ...] = (),
        uses: int = 0,
    ) -> None:
        self._lines = lines
        self._bodies = bodies
        self._places = places
        self._uses = uses

    def line_for(self, medium: Medium) -> RegisteredMedium | None:
        return next((line for line in self._lines if line.is_for(medium)), None)

    def lines(self, numbers: tuple[str, ...]) -> dict[str, RegisteredMedium]:
        return {line.number: line for line in self._lines if line.number in numbers}

    def uses(self, number: str) -> int:
        return self._uses

    def seen(self, key: str) -> SeenMedium | None:
        return next((body for body in self._bodies if body.key == key), None)

    def of_serial(self, serial: str) -> list[SeenMedium]:
        return [body for body in self._bodies if body.medium.serial == serial]

    def places(self, key: str) -> list[Place]:
        return [place for place in self._places if place.key == key]

    def plugged_in(self, agent: str) -> list[Place]:
        return [place for place in self._places if place.agent == agent and place.since_us]


def newest_of(medium: str, counts: Callable[[str], bool]) -> SignedReceipt | None:
    fits = medium == RECEIPT.receipt.medium and counts(RECEIPT.receipt.station)
    return RECEIPT if fits else None


def answer(known: Known, medium: Medium = STICK, *, policy: Policy = POLICY) -> MediumStanding:
    return standing_of(
        medium,
        known,
        policy=policy,
        endpoint_of=lambda agent: ENDPOINTS.get(agent, Endpoint(id=agent)),
        receipt_of=newest_of,
        clean_us_of=lambda key: 5 if key == STICK.key else 0,
        asked_by="pc-1",
        at_us=NOW_US,
    )


def body(medium: Medium, *, last_us: int = 9) -> SeenMedium:
    return SeenMedium(medium=medium, first_us=1, last_us=last_us, agent="pc-2")


def test_a_stranger_gets_an_empty_answer_with_its_date():
    assert answer(Known(), STRANGER) == MediumStanding(key="k9", answered_us=NOW_US)


def test_the_registers_line_goes_before_the_policys():
    assert answer(Known(lines=(LINE,))).entry == LINE
    assert answer(Known()).entry.number == "M-1"


def test_the_use_that_asks_is_not_among_those_before_it():
    here = Place(key=STICK.key, agent="pc-1", since_us=3, used=True)
    elsewhere = Place(key=STICK.key, agent="pc-2", since_us=3, used=True)

    assert answer(Known(lines=(LINE,), places=(here,), uses=4)).uses == 3
    assert answer(Known(lines=(LINE,), places=(elsewhere,), uses=4)).uses == 4
    assert answer(Known(lines=(LINE,), places=(here,))).uses == 0


def test_a_place_is_told_with_what_the_register_of_endpoints_says_of_it():
    place = Place(
        key=STICK.key, agent="pc-1", zone="ward", first_us=1, last_us=8, before_us=4, since_us=7
    )
    gone = Place(key=STICK.key, agent="pc-7", first_us=2, last_us=3)

    assert answer(Known(places=(place, gone))).seen == (
        Whereabouts(
            endpoint="pc-1",
            name="NK3-PC-017",
            zone="ward",
            department="内科三病区",
            place="3F",
            first_us=1,
            last_us=8,
            before_us=4,
            here=True,
        ),
        Whereabouts(endpoint="pc-7", name="", first_us=2, last_us=3, here=False),
    )


@pytest.mark.parametrize(
    ("listed", "told"),
    [("[]", True), ('["import stations"]', True), ('["导入站"]', True), ('["pc-1"]', False)],
)
def test_a_receipt_counts_where_the_policy_lists_its_station_or_nobody(listed, told):
    policy = parse_policy(f"[scanning]\nreceipts_of = {listed}\n")

    assert answer(Known(), policy=policy).receipt == (RECEIPT if told else None)


def test_when_it_was_clean_last_is_told():
    assert (answer(Known()).clean_us, answer(Known(), STRANGER).clean_us) == (5, 0)


def test_another_body_with_the_same_serial_number_is_a_twin():
    known = Known(bodies=(body(STICK), body(OTHER)))

    assert answer(known).twins == (
        Twin(
            key="k2",
            name="Kingston DataTraveler 4C530001",
            capacity=32_000_000_000,
            number="",
            endpoint="pc-2",
            last_us=9,
        ),
    )


def test_a_twin_has_the_number_of_a_line_that_is_its_own_and_no_other_s():
    own = RegisteredMedium(number="R-2", key="k2")
    shared = RegisteredMedium(number="R-3", serial=STICK.serial)
    bodies = (body(OTHER),)

    assert [twin.number for twin in answer(Known(lines=(own,), bodies=bodies)).twins] == ["R-2"]
    assert [twin.number for twin in answer(Known(lines=(shared,), bodies=bodies)).twins] == [""]


def test_media_without_a_serial_number_are_nobody_s_twins():
    silent = msgspec.structs.replace(STRANGER, key="k8")

    assert answer(Known(bodies=(body(silent),)), STRANGER).twins == ()


def test_no_more_twins_are_told_than_may_be():
    many = tuple(body(msgspec.structs.replace(STICK, key=f"t{n}")) for n in range(TWINS_KNOWN + 1))

    assert [twin.key for twin in answer(Known(bodies=many)).twins] == [
        f"t{n}" for n in range(TWINS_KNOWN)
    ]
