import msgspec
import pytest

from checks.facts.media import MediumAttached, Partition
from tests.samples import STICK, judged


def verdicts(*partitions):
    medium = msgspec.structs.replace(STICK, partitions=partitions)
    return judged(MediumAttached(medium=medium))


def part(filesystem="", closed=""):
    return Partition(device="/dev/sdb1", size=1 << 30, filesystem=filesystem, closed=closed)


@pytest.mark.parametrize(
    ("partition", "message"),
    [
        (
            part("BitLocker", "encrypted"),
            "{partition} of {medium} is encrypted ({filesystem}) and cannot be scanned",
        ),
        (
            part("crypto_LUKS", "encrypted"),
            "{partition} of {medium} is encrypted ({filesystem}) and cannot be scanned",
        ),
        (
            part("", "unrecognised"),
            "{partition} of {medium} holds no file system that is known and cannot be scanned",
        ),
    ],
)
def test_a_registered_medium_that_cannot_be_looked_into_raises_this_rule_alone(partition, message):
    (verdict,) = verdicts(part("vfat"), partition)

    assert verdict.rule == "MED-15"
    assert verdict.finding.message == message
    assert verdict.finding.params["partition"] == "/dev/sdb1"


@pytest.mark.parametrize("partitions", [(), (part("vfat"),), (part(""),)])
def test_what_is_not_known_yet_or_can_be_read_is_not_told(partitions):
    assert verdicts(*partitions) == []
