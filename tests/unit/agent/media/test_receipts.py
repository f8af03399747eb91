"""From scanned file systems to a receipt."""

import msgspec
import pytest

from agent.media.engine import EngineVersion
from agent.media.manifest import Part
from agent.media.receipts import (
    Assembly,
    Marked,
    filesystem_kind,
    older,
    place_of,
    receipt_of,
    rules_of,
)
from agent.media.watched import ScanJob
from checks.facts.receipts import ScanReceipt
from checks.policy import parse_policy
from checks.receipts import is_rightly_named, named

DAY_US = 86_400_000_000
BASE = named(
    ScanReceipt(
        medium="m",
        fingerprint="f",
        files=1,
        bytes=1,
        engine="ClamAV 1",
        signatures="1",
        signatures_at_us=DAY_US,
        station="a",
        scanned_us=2 * DAY_US,
        expires_us=20 * DAY_US,
    )
)


def marked(place="1", places=("1",), **more):
    job = ScanJob(
        number=1, device=1, path="", point="", id=1, medium="m", insertion=more.pop("insertion", "7"),
        place=place, places=frozenset(places), again=more.pop("again", False),
    )  # fmt: skip
    part = Part(
        place=place, secret=b"s", strict=False, filesystem="ext4", boot=b"b", marks={b"f": b"m"}
    )
    plain = Marked(
        job=job,
        part=part,
        size=10,
        version=EngineVersion("ClamAV 2", "2", 5 * DAY_US),
        base=None,
        changed=True,
        started_us=6 * DAY_US,
    )
    return msgspec.structs.replace(plain, **more)


def receipt(*parts):
    return receipt_of(parts, fingerprint="f", station="b", life_us=30 * DAY_US)


@pytest.mark.parametrize(
    ("device", "disk", "place"),
    [
        ("/dev/sdb1", "/sys/block/sdb", "1"),
        ("/dev/sdb", "/sys/block/sdb", "0"),
        ("/dev/mmcblk0p12", "/sys/block/mmcblk0", "12"),
        ("/dev/nvme0n1p2", "/sys/block/nvme0n1", "2"),
        ("/dev/dm-0", "/sys/block/sdb", ""),
        ("/dev/sdba1", "/sys/block/sdb", ""),
        ("", "/sys/block/sdb", ""),
    ],
)
def test_a_file_system_has_the_same_place_in_every_reader(device, disk, place):
    assert place_of(device, disk) == place


def test_drivers_of_one_type_are_one_kind():
    kinds = [filesystem_kind(one) for one in ("ext4", "vfat", "ntfs", "ntfs3", "fuseblk")]

    assert kinds == ["ext4", "vfat", "other", "other", "other"]


def test_a_medium_is_whole_with_its_last_file_system():
    assembly, places = Assembly(), ("1", "2")

    assert assembly.add(marked("2", places)) == ()
    assert [one.job.place for one in assembly.add(marked("1", places))] == ["1", "2"]


def test_what_was_scanned_at_another_insertion_does_not_count():
    assembly, places = Assembly(), ("1", "2")
    assembly.add(marked("1", places, insertion="6"))

    assert assembly.add(marked("2", places, insertion="7")) == ()


def test_what_was_forgotten_does_not_count():
    assembly, places = Assembly(), ("1", "2")
    assembly.add(marked("1", places))
    assembly.forget("m")

    assert assembly.add(marked("2", places)) == ()


def test_where_nothing_changed_the_old_receipt_stands():
    assert Assembly().add(marked(base=BASE, changed=False)) == ()


def test_a_file_system_without_a_place_of_its_own_makes_no_receipt():
    assert Assembly().add(marked("", ("1", ""))) == ()


def test_a_full_scan_is_good_for_what_the_policy_says():
    full = receipt(marked())

    assert is_rightly_named(full)
    assert (full.how, full.extends, full.files, full.bytes) == ("full", "", 1, 10)
    assert (full.scanned_us, full.expires_us) == (6 * DAY_US, 36 * DAY_US)


@pytest.mark.parametrize(("again", "how"), [(False, "changed"), (True, "written")])
def test_a_chain_outlives_neither_its_first_receipt_nor_the_signatures_of_that(again, how):
    version = older(EngineVersion("ClamAV 2", "2", 5 * DAY_US), BASE)
    longer = receipt(marked(base=BASE, again=again, version=version))

    assert (longer.how, longer.extends, longer.expires_us) == (how, BASE.id, BASE.expires_us)
    assert (longer.signatures, longer.signatures_at_us) == ("1", DAY_US)


def test_one_file_system_that_leans_on_a_receipt_makes_the_whole_lean_on_it():
    places = ("1", "2")

    mixed = receipt(marked("1", places), marked("2", places, base=BASE, changed=False))

    assert (mixed.how, mixed.extends) == ("changed", BASE.id)


def test_an_older_engine_of_this_endpoint_counts_as_it_is():
    own = EngineVersion("ClamAV 0", "0", DAY_US // 2)

    assert older(own, BASE) == own
    assert older(EngineVersion(""), BASE) == EngineVersion("ClamAV 1", "1", DAY_US)


def test_rules_are_the_policys():
    policy = parse_policy(
        '[scanning]\nreceipt_life = "2d"\nrecheck = "strict"\nsample = 3\n'
        '[thresholds]\nsignatures_max_age = "1d"\n'
    )
    rules = rules_of(policy)

    assert (rules.wanted, rules.strict, rules.sample) == (True, True, 3)
    assert (rules.life_us, rules.signatures_max_us) == (2 * DAY_US, DAY_US)
