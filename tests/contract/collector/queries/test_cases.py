"""Cases as pages and scripts ask for them."""

import msgspec
import pytest

from checks.finding import Severity
from collector.cases import Case, CaseState
from collector.queries.cases import (
    CaseFilter,
    NextClock,
    Position,
    case_named,
    count_cases,
    count_findings,
    evidence_of,
    newest_cases,
    next_clock,
    story_of,
    urgent_cases,
)
from tests.support.hospital import HOSTILE_LABEL, now_us

ALL = CaseFilter()


def test_pages_of_cases_are_newest_first_and_do_not_overlap(read):
    everything = newest_cases(read, ALL, limit=100)
    first = newest_cases(read, ALL, limit=2)
    place = Position(first[-1].case.opened_us, first[-1].case.id)

    second = newest_cases(read, ALL, limit=2, after=place)

    opened = [row.case.opened_us for row in everything]
    assert len(everything) == count_cases(read, ALL) > 5
    assert opened == sorted(opened, reverse=True)
    assert first + second == everything[:4]


@pytest.mark.parametrize(
    ("wanted", "rules"),
    [
        (CaseFilter(rules=("EXT-01",)), {"EXT-01"}),
        (CaseFilter(rules=("EXT-01", "MED-05")), {"EXT-01", "MED-05"}),
        (CaseFilter(endpoint="nk3-017", severities=("critical",)), {"EXT-01"}),
        (CaseFilter(department="内科三病区", severities=("critical",)), {"EXT-01"}),
        (CaseFilter(text="林晓棠", severities=("critical",)), {"EXT-01"}),
        (CaseFilter(states=("closed",)), set()),
        (CaseFilter(department="nowhere"), set()),
        (CaseFilter(text="100%"), set()),
        (CaseFilter(since_us=2**60), set()),
    ],
)
def test_a_filter_narrows_to_what_fits_all_of_it(read, wanted, rules):
    found = newest_cases(read, wanted, limit=100)

    assert {row.case.rule for row in found} == rules
    assert count_cases(read, wanted) == len(found)


def test_urgent_cases_are_by_severity_while_nothing_is_overdue(read):
    ranks = [
        row.case.severity.rank
        for row in urgent_cases(read, CaseFilter(only_open=True), now_us=0, limit=100)
    ]

    assert len(ranks) > 5
    assert ranks == sorted(ranks)


def test_what_is_overdue_comes_before_what_is_graver(read):
    later = now_us() + 400 * 86_400_000_000
    rows = urgent_cases(read, ALL, now_us=later, limit=100)
    late = [_is_over(row.case, later) for row in rows]

    assert late == sorted(late, reverse=True)
    assert any(late)


def _is_over(case: Case, at_us: int) -> bool:
    clock = next_clock(case)
    return clock is not None and clock.is_over(at_us)


def test_a_case_comes_with_its_endpoint_s_line_and_its_evidence(read):
    (row,) = newest_cases(read, CaseFilter(rules=("EXT-01",)), limit=5)
    evidence = evidence_of(read, row.case.id)

    assert case_named(read, row.case.id) == row
    assert (row.endpoint.department, row.endpoint.phone) == ("内科三病区", "8317")
    assert [one.at_us for one in evidence] == sorted((e.at_us for e in evidence), reverse=True)
    assert len(evidence) == count_findings(read, row.case.id) == 3
    assert all('"kind":"connection"' in one.fact for one in evidence)
    assert len(evidence_of(read, row.case.id, limit=1)) == 1


def test_a_case_s_story_begins_with_its_opening(read):
    (row,) = newest_cases(read, CaseFilter(rules=("EXT-01",)), limit=5)

    assert story_of(read, row.case.id)[-1].act == "opened"


def test_nobody_is_not_a_case(read):
    assert case_named(read, "EXT-01-NOTHING2") is None
    assert evidence_of(read, "EXT-01-NOTHING2") == []


def test_a_hostile_label_is_kept_as_it_was(read):
    found = newest_cases(read, CaseFilter(endpoint="fsk-002"), limit=5)

    assert found
    assert any(HOSTILE_LABEL[:20] in str(dict(row.case.params)) for row in found)


@pytest.mark.parametrize(
    ("state", "dues", "clock"),
    [
        (CaseState.AWAITING_ACKNOWLEDGEMENT, (1, 2, 3), NextClock(name="acknowledge", due_us=1)),
        (CaseState.AWAITING_ACKNOWLEDGEMENT, (0, 2, 3), NextClock(name="contain", due_us=2)),
        (CaseState.HANDLING, (1, 2, 3), NextClock(name="contain", due_us=2)),
        (CaseState.HANDLING, (1, 0, 3), NextClock(name="close", due_us=3)),
        (CaseState.AWAITING_RECHECK, (1, 2, 3), NextClock(name="close", due_us=3)),
        (CaseState.AWAITING_RECHECK, (1, 2, 0), None),
        (CaseState.CLOSED, (1, 2, 3), None),
    ],
)
def test_the_clock_that_counts_is_that_of_the_present_step(state, dues, clock):
    case = Case(
        id="c",
        rule="EXT-01",
        agent="a",
        subject="s",
        severity=Severity.HIGH,
        state=state,
        opened_us=0,
        last_seen_us=0,
        count=1,
        policy_version=1,
        decided_by="default",
        message="m",
        params={},
        acknowledge_due_us=dues[0],
        contain_due_us=dues[1],
        close_due_us=dues[2],
    )

    assert next_clock(case) == clock
    assert next_clock(msgspec.structs.replace(case, state=CaseState.FALSE_ALARM)) is None
