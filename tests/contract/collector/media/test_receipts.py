"""Scan receipts and manifests through the real door, with real signatures, judge and store."""

import msgspec
import pytest

from checks.facts.media import MediumScanned
from checks.receipts import MANIFEST_LIMIT_BYTES, MANIFEST_PATH, named
from collector.app import wall_clock
from collector.dashboard.first import figures
from collector.media.manifests import UNTOLD_US, ManifestKeeper
from collector.store import schema
from tests.samples import STICK
from tests.support.stations import DAY_US, Stations

OTHER = msgspec.structs.replace(STICK, key="another-stick", serial="S2")


@pytest.fixture
def ward(tmp_path):
    made = Stations(tmp_path)
    yield made
    made.close()


@pytest.fixture
def a(ward):
    return ward.station("a")


@pytest.fixture
def b(ward):
    return ward.station("b")


def infected(medium=STICK):
    return MediumScanned(medium=medium, mount_point="/m", verdict="infected", engine="ClamAV")


def unknown_because(ward):
    return [each.why for each in figures.unknowns(ward.collector.store_engine)]


def test_a_receipt_of_one_station_is_in_force_at_every_other(a, b):
    issued = a.issues(a.receipt())

    assert b.in_force() == issued.id
    assert b.in_force(OTHER) == ""


def test_the_newest_scan_counts_whatever_came_last(a, b):
    newer = a.issues(a.receipt())
    b.issues(b.receipt(scanned_us=newer.scanned_us - 1))

    assert b.in_force() == newer.id


def test_only_receipts_of_the_stations_that_the_policy_names_count(ward, a, b):
    of_a_ward = a.issues(a.receipt())
    of_the_station = b.issues(b.receipt(scanned_us=of_a_ward.scanned_us - 1))
    assert a.in_force() == of_a_ward.id

    ward.apply('[scanning]\nreceipts_of = ["b"]')
    assert a.in_force() == of_the_station.id

    ward.apply('[scanning]\nreceipts_of = ["import stations"]')
    assert a.in_force() == ""


def test_a_receipt_told_again_stays_revoked(ward, a):
    issued = a.issues(a.receipt())
    ward.revoke("receipt", issued.id)
    a.issues(issued)

    assert a.in_force() == ""
    assert ward.state(issued) == "revoked"


@pytest.mark.parametrize(
    ("forged", "why"),
    [
        (lambda a, b: (b.receipt(), a), "a receipt in the name of another station"),
        (
            lambda a, b: (msgspec.structs.replace(a.receipt(), files=9), a),
            "a receipt's id is not its own",
        ),
        (
            lambda a, b: (a.receipt(scanned_us=wall_clock() + DAY_US), a),
            "a receipt is from the future",
        ),
        (
            lambda a, b: (a.receipt(extends="e" * 64), a),
            "a receipt extends one that is not known",
        ),
        (lambda a, b: (a.receipt(signatures="9" * 5000), a), "a receipt names too much"),
    ],
)
def test_a_receipt_that_cannot_be_is_not_believed_and_says_why(ward, a, b, forged, why):
    receipt, teller = forged(a, b)
    teller.issues(receipt)

    assert b.in_force() == ""
    assert why in unknown_because(ward)


@pytest.mark.parametrize("signature", ["00" * 64, "zz", "é", "", "00"])
def test_a_forged_signature_is_not_believed(ward, a, signature):
    a.issues(a.receipt(), signature=signature or "x")

    assert a.in_force() == ""
    assert "a receipt is not signed by the station's key" in unknown_because(ward)


def test_a_receipt_over_one_of_another_medium_is_not_believed(ward, a):
    other = a.issues(a.receipt(medium=OTHER.key))
    a.issues(a.receipt(how="changed", extends=other.id))

    assert a.in_force() == ""
    assert "a receipt extends one of another medium" in unknown_because(ward)


