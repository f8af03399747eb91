"""A scan travels with its medium: two endpoints (two sensors) and a ledger between them, on real
block devices with real clamd.
"""

# ruff: noqa: F811 - pytest names fixtures by their parameters
import os
import subprocess
import time
from pathlib import Path

import pytest
from nacl.signing import VerifyKey

from checks.facts.media import MediumAccessed, MediumMounted, MediumScanned, MediumUnmounted
from checks.facts.receipts import ReceiptIssued
from checks.receipts import is_rightly_named, signed_octets
from tests.clamd import clamd, eicar, make_clamd  # noqa: F401 - a fixture
from tests.loopdev import loops  # noqa: F401 - a fixture
from tests.support.ledger import Ledger, Station, receipts_at
from tests.support.live import until
from tests.support.watching import Watching

FILES = {f"folder{number % 3}/{number}.txt": b"%d" % number * 500 for number in range(60)}


class Endpoint:
    def __init__(self, folder, ledger, address, policy=""):
        folder.mkdir()
        self.station = Station(folder.name)
        self.ledger = ledger
        self.watching = Watching(address, receipts_at(folder, ledger, self.station), policy)
        self.point = folder / "mnt"

    def insert(self, loop):
        """Plugged and mounted; how its scan ended."""
        since = len(self.watching.facts)
        self.device = self.watching.plug(loop)
        loop.mount(self.point)
        self.watching.until(MediumMounted, since)
        return self.watching.until(MediumScanned, since)

    def receipt(self):
        """The next one that is made here; the collector has it then."""
        issued = self.watching.until(ReceiptIssued, self.since_receipts())
        self.ledger.takes(issued)
        return issued.signed.receipt

    def since_receipts(self):
        known = [n for n, fact in enumerate(self.watching.facts) if isinstance(fact, ReceiptIssued)]
        taken = self.ledger.receipts.values()
        fresh = [n for n in known if self.watching.facts[n].signed not in taken]
        return fresh[0] if fresh else len(self.watching.facts)

    def remove(self, loop):
        since = len(self.watching.facts)
        loop.unmount(self.point)
        self.watching.until(MediumUnmounted, since)
        self.watching.unplug(self.device)


@pytest.fixture
def ledger():
    return Ledger()


@pytest.fixture
def ward(tmp_path, ledger, clamd):
    made = []

    def endpoint(name, policy="", address=clamd.address):
        made.append(Endpoint(tmp_path / name, ledger, address, policy))
        return made[-1]

    yield endpoint
    for one in made:
        one.watching.sensor.stop()


@pytest.fixture
def scanned_at_a(ward, loops):
    """A stick that was scanned clean at A and taken out there."""
    loop = loops.make("stick", FILES)
    a = ward("a")
    assert a.insert(loop).how == "full"
    receipt = a.receipt()
    a.remove(loop)
    return a, loop, receipt


def by_hand(loop, act, folder):
    """What somebody does to it on a machine that we do not watch."""
    loop.mount(folder)
    act(folder)
    loop.unmount(folder)


def test_a_clean_scan_makes_a_receipt_that_its_station_signed(scanned_at_a):
    a, _, receipt = scanned_at_a
    signed = a.ledger.receipts[receipt.medium]

    VerifyKey(bytes(a.station.key.verify_key)).verify(
        signed_octets(receipt), bytes.fromhex(signed.signature)
    )
    assert is_rightly_named(receipt)
    assert (receipt.station, receipt.how, receipt.files) == ("a", "full", 60)
    assert (receipt.engine, receipt.signatures) == ("ClamAV 1.4.6", "27000")
    assert receipt.id in a.ledger.manifests


def test_what_was_scanned_at_a_is_known_again_at_b_without_an_engine(scanned_at_a, ward):
    _, loop, receipt = scanned_at_a
    b = ward("b", address="unix:/nowhere/clamd")

    scanned = b.insert(loop)

    assert (scanned.verdict, scanned.how, scanned.receipt) == ("clean", "unchanged", receipt.id)
    assert (scanned.files, scanned.signatures) == (60, "27000")


def test_who_opens_a_file_before_it_is_known_again_used_what_was_scanned(scanned_at_a, ward):
    _, loop, _ = scanned_at_a
    b = ward("b")
    b.device = b.watching.plug(loop)
    loop.mount(b.point)
    b.watching.until(MediumMounted)
    (b.point / "folder1/1.txt").read_bytes()
    subprocess.run(["cat", b.point / "folder1/1.txt"], check=True, capture_output=True)
    opened = b.watching.until(MediumAccessed, operation="open")

    assert opened.scan == "clean"
    assert [fact.scan for fact in b.watching.of(MediumAccessed)] == ["clean"]


