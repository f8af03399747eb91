import pytest

from checks.facts.hardware import HardwareChanged, PartChange
from checks.finding import Severity
from checks.rules.dev_02_changed_hardware import ADDED, ANOTHER_MACHINE, REMOVED, REPLACED
from tests.samples import judged

BOARD = PartChange(part="board", before="A 1", after="B 2")
DISK_OUT = PartChange(part="disk", before="WDC 17 (500 GB)")
DISK_IN = PartChange(part="disk", after="SSD 18 (1000 GB)")
MEMORY = PartChange(part="memory", before="8.0 GiB", after="4.0 GiB")


@pytest.mark.parametrize(
    ("change", "message", "subject"),
    [
        (BOARD, REPLACED, "board"),
        (MEMORY, REPLACED, "memory"),
        (DISK_OUT, REMOVED, "WDC 17 (500 GB)"),
        (DISK_IN, ADDED, "SSD 18 (1000 GB)"),
    ],
)
def test_each_part_is_told_for_itself(change, message, subject):
    [verdict] = judged(HardwareChanged(changes=(change,)))

    assert (verdict.rule, verdict.severity) == ("DEV-02", Severity.MEDIUM)
    assert (verdict.finding.message, verdict.finding.subject) == (message, subject)


def test_another_machine_is_one_finding():
    [verdict] = judged(HardwareChanged(changes=(BOARD, DISK_OUT, DISK_IN), another_machine=True))

    assert (verdict.finding.message, verdict.finding.subject) == (ANOTHER_MACHINE, "machine")
    assert verdict.finding.params["before"] == "A 1"
