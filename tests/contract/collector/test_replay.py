"""Another policy over the past: two real judgements of the same journal."""

import pytest

from checks.check import discover
from checks.finding import Severity
from checks.policy import Endpoint
from checks.wire import encode
from collector.compared import Comparison
from collector.entries import CaseAct, Enrolled, EntryKind, PolicyApplied
from collector.replay import WARM_UP, Replay, ReplayStopped
from tests.fakes.batches import POLICY, START_US, connection, health, network, observation, sealed
from tests.fakes.journal import MemoryJournal

AGENT, SECOND = "a-0001", "a-0002"
NAMES = {AGENT: "NK3-PC-017", SECOND: "FSK-WS-002"}
HOUR_US = 3600 * 1_000_000
DAY_US = 24 * HOUR_US
ONE, OTHER = "203.0.113.9", "198.51.100.7"
APPROVED = POLICY + (
    f'\n[[approved]]\nname = "vendor"\ndestinations = ["{ONE}/32"]\nexpires = 2027-01-01\n'
    'via = "usb_tether"\napplicant = "lab"\napprover = "chief"\npurpose = "updates"\n'
)


class Past:
    """Two endpoints that reached places outside, at times that the test says."""

    def __init__(self) -> None:
        self.journal = MemoryJournal(START_US - 30 * DAY_US)
        self.journal.append(
            EntryKind.POLICY, encode(PolicyApplied(version=1, actor="wu", text=POLICY))
        )
        for agent, name in NAMES.items():
            endpoint = Endpoint(id=agent, name=name, department="内科三病区")
            enrolled = Enrolled(endpoint=endpoint, host="h", machine="m")
            self.journal.append(EntryKind.ENROLLED, encode(enrolled), agent=agent)
        self._last = dict.fromkeys(NAMES, 0)

    def reached(self, destination: str, at_us: int, *, agent: str = AGENT) -> None:
        self.journal.now_us = at_us
        seen = [network(), health(), connection(destination)]
        first = self._last[agent] + 1
        facts = [observation(first + n, fact, at_us=at_us) for n, fact in enumerate(seen)]
        self._last[agent] += len(seen)
        self.journal.put(sealed(agent, facts), agent=agent, first=first, last=self._last[agent])


@pytest.fixture
def past():
    return Past()


@pytest.fixture
def compare(past, tmp_path):
    def compared(
        running: str, candidate: str, *, from_us=START_US, stopped=lambda: False
    ) -> Comparison:
        replay = Replay(
            past.journal,
            checks=discover(),
            is_signed=lambda *_: None,
            scratch=tmp_path,
            stopped=stopped,
        )
        return replay.compare(
            running, candidate, version=1, from_us=from_us, until_us=START_US + 10 * DAY_US
        )

    return compared


def test_what_the_candidate_approves_would_not_have_been_a_case(past, compare, tmp_path):
    past.reached(ONE, START_US + HOUR_US)
    past.reached(OTHER, START_US + 2 * HOUR_US, agent=SECOND)
    entries = list(past.journal.entries)

    told = compare(POLICY, APPROVED)

    [spared] = told.spared
    assert (spared.agent, spared.rule) == (AGENT, "EXT-01")
    assert (told.running, told.candidate) == (2, 1)
    assert (told.opened, told.regraded) == ((), ())
    assert told.observations == 6
    assert told.names == NAMES
    assert past.journal.entries == entries
    assert list(tmp_path.iterdir()) == []


def test_what_it_forbids_would_have_been_one_with_the_entry_that_decides(past, compare):
    past.reached(ONE, START_US + HOUR_US)

    told = compare(APPROVED, POLICY)

    [opened] = told.opened
    assert (opened.rule, opened.department) == ("EXT-01", "内科三病区")
    assert (told.running, told.candidate, told.spared) == (0, 1, ())


def test_another_severity_is_told_with_the_one_before(past, compare):
    past.reached(ONE, START_US + HOUR_US)

    told = compare(POLICY, POLICY + '\n[rules.EXT-01]\nseverity = "low"\n')

    [regraded] = told.regraded
    assert (regraded.before, regraded.case.severity) == (Severity.CRITICAL, Severity.LOW)
    assert (told.opened, told.spared) == ((), ())


def test_only_the_span_counts_and_the_day_before_it_is_judged_for_its_states(past, compare):
    warm_up_us = int(WARM_UP.total_seconds()) * 1_000_000
    past.reached(ONE, START_US - warm_up_us - HOUR_US)
    past.reached(ONE, START_US - HOUR_US)
    past.reached(OTHER, START_US + HOUR_US)
    past.reached(OTHER, START_US + HOUR_US, agent=SECOND)

    told = compare(POLICY, POLICY)

    assert told.observations == 9
    assert (told.running, told.candidate) == (1, 1)  # the first one's was open before


def test_what_people_did_meanwhile_counts_for_both(past, compare):
    """A case that was closed opens again with the next finding, whatever the policy."""
    past.reached(ONE, START_US + HOUR_US)
    [case] = compare(APPROVED, POLICY).opened
    closed = CaseAct(case=case.id, act="close", actor="wang", reason="removed")
    past.journal.append(EntryKind.ACT, encode(closed))
    past.reached(ONE, START_US + 2 * HOUR_US)

    told = compare(POLICY, APPROVED)

    assert [each.state for each in told.spared] == ["closed"]
    assert (told.running, told.candidate) == (1, 0)


def test_an_entry_that_nobody_can_read_ends_nothing(past, compare):
    past.journal.append(EntryKind.POLICY, b"{")
    past.journal.put(b"no batch", agent=AGENT, first=1, last=1)
    past.reached(ONE, START_US + HOUR_US)

    assert len(compare(POLICY, APPROVED).spared) == 1


def test_it_ends_when_nobody_waits_for_it(past, compare, tmp_path):
    past.reached(ONE, START_US + HOUR_US)

    with pytest.raises(ReplayStopped):
        compare(POLICY, APPROVED, stopped=lambda: True)

    assert list(tmp_path.iterdir()) == []
