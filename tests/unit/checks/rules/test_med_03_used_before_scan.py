import pytest

from checks.facts.media import MediumAccessed
from tests.samples import CURL, STICK, rules_raised


@pytest.mark.parametrize(
    ("scan", "raised"),
    [
        ("not_started", ["MED-03"]),
        ("running", ["MED-03"]),
        ("infected", ["MED-03"]),
        ("incomplete", ["MED-03"]),
        ("not_scanned", ["MED-03"]),
        ("clean", []),
    ],
)
def test_a_file_may_be_opened_only_after_a_clean_scan(scan, raised):
    accessed = MediumAccessed(
        medium=STICK, mount_point="/media/a", operation="open", scan=scan, process=CURL
    )

    assert rules_raised(accessed) == raised