def test_with_a_revoked_receipt_everything_that_extends_it_ends(ward, a, b):
    first = a.issues(a.receipt())
    second = b.issues(b.receipt(how="changed", extends=first.id))
    third = a.issues(a.receipt(how="written", extends=second.id))
    ward.revoke("receipt", first.id)

    assert [ward.state(each) for each in (first, second, third)] == ["revoked"] * 3
    assert a.in_force() == ""


def test_what_extends_a_revoked_receipt_is_born_out_of_force(ward, a):
    first = a.issues(a.receipt())
    ward.revoke("receipt", first.id)
    second = a.issues(a.receipt(how="written", extends=first.id))

    assert ward.state(second) == "revoked"


def test_with_the_newest_revoked_the_one_before_counts_again(ward, a):
    first = a.issues(a.receipt())
    second = a.issues(a.receipt(how="changed", extends=first.id))
    ward.revoke("receipt", second.id)

    assert a.in_force() == first.id


def test_a_revoked_station_loses_what_it_made_since_and_is_trusted_from_then_on(ward, a, b):
    before = a.issues(a.receipt(scanned_us=wall_clock() - DAY_US))
    bad = a.issues(a.receipt())
    others = b.issues(b.receipt(medium=OTHER.key))
    ward.revoke("station", "a", since_us=before.scanned_us + 1)
    late = a.issues(a.receipt(scanned_us=bad.scanned_us + 1))
    mended = a.issues(a.receipt(scanned_us=wall_clock()))

    shown = [ward.state(each) for each in (before, bad, others, late, mended)]
    assert shown == ["in_force", "revoked", "in_force", "revoked", "in_force"]


def test_revoked_signatures_end_what_was_made_with_them_also_later(ward, a, b):
    issued = a.issues(a.receipt())
    ward.revoke("signatures", "27801")
    again = b.issues(b.receipt(files=4))
    better = b.issues(b.receipt(signatures="27802"))

    assert [ward.state(each) for each in (issued, again)] == ["revoked", "revoked"]
    assert a.in_force() == better.id


def test_where_malware_is_found_all_receipts_before_are_doubted(ward, a, b):
    full = a.issues(a.receipt())
    written = b.issues(b.receipt(how="written", extends=full.id))
    other = a.issues(a.receipt(medium=OTHER.key))
    b.tell(infected())
    late = a.issues(a.receipt(files=8))
    cleaned = b.issues(b.receipt(scanned_us=wall_clock() + 1_000_000))

    shown = [ward.state(each) for each in (full, written, other, late, cleaned)]
    assert shown == ["doubted", "doubted", "in_force", "doubted", "in_force"]
    assert a.in_force() == cleaned.id


AHEAD_US = 4 * 60 * 1_000_000
"""A clock so far ahead is borne."""


def test_malware_found_after_a_receipt_from_ahead_doubts_it(ward, a, b):
    early = a.issues(a.receipt(scanned_us=wall_clock() + AHEAD_US))
    b.tell(infected())

    assert (ward.state(early), b.in_force()) == ("doubted", "")


def test_malware_found_by_a_machine_whose_clock_was_set_back_doubts_what_came_before(ward, a, b):
    issued = a.issues(a.receipt(scanned_us=wall_clock()))
    b.tell(infected(OTHER))
    b.tell(infected(), behind_us=DAY_US)

    assert (ward.state(issued), b.in_force()) == ("doubted", "")


def test_a_revoked_station_loses_what_it_made_with_a_clock_ahead(ward, a):
    early = a.issues(a.receipt(scanned_us=wall_clock() + AHEAD_US))
    ward.revoke("station", "a")

    assert (ward.state(early), a.in_force()) == ("revoked", "")


def test_a_receipt_ends_when_it_says_and_no_later_than_the_policy_says(ward, a):
    scanned_us = wall_clock() - 31 * DAY_US
    claims = a.issues(a.receipt(scanned_us=scanned_us, expires_us=wall_clock() + 900 * DAY_US))

    assert ward.state(claims) == "expired"
    assert a.in_force() == ""


