"""Sums of cells: no line of a report disagrees with its total."""

from hypothesis import given
from hypothesis import strategies as st

from checks.finding import Severity
from collector.reports.figures import COUNTED, Cell, Tally, by, tally

NUMBERS = st.integers(0, 1000)
CELLS = st.lists(
    st.builds(
        Cell,
        rule=st.sampled_from(["EXT-01", "MED-05"]),
        department=st.sampled_from(["", "ICU", "放射科"]),
        owner=st.text(max_size=3),
        severity=st.sampled_from(list(Severity)),
        **dict.fromkeys(COUNTED, NUMBERS),
    ),
    max_size=30,
)


@given(CELLS)
def test_the_parts_are_the_whole(cells):
    total = tally(cells)

    for key in (lambda c: c.rule, lambda c: c.department, lambda c: c.owner):
        parts = by(cells, key).values()
        for counted in COUNTED:
            assert sum(part.of(counted) for part in parts) == total.of(counted)
    assert sum(total.severities.values()) == total.opened


def test_a_key_without_a_case_has_a_line_that_says_none():
    told = by([], lambda cell: cell.rule, ["EXT-01"])

    assert told["EXT-01"].is_none
    assert not Tally(overdue=1).is_none