def test_a_change_elsewhere_is_noticed_though_size_and_time_are_as_before(
    scanned_at_a, ward, tmp_path
):
    _, loop, receipt = scanned_at_a

    def forge(folder):
        file = folder / "folder0/3.txt"
        seen = file.stat()
        file.write_bytes(eicar().ljust(seen.st_size)[: seen.st_size])
        os.utime(file, ns=(seen.st_atime_ns, seen.st_mtime_ns))

    by_hand(loop, forge, tmp_path / "elsewhere")
    scanned = ward("b").insert(loop)

    assert (scanned.verdict, scanned.how, scanned.receipt) == ("infected", "changed", receipt.id)
    assert scanned.files <= 1 + 16


def test_only_what_changed_and_a_sample_are_scanned_and_the_chain_goes_on(
    scanned_at_a, ward, tmp_path
):
    _, loop, receipt = scanned_at_a
    by_hand(loop, lambda folder: (folder / "new.txt").write_bytes(b"new"), tmp_path / "elsewhere")
    b = ward("b", "[scanning]\nsample = 5\n")

    scanned = b.insert(loop)
    extended = b.receipt()
    b.remove(loop)

    assert (scanned.verdict, scanned.how, scanned.files) == ("clean", "changed", 6)
    assert (extended.how, extended.extends, extended.files) == ("changed", receipt.id, 61)
    assert extended.expires_us == receipt.expires_us
    assert ward("c").insert(loop).receipt == extended.id


def test_what_is_written_under_watch_extends_the_chain(scanned_at_a, ward):
    a, loop, receipt = scanned_at_a
    assert a.insert(loop).how == "unchanged"
    subprocess.run(["cp", "/etc/hostname", a.point / "copied.txt"], check=True)
    written = a.receipt()
    a.remove(loop)

    assert (written.how, written.extends, written.files) == ("written", receipt.id, 61)
    assert ward("b").insert(loop).receipt == written.id


def test_malware_written_under_watch_is_found(scanned_at_a, ward):
    a, loop, _ = scanned_at_a
    a.insert(loop)
    subprocess.run(["tee", a.point / "bad.com"], input=eicar(), check=True, capture_output=True)

    found = a.watching.until(MediumScanned, verdict="infected")

    assert (found.how, len(found.infections)) == ("written", 1)


def test_a_revoked_receipt_means_a_full_scan(scanned_at_a, ward, ledger):
    _, loop, receipt = scanned_at_a
    ledger.revoke(receipt.medium)

    scanned = ward("b").insert(loop)

    assert (scanned.verdict, scanned.how, scanned.receipt) == ("clean", "full", "")


def test_without_the_collector_its_last_word_counts_where_it_was_heard(scanned_at_a, ward, ledger):
    a, loop, _ = scanned_at_a
    a.insert(loop)
    a.remove(loop)
    ledger.down = True

    assert a.insert(loop).how == "unchanged"
    a.remove(loop)
    assert ward("b").insert(loop).how == "full"


@pytest.mark.parametrize(
    "policy",
    [
        "[scanning]\nreceipts = false\n",
        '[scanning]\nreceipt_life = "1s"\n',
        '[scanning]\nrecheck = "strict"\n',
        '[thresholds]\nsignatures_max_age = "30m"\n',
    ],
)
def test_a_receipt_that_the_policy_does_not_accept_means_a_full_scan(scanned_at_a, ward, policy):
    _, loop, receipt = scanned_at_a
    until(lambda: time.time_ns() // 1000 > receipt.scanned_us + 1_000_000, told="a second")

    assert ward("b", policy).insert(loop).how == "full"


def test_strict_receipts_are_believed_where_the_policy_is_strict(ward, loops):
    loop = loops.make("strict", FILES)
    a, b = (ward(name, '[scanning]\nrecheck = "strict"\n') for name in "ab")
    a.insert(loop)
    a.receipt()
    a.remove(loop)

    assert b.insert(loop).how == "unchanged"


def test_another_boot_sector_means_a_full_scan(scanned_at_a, ward):
    _, loop, _ = scanned_at_a
    with Path(loop.node).open("r+b") as raw:
        raw.write(b"\xeb\xfe")

    assert ward("b").insert(loop).how == "full"


def test_an_infected_medium_gets_no_receipt(ward, loops):
    loop = loops.make("bad", {**FILES, "bad.com": eicar()})
    a = ward("a")

    assert a.insert(loop).verdict == "infected"
    a.remove(loop)

    assert not a.watching.of(ReceiptIssued)


def test_an_engine_with_old_signatures_makes_no_receipt(ward, loops, tmp_path):
    old = make_clamd(tmp_path / "old", signed_at=int(time.time()) - 40 * 86400)
    old.folder.mkdir()
    old.start()
    try:
        loop = loops.make("stale", FILES)
        a = ward("a", address=old.address)
        assert a.insert(loop).verdict == "clean"
        a.remove(loop)
        assert not a.watching.of(ReceiptIssued)
    finally:
        old.kill()
