from datetime import date

import pytest

from checks.facts.media_register import MediumOverdue, RegisteredMedium
from tests.samples import judged


def due(day):
    line = RegisteredMedium(number="R-1", key="k1", owner="ward 3", inventory=day)
    return MediumOverdue(entry=line)


@pytest.mark.parametrize(
    ("day", "subjects"),
    [
        (date(2026, 11, 17), ["R-1"]),
        (date(2026, 11, 18), []),  # its own day is not over yet
        (None, []),
    ],
)
def test_an_inventory_is_overdue_after_its_day(day, subjects):
    assert [verdict.finding.subject for verdict in judged(due(day))] == subjects
