"""Receipts as octets, and what ends one."""

import msgspec
import pytest

from checks.facts.receipts import ScanReceipt
from checks.receipts import (
    RECEIPT_DOMAIN,
    SLACK_US,
    is_rightly_named,
    named,
    signed_octets,
    why_not_current,
)

DAY_US = 86_400_000_000
NOW_US = 100 * DAY_US
RECEIPT = named(
    ScanReceipt(
        medium="k",
        fingerprint="f",
        files=1,
        bytes=2,
        engine="ClamAV 1.4.6",
        signatures="27000",
        signatures_at_us=NOW_US - DAY_US,
        station="agent-a",
        scanned_us=NOW_US,
        expires_us=NOW_US + 30 * DAY_US,
    )
)


def why(receipt, now_us=NOW_US):
    return why_not_current(
        receipt, now_us=now_us, signatures_max_us=20 * DAY_US, life_us=10 * DAY_US
    )


def test_a_receipt_is_named_by_all_that_it_says():
    other = msgspec.structs.replace(RECEIPT, files=3)

    assert is_rightly_named(RECEIPT)
    assert not is_rightly_named(other)
    assert named(named(RECEIPT)) == RECEIPT


def test_what_is_signed_begins_with_what_it_is():
    assert signed_octets(RECEIPT).startswith(RECEIPT_DOMAIN + b'{"bytes":2,')


@pytest.mark.parametrize(
    ("changed", "now_us", "reason"),
    [
        ({}, NOW_US, ""),
        ({}, NOW_US + 10 * DAY_US - 1, ""),
        ({}, NOW_US + 10 * DAY_US, "expired"),
        ({"expires_us": NOW_US + DAY_US}, NOW_US + DAY_US, "expired"),
        ({"signatures_at_us": NOW_US - 21 * DAY_US}, NOW_US, "signatures_old"),
        ({}, NOW_US - SLACK_US, ""),
        ({}, NOW_US - SLACK_US - 1, "from_the_future"),
    ],
)
def test_a_receipt_counts_while_it_and_its_signatures_are_young(changed, now_us, reason):
    assert why(msgspec.structs.replace(RECEIPT, **changed), now_us) == reason