# ------------------------------------------------------------------------------ manifests


def test_a_manifest_may_come_before_its_receipt_and_is_given_once_that_is_told(a, b):
    receipt = a.receipt()

    assert a.puts(receipt.id, b"manifest").status_code == 204
    assert a.puts(receipt.id, b"manifest").status_code == 204
    assert b.gets(receipt.id).status_code == 404
    a.issues(receipt)
    answer = b.gets(receipt.id)
    assert (answer.status_code, answer.content) == (200, b"manifest")


def test_nobody_puts_a_manifest_in_the_place_of_another_station(a, b):
    receipt = a.receipt()
    assert b.puts(receipt.id, b"false").status_code == 204
    a.puts(receipt.id, b"true")
    a.issues(receipt)
    b.puts(receipt.id, b"false again")

    assert b.gets(receipt.id).content == b"true"


def test_a_manifest_must_be_signed_for_its_own_address_and_body(a, b):
    receipt, other = a.receipt().id, a.receipt(files=7).id
    own = a.signed_headers("PUT", MANIFEST_PATH + receipt, b"manifest")

    assert a.puts(other, b"manifest", headers=own).status_code == 401
    assert a.puts(receipt, b"another body", headers=own).status_code == 401
    posted = a.signed_headers("POST", MANIFEST_PATH + receipt, b"manifest")
    assert a.puts(receipt, b"manifest", headers=posted).status_code == 401
    assert b.puts(receipt, b"manifest", headers={**own, "Wardwatch-Agent": "b"}).status_code == 401
    assert a.puts(receipt, b"manifest", headers={"x": "y"}).status_code == 401


def test_a_huge_or_empty_manifest_and_a_name_that_is_none_are_refused(a):
    receipt = a.receipt().id

    assert a.puts(receipt, b"x" * (MANIFEST_LIMIT_BYTES + 1)).status_code == 413
    assert a.puts(receipt, b"").status_code == 422
    assert a.puts("A" * 64, b"x").status_code == 422
    assert a.gets("1").status_code == 422


def test_one_agent_cannot_fill_the_disk_and_does_not_take_the_others_room(a, b):
    half = b"x" * (MANIFEST_LIMIT_BYTES // 2)
    first, second, third = (a.receipt(files=n).id for n in (1, 2, 3))

    assert a.puts(first, half).status_code == 204
    assert a.puts(second, half).status_code == 204
    full = a.puts(third, b"x")
    assert (full.status_code, full.headers["Retry-After"]) == (429, "3600")
    assert a.puts(first, half).status_code == 204
    assert b.puts(third, b"x").status_code == 204


def test_manifests_that_nobody_will_ask_for_are_dropped(ward, a):
    now_us = wall_clock()
    kept, ended, untold = (a.receipt(files=n) for n in (1, 2, 3))
    for receipt in (kept, ended, untold):
        a.puts(receipt.id, b"manifest")
    a.issues(kept)
    a.issues(ended)
    ward.revoke("receipt", ended.id)

    assert keeper(ward, now_us).step() == 1
    assert [a.gets(each.id).status_code for each in (kept, ended)] == [200, 404]
    assert keeper(ward, wall_clock() + UNTOLD_US).step() == 1
    assert a.gets(kept.id).status_code == 200


def keeper(ward, now_us):
    collector = ward.collector
    return ManifestKeeper(
        journal=collector.journal, store=collector.store_engine, clock=lambda: now_us
    )


def test_the_ledger_is_the_same_when_the_journal_is_judged_again(ward, a, b):
    first = a.issues(a.receipt())
    b.issues(named(msgspec.structs.replace(b.receipt(), how="written", extends=first.id)))
    ward.revoke("station", "b")
    before = ward.rows(schema.receipts)
    ward.rebuild()

    assert len(before) == 2
    assert ward.rows(schema.receipts) == before
