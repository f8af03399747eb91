"""What ends a receipt, and what its ledger believes; values only."""

import msgspec
import pytest

from checks.facts.receipts import ScanReceipt, SignedReceipt
from checks.receipts import SLACK_US, named
from collector.entries import Revoked
from collector.judging.receipts import (
    LedgerReceipt,
    Revocation,
    by_base,
    ended_at_birth,
    is_about,
    why_not_believed,
)

RECEIPT = named(
    ScanReceipt(
        medium="k1",
        fingerprint="f",
        files=1,
        bytes=1,
        engine="ClamAV",
        signatures="27801",
        signatures_at_us=1,
        station="a",
        scanned_us=100,
        expires_us=200,
    )
)


def signed(**changes):
    receipt = named(msgspec.structs.replace(RECEIPT, **changes))
    return SignedReceipt(receipt=receipt, signature="00")


def ledger(**changes):
    return LedgerReceipt(signed=signed(**changes), expires_us=200, received_us=100)


def why(one, *, told_by="a", is_signed=True, base=None, received_us=100):
    return why_not_believed(
        one, told_by=told_by, is_signed=is_signed, base=base, received_us=received_us
    )


def revoked(what, subject, *, since_us=0, at_us=150):
    done = Revoked(what=what, subject=subject, since_us=since_us, actor="wu", reason="r")
    return Revocation(entry=1, at_us=at_us, done=done)


def test_a_right_receipt_is_believed():
    assert why(signed()) == ""
    assert why(signed(extends=RECEIPT.id), base=RECEIPT) == ""


@pytest.mark.parametrize(
    ("told", "circumstances", "because"),
    [
        (signed(), {"told_by": "b"}, "a receipt in the name of another station"),
        (signed(), {"is_signed": False}, "a receipt is not signed by the station's key"),
        (signed(), {"is_signed": None}, "the station's key is not known"),
        (signed(medium=""), {}, "a receipt names too much"),
        (signed(medium="k" * 201), {}, "a receipt names too much"),
        (signed(extends="e"), {}, "a receipt extends one that is not known"),
        (
            signed(extends=RECEIPT.id, medium="k2"),
            {"base": RECEIPT},
            "a receipt extends one of another medium",
        ),
    ],
)
def test_a_receipt_that_cannot_be_is_not_believed(told, circumstances, because):
    assert why(told, **circumstances) == because


def test_a_clock_that_is_a_little_ahead_is_borne():
    ahead = signed(scanned_us=100 + SLACK_US)

    assert why(ahead) == ""
    assert why(ahead, received_us=99) == "a receipt is from the future"


@pytest.mark.parametrize(
    ("revocation", "is_so"),
    [
        (revoked("receipt", RECEIPT.id), True),
        (revoked("receipt", "other"), False),
        (revoked("signatures", "27801"), True),
        (revoked("signatures", "27801", at_us=1), True),
        (revoked("signatures", "27802"), False),
        (revoked("station", "a"), True),
        (revoked("station", "a", since_us=100), True),
        (revoked("station", "a", since_us=101), False),
        (revoked("station", "a", at_us=99), False),
        (revoked("station", "b"), False),
    ],
)
def test_a_revocation_is_about_what_it_names_and_when(revocation, is_so):
    assert is_about(revocation.done, ledger(), until_us=revocation.at_us) is is_so


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({}, "in_force"),
        ({"expires_us": 150}, "expired"),
        ({"ended_us": 120, "ended_by": "base"}, "revoked"),
        ({"ended_us": 120, "ended_by": "infected"}, "doubted"),
    ],
)
def test_the_state_of_a_receipt(change, state):
    assert msgspec.structs.replace(ledger(), **change).state(150) == state


def test_what_malware_was_found_after_is_born_doubted_and_what_came_later_is_not():
    told = {"base": None, "revocations": (), "infected_us": 100}

    assert ended_at_birth(ledger(), **told).ended_by == "infected"
    ahead = ledger(scanned_us=101)
    assert ended_at_birth(ahead, **told).ended_by == "infected"
    later = msgspec.structs.replace(ahead, received_us=101)
    assert ended_at_birth(later, **told).ended_by == ""


def test_what_rests_on_a_doubted_receipt_is_doubted_and_on_a_revoked_one_revoked():
    doubted = msgspec.structs.replace(ledger(), ended_us=120, ended_by="infected")
    taken_back = msgspec.structs.replace(doubted, ended_by="signatures", reason="r", actor="wu")

    assert by_base(ledger(), doubted).state(130) == "doubted"
    heir = by_base(ledger(), taken_back)
    assert (heir.state(130), heir.ended_by, heir.reason) == ("revoked", "base", "r")
