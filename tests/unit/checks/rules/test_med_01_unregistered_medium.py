import msgspec
import pytest

from checks.facts.media import MediumMounted, Partition
from tests.samples import STICK, judged


def mounted(**changes):
    medium = msgspec.structs.replace(STICK, **changes)
    return MediumMounted(
        medium=medium, partition=Partition(device="/dev/sdb1", size=1), mount_point="/media/a/KEYS"
    )


@pytest.mark.parametrize(
    ("what", "fact", "decided_by"),
    [
        ("registered", mounted(), []),
        ("another serial", mounted(serial="4C530002"), ["default: not in the media register"]),
        (
            "the same serial in another body",
            mounted(product_id="0001"),
            ["default: not in the media register"],
        ),
        ("no serial at all", mounted(serial=""), ["default: not in the media register"]),
        ("banned", mounted(serial="LOST"), ["media register M-2"]),
    ],
)
def test_which_media_are_unregistered(what, fact, decided_by):
    assert [v.finding.decided_by for v in judged(fact) if v.rule == "MED-01"] == decided_by, what
