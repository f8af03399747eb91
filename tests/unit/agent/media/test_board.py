"""What is plugged in and how far its check is, from what the sensors told."""

import msgspec
import pytest

from agent.media.board import Board
from agent.media.progress import UnderWay
from checks.facts.holding import MediumHeld
from checks.facts.media import (
    Infection,
    Medium,
    MediumAttached,
    MediumDetached,
    MediumMounted,
    MediumScanned,
    MediumUnmounted,
    Partition,
)
from checks.facts.media_register import RegisteredMedium
from checks.facts.receipts import ReceiptIssued, ScanReceipt, SignedReceipt
from checks.finding import Outcome, Severity, Verdict

PART = Partition(device="/dev/sdb1", size=1000, filesystem="vfat")
STICK = Medium(
    key="k1", kind="stick", bus="usb", model="Stick", device="/dev/sdb", partitions=(PART,)
)
FAILED = Verdict(rule="MED-01", outcome=Outcome.FAIL, severity=Severity.HIGH)
ENTRY = RegisteredMedium(number="M-1", key="k1")


def scanned(verdict="clean", mount_point="/m", **more):
    return MediumScanned(medium=STICK, mount_point=mount_point, verdict=verdict, **more)


def held(action, ground=""):
    return MediumHeld(medium=STICK, action=action, ground=ground)


def mounted(point="/m", *, read_only=False):
    return MediumMounted(medium=STICK, partition=PART, mount_point=point, read_only=read_only)


def receipt():
    own = ScanReceipt(
        id="ab" * 32,
        medium="k1",
        fingerprint="f",
        files=3,
        bytes=9,
        engine="e",
        signatures="1",
        signatures_at_us=1,
        station="s",
        scanned_us=1,
        expires_us=2,
    )
    return ReceiptIssued(signed=SignedReceipt(receipt=own, signature=""))


def board(*facts, entry=None, failed=()):
    made = Board(lambda _medium: entry)
    for fact in facts:
        made.heard(fact, failed)
    return made


def shown(*facts, scans=(), **more):
    [medium] = board(*facts, **more).media(scans, 110.0)
    return medium


RUNNING = UnderWay(medium="k1", began=100.0, files=2, bytes=50, used=100)


@pytest.mark.parametrize(
    ("facts", "scans", "state"),
    [
        ([MediumAttached(medium=STICK)], (), "inserted"),
        ([mounted()], (UnderWay(medium="k1", began=None),), "waiting"),
        ([mounted()], (RUNNING,), "scanning"),
        ([held("held")], (RUNNING,), "scanning"),
        ([mounted(), scanned()], (RUNNING,), "scanning"),
        ([mounted(), scanned()], (), "clean"),
        ([mounted(), scanned(), MediumUnmounted(medium=STICK, mount_point="/m")], (), "clean"),
        ([scanned(), scanned("infected", "/n")], (), "infected"),
        ([scanned(), scanned("incomplete", "/n")], (), "incomplete"),
        ([scanned("not_scanned"), scanned()], (), "clean"),
        ([held("held"), scanned(mount_point=""), held("released", "clean")], (), "clean"),
        ([held("held"), held("kept", "no_file_system")], (), "unreadable"),
        (
            [held("held"), scanned(mount_point=""), held("kept", "signatures_old")],
            (),
            "not_scanned",
        ),
        ([held("held"), held("released", "emergency")], (), "emergency"),
        (
            [
                held("held"),
                held("released", "clean"),
                mounted(),
                scanned("infected", how="written"),
            ],
            (),
            "infected",
        ),
        ([held("held"), scanned("infected", ""), held("kept", "infected")], (), "infected"),
    ],
)
def test_a_medium_is_in_the_state_that_was_told_last(facts, scans, state):
    assert shown(*facts, scans=scans).state == state


@pytest.mark.parametrize(
    ("facts", "states"),
    [
        ([MediumAttached(medium=STICK)], ("inserted", "inserted", "not_opened")),
        ([held("held")], ("inserted", "inserted", "not_opened")),
        ([mounted()], ("inserted",) * 3),
        ([scanned()], ("clean",) * 3),
    ],
)
def test_a_medium_that_nobody_opens_is_told_after_half_a_minute(facts, states):
    made = board(*facts)

    shown_at = [made.media((), at)[0].state for at in (100.0, 129.9, 130.0)]

    assert tuple(shown_at) == states


def test_it_waits_anew_when_it_was_opened_in_between():
    made = board(MediumAttached(medium=STICK))
    made.media((), 100.0)
    made.media((RUNNING,), 120.0)

    assert made.media((), 140.0)[0].state == "inserted"
    assert made.media((), 170.0)[0].state == "not_opened"


def test_the_end_of_a_medium_s_patience_is_known_once():
    made = board(MediumAttached(medium=STICK))
    made.media((), 100.0)

    assert [made.deadline(at) for at in (100.0, 129.0, 130.0)] == [130.0, 130.0, None]


def test_a_held_medium_that_is_tried_again_is_counted_once():
    told = shown(
        held("held"),
        scanned("not_scanned", "", reason="engine_absent"),
        held("kept", "not_scanned"),
        scanned(mount_point="", files=5),
        scanned(mount_point="", files=2),
        held("released", "clean"),
    )

    assert (told.state, told.files, told.held) == ("clean", 7, False)


def test_what_was_found_and_what_was_left_out_is_told():
    found = Infection(signature="Eicar")
    told = shown(
        scanned("infected", infections=(found, found), skipped={"encrypted": 2}),
        scanned("incomplete", "/n", skipped={"encrypted": 1, "special": 1}),
    )

    assert told.threats == ("Eicar",)
    assert told.skipped == {"encrypted": 3, "special": 1}


def test_an_encrypted_medium_cannot_be_checked():
    locked = msgspec.structs.replace(PART, closed="encrypted")
    medium = msgspec.structs.replace(STICK, partitions=(locked,))
    told = shown(MediumAttached(medium=medium))

    assert (told.state, told.reason) == ("unreadable", "encrypted")


def test_a_clean_medium_has_its_receipt_made_here_or_before():
    assert shown(scanned(), receipt()).receipt == "ab" * 32
    assert shown(scanned(how="unchanged", receipt="cd")).receipt == "cd"
    assert shown(scanned(), receipt(), scanned("infected", how="written")).receipt == ""


@pytest.mark.parametrize(
    ("fact", "entry", "failed", "takes"),
    [
        (mounted(), ENTRY, (), True),
        (mounted(), None, (), False),
        (mounted(), ENTRY, (FAILED,), False),
        (mounted(read_only=True), ENTRY, (), False),
        (MediumAttached(medium=STICK), ENTRY, (), False),
        (mounted(), msgspec.structs.replace(ENTRY, access="read_only"), (), False),
        (mounted(), msgspec.structs.replace(ENTRY, kind="banned"), (), False),
        (mounted(), msgspec.structs.replace(ENTRY, lost=True), (), False),
    ],
)
def test_files_go_only_to_a_medium_that_the_register_lets_be_written_to(fact, entry, failed, takes):
    assert shown(fact, entry=entry, failed=failed).takes is takes


def test_a_held_medium_waits_with_an_estimate_before_its_scan_and_while_its_pace_is_unknown():
    hold = MediumHeld(medium=STICK, action="held", used=500, estimate=40)
    before, begun = (shown(hold, scans=(UnderWay(medium="k1", began=at),)) for at in (None, 109.0))

    assert (before.state, before.held, before.progress.rest) == ("waiting", True, 40)
    assert (begun.state, begun.held, begun.progress.rest) == ("scanning", True, 39)


def test_a_scan_is_known_by_the_key_that_the_hold_gave_its_medium():
    without_file_systems = msgspec.structs.replace(STICK, key="k2")

    told = shown(held("held"), MediumAttached(medium=without_file_systems), scans=(RUNNING,))

    assert (told.key, told.state, told.progress.files) == ("k2", "scanning", 2)


def test_a_medium_that_gets_another_key_is_still_one():
    renamed = msgspec.structs.replace(STICK, key="k2")
    made = board(held("held"), MediumAttached(medium=renamed))

    assert [medium.key for medium in made.media((), 0.0)] == ["k2"]


def test_what_was_taken_out_is_gone():
    made = board(mounted(), MediumDetached(medium=STICK))

    assert made.media((), 0.0) == ()
